#include "vmm/machine/host_resources.h"

#include "vmm/machine/own_program.h"

namespace husk {

Result<HostResources> HostResources::Open(const MachineConfig& config) {
    HostResources resources;
    resources.selinux_host = MakeLibSelinuxHost();
    std::optional<SelinuxConfinement>& selinux = resources.selinux;
    selinux = HUSK_TRY(
        SelinuxConfinement::Prepare(config.confinement.selinux, HUSK_TRY(OwnProgram()), *resources.selinux_host));
    for (const DiskConfig& disk : config.disks) {
        resources.disks.push_back(HUSK_TRY(DiskFile::Open(disk.path, disk.read_only)));
        if (!selinux) continue;
        HUSK_TRY(selinux->LabelDisk(resources.disks.back().Fd(), disk.path, disk.read_only));
    }
    // The sockets of the console and of its ports are used by a role.
    std::optional<ScopedSocketContext> socket_label;
    if (selinux) socket_label.emplace(HUSK_TRY(selinux->LabelSockets()));
    resources.console = HUSK_TRY(OpenConsole(config.console));
    if (config.console_log) resources.console_log = HUSK_TRY(OpenConsoleLog(config.console_log->path));
    for (const PortConfig& port : config.ports) {
        resources.ports.push_back(HUSK_TRY(UnixListener::Open("the socket of port " + port.name, port.path)));
    }
    for (const ScopedFd* fd : {&resources.console.input, &resources.console.output}) {
        if (selinux && *fd) selinux->LabelPipe(fd->Get());
    }
    return resources;
}

}  // namespace husk
