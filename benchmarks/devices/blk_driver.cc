#include "benchmarks/devices/blk_driver.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "devices/virtio/blk/blk_config.h"
#include "devices/virtio/blk/blk_request.h"
#include "vmm/base/clock.h"

namespace husk::bench {
namespace {

constexpr GuestAddress kFirst{1 << 20};
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kQueueRoom = 4 * kPage;  // of kBlkQueueSize descriptors
constexpr std::uint64_t kTableAt = 64;           // in a slot's own page: header, table, status
constexpr std::uint64_t kStatusAt = 256;
constexpr std::uint16_t kParts = 3;

GuestAddress At(GuestAddress base, std::uint64_t offset) { return GuestAddress(base.Value() + offset); }
std::uint64_t DataRoom(std::uint32_t block) { return (block + kPage - 1) & ~(kPage - 1); }

}  // namespace

std::uint64_t BlkDriver::MemoryFor(const BlkLoad& load) {
    const std::uint64_t bytes = kFirst.Value() + load.queues * kQueueRoom + load.depth * (kPage + DataRoom(load.block));
    constexpr std::uint64_t kStep = 16 << 20;
    return (bytes + kStep - 1) & ~(kStep - 1);
}

BlkDriver::BlkDriver(const GuestMemory& memory, const BlkLoad& load, const EventFd& doorbell, const EventFd& interrupt)
    : load_(load), wires_(doorbell, interrupt), blocks_(load.disk / load.block) {
    GuestAddress next = kFirst;
    for (std::uint32_t number = 0; number < load.queues; ++number) {
        lanes_.push_back({.queue = DriverQueue(memory, next, kBlkQueueSize), .slots = {}, .ready = {}});
        next = At(next, kQueueRoom);
    }
    for (Lane& lane : lanes_) {
        lane.slots.resize(load.depth);
        lane.ready.reserve(load.depth);
    }
    for (std::uint32_t number = 0; number < load.depth; ++number) {
        MakeSlot(memory, lanes_[number % load.queues], static_cast<std::uint16_t>(number / load.queues), next);
    }
}

void BlkDriver::MakeSlot(const GuestMemory& memory, Lane& lane, std::uint16_t number, GuestAddress& next) {
    const GuestAddress page = next;
    const GuestAddress data = At(page, kPage);
    next = At(data, DataRoom(load_.block));
    std::byte* const own = memory.Slice(page, kPage).value().data();
    // Also touches the pages, which a guest has done long before.
    const auto bytes = memory.Slice(data, load_.block).value();
    std::ranges::fill(bytes, static_cast<std::byte>(number + 1));
    const BlkRequestHeader header{.type = load_.write ? kBlkTypeWrite : kBlkTypeRead};
    std::memcpy(own, &header, sizeof header);
    const auto direction = load_.write ? std::uint16_t{0} : kDescWrite;
    DriverQueue::StoreDescriptor(own + kTableAt, 0, {page.Value(), sizeof header, kDescNext, 1});
    DriverQueue::StoreDescriptor(own + kTableAt, 1,
                                 {data.Value(), load_.block, static_cast<std::uint16_t>(direction | kDescNext), 2});
    DriverQueue::StoreDescriptor(own + kTableAt, 2, {page.Value() + kStatusAt, 1, kDescWrite, 0});
    lane.queue.SetDescriptor(number, {page.Value() + kTableAt, kParts * sizeof(VirtqDesc), kDescIndirect, 0});
    lane.slots[number] = {.sector = own + offsetof(BlkRequestHeader, sector), .status = own + kStatusAt, .began = 0};
    lane.ready.push_back(number);
}

Activation BlkDriver::Chosen() const {
    Activation chosen;
    chosen.features = kFeatureVersion1 | kFeatureEventIdx | kFeatureIndirectDesc | kFeatureBlkFlush;
    if (lanes_.size() > 1) chosen.features |= kFeatureBlkMultiQueue;
    for (std::size_t number = 0; number < lanes_.size(); ++number)
        chosen.queues[number] = lanes_[number].queue.Config();
    return chosen;
}

BlkCounts BlkDriver::Run(std::uint64_t nanoseconds, Latencies& latencies) {
    BlkCounts counts;
    std::uint64_t now = MonotonicNanoseconds();
    const std::uint64_t until = now + nanoseconds;
    (void)wires_.TakeCounts();
    for (Lane& lane : lanes_) Begin(lane, now);
    while (now < until) {
        bool took = false;
        for (Lane& lane : lanes_) {
            if (!Take(lane, now, counts, latencies)) continue;
            took = true;
            now = MonotonicNanoseconds();
            Begin(lane, now);
        }
        if (took || EnableInterrupts()) continue;
        wires_.Sleep();
        now = MonotonicNanoseconds();
    }
    counts.wires = wires_.TakeCounts();
    return counts;
}

BlkCounts BlkDriver::Finish(Latencies& latencies) {
    BlkCounts counts;
    while (under_way_ > 0) {
        bool took = false;
        for (Lane& lane : lanes_) took = Take(lane, MonotonicNanoseconds(), counts, latencies) || took;
        if (under_way_ > 0 && !took && !EnableInterrupts()) wires_.Sleep();
    }
    return counts;
}

// Of xorshift64, or the next one.
std::uint64_t BlkDriver::NextSector() {
    if (load_.random) {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        position_ = random_ % blocks_;
    } else {
        position_ = position_ + 1 < blocks_ ? position_ + 1 : 0;
    }
    return position_ * (load_.block / kBlkSectorBytes);
}

void BlkDriver::Begin(Lane& lane, std::uint64_t now) {
    for (const std::uint16_t number : lane.ready) {
        Slot& slot = lane.slots[number];
        StoreRelaxed(slot.sector, NextSector());
        slot.began = now;
        lane.queue.Add(number);
    }
    under_way_ += lane.ready.size();
    lane.ready.clear();
    wires_.Publish(lane.queue);
}

bool BlkDriver::Take(Lane& lane, std::uint64_t now, BlkCounts& counts, Latencies& latencies) {
    const std::size_t before = lane.ready.size();
    while (const auto used = lane.queue.TakeUsed()) {
        if (lane.ready.size() == before) now = MonotonicNanoseconds();
        const auto number = static_cast<std::uint16_t>(used->id);
        const Slot& slot = lane.slots.at(number);
        if (LoadRelaxed<std::uint8_t>(slot.status) != static_cast<std::uint8_t>(BlkStatus::kOk)) ++counts.failed;
        lane.ready.push_back(number);
        ++counts.requests;
        --under_way_;
        latencies.Add(now - slot.began);
    }
    return lane.ready.size() != before;
}

bool BlkDriver::EnableInterrupts() {
    bool more = false;
    for (Lane& lane : lanes_) more = lane.queue.EnableInterrupts() || more;
    return more;
}

}  // namespace husk::bench
