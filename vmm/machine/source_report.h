// SourceReport: what a reader said about a boot source, checked packet by packet: a reader may have been taken over by
// what it read. Numbers and lengths are within what there is, and texts are fit for a terminal; whether they are true
// nobody can tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boot/linux/boot_file.h"
#include "vmm/roles/reader_messages.h"

namespace husk {

struct SourceReport {
    std::vector<MenuEntry> entries;
    std::vector<std::string> notes;
    std::optional<ChosenEntry> chosen;  // with a plan; its index is one of `entries`
    // With a plan, of images: the kernel's pieces, then those of each initrd, all within the source.
    std::vector<std::vector<FilePiece>> files;
    std::vector<CheckFinding> findings;   // with a check
    std::vector<AttachedVolume> volumes;  // of disks
};

class SourceReportBuilder {
 public:
    // `source_bytes`: how long the source is.
    explicit SourceReportBuilder(std::uint64_t source_bytes) : source_bytes_(source_bytes) {}

    // One packet of the reader's pipe. An error is the reader's own (it cannot read the source, it did what is
    // forbidden), or that the packet breaks the protocol.
    [[nodiscard]] Result<> Take(const MessageBuffer& packet);
    // The reader said that this is all.
    [[nodiscard]] bool Done() const { return done_; }
    [[nodiscard]] SourceReport Release() { return std::move(report_); }

 private:
    [[nodiscard]] Result<> OnEntry(MenuEntry entry);
    [[nodiscard]] Result<> OnNote(MenuNote note);
    [[nodiscard]] Result<> OnChosen(ChosenEntry chosen);
    [[nodiscard]] Result<> OnPieces(const BootPieces& message);
    [[nodiscard]] Result<> OnFinding(CheckFinding finding);
    [[nodiscard]] Result<> OnVolume(AttachedVolume volume);

    std::uint64_t source_bytes_;
    SourceReport report_;
    std::uint32_t pieces_messages_ = 0;
    bool done_ = false;
};

// What a role said when it could not start or go on.
[[nodiscard]] Error ErrorOf(Failed failed);

}  // namespace husk
