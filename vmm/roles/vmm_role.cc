#include "vmm/roles/vmm_role.h"

#include <poll.h>

#include <array>
#include <csignal>

#include "sandbox/process/role_start.h"
#include "vmm/base/shared_memory.h"
#include "vmm/roles/board.h"
#include "vmm/roles/guest_end.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/role_exit.h"
#include "vmm/roles/slots.h"
#include "vmm/roles/vcpu_threads.h"

namespace husk {
namespace {

constexpr std::uint32_t kStopDeadlineMilliseconds = 1000;

class VmmRole {
 public:
    explicit VmmRole(const Channel& launcher) : launcher_(launcher) {}

    // Everything up to the guest's first instruction.
    [[nodiscard]] Result<> Prepare() {
        HUSK_TRY(BeginRole({SIGKILL}, "ctl"));
        const auto manifest = HUSK_TRY(Expect<Manifest>(launcher_));
        HUSK_TRY(CheckManifest(manifest.first));
        const VmmConfig config = HUSK_TRY(Expect<VmmConfig>(launcher_)).first;
        if (config.vcpus == 0 || config.vcpus > kMaxVcpus) return Fail("the number of vCPUs is not valid");
        stats_.emplace(HUSK_TRY(SharedPages<VmmStats>::Create("husk-vmm-stats")));
        rings_.emplace(HUSK_TRY(SharedPages<ConsoleRings>::Create("husk-console-rings")));
        (*stats_)->role_started.SetOnce();
        {
            const Channel console{ScopedFd(vmm_slot::kConsole)};
            HUSK_TRY(SendMessage(console, ConsoleMemory{}, rings_->Fd()));
        }
        ended_.emplace(HUSK_TRY(EventFd::Create()));
        end_.emplace(*ended_, stop_);
        {
            const ScopedFd kernel(vmm_slot::kKernel);
            const ScopedFd initrd(config.initrd_bytes > 0 ? vmm_slot::kInitrd : -1);
            board_ = HUSK_TRY(Board::Create(ScopedFd(vmm_slot::kKvm), config, {kernel.Get(), initrd.Get()}, **rings_,
                                            wake_console_, *end_, **stats_));
        }
        HUSK_TRY(vcpus_.Start(*board_, *end_, **stats_, stop_));
        return SendMessage(launcher_, Ready{}, stats_->Fd());
    }

    // The control thread's loop, until the guest has ended.
    void Run() {
        std::array<pollfd, 3> waiting{pollfd{launcher_.Fd(), POLLIN, 0}, pollfd{wake_vmm_.Get(), POLLIN, 0},
                                      pollfd{ended_->Get(), POLLIN, 0}};
        while (!end_->Report()) {
            if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
            if (waiting[0].revents != 0) HandleLauncher();
            if (waiting[1].revents != 0) {
                wake_vmm_.Drain();
                board_->ConsoleReady();
            }
        }
        [[maybe_unused]] const bool all_stopped = vcpus_.Stop(kStopDeadlineMilliseconds);
        VmmStats& stats = **stats_;
        stats.guest_ended.SetOnce();
        board_->PublishCounts(stats);
        [[maybe_unused]] const auto sent = SendMessage(launcher_, *end_->Report());
    }

 private:
    void HandleLauncher() {
        const auto mail = ReceiveMail(launcher_);
        if (!mail || mail->PeerGone()) return end_->Stop();
        if (mail->message.As<Go>()) vcpus_.Release();
        if (mail->message.As<PowerButtonPressed>()) board_->PressPowerButton();
        if (mail->message.As<Stop>()) end_->Stop();
    }

    const Channel& launcher_;
    const EventFd wake_console_{ScopedFd(vmm_slot::kWakeConsole)};
    const EventFd wake_vmm_{ScopedFd(vmm_slot::kWakeVmm)};
    std::optional<SharedPages<VmmStats>> stats_;
    std::optional<SharedPages<ConsoleRings>> rings_;
    std::optional<EventFd> ended_;
    std::atomic<bool> stop_{false};
    std::optional<GuestEnd> end_;
    std::unique_ptr<Board> board_;
    VcpuThreads vcpus_;
};

}  // namespace

void RunVmmRole() {
    const Channel launcher{ScopedFd(vmm_slot::kLauncher)};
    VmmRole role(launcher);
    if (const auto prepared = role.Prepare(); !prepared) FailRole(launcher, prepared.error());
    role.Run();
    LeaveRole(0);
}

}  // namespace husk
