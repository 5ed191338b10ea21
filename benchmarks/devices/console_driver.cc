#include "benchmarks/devices/console_driver.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "devices/virtio/console/console_config.h"
#include "vmm/base/bytes.h"
#include "vmm/base/clock.h"

namespace husk::bench {
namespace {

using console_config::kQueueSize;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kQueueRoom = 4 * kPage;
constexpr GuestAddress kFirstQueue{1 << 20};
constexpr std::uint64_t kReceiveRooms = 2 << 20;
constexpr std::uint64_t kControlRooms = 3 << 20;
constexpr std::uint64_t kTransmitRooms = 4 << 20;
constexpr std::uint32_t kPort = 1;
constexpr int kPatience = 100;  // milliseconds: a peer that is late must not keep us for ever

static_assert(kTransmitRooms + kQueueSize * ConsoleDriver::kLargestPiece <= ConsoleDriver::kMemory);

DriverQueue Queue(const GuestMemory& memory, std::uint64_t number) {
    return {memory, GuestAddress(kFirstQueue.Value() + number * kQueueRoom), kQueueSize};
}

// Pages for the device to write, from `at` on.
void OfferPages(const GuestMemory& memory, DriverQueue& queue, std::uint64_t at) {
    std::ranges::fill(memory.Slice(GuestAddress(at), kQueueSize * kPage).value(), std::byte{0});  // touches them
    for (std::uint16_t number = 0; number < kQueueSize; ++number) {
        queue.SetDescriptor(number, {at + number * kPage, kPage, kDescWrite, 0});
        queue.Add(number);
    }
    (void)queue.Publish();
}

}  // namespace

ConsoleDriver::ConsoleDriver(const GuestMemory& memory, std::uint32_t piece, bool named, const EventFd& doorbell,
                             const EventFd& interrupt)
    : memory_(memory),
      piece_(piece),
      named_(named),
      wires_(doorbell, interrupt),
      receive_(Queue(memory, 0)),
      transmit_(Queue(memory, 1)),
      control_receive_(Queue(memory, 2)),
      control_transmit_(Queue(memory, 3)) {
    OfferPages(memory, receive_, kReceiveRooms);
    OfferPages(memory, control_receive_, kControlRooms);
    std::ranges::fill(memory.Slice(GuestAddress(kTransmitRooms), kQueueSize * kLargestPiece).value(), std::byte{'x'});
    for (std::uint16_t number = 0; number < kQueueSize; ++number) {
        transmit_.SetDescriptor(number, {kTransmitRooms + number * kLargestPiece, piece, 0, 0});
        free_.push_back(number);
    }
}

Activation ConsoleDriver::Chosen() const {
    Activation chosen;
    chosen.features = kFeatureVersion1 | kFeatureEventIdx | kFeatureIndirectDesc;
    const std::size_t port = named_ ? kPort : 0;
    chosen.queues[console_config::ReceiveQueueOf(port)] = receive_.Config();
    chosen.queues[console_config::TransmitQueueOf(port)] = transmit_.Config();
    if (!named_) return chosen;
    chosen.features |= console_config::kFeatureMultiport;
    chosen.queues[console_config::kControlReceiveQueue] = control_receive_.Config();
    chosen.queues[console_config::kControlTransmitQueue] = control_transmit_.Config();
    return chosen;
}

// --- The control queues

void ConsoleDriver::Open() {
    if (!named_) return;
    Tell(ControlEvent::kDeviceReady, 0);
    for (const std::uint32_t port : {std::uint32_t{0}, kPort}) Tell(ControlEvent::kPortReady, port);
    Tell(ControlEvent::kPortOpen, kPort);
    while (!HeardThatHostIsOpen()) {
        if (!control_receive_.EnableInterrupts()) wires_.Sleep(kPatience);
    }
}

// A page is free again when its answer came: there are fewer messages than pages.
void ConsoleDriver::Tell(ControlEvent event, std::uint32_t port) {
    const ControlMessage message{.port = port, .event = static_cast<std::uint16_t>(event), .value = 1};
    const std::uint64_t at = kFirstQueue.Value() + 4 * kQueueRoom;
    std::memcpy(memory_.Slice(GuestAddress(at), sizeof message).value().data(), &message, sizeof message);
    control_transmit_.SetDescriptor(0, {at, sizeof message, 0, 0});
    control_transmit_.Add(0);
    wires_.Publish(control_transmit_);
    while (!control_transmit_.TakeUsed()) {
        if (!control_transmit_.EnableInterrupts()) wires_.Sleep(kPatience);
    }
}

bool ConsoleDriver::HeardThatHostIsOpen() {
    bool open = false;
    while (const auto used = control_receive_.TakeUsed()) {
        const auto page = memory_.Slice(GuestAddress(kControlRooms + used->id * kPage), kPage).value();
        const auto message = LoadAt<ControlMessage>(page, 0).value();
        open = open || (message.port == kPort && message.event == static_cast<std::uint16_t>(ControlEvent::kPortOpen) &&
                        message.value == 1);
    }
    return open;
}

// --- The port

ConsoleCounts ConsoleDriver::Send(std::uint64_t nanoseconds, Latencies& latencies) {
    (void)wires_.TakeCounts();
    ConsoleCounts counts;
    const std::uint64_t until = MonotonicNanoseconds() + nanoseconds;
    if (named_) {
        SendAhead(until, counts);
    } else {
        SendAwake(until, latencies, counts);
    }
    counts.bytes = counts.pieces * piece_;
    counts.wires = wires_.TakeCounts();
    return counts;
}

void ConsoleDriver::SendAwake(std::uint64_t until, Latencies& latencies, ConsoleCounts& counts) {
    std::uint16_t number = 0;
    for (std::uint64_t now = MonotonicNanoseconds(); now < until; ++counts.pieces) {
        transmit_.Add(number);
        number = static_cast<std::uint16_t>((number + 1) % kQueueSize);
        wires_.Publish(transmit_);
        WaitUntilTaken();
        const std::uint64_t began = std::exchange(now, MonotonicNanoseconds());
        latencies.Add(now - began);
    }
}

// As Linux spins. Whenever it takes a buffer, it asks for an interrupt at the next one.
void ConsoleDriver::WaitUntilTaken() {
    while (!transmit_.TakeUsed()) __builtin_ia32_pause();
    (void)transmit_.EnableInterrupts();
}

void ConsoleDriver::SendAhead(std::uint64_t until, ConsoleCounts& counts) {
    while (MonotonicNanoseconds() < until) {
        while (const auto used = transmit_.TakeUsed()) {
            free_.push_back(static_cast<std::uint16_t>(used->id));
            ++counts.pieces;
        }
        if (free_.empty()) {
            if (!transmit_.EnableInterrupts()) wires_.Sleep(kPatience);
            continue;
        }
        transmit_.Add(free_.back());
        free_.pop_back();
        wires_.Publish(transmit_);
    }
}

ConsoleCounts ConsoleDriver::Receive(std::uint64_t nanoseconds) {
    (void)wires_.TakeCounts();
    ConsoleCounts counts;
    const std::uint64_t until = MonotonicNanoseconds() + nanoseconds;
    while (MonotonicNanoseconds() < until) {
        const std::uint64_t bytes = TakeBytes();
        counts.bytes += bytes;
        if (bytes == 0 && !receive_.EnableInterrupts()) wires_.Sleep(kPatience);
    }
    counts.wires = wires_.TakeCounts();
    return counts;
}

// And gives the pages back.
std::uint64_t ConsoleDriver::TakeBytes() {
    std::uint64_t bytes = 0;
    while (const auto used = receive_.TakeUsed()) {
        bytes += used->len;
        receive_.Add(static_cast<std::uint16_t>(used->id));
    }
    wires_.Publish(receive_);
    return bytes;
}

ConsoleCounts ConsoleDriver::Echo(std::uint64_t nanoseconds, std::uint64_t pause, Latencies& latencies) {
    (void)wires_.TakeCounts();
    ConsoleCounts counts;
    std::uint64_t now = MonotonicNanoseconds();
    for (const std::uint64_t until = now + nanoseconds; now < until; ++counts.pieces) {
        transmit_.Add(0);
        wires_.Publish(transmit_);
        if (!named_) WaitUntilTaken();
        for (std::uint64_t back = 0; back < piece_;) {
            const std::uint64_t bytes = TakeBytes();
            back += bytes;
            if (bytes == 0 && !receive_.EnableInterrupts()) wires_.Sleep(kPatience);
        }
        if (named_) WaitUntilTaken();  // it was long ago
        latencies.Add(MonotonicNanoseconds() - now);
        now = AfterPause(pause);
    }
    counts.bytes = counts.pieces * piece_;
    counts.wires = wires_.TakeCounts();
    return counts;
}

}  // namespace husk::bench
