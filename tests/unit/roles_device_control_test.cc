// The vmm's end of a device's worker: vCPU threads on one side, messages on the other.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "vmm/base/clock.h"
#include "vmm/roles/device_control.h"

namespace husk {
namespace {

struct Control {
    std::pair<Channel, Channel> ends = Channel::CreatePair().value();
    EventFd doorbell = EventFd::Create().value();
    EventFd wake = EventFd::Create().value();
    VcpuGate gate;
    VirtioDeviceStats stats;
    DeviceControl control{std::move(ends.first), doorbell, wake, gate, stats};
    const Channel& worker = ends.second;

    Control() { gate.Open(); }
    template <typename M>
    std::optional<M> Received() {
        return ReceiveMail(worker).value().message.As<M>();
    }
    // The control thread, until a vCPU wants something.
    void ForwardNext() {
        while (!wake.Drain()) std::this_thread::yield();
        control.Forward();
    }
};

Activation SomeActivation() {
    Activation activation;
    activation.features = 0x1'0000'0200;
    activation.queues[0] = {
        .size = 64, .desc = GuestAddress(0x1000), .driver = GuestAddress(0x2000), .device = GuestAddress(0x3000)};
    return activation;
}

TEST(DeviceControl, ActivationReachesTheWorker) {
    Control device;
    device.control.Activate(SomeActivation());
    device.ForwardNext();
    const auto message = device.Received<ActivateDevice>();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->activation.features, 0x1'0000'0200u);
    EXPECT_EQ(message->activation.queues[0].device, GuestAddress(0x3000));
    EXPECT_GT(device.stats.driver_ok.At(), 0u);
}

TEST(DeviceControl, NothingIsForwardedTwice) {
    Control device;
    device.control.Activate(SomeActivation());
    device.control.Forward();
    device.control.Forward();
    EXPECT_TRUE(device.Received<ActivateDevice>());
    char byte = 0;
    EXPECT_LT(::recv(device.worker.Fd(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST(DeviceControl, TrappedDoorbellIsRung) {
    Control device;
    device.control.Notify(1);
    EXPECT_EQ(device.doorbell.Take(), 1u);
}

TEST(DeviceControl, ResetWaitsForTheWorker) {
    Control device;
    std::atomic<bool> returned{false};
    std::thread vcpu([&] {
        device.control.Reset();
        returned = true;
    });
    device.ForwardNext();
    EXPECT_TRUE(device.Received<StopDevice>());
    EXPECT_TRUE(device.control.Resetting());
    while (device.gate.CountOutside() != 1) std::this_thread::yield();
    EXPECT_FALSE(returned);
    device.control.Stopped();
    vcpu.join();
    EXPECT_FALSE(device.control.Resetting());
    EXPECT_EQ(device.gate.CountOutside(), 0u);
    EXPECT_EQ(device.stats.resets.Get(), 1u);
}

TEST(DeviceControl, AnswerThatNobodyAskedForDoesNotEndTheNextReset) {
    Control device;
    device.control.Stopped();
    std::atomic<bool> returned{false};
    std::thread vcpu([&] {
        device.control.Reset();
        returned = true;
    });
    device.ForwardNext();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(returned);
    device.control.Stopped();
    vcpu.join();
}

TEST(DeviceControl, ResetTakesThePlaceOfAnActivationThatWasNotYetForwarded) {
    Control device;
    device.control.Activate(SomeActivation());
    (void)device.wake.Drain();
    std::thread vcpu([&] { device.control.Reset(); });
    device.ForwardNext();
    EXPECT_TRUE(device.Received<StopDevice>());
    device.control.Stopped();
    vcpu.join();
}

TEST(DeviceControl, ResetIsOverdueOnlyAfterItsDeadline) {
    Control device;
    std::thread vcpu([&] { device.control.Reset(); });
    device.ForwardNext();
    const std::uint64_t now = MonotonicNanoseconds();
    EXPECT_FALSE(device.control.Overdue(now));
    EXPECT_TRUE(device.control.Overdue(now + DeviceControl::kResetDeadlineNanoseconds + 1));
    device.control.Abandon();
    vcpu.join();
}

TEST(DeviceControl, AbandonedDeviceMakesNobodyWait) {
    Control device;
    device.control.Abandon();
    device.control.Reset();
    SUCCEED();
}

TEST(DeviceControl, ConfigurationWaitsForTheWorkerAndFollowsTheActivation) {
    Control device;
    device.control.Activate(SomeActivation());
    std::atomic<bool> configured = false;
    std::thread vcpu([&] {
        device.control.Configure(false);
        configured = true;
    });
    while (device.gate.CountOutside() == 0) std::this_thread::yield();
    device.control.Forward();
    EXPECT_TRUE(device.Received<ActivateDevice>());
    const auto message = device.Received<ConfigureDevice>();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->value, 0u);
    EXPECT_FALSE(configured);
    device.control.Configured();
    vcpu.join();
}

TEST(DeviceControl, NobodyWaitsToConfigureAnAbandonedDevice) {
    Control device;
    device.control.Abandon();
    device.control.Configure(true);
    SUCCEED();
}

TEST(DeviceControl, AbandonEndsAConfiguration) {
    Control device;
    std::thread vcpu([&] { device.control.Configure(true); });
    device.ForwardNext();
    device.control.Abandon();
    vcpu.join();
}

TEST(DeviceControl, ThousandResetsInTurn) {
    Control device;
    std::thread vcpu([&] {
        for (int i = 0; i < 1000; ++i) {
            device.control.Activate(SomeActivation());
            device.control.Reset();
        }
    });
    for (int stopped = 0; stopped < 1000;) {
        device.ForwardNext();
        if (!device.control.Resetting()) continue;
        device.control.Stopped();
        ++stopped;
        while (ReceiveMail(device.worker).value().message.As<ActivateDevice>()) {
        }
    }
    vcpu.join();
    EXPECT_EQ(device.stats.resets.Get(), 1000u);
}

}  // namespace
}  // namespace husk
