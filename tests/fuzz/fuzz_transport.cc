// A hostile driver on several vCPUs, and the control thread, do anything in any order to a virtio-mmio device, also in
// the middle of the transport's calls of its host. Activate and Reset strictly alternate, what is latched is in bounds,
// and the page always tells the state.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <span>
#include <utility>

#include "devices/virtio/mmio_transport.h"
#include "vmm/base/bytes.h"

namespace {

using namespace husk;
using enum MmioRegister;

void Check(bool holds) {
    if (!holds) std::abort();
}

constexpr std::uint32_t kDriverOk = 0x04;
constexpr std::uint32_t kRunning = 0x0f;
constexpr std::uint32_t kNeedsReset = 0x40;
constexpr std::uint32_t kFailed = 0x80;
constexpr std::uint32_t kQueues = 3;
constexpr std::uint16_t kMaxSize = 64;
constexpr std::uint64_t kFeatures = kFeatureIndirectDesc | kFeatureEventIdx | 0x23;
constexpr std::uint64_t kOffered = kFeatures | kFeatureVersion1;
constexpr std::size_t kConfigBytes = 13;
constexpr std::uint32_t kDriversByte = 2;  // of configuration space, writable
constexpr std::uint64_t kWritableAt = static_cast<std::uint64_t>(kConfig) + kDriversByte;

constexpr std::array kWritable{
    kDeviceFeaturesSel, kDriverFeaturesSel, kDriverFeatures,  kQueueSel,     kQueueSize,     kQueueReady,
    kQueueNotify,       kInterruptAck,      kStatus,          kQueueDescLow, kQueueDescHigh, kQueueDriverLow,
    kQueueDriverHigh,   kQueueDeviceLow,    kQueueDeviceHigh, kShmSel};

class Input {
 public:
    Input(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}
    [[nodiscard]] bool Empty() const { return bytes_.empty(); }
    std::uint8_t Byte() {
        if (bytes_.empty()) return 0;
        const std::uint8_t byte = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return byte;
    }
    std::uint32_t Word() {
        std::uint32_t word = 0;
        for (unsigned i = 0; i < 4; ++i) word |= std::uint32_t{Byte()} << 8 * i;
        return word;
    }

 private:
    std::span<const std::uint8_t> bytes_;
};

class Session final : private TransportHost, private IrqLine {
 public:
    Session(const std::uint8_t* data, std::size_t size) : input_(data, size) { CheckState(); }

    void Run() {
        while (!input_.Empty()) {
            Step();
            CheckState();
            CheckAtRest();
        }
        CheckRecovery();
    }

 private:
    // The host. Each call lets other vCPUs and the control thread do something in its middle.
    void Activate(const Activation& activation) override {
        Check(!inside_ && !active_);
        active_ = true;
        Check((activation.features & ~kOffered) == 0 && (activation.features & kFeatureVersion1) != 0);
        for (std::uint32_t index = 0; index < kMaxQueues; ++index) {
            const QueueConfig& queue = activation.queues[index];
            Check(queue.size <= kMaxSize && (queue.size == 0 || std::has_single_bit(queue.size)));
            Check(index < kQueues || queue.size == 0);
        }
        Check((page_.Get(kStatus) & (kRunning | kFailed)) == kRunning);
        Meanwhile(inside_);
    }
    void Reset() override {
        Check(!inside_ && active_ && !transport_.Live());
        const std::uint32_t before = page_.Get(kStatus);
        Meanwhile(inside_);
        Check(page_.Get(kStatus) == before);
        active_ = false;
    }
    void Configure(bool value) override {
        Check(!configuring_ && page_.Bytes()[kWritableAt] == std::byte{value});
        Meanwhile(configuring_);
    }
    void Notify(std::uint32_t queue) override { Check(queue < kQueues && transport_.Live()); }
    void Pulse() override { Check(page_.Get(kInterruptStatus) == 3); }

    void Meanwhile(bool& inside) {
        inside = true;
        for (std::size_t step = std::exchange(meanwhile_, 0); step > 0; --step) {
            Step();
            CheckState();
        }
        inside = false;
    }

    void Write(MmioRegister at, std::uint32_t value) {
        transport_.Write(static_cast<std::uint64_t>(at), BytesOf(value));
    }

    void Step() {
        const std::uint8_t kind = input_.Byte();
        switch (kind % 12) {
            case 0:  // any writable register, any value
                return WriteAny(input_.Word());
            case 1:  // likewise, small values
                return WriteAny(input_.Byte());
            case 2: {  // anything anywhere
                const std::uint64_t offset = input_.Word() % (RegisterPage::kSize + 8);
                return RawWrite(offset, std::size_t{1} << input_.Byte() % 4);
            }
            case 3:
                return Write(kStatus, 0);
            case 4:  // the next step up, or what the driver says it is
                return Write(kStatus, page_.Get(kStatus) | input_.Byte());
            case 5:  // features that are right, but for some bits
                Write(kDriverFeaturesSel, 1);
                Write(kDriverFeatures, static_cast<std::uint32_t>(kOffered >> 32));
                Write(kDriverFeaturesSel, 0);
                return Write(kDriverFeatures, static_cast<std::uint32_t>(kOffered) & (input_.Byte() | 0xffff'ff00));
            case 6:
                return SetUpQueue(input_.Byte(), input_.Byte());
            case 7:
                return Write(kQueueNotify, input_.Byte() % (kQueues + 2));
            case 8:
                return transport_.NeedsReset();
            case 9:
                return ChangeConfig(input_.Byte(), input_.Byte() % (kConfigBytes + 3), std::byte{input_.Byte()});
            case 10:
                return CheckRead(input_.Word() % (RegisterPage::kSize + 8), std::size_t{1} << input_.Byte() % 4);
            default:
                meanwhile_ = input_.Byte() % 8;
                return;
        }
    }

    void WriteAny(std::uint32_t value) { Write(kWritable[input_.Byte() % kWritable.size()], value); }

    void RawWrite(std::uint64_t offset, std::size_t width) {
        std::array<std::byte, 8> data{};
        for (std::byte& byte : data) byte = std::byte{input_.Byte()};
        const bool proper = (width == 4 && offset % 4 == 0 && offset < static_cast<std::uint64_t>(kConfig)) ||
                            (width == 1 && offset == kWritableAt && data[0] <= std::byte{1} && transport_.Live());
        const auto before = Snapshot();
        transport_.Write(offset, std::span(data).first(width));
        if (!proper) Check(before == Snapshot());
    }

    void SetUpQueue(std::uint32_t index, std::uint32_t size) {
        const std::uint32_t ready_before = page_.Get(kStatus) & kDriverOk;
        Write(kQueueSel, index % (kQueues + 1));
        Write(kQueueReady, 0);
        Write(kQueueSize, size);
        Write(kQueueDescLow, size << 12);
        Write(kQueueDeviceHigh, index);
        Write(kQueueReady, 1);
        const bool possible = index % (kQueues + 1) < kQueues && size <= kMaxSize && std::has_single_bit(size);
        if (!inside_ && ready_before == 0) Check(page_.Get(kQueueReady) == (possible ? 1u : 0u));
    }

    void ChangeConfig(std::uint32_t offset, std::size_t length, std::byte value) {
        std::array<std::byte, kConfigBytes + 3> bytes;
        bytes.fill(value);
        const bool fits = offset <= kConfigBytes && length <= kConfigBytes - offset;
        Check(transport_.ChangeConfig(offset, std::span(bytes).first(length)) == fits);
        if (!fits) return;
        ++generation_;
        std::fill_n(config_.begin() + offset, length, value);
    }

    // Both ways of reading find the same, and no byte beside the asked ones is touched.
    void CheckRead(std::uint64_t offset, std::size_t width) {
        std::array<std::byte, 10> trapped{};
        std::array<std::byte, 10> loaded{};
        transport_.Read(offset, std::span(trapped).subspan(1, width));
        page_.Copy(offset, std::span(loaded).subspan(1, width));
        Check(trapped == loaded && trapped[0] == std::byte{0} && trapped[width + 1] == std::byte{0});
        for (std::size_t i = 0; i < width; ++i) {
            const bool inside = offset + i < RegisterPage::kSize;
            Check(trapped[1 + i] == (inside ? page_.Bytes()[offset + i] : std::byte{0}));
        }
    }

    std::array<std::byte, 0x200> Snapshot() {
        std::array<std::byte, 0x200> bytes{};
        std::ranges::copy(page_.Bytes().first(bytes.size()), bytes.begin());
        return bytes;
    }

    // Holds at any moment, also while the host is being called.
    void CheckState() {
        const std::uint32_t status = page_.Get(kStatus);
        Check((status & ~(kRunning | kNeedsReset | kFailed)) == 0);
        Check((status & kDriverOk) == 0 || (status & kRunning) == kRunning);
        Check((status & kNeedsReset) == 0 || (status & kDriverOk) != 0);
        Check(!active_ || (status & kDriverOk) != 0);  // in particular, Status is not 0
        const bool runs = (status & (kDriverOk | kFailed)) == kDriverOk;
        const std::uint32_t interrupts = page_.Get(kInterruptStatus);
        Check(runs ? interrupts == 1 || interrupts == 3 : interrupts == 0);
        Check(!transport_.Live() || (runs && active_));

        Check(page_.Get(kMagicValue) == 0x7472'6976 && page_.Get(kVersion) == 2 && page_.Get(kDeviceId) == 3);
        const std::uint32_t features = page_.Get(kDeviceFeatures);
        Check(features == static_cast<std::uint32_t>(kOffered) || features == kOffered >> 32 || features == 0);
        const std::uint32_t max = page_.Get(kQueueSizeMax);
        Check(max == kMaxSize || (max == 0 && page_.Get(kQueueReady) == 0));
        Check(page_.Get(kQueueReady) <= 1);
        Check(page_.Get(kShmLenLow) == UINT32_MAX && page_.Get(kShmBaseHigh) == UINT32_MAX);
        Check(page_.Get(kConfigGeneration) == generation_);
        const auto shown = page_.Bytes().subspan(static_cast<std::size_t>(kConfig));
        config_[kDriversByte] = shown[kDriversByte];  // drivers write it, resets put it back
        Check(std::ranges::equal(shown.first(kConfigBytes), config_));
        Check(std::ranges::all_of(shown.subspan(kConfigBytes), [](std::byte byte) { return byte == std::byte{0}; }));
    }

    // Holds when no call is under way.
    void CheckAtRest() {
        const std::uint32_t status = page_.Get(kStatus);
        const bool stopped = (status & kDriverOk) == 0 || !active_;
        Check(active_ || (status & kDriverOk) == 0 || (status & kNeedsReset) != 0);
        Check(transport_.Live() == (!stopped && (status & kFailed) == 0));
        if (!active_ && (status & kDriverOk) != 0) Check(page_.Get(kQueueReady) == 0);
    }

    // Whatever happened before: a reset clears everything, and a well-behaved driver gets the device to run.
    void CheckRecovery() {
        meanwhile_ = 0;
        Write(kStatus, 0);
        Check(!active_ && page_.Get(kStatus) == 0 && page_.Get(kInterruptStatus) == 0 && page_.Get(kQueueReady) == 0);
        Check(page_.Get(kDeviceFeatures) == static_cast<std::uint32_t>(kOffered));
        Write(kStatus, 1);
        Write(kStatus, 3);
        Write(kDriverFeaturesSel, 1);
        Write(kDriverFeatures, 1);
        Write(kStatus, 0x0b);
        SetUpQueue(0, kMaxSize);
        Write(kStatus, kRunning);
        Check(active_ && transport_.Live() && page_.Get(kInterruptStatus) == 1);
        CheckState();
    }

    Input input_;
    bool active_ = false;        // between Activate() and the end of Reset()
    bool inside_ = false;        // Activate() or Reset() is under way
    bool configuring_ = false;   // Configure() is
    std::size_t meanwhile_ = 0;  // steps that others take in the next call of the host
    std::uint32_t generation_ = 0;
    std::array<std::byte, kConfigBytes> config_{std::byte{1}, std::byte{2}, std::byte{3}};
    RegisterPage page_ = RegisterPage::Create().value();
    MmioTransport transport_{{.id = VirtioDeviceId::kConsole,
                              .features = kFeatures,
                              .queues = kQueues,
                              .max_queue_size = kMaxSize,
                              .config = config_,
                              .writable_offset = kDriversByte,
                              .writable_feature = kFeatureVersion1},
                             page_,
                             *this,
                             *this};
};

}  // namespace

// Steps of {kind, operands}; see Session::Step().
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session(data, size).Run();
    return 0;
}
