// The neighbours of a virtio-mmio transport in tests: the host behind it, and a driver that does what Linux'
// virtio_mmio does, in its order.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <utility>
#include <vector>

#include "devices/virtio/mmio_transport.h"
#include "vmm/base/bytes.h"

namespace husk::virtio_testing {

using enum MmioRegister;

inline constexpr std::uint32_t kAcknowledge = 0x01;
inline constexpr std::uint32_t kDriver = 0x02;
inline constexpr std::uint32_t kDriverOk = 0x04;
inline constexpr std::uint32_t kFeaturesOk = 0x08;
inline constexpr std::uint32_t kNeedsReset = 0x40;
inline constexpr std::uint32_t kFailed = 0x80;
inline constexpr std::uint32_t kRunning = kAcknowledge | kDriver | kFeaturesOk | kDriverOk;
inline constexpr std::uint32_t kUsedBuffer = 1;
inline constexpr std::uint32_t kConfigChange = 2;

// The data path, as far as the transport sees it. The hooks run inside the calls.
class Host final : public TransportHost {
 public:
    void Activate(const Activation& activation) override {
        activations.push_back(activation);
        std::exchange(during_activate, [] {})();
    }
    void Reset() override {
        ++resets;
        std::exchange(during_reset, [] {})();
    }
    void Configure(bool value) override {
        configurations.push_back(value);
        std::exchange(during_configure, [] {})();
    }
    void Notify(std::uint32_t queue) override { doorbells.push_back(queue); }

    std::vector<Activation> activations;
    int resets = 0;
    std::vector<std::uint32_t> doorbells;
    std::function<void()> during_activate = [] {};
    std::function<void()> during_reset = [] {};
    std::vector<bool> configurations;
    std::function<void()> during_configure = [] {};
};

class Line final : public IrqLine {
 public:
    void Pulse() override { ++pulses; }
    std::atomic<int> pulses = 0;
};

// Where a driver puts a queue; `index` only keeps the addresses of several queues apart.
inline QueueConfig SomeQueue(std::uint32_t index = 0, std::uint16_t size = 256) {
    const std::uint64_t base = 0x1'2345'0000 + 0x10'0000 * std::uint64_t{index};
    return {.size = size,
            .desc = GuestAddress(base),
            .driver = GuestAddress(base + 0x4000),
            .device = GuestAddress(base + 0x2'0000'8000)};
}

// 32-bit accesses. Every read is made both ways, out of the page as the guest's own load and as a trapped read, and
// both must find the same.
class Driver {
 public:
    Driver(MmioTransport& transport, const RegisterPage& page) : transport_(transport), page_(page) {}

    [[nodiscard]] std::uint32_t Read(MmioRegister at) { return ReadAt<std::uint32_t>(static_cast<std::uint64_t>(at)); }
    void Write(MmioRegister at, std::uint32_t value) { WriteAt(static_cast<std::uint64_t>(at), value); }

    template <typename T>
    [[nodiscard]] T ReadAt(std::uint64_t offset) {
        std::array<std::byte, sizeof(T)> loaded{};
        std::array<std::byte, sizeof(T)> trapped{};
        loaded.fill(std::byte{0x5a});
        page_.Copy(offset, loaded);
        transport_.Read(offset, trapped);
        EXPECT_EQ(loaded, trapped) << "offset " << offset;
        return static_cast<T>(LoadLittleEndian(loaded));
    }
    template <typename T>
    void WriteAt(std::uint64_t offset, T value) {
        transport_.Write(offset, BytesOf(value));
    }
    template <typename T>
    [[nodiscard]] T ReadConfig(std::uint64_t offset) {
        return ReadAt<T>(static_cast<std::uint64_t>(kConfig) + offset);
    }

    [[nodiscard]] std::uint32_t Status() { return Read(kStatus); }
    void AddStatus(std::uint32_t bits) { Write(kStatus, Status() | bits); }
    void Reset() { Write(kStatus, 0); }

    [[nodiscard]] std::uint64_t OfferedFeatures() {
        Write(kDeviceFeaturesSel, 1);
        const std::uint64_t high = Read(kDeviceFeatures);
        Write(kDeviceFeaturesSel, 0);
        return high << 32 | Read(kDeviceFeatures);
    }
    void WriteFeatures(std::uint64_t features) {
        Write(kDriverFeaturesSel, 1);
        Write(kDriverFeatures, static_cast<std::uint32_t>(features >> 32));
        Write(kDriverFeaturesSel, 0);
        Write(kDriverFeatures, static_cast<std::uint32_t>(features));
    }
    // Whether the device agrees.
    [[nodiscard]] bool Negotiate(std::uint64_t features) {
        AddStatus(kAcknowledge);
        AddStatus(kDriver);
        WriteFeatures(features);
        AddStatus(kFeaturesOk);
        return (Status() & kFeaturesOk) != 0;
    }

    void WriteQueue(std::uint32_t index, std::uint32_t size, const QueueConfig& queue) {
        Write(kQueueSel, index);
        Write(kQueueSize, size);
        Write(kQueueDescLow, static_cast<std::uint32_t>(queue.desc.Value()));
        Write(kQueueDescHigh, static_cast<std::uint32_t>(queue.desc.Value() >> 32));
        Write(kQueueDriverLow, static_cast<std::uint32_t>(queue.driver.Value()));
        Write(kQueueDriverHigh, static_cast<std::uint32_t>(queue.driver.Value() >> 32));
        Write(kQueueDeviceLow, static_cast<std::uint32_t>(queue.device.Value()));
        Write(kQueueDeviceHigh, static_cast<std::uint32_t>(queue.device.Value() >> 32));
    }
    void SetUpQueue(std::uint32_t index, const QueueConfig& queue) {
        WriteQueue(index, queue.size, queue);
        Write(kQueueReady, 1);
    }
    [[nodiscard]] bool QueueReady(std::uint32_t index) {
        Write(kQueueSel, index);
        return Read(kQueueReady) != 0;
    }

    // All the way from a reset to DRIVER_OK with one queue.
    void Start() {
        Reset();
        EXPECT_TRUE(Negotiate(kFeatureVersion1));
        SetUpQueue(0, SomeQueue());
        AddStatus(kDriverOk);
    }

 private:
    MmioTransport& transport_;
    const RegisterPage& page_;
};

inline constexpr std::array kDiskConfig{std::byte{0x11}, std::byte{0x22}, std::byte{0x33}, std::byte{0x44},
                                        std::byte{0x55}, std::byte{0x66}, std::byte{0x77}, std::byte{0x88},
                                        std::byte{0x99}, std::byte{0xaa}};
inline constexpr std::uint64_t kDiskFeatures = kFeatureIndirectDesc | kFeatureEventIdx | 0x200;

// A disk with two queues.
struct Device {
    Line line;
    Host host;
    RegisterPage page = RegisterPage::Create().value();
    MmioTransport transport{{.id = VirtioDeviceId::kBlock,
                             .features = kDiskFeatures,
                             .queues = 2,
                             .max_queue_size = 256,
                             .config = kDiskConfig},
                            page,
                            line,
                            host};
    Driver driver{transport, page};
};

}  // namespace husk::virtio_testing
