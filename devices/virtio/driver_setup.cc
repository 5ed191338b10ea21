#include "devices/virtio/driver_setup.h"

#include <bit>
#include <cstdlib>

namespace husk {

namespace {

constexpr std::uint32_t kWords = 2;  // 32 bits each
constexpr unsigned kWordBits = 32;

constexpr std::uint32_t Word(std::uint64_t value, std::uint32_t which) {
    return which < kWords ? static_cast<std::uint32_t>(value >> (kWordBits * which)) : 0;
}

constexpr void SetWord(std::uint64_t& value, std::uint32_t which, std::uint32_t word) {
    const unsigned shift = kWordBits * which;
    value = (value & ~(std::uint64_t{0xffff'ffff} << shift)) | std::uint64_t{word} << shift;
}

}  // namespace

DriverSetup::DriverSetup(std::uint64_t offered, std::uint32_t queues, std::uint16_t max_queue_size, RegisterPage& page)
    : page_(page), offered_(offered), queue_count_(queues), max_queue_size_(max_queue_size) {
    if (queues > kMaxQueues || max_queue_size > kMaxQueueSize || !std::has_single_bit(max_queue_size)) std::abort();
    Reset();
}

void DriverSetup::Reset() {
    driver_features_sel_ = 0;
    driver_features_ = 0;
    unknown_features_ = false;
    queues_ = {};
    SelectDeviceFeatures(0);
    SelectQueue(0);
}

void DriverSetup::SelectDeviceFeatures(std::uint32_t word) {
    page_.Set(MmioRegister::kDeviceFeatures, Word(offered_, word));
}

void DriverSetup::SelectQueue(std::uint32_t queue) {
    queue_sel_ = queue;
    ShowQueue();
}

void DriverSetup::WriteDriverFeatures(std::uint32_t value) {
    if (driver_features_sel_ < kWords) {
        SetWord(driver_features_, driver_features_sel_, value);
    } else if (value != 0) {
        unknown_features_ = true;
    }
}

bool DriverSetup::FeaturesAcceptable() const {
    return (driver_features_ & ~offered_) == 0 && (driver_features_ & kFeatureVersion1) != 0 && !unknown_features_;
}

void DriverSetup::WriteQueue(MmioRegister at, std::uint32_t value) {
    Queue* const queue = Selected();
    if (queue == nullptr || queue->ready) return;
    switch (at) {
        case MmioRegister::kQueueSize:
            queue->size = value;
            return;
        case MmioRegister::kQueueDescLow:
            return SetWord(queue->desc, 0, value);
        case MmioRegister::kQueueDescHigh:
            return SetWord(queue->desc, 1, value);
        case MmioRegister::kQueueDriverLow:
            return SetWord(queue->driver, 0, value);
        case MmioRegister::kQueueDriverHigh:
            return SetWord(queue->driver, 1, value);
        case MmioRegister::kQueueDeviceLow:
            return SetWord(queue->device, 0, value);
        case MmioRegister::kQueueDeviceHigh:
            return SetWord(queue->device, 1, value);
        default:
            return;
    }
}

void DriverSetup::SetReady(bool ready) {
    Queue* const queue = Selected();
    if (queue == nullptr) return;
    queue->ready = ready && queue->size <= max_queue_size_ && std::has_single_bit(queue->size);
    ShowQueue();
}

bool DriverSetup::Ready() const { return HasQueue(queue_sel_) && queues_[queue_sel_].ready; }

void DriverSetup::SetNoneReady() {
    for (Queue& queue : queues_) queue.ready = false;
    ShowQueue();
}

Activation DriverSetup::Latch() const {
    Activation activation{.features = driver_features_, .queues = {}};
    for (std::size_t index = 0; index < kMaxQueues; ++index) {
        const Queue& queue = queues_[index];
        if (!queue.ready) continue;
        activation.queues[index] = {.size = static_cast<std::uint16_t>(queue.size),
                                    .desc = GuestAddress(queue.desc),
                                    .driver = GuestAddress(queue.driver),
                                    .device = GuestAddress(queue.device)};
    }
    return activation;
}

void DriverSetup::ShowQueue() {
    page_.Set(MmioRegister::kQueueSizeMax, HasQueue(queue_sel_) ? max_queue_size_ : 0);
    page_.Set(MmioRegister::kQueueReady, Ready() ? 1 : 0);
}

}  // namespace husk
