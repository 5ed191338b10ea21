#include "vmm/roles/blk_role.h"

#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>

#include "devices/host/disk_file.h"
#include "devices/host/overlay_disk.h"
#include "devices/virtio/blk/blk_device.h"
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

class BlkRole {
 public:
    explicit BlkRole(const Channel& launcher) : launcher_(launcher) {}

    [[nodiscard]] Result<> Prepare() {
        HUSK_TRY(BeginRole({SIGKILL, blk_slot::kLauncher}, "blk"));
        const auto manifest = HUSK_TRY(Expect<Manifest>(launcher_));
        HUSK_TRY(CheckManifest(manifest.first));
        HUSK_TRY(FillFreeSlots(blk_slot::kEnd));
        const Sealing sealing = HUSK_TRY(Sealing::Begin(launcher_));
        config_ = HUSK_TRY(Expect<BlkConfig>(launcher_)).first;
        NameThread();
        stats_.emplace(HUSK_TRY(SharedPages<BlkStats>::Create("husk-blk-stats")));
        (*stats_)->role_started.SetOnce();
        auto ram = HUSK_TRY(Expect<GuestRam>(vmm_));
        memory_.emplace(
            HUSK_TRY(GuestMemory::Attach(HUSK_TRY(MoveToSlot(std::move(ram.second), blk_slot::kGuestRam)))));
        const bool read_only = config_.read_only != 0;
        disk_.emplace(DiskFile::Adopt(ScopedFd(blk_slot::kDisk), config_.geometry, read_only, config_.direct != 0));
        const BlkOptions options{.read_only = read_only,
                                 .serial = config_.serial.View(),
                                 .writeback = config_.writeback != 0,
                                 .block = config_.block,
                                 .sparse = config_.geometry.sparse != 0,
                                 .requests_per_second = config_.requests_per_second,
                                 .bytes_per_second = config_.bytes_per_second};
        const bool ephemeral = config_.ephemeral != 0;
        if (ephemeral) overlay_ = HUSK_TRY(OverlayDisk::Create(*disk_, ScopedFd(blk_slot::kScratch)));
        DiskBackend& backend = ephemeral ? static_cast<DiskBackend&>(*overlay_) : *disk_;
        device_.emplace(*memory_, backend, options, interrupt_, (*stats_)->device);
        HUSK_TRY(SendMessage(launcher_, Stats{}, stats_->Fd()));
        HUSK_TRY(TryRing());
        IoPool::Setup pool;
        pool.seal = [&sealing] { return sealing.SealThread(filters::BlkPool()); };
        if (!has_ring_) pool.doorbell = HUSK_TRY(EventFd::CreateOn(blk_slot::kPoolDoorbell));
        const std::uint64_t bytes = config_.geometry.bytes;
        const std::uint64_t file_size = ephemeral ? OverlayDisk::ScratchBytes(bytes) : bytes;
        HUSK_TRY(sealing.SealProcess({.open_files = blk_slot::kEnd, .file_size = file_size}, launcher_.Fd(),
                                     (*stats_)->sealing));
        (*stats_)->process_sealed.SetOnce();
        if (!has_ring_) HUSK_TRY(device_->StartPool(BlkDevice::kDefaultThreads, std::move(pool)));
        HUSK_TRY(sealing.SealThread(has_ring_ ? filters::BlkRingLoop() : filters::BlkLoop()));
        (*stats_)->sealed.SetOnce();
        return {};
    }

    // Until the vmm is gone and nothing is in flight any more.
    void Run() {
        std::array<pollfd, 4> waiting{pollfd{vmm_.Fd(), POLLIN, 0}, pollfd{doorbell_.Get(), POLLIN, 0},
                                      pollfd{device_->CompletionFd(), POLLIN, 0}, pollfd{launcher_.Fd(), POLLIN, 0}};
        PostMessage(launcher_, Ready{});
        ServeResult served = ServeResult::kSleep;
        while (!(vmm_gone_ && device_->Idle())) {
            if (RawPoll(waiting, served == ServeResult::kMore ? 0 : MillisecondsToPause()) < 0) continue;
            if (waiting[0].revents != 0) HandleVmm();
            if (vmm_gone_) waiting[0].fd = -1;
            // A launcher that is gone takes this role with it.
            if (waiting[3].revents != 0 && !HandleLauncher()) waiting[3].fd = -1;
            if (waiting[1].revents != 0) (*stats_)->device.doorbells.Add(doorbell_.Take());
            served = device_->Serve();
            if (served == ServeResult::kFault) ReportFault(*device_->Fault());
            if (const auto failure = device_->TakeHostFailure()) Report(*failure);
            if (stopping_ && device_->Idle()) FinishStop();
        }
        if (overlay_) overlay_->Save();
    }

 private:
    void NameThread() {
        std::array<char, 16> name{};
        std::snprintf(name.data(), name.size(), "blk%u", config_.index);
        ::prctl(PR_SET_NAME, name.data());
    }

    [[nodiscard]] int MillisecondsToPause() {
        constexpr std::uint64_t kMillisecond = 1'000'000;
        constexpr std::uint64_t kLongest = 1000;
        const auto pause = device_->Pause();
        return pause ? static_cast<int>(std::min((*pause + kMillisecond - 1) / kMillisecond, kLongest)) : -1;
    }

    // An io_uring, where one is wanted and this process may have it; else a pool of threads follows.
    [[nodiscard]] Result<> TryRing() {
        if (config_.ring == 0) return {};
        auto ring = IoRing::Create(BlkDevice::kRingEntries, blk_slot::kDisk, blk_slot::kRing);
        if (!ring) {
            if (config_.ring_needed == 0) return {};
            return Fail(ErrorKind::kHost, "aio=io_uring: " + ring.error().Message());
        }
        device_->StartRing(std::move(*ring), *disk_);
        has_ring_ = true;
        return {};
    }

    void HandleVmm() {
        const MessageBuffer message = TakeMessage(vmm_);
        if (message.size == 0) {
            vmm_gone_ = true;
            device_->Stop();
            return;
        }
        if (const auto activate = message.As<ActivateDevice>()) {
            if (const auto fault = device_->Activate(activate->activation)) ReportFault(*fault);
        }
        if (const auto configure = message.As<ConfigureDevice>()) {
            device_->SetWriteback(configure->value != 0);
            PostMessage(vmm_, DeviceConfigured{});
        }
        if (message.As<StopDevice>()) {
            stopping_ = true;
            device_->Stop();
        }
    }

    [[nodiscard]] bool HandleLauncher() {
        const MessageBuffer message = TakeMessage(launcher_);
        if (const auto resize = message.As<ResizeDisk>()) Resize(resize->bytes);
        return message.size != 0;
    }

    void Resize(std::uint64_t bytes) {
        disk_->Resize(bytes);
        device_->Resize(bytes);
        const std::uint64_t sectors = BlkCapacity(bytes, config_.block);
        ConfigChanged changed;
        changed.offset = offsetof(BlkConfigSpace, capacity);
        changed.length = sizeof sectors;
        std::ranges::copy(BytesOf(sectors), changed.bytes.begin());
        PostMessage(vmm_, changed);
    }

    void FinishStop() {
        device_->Deactivate();
        stopping_ = false;
        PostMessage(vmm_, DeviceStopped{});
    }

    void ReportFault(QueueFault fault) { PostMessage(vmm_, DeviceNeedsReset{static_cast<std::uint32_t>(fault)}); }
    void Report(const HostFailure& failure) {
        HostIoFailed message;
        message.os_errno = failure.os_errno;
        message.operation = static_cast<std::uint32_t>(failure.operation);
        message.offset = failure.offset;
        PostMessage(launcher_, message);
    }

    const Channel& launcher_;
    const Channel vmm_{ScopedFd(blk_slot::kVmm)};
    const EventFd doorbell_{ScopedFd(blk_slot::kDoorbell)};
    EventFdLine interrupt_{EventFd(ScopedFd(blk_slot::kInterrupt))};
    BlkConfig config_;
    std::optional<SharedPages<BlkStats>> stats_;
    std::optional<GuestMemory> memory_;
    std::optional<DiskFile> disk_;
    std::unique_ptr<OverlayDisk> overlay_;
    std::optional<BlkDevice> device_;
    bool has_ring_ = false;
    bool stopping_ = false;
    bool vmm_gone_ = false;
};

}  // namespace

void RunBlkRole() {
    const Channel launcher{ScopedFd(blk_slot::kLauncher)};
    const auto role = std::make_unique<BlkRole>(launcher);  // on the stack, all of it would be zeroed
    if (const auto prepared = role->Prepare(); !prepared) FailRole(launcher, prepared.error());
    role->Run();
    LeaveRole(0);
}

}  // namespace husk
