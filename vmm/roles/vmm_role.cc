#include "vmm/roles/vmm_role.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>

#include "sandbox/process/role_start.h"
#include "vmm/base/clock.h"
#include "vmm/base/shared_memory.h"
#include "vmm/base/syscalls.h"
#include "vmm/roles/board.h"
#include "vmm/roles/filters/filters.h"
#include "vmm/roles/guest_end.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/role_exit.h"
#include "vmm/roles/sealing.h"
#include "vmm/roles/slots.h"
#include "vmm/roles/vcpu_threads.h"

namespace husk {
namespace {

constexpr std::uint32_t kStopDeadlineMilliseconds = 1000;
constexpr std::uint32_t kHoldDeadlineMilliseconds = 1000;
constexpr int kDeadlineCheckMilliseconds = 500;
// Descriptors that the control thread waits for, beside one for each device: launcher, console, end, vCPUs.
constexpr std::size_t kFixedWaits = 4;

class VmmRole {
 public:
    explicit VmmRole(const Channel& launcher) : launcher_(launcher) {}

    // Everything up to the guest's first instruction.
    [[nodiscard]] Result<> Prepare() {
        HUSK_TRY(BeginRole({SIGKILL, vmm_slot::kLauncher}, "ctl"));
        const auto manifest = HUSK_TRY(Expect<Manifest>(launcher_));
        HUSK_TRY(CheckManifest(manifest.first));
        HUSK_TRY(FillFreeSlots(vmm_slot::kEnd));
        sealing_.emplace(HUSK_TRY(Sealing::Begin(launcher_)));
        const VmmConfig config = HUSK_TRY(Expect<VmmConfig>(launcher_)).first;
        if (config.vcpus == 0 || config.vcpus > kMaxVcpus) return Fail("the number of vCPUs is not valid");
        if (config.devices == 0 || config.devices > kMaxDevices) return Fail("the number of devices is not valid");
        stats_.emplace(HUSK_TRY(SharedPages<VmmStats>::Create("husk-vmm-stats")));
        rings_.emplace(HUSK_TRY(SharedPages<ConsoleRings>::Create("husk-console-rings")));
        (*stats_)->role_started.SetOnce();
        ended_.emplace(HUSK_TRY(EventFd::CreateOn(vmm_slot::kGuestEnded)));
        wake_control_.emplace(HUSK_TRY(EventFd::CreateOn(vmm_slot::kWakeControl)));
        end_.emplace(*ended_, gate_);
        {
            const ScopedFd kernel(vmm_slot::kKernel);
            const ScopedFd initrd(config.initrds > 0 ? vmm_slot::kInitrd : -1);
            const BootFiles files = HUSK_TRY(ReceiveBootFiles(config));
            board_ = HUSK_TRY(Board::Create(ScopedFd(vmm_slot::kKvm), config, files,
                                            {*rings_, wake_console_, *wake_control_, *end_, gate_, **stats_}));
        }
        HUSK_TRY(SendMessage(launcher_, Stats{}, stats_->Fd()));
        HUSK_TRY(FillFreeSlots(vmm_slot::kEnd));  // those of the boot files and of /dev/kvm
        const auto open_files = static_cast<std::uint64_t>(vmm_slot::Vcpu(static_cast<int>(config.vcpus)));
        HUSK_TRY(sealing_->SealProcess({.open_files = open_files, .file_size = 0}, launcher_.Fd(), (*stats_)->sealing));
        (*stats_)->process_sealed.SetOnce();
        HUSK_TRY(vcpus_.Start(*board_, *end_, **stats_, gate_, *sealing_));
        HUSK_TRY(sealing_->SealThread(filters::Control()));
        (*stats_)->sealed.SetOnce();
        return {};
    }

    // What the launcher says about the files on their slots.
    [[nodiscard]] Result<BootFiles> ReceiveBootFiles(const VmmConfig& config) const {
        if (config.initrds > kMaxInitrds) return Fail("the number of initrds is not valid");
        if (config.boot_pieces > kMaxBootPiecesMessages) return Fail("the number of pieces is not valid");
        BootFiles files{{vmm_slot::kKernel, {}}, std::vector<BootFile>(config.initrds, {vmm_slot::kInitrd, {}})};
        for (std::uint32_t message = 0; message < config.boot_pieces; ++message) {
            const BootPieces some = HUSK_TRY(Expect<BootPieces>(launcher_)).first;
            if (some.count > some.pieces.size()) return Fail("the number of pieces is not valid");
            for (const BootPieces::Piece& piece : std::span(some.pieces).first(some.count)) {
                if (piece.file > config.initrds) return Fail("a piece of a file that there is not");
                BootFile& file = piece.file == 0 ? files.kernel : files.initrds[piece.file - 1];
                file.pieces.push_back({piece.offset, piece.length});
            }
        }
        return files;
    }

    // The control thread's loop, until the guest has ended.
    void Run() {
        PostMessage(launcher_, Ready{});
        std::array<pollfd, kFixedWaits + kMaxDevices> waiting{
            pollfd{launcher_.Fd(), POLLIN, 0}, pollfd{wake_vmm_.Get(), POLLIN, 0}, pollfd{ended_->Get(), POLLIN, 0},
            pollfd{wake_control_->Get(), POLLIN, 0}};
        const auto& devices = board_->Devices();
        for (std::size_t index = 0; index < devices.size(); ++index) {
            waiting[kFixedWaits + index] = {devices[index]->Control().Worker().Fd(), POLLIN, 0};
        }
        while (!end_->Report()) {
            const int timeout = AnyResetting() ? kDeadlineCheckMilliseconds : -1;
            if (RawPoll(std::span(waiting).first(kFixedWaits + devices.size()), timeout) < 0) continue;
            if (waiting[0].revents != 0) HandleLauncher();
            if (waiting[1].revents != 0) {
                wake_vmm_.Drain();
                board_->ConsoleReady();
            }
            if (waiting[3].revents != 0) {
                wake_control_->Drain();
                for (const auto& device : devices) device->Control().Forward();
            }
            for (std::uint32_t index = 0; index < devices.size(); ++index) {
                pollfd& worker = waiting[kFixedWaits + index];
                // Who hangs up is dead: the launcher sees that too, and ends the VM.
                if (worker.revents != 0 && !HandleWorker(index)) worker.fd = -1;
            }
            EndIfOverdue();
        }
        for (const auto& device : devices) device->Control().Abandon();
        [[maybe_unused]] const bool all_stopped = vcpus_.Stop(kStopDeadlineMilliseconds);
        VmmStats& stats = **stats_;
        stats.guest_ended.SetOnce();
        board_->PublishCounts(stats);
        PostMessage(launcher_, *end_->Report());
    }

 private:
    void HandleLauncher() {
        const MessageBuffer message = TakeMessage(launcher_);
        if (message.size == 0) return end_->Stop();
        if (message.As<Go>()) gate_.Open();
        if (message.As<PowerButtonPressed>()) board_->PressPowerButton();
        if (message.As<Stop>()) end_->Stop();
    }

    // One message of a worker, which may be in its guest's hands. False when it is gone.
    bool HandleWorker(std::uint32_t index) {
        VirtioDevice& device = *board_->Devices()[index];
        const MessageBuffer message = TakeMessage(device.Control().Worker());
        if (message.size == 0) return false;
        if (message.As<DeviceStopped>()) device.Control().Stopped();
        if (message.As<DeviceConfigured>()) device.Control().Configured();
        if (const auto broken = message.As<DeviceNeedsReset>()) {
            device.Transport().NeedsReset();
            PostMessage(launcher_, DeviceBroken{index, broken->fault});
        }
        if (const auto changed = message.As<ConfigChanged>()) ChangeConfig(device, *changed);
        return true;
    }

    // With register pages, guests read configuration without coming by: no order of stores makes several bytes change
    // at once, so nobody may be looking.
    void ChangeConfig(VirtioDevice& device, const ConfigChanged& changed) {
        if (changed.length > changed.bytes.size()) return;
        const bool running = gate_.Close();
        if (vcpus_.Hold(kHoldDeadlineMilliseconds)) {
            (void)device.Transport().ChangeConfig(changed.offset, std::span(changed.bytes).first(changed.length));
        }
        if (running) gate_.Open();
    }

    [[nodiscard]] bool AnyResetting() const {
        return std::ranges::any_of(board_->Devices(), [](const auto& device) { return device->Control().Resetting(); });
    }

    void EndIfOverdue() {
        const std::uint64_t now = AnyResetting() ? MonotonicNanoseconds() : 0;
        for (std::uint32_t index = 0; index < board_->Devices().size(); ++index) {
            if (board_->Devices()[index]->Control().Overdue(now)) end_->DeviceStuck(index);
        }
    }

    const Channel& launcher_;
    const EventFd wake_console_{ScopedFd(vmm_slot::kWakeConsole)};
    const EventFd wake_vmm_{ScopedFd(vmm_slot::kWakeVmm)};
    std::optional<Sealing> sealing_;
    std::optional<SharedPages<VmmStats>> stats_;
    std::optional<SharedPages<ConsoleRings>> rings_;
    std::optional<EventFd> ended_;
    std::optional<EventFd> wake_control_;
    VcpuGate gate_;
    std::optional<GuestEnd> end_;
    std::unique_ptr<Board> board_;
    VcpuThreads vcpus_;
};

}  // namespace

void RunVmmRole() {
    const Channel launcher{ScopedFd(vmm_slot::kLauncher)};
    const auto role = std::make_unique<VmmRole>(launcher);  // on the stack, all of it would be zeroed
    if (const auto prepared = role->Prepare(); !prepared) FailRole(launcher, prepared.error());
    role->Run();
    LeaveRole(0);
}

}  // namespace husk
