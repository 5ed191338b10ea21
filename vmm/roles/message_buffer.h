// What every message between the launcher and the roles is made of: its type, text of a fixed size, and the buffer that
// it travels in. The messages themselves are in role_configs.h, messages.h and reader_messages.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "vmm/base/bytes.h"

namespace husk {

enum class MessageType : std::uint32_t {
    kManifest = 1,
    kVmmConfig,
    kConsoleConfig,
    kGo,
    kPowerButton,
    kStop,
    kDrain,
    kClient,
    kReady,
    kFailed,
    kGuestEnded,
    kConsoleAsks,
    kConsoleMemory,
    kBlkConfig,
    kGuestRam,
    kActivateDevice,
    kStopDevice,
    kDeviceStopped,
    kDeviceNeedsReset,
    kConfigChanged,
    kHostIoFailed,
    kDeviceBroken,
    kConfinement,
    kStats,
    kViolation,
    kBootPieces,
    kReaderConfig,
    kMenuEntry,
    kMenuNote,
    kChosenEntry,
    kReaderDone,
    kGuestStalls,
    kAttachedVolume,
    kCheckFinding,
    kConfigureDevice,
    kDeviceConfigured,
    kResizeDisk,
    kNetConfig,
    kNetWireGone,
    kConsoleIoFailed,
    kPtyOpened,
};

// Text of a fixed size: what does not fit is cut.
template <std::size_t kMax>
struct FixedText {
    std::uint32_t length = 0;
    std::array<char, kMax> bytes{};

    void Assign(std::string_view text) {
        length = static_cast<std::uint32_t>(std::min(text.size(), kMax));
        std::memcpy(bytes.data(), text.data(), length);
    }
    [[nodiscard]] std::string_view View() const { return {bytes.data(), std::min<std::size_t>(length, kMax)}; }
};

// A message on the wire: its type, then the struct.
struct alignas(8) MessageBuffer {
    static constexpr std::size_t kBodyAt = sizeof(std::uint64_t);
    std::array<std::byte, 4096> bytes{};
    std::size_t size = 0;

    template <typename M>
        requires std::is_trivially_copyable_v<M>
    [[nodiscard]] static MessageBuffer Encode(const M& message) {
        static_assert(sizeof(M) + sizeof(std::uint64_t) <= sizeof(bytes));
        MessageBuffer buffer;
        const auto type = static_cast<std::uint64_t>(M::kType);
        std::memcpy(buffer.bytes.data(), &type, sizeof type);
        std::memcpy(buffer.bytes.data() + sizeof type, &message, sizeof message);
        buffer.size = sizeof type + sizeof message;
        return buffer;
    }

    // The message, when the type and the size are exactly M's.
    template <typename M>
        requires std::is_trivially_copyable_v<M>
    [[nodiscard]] std::optional<M> As() const {
        const auto received = std::span(bytes).first(size);
        const auto type = LoadAt<std::uint64_t>(received, 0);
        if (!type || *type != static_cast<std::uint64_t>(M::kType)) return std::nullopt;
        if (size != sizeof *type + sizeof(M)) return std::nullopt;
        return LoadAt<M>(received, sizeof *type);
    }

    [[nodiscard]] std::span<const std::byte> Bytes() const { return std::span(bytes).first(size); }
};

}  // namespace husk
