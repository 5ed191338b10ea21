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
    // A console's and a network's sockets are used by roles.
    std::optional<ScopedSocketContext> socket_label;
    if (selinux) socket_label.emplace(HUSK_TRY(selinux->LabelSockets()));
    resources.console = HUSK_TRY(OpenConsole(config.console));
    for (std::uint32_t net = 0; net < config.networks.size(); ++net) {
        resources.nets.push_back(HUSK_TRY(HostNet::Open(config.networks[net], config.name, net)));
        const ScopedFd& capture = resources.nets.back().capture.fd;
        if (selinux && capture) selinux->LabelPipe(capture.Get());
    }
    for (const ScopedFd* fd : {&resources.console.input, &resources.console.output}) {
        if (selinux && *fd) selinux->LabelPipe(fd->Get());
    }
    return resources;
}

}  // namespace husk
