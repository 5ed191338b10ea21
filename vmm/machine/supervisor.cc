#include "vmm/machine/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

#include "devices/host/terminal.h"
#include "vmm/base/clock.h"
#include "vmm/base/log.h"
#include "vmm/machine/family.h"
#include "vmm/machine/stats_report.h"
#include "vmm/roles/mailbox.h"

namespace husk {
namespace {

// How long the vmm may take to end after it was told to, before it is killed.
constexpr std::uint64_t kStopGraceNanoseconds = 3'000'000'000;

// The terminal is raw from here to the end of the run.
class RawTerminal {
 public:
    explicit RawTerminal(const ConsoleEndpoint& endpoint) : endpoint_(endpoint) {
        if (!endpoint_.terminal) return;
        (void)MakeTerminalRaw(endpoint_.input.Get(), *endpoint_.terminal);
        SetLogRawTerminal(true);
    }
    ~RawTerminal() {
        if (!endpoint_.terminal) return;
        RestoreTerminal(endpoint_.input.Get(), *endpoint_.terminal);
        SetLogRawTerminal(false);
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

 private:
    const ConsoleEndpoint& endpoint_;
};

// The signals a person stops husk with, as something to poll.
class StopSignals {
 public:
    StopSignals() {
        sigset_t set;
        ::sigemptyset(&set);
        for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::sigaddset(&set, number);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        ::signal(SIGPIPE, SIG_IGN);
        ::signal(SIGTTOU, SIG_IGN);
        fd_.Reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    [[nodiscard]] int Fd() const { return fd_.Get(); }
    [[nodiscard]] std::optional<int> Take() const {
        signalfd_siginfo info{};
        if (::read(fd_.Get(), &info, sizeof info) != ssize_t{sizeof info}) return std::nullopt;
        return static_cast<int>(info.ssi_signo);
    }

 private:
    ScopedFd fd_;
};

// One life of the guest, from the start of the family to the end of its last role.
class Life {
 public:
    Life(Family& family, const ConsoleEndpoint& endpoint, const StopSignals& signals, ScopedFd& client)
        : family_(family), endpoint_(endpoint), signals_(signals), client_(client) {}

    Ending Run() {
        while (!family_.vmm.ended || !family_.console.ended) Turn();
        // Asked to power off, it rebooted: whoever asked wants an end, not the next boot.
        if (stop_asked_ && ending_->status == ExitStatus::kReboot)
            return {ExitStatus::kEndedBySignal, *stop_asked_, "stopped", "rebooted instead of powering off: ended"};
        return *ending_;
    }

 private:
    void Turn() {
        const bool wants_client = endpoint_.listener && !client_;
        std::array<pollfd, 6> waiting{
            pollfd{signals_.Fd(), POLLIN, 0},
            pollfd{family_.vmm.ended ? -1 : family_.vmm.channel.Fd(), POLLIN, 0},
            pollfd{family_.console.ended ? -1 : family_.console.channel.Fd(), POLLIN, 0},
            pollfd{family_.vmm.ended ? -1 : family_.vmm.process.pidfd.Get(), POLLIN, 0},
            pollfd{family_.console.ended ? -1 : family_.console.process.pidfd.Get(), POLLIN, 0},
            pollfd{wants_client ? endpoint_.listener.Get() : -1, POLLIN, 0}};
        ::poll(waiting.data(), waiting.size(), stop_deadline_ ? 100 : -1);
        if (waiting[0].revents != 0) OnSignal();
        // A role's last message comes before its end.
        if (waiting[1].revents != 0) OnVmmMessage();
        if (waiting[2].revents != 0) OnConsoleMessage();
        if (waiting[3].revents != 0) OnVmmEnd();
        if (waiting[4].revents != 0) OnConsoleEnd();
        if (waiting[5].revents != 0) OnClient();
        if (stop_deadline_ && MonotonicNanoseconds() > *stop_deadline_) KillFamily();
    }

    // The first request presses the power button; the next one ends the VM.
    void OnSignal() {
        const auto number = signals_.Take();
        if (number) RequestStop(*number);
    }

    void RequestStop(int number) {
        if (going_ && !stop_asked_) {
            stop_asked_ = number;
            Log(LogLevel::kInfo, "asked the guest to power off; ask again to end it at once");
            (void)SendMessage(family_.vmm.channel, PowerButtonPressed{});
            return;
        }
        EndNow(number);
    }

    void EndNow(int number) {
        Conclude({ExitStatus::kEndedBySignal, number, "stopped", "ended before the guest powered off"});
        if (stop_deadline_) return KillFamily();  // asked once more while it was ending
        stop_deadline_ = MonotonicNanoseconds() + kStopGraceNanoseconds;
        if (!family_.vmm.ended) (void)SendMessage(family_.vmm.channel, Stop{});
        if (family_.vmm.ended) KillFamily();
        if (!going_) KillFamily();
    }

    void OnVmmMessage() {
        auto mail = ReceiveMail(family_.vmm.channel);
        if (!mail || mail->PeerGone()) return;
        if (mail->message.As<Ready>() && mail->fd) {
            if (auto stats = SharedPages<VmmStats>::Attach(std::move(mail->fd))) family_.vmm.stats = std::move(*stats);
            GoWhenReady();
        }
        if (const auto failed = mail->message.As<Failed>()) OnFailed(*failed);
        if (const auto ended = mail->message.As<GuestEnded>()) Conclude(EndingOf(*ended));
    }

    void OnConsoleMessage() {
        auto mail = ReceiveMail(family_.console.channel);
        if (!mail || mail->PeerGone()) return;
        if (mail->message.As<Ready>() && mail->fd) {
            if (auto stats = SharedPages<ConsoleStats>::Attach(std::move(mail->fd)))
                family_.console.stats = std::move(*stats);
            if (client_) (void)SendMessage(family_.console.channel, Client{}, client_.Get());
            GoWhenReady();
        }
        if (const auto failed = mail->message.As<Failed>()) OnFailed(*failed);
        if (const auto asks = mail->message.As<ConsoleAsks>()) {
            if (asks->what == ConsoleAsks::What::kQuit) RequestStop(SIGTERM);
            if (asks->what == ConsoleAsks::What::kKill) EndNow(SIGKILL);
            if (asks->what == ConsoleAsks::What::kClientGone) client_.Reset();
        }
    }

    void GoWhenReady() {
        if (going_ || !family_.vmm.stats || !family_.console.stats) return;
        going_ = true;
        (void)SendMessage(family_.vmm.channel, Go{});
    }

    void OnFailed(const Failed& failed) {
        const auto kind =
            static_cast<ErrorKind>(std::min(failed.error_kind, static_cast<std::uint32_t>(ErrorKind::kBootSource)));
        Conclude({StatusOf(kind), 0, "start-failed", std::string(failed.text.View())});
    }

    void OnVmmEnd() {
        const int status = WaitForRole(family_.vmm.process);
        family_.vmm.ended = true;
        while (PendingMessage(family_.vmm.channel)) OnVmmMessage();
        Conclude(EndingOfDeadRole("vmm", status));  // unless it said why
        // The rest of a VM that powered off waits for its reader; that of one that was ended does so for a while only.
        stop_deadline_.reset();
        if (ending_->status == ExitStatus::kEndedBySignal)
            stop_deadline_ = MonotonicNanoseconds() + kStopGraceNanoseconds;
        (void)SendMessage(family_.console.channel, Drain{});
    }

    void OnConsoleEnd() {
        const int status = WaitForRole(family_.console.process);
        family_.console.ended = true;
        while (PendingMessage(family_.console.channel)) OnConsoleMessage();
        if (family_.vmm.ended) return;
        Conclude(EndingOfDeadRole("console", status));
        ::kill(family_.vmm.process.pid, SIGKILL);
    }

    void OnClient() {
        client_.Reset(::accept4(endpoint_.listener.Get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (client_ && family_.console.stats) (void)SendMessage(family_.console.channel, Client{}, client_.Get());
    }

    static bool PendingMessage(const Channel& channel) {
        pollfd waiting{channel.Fd(), POLLIN, 0};
        std::byte probe{};
        return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0 &&
               ::recv(channel.Fd(), &probe, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
    }

    // The first conclusion stands.
    void Conclude(Ending ending) {
        if (!ending_) ending_ = std::move(ending);
    }

    void KillFamily() {
        if (!family_.vmm.ended) ::kill(family_.vmm.process.pid, SIGKILL);
        if (!family_.console.ended && family_.vmm.ended) ::kill(family_.console.process.pid, SIGKILL);
    }

    Family& family_;
    const ConsoleEndpoint& endpoint_;
    const StopSignals& signals_;
    ScopedFd& client_;
    bool going_ = false;
    std::optional<int> stop_asked_;  // by this signal: the power button is pressed
    std::optional<std::uint64_t> stop_deadline_;
    std::optional<Ending> ending_;
};

// The socket goes with the VM.
class SocketFile {
 public:
    explicit SocketFile(const ConsoleEndpoint& endpoint) : endpoint_(endpoint) {}
    ~SocketFile() {
        if (endpoint_.listener) ::unlink(endpoint_.place.c_str());
    }
    SocketFile(const SocketFile&) = delete;
    SocketFile& operator=(const SocketFile&) = delete;

 private:
    const ConsoleEndpoint& endpoint_;
};

}  // namespace

Result<Ending> RunMachine(const MachineConfig& config, std::uint64_t process_start) {
    HUSK_TRY(CheckConfig(config));
    StatsReport report = HUSK_TRY(StatsReport::Create(config, process_start));
    const ConsoleEndpoint endpoint = HUSK_TRY(OpenConsole(config.console));
    const SocketFile socket_file(endpoint);
    if (!endpoint.place.empty()) Log(LogLevel::kInfo, "the console is at " + endpoint.place);
    const StopSignals signals;
    const RawTerminal raw(endpoint);
    ScopedFd client;
    Ending ending;
    do {
        Family family = HUSK_TRY(Family::Start(config, endpoint, process_start));
        ending = Life(family, endpoint, signals, client).Run();
        report.AddBoot(family, ending);
    } while (ending.status == ExitStatus::kReboot && config.on_reboot == OnReboot::kRestart);
    if (ending.status == ExitStatus::kBootSourceUnusable) {
        ending.sentence = "cannot boot " + config.kernel + ": " + ending.sentence;
    }
    HUSK_TRY(report.Write(ending));
    return ending;
}

}  // namespace husk
