#include "vmm/roles/console_role.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "devices/host/console_pump.h"
#include "devices/host/terminal.h"
#include "sandbox/process/role_start.h"
#include "vmm/base/shared_memory.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/role_exit.h"
#include "vmm/roles/slots.h"
#include "vmm/roles/stats_pages.h"

namespace husk {
namespace {

constexpr int kLauncherDied = SIGUSR1;
volatile std::sig_atomic_t launcher_died = 0;
void OnLauncherDeath(int) { launcher_died = 1; }

bool IsOpen(int slot) { return ::fcntl(slot, F_GETFD) >= 0; }

// A slot without its descriptor holds /dev/null: left free, it would go to the next descriptor this role opens.
void Vacate(int slot) { (void)::dup3(STDIN_FILENO, slot, O_CLOEXEC); }

class ConsoleRole {
 public:
    explicit ConsoleRole(const Channel& launcher) : launcher_(launcher) {}

    [[nodiscard]] Result<> Prepare() {
        struct sigaction action{};
        action.sa_handler = OnLauncherDeath;
        if (::sigaction(kLauncherDied, &action, nullptr) != 0) return FailOs("cannot catch the launcher's death");
        HUSK_TRY(BeginRole({kLauncherDied}, "console"));
        const auto manifest = HUSK_TRY(Expect<Manifest>(launcher_));
        HUSK_TRY(CheckManifest(manifest.first));
        ConsolePump::Host host;
        host.input = IsOpen(console_slot::kInput) ? console_slot::kInput : -1;
        host.output = IsOpen(console_slot::kOutput) ? console_slot::kOutput : -1;
        for (const int slot : {console_slot::kInput, console_slot::kOutput, console_slot::kClient}) {
            if (!IsOpen(slot)) Vacate(slot);
        }
        config_ = HUSK_TRY(Expect<ConsoleConfig>(launcher_)).first;
        stats_.emplace(HUSK_TRY(SharedPages<ConsoleStats>::Create("husk-console-stats")));
        (*stats_)->role_started.SetOnce();
        {
            const Channel vmm{ScopedFd(console_slot::kVmm)};
            auto memory = HUSK_TRY(Expect<ConsoleMemory>(vmm));
            rings_.emplace(HUSK_TRY(SharedPages<ConsoleRings>::Attach(std::move(memory.second))));
        }
        host.escape = config_.escape;
        host.clients = config_.clients;
        host.pty = config_.pty;
        pump_.emplace(**rings_, host, wake_vmm_);
        return SendMessage(launcher_, Ready{}, stats_->Fd());
    }

    // Until the launcher says that the VM is over and all is written, or is gone.
    void Run() {
        while (!launcher_died && !(draining_ && pump_->Drained())) {
            std::array<pollfd, 4> waiting{};
            const int timeout = pump_->Prepare(waiting[0], waiting[1]);
            waiting[2] = {wake_console_.Get(), POLLIN, 0};
            waiting[3] = {launcher_.Fd(), POLLIN, 0};
            if (::poll(waiting.data(), waiting.size(), timeout) < 0) continue;
            if (waiting[2].revents != 0) wake_console_.Drain();
            Report(pump_->Turn(waiting[0], waiting[1]));
            if (waiting[3].revents != 0 && !HandleLauncher()) break;
            PublishCounts();
        }
        if (launcher_died && config_.restore_terminal) RestoreTerminal(console_slot::kInput, config_.terminal);
    }

 private:
    void Report(ConsolePump::Request request) {
        ConsoleAsks asks;
        switch (request) {
            case ConsolePump::Request::kNone:
                return;
            case ConsolePump::Request::kQuit:
                asks.what = ConsoleAsks::What::kQuit;
                break;
            case ConsolePump::Request::kKill:
                asks.what = ConsoleAsks::What::kKill;
                break;
            case ConsolePump::Request::kClientGone:
                Vacate(console_slot::kClient);
                asks.what = ConsoleAsks::What::kClientGone;
                break;
        }
        [[maybe_unused]] const auto sent = SendMessage(launcher_, asks);
    }

    // False when the launcher is gone.
    bool HandleLauncher() {
        auto mail = ReceiveMail(launcher_);
        if (!mail || mail->PeerGone()) {
            launcher_died = 1;
            return false;
        }
        if (mail->message.As<Drain>()) draining_ = true;
        if (mail->message.As<Client>() && mail->fd &&
            ::dup3(mail->fd.Get(), console_slot::kClient, O_CLOEXEC) == console_slot::kClient) {
            pump_->SetClient(console_slot::kClient);
        }
        return true;
    }

    void PublishCounts() {
        ConsoleStats& stats = **stats_;
        if (pump_->BytesOut() > 0) stats.first_byte.SetOnce();
        stats.bytes_out.store(pump_->BytesOut(), std::memory_order_relaxed);
        stats.bytes_in.store(pump_->BytesIn(), std::memory_order_relaxed);
        stats.writes.store(pump_->Writes(), std::memory_order_relaxed);
    }

    const Channel& launcher_;
    const EventFd wake_console_{ScopedFd(console_slot::kWakeConsole)};
    const EventFd wake_vmm_{ScopedFd(console_slot::kWakeVmm)};
    ConsoleConfig config_;
    std::optional<SharedPages<ConsoleStats>> stats_;
    std::optional<SharedPages<ConsoleRings>> rings_;
    std::optional<ConsolePump> pump_;
    bool draining_ = false;
};

}  // namespace

void RunConsoleRole() {
    const Channel launcher{ScopedFd(console_slot::kLauncher)};
    ConsoleRole role(launcher);
    if (const auto prepared = role.Prepare(); !prepared) FailRole(launcher, prepared.error());
    role.Run();
    LeaveRole(0);
}

}  // namespace husk
