// MmioTransport: the registers of one virtio device (Virtio 1.2 §4.2.2), as the vmm role answers them.
//
// Two ways to be read. With a register page, the guest reads plain memory: every register is in a RegisterPage that is
// mapped into the guest read-only, only writes come here, and each one leaves the page as the next read must find it.
// Without (plain trap), reads come here too and are answered from the same page. Behaviour is the same either way:
// InterruptStatus bit 0 is set as long as the driver runs the device, since whoever interrupts does not come by here.
//
// The data path (queues, requests) is elsewhere, behind TransportHost. All entry points say which thread calls them;
// register state has a lock of its own, which is never held while waiting for a worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <variant>

#include "devices/virtio/device_status.h"
#include "devices/virtio/driver_setup.h"
#include "devices/virtio/queue_layout.h"
#include "devices/virtio/register_page.h"
#include "vmm/bus/device.h"
#include "vmm/bus/irq.h"

namespace husk {

enum class VirtioDeviceId : std::uint32_t { kNet = 1, kBlock = 2, kConsole = 3 };

// What the device offers. Plain data; the same for its whole life.
struct VirtioDeviceModel {
    VirtioDeviceId id;
    std::uint64_t features = 0;        // offered; VERSION_1 is added by the transport
    std::uint32_t queues = 0;          // at most kMaxQueues
    std::uint16_t max_queue_size = 0;  // a power of two, at most kMaxQueueSize
    // Initial device-specific configuration, at most RegisterPage::kMaxConfig bytes; copied.
    std::span<const std::byte> config;
    // The one byte of it that a driver may write, 0 or 1, when it has the feature. No feature: there is none.
    std::uint32_t writable_offset = 0;
    std::uint64_t writable_feature = 0;
    // A driver that has that feature without this one finds the byte 0, and cannot change it. None: it needs no other.
    std::uint64_t writable_needs = 0;
};

// Whoever runs the data path. Called on vCPU threads, with no lock of the transport held. Activate() and Reset()
// alternate, strictly, and never overlap. Notify() may overlap with everything and come late, as doorbells do that KVM
// takes: it rings a bell, and whoever wakes looks for himself whether there is work.
class TransportHost {
 public:
    virtual ~TransportHost() = default;
    // The driver is ready: start the data path. Does not wait for it. Doorbells from before may have gone nowhere: the
    // data path looks at every queue once when it starts.
    virtual void Activate(const Activation& activation) = 0;
    // The driver reset or stopped an active device: when this returns, nothing of the device touches guest memory any
    // more.
    virtual void Reset() = 0;
    // The driver of an active device wrote its writable configuration byte: when this returns, the data path goes by
    // it. May overlap with everything.
    virtual void Configure(bool value) = 0;
    // A doorbell of an active device that KVM did not take as an ioeventfd; `queue` is one of the device's.
    virtual void Notify(std::uint32_t queue) = 0;
};

class MmioTransport final : public BusDevice {
 public:
    // `page`, `line` and `host` must outlive this, and a page belongs to one transport. `line` is pulsed for
    // configuration changes. A model beyond its bounds is a mistake of our own, and aborts.
    MmioTransport(const VirtioDeviceModel& model, RegisterPage& page, IrqLine& line, TransportHost& host);

    // vCPU threads; `offset` is guest-chosen. Writes must be 4 bytes wide and aligned (§4.2.2.2); others go nowhere. Of
    // configuration space, a driver that runs the device can write the model's one byte. Reads of any width find what
    // the page holds: registers that are write-only, and everything unknown, read zero.
    void Read(std::uint64_t offset, std::span<std::byte> data) override;
    void Write(std::uint64_t offset, std::span<const std::byte> data) override;

    // Any thread. Whether the driver runs the device: from DRIVER_OK to a reset, a stop or FAILED.
    [[nodiscard]] bool Live() const;

    // The control thread. The device cannot go on (§2.1.1 DEVICE_NEEDS_RESET): says so in Status, and interrupts when
    // the driver runs it. A device that is not live (any more) is left alone.
    void NeedsReset();
    // The control thread, while no vCPU runs guest code: new configuration bytes, a new generation, and an interrupt
    // when the driver runs the device. A driver that is still on its way to DRIVER_OK, and may have read the old bytes,
    // is interrupted when it gets there. Out of range: false, and nothing changes.
    [[nodiscard]] bool ChangeConfig(std::uint32_t offset, std::span<const std::byte> bytes);

 private:
    // Where the data path is. While Activate() or Reset() runs, the thread that called it owns the next step; what
    // other vCPUs want meanwhile is left to it in `stop_`, so that nobody waits for anybody.
    enum class Phase : std::uint8_t { kInactive, kActivating, kActive, kStopping };
    // Why the data path is to stop. kHalt: a queue was taken away from a running device (QueueReady
    // = 0). No queue can be stopped alone, so all of the device stops, and asks to be reset.
    enum class Stop : std::uint8_t { kNone, kHalt, kReset };

    // What a write leads to once the lock is gone.
    struct StopDataPath {};
    struct Doorbell {
        std::uint32_t queue;
    };
    struct Configuration {
        bool value;
    };
    using Errand = std::variant<std::monostate, Activation, StopDataPath, Doorbell, Configuration>;

    // Under the lock: the state machine. Each leaves the page as the next read must find it.
    [[nodiscard]] Errand Apply(MmioRegister at, std::uint32_t value);
    [[nodiscard]] Errand WriteConfig(std::uint64_t offset, std::span<const std::byte> data);
    [[nodiscard]] Errand WriteStatus(std::uint32_t value);
    [[nodiscard]] Errand WriteQueueReady(std::uint32_t value);
    [[nodiscard]] Errand RequestStop(Stop why);
    void ResetRegisters();
    void ShowStatus();
    [[nodiscard]] bool IsLive() const;
    [[nodiscard]] bool DriverRuns() const;
    // These say whether to interrupt, which is done without the lock.
    [[nodiscard]] bool Stopped();
    [[nodiscard]] bool BreakDevice();

    // Without the lock: the host.
    void RunActivation(const Activation& activation);
    void RunStop();
    void RunErrand(const Errand& errand);

    RegisterPage& page_;
    IrqLine& line_;
    TransportHost& host_;
    const std::size_t config_size_;
    const std::uint32_t writable_offset_;
    const std::uint64_t writable_feature_;
    const std::uint64_t writable_needs_;
    const std::byte writable_initial_;

    mutable std::mutex mutex_;
    Phase phase_ = Phase::kInactive;
    Stop stop_ = Stop::kNone;  // not kNone as long as a stop is wanted or under way
    DeviceStatus status_;
    bool config_change_ = false;  // not yet acknowledged
    bool configuring_ = false;    // the host is being told what the driver wrote
    std::uint32_t config_generation_ = 0;
    DriverSetup setup_;
};

}  // namespace husk
