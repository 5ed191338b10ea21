// Several request queues of one block device.
#include <gtest/gtest.h>

#include "tests/unit/blk_driver.h"

namespace husk {
namespace {

using testing::CountingIrqLine;
using testing::MemoryDisk;
using testing::SentChain;
using testing::VirtioDriver;

// A guest whose driver has two queues, in memory of its own each.
struct TwoQueues {
    TwoQueues() {
        Activation activation;
        activation.features = first.Features() | kFeatureBlkFlush | kFeatureBlkMultiQueue;
        activation.queues[0] = first.Config();
        activation.queues[2] = third.Config();  // a driver may leave one out
        EXPECT_EQ(device.Activate(activation), std::nullopt);
    }
    static SentChain Read(VirtioDriver& driver, std::uint64_t sector) {
        const BlkRequestHeader header{.type = kBlkTypeRead, .reserved = 0, .sector = sector};
        return driver.Chain().Readable(BytesOf(header)).Writable(512).Writable(1).Send();
    }
    void Serve() {
        while (device.Serve() == ServeResult::kMore) {
        }
    }

    GuestMemory memory = GuestMemory::Create(64 << 20).value();
    VirtioDriver first{memory, {.size = 16, .event_idx = true}};
    VirtioDriver third{memory, {.size = 16, .event_idx = true, .at = GuestAddress(32 << 20)}};
    MemoryDisk disk{64 * 1024};
    CountingIrqLine line;
    DeviceStats stats;
    BlkDevice device{memory, disk, {}, line, stats};
};

TEST(BlkQueues, ChainsGoBackToTheQueueTheyCameFrom) {
    TwoQueues guest;
    const SentChain a = TwoQueues::Read(guest.first, 1);
    const SentChain b = TwoQueues::Read(guest.third, 2);
    guest.Serve();
    EXPECT_EQ(guest.first.Written(a, 512), guest.disk.Contents(512, 512));
    EXPECT_EQ(guest.third.Written(b, 512), guest.disk.Contents(1024, 512));
    EXPECT_TRUE(guest.first.TakeUsed());
    EXPECT_TRUE(guest.third.TakeUsed());
    EXPECT_FALSE(guest.first.TakeUsed());
}

TEST(BlkQueues, AnswersInBothShareAnInterrupt) {
    TwoQueues guest;
    (void)TwoQueues::Read(guest.first, 1);
    (void)TwoQueues::Read(guest.third, 2);
    guest.Serve();
    EXPECT_EQ(guest.line.pulses, 1u);
}

TEST(BlkQueues, BusyQueueDoesNotStarveAnother) {
    TwoQueues guest;
    for (int i = 0; i < 5; ++i) (void)TwoQueues::Read(guest.first, 1);
    (void)TwoQueues::Read(guest.third, 2);
    guest.Serve();
    EXPECT_TRUE(guest.third.TakeUsed());
}

TEST(BlkQueues, SleepingDeviceIsWokenByEither) {
    TwoQueues guest;
    guest.Serve();
    (void)TwoQueues::Read(guest.first, 1);
    EXPECT_TRUE(guest.first.MustRing());
    (void)TwoQueues::Read(guest.third, 1);
    EXPECT_TRUE(guest.third.MustRing());
}

TEST(BlkQueues, QueuesCountToTheirShareBeforeADriverRings) {
    TwoQueues guest;
    Activation activation;
    activation.features = guest.first.Features();
    activation.queues[0] = guest.first.Config();
    activation.queues[2] = guest.third.Config();
    BlkQueues queues;
    ASSERT_EQ(queues.Open(guest.memory, activation), std::nullopt);
    EXPECT_FALSE(queues.EnableNotify(7));
    for (VirtioDriver* driver : {&guest.first, &guest.third}) {
        (void)TwoQueues::Read(*driver, 1);
        (void)TwoQueues::Read(*driver, 1);
        EXPECT_FALSE(driver->MustRing());
    }
    EXPECT_FALSE(queues.EnableNotify(7));
    (void)TwoQueues::Read(guest.third, 1);
    EXPECT_TRUE(guest.third.MustRing());
    EXPECT_TRUE(queues.EnableNotify(7));
    EXPECT_TRUE(queues.EnableNotify(1));
}

TEST(BlkQueues, BrokenQueueStopsTheDevice) {
    TwoQueues guest;
    guest.third.Rings().SetAvailableIndex(999);
    (void)TwoQueues::Read(guest.first, 1);
    ServeResult result = ServeResult::kMore;
    while (result == ServeResult::kMore) result = guest.device.Serve();
    EXPECT_EQ(result, ServeResult::kFault);
    EXPECT_EQ(guest.device.Fault(), QueueFault::kTooManyAvailable);
}

}  // namespace
}  // namespace husk
