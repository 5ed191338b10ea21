// Several vCPUs and the control thread at once.
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "tests/unit/virtio_mmio_driver.h"

namespace husk {
namespace {

using namespace virtio_testing;

// Counts what a data path must never see.
class StrictHost final : public TransportHost {
 public:
    void Activate(const Activation& activation) override {
        Enter(false);
        violations += activation.queues[0].size != 0 && activation.queues[0].size != 256 ? 1 : 0;
        active_ = true;
        ++activations;
        Leave();
    }
    void Reset() override {
        Enter(true);
        active_ = false;
        ++resets;
        Leave();
    }
    void Configure(bool) override {}
    void Notify(std::uint32_t queue) override { violations += queue < 2 ? 0 : 1; }

    std::atomic<int> violations = 0;
    std::atomic<int> activations = 0;
    std::atomic<int> resets = 0;

 private:
    void Enter(bool active) {
        violations += inside_.exchange(true) ? 1 : 0;
        violations += active_ == active ? 0 : 1;
        std::this_thread::yield();
    }
    void Leave() { inside_ = false; }

    std::atomic<bool> inside_ = false;
    bool active_ = false;  // not atomic: the transport orders the calls
};

struct Machine {
    Line line;
    StrictHost host;
    RegisterPage page = RegisterPage::Create().value();
    MmioTransport transport{{.id = VirtioDeviceId::kBlock,
                             .features = kDiskFeatures,
                             .queues = 2,
                             .max_queue_size = 256,
                             .config = kDiskConfig},
                            page,
                            line,
                            host};

    void Write(MmioRegister at, std::uint32_t value) {
        transport.Write(static_cast<std::uint64_t>(at), BytesOf(value));
    }
    // Without looking at what anybody else does to the device.
    void Start() {
        Write(kStatus, kAcknowledge | kDriver);
        Write(kDriverFeaturesSel, 1);
        Write(kDriverFeatures, 1);
        Write(kStatus, kAcknowledge | kDriver | kFeaturesOk);
        Write(kQueueSel, 0);
        Write(kQueueSize, 256);
        Write(kQueueReady, 1);
        Write(kStatus, kRunning);
    }
};

constexpr int kRounds = 2000;

void RunAtOnce(const std::vector<std::function<void()>>& bodies) {
    std::atomic<bool> go = false;
    std::vector<std::jthread> threads;
    for (const auto& body : bodies) {
        threads.emplace_back([&go, body] {
            go.wait(false);
            for (int round = 0; round < kRounds; ++round) body();
        });
    }
    go = true;
    go.notify_all();
}

TEST(MmioTransportRace, TwoVcpusWritingDriverOkActivateOnce) {
    for (int round = 0; round < 100; ++round) {
        Machine machine;
        machine.Write(kStatus, kAcknowledge | kDriver);
        machine.Write(kDriverFeaturesSel, 1);
        machine.Write(kDriverFeatures, 1);
        machine.Write(kStatus, kAcknowledge | kDriver | kFeaturesOk);
        {
            const std::jthread other([&] { machine.Write(kStatus, kRunning); });
            machine.Write(kStatus, kRunning);
        }
        EXPECT_EQ(machine.host.activations, 1);
    }
}

TEST(MmioTransportRace, StartsAndResetsOfTwoVcpusAlternateAtTheHost) {
    Machine machine;
    const auto body = [&] {
        machine.Start();
        machine.Write(kStatus, 0);
    };
    RunAtOnce({body, body});
    machine.Write(kStatus, 0);
    EXPECT_EQ(machine.host.violations, 0);
    EXPECT_GT(machine.host.activations, 0);
    EXPECT_EQ(machine.host.activations, machine.host.resets);
    EXPECT_EQ(machine.page.Get(kStatus), 0u);
    EXPECT_EQ(machine.page.Get(kInterruptStatus), 0u);
}

TEST(MmioTransportRace, ControlThreadAndReadersAmongRestartsLeaveAConsistentDevice) {
    Machine machine;
    RunAtOnce({
        [&] {
            machine.Start();
            machine.Write(kQueueNotify, 0);
            machine.Write(kQueueReady, 0);
            machine.Write(kStatus, 0);
        },
        [&] {
            machine.Start();
            machine.Write(kInterruptAck, 3);
            machine.Write(kStatus, kFailed);
            machine.Write(kStatus, 0);
        },
        [&] {
            machine.transport.NeedsReset();
            EXPECT_TRUE(machine.transport.ChangeConfig(0, BytesOf(std::uint32_t{0})));
        },
        [&] {
            std::array<std::byte, 8> data{};
            machine.page.Copy(static_cast<std::uint64_t>(kInterruptStatus), data);
            machine.transport.Read(static_cast<std::uint64_t>(kConfigGeneration), data);
            EXPECT_LE(machine.page.Get(kInterruptStatus), 3u);
        },
    });
    machine.Write(kStatus, 0);
    EXPECT_EQ(machine.host.violations, 0);
    EXPECT_EQ(machine.host.activations, machine.host.resets);
    EXPECT_EQ(machine.page.Get(kStatus), 0u);
    EXPECT_EQ(machine.page.Get(kInterruptStatus), 0u);
    EXPECT_EQ(machine.page.Get(kConfigGeneration), static_cast<std::uint32_t>(kRounds));
    machine.Start();
    EXPECT_TRUE(machine.transport.Live());
}

TEST(MmioTransportRace, TrappedReadsNeverSeeHalfAConfigChange) {
    Machine machine;
    machine.Start();
    constexpr std::uint64_t kEveryByte = 0x0101'0101'0101'0101;
    ASSERT_TRUE(machine.transport.ChangeConfig(0, BytesOf(kEveryByte)));
    std::uint8_t byte = 0;
    RunAtOnce({
        [&] { EXPECT_TRUE(machine.transport.ChangeConfig(0, BytesOf(kEveryByte * ++byte))); },
        [&] {
            std::array<std::byte, 8> data{};
            machine.transport.Read(static_cast<std::uint64_t>(kConfig), data);
            const std::uint64_t seen = LoadLittleEndian(data);
            EXPECT_EQ(seen, kEveryByte * (seen & 0xff));
        },
    });
}

}  // namespace
}  // namespace husk
