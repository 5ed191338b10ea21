// A named port between a guest's driver and the client of a unix socket, in single steps of the console role's loop.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "devices/host/port_pump.h"
#include "tests/unit/console_bench.h"
#include "tests/unit/ports_driver.h"

namespace husk {
namespace {

using console_bench::Numbers;
using console_bench::ReadAll;
using console_bench::SocketPair;
using console_bench::Type;
using testing::PortsDriver;
using testing::SentChain;
using testing::TextOf;

class Port {
 public:
    explicit Port(bool open = true) {
        ::signal(SIGPIPE, SIG_IGN);
        driver.Settle(open);
    }
    // True: the client is gone.
    bool Step() {
        pollfd waiting{};
        const int timeout = pump.Prepare(waiting);
        const int ready = ::poll(&waiting, 1, 0);
        idle = ready == 0 && timeout != 0;
        if (ready == 0 && timeout > 0) now += static_cast<std::uint64_t>(timeout) * 1'000'000;
        last_timeout = timeout;
        return pump.Turn(waiting, now);
    }
    void Settle() {
        Step();
        for (int i = 0; i < 200 && !idle; ++i) Step();
        EXPECT_TRUE(idle);
    }
    SentChain OfferRoom(std::uint32_t bytes) { return driver.receive.Chain().Writable(bytes).Send(); }
    std::string GuestReads(const SentChain& chain) {
        const auto used = driver.receive.TakeUsed();
        if (!used || used->head != chain.head) return "(not this chain)";
        return TextOf(driver.receive.Written(chain, used->written));
    }

    PortsDriver driver;
    PortPump pump{driver.device.Port(1)};
    SocketPair client;
    std::uint64_t now = 1'000'000'000;
    int last_timeout = 0;
    bool idle = false;
};

TEST(PortPump, BytesPassBothWaysAsTheyAre) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    std::string all(256, '\0');
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
    const SentChain room = port.OfferRoom(300);
    Type(port.client.theirs, all);
    port.driver.transmit.Chain().Readable(all).Send();
    port.Settle();
    EXPECT_EQ(port.GuestReads(room), all);
    EXPECT_EQ(ReadAll(port.client.theirs), all);
    EXPECT_TRUE(port.driver.interrupt.Drain());
}

TEST(PortPump, ClientThatReadsNothingHoldsTheGuestBackAndLosesNothing) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    std::string printed;
    for (int i = 0; i < console_config::kQueueSize - 1; ++i) {
        const std::string part = Numbers(15'000) + static_cast<char>('A' + i % 26);
        port.driver.transmit.Chain().Readable(part).Send();
        printed += part;
    }
    port.Settle();
    EXPECT_EQ(port.last_timeout, -1);
    EXPECT_FALSE(port.pump.Drained());
    std::string seen;
    for (int i = 0; i < 100; ++i) {
        seen += ReadAll(port.client.theirs);
        port.Step();
    }
    EXPECT_EQ(seen, printed);
    EXPECT_TRUE(port.pump.Drained());
}

TEST(PortPump, GuestThatReadsNothingHoldsTheClientBackAndLosesNothing) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    const std::string sent = Numbers(600'000);
    std::size_t at = 0;
    for (int i = 0; i < 20; ++i) {
        const ssize_t count = ::write(port.client.theirs.Get(), sent.data() + at, sent.size() - at);
        if (count > 0) at += static_cast<std::size_t>(count);
        port.Settle();
    }
    EXPECT_LT(at, sent.size());
    std::string read;
    while (read.size() < at) {
        const SentChain room = port.OfferRoom(4096);
        port.Settle();
        read += port.GuestReads(room);
    }
    EXPECT_EQ(read, sent.substr(0, at));
}

TEST(PortPump, WhatIsSentWaitsUntilTheGuestOpensThePort) {
    Port port(false);
    port.pump.SetClient(port.client.ours.Get());
    const SentChain room = port.OfferRoom(64);
    Type(port.client.theirs, "ping");
    port.Settle();
    EXPECT_FALSE(port.driver.receive.TakeUsed());
    port.driver.Tell(ControlEvent::kPortOpen, 1, 1);
    port.Settle();
    EXPECT_EQ(port.GuestReads(room), "ping");
}

TEST(PortPump, WhatWasTakenForOneReaderIsNotGivenToTheNext) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    Type(port.client.theirs, "for the first");
    port.Settle();
    port.driver.Tell(ControlEvent::kPortOpen, 1, 0);
    port.driver.Tell(ControlEvent::kPortOpen, 1, 1);
    port.Settle();
    const SentChain room = port.OfferRoom(64);
    Type(port.client.theirs, "second");
    port.Settle();
    EXPECT_EQ(port.GuestReads(room), "second");
}

TEST(PortPump, GuestWritesIntoTheVoidWithoutAClient) {
    Port port;
    port.driver.transmit.Chain().Readable(Numbers(100'000)).Send();
    port.Settle();
    EXPECT_TRUE(port.driver.transmit.TakeUsed());
    port.pump.SetClient(port.client.ours.Get());
    port.driver.transmit.Chain().Readable("hello").Send();
    port.Settle();
    EXPECT_EQ(ReadAll(port.client.theirs), "hello");
}

TEST(PortPump, ClientThatEndsItsInputStillReads) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    const SentChain room = port.OfferRoom(64);
    Type(port.client.theirs, "question");
    ::shutdown(port.client.theirs.Get(), SHUT_WR);
    port.Settle();
    EXPECT_EQ(port.GuestReads(room), "question");
    EXPECT_TRUE(port.pump.HasClient());
    port.driver.transmit.Chain().Readable("answer").Send();
    port.Settle();
    EXPECT_EQ(ReadAll(port.client.theirs), "answer");
    EXPECT_EQ(port.last_timeout, -1);
}

TEST(PortPump, LastBytesOfAClientThatLeftReachTheGuest) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    Type(port.client.theirs, Numbers(100'000));
    port.client.theirs.Reset();
    std::string read;
    bool gone = false;
    for (int i = 0; i < 40 && !gone; ++i) {
        const SentChain room = port.OfferRoom(4096);
        gone = port.Step();
        if (const auto used = port.driver.receive.TakeUsed()) {
            read += TextOf(port.driver.receive.Written(room, used->written));
        }
    }
    EXPECT_TRUE(gone);
    EXPECT_FALSE(port.pump.HasClient());
    EXPECT_EQ(read, Numbers(100'000));
}

TEST(PortPump, ClientThatLeftDoesNotWaitForeverForAGuestThatDoesNotRead) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    Type(port.client.theirs, "unread");
    port.client.theirs.Reset();
    const std::uint64_t begin = port.now;
    int steps = 0;
    while (!port.Step() && steps < 10) ++steps;
    EXPECT_LT(steps, 10) << "it spins, or keeps the place for ever";
    EXPECT_GE(port.now - begin, 1'000'000'000u);
}

TEST(PortPump, ClientThatLeavesAClosedPortIsGoneAtOnce) {
    Port port(false);
    port.pump.SetClient(port.client.ours.Get());
    Type(port.client.theirs, "unread");
    port.client.theirs.Reset();
    EXPECT_TRUE(port.Step());
    EXPECT_FALSE(port.pump.HasClient());
}

TEST(PortPump, ClientThatLeavesWhileTheGuestWritesIsGoneAndTheGuestGoesOn) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    port.driver.transmit.Chain().Readable(Numbers(900'000)).Send();
    port.Settle();
    port.client.theirs.Reset();
    bool gone = false;
    for (int i = 0; i < 50; ++i) gone = port.Step() || gone;
    EXPECT_TRUE(gone);
    EXPECT_TRUE(port.driver.transmit.TakeUsed());
}

TEST(PortPump, BrokenDeviceLeavesTheClientWhatTheGuestWroteBefore) {
    Port port;
    port.pump.SetClient(port.client.ours.Get());
    port.driver.transmit.Chain().Readable("whole").Send();
    port.driver.transmit.Chain().BufferAt(GuestAddress(~0ULL), 1, 0).Send();
    port.Settle();
    EXPECT_EQ(ReadAll(port.client.theirs), "whole");
    EXPECT_EQ(port.driver.device.TakeFault(), QueueFault::kBufferNotInMemory);
    EXPECT_EQ(port.last_timeout, -1);
}

}  // namespace
}  // namespace husk
