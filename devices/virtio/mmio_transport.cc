#include "devices/virtio/mmio_transport.h"

#include <cstdlib>
#include <utility>

#include "vmm/base/bytes.h"

namespace husk {

namespace {

constexpr std::uint32_t kMagic = 0x7472'6976;   // "virt"
constexpr std::uint32_t kVersion = 2;           // not the legacy interface
constexpr std::uint32_t kVendor = 0x4b53'5548;  // "HUSK"
constexpr std::uint32_t kAllOnes = 0xffff'ffff;

// InterruptStatus and InterruptACK (§4.2.2, table 4.1).
constexpr std::uint32_t kUsedBuffer = 1;
constexpr std::uint32_t kConfigChange = 2;

bool HasWritable(const VirtioDeviceModel& model) {
    if (model.writable_feature == 0) return false;
    if (model.writable_offset >= model.config.size()) std::abort();
    return true;
}

}  // namespace

MmioTransport::MmioTransport(const VirtioDeviceModel& model, RegisterPage& page, IrqLine& line, TransportHost& host)
    : page_(page),
      line_(line),
      host_(host),
      config_size_(model.config.size()),
      writable_offset_(model.writable_offset),
      writable_feature_(model.writable_feature),
      writable_needs_(model.writable_needs),
      writable_initial_(HasWritable(model) ? model.config[model.writable_offset] : std::byte{0}),
      setup_(model.features | kFeatureVersion1, model.queues, model.max_queue_size, page) {
    if (config_size_ > RegisterPage::kMaxConfig) std::abort();
    page_.Set(MmioRegister::kMagicValue, kMagic);
    page_.Set(MmioRegister::kVersion, kVersion);
    page_.Set(MmioRegister::kDeviceId, static_cast<std::uint32_t>(model.id));
    page_.Set(MmioRegister::kVendorId, kVendor);
    // No device of ours has shared memory: every region's length and base read -1.
    page_.Set(MmioRegister::kShmLenLow, kAllOnes);
    page_.Set(MmioRegister::kShmLenHigh, kAllOnes);
    page_.Set(MmioRegister::kShmBaseLow, kAllOnes);
    page_.Set(MmioRegister::kShmBaseHigh, kAllOnes);
    page_.SetConfig(0, model.config);
    page_.Set(MmioRegister::kConfigGeneration, config_generation_);
    ResetRegisters();
}

// Under the lock, so that a trapped read never falls between a change of configuration and its new generation.
void MmioTransport::Read(std::uint64_t offset, std::span<std::byte> data) {
    const std::scoped_lock lock(mutex_);
    page_.Copy(offset, data);
}

void MmioTransport::Write(std::uint64_t offset, std::span<const std::byte> data) {
    constexpr std::size_t kWidth = sizeof(std::uint32_t);
    constexpr auto kConfig = static_cast<std::uint64_t>(MmioRegister::kConfig);
    if (offset >= kConfig) return RunErrand(WriteConfig(offset - kConfig, data));
    if (offset % kWidth != 0 || data.size() != kWidth) return;
    RunErrand(Apply(static_cast<MmioRegister>(offset), static_cast<std::uint32_t>(LoadLittleEndian(data))));
}

void MmioTransport::RunErrand(const Errand& errand) {
    if (const auto* activation = std::get_if<Activation>(&errand)) RunActivation(*activation);
    if (std::holds_alternative<StopDataPath>(errand)) RunStop();
    if (const auto* doorbell = std::get_if<Doorbell>(&errand)) host_.Notify(doorbell->queue);
    if (const auto* written = std::get_if<Configuration>(&errand)) {
        host_.Configure(written->value);
        const std::scoped_lock lock(mutex_);
        configuring_ = false;
    }
}

bool MmioTransport::Live() const {
    const std::scoped_lock lock(mutex_);
    return IsLive();
}

void MmioTransport::NeedsReset() {
    bool interrupt = false;
    {
        const std::scoped_lock lock(mutex_);
        if (IsLive() && !status_.Has(StatusBit::kNeedsReset)) interrupt = BreakDevice();
    }
    if (interrupt) line_.Pulse();
}

bool MmioTransport::ChangeConfig(std::uint32_t offset, std::span<const std::byte> bytes) {
    if (offset > config_size_ || bytes.size() > config_size_ - offset) return false;
    bool interrupt = false;
    {
        const std::scoped_lock lock(mutex_);
        page_.SetConfig(offset, bytes);
        page_.Set(MmioRegister::kConfigGeneration, ++config_generation_);
        const bool heard = status_.Value() != 0 && stop_ != Stop::kReset;
        if (heard) config_change_ = true;
        interrupt = heard && DriverRuns();
        ShowStatus();
    }
    if (interrupt) line_.Pulse();
    return true;
}

void MmioTransport::RunActivation(const Activation& activation) {
    host_.Activate(activation);
    bool stop = false;
    bool interrupt = false;
    {
        const std::scoped_lock lock(mutex_);
        stop = stop_ != Stop::kNone;
        phase_ = stop ? Phase::kStopping : Phase::kActive;
        interrupt = !stop && config_change_ && DriverRuns();
    }
    if (interrupt) line_.Pulse();
    if (stop) RunStop();
}

void MmioTransport::RunStop() {
    host_.Reset();
    bool interrupt = false;
    {
        const std::scoped_lock lock(mutex_);
        interrupt = Stopped();
    }
    if (interrupt) line_.Pulse();
}

MmioTransport::Errand MmioTransport::Apply(MmioRegister at, std::uint32_t value) {
    const std::scoped_lock lock(mutex_);
    // The registers are about to be reset or frozen: nothing is written any more but the wish for a reset.
    const bool resets = at == MmioRegister::kStatus && value == 0;
    if (stop_ != Stop::kNone && !resets) return {};
    switch (at) {
        case MmioRegister::kDeviceFeaturesSel:
            setup_.SelectDeviceFeatures(value);
            return {};
        case MmioRegister::kDriverFeatures:
            if (!status_.Has(StatusBit::kFeaturesOk)) setup_.WriteDriverFeatures(value);
            return {};
        case MmioRegister::kDriverFeaturesSel:
            setup_.SelectDriverFeatures(value);
            return {};
        case MmioRegister::kQueueSel:
            setup_.SelectQueue(value);
            return {};
        case MmioRegister::kQueueSize:
        case MmioRegister::kQueueDescLow:
        case MmioRegister::kQueueDescHigh:
        case MmioRegister::kQueueDriverLow:
        case MmioRegister::kQueueDriverHigh:
        case MmioRegister::kQueueDeviceLow:
        case MmioRegister::kQueueDeviceHigh:
            if (!status_.Has(StatusBit::kDriverOk)) setup_.WriteQueue(at, value);
            return {};
        case MmioRegister::kQueueReady:
            return WriteQueueReady(value);
        case MmioRegister::kQueueNotify:
            if (IsLive() && setup_.HasQueue(value)) return Doorbell{value};
            return {};
        case MmioRegister::kInterruptAck:
            if ((value & kConfigChange) != 0) config_change_ = false;
            ShowStatus();
            return {};
        case MmioRegister::kStatus:
            return WriteStatus(value);
        default:  // read-only, not offered, or unknown
            return {};
    }
}

// What cannot be done now is not done at all, and reads so.
MmioTransport::Errand MmioTransport::WriteConfig(std::uint64_t offset, std::span<const std::byte> data) {
    const std::scoped_lock lock(mutex_);
    const bool running = IsLive() && phase_ == Phase::kActive && !configuring_;
    if (!running || offset != writable_offset_ || data.size() != 1 || !setup_.Chose(writable_feature_)) return {};
    if (writable_needs_ != 0 && !setup_.Chose(writable_needs_)) return {};
    const auto value = std::to_integer<std::uint8_t>(data[0]);
    if (value > 1) return {};
    page_.SetConfig(offset, data);
    configuring_ = true;
    return Configuration{value == 1};
}

MmioTransport::Errand MmioTransport::WriteStatus(std::uint32_t value) {
    if (value == 0) return RequestStop(Stop::kReset);
    const DeviceStatus next = NextStatus(status_, value, setup_.FeaturesAcceptable());
    const bool starts = next.Has(StatusBit::kDriverOk) && !status_.Has(StatusBit::kDriverOk);
    const bool negotiated = next.Has(StatusBit::kFeaturesOk) && !status_.Has(StatusBit::kFeaturesOk);
    if (negotiated && setup_.Chose(writable_feature_) && writable_needs_ != 0 && !setup_.Chose(writable_needs_)) {
        page_.SetConfig(writable_offset_, std::array{std::byte{0}});
    }
    status_ = next;
    ShowStatus();
    if (!starts) return {};
    phase_ = Phase::kActivating;
    return setup_.Latch();
}

// Only the values of the specification mean something.
MmioTransport::Errand MmioTransport::WriteQueueReady(std::uint32_t value) {
    const bool ready = value == 1;
    if (value > 1 || ready == setup_.Ready()) return {};
    if (!status_.Has(StatusBit::kDriverOk)) {
        setup_.SetReady(ready);
        return {};
    }
    // §4.2.2.1: the device keeps its hands off a queue whose QueueReady reads 0. It reads so once that is true.
    return ready ? Errand{} : RequestStop(Stop::kHalt);
}

MmioTransport::Errand MmioTransport::RequestStop(Stop why) {
    if (phase_ == Phase::kInactive) {  // nothing but a reset gets here
        ResetRegisters();
        return {};
    }
    stop_ = why;  // a reset may take the place of a halt; never the other way round, as Apply() sees to
    if (phase_ != Phase::kActive) return {};
    phase_ = Phase::kStopping;
    return StopDataPath{};
}

// The data path is at rest.
bool MmioTransport::Stopped() {
    phase_ = Phase::kInactive;
    if (std::exchange(stop_, Stop::kNone) == Stop::kReset) {
        ResetRegisters();
        return false;
    }
    setup_.SetNoneReady();
    return BreakDevice();
}

// §2.1.2: a driver that runs the device is told by a change of configuration.
bool MmioTransport::BreakDevice() {
    status_ = status_.With(StatusBit::kNeedsReset);
    config_change_ = true;
    ShowStatus();
    return DriverRuns();
}

// To what they are at start-up, but for the generation of the configuration, which only rises (§2.5.1): a driver might
// hold an old one across its reset.
void MmioTransport::ResetRegisters() {
    setup_.Reset();
    if (writable_feature_ != 0) page_.SetConfig(writable_offset_, {&writable_initial_, 1});
    config_change_ = false;
    status_ = {};
    ShowStatus();
}

bool MmioTransport::DriverRuns() const { return status_.Has(StatusBit::kDriverOk) && !status_.Has(StatusBit::kFailed); }

bool MmioTransport::IsLive() const { return DriverRuns() && phase_ != Phase::kInactive && stop_ == Stop::kNone; }

// Status last: who reads it as 0 must find the rest reset.
void MmioTransport::ShowStatus() {
    const std::uint32_t interrupts = kUsedBuffer | (config_change_ ? kConfigChange : 0);
    page_.Set(MmioRegister::kInterruptStatus, DriverRuns() ? interrupts : 0);
    page_.Set(MmioRegister::kStatus, status_.Value());
}

}  // namespace husk
