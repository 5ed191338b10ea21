#include "vmm/roles/net_role.h"

#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "devices/host/net_stream.h"
#include "devices/host/tap.h"
#include "devices/virtio/net/net_device.h"
#include "sandbox/process/role_start.h"
#include "vmm/base/shared_memory.h"
#include "vmm/base/syscalls.h"
#include "vmm/bus/event_fd_line.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/roles/filters/filters.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/role_exit.h"
#include "vmm/roles/sealing.h"
#include "vmm/roles/slots.h"
#include "vmm/roles/stats_pages.h"

namespace husk {
namespace {

constexpr std::size_t kFixedWaits = 2;  // vmm, doorbell

class NetRole {
 public:
    explicit NetRole(const Channel& launcher) : launcher_(launcher) {}

    [[nodiscard]] Result<> Prepare() {
        HUSK_TRY(BeginRole({SIGKILL, net_slot::kLauncher}, "net"));
        const auto manifest = HUSK_TRY(Expect<Manifest>(launcher_));
        HUSK_TRY(CheckManifest(manifest.first));
        HUSK_TRY(FillFreeSlots(net_slot::kEnd));
        const Sealing sealing = HUSK_TRY(Sealing::Begin(launcher_));
        config_ = HUSK_TRY(Expect<NetConfig>(launcher_)).first;
        NameThread();
        stats_.emplace(HUSK_TRY(SharedPages<NetStats>::Create("husk-net-stats")));
        (*stats_)->role_started.SetOnce();
        auto ram = HUSK_TRY(Expect<GuestRam>(vmm_));
        memory_.emplace(
            HUSK_TRY(GuestMemory::Attach(HUSK_TRY(MoveToSlot(std::move(ram.second), net_slot::kGuestRam)))));
        wire_ = HUSK_TRY(MakeWire());
        HUSK_TRY(MakeGate());
        device_.emplace(*memory_, *wire_, *gate_, config_.pairs, interrupt_, (*stats_)->device);
        HUSK_TRY(SendMessage(launcher_, Stats{}, stats_->Fd()));
        const std::uint64_t file_size = config_.capture_snap > 0 ? kUnlimited : 0;
        HUSK_TRY(sealing.SealProcess({.open_files = net_slot::kEnd, .file_size = file_size}, launcher_.Fd(),
                                     (*stats_)->sealing));
        (*stats_)->process_sealed.SetOnce();
        HUSK_TRY(sealing.SealThread(filters::Net()));
        (*stats_)->sealed.SetOnce();
        return {};
    }

    // Until the vmm is gone.
    void Run() {
        std::array<pollfd, kFixedWaits + kMaxNetQueues> waiting{pollfd{vmm_.Fd(), POLLIN, 0},
                                                                pollfd{doorbell_.Get(), POLLIN, 0}};
        const std::span all = std::span(waiting).first(kFixedWaits + wire_->Queues());
        PostMessage(launcher_, Ready{});
        ServeResult served = ServeResult::kSleep;
        while (!vmm_gone_) {
            for (std::uint32_t queue = 0; queue < wire_->Queues(); ++queue) {
                const short events = device_->Events(queue);
                waiting[kFixedWaits + queue] = {events != 0 ? wire_->Fd(queue) : -1, events, 0};
            }
            if (RawPoll(all, served == ServeResult::kMore ? 0 : Timeout()) < 0) continue;
            if (waiting[0].revents != 0) HandleVmm();
            if (waiting[1].revents != 0) (*stats_)->device.doorbells.Add(doorbell_.Take());
            served = device_->Serve();
            CountLost();
            if (served == ServeResult::kFault) ReportFault(*device_->Fault());
            if (config_.wire != NetConfig::Wire::kNone && wire_->Gone()) TellLinkDown();
        }
        device_->Deactivate();
        // The next life's worker goes on with this socket.
        if (!wire_->Finish() || wire_->Gone()) TellLinkDown();
    }

 private:
    void NameThread() {
        std::array<char, 16> name{};
        std::snprintf(name.data(), name.size(), "net%u", config_.index);
        ::prctl(PR_SET_NAME, name.data());
    }

    [[nodiscard]] Result<std::unique_ptr<NetBackend>> MakeWire() {
        if (config_.pairs < 1 || config_.pairs > kMaxNetPairs) return Fail("the number of queue pairs is not valid");
        if (config_.wire_queues < 1 || config_.wire_queues > kMaxNetQueues) {
            return Fail("the number of the wire's queues is not valid");
        }
        switch (config_.wire) {
            case NetConfig::Wire::kNone:
                return std::make_unique<NoWire>();
            case NetConfig::Wire::kTap:
                return std::make_unique<Tap>(net_slot::kFirstWire, config_.wire_queues);
            case NetConfig::Wire::kStream:
                return std::make_unique<NetStream>(net_slot::kFirstWire);
        }
        return Fail("the kind of wire is not valid");
    }

    [[nodiscard]] Result<> MakeGate() {
        if (!config_.rules.Valid()) return Fail("the rules of the network are not valid");
        GateOptions options{.rules = config_.rules, .bytes_a_second = config_.bytes_a_second, .capture = {}};
        if (config_.capture_snap > 0) options.capture = PcapWriter(net_slot::kCapture, config_.capture_snap);
        // Sealed, it can only tell the time since the host's start.
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        const std::uint64_t monotonic = MonotonicNanoseconds();
        options.realtime_offset = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
                                  static_cast<std::uint64_t>(now.tv_nsec) - monotonic;
        gate_.emplace(options, monotonic);
        return {};
    }

    // Milliseconds, rounded up; -1: for ever.
    [[nodiscard]] int Timeout() const {
        constexpr std::uint64_t kLongest = 1'000'000'000, kMillisecond = 1'000'000;
        const std::uint64_t wait = device_->Wait();
        if (wait == TokenBucket::kForever) return -1;
        return static_cast<int>((std::min(wait, kLongest) + kMillisecond - 1) / kMillisecond);
    }

    void HandleVmm() {
        const MessageBuffer message = TakeMessage(vmm_);
        if (message.size == 0) {
            vmm_gone_ = true;
            return;
        }
        if (const auto activate = message.As<ActivateDevice>()) {
            if (const auto fault = device_->Activate(activate->activation)) ReportFault(*fault);
        }
        if (message.As<StopDevice>()) {
            device_->Deactivate();
            PostMessage(vmm_, DeviceStopped{});
        }
    }

    void CountLost() {
        const std::uint64_t lost = gate_->CaptureLost();
        if (lost != lost_) (*stats_)->device.capture_lost.Add(lost - std::exchange(lost_, lost));
    }

    void ReportFault(QueueFault fault) { PostMessage(vmm_, DeviceNeedsReset{static_cast<std::uint32_t>(fault)}); }

    // Once: a wire that is cut stays so.
    void TellLinkDown() {
        if (std::exchange(link_told_, true)) return;
        ConfigChanged down{.offset = offsetof(NetConfigSpace, status), .length = sizeof(NetConfigSpace::status)};
        PostMessage(vmm_, down);
        PostMessage(launcher_, NetWireGone{});
    }

    const Channel& launcher_;
    const Channel vmm_{ScopedFd(net_slot::kVmm)};
    const EventFd doorbell_{ScopedFd(net_slot::kDoorbell)};
    EventFdLine interrupt_{EventFd(ScopedFd(net_slot::kInterrupt))};
    NetConfig config_;
    std::optional<SharedPages<NetStats>> stats_;
    std::optional<GuestMemory> memory_;
    std::unique_ptr<NetBackend> wire_;
    std::optional<FrameGate> gate_;
    std::optional<NetDevice> device_;
    std::uint64_t lost_ = 0;  // frames of the capture, as counted
    bool link_told_ = false;
    bool vmm_gone_ = false;
};

}  // namespace

void RunNetRole() {
    const Channel launcher{ScopedFd(net_slot::kLauncher)};
    const auto role = std::make_unique<NetRole>(launcher);  // on the stack, all of it would be zeroed
    if (const auto prepared = role->Prepare(); !prepared) FailRole(launcher, prepared.error());
    role->Run();
    LeaveRole(0);
}

}  // namespace husk
