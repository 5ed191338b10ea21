#include "vmm/machine/source_report.h"

#include <algorithm>
#include <span>

#include "vmm/machine/exit_status.h"

namespace husk {
namespace {

constexpr std::size_t kMostNotes = 64;
constexpr std::size_t kMostFindings = 256;
constexpr std::size_t kMostVolumes = 256;

std::unexpected<Error> Broken() { return Fail("the reader of the boot source broke its protocol"); }

// Control characters, those of UTF-8 (U+0080 to U+009F) among them, would command the terminal that the text is shown
// on.
template <std::size_t kMax>
void Clean(FixedText<kMax>& text) {
    text.length = std::min<std::uint32_t>(text.length, kMax);
    const auto bytes = std::span(text.bytes).first(text.length);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        const auto byte = static_cast<unsigned char>(bytes[at]);
        const bool high_control = byte == 0xc2 && at + 1 < bytes.size() &&
                                  static_cast<unsigned char>(bytes[at + 1]) >= 0x80 &&
                                  static_cast<unsigned char>(bytes[at + 1]) < 0xa0;
        if (high_control) bytes[at + 1] = '?';
        if (high_control || byte < 0x20 || byte == 0x7f) bytes[at] = '?';
    }
}

template <std::size_t... kMax>
void CleanAll(FixedText<kMax>&... texts) {
    (Clean(texts), ...);
}

}  // namespace

Error ErrorOf(Failed failed) {
    Clean(failed.text);
    const std::uint32_t kind = std::min(failed.error_kind, static_cast<std::uint32_t>(ErrorKind::kBootSource));
    return Error(static_cast<ErrorKind>(kind), std::string(failed.text.View()));
}

Result<> SourceReportBuilder::Take(const MessageBuffer& packet) {
    if (done_) return Broken();
    if (const auto entry = packet.As<MenuEntry>()) return OnEntry(*entry);
    if (const auto note = packet.As<MenuNote>()) return OnNote(*note);
    if (const auto chosen = packet.As<ChosenEntry>()) return OnChosen(*chosen);
    if (const auto pieces = packet.As<BootPieces>()) return OnPieces(*pieces);
    if (const auto finding = packet.As<CheckFinding>()) return OnFinding(*finding);
    if (const auto volume = packet.As<AttachedVolume>()) return OnVolume(*volume);
    if (const auto failed = packet.As<Failed>()) return std::unexpected(ErrorOf(*failed));
    if (const auto violation = packet.As<Violation>()) return Fail(EndingOfViolation("reader", *violation).sentence);
    if (!packet.As<ReaderDone>()) return Broken();
    done_ = true;
    return {};
}

Result<> SourceReportBuilder::OnEntry(MenuEntry entry) {
    if (report_.entries.size() >= boot_limits::kEntries) return Broken();
    CleanAll(entry.id, entry.title, entry.version, entry.specialisation, entry.label, entry.date, entry.kernel);
    report_.entries.push_back(entry);
    return {};
}

Result<> SourceReportBuilder::OnNote(MenuNote note) {
    if (report_.notes.size() >= kMostNotes) return Broken();
    Clean(note.text);
    report_.notes.emplace_back(note.text.View());
    return {};
}

Result<> SourceReportBuilder::OnChosen(ChosenEntry chosen) {
    if (report_.chosen || chosen.index >= report_.entries.size() || chosen.initrds > kMaxInitrds) return Broken();
    CleanAll(chosen.command_line, chosen.initrd);
    report_.chosen = chosen;
    report_.files.resize(1 + chosen.initrds);
    return {};
}

Result<> SourceReportBuilder::OnPieces(const BootPieces& message) {
    if (++pieces_messages_ > kMaxBootPiecesMessages || message.count > message.pieces.size()) return Broken();
    for (const BootPieces::Piece& piece : std::span(message.pieces).first(message.count)) {
        const bool within = piece.offset <= source_bytes_ && piece.length <= source_bytes_ - piece.offset;
        if (piece.file >= report_.files.size() || !within) return Broken();
        report_.files[piece.file].push_back({piece.offset, piece.length});
    }
    return {};
}

Result<> SourceReportBuilder::OnFinding(CheckFinding finding) {
    if (report_.findings.size() >= kMostFindings) return Broken();
    Clean(finding.text);
    report_.findings.push_back(finding);
    return {};
}

Result<> SourceReportBuilder::OnVolume(AttachedVolume volume) {
    if (report_.volumes.size() >= kMostVolumes) return Broken();
    CleanAll(volume.type, volume.label, volume.uuid);
    report_.volumes.push_back(volume);
    return {};
}

}  // namespace husk
