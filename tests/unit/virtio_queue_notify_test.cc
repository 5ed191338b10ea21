// Interrupts and doorbells of SplitQueue (Virtio 1.2 §2.7.7 and §2.7.10), with and without event indices.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <semaphore>
#include <thread>
#include <utility>

#include "devices/virtio/split_queue.h"
#include "tests/support/virtio_driver.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

using testing::VirtioDriver;

const GuestMemory& Memory() {
    static const GuestMemory memory = GuestMemory::Create(16 * address_map::kMiB).value();
    return memory;
}

struct Link {
    explicit Link(bool event_idx, std::uint16_t size = 8) : driver(Memory(), {.size = size, .event_idx = event_idx}) {}

    void Send() { driver.Chain().Writable(16).Send(); }
    // Takes and pushes `count` chains, of those the driver has sent.
    void Push(int count) {
        for (int i = 0; i < count; ++i) queue.Push(std::move(queue.Pop(storage).value().value()), 0);
    }
    // Sends `count` chains and has them served and taken back. Whether the device interrupted.
    bool Round(int count) {
        for (int i = 0; i < count; ++i) Send();
        Push(count);
        const bool interrupt = queue.Publish();
        for (int i = 0; i < count; ++i) driver.TakeUsed();
        return interrupt;
    }

    VirtioDriver driver;
    SplitQueue queue = SplitQueue::Create(Memory(), driver.Config(), driver.Features()).value();
    std::array<iovec, 8> storage{};
};

TEST(SplitQueueInterrupt, NothingPushedMeansNoInterrupt) {
    Link flags(false);
    EXPECT_FALSE(flags.queue.Publish());
    Link events(true);
    EXPECT_FALSE(events.queue.Publish());
}

TEST(SplitQueueInterrupt, FlagTurnsInterruptsOffAndOn) {
    Link link(false);

    EXPECT_TRUE(link.Round(1));
    link.driver.DisableInterrupts();
    EXPECT_FALSE(link.Round(3));
    EXPECT_FALSE(link.driver.EnableInterrupts());
    EXPECT_TRUE(link.Round(1));
}

TEST(SplitQueueInterrupt, UsedEventMeansNothingWithoutTheFeature) {
    Link link(false);
    link.driver.Rings().SetUsedEvent(1000);

    EXPECT_TRUE(link.Round(1));
}

TEST(SplitQueueInterrupt, FlagMeansNothingWithEventIndices) {
    Link link(true);
    link.driver.Rings().SetAvailableFlags(kAvailNoInterrupt);

    EXPECT_TRUE(link.Round(1));
}

TEST(SplitQueueInterrupt, ComesWithTheEntryThatUsedEventNames) {
    Link link(true);
    link.driver.Rings().SetUsedEvent(2);

    EXPECT_FALSE(link.Round(1));  // entry 0
    EXPECT_FALSE(link.Round(1));  // entry 1
    EXPECT_TRUE(link.Round(1));   // entry 2
    EXPECT_FALSE(link.Round(1));  // entry 3
}

TEST(SplitQueueInterrupt, ComesOnceForABatchThatHoldsTheEntry) {
    Link link(true);
    link.driver.Rings().SetUsedEvent(3);

    EXPECT_FALSE(link.Round(3));  // 0 to 2
    EXPECT_TRUE(link.Round(8));   // 3 to 10
    EXPECT_FALSE(link.Round(8));
}

TEST(SplitQueueInterrupt, OneForEveryRoundOfADriverThatAsksForTheNext) {
    Link link(true);
    for (int round = 0; round < 70'000; ++round) {
        ASSERT_FALSE(link.driver.EnableInterrupts());
        ASSERT_TRUE(link.Round(1)) << round;
    }
}

TEST(SplitQueueInterrupt, DriverIsBehindUntilItAsksForTheNextEntry) {
    Link link(true);
    link.driver.Rings().SetUsedEvent(0);
    EXPECT_FALSE(link.queue.DriverIsBehind());

    EXPECT_TRUE(link.Round(2));
    EXPECT_TRUE(link.queue.DriverIsBehind());
    link.driver.Rings().SetUsedEvent(2);
    EXPECT_FALSE(link.queue.DriverIsBehind());
}

TEST(SplitQueueInterrupt, DriverWithoutEventIndicesNeverSeemsBehind) {
    Link link(false);

    EXPECT_TRUE(link.Round(2));
    EXPECT_FALSE(link.queue.DriverIsBehind());
}

TEST(SplitQueueInterrupt, NoneForADriverThatWantsNoneUntilTheIndexWraps) {
    Link link(true);
    link.driver.Rings().SetUsedEvent(0xffff);
    for (int entry = 0; entry < 0xffff; ++entry) ASSERT_FALSE(link.Round(1)) << entry;

    EXPECT_TRUE(link.Round(1));   // entry 65535
    EXPECT_FALSE(link.Round(1));  // entry 0 again
}

TEST(SplitQueueInterrupt, BatchAcrossTheWrapHoldsItsEntries) {
    Link link(true);
    link.driver.Rings().SetUsedEvent(1);
    EXPECT_TRUE(link.Round(2));
    for (int i = 0; i < 0xfffe - 2; ++i) ASSERT_FALSE(link.Round(1));

    EXPECT_TRUE(link.Round(4));  // 65534, 65535, 0, 1
}

TEST(SplitQueueDoorbell, IsOnAtFirst) {
    for (const bool event_idx : {false, true}) {
        Link link(event_idx);
        link.Send();
        EXPECT_TRUE(link.driver.MustRing()) << event_idx;
    }
}

TEST(SplitQueueDoorbell, FlagTurnsDoorbellsOffAndOn) {
    Link link(false);

    link.queue.DisableNotify();
    EXPECT_EQ(link.driver.Rings().UsedFlags(), kUsedNoNotify);
    link.Send();
    EXPECT_FALSE(link.driver.MustRing());
    link.Push(1);
    EXPECT_FALSE(link.queue.EnableNotify());
    EXPECT_EQ(link.driver.Rings().UsedFlags(), 0);
    link.Send();
    EXPECT_TRUE(link.driver.MustRing());
}

TEST(SplitQueueDoorbell, RingsOnceForEachTimeItIsEnabledWithEventIndices) {
    Link link(true);

    link.Send();
    EXPECT_TRUE(link.driver.MustRing());
    link.queue.DisableNotify();
    link.Send();
    EXPECT_FALSE(link.driver.MustRing());
    link.Push(2);
    EXPECT_FALSE(link.queue.EnableNotify());
    EXPECT_EQ(link.driver.Rings().AvailEvent(), 2);
    EXPECT_EQ(link.driver.Rings().UsedFlags(), 0);
    link.Send();
    EXPECT_TRUE(link.driver.MustRing());
    link.Send();
    EXPECT_FALSE(link.driver.MustRing());
}

TEST(SplitQueueDoorbell, EnablingSaysWhatCameMeanwhile) {
    for (const bool event_idx : {false, true}) {
        Link link(event_idx);
        link.queue.DisableNotify();
        link.Send();
        EXPECT_TRUE(link.queue.EnableNotify()) << event_idx;
        link.Push(1);
        EXPECT_FALSE(link.queue.EnableNotify()) << event_idx;
    }
}

TEST(SplitQueueDoorbell, EnablingSeesChainsThatAreKnownButNotTaken) {
    Link link(true);
    link.Send();
    link.Send();
    link.Push(1);

    EXPECT_TRUE(link.queue.EnableNotify());
    EXPECT_EQ(link.driver.Rings().AvailEvent(), 1);
}

TEST(SplitQueueDoorbell, RingsForSeveralChainsWhenAskedTo) {
    Link link(true);
    link.queue.DisableNotify();
    ASSERT_FALSE(link.queue.EnableNotify(3));
    link.Send();
    EXPECT_FALSE(link.driver.MustRing());
    link.Send();
    EXPECT_FALSE(link.driver.MustRing());
    EXPECT_FALSE(link.queue.EnableNotify(3));
    link.Send();
    EXPECT_TRUE(link.driver.MustRing());
    EXPECT_TRUE(link.queue.EnableNotify(3));
}

TEST(SplitQueueDoorbell, OfSeveralChainsRingsAtTheFirstOneWithoutEventIndices) {
    Link link(false);
    link.queue.DisableNotify();
    ASSERT_FALSE(link.queue.EnableNotify(3));
    link.Send();
    EXPECT_TRUE(link.driver.MustRing());
    EXPECT_TRUE(link.queue.EnableNotify(3));
}

TEST(SplitQueueDoorbell, SeveralChainsAreCountedBeyondTheEndOfTheIndex) {
    Link link(true);
    for (int i = 0; i < 0xffff; ++i) {
        link.Send();
        ASSERT_FALSE(link.driver.MustRing() && i > 0) << i;
        link.Push(1);
        static_cast<void>(link.queue.Publish());
        link.driver.TakeUsed();
    }
    ASSERT_FALSE(link.queue.EnableNotify(3));
    EXPECT_EQ(link.driver.Rings().AvailEvent(), 1);
    for (const bool rings : {false, false, true}) {
        link.Send();
        EXPECT_EQ(link.driver.MustRing(), rings);
    }
    EXPECT_TRUE(link.queue.EnableNotify(3));
}

TEST(SplitQueueDoorbell, PollingSeesChainsWithoutDoorbells) {
    Link link(true);
    EXPECT_FALSE(link.queue.HasAvailable());
    link.Send();
    EXPECT_TRUE(link.queue.HasAvailable());
    link.Push(1);
    EXPECT_FALSE(link.queue.HasAvailable());
}

TEST(SplitQueueDoorbell, AvailEventWraps) {
    Link link(true);
    for (int i = 0; i < 0x1'0000; ++i) {
        ASSERT_FALSE(link.queue.EnableNotify());
        link.Send();
        ASSERT_TRUE(link.driver.MustRing()) << i;
        link.Push(1);
        static_cast<void>(link.queue.Publish());
        link.driver.TakeUsed();
    }
    EXPECT_EQ(link.driver.Rings().AvailEvent(), 0xffff);
}

// Driver and device, each in its own thread, each asleep whenever it may be: a doorbell or an interrupt that is lost
// stops both for ever, which the timeouts notice.
void PlayPingPong(bool event_idx) {
    constexpr int kChains = 20'000;
    Link link(event_idx, 4);
    std::binary_semaphore doorbell(0);
    std::binary_semaphore interrupt(0);
    std::atomic<bool> lost = false;
    const auto wait = [&](std::binary_semaphore& bell) {
        if (!bell.try_acquire_for(std::chrono::seconds(20))) lost = true;
    };
    const auto ring = [](std::binary_semaphore& bell) {
        static_cast<void>(bell.try_acquire());  // at most one at a time
        bell.release();
    };

    std::jthread device([&] {
        for (int served = 0; served < kChains && !lost;) {
            link.queue.DisableNotify();
            for (auto popped = link.queue.Pop(link.storage); *popped; popped = link.queue.Pop(link.storage)) {
                link.queue.Push(std::move(**popped), 0);
                ++served;
                if (link.queue.Publish()) ring(interrupt);
            }
            if (served < kChains && !link.queue.EnableNotify()) wait(doorbell);
        }
    });
    int sent = 0;
    int taken = 0;
    while (taken < kChains && !lost) {
        link.driver.DisableInterrupts();
        for (; sent < kChains && link.driver.FreeDescriptors() > 0; ++sent) {
            link.Send();
            if (link.driver.MustRing()) ring(doorbell);
        }
        while (link.driver.TakeUsed()) ++taken;
        if (taken < sent && !link.driver.EnableInterrupts()) wait(interrupt);
    }
    device.join();
    EXPECT_FALSE(lost);
    EXPECT_EQ(taken, kChains);
}

TEST(SplitQueueRace, NoWakeUpIsLostWithFlags) { PlayPingPong(false); }
TEST(SplitQueueRace, NoWakeUpIsLostWithEventIndices) { PlayPingPong(true); }

}  // namespace
}  // namespace husk
