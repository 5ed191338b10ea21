// DriverSetup: what a driver chooses before DRIVER_OK, register by register: features (Virtio 1.2 §2.2) and the place
// of its queues (§4.2.3.2). Checked and latched by value when the device is activated.
//
// One caller at a time (the transport's lock). Every call leaves the page as the next read must find it.
#pragma once

#include <array>
#include <cstdint>

#include "devices/virtio/queue_layout.h"
#include "devices/virtio/register_page.h"

namespace husk {

// What a driver chose by the time of DRIVER_OK.
struct Activation {
    std::uint64_t features = 0;
    std::array<QueueConfig, kMaxQueues> queues{};
};

class DriverSetup {
 public:
    // Offers `offered`, and `queues` queues of at most `max_queue_size` entries: more than our own types hold aborts.
    DriverSetup(std::uint64_t offered, std::uint32_t queues, std::uint16_t max_queue_size, RegisterPage& page);

    // As at start-up.
    void Reset();

    // The registers that select, each with guest-chosen values; what is selected may not exist.
    void SelectDeviceFeatures(std::uint32_t word);
    void SelectDriverFeatures(std::uint32_t word) { driver_features_sel_ = word; }
    void SelectQueue(std::uint32_t queue);

    // Not to be called after FEATURES_OK.
    void WriteDriverFeatures(std::uint32_t value);
    // VERSION_1 is among them, and nothing that was not offered.
    [[nodiscard]] bool FeaturesAcceptable() const;
    // The driver chose this one feature; none (0) is never chosen.
    [[nodiscard]] bool Chose(std::uint64_t feature) const { return (driver_features_ & feature) != 0; }

    // Not to be called after DRIVER_OK. QueueSize and the halves of the three addresses; for a queue that is ready or
    // does not exist, nothing.
    void WriteQueue(MmioRegister at, std::uint32_t value);
    // QueueReady. A queue whose size is impossible stays not ready, and reads so.
    void SetReady(bool ready);
    // Of the selected queue.
    [[nodiscard]] bool Ready() const;
    // The device stopped: no queue is ready any more.
    void SetNoneReady();

    [[nodiscard]] bool HasQueue(std::uint32_t queue) const { return queue < queue_count_; }
    // The features and the queues that are ready; the others have size 0.
    [[nodiscard]] Activation Latch() const;

 private:
    // As written; the size is checked when the queue becomes ready.
    struct Queue {
        std::uint32_t size = 0;
        bool ready = false;
        std::uint64_t desc = 0;
        std::uint64_t driver = 0;
        std::uint64_t device = 0;
    };
    [[nodiscard]] Queue* Selected() { return HasQueue(queue_sel_) ? &queues_[queue_sel_] : nullptr; }
    void ShowQueue();

    RegisterPage& page_;
    const std::uint64_t offered_;
    const std::uint32_t queue_count_;
    const std::uint16_t max_queue_size_;

    std::uint32_t driver_features_sel_ = 0;
    std::uint64_t driver_features_ = 0;
    bool unknown_features_ = false;  // the driver accepted something beyond bit 63
    std::uint32_t queue_sel_ = 0;
    std::array<Queue, kMaxQueues> queues_{};
};

}  // namespace husk
