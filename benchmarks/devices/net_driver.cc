#include "benchmarks/devices/net_driver.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vmm/base/clock.h"

namespace husk::bench {
namespace {

constexpr GuestAddress kReceiveQueue{1 << 20};
constexpr GuestAddress kTransmitQueue{(1 << 20) + (64 << 10)};
constexpr std::uint64_t kReceiveRooms = 2 << 20;
constexpr std::uint64_t kTransmitRooms = 8 << 20;
// So many frames are made available at once, while the device is at work on those before.
constexpr std::size_t kSendAtOnce = 32;
constexpr int kPatience = 100;  // milliseconds: a source that is late must not keep us for ever
// Nanoseconds after which a frame does not come any more.
constexpr std::uint64_t kLost = 200'000'000;

}  // namespace

NetDriver::NetDriver(const GuestMemory& memory, const Frame& frame, const EventFd& doorbell, const EventFd& interrupt)
    : wires_(doorbell, interrupt),
      receive_(memory, kReceiveQueue, kNetQueueSize),
      transmit_(memory, kTransmitQueue, kNetQueueSize) {
    static_assert(kTransmitRooms + kNetQueueSize * kTransmitRoom <= kMemory);
    rooms_.reserve(kNetQueueSize);
    free_.reserve(kNetQueueSize);
    for (std::uint16_t number = 0; number < kNetQueueSize; ++number) {
        const std::uint64_t room = kReceiveRooms + number * kReceiveRoom;
        rooms_.push_back(memory.Slice(GuestAddress(room), kReceiveRoom).value().data());
        std::memset(rooms_.back(), 0, kReceiveRoom);  // touches the page
        receive_.SetDescriptor(number, {room, kReceiveRoom, kDescWrite, 0});
        receive_.Add(number);

        const std::uint64_t at = kTransmitRooms + number * kTransmitRoom;
        const std::size_t bytes = sizeof frame.header + frame.bytes.size();
        std::byte* const own = memory.Slice(GuestAddress(at), bytes).value().data();
        std::memcpy(own, &frame.header, sizeof frame.header);
        std::ranges::copy(frame.bytes, own + sizeof frame.header);
        transmit_.SetDescriptor(number, {at, static_cast<std::uint32_t>(bytes), 0, 0});
        free_.push_back(number);
    }
    (void)receive_.Publish();
}

Activation NetDriver::Chosen() const {
    Activation chosen;
    chosen.features = kFeatureVersion1 | kFeatureEventIdx | kFeatureIndirectDesc | kFeatureNetMrgRxbuf |
                      kFeatureNetCsum | kFeatureNetGuestCsum | kFeatureNetHostTso4 | kFeatureNetGuestTso4;
    chosen.queues[ReceiveQueue(0)] = receive_.Config();
    chosen.queues[TransmitQueue(0)] = transmit_.Config();
    return chosen;
}

NetCounts NetDriver::Send(std::uint64_t nanoseconds) {
    (void)wires_.TakeCounts();
    const std::uint64_t before = sent_;
    const std::uint64_t until = MonotonicNanoseconds() + nanoseconds;
    while (MonotonicNanoseconds() < until) {
        TakeSent();
        if (free_.empty()) {
            // As Linux waits for room: until most of them are back.
            if (!transmit_.EnableInterruptsAfter(kNetQueueSize / 4 * 3)) wires_.Sleep(kPatience);
            continue;
        }
        for (std::size_t count = 0; count < kSendAtOnce && !free_.empty(); ++count) SendNext();
        wires_.Publish(transmit_);
    }
    return {.frames = sent_ - before, .wires = wires_.TakeCounts()};
}

NetCounts NetDriver::Receive(std::uint64_t nanoseconds, std::atomic<std::uint64_t>& received) {
    (void)wires_.TakeCounts();
    NetCounts counts;
    const std::uint64_t until = MonotonicNanoseconds() + nanoseconds;
    while (MonotonicNanoseconds() < until) {
        const std::uint64_t frames = TakeFrames();
        counts.frames += frames;
        received.fetch_add(frames, std::memory_order_relaxed);
        wires_.Publish(receive_);
        if (frames == 0 && !receive_.EnableInterrupts()) wires_.Sleep(kPatience);
    }
    counts.wires = wires_.TakeCounts();
    return counts;
}

NetCounts NetDriver::Echo(std::uint64_t nanoseconds, Latencies& latencies) {
    (void)wires_.TakeCounts();
    NetCounts counts;
    std::uint64_t now = MonotonicNanoseconds();
    const std::uint64_t until = now + nanoseconds;
    while (now < until) {
        TakeSent();
        SendNext();
        wires_.Publish(transmit_);
        std::uint64_t frames = 0;
        for (std::uint64_t waited = 0; frames == 0 && waited < kLost; waited = MonotonicNanoseconds() - now) {
            frames = TakeFrames();
            if (frames == 0 && !receive_.EnableInterrupts()) wires_.Sleep(kPatience);
        }
        wires_.Publish(receive_);
        const std::uint64_t began = std::exchange(now, MonotonicNanoseconds());
        if (frames > 0) latencies.Add(now - began);
        counts.frames += frames;
    }
    counts.wires = wires_.TakeCounts();
    return counts;
}

void NetDriver::TakeSent() {
    while (const auto used = transmit_.TakeUsed()) {
        free_.push_back(static_cast<std::uint16_t>(used->id));
        ++sent_;
    }
}

// With the next Publish(). There must be a free one.
void NetDriver::SendNext() {
    transmit_.Add(free_.back());
    free_.pop_back();
}

// Gives their buffers back for the next Publish(). All of a frame's buffers become used at once.
std::uint64_t NetDriver::TakeFrames() {
    std::uint64_t frames = 0;
    while (const auto used = receive_.TakeUsed()) {
        const auto number = static_cast<std::uint16_t>(used->id);
        if (rest_ == 0) {
            ++frames;
            rest_ = LoadRelaxed<std::uint16_t>(rooms_.at(number) + offsetof(NetHeader, num_buffers));
        }
        if (rest_ > 0) --rest_;
        receive_.Add(number);
    }
    return frames;
}

}  // namespace husk::bench
