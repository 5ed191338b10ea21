// A virtio-net driver and a wire for tests: the words of a network driver over VirtioDriver, and a wire that remembers,
// refuses and gives as a test wants it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "devices/virtio/net/net_config.h"
#include "devices/virtio/net/net_device.h"
#include "tests/support/virtio_driver.h"
#include "vmm/memory/address_map.h"

namespace husk::testing {

using Bytes = std::vector<std::byte>;

// A frame of `size` bytes that can be told from one with another seed.
inline Bytes Frame(std::size_t size, int seed = 0) {
    Bytes frame(size);
    for (std::size_t i = 0; i < size; ++i) frame[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(seed));
    return frame;
}
inline Bytes Joined(std::span<const std::byte> a, std::span<const std::byte> b) {
    Bytes all(a.begin(), a.end());
    all.insert(all.end(), b.begin(), b.end());
    return all;
}

class FakeWire final : public NetBackend {
 public:
    explicit FakeWire(std::uint32_t queues = 1) : incoming(queues), queues_(queues) {}

    struct Sent {
        std::uint32_t queue;
        NetHeader header;
        Bytes frame;
    };
    std::vector<Sent> sent;
    int send_error = 0;
    std::vector<std::deque<Bytes>> incoming;  // for each queue; with their headers
    long receive_error = 0;
    NetOffloads offloads;
    bool gone = false;

    void Arrive(std::span<const std::byte> frame, std::uint32_t queue = 0, const NetHeader& header = {}) {
        incoming[queue].push_back(Joined(BytesOf(header), frame));
    }

    std::uint32_t Queues() const override { return queues_; }
    int Fd(std::uint32_t queue) const override { return static_cast<int>(queue); }
    void SetOffloads(const NetOffloads& wanted) override { offloads = wanted; }
    int Send(std::uint32_t queue, std::span<iovec> frame) override {
        EXPECT_EQ(frame[0].iov_len, kNetHeaderBytes);
        if (send_error != 0) return send_error;
        Sent one{queue, {}, {}};
        std::memcpy(&one.header, frame[0].iov_base, sizeof one.header);
        for (const iovec& part : frame.subspan(1)) {
            const auto* const begin = static_cast<const std::byte*>(part.iov_base);
            one.frame.insert(one.frame.end(), begin, begin + part.iov_len);
        }
        sent.push_back(std::move(one));
        return 0;
    }
    bool HoldsOutput() const override { return false; }
    void FlushOutput() override {}
    long Receive(std::uint32_t queue, std::span<const iovec> room) override {
        if (receive_error != 0) return -receive_error;
        if (incoming[queue].empty()) return -EAGAIN;
        const Bytes frame = std::move(incoming[queue].front());
        incoming[queue].pop_front();
        std::size_t at = 0;
        for (const iovec& part : room) {
            const std::size_t count = std::min(part.iov_len, frame.size() - at);
            std::memcpy(part.iov_base, frame.data() + at, count);
            at += count;
        }
        return static_cast<long>(at);  // cut, as a tap does it
    }
    bool HoldsInput() const override { return false; }
    bool Gone() const override { return gone; }
    bool Finish() override { return true; }

 private:
    std::uint32_t queues_;
};

struct CountingLine : IrqLine {
    void Pulse() override { ++pulses; }
    std::uint64_t pulses = 0;
};

// A guest, its driver, a wire and the device between them.
class NetMachine {
 public:
    struct Options {
        std::uint64_t features = kFeatureNetMrgRxbuf | kFeatureNetCtrlVq;
        std::uint32_t pairs = 1;
        std::uint32_t wires = 1;
        std::uint16_t queue_size = 64;
        GateOptions gate{.rules = Lax(), .capture = {}};
    };
    static NetRules Lax() {
        NetRules rules;
        rules.strict = 0;
        return rules;
    }
    NetMachine() : NetMachine(Options{}) {}
    explicit NetMachine(const Options& options)
        : wire(options.wires),
          gate(options.gate, MonotonicNanoseconds()),
          device(memory, wire, gate, options.pairs, line, counters),
          options_(options) {
        Activate();
    }

    void Activate() {
        drivers.clear();
        for (std::uint64_t queue = 0; queue < NetQueues(options_.pairs); ++queue) {
            const GuestAddress at(0x10'0000 + queue * VirtioDriver::kFootprint);
            drivers.emplace_back(memory,
                                 VirtioDriver::Options{.size = options_.queue_size, .event_idx = true, .at = at});
        }
        EXPECT_EQ(device.Activate(Activation()), std::nullopt);
    }
    [[nodiscard]] husk::Activation Activation() const {
        husk::Activation activation;
        activation.features = drivers[0].Features() | options_.features;
        for (std::size_t queue = 0; queue < drivers.size(); ++queue) activation.queues[queue] = drivers[queue].Config();
        return activation;
    }

    VirtioDriver& Rx(std::size_t pair = 0) { return drivers[ReceiveQueue(pair)]; }
    VirtioDriver& Tx(std::size_t pair = 0) { return drivers[TransmitQueue(pair)]; }
    VirtioDriver& Control() { return drivers[ControlQueue(options_.pairs, options_.features)]; }

    SentChain Send(std::span<const std::byte> frame, const NetHeader& header = {}, std::size_t pair = 0) {
        return Tx(pair).Chain().Readable(BytesOf(header)).Readable(frame).Send();
    }
    // The answer to a command, 0xee when there was none.
    std::uint8_t Command(std::uint8_t group, std::uint8_t command, std::span<const std::byte> data) {
        const std::array<std::uint8_t, 2> head{group, command};
        auto chain = Control().Chain();
        const SentChain sent = chain.Readable(BytesOf(head)).Readable(data).Writable(1).Send();
        Serve();
        (void)Control().TakeUsed();
        return std::to_integer<std::uint8_t>(Control().Bytes(sent.buffers.back())[0]);
    }
    // Serves until nothing is left to do now. False once a queue broke.
    bool Serve() {
        ServeResult result = ServeResult::kMore;
        while (result == ServeResult::kMore) result = device.Serve();
        return result == ServeResult::kSleep;
    }
    std::uint64_t Dropped(const NetDirection& direction, NetDrop why) const {
        return direction.drops[static_cast<std::size_t>(why)].Get();
    }

    GuestMemory memory = GuestMemory::Create(64 * address_map::kMiB).value();
    std::vector<VirtioDriver> drivers;
    FakeWire wire;
    CountingLine line;
    NetCounters counters;
    FrameGate gate;
    NetDevice device;

 private:
    Options options_;
};

}  // namespace husk::testing
