#include "vmm/roles/reader_role.h"

#include <unistd.h>

#include <csignal>

#include "boot/nixos/boot_image.h"
#include "boot/nixos/menus/bootspec.h"
#include "boot/nixos/menus/toplevel.h"
#include "sandbox/process/role_start.h"
#include "vmm/base/role_heap.h"
#include "vmm/base/syscalls.h"
#include "vmm/roles/fd_source.h"
#include "vmm/roles/filters/filters.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/reader_check.h"
#include "vmm/roles/reader_messages.h"
#include "vmm/roles/role_exit.h"
#include "vmm/roles/sealing.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

// What a reader may use, whatever a stranger's image asks for.
constexpr std::size_t kHeapBytes = 512U << 20;

template <typename M>
void Report(const M& message) {
    const MessageBuffer buffer = MessageBuffer::Encode(message);
    RawWrite(reader_slot::kReport, buffer.Bytes());
}

[[noreturn]] void ReportFailure(ErrorKind kind, std::string_view sentence) {
    Failed message;
    message.error_kind = static_cast<std::uint32_t>(kind);
    message.text.Assign(sentence);
    Report(message);
    LeaveRole(1);
}

void Exhausted() {
    ReportFailure(ErrorKind::kBootSource, "reading it needs more memory than husk gives a reader (512 MiB)");
}

class ReaderRole {
 public:
    [[nodiscard]] Result<> Prepare(const Channel& launcher) {
        HUSK_TRY(BeginRole({SIGKILL, reader_slot::kLauncher}, "reader"));
        const auto manifest = HUSK_TRY(Expect<Manifest>(launcher));
        HUSK_TRY(CheckManifest(manifest.first));
        sealing_.emplace(HUSK_TRY(Sealing::Begin(launcher)));
        config_ = HUSK_TRY(Expect<ReaderConfig>(launcher)).first;
        for (std::uint32_t index = 0; index < config_.volumes; ++index) {
            const AttachedVolume volume = HUSK_TRY(Expect<AttachedVolume>(launcher)).first;
            attached_.push_back(
                {std::string(volume.type.View()), std::string(volume.label.View()), std::string(volume.uuid.View())});
        }
        // Loading libraries opens files, which a sealed reader cannot; and only checks unpack anything.
        if (config_.check) libraries_ = DecompressionLibraries::Load();
        return {};
    }

    // The launcher's channel is closed by now: what is left is the source and the pipe.
    [[nodiscard]] Result<> Seal() {
        SealReport report;
        HUSK_TRY(FillFreeSlots(reader_slot::kEnd));
        HUSK_TRY(
            sealing_->SealProcess({.open_files = reader_slot::kEnd, .file_size = 0}, reader_slot::kReport, report));
        return sealing_->SealThread(filters::Reader());
    }

    [[nodiscard]] Result<> Run() const {
        const FdSource source(reader_slot::kSource, config_.bytes);
        if (config_.form == SourceForm::kImage) return RunImage(source);
        if (config_.form == SourceForm::kVolumes) {
            ReportVolumes(HUSK_TRY(VolumesOf(source)));
            return {};
        }
        if (config_.form == SourceForm::kFiles) return CheckFiles(source);
        const BootMenu menu = HUSK_TRY(ReadText(source));
        ReportMenu(menu);
        if (!config_.plan) return {};
        const std::size_t index = HUSK_TRY(Choose(menu));
        return ReportChosen(menu, index, false);
    }

 private:
    [[nodiscard]] Result<> RunImage(const ByteSource& source) const {
        const BootImage image = HUSK_TRY(BootImage::Open(source));
        ReportMenu(image.Menu());
        if (config_.plan) HUSK_TRY(PlanImage(image));
        if (!config_.check) return {};
        const BootEntry& entry = image.Menu().entries[HUSK_TRY(Choose(image.Menu()))];
        ReportFindings(HUSK_TRY(CheckImageEntry(image, entry, source, attached_, libraries_)));
        return {};
    }

    [[nodiscard]] Result<> CheckFiles(const ByteSource& kernel) const {
        const FdSource initrd(reader_slot::kInitrd, config_.initrd_bytes);
        BootEntry entry;
        entry.command_line = config_.command_line.View();
        if (config_.has_secrets) entry.initrd_secrets = "append-initrd-secrets";
        std::vector<const ByteSource*> initrds;
        if (config_.initrd_bytes > 0) {
            entry.initrds.emplace_back("initrd");
            initrds.push_back(&initrd);
        }
        ReportFindings(HUSK_TRY(CheckEntry(entry, kernel, initrds, attached_, libraries_)));
        return {};
    }

    [[nodiscard]] Result<BootMenu> ReadText(const ByteSource& source) const {
        if (source.Size() > boot_limits::kTextFile) {
            return Fail(ErrorKind::kBootSource,
                        "it has " + std::to_string(source.Size()) + " bytes; no such file has so many");
        }
        std::string text(source.Size(), '\0');
        HUSK_TRY(source.Read(0, std::as_writable_bytes(std::span(text))));
        if (config_.form == SourceForm::kBootspec) return ParseBootspec(text);
        const std::string folder(config_.folder.View());
        if (config_.form == SourceForm::kNetbootIpxe) return ParseNetbootIpxe(text, folder);
        if (config_.form == SourceForm::kKexecBoot) return ParseKexecBoot(text, folder);
        return MakeToplevelMenu({{.specialisation = {},
                                  .folder = folder,
                                  .init = folder + "/init",
                                  .kernel_params = text,
                                  .nixos_version = {},
                                  .has_initrd = config_.has_initrd,
                                  .has_initrd_secrets = config_.has_secrets}});
    }

    [[nodiscard]] Result<std::size_t> Choose(const BootMenu& menu) const {
        return ChooseEntry(menu, {std::string(config_.entry.View()), std::string(config_.specialisation.View())});
    }

    static void ReportMenu(const BootMenu& menu) {
        for (std::size_t index = 0; index < menu.entries.size(); ++index) {
            const BootEntry& entry = menu.entries[index];
            MenuEntry message;
            message.generation = entry.generation.value_or(0);
            message.has_generation = entry.generation.has_value();
            message.is_default = menu.default_entry == index;
            message.bad = entry.bad;
            message.has_secrets = !entry.initrd_secrets.empty();
            message.id.Assign(entry.id);
            message.title.Assign(entry.title);
            message.version.Assign(entry.version);
            message.specialisation.Assign(entry.specialisation);
            message.label.Assign(entry.label);
            message.date.Assign(entry.date);
            message.kernel.Assign(entry.kernel);
            Report(message);
        }
        for (const std::string& note : menu.notes) {
            MenuNote message;
            message.text.Assign(note);
            Report(message);
        }
    }

    static void ReportVolumes(const std::vector<VolumeIdentity>& volumes) {
        for (const VolumeIdentity& volume : volumes) {
            AttachedVolume message;
            message.type.Assign(volume.type);
            message.label.Assign(volume.label);
            message.uuid.Assign(volume.uuid);
            Report(message);
        }
    }

    static void ReportFindings(const std::vector<Finding>& findings) {
        for (const Finding& finding : findings) {
            CheckFinding message;
            message.will_not_boot = finding.severity == Severity::kWillNotBoot;
            message.text.Assign(finding.sentence);
            Report(message);
        }
    }

    // What is longer than a message would be cut: an error instead.
    [[nodiscard]] static Result<> ReportChosen(const BootMenu& menu, std::size_t index, bool is_iso) {
        const BootEntry& entry = menu.entries[index];
        if (entry.command_line.size() > kMaxCommandLine) {
            return Fail(ErrorKind::kBootSource,
                        "the command line of its entry has " + std::to_string(entry.command_line.size()) +
                            " bytes; a kernel takes at most 2047, and would lose the rest: shorten boot.kernelParams");
        }
        ChosenEntry message;
        message.index = static_cast<std::uint32_t>(index);
        message.initrds = static_cast<std::uint32_t>(entry.initrds.size());
        message.is_iso = is_iso;
        message.command_line.Assign(entry.command_line);
        if (!entry.initrds.empty()) message.initrd.Assign(entry.initrds.front());
        Report(message);
        return {};
    }

    [[nodiscard]] Result<> PlanImage(const BootImage& image) const {
        const std::size_t index = HUSK_TRY(Choose(image.Menu()));
        const EntryFiles files = HUSK_TRY(image.Files(image.Menu().entries[index]));
        HUSK_TRY(ReportChosen(image.Menu(), index, image.IsIso()));
        BootPieces message;
        std::size_t messages = 0;
        const auto add = [&](std::uint32_t file, const FileExtents& extents) {
            for (const ByteRange& range : extents.ranges) {
                message.pieces[message.count++] = {file, range.offset, range.length};
                if (message.count < message.pieces.size()) continue;
                if (++messages < kMaxBootPiecesMessages) Report(message);
                message.count = 0;
            }
        };
        add(0, files.kernel);
        for (std::uint32_t initrd = 0; initrd < files.initrds.size(); ++initrd) add(initrd + 1, files.initrds[initrd]);
        if (messages >= kMaxBootPiecesMessages) {
            return Fail(ErrorKind::kBootSource,
                        "its kernel and initrd are in too many pieces: copy them to a fresh file system");
        }
        if (message.count > 0) Report(message);
        return {};
    }

    std::optional<Sealing> sealing_;
    ReaderConfig config_;
    std::vector<VolumeIdentity> attached_;
    DecompressionLibraries libraries_;
};

}  // namespace

void RunReaderRole() {
    std::optional<Channel> launcher(std::in_place, ScopedFd(reader_slot::kLauncher));
    if (const auto reserved = ReserveRoleHeap(kHeapBytes, Exhausted); !reserved) FailRole(*launcher, reserved.error());
    ReaderRole role;
    if (const auto prepared = role.Prepare(*launcher); !prepared) FailRole(*launcher, prepared.error());
    launcher.reset();
    if (const auto sealed = role.Seal(); !sealed) ReportFailure(sealed.error().Kind(), sealed.error().Message());
    if (const auto read = role.Run(); !read) ReportFailure(read.error().Kind(), read.error().Message());
    Report(ReaderDone{});
    LeaveRole(0);
}

}  // namespace husk
