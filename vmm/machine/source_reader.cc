#include "vmm/machine/source_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "vmm/base/clock.h"
#include "vmm/machine/exit_status.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

constexpr std::uint64_t kDeadlineNanoseconds = 60'000'000'000;
constexpr std::size_t kMostNotes = 64;
constexpr std::size_t kMostOfAKind = 256;

std::unexpected<Error> Broken() { return Fail("the reader of the boot source broke its protocol"); }

Error ErrorOf(const Failed& failed) {
    const std::uint32_t kind = std::min(failed.error_kind, static_cast<std::uint32_t>(ErrorKind::kBootSource));
    return Error(static_cast<ErrorKind>(kind), std::string(failed.text.View()));
}

class ReportReader {
 public:
    explicit ReportReader(std::uint64_t source_bytes) : source_bytes_(source_bytes) {}

    // One packet of the pipe.
    [[nodiscard]] Result<> Take(const MessageBuffer& packet) {
        if (done_) return Broken();
        if (const auto entry = packet.As<MenuEntry>()) return OnEntry(*entry);
        if (const auto note = packet.As<MenuNote>()) return OnNote(*note);
        if (const auto chosen = packet.As<ChosenEntry>()) return OnChosen(*chosen);
        if (const auto pieces = packet.As<BootPieces>()) return OnPieces(*pieces);
        if (const auto finding = packet.As<CheckFinding>()) return Keep(*finding, report_.findings);
        if (const auto volume = packet.As<AttachedVolume>()) return Keep(*volume, report_.volumes);
        if (const auto failed = packet.As<Failed>()) return std::unexpected(ErrorOf(*failed));
        if (const auto violation = packet.As<Violation>()) {
            return Fail(EndingOfViolation("reader", *violation).sentence);
        }
        if (!packet.As<ReaderDone>()) return Broken();
        done_ = true;
        return {};
    }

    [[nodiscard]] bool Done() const { return done_; }
    [[nodiscard]] SourceReport Release() { return std::move(report_); }

 private:
    Result<> OnEntry(const MenuEntry& entry) {
        if (report_.entries.size() >= boot_limits::kEntries) return Broken();
        report_.entries.push_back(entry);
        return {};
    }
    template <typename M>
    Result<> Keep(const M& message, std::vector<M>& list) {
        if (list.size() >= kMostOfAKind) return Broken();
        list.push_back(message);
        return {};
    }
    Result<> OnNote(const MenuNote& note) {
        if (report_.notes.size() >= kMostNotes) return Broken();
        report_.notes.emplace_back(note.text.View());
        return {};
    }
    Result<> OnChosen(const ChosenEntry& chosen) {
        if (report_.chosen || chosen.index >= report_.entries.size() || chosen.initrds > kMaxInitrds) return Broken();
        report_.chosen = chosen;
        report_.files.resize(1 + chosen.initrds);
        return {};
    }
    Result<> OnPieces(const BootPieces& message) {
        if (++pieces_messages_ > kMaxBootPiecesMessages || message.count > message.pieces.size()) return Broken();
        for (const BootPieces::Piece& piece : std::span(message.pieces).first(message.count)) {
            const bool within = piece.offset <= source_bytes_ && piece.length <= source_bytes_ - piece.offset;
            if (piece.file >= report_.files.size() || !within) return Broken();
            report_.files[piece.file].push_back({piece.offset, piece.length});
        }
        return {};
    }

    std::uint64_t source_bytes_;
    SourceReport report_;
    std::uint32_t pieces_messages_ = 0;
    bool done_ = false;
};

// False at the end: every writer is gone.
Result<bool> ReadPacket(int pipe, std::uint64_t deadline, MessageBuffer& packet) {
    while (true) {
        const std::uint64_t now = MonotonicNanoseconds();
        pollfd waiting{pipe, POLLIN, 0};
        const int left = now < deadline ? static_cast<int>((deadline - now) / 1'000'000 + 1) : 0;
        const int ready = ::poll(&waiting, 1, left);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return FailOs("cannot wait for the reader of the boot source");
        if (ready == 0) return Fail("reading the boot source took longer than a minute");
        const ssize_t got = ::read(pipe, packet.bytes.data(), packet.bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return FailOs("cannot hear the reader of the boot source");
        packet.size = static_cast<std::size_t>(got);
        return got > 0;
    }
}

Result<SourceReport> Listen(int pipe, const ReaderConfig& config) {
    ReportReader report(config.bytes);
    MessageBuffer packet;
    const std::uint64_t deadline = MonotonicNanoseconds() + kDeadlineNanoseconds;
    while (HUSK_TRY(ReadPacket(pipe, deadline, packet))) HUSK_TRY(report.Take(packet));
    if (!report.Done()) return Fail("the reader of the boot source died");
    return report.Release();
}

// The role's start may fail before it uses its pipe; then it says why on its channel.
std::optional<Error> StartFailure(const RoleHandle& role) {
    pollfd waiting{role.channel.Fd(), POLLIN, 0};
    if (::poll(&waiting, 1, 0) <= 0) return std::nullopt;
    const auto mail = ReceiveMail(role.channel);
    if (!mail) return std::nullopt;
    const auto failed = mail->message.As<Failed>();
    if (!failed) return std::nullopt;
    return ErrorOf(*failed);
}

}  // namespace

Result<SourceReport> ReadSource(RoleStarter& starter, std::optional<SelinuxConfinement>& selinux,
                                const ReaderInput& input, ReaderConfig config) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_DIRECT) != 0) return FailOs("cannot make a pipe");
    const ScopedFd reports(ends[0]);
    ScopedFd writer(ends[1]);
    if (selinux) selinux->LabelPipe(writer.Get());
    std::vector<SlotAssignment> slots{{input.source, reader_slot::kSource}, {writer.Get(), reader_slot::kReport}};
    if (input.initrd >= 0) slots.push_back({input.initrd, reader_slot::kInitrd});
    const auto volumes = std::span(input.volumes).first(std::min(input.volumes.size(), kMaxVolumes));
    config.volumes = static_cast<std::uint32_t>(volumes.size());
    const RoleHandle role = HUSK_TRY(
        starter.Start("reader", "reader", std::move(slots), {.open_files = kWorkerFiles, .file_size = 0}, config));
    for (const AttachedVolume& volume : volumes) HUSK_TRY(SendMessage(role.channel, volume));
    writer.Reset();
    auto report = Listen(reports.Get(), config);
    ::kill(role.process.pid, SIGKILL);  // it has ended, or must
    (void)WaitForRole(role.process);
    if (report) return report;
    if (auto failure = StartFailure(role)) return std::unexpected(std::move(*failure));
    return report;
}

}  // namespace husk
