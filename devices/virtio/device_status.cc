#include "devices/virtio/device_status.h"

#include <array>

namespace husk {

namespace {

// One bit that a driver may set. A write of several bits takes the rules in this order, so that one write can make
// several steps (some drivers do), and FAILED beside anything else is FAILED alone.
struct StatusRule {
    StatusBit bit;
    DeviceStatus needs;     // all of them must be set
    DeviceStatus excludes;  // none of them may be set
    bool checks_features;   // §2.2.2: refused, bit left clear, when the device cannot work with the features
};

using enum StatusBit;

constexpr std::array kRules{
    StatusRule{kFailed, {}, {}, false},
    StatusRule{kAcknowledge, {}, {kFailed}, false},
    StatusRule{kDriver, {kAcknowledge}, {kFailed}, false},
    StatusRule{kFeaturesOk, {kAcknowledge, kDriver}, {kFailed}, true},
    StatusRule{kDriverOk, {kAcknowledge, kDriver, kFeaturesOk}, {kFailed, kNeedsReset}, false},
};

constexpr DeviceStatus Next(DeviceStatus now, std::uint32_t written, bool features_acceptable) {
    for (const StatusRule& rule : kRules) {
        if ((written & static_cast<std::uint32_t>(rule.bit)) == 0) continue;
        if (!now.HasAll(rule.needs) || now.HasAny(rule.excludes)) continue;
        if (rule.checks_features && !now.Has(rule.bit) && !features_acceptable) continue;
        now = now.With(rule.bit);
    }
    return now;
}

// The way up, as every driver takes it, and the two ends of it.
static_assert(Next({}, 0x01, true) == DeviceStatus{kAcknowledge});
static_assert(Next({kAcknowledge}, 0x03, true) == DeviceStatus{kAcknowledge, kDriver});
static_assert(Next({kAcknowledge, kDriver}, 0x0b, true).Value() == 0x0b);
static_assert(Next({kAcknowledge, kDriver}, 0x0b, false).Value() == 0x03);
static_assert(Next({kAcknowledge, kDriver, kFeaturesOk}, 0x0f, true).Value() == 0x0f);
static_assert(Next({}, 0xff, true) == DeviceStatus{kFailed});

}  // namespace

DeviceStatus NextStatus(DeviceStatus now, std::uint32_t written, bool features_acceptable) {
    return Next(now, written, features_acceptable);
}

}  // namespace husk
