// What the console role puts together: the pump on the device, with a driver at one end and a host at the other.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/console_bench.h"
#include "tests/unit/console_driver.h"

namespace husk {
namespace {

using console_bench::Loop;
using console_bench::Numbers;
using console_bench::Pipe;
using console_bench::ReadAll;
using console_bench::Type;
using testing::ConsoleDriver;
using testing::SentChain;

class Machine {
 public:
    explicit Machine(ConsolePump::Host host) : loop(driver.port, host) {}
    ConsoleDriver driver;
    Loop loop;
};

TEST(ConsoleWithDevice, GuestWritesAndTheHostReads) {
    const Pipe out;
    Machine machine({.output = out.write.Get()});
    machine.driver.Start();
    machine.driver.Write("login: ");
    machine.loop.Settle();
    EXPECT_EQ(ReadAll(out.read), "login: ");
    EXPECT_TRUE(machine.driver.interrupt.Drain());
    machine.driver.Write("x");
    EXPECT_TRUE(machine.driver.transmit.MustRing());
}

TEST(ConsoleWithDevice, GuestIsServedBeforeTheHostIsWrittenTo) {
    const Pipe out;
    Machine machine({.output = out.write.Get()});
    machine.driver.Start();
    machine.driver.Write("a");
    machine.loop.Step();
    machine.driver.Write("b");
    machine.loop.Step();
    EXPECT_EQ(ReadAll(out.read), "a");
    EXPECT_TRUE(machine.driver.transmit.TakeUsed());
    EXPECT_TRUE(machine.driver.transmit.TakeUsed());
}

TEST(ConsoleWithDevice, TypedBytesReachTheGuestOnceItHasRoom) {
    const Pipe in;
    Machine machine({.input = in.read.Get(), .uart = false});
    machine.driver.Start();
    Type(in.write, "root\n");
    machine.loop.Settle();
    const SentChain room = machine.driver.OfferRoom(64);
    EXPECT_TRUE(machine.driver.receive.MustRing());
    machine.loop.Settle();
    EXPECT_EQ(machine.driver.Read(room), "root\n");
}

TEST(ConsoleWithDevice, BackPressureReachesIntoAChainAndLosesNothing) {
    const Pipe out;
    Machine machine({.output = out.write.Get()});
    machine.driver.Start();
    const std::string printed = Numbers(300'000);
    machine.driver.transmit.Chain().Readable(printed.substr(0, 200'000)).Readable(printed.substr(200'000)).Send();
    machine.loop.Settle();
    EXPECT_FALSE(machine.driver.transmit.TakeUsed());
    std::string seen;
    for (int i = 0; i < 50; ++i) {
        seen += ReadAll(out.read);
        machine.loop.Step();
    }
    EXPECT_EQ(seen, printed);
    EXPECT_TRUE(machine.driver.transmit.TakeUsed());
    EXPECT_TRUE(machine.loop.pump.Drained());
}

TEST(ConsoleWithDevice, ResetInTheMiddleOfAChainDropsItsRest) {
    const Pipe out;
    Machine machine({.output = out.write.Get()});
    machine.driver.Start();
    const std::string printed = Numbers(300'000);
    machine.driver.Write(printed);
    machine.loop.Settle();
    machine.driver.device.Deactivate();
    machine.loop.pump.HvcDied();
    machine.driver.transmit =
        testing::VirtioDriver(machine.driver.memory, {.size = 64, .event_idx = true, .at = GuestAddress(0x60'0000)});
    machine.driver.Start();
    machine.driver.Write("again");
    std::string seen;
    for (int i = 0; i < 50; ++i) {
        seen += ReadAll(out.read);
        machine.loop.Step();
    }
    const std::size_t before = seen.size() - 5;
    EXPECT_LT(before, printed.size());
    EXPECT_EQ(seen, printed.substr(0, before) + "again");
}

TEST(ConsoleWithDevice, DrainWritesWhatIsAvailableWhenTheVmmIsGone) {
    const Pipe out;
    Machine machine({.output = out.write.Get()});
    machine.driver.Start();
    std::string printed;
    for (int i = 0; i < console_config::kQueueSize; ++i) {
        const std::string part = Numbers(5000) + static_cast<char>('A' + i % 26);
        machine.driver.Write(part);
        printed += part;
    }
    machine.loop.pump.EndInput();
    std::string seen;
    int turns = 0;
    for (; turns < 1000 && !machine.loop.pump.Drained(); ++turns) {
        machine.loop.Step();
        seen += ReadAll(out.read);
    }
    EXPECT_LT(turns, 1000);
    EXPECT_EQ(seen, printed);
}

TEST(ConsoleWithDevice, BrokenDeviceIsDrainedAsFarAsItWasWhole) {
    const Pipe out;
    Machine machine({.output = out.write.Get()});
    machine.driver.Start();
    machine.driver.Write("whole");
    machine.driver.transmit.Chain().BufferAt(GuestAddress(~0ULL), 1, 0).Send();
    machine.loop.pump.EndInput();
    machine.loop.Settle();
    EXPECT_TRUE(machine.loop.pump.Drained());
    EXPECT_EQ(ReadAll(out.read), "whole");
    EXPECT_EQ(machine.driver.device.TakeFault(), QueueFault::kBufferNotInMemory);
}

// A guest in a thread of its own, as Linux does it: one buffer, a doorbell when it must, and spinning until it is back.
TEST(ConsoleWithDevice, GuestThatSpinsForEachBufferLosesNothing) {
    const Pipe out;
    Machine machine({.output = out.write.Get()});
    machine.driver.Start();
    const EventFd doorbell = EventFd::Create().value();
    const std::string printed = Numbers(40'000);
    std::atomic<bool> done = false;
    std::thread guest([&] {
        for (std::size_t at = 0; at < printed.size(); at += 100) {
            machine.driver.Write(std::string_view(printed).substr(at, 100));
            if (machine.driver.transmit.MustRing()) doorbell.Signal();
            while (!machine.driver.transmit.TakeUsed()) std::this_thread::yield();
        }
        done = true;
        doorbell.Signal();
    });
    std::string seen;
    while (!done || !machine.loop.pump.Drained()) {
        std::array<pollfd, 3> waiting{};
        const int timeout = machine.loop.pump.Prepare(waiting[0], waiting[1]);
        waiting[2] = {doorbell.Get(), POLLIN, 0};
        EXPECT_NE(::poll(waiting.data(), waiting.size(), timeout < 0 ? 20'000 : timeout), -1);
        doorbell.Drain();
        machine.loop.now += 500'000;
        machine.loop.pump.Turn(waiting[0], waiting[1], machine.loop.now);
        seen += ReadAll(out.read);
    }
    guest.join();
    seen += ReadAll(out.read);
    EXPECT_EQ(seen, printed);
    EXPECT_EQ(machine.driver.stats->requests.Get(), printed.size() / 100);
}

}  // namespace
}  // namespace husk
