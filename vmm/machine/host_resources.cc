#include "vmm/machine/host_resources.h"

#include <cstdlib>

#include "devices/host/overlay_disk.h"
#include "vmm/machine/own_program.h"

namespace husk {
namespace {

// Large files live long here; /tmp is memory on many hosts.
std::string ScratchFolder() {
    const char* const chosen = std::getenv("TMPDIR");
    return chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp";
}

}  // namespace

Result<HostResources> HostResources::Open(const MachineConfig& config) {
    HostResources resources;
    resources.selinux_host = MakeLibSelinuxHost();
    std::optional<SelinuxConfinement>& selinux = resources.selinux;
    selinux = HUSK_TRY(
        SelinuxConfinement::Prepare(config.confinement.selinux, HUSK_TRY(OwnProgram()), *resources.selinux_host));
    for (const DiskConfig& disk : config.disks) {
        const bool read_only = disk.read_only || disk.ephemeral;
        const DiskFile& file = resources.disks.emplace_back(HUSK_TRY(DiskFile::Open(disk.path, read_only)));
        if (disk.direct) HUSK_TRY(resources.disks.back().MakeDirect());
        if (selinux) HUSK_TRY(selinux->LabelDisk(file.Fd(), disk.path, read_only));
        ScopedFd& scratch = resources.scratches.emplace_back();
        if (!disk.ephemeral) continue;
        scratch = HUSK_TRY_IN("disk " + disk.path, OverlayDisk::CreateScratch(ScratchFolder(), file.Bytes()));
        if (selinux) HUSK_TRY(selinux->LabelDisk(scratch.Get(), "the scratch file of " + disk.path, false));
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
