// The data path of virtio-console, as a driver sees it.
#include <gtest/gtest.h>

#include "tests/unit/console_driver.h"

namespace husk {
namespace {

using testing::ConsoleDriver;
using testing::SentChain;
using testing::TextOf;
using testing::UsedChain;

TEST(ConsoleConfig, OffersOnePortWithASize) {
    EXPECT_EQ(console_config::Features(0), 1u | kFeatureIndirectDesc | kFeatureEventIdx);
    EXPECT_EQ(console_config::Queues(0), 2u);
    EXPECT_EQ(console_config::Initial(0).max_nr_ports, 0u);
    const console_config::Layout layout{.cols = 0x0102, .rows = 0x0304};
    EXPECT_EQ(LoadLittleEndian(BytesOf(layout)), 0x03040102u);
}

TEST(ConsoleConfig, NamedPortsBringMultiportAndQueues) {
    EXPECT_EQ(console_config::Features(1), 3u | kFeatureIndirectDesc | kFeatureEventIdx);
    EXPECT_EQ(console_config::Queues(1), 6u);
    EXPECT_EQ(console_config::Queues(4), 12u);
    EXPECT_EQ(console_config::Initial(4).max_nr_ports, 5u);
    EXPECT_EQ(console_config::ReceiveQueueOf(1), 4u);
    EXPECT_EQ(console_config::TransmitQueueOf(4), 11u);
}

// --- Interrupts

TEST(ConsoleDevice, DriverThatSeesByItselfThatItsOutputWasTakenGetsNoInterrupt) {
    ConsoleDriver driver;
    driver.Start();
    driver.Write("a");
    driver.Take(1);
    driver.port.Flush();
    ASSERT_TRUE(driver.transmit.TakeUsed());
    (void)driver.transmit.EnableInterrupts();  // for the next one
    driver.port.Settle();
    EXPECT_FALSE(driver.interrupt.Drain());
}

TEST(ConsoleDevice, DriverThatHasNotLookedIsInterruptedBeforeTheDeviceSleeps) {
    ConsoleDriver driver;
    driver.Start();
    driver.Write("a");
    driver.Take(1);
    driver.port.Flush();
    EXPECT_FALSE(driver.interrupt.Drain());
    EXPECT_TRUE(driver.port.Sleep(true, false));
    EXPECT_TRUE(driver.interrupt.Drain());
    EXPECT_TRUE(driver.port.Sleep(true, false));
    EXPECT_FALSE(driver.interrupt.Drain());
}

TEST(ConsoleDevice, DriverWithoutEventIndicesIsInterruptedAtOnce) {
    ConsoleDriver driver(false);
    driver.Start();
    driver.Write("a");
    driver.Take(1);
    driver.port.Flush();
    EXPECT_TRUE(driver.interrupt.Drain());
}

// --- Output

TEST(ConsoleDevice, WrittenBytesAreTakenAndTheChainComesBackEmpty) {
    ConsoleDriver driver;
    driver.Start();
    const SentChain chain = driver.Write("login: ");
    EXPECT_TRUE(driver.port.HasOutput());
    EXPECT_EQ(driver.Take(100), "login: ");
    EXPECT_TRUE(driver.Flush());
    EXPECT_EQ(driver.transmit.TakeUsed(), (UsedChain{chain.head, 0}));
    EXPECT_FALSE(driver.port.HasOutput());
    EXPECT_EQ(driver.stats->requests.Get(), 1u);
    EXPECT_EQ(driver.stats->batches.Get(), 1u);
    EXPECT_EQ(driver.stats->interrupts.Get(), 1u);
    EXPECT_EQ(driver.stats->bytes_in.Get(), 7u);
}

TEST(ConsoleDevice, ChainsAreTakenInOrderHoweverTheyAreCut) {
    ConsoleDriver driver;
    driver.Start();
    driver.transmit.Chain().Readable("a").Readable("bc").Readable("def").Send();
    driver.transmit.Chain().Indirect().Readable("gh").Readable("i").Send();
    driver.Write("j");
    EXPECT_EQ(driver.Take(100), "abcdefghij");
}

TEST(ConsoleDevice, OneInterruptForABatch) {
    ConsoleDriver driver;
    driver.Start();
    for (int i = 0; i < 20; ++i) driver.Write("x");
    EXPECT_EQ(driver.Take(100).size(), 20u);
    EXPECT_TRUE(driver.Flush());
    EXPECT_FALSE(driver.Flush());
    EXPECT_EQ(driver.stats->requests.Get(), 20u);
    EXPECT_EQ(driver.stats->batches.Get(), 1u);
    EXPECT_EQ(driver.stats->interrupts.Get(), 1u);
}

TEST(ConsoleDevice, DriverThatWantsNoInterruptGetsNone) {
    ConsoleDriver driver(false);
    driver.Start();
    driver.transmit.DisableInterrupts();
    driver.Write("x");
    driver.Take(100);
    EXPECT_FALSE(driver.Flush());
    EXPECT_TRUE(driver.transmit.TakeUsed());
    EXPECT_EQ(driver.stats->interrupts.Get(), 0u);
}

TEST(ConsoleDevice, LittleRoomLeavesTheRestInTheChain) {
    ConsoleDriver driver;
    driver.Start();
    const SentChain chain = driver.transmit.Chain().Readable("abcd").Readable("efgh").Send();
    EXPECT_EQ(driver.Take(3), "abc");
    EXPECT_FALSE(driver.Flush());
    EXPECT_FALSE(driver.transmit.TakeUsed());
    EXPECT_TRUE(driver.port.HasOutput());
    EXPECT_EQ(driver.Take(3), "def");
    EXPECT_FALSE(driver.port.Sleep(true, false));
    EXPECT_EQ(driver.Take(2), "gh");
    EXPECT_TRUE(driver.Flush());
    EXPECT_EQ(driver.transmit.TakeUsed(), (UsedChain{chain.head, 0}));
}

TEST(ConsoleDevice, RestOfAChainStaysInGuestMemoryUntilItIsTaken) {
    ConsoleDriver driver;
    driver.Start();
    const SentChain chain = driver.Write("abcd");
    EXPECT_EQ(driver.Take(2), "ab");
    driver.transmit.Bytes(chain.buffers[0])[3] = std::byte{'!'};
    EXPECT_EQ(driver.Take(2), "c!");
}

TEST(ConsoleDevice, WritableBuffersOfATransmitChainAreLeftAlone) {
    ConsoleDriver driver;
    driver.Start();
    const SentChain chain = driver.transmit.Chain().Readable("a").Writable(4).Send();
    driver.transmit.Chain().Writable(4).Send();
    EXPECT_EQ(driver.Take(100), "a");
    driver.Flush();
    EXPECT_EQ(driver.transmit.TakeUsed(), (UsedChain{chain.head, 0}));
    EXPECT_TRUE(driver.transmit.TakeUsed());
    EXPECT_EQ(driver.transmit.Bytes(chain.buffers[1])[0], std::byte{0xee});
}

// --- Input

TEST(ConsoleDevice, TypedBytesFillTheRoomOnOffer) {
    ConsoleDriver driver;
    driver.Start();
    const SentChain first = driver.OfferRoom(4);
    const SentChain second = driver.receive.Chain().Writable(2).Writable(10).Send();
    EXPECT_EQ(driver.Type("root\nsecret\n"), 12u);
    EXPECT_TRUE(driver.Flush());
    EXPECT_EQ(driver.Read(first), "root");
    EXPECT_EQ(driver.Read(second), "\nsecret\n");
    EXPECT_EQ(driver.stats->bytes_out.Get(), 12u);
    EXPECT_EQ(driver.stats->interrupts.Get(), 1u);
}

TEST(ConsoleDevice, WithoutRoomNothingIsPut) {
    ConsoleDriver driver;
    driver.Start();
    EXPECT_EQ(driver.Type("x"), 0u);
    driver.OfferRoom(2);
    EXPECT_EQ(driver.Type("xyz"), 2u);
    EXPECT_EQ(driver.Type("z"), 0u);
}

TEST(ConsoleDevice, ReadableBuffersOfAReceiveChainAreLeftAlone) {
    ConsoleDriver driver;
    driver.Start();
    const SentChain odd = driver.receive.Chain().Readable("keep").Send();
    const SentChain room = driver.receive.Chain().Readable("keep").Writable(8).Send();
    EXPECT_EQ(driver.Type("typed"), 5u);
    driver.Flush();
    EXPECT_EQ(driver.Read(odd), "");
    EXPECT_EQ(driver.Read(room), "typed");
    EXPECT_EQ(TextOf(driver.receive.Bytes(room.buffers[0])), "keep");
}

TEST(ConsoleDevice, BothQueuesShareOneInterrupt) {
    ConsoleDriver driver;
    driver.Start();
    driver.OfferRoom(16);
    driver.Write("echo");
    EXPECT_EQ(driver.Type("typed"), 5u);
    EXPECT_EQ(driver.Take(16), "echo");
    EXPECT_TRUE(driver.Flush());
    EXPECT_EQ(driver.stats->batches.Get(), 1u);
    EXPECT_EQ(driver.stats->interrupts.Get(), 1u);
}

// --- Doorbells

TEST(ConsoleDevice, RingsForOutputWhileItSleepsAndNotWhileItServes) {
    for (const bool event_idx : {false, true}) {
        ConsoleDriver driver(event_idx);
        driver.Start();
        EXPECT_TRUE(driver.port.Sleep(true, false));
        driver.Write("a");
        EXPECT_TRUE(driver.transmit.MustRing());
        EXPECT_EQ(driver.Take(100), "a");
        driver.Write("b");
        EXPECT_FALSE(driver.transmit.MustRing());
        EXPECT_FALSE(driver.port.Sleep(true, false));  // came before we slept
    }
}

TEST(ConsoleDevice, WithoutRoomOutputRingsNoDoorbell) {
    ConsoleDriver driver;
    driver.Start();
    EXPECT_TRUE(driver.port.Sleep(true, false));
    driver.Write("ab");
    EXPECT_EQ(driver.Take(1), "a");
    EXPECT_TRUE(driver.port.Sleep(false, false));
    driver.Write("c");
    EXPECT_FALSE(driver.transmit.MustRing());
}

TEST(ConsoleDevice, RoomRingsOnlyWhenTypedBytesWaitForIt) {
    ConsoleDriver driver(false);
    driver.Start();
    EXPECT_TRUE(driver.port.Sleep(true, false));
    driver.OfferRoom(4);
    EXPECT_FALSE(driver.receive.MustRing());
    EXPECT_EQ(driver.Type("12345"), 4u);
    EXPECT_TRUE(driver.port.Sleep(true, true));
    driver.OfferRoom(4);
    EXPECT_TRUE(driver.receive.MustRing());
    EXPECT_FALSE(driver.port.Sleep(true, true));
}

// --- Life

TEST(ConsoleDevice, BeforeActivationNothingMoves) {
    ConsoleDriver driver;
    driver.Write("a");
    driver.OfferRoom(4);
    EXPECT_FALSE(driver.device.Live());
    EXPECT_FALSE(driver.port.HasOutput());
    EXPECT_EQ(driver.Take(10), "");
    EXPECT_EQ(driver.Type("x"), 0u);
    EXPECT_TRUE(driver.port.Sleep(true, true));
    EXPECT_FALSE(driver.Flush());
}

TEST(ConsoleDevice, ResetInTheMiddleOfAChainDropsItsRestAndTouchesNothing) {
    ConsoleDriver driver;
    driver.Start();
    driver.Write("abcd");
    EXPECT_EQ(driver.Take(2), "ab");
    driver.device.Deactivate();
    EXPECT_FALSE(driver.device.Live());
    EXPECT_FALSE(driver.port.HasOutput());
    EXPECT_EQ(driver.Take(10), "");
    EXPECT_FALSE(driver.Flush());
    EXPECT_FALSE(driver.transmit.TakeUsed());
}

TEST(ConsoleDevice, ActivatedAgainItBeginsAnew) {
    ConsoleDriver driver;
    driver.Start();
    driver.Write("abcd");
    EXPECT_EQ(driver.Take(2), "ab");
    driver.device.Deactivate();
    driver.transmit =
        testing::VirtioDriver(driver.memory, {.size = 16, .event_idx = false, .at = GuestAddress(0x60'0000)});
    driver.Start();
    driver.Write("efgh");
    EXPECT_EQ(driver.Take(10), "efgh");
    EXPECT_TRUE(driver.Flush());
    EXPECT_TRUE(driver.transmit.TakeUsed());
}

TEST(ConsoleDevice, QueueOutsideMemoryIsRefused) {
    ConsoleDriver driver;
    Activation activation = driver.Chosen();
    activation.queues[console_config::kTransmitQueue].device = GuestAddress(16 * address_map::kMiB);
    EXPECT_EQ(driver.device.Activate(driver.memory, activation), QueueFault::kRingNotInMemory);
    EXPECT_FALSE(driver.device.Live());
    EXPECT_EQ(driver.device.TakeFault(), std::nullopt);
}

TEST(ConsoleDevice, QueueThatIsNotUsedIsNotServed) {
    ConsoleDriver driver;
    Activation activation = driver.Chosen();
    activation.queues[console_config::kReceiveQueue] = {};
    EXPECT_EQ(driver.device.Activate(driver.memory, activation), std::nullopt);
    driver.Write("a");
    EXPECT_EQ(driver.Type("x"), 0u);
    EXPECT_EQ(driver.Take(10), "a");
}

// --- Drivers that break rules

TEST(ConsoleDevice, BrokenTransmitQueueEndsTheDeviceOnceAndKeepsWhatCameBefore) {
    ConsoleDriver driver;
    driver.Start();
    const SentChain good = driver.Write("good");
    driver.transmit.Chain().BufferAt(GuestAddress(~0ULL), 16, 0).Send();
    EXPECT_EQ(driver.Take(100), "good");
    EXPECT_FALSE(driver.device.Live());
    EXPECT_EQ(driver.device.TakeFault(), QueueFault::kBufferNotInMemory);
    EXPECT_EQ(driver.device.TakeFault(), std::nullopt);
    EXPECT_TRUE(driver.Flush());
    EXPECT_EQ(driver.transmit.TakeUsed(), (UsedChain{good.head, 0}));
}

TEST(ConsoleDevice, BrokenDeviceIsIdleUntilItIsReset) {
    ConsoleDriver driver;
    driver.Start();
    driver.OfferRoom(10);
    driver.transmit.Chain().BufferAt(GuestAddress(0), 0, 0).Send();
    driver.Take(10);
    driver.Write("more");
    EXPECT_EQ(driver.Take(10), "");
    EXPECT_EQ(driver.Type("x"), 0u);
    EXPECT_FALSE(driver.port.HasOutput());
    EXPECT_TRUE(driver.port.Sleep(true, true));
    driver.device.Deactivate();
    EXPECT_EQ(driver.device.TakeFault(), std::nullopt);
}

TEST(ConsoleDevice, BrokenReceiveQueueEndsTheDevice) {
    ConsoleDriver driver;
    driver.Start();
    driver.receive.Chain().BufferAt(GuestAddress(~0ULL), 16, kDescWrite).Send();
    EXPECT_EQ(driver.Type("x"), 0u);
    EXPECT_EQ(driver.device.TakeFault(), QueueFault::kBufferNotInMemory);
    EXPECT_FALSE(driver.device.Live());
}

TEST(ConsoleDevice, IndirectWithoutTheFeatureIsAFault) {
    ConsoleDriver driver;
    Activation activation = driver.Chosen();
    activation.features = kFeatureVersion1;
    EXPECT_EQ(driver.device.Activate(driver.memory, activation), std::nullopt);
    driver.transmit.Chain().Indirect().Readable("x").Send();
    EXPECT_EQ(driver.Take(10), "");
    EXPECT_EQ(driver.device.TakeFault(), QueueFault::kIndirectNotOffered);
}

TEST(ConsoleDevice, UselessChainsCostABoundedAmountOfWork) {
    ConsoleDriver driver;
    driver.Start();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < console_config::kQueueSize; ++i) driver.transmit.Chain().Writable(1).Send();
        EXPECT_EQ(driver.Take(10), "");
        driver.Flush();
        while (driver.transmit.TakeUsed()) continue;
    }
    EXPECT_TRUE(driver.device.Live());
    EXPECT_EQ(driver.stats->requests.Get(), 3u * console_config::kQueueSize);
}

}  // namespace
}  // namespace husk
