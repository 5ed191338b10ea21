// The confinement layers by name: what --require and --without take, and what doctor, the log and refusals say.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace husk {

enum class Layer : std::uint8_t {
    kSeccomp,
    kSELinux,
    kLandlock,
    kMdwe,  // memory-deny-write-execute
    kUserNs,
    kPidNs,
    kNetNs,
    kIpcNs,
    kUtsNs,
    kMountNs,
    kMsrFilter,
};

inline constexpr std::array kAllLayers{Layer::kSeccomp, Layer::kSELinux, Layer::kLandlock, Layer::kMdwe,
                                       Layer::kUserNs,  Layer::kPidNs,   Layer::kNetNs,    Layer::kIpcNs,
                                       Layer::kUtsNs,   Layer::kMountNs, Layer::kMsrFilter};

[[nodiscard]] constexpr std::string_view LayerName(Layer layer) {
    constexpr std::array<std::string_view, kAllLayers.size()> kNames{"seccomp", "selinux",  "landlock",  "mdwe",
                                                                     "user-ns", "pid-ns",   "net-ns",    "ipc-ns",
                                                                     "uts-ns",  "mount-ns", "msr-filter"};
    return kNames[static_cast<std::size_t>(layer)];
}

[[nodiscard]] constexpr std::optional<Layer> LayerFromName(std::string_view name) {
    for (const Layer layer : kAllLayers) {
        if (LayerName(layer) == name) return layer;
    }
    return std::nullopt;
}

// A set of layers, as one word: it travels in messages. Bits of no layer are dropped.
class LayerSet {
 public:
    constexpr LayerSet() = default;
    constexpr LayerSet(std::initializer_list<Layer> layers) {
        for (const Layer layer : layers) Add(layer);
    }
    [[nodiscard]] static constexpr LayerSet FromBits(std::uint32_t bits) {
        LayerSet set;
        set.bits_ = bits & kAllBits;
        return set;
    }

    constexpr void Add(Layer layer) { bits_ |= Bit(layer); }
    constexpr void Remove(Layer layer) { bits_ &= ~Bit(layer); }
    [[nodiscard]] constexpr bool Has(Layer layer) const { return (bits_ & Bit(layer)) != 0; }
    [[nodiscard]] constexpr bool Empty() const { return bits_ == 0; }
    [[nodiscard]] constexpr std::uint32_t Bits() const { return bits_; }
    [[nodiscard]] constexpr LayerSet Without(LayerSet other) const { return FromBits(bits_ & ~other.bits_); }
    [[nodiscard]] constexpr LayerSet And(LayerSet other) const { return FromBits(bits_ & other.bits_); }

    friend constexpr bool operator==(LayerSet, LayerSet) = default;

 private:
    static constexpr std::uint32_t kAllBits = (std::uint32_t{1} << kAllLayers.size()) - 1;
    static constexpr std::uint32_t Bit(Layer layer) { return std::uint32_t{1} << static_cast<unsigned>(layer); }

    std::uint32_t bits_ = 0;
};

inline constexpr LayerSet kNamespaceLayers{Layer::kUserNs, Layer::kPidNs, Layer::kNetNs,
                                           Layer::kIpcNs,  Layer::kUtsNs, Layer::kMountNs};

}  // namespace husk
