#include "vmm/machine/boot_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>
#include <utility>

#include "vmm/machine/nixos_folder.h"
#include "vmm/machine/source_inspection.h"
#include "vmm/machine/source_reader.h"
#include "vmm/roles/messages.h"

namespace husk {
namespace {

using Kind = BootSourceConfig::Kind;

std::unexpected<Error> Unusable(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

// Has one word that begins with "console=".
bool NamesConsole(std::string_view command_line) {
    return command_line.starts_with("console=") || command_line.find(" console=") != std::string_view::npos;
}

// What the entry says, then what the person adds. A kernel without any console would be silent, so that one is added;
// nothing else is.
Result<std::string> FinishCommandLine(std::string_view entry, const MachineConfig& config) {
    std::string line(entry);
    if (!config.command_line.empty()) line.append(line.empty() ? "" : " ").append(config.command_line);
    if (config.uart && !NamesConsole(line)) line.append(line.empty() ? "" : " ").append("console=ttyS0");
    if (line.size() > kMaxCommandLine) {
        return Unusable("its command line has " + std::to_string(line.size()) + " bytes; a kernel takes at most " +
                        std::to_string(kMaxCommandLine) + ", and would lose the rest");
    }
    return line;
}

Result<> CheckSecrets(const MenuEntry& entry, const MachineConfig& config) {
    if (!entry.has_secrets || config.source.ignore_secrets) return {};
    return Unusable(
        "it wants secrets appended to its initrd by a program of its own (boot.initrd.secrets), which husk does not "
        "run; "
        "build it without them, or boot it without them by --ignore-secrets");
}

ReaderConfig ReaderFor(const MachineConfig& config, bool again) {
    ReaderConfig reader;
    reader.plan = true;
    if (!(again && config.source.once)) reader.entry.Assign(config.source.entry);
    reader.specialisation.Assign(config.source.specialisation);
    return reader;
}

Result<PlannedBoot> PlanKernel(const MachineConfig& config) {
    PlannedBoot plan;
    HostFile kernel = HUSK_TRY(OpenHostFile("kernel", config.kernel));
    plan.files.push_back({{0, kernel.bytes}});
    plan.kernel = std::move(kernel.fd);
    if (config.initrd) {
        HostFile initrd = HUSK_TRY(OpenHostFile("initrd", *config.initrd));
        plan.files.push_back({{0, initrd.bytes}});
        plan.initrd = std::move(initrd.fd);
    }
    plan.command_line = config.command_line;
    return plan;
}

// The kernel and the initrd of an entry of the host are files of the host.
Result<PlannedBoot> PlanNixos(const MachineConfig& config, HostResources& resources, RoleStarter& starter, bool again) {
    NixosFolder folder = HUSK_TRY(NixosFolder::Open(config.source.path, config.source.specialisation));
    ReaderConfig request = ReaderFor(config, again);
    folder.Fill(request);
    const SourceReport report =
        HUSK_TRY_IN(folder.Description(), ReadSource(starter, resources.selinux, {.source = folder.Fd()}, request));
    if (!report.chosen) return Fail("the reader of the boot source chose nothing");
    const MenuEntry& entry = report.entries[report.chosen->index];
    HUSK_TRY_IN(config.source.path, CheckSecrets(entry, config));
    PlannedBoot plan;
    HostFile kernel = HUSK_TRY(folder.OpenFile("kernel", entry.kernel.View()));
    plan.files.push_back({{0, kernel.bytes}});
    plan.kernel = std::move(kernel.fd);
    if (report.chosen->initrd.length > 0) {
        HostFile initrd = HUSK_TRY(folder.OpenFile("initrd", report.chosen->initrd.View()));
        plan.files.push_back({{0, initrd.bytes}});
        plan.initrd = std::move(initrd.fd);
    }
    plan.command_line = HUSK_TRY_IN(config.source.path, FinishCommandLine(report.chosen->command_line.View(), config));
    plan.description = DescribeEntry(entry) + " of " + config.source.path;
    return plan;
}

// Kernel and initrds are read through the disk's own file: no path is looked up again, so nobody can have put another
// one in its place.
Result<PlannedBoot> PlanImage(const MachineConfig& config, HostResources& resources, RoleStarter& starter, bool again) {
    const DiskFile& disk = resources.disks.front();
    const std::string name = NameOfSource(config);
    PlannedBoot plan;
    plan.kernel = HUSK_TRY_IN(name, disk.OpenReadOnly());
    ReaderConfig request = ReaderFor(config, again);
    request.form = SourceForm::kImage;
    request.bytes = disk.Bytes();
    SourceReport report =
        HUSK_TRY_IN(name, ReadSource(starter, resources.selinux, {.source = plan.kernel.Get()}, request));
    if (!report.chosen) return Fail("the reader of the boot source chose nothing");
    const bool iso = config.source.kind == Kind::kIso;
    if (iso && !report.chosen->is_iso)
        return Unusable(name + ": it is no ISO 9660 image; --disk FILE --boot disk boots a disk");
    if (report.chosen->initrds > 0) plan.initrd = HUSK_TRY_IN(name, disk.OpenReadOnly());
    plan.files = std::move(report.files);
    plan.command_line = HUSK_TRY_IN(name, FinishCommandLine(report.chosen->command_line.View(), config));
    plan.description = DescribeEntry(report.entries[report.chosen->index]) + " of " + name;
    return plan;
}

}  // namespace

Result<std::vector<CheckFinding>> CheckPlannedImage(const MachineConfig& config, HostResources& resources,
                                                    RoleStarter& starter, bool again) {
    ReaderInput input;
    for (const DiskFile& disk : std::span(resources.disks).subspan(1)) {
        const ScopedFd image = HUSK_TRY(disk.OpenReadOnly());
        for (const AttachedVolume& volume :
             HUSK_TRY(ListVolumes(starter, resources.selinux, image.Get(), disk.Bytes()))) {
            input.volumes.push_back(volume);
        }
    }
    const ScopedFd image = HUSK_TRY(resources.disks.front().OpenReadOnly());
    input.source = image.Get();
    ReaderConfig request = ReaderFor(config, again);
    request.form = SourceForm::kImage;
    request.bytes = resources.disks.front().Bytes();
    request.check = true;
    return HUSK_TRY(ReadSource(starter, resources.selinux, input, request)).findings;
}

std::string NameOfSource(const MachineConfig& config) {
    switch (config.source.kind) {
        case Kind::kKernel:
            return config.kernel;
        case Kind::kNixos:
            return config.source.path;
        case Kind::kDisk:
            return "disk " + config.disks.front().path;
        case Kind::kIso:
            return config.disks.front().path;
    }
    return "";
}

Result<PlannedBoot> PlanBoot(const MachineConfig& config, HostResources& resources, RoleStarter& starter, bool again) {
    switch (config.source.kind) {
        case Kind::kKernel:
            return PlanKernel(config);
        case Kind::kNixos:
            return PlanNixos(config, resources, starter, again);
        case Kind::kDisk:
        case Kind::kIso:
            return PlanImage(config, resources, starter, again);
    }
    return Fail("no boot source");
}

}  // namespace husk
