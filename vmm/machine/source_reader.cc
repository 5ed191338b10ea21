#include "vmm/machine/source_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "vmm/base/clock.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

constexpr std::uint64_t kDeadlineNanoseconds = 60'000'000'000;

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
    SourceReportBuilder report(config.bytes);
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
