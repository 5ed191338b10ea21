#include "vmm/machine/life.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "vmm/base/clock.h"
#include "vmm/base/log.h"
#include "vmm/machine/device_reports.h"
#include "vmm/roles/mailbox.h"

namespace husk {
namespace {

// How long the vmm may take to end after it was told to, before it is killed.
constexpr std::uint64_t kStopGraceNanoseconds = 3'000'000'000;
// How long a vmm that has closed its descriptors may take to be gone.
constexpr int kVmmDeathMilliseconds = 1000;

class Life {
 public:
    Life(Family& family, HostResources& resources, const Signals& signals, ConsoleClients& clients,
         const std::function<std::string()>& explain_stall)
        : family_(family), resources_(resources), signals_(signals), clients_(clients), explain_stall_(explain_stall) {}

    Ending Run() {
        while (!std::ranges::all_of(family_.roles, &RoleHandle::ended)) Turn();
        // Asked to power off, it rebooted: whoever asked wants an end, not the next boot.
        if (stop_asked_ && ending_->status == ExitStatus::kReboot)
            return {ExitStatus::kEndedBySignal, *stop_asked_, "stopped", "rebooted instead of powering off: ended"};
        if (end_asked_ && ending_->status == ExitStatus::kReboot)
            return {ExitStatus::kEndedBySignal, *end_asked_, "stopped", "ended while the guest rebooted"};
        if (ending_->status == ExitStatus::kReboot) return EndingOfReboot();
        return *ending_;
    }

 private:
    void Turn() {
        std::vector<pollfd> waiting{pollfd{signals_.Fd(), POLLIN, 0}};
        for (std::size_t client = 0; client < clients_.Count(); ++client) waiting.push_back(clients_.Waiting(client));
        const std::size_t first_role = waiting.size();
        for (const RoleHandle& role : family_.roles) {
            waiting.push_back({role.ended || role.hung_up ? -1 : role.channel.Fd(), POLLIN, 0});
            waiting.push_back({role.ended ? -1 : role.process.pidfd.Get(), POLLIN, 0});
        }
        const std::size_t first_net = waiting.size();
        for (const HostNet& net : resources_.nets) waiting.push_back({net.passt ? net.passt->PidFd() : -1, POLLIN, 0});
        ::poll(waiting.data(), waiting.size(), stop_deadline_ ? 100 : -1);
        if (waiting[0].revents != 0) OnSignal();
        for (std::size_t index = 0; index < family_.roles.size(); ++index) {
            // A role's last message comes before its end.
            if (waiting[first_role + 2 * index].revents != 0) OnMessage(index);
            if (waiting[first_role + 2 * index + 1].revents != 0) OnEnd(index);
        }
        const RoleHandle& console = family_.Console();
        for (std::size_t client = 0; client < clients_.Count(); ++client) {
            if (waiting[1 + client].revents != 0) clients_.Accept(client, console.ready ? &console.channel : nullptr);
        }
        for (std::size_t net = 0; net < resources_.nets.size(); ++net) {
            if (waiting[first_net + net].revents != 0) OnPasstEnd(net);
        }
        if (stop_deadline_ && MonotonicNanoseconds() > *stop_deadline_) KillFamily();
    }

    void OnSignal() {
        const auto number = signals_.Take();
        if (!number) return;
        if (!signals_.AsksToLookAgain(*number)) return RequestStop(*number);
        // Workers that are still on their way hear of it when all are ready.
        if (going_) family_.ResizeDisks(resources_);
    }

    // The first request presses the power button; the next one ends the VM.
    void RequestStop(int number) {
        if (going_ && !stop_asked_) {
            stop_asked_ = number;
            Log(LogLevel::kInfo, "asked the guest to power off; ask again to end it at once");
            (void)SendMessage(family_.Vmm().channel, PowerButtonPressed{});
            return;
        }
        EndNow(number);
    }

    // The next life needs what this one wrote to its scratch files, all of it.
    Ending EndingOfReboot() const {
        const std::vector<bool> left = family_.DisksLeftInUse();
        for (std::size_t disk = 0; disk < left.size(); ++disk) {
            if (!left[disk] || !resources_.scratches[disk]) continue;
            return {ExitStatus::kHostFailure, 0, "scratch-lost",
                    "blk" + std::to_string(disk) +
                        ": what the guest wrote to its ephemeral disk could not be kept over its reboot"};
        }
        return *ending_;
    }

    void EndNow(int number) {
        if (!end_asked_) end_asked_ = number;
        Conclude({ExitStatus::kEndedBySignal, number, "stopped", "ended before the guest powered off"});
        if (stop_deadline_) return KillFamily();  // asked once more while it was ending
        stop_deadline_ = MonotonicNanoseconds() + kStopGraceNanoseconds;
        if (!family_.Vmm().ended) (void)SendMessage(family_.Vmm().channel, Stop{});
        if (family_.Vmm().ended) KillFamily();
        if (!going_) KillFamily();
    }

    void OnMessage(std::size_t index) {
        RoleHandle& role = family_.roles[index];
        auto mail = ReceiveMail(role.channel);
        if (!mail) return;  // nothing that a role of ours says
        if (mail->PeerGone()) {
            role.hung_up = true;  // its process takes a while yet to be gone
            return;
        }
        if (mail->message.As<Stats>() && mail->fd) OnStats(index, std::move(mail->fd));
        if (mail->message.As<Ready>()) OnReady(index);
        if (const auto failed = mail->message.As<Failed>()) OnFailed(*failed);
        if (const auto violation = mail->message.As<Violation>()) Conclude(EndingOfViolation(role.name, *violation));
        if (index == Family::kVmm) {
            if (const auto ended = mail->message.As<GuestEnded>())
                Conclude(EndingOf(*ended, family_.DeviceName(ended->which)));
            if (const auto broken = mail->message.As<DeviceBroken>()) OnBroken(*broken);
        } else if (index == Family::kConsole) {
            if (const auto asks = mail->message.As<ConsoleAsks>()) OnConsoleAsks(*asks);
            if (mail->message.As<GuestStalls>()) OnStall();
            if (const auto failed = mail->message.As<ConsoleIoFailed>()) OnConsoleFailed(*failed);
        } else if (index < family_.FirstNet()) {
            if (const auto failed = mail->message.As<HostIoFailed>()) OnDiskFailed(*failed, index - Family::kFirstDisk);
        } else if (const auto gone = mail->message.As<NetWireGone>()) {
            OnWireGone(*gone, index - family_.FirstNet());
        }
    }

    void OnStats(std::size_t index, ScopedFd stats) {
        if (index == Family::kVmm) {
            TakeOver(std::move(stats), family_.vmm_stats);
        } else if (index == Family::kConsole) {
            TakeOver(std::move(stats), family_.console_stats);
        } else {
            const bool disk = index < family_.FirstNet();
            if (disk) TakeOver(std::move(stats), family_.disk_stats[index - Family::kFirstDisk]);
            if (!disk) TakeOver(std::move(stats), family_.net_stats[index - family_.FirstNet()]);
        }
    }

    void OnReady(std::size_t index) {
        if (std::exchange(family_.roles[index].ready, true)) return;
        if (index == Family::kConsole) clients_.Introduce(family_.Console().channel);
        if (going_ || !std::ranges::all_of(family_.roles, &RoleHandle::ready)) return;
        going_ = true;
        family_.ResizeDisks(resources_);  // in case one changed meanwhile
        (void)SendMessage(family_.Vmm().channel, Go{});
    }

    template <typename Stats>
    static void TakeOver(ScopedFd fd, std::optional<SharedPages<Stats>>& stats) {
        if (auto pages = SharedPages<Stats>::Attach(std::move(fd))) stats = std::move(*pages);
    }

    void OnConsoleAsks(const ConsoleAsks& asks) {
        if (asks.what == ConsoleAsks::What::kQuit) RequestStop(SIGTERM);
        if (asks.what == ConsoleAsks::What::kKill) EndNow(SIGKILL);
        if (asks.what == ConsoleAsks::What::kClientGone) clients_.Gone(asks.port);
    }

    // A worker says each kind of failure once. One in its guest's hands is not believed that.
    void OnDiskFailed(const HostIoFailed& failed, std::size_t disk) {
        constexpr unsigned kMostOfADisk = 16;
        if (disk >= disk_failures_.size() || ++disk_failures_[disk] > kMostOfADisk) return;
        Log(LogLevel::kWarning, SentenceFor(failed, disk));
    }

    // Once for each place and life, whatever the console says.
    void OnConsoleFailed(const ConsoleIoFailed& failed) {
        bool& told = failed.where == ConsoleIoFailed::Where::kLog ? log_failed_ : output_failed_;
        if (!std::exchange(told, true)) Log(LogLevel::kWarning, SentenceFor(failed));
    }

    // Once in a life, whatever the console says.
    void OnStall() {
        if (!std::exchange(stalled_, true)) Log(LogLevel::kWarning, explain_stall_());
    }

    // Once for each device and life: a guest can break its devices as often as it likes.
    void OnBroken(const DeviceBroken& broken) {
        if (broken.device >= broken_.size() || std::exchange(broken_[broken.device], true)) return;
        Log(LogLevel::kWarning, SentenceFor(broken, family_.DeviceName(broken.device)));
    }

    // The next life begins without it. Once in a run.
    void OnWireGone(const NetWireGone& gone, std::size_t net) {
        HostNet& host = resources_.nets[net];
        if (host.wire == NetConfig::Wire::kNone) return;
        host.wire = NetConfig::Wire::kNone;
        host.queues.clear();
        Log(LogLevel::kWarning, SentenceFor(gone, net));
    }

    void OnPasstEnd(std::size_t net) {
        const std::string words = resources_.nets[net].passt->LastWords();
        Log(LogLevel::kWarning,
            "net" + std::to_string(net) + ": passt has ended" + (words.empty() ? "" : ": " + words));
    }

    void OnFailed(const Failed& failed) {
        const auto kind =
            static_cast<ErrorKind>(std::min(failed.error_kind, static_cast<std::uint32_t>(ErrorKind::kBootSource)));
        Conclude({StatusOf(kind), 0, "start-failed", std::string(failed.text.View())});
    }

    void OnEnd(std::size_t index) {
        RoleHandle& role = family_.roles[index];
        const int status = WaitForRole(role.process);
        role.ended = true;
        role.ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        while (PendingMessage(role.channel)) OnMessage(index);
        if (index != Family::kVmm) {
            // Workers end after the vmm. One that does so earlier takes the VM with it.
            if (family_.Vmm().ended || VmmIsDying(status)) return;
            Conclude(EndingOfDeadRole(role.name, status));
            ::kill(family_.Vmm().process.pid, SIGKILL);
            return;
        }
        Conclude(EndingOfDeadRole(role.name, status));  // unless it said why
        // The rest of a VM that ended by itself waits for its reader; that of one that was ended, or whose worker is
        // stuck, does so for a while only.
        stop_deadline_.reset();
        if (ending_->status == ExitStatus::kEndedBySignal || ending_->status == ExitStatus::kHostFailure)
            stop_deadline_ = MonotonicNanoseconds() + kStopGraceNanoseconds;
        (void)SendMessage(family_.Console().channel, Drain{});
    }

    static bool PendingMessage(const Channel& channel) {
        constexpr int kLook = MSG_PEEK | MSG_DONTWAIT;
        pollfd waiting{channel.Fd(), POLLIN, 0};
        std::byte probe{};
        return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0 &&
               (::recv(channel.Fd(), &probe, 1, kLook) > 0 ||
                (errno == ECONNRESET && ::recv(channel.Fd(), &probe, 1, kLook) > 0));  // see Channel::Receive()
    }

    // A disk worker leaves (status 0) when the vmm has hung up on it. A vmm that dies does so some milliseconds before
    // its pidfd tells, and its own end says why the VM ended.
    [[nodiscard]] bool VmmIsDying(int worker_status) const {
        if (!WIFEXITED(worker_status) || WEXITSTATUS(worker_status) != 0) return false;
        pollfd vmm{family_.Vmm().process.pidfd.Get(), POLLIN, 0};
        return ::poll(&vmm, 1, kVmmDeathMilliseconds) > 0;
    }

    // The first conclusion stands.
    void Conclude(Ending ending) {
        if (!ending_) ending_ = std::move(ending);
    }

    // The vmm first: its end is what the others end by.
    void KillFamily() {
        const bool vmm_ended = family_.Vmm().ended;
        for (const RoleHandle& role : family_.roles) {
            if (!role.ended && (vmm_ended || &role == &family_.Vmm())) ::kill(role.process.pid, SIGKILL);
        }
    }

    Family& family_;
    HostResources& resources_;
    const Signals& signals_;
    ConsoleClients& clients_;
    const std::function<std::string()>& explain_stall_;
    bool going_ = false;
    bool stalled_ = false;
    bool output_failed_ = false;
    bool log_failed_ = false;
    std::optional<int> stop_asked_;  // by this signal: the power button is pressed
    std::optional<int> end_asked_;   // at once
    std::optional<std::uint64_t> stop_deadline_;
    std::optional<Ending> ending_;
    std::array<bool, kMaxDevices> broken_{};
    std::array<unsigned, kMaxDisks> disk_failures_{};
};

}  // namespace

Ending RunLife(Family& family, HostResources& resources, const Signals& signals, ConsoleClients& clients,
               const std::function<std::string()>& explain_stall) {
    return Life(family, resources, signals, clients, explain_stall).Run();
}

}  // namespace husk
