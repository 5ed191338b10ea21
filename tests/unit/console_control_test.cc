// The control queues of a virtio-console with named ports: what the driver is told, and what it can do.
#include <gtest/gtest.h>

#include "tests/unit/ports_driver.h"

namespace husk {
namespace {

using testing::PortsDriver;
using testing::SentChain;
using testing::TextOf;

TEST(ConsoleControl, ReadyDriverIsToldOfEachPortAndOfNothingElse) {
    PortsDriver driver;
    driver.Start();
    EXPECT_EQ(driver.Heard(), "");
    driver.Tell(ControlEvent::kDeviceReady, 0xffff'ffff, 1);
    EXPECT_EQ(driver.Heard(), "PORT_ADD 0 = 1\nPORT_ADD 1 = 1\nPORT_ADD 2 = 1\n");
    EXPECT_TRUE(driver.interrupt.Drain());
    EXPECT_TRUE(driver.device.SleepControl());
}

TEST(ConsoleControl, ReadyPortIsDescribed) {
    PortsDriver driver;
    driver.Start();
    driver.device.SetWindow({.cols = 132, .rows = 43});
    driver.Tell(ControlEvent::kPortReady, 0, 1);
    EXPECT_EQ(driver.Heard(), "CONSOLE_PORT 0 = 1\nRESIZE 0 = 1 132x43\n");
    driver.Tell(ControlEvent::kPortReady, 1, 1);
    driver.Tell(ControlEvent::kPortReady, 2, 1);
    EXPECT_EQ(driver.Heard(), "PORT_NAME 1 = 1 agent\nPORT_NAME 2 = 1 org.two\n");
}

TEST(ConsoleControl, PortThatTheDriverCouldNotSetUpIsLeftAlone) {
    PortsDriver driver;
    driver.Start();
    driver.Tell(ControlEvent::kPortReady, 1, 0);
    driver.device.SetHostOpen(1, true);
    EXPECT_EQ(driver.Heard(), "");
}

TEST(ConsoleControl, ClientsWhoComeAndGoAreTold) {
    PortsDriver driver;
    driver.Settle();
    driver.device.SetHostOpen(1, true);
    EXPECT_EQ(driver.Heard(), "PORT_OPEN 1 = 1\n");
    driver.device.SetHostOpen(1, false);
    EXPECT_EQ(driver.Heard(), "PORT_OPEN 1 = 0\n");
}

TEST(ConsoleControl, OneClientAfterAnotherIsToldAsSuchToASlowDriver) {
    PortsDriver driver;
    driver.Settle();
    driver.device.SetHostOpen(1, true);
    EXPECT_EQ(driver.Heard(), "PORT_OPEN 1 = 1\n");
    driver.device.SetHostOpen(1, false);
    driver.device.SetHostOpen(1, true);
    EXPECT_EQ(driver.Heard(), "PORT_OPEN 1 = 0\nPORT_OPEN 1 = 1\n");
}

TEST(ConsoleControl, ClientWhoCameBeforeTheDriverIsToldWhenThePortIsReady) {
    PortsDriver driver;
    driver.device.SetHostOpen(1, true);
    driver.Start();
    EXPECT_EQ(driver.Heard(), "");
    driver.Tell(ControlEvent::kPortReady, 1, 1);
    EXPECT_EQ(driver.Heard(), "PORT_NAME 1 = 1 agent\nPORT_OPEN 1 = 1\n");
}

TEST(ConsoleControl, ResetForgetsWhatTheDriverKnewAndKeepsTheClient) {
    PortsDriver driver;
    driver.Settle();
    driver.device.SetHostOpen(1, true);
    (void)driver.Heard();
    driver.device.Deactivate();
    EXPECT_FALSE(driver.device.Port(1).GuestOpen());
    driver.control_receive = testing::VirtioDriver(driver.memory, PortsDriver::At(5));
    driver.control_transmit = testing::VirtioDriver(driver.memory, PortsDriver::At(7));
    ASSERT_EQ(driver.device.Activate(driver.memory, driver.Chosen()), std::nullopt);
    driver.Tell(ControlEvent::kPortReady, 1, 1);
    const SentChain room = driver.control_receive.Chain().Writable(64).Send();
    driver.device.ServeControl();
    const auto used = driver.control_receive.TakeUsed();
    ASSERT_TRUE(used);
    EXPECT_EQ(testing::Said(TextOf(driver.control_receive.Written(room, used->written))), "PORT_NAME 1 = 1 agent");
}

TEST(ConsoleControl, MessagesWaitForBuffersWithoutSpinning) {
    PortsDriver driver;
    driver.Start(1);
    driver.Tell(ControlEvent::kDeviceReady, 0, 1);
    EXPECT_EQ(driver.Heard(), "PORT_ADD 0 = 1\n");
    EXPECT_TRUE(driver.device.SleepControl());
    driver.Offer(1);
    EXPECT_TRUE(driver.control_receive.MustRing());
    driver.Offer(1);
    EXPECT_EQ(driver.Heard(), "PORT_ADD 1 = 1\nPORT_ADD 2 = 1\n");
    driver.Offer(1);
    EXPECT_FALSE(driver.control_receive.MustRing());
}

TEST(ConsoleControl, WindowIsToldWheneverItChanges) {
    PortsDriver driver;
    driver.Settle();
    driver.device.SetWindow({.cols = 80, .rows = 25});
    driver.device.SetWindow({.cols = 100, .rows = 30});
    EXPECT_EQ(driver.Heard(), "RESIZE 0 = 1 100x30\n");
}

TEST(ConsoleControl, NonsenseIsLeftAlone) {
    PortsDriver driver;
    driver.Settle(false);
    for (const std::uint32_t port : {3U, 5U, 0xffff'ffffU}) {
        driver.Tell(ControlEvent::kPortReady, port, 1);
        driver.Tell(ControlEvent::kPortOpen, port, 1);
    }
    driver.Tell(ControlEvent::kPortAdd, 1, 1);
    driver.Tell(ControlEvent{99}, 1, 1);
    driver.control_transmit.Chain().Readable("1234567").Send();
    driver.control_transmit.Chain().Writable(8).Send();
    EXPECT_EQ(driver.Heard(), "");
    EXPECT_TRUE(driver.device.Live());
    EXPECT_FALSE(driver.device.Port(1).GuestOpen());
}

TEST(ConsoleControl, MessageMayLieInPieces) {
    PortsDriver driver;
    driver.Settle(false);
    driver.control_transmit.Chain()
        .Readable(std::string_view("\1\0\0", 3))
        .Readable(std::string_view("\0\6\0\1", 4))
        .Readable(std::string_view("\0more", 5))
        .Send();
    driver.device.ServeControl();
    EXPECT_TRUE(driver.device.Port(1).GuestOpen());
}

TEST(ConsoleControl, BufferTooSmallForAMessageBreaksTheDevice) {
    PortsDriver driver;
    driver.Start(0);
    driver.Offer(1, 7);
    driver.Tell(ControlEvent::kDeviceReady, 0, 1);
    EXPECT_EQ(driver.device.TakeFault(), QueueFault::kNoRoomForAnswer);
    EXPECT_EQ(driver.device.TakeFault(), std::nullopt);
    EXPECT_FALSE(driver.device.Live());
    EXPECT_TRUE(driver.device.SleepControl());
}

TEST(ConsoleControl, BrokenControlQueueTakesThePortsWithIt) {
    PortsDriver driver;
    driver.Settle();
    driver.control_transmit.Chain().BufferAt(GuestAddress(~0ULL), 8, 0).Send();
    driver.device.ServeControl();
    EXPECT_EQ(driver.device.TakeFault(), QueueFault::kBufferNotInMemory);
    EXPECT_FALSE(driver.device.Port(1).Live());
    EXPECT_FALSE(driver.device.Console().Live());
}

TEST(ConsoleControl, KeysWaitUntilTheDriverOpenedItsConsole) {
    PortsDriver driver;
    driver.Settle();
    driver.console_receive.Chain().Writable(64).Send();
    const std::string_view key = "x";
    EXPECT_EQ(driver.device.Console().Put(std::as_bytes(std::span(key))), 0u);
    driver.Tell(ControlEvent::kPortOpen, 0, 1);
    EXPECT_EQ(driver.device.Console().Put(std::as_bytes(std::span(key))), 1u);
}

TEST(ConsoleControl, DriverThatTakesNoMultiportHasHvcAlone) {
    PortsDriver driver;
    Activation activation = driver.Chosen();
    activation.features &= ~console_config::kFeatureMultiport;
    ASSERT_EQ(driver.device.Activate(driver.memory, activation), std::nullopt);
    driver.console_transmit.Chain().Readable("login: ").Send();
    driver.transmit.Chain().Readable("lost").Send();
    EXPECT_TRUE(driver.device.Console().HasOutput());
    EXPECT_TRUE(driver.device.Console().GuestOpen());
    EXPECT_FALSE(driver.device.Port(1).HasOutput());
    driver.control_transmit.Chain().Readable("12345678").Send();
    driver.device.ServeControl();
    EXPECT_FALSE(driver.control_transmit.TakeUsed());
}

}  // namespace
}  // namespace husk
