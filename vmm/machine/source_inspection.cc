#include "vmm/machine/source_inspection.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <utility>

namespace husk {
namespace {

bool IsFolder(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool IsBlockDevice(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
}

// An image or a block device.
Result<HostFile> OpenImage(const std::string& path) {
    if (!IsBlockDevice(path)) return OpenHostFile("image", path);
    HostFile device{ScopedFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)), 0};
    if (!device.fd || ::ioctl(device.fd.Get(), BLKGETSIZE64, &device.bytes) != 0) {
        return std::unexpected(Error::Os("cannot use disk " + path).As(ErrorKind::kBootSource));
    }
    return device;
}

// Readers for a person who has no VM.
class Inspector {
 public:
    [[nodiscard]] static Result<Inspector> Create() {
        Inspector inspector;
        inspector.starter_.emplace(HUSK_TRY(RoleStarter::Create("source", {}, NoSelinux())));
        return inspector;
    }

    [[nodiscard]] Result<SourceReport> ReadFolder(const NixosFolder& folder, ReaderConfig request) {
        folder.Fill(request);
        return HUSK_TRY_IN(folder.Description(),
                           ReadSource(*starter_, NoSelinux(), {.source = folder.Fd(), .volumes = {}}, request));
    }

    [[nodiscard]] Result<SourceReport> ReadImage(const std::string& path, ReaderConfig request,
                                                 std::vector<AttachedVolume> volumes) {
        const HostFile image = HUSK_TRY(OpenImage(path));
        request.form = SourceForm::kImage;
        request.bytes = image.bytes;
        return HUSK_TRY_IN(path, ReadSource(*starter_, NoSelinux(),
                                            {.source = image.fd.Get(), .volumes = std::move(volumes)}, request));
    }

    [[nodiscard]] Result<std::vector<AttachedVolume>> VolumesOf(const std::vector<std::string>& disks) {
        std::vector<AttachedVolume> volumes;
        for (const std::string& disk : disks) {
            const HostFile image = HUSK_TRY(OpenImage(disk));
            for (const AttachedVolume& volume :
                 HUSK_TRY_IN(disk, ListVolumes(*starter_, NoSelinux(), image.fd.Get(), image.bytes))) {
                volumes.push_back(volume);
            }
        }
        return volumes;
    }

    [[nodiscard]] Result<std::vector<CheckFinding>> CheckFiles(const HostFiles& files,
                                                               std::vector<AttachedVolume> volumes) {
        return CheckHostFiles(*starter_, NoSelinux(), files, std::move(volumes));
    }

 private:
    Inspector() = default;
    static std::optional<SelinuxConfinement>& NoSelinux() {
        static std::optional<SelinuxConfinement> none;
        return none;
    }

    std::optional<RoleStarter> starter_;
};

ReaderConfig RequestFor(const CheckRequest& request) {
    ReaderConfig config;
    config.plan = true;
    config.entry.Assign(request.entry);
    config.specialisation.Assign(request.specialisation);
    return config;
}

// A system of the host: its files are looked at once it is known which they are.
Result<CheckReport> CheckFolder(Inspector& inspector, const CheckRequest& request) {
    const NixosFolder folder = HUSK_TRY(NixosFolder::Open(request.source, request.specialisation));
    const SourceReport report = HUSK_TRY(inspector.ReadFolder(folder, RequestFor(request)));
    if (!report.chosen) return Fail("the reader of the boot source chose nothing");
    const MenuEntry& entry = report.entries[report.chosen->index];
    const HostFile kernel = HUSK_TRY(folder.OpenFile("kernel", entry.kernel.View()));
    HostFile initrd;
    if (report.chosen->initrd.length > 0) {
        initrd = HUSK_TRY(folder.OpenFile("initrd", report.chosen->initrd.View()));
    }
    auto volumes = HUSK_TRY(inspector.VolumesOf(request.disks));
    const HostFiles files{kernel, initrd, report.chosen->command_line.View(), entry.has_secrets != 0};
    return CheckReport{DescribeEntry(entry), HUSK_TRY(inspector.CheckFiles(files, std::move(volumes))), report.notes};
}

Result<CheckReport> CheckImage(Inspector& inspector, const CheckRequest& request) {
    auto volumes = HUSK_TRY(inspector.VolumesOf(request.disks));
    ReaderConfig config = RequestFor(request);
    config.check = true;
    SourceReport report = HUSK_TRY(inspector.ReadImage(request.source, config, std::move(volumes)));
    if (!report.chosen) return Fail("the reader of the boot source chose nothing");
    return CheckReport{DescribeEntry(report.entries[report.chosen->index]), std::move(report.findings),
                       std::move(report.notes)};
}

}  // namespace

std::string DescribeEntry(const MenuEntry& entry) {
    std::string text = entry.has_generation ? "generation " + std::to_string(entry.generation)
                                            : "\"" + std::string(entry.id.View()) + "\"";
    if (entry.specialisation.length > 0) text += ", specialisation " + std::string(entry.specialisation.View());
    return text;
}

Result<SourceReport> ListSource(const std::string& path) {
    Inspector inspector = HUSK_TRY(Inspector::Create());
    if (!IsFolder(path)) return inspector.ReadImage(path, {}, {});
    return inspector.ReadFolder(HUSK_TRY(NixosFolder::Open(path, "")), {});
}

Result<CheckReport> CheckSource(const CheckRequest& request) {
    Inspector inspector = HUSK_TRY(Inspector::Create());
    return IsFolder(request.source) ? CheckFolder(inspector, request) : CheckImage(inspector, request);
}

Result<std::vector<CheckFinding>> CheckHostFiles(RoleStarter& starter, std::optional<SelinuxConfinement>& selinux,
                                                 const HostFiles& files, std::vector<AttachedVolume> volumes) {
    ReaderConfig config;
    config.form = SourceForm::kFiles;
    config.bytes = files.kernel.bytes;
    config.check = true;
    config.initrd_bytes = files.initrd.bytes;
    config.has_secrets = files.has_secrets;
    config.command_line.Assign(files.command_line);
    const ReaderInput input{files.kernel.fd.Get(), files.initrd.fd.Get(), std::move(volumes)};
    return HUSK_TRY(ReadSource(starter, selinux, input, config)).findings;
}

Result<std::vector<AttachedVolume>> ListVolumes(RoleStarter& starter, std::optional<SelinuxConfinement>& selinux,
                                                int image, std::uint64_t bytes) {
    ReaderConfig config;
    config.form = SourceForm::kVolumes;
    config.bytes = bytes;
    return HUSK_TRY(ReadSource(starter, selinux, {.source = image, .volumes = {}}, config)).volumes;
}

}  // namespace husk
