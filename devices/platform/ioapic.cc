#include "devices/platform/ioapic.h"

#include <cstdlib>

#include "vmm/base/bytes.h"

namespace husk {

namespace {

// Memory-mapped registers (section 3.1).
constexpr std::uint64_t kRegisterSelect = 0x00;
constexpr std::uint64_t kWindow = 0x10;

// Indexed registers (section 3.2).
constexpr std::uint8_t kId = 0x00;
constexpr std::uint8_t kVersion = 0x01;
constexpr std::uint8_t kArbitration = 0x02;
constexpr std::uint8_t kRedirectionTable = 0x10;  // two for each pin, low half first

constexpr std::uint32_t kIdMask = 0x0f00'0000;
constexpr std::uint32_t kVersionNumber = 0x11;
constexpr unsigned kMaxEntryShift = 16;

}  // namespace

Ioapic::Ioapic(std::size_t pins, IrqRouter& router) : pins_(pins), router_(router) {
    if (pins < 1 || pins > kMaxPins) std::abort();
}

void Ioapic::Read(std::uint64_t offset, std::span<std::byte> data) {
    const std::scoped_lock lock(mutex_);
    if (data.size() <= sizeof(std::uint32_t)) {
        if (offset == kRegisterSelect) return StoreLittleEndian(data, selected_);
        if (offset == kWindow) return StoreLittleEndian(data, ReadIndexed(selected_));
    }
    FillOnes(data);
}

void Ioapic::Write(std::uint64_t offset, std::span<const std::byte> data) {
    const std::scoped_lock lock(mutex_);
    const std::uint64_t value = LoadLittleEndian(data);
    if (offset == kRegisterSelect && data.size() <= sizeof(std::uint32_t)) {
        selected_ = static_cast<std::uint8_t>(value);
    } else if (offset == kWindow && data.size() == sizeof(std::uint32_t)) {
        WriteIndexed(selected_, static_cast<std::uint32_t>(value));
    }
}

std::uint32_t Ioapic::ReadIndexed(std::uint8_t index) const {
    switch (index) {
        case kId:
        case kArbitration:  // loaded from the ID; there is no bus to arbitrate
            return id_;
        case kVersion:
            return kVersionNumber | static_cast<std::uint32_t>(pins_ - 1) << kMaxEntryShift;
        default:
            break;
    }
    if (index < kRedirectionTable) return 0xffff'ffff;
    const std::size_t pin = (index - kRedirectionTable) / 2u;
    if (pin >= pins_) return 0xffff'ffff;
    return index % 2 == 0 ? entries_[pin].Low() : entries_[pin].High();
}

void Ioapic::WriteIndexed(std::uint8_t index, std::uint32_t value) {
    if (index == kId) id_ = value & kIdMask;
    if (index < kRedirectionTable) return;
    const std::size_t pin = (index - kRedirectionTable) / 2u;
    if (pin >= pins_) return;
    if (index % 2 == 0) {
        entries_[pin].SetLow(value);
    } else {
        entries_[pin].SetHigh(value);
    }
    UpdateRoute(pin);
}

void Ioapic::UpdateRoute(std::size_t pin) {
    const std::optional<MsiMessage> message = entries_[pin].Message();
    if (message == routed_[pin]) return;
    routed_[pin] = message;
    const Gsi gsi{static_cast<std::uint32_t>(pin)};
    if (message) {
        router_.Unmask(gsi, *message);
    } else {
        router_.Mask(gsi);
    }
}

}  // namespace husk
