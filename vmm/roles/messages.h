// The messages between the launcher and the confined roles. All fixed-size and trivially copyable; the receiver takes a
// message only when its size is exactly that of its type, and checks every field it uses: a role may have been taken
// over by its guest.
//
//     launcher -> role      Manifest, then the role's Config; later Go, PowerButton, Stop, Drain, Client
//     role -> launcher      Ready (with the descriptor of its statistics), Failed, GuestEnded, ConsoleAsks
//     vmm -> console        ConsoleMemory (with the descriptor of the rings)
#pragma once

#include <termios.h>

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

inline constexpr std::uint32_t kMaxVcpus = 64;
inline constexpr std::size_t kMaxCommandLine = 2047;
inline constexpr std::size_t kMaxName = 63;

// What the launcher put on a slot. The role compares it with what it finds there.
struct ManifestEntry {
    std::int32_t slot = -1;
    std::uint32_t file_type = 0;    // S_IFMT bits of st_mode
    std::uint32_t access_mode = 0;  // O_ACCMODE bits
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
};

struct Manifest {
    static constexpr MessageType kType = MessageType::kManifest;
    std::uint32_t count = 0;
    std::array<ManifestEntry, 16> entries{};
};

struct VmmConfig {
    static constexpr MessageType kType = MessageType::kVmmConfig;
    std::uint64_t memory_bytes = 0;
    std::uint64_t kernel_bytes = 0;
    std::uint64_t initrd_bytes = 0;
    std::uint32_t vcpus = 0;
    bool uart = true;
    bool huge_pages = false;
    std::uint64_t process_start = 0;  // CLOCK_MONOTONIC, nanoseconds
    FixedText<kMaxCommandLine> command_line;
    FixedText<kMaxName> name;
};

struct ConsoleConfig {
    static constexpr MessageType kType = MessageType::kConsoleConfig;
    bool escape = false;            // Ctrl-] commands: the input is a terminal
    bool restore_terminal = false;  // put `terminal` back when the launcher dies
    bool clients = false;           // a unix socket: output waits for a client
    bool pty = false;               // a pseudo-terminal: its other side comes and goes
    termios terminal{};
    FixedText<kMaxName> name;
};

struct Go {
    static constexpr MessageType kType = MessageType::kGo;
};
struct PowerButtonPressed {
    static constexpr MessageType kType = MessageType::kPowerButton;
};
struct Stop {
    static constexpr MessageType kType = MessageType::kStop;
};
// To the console: the vmm is gone; write out what is left and end.
struct Drain {
    static constexpr MessageType kType = MessageType::kDrain;
};
// To the console, with a connected socket.
struct Client {
    static constexpr MessageType kType = MessageType::kClient;
};

struct Ready {
    static constexpr MessageType kType = MessageType::kReady;
};

// The role could not start.
struct Failed {
    static constexpr MessageType kType = MessageType::kFailed;
    std::uint32_t error_kind = 0;  // an ErrorKind
    FixedText<1000> text;
};

struct GuestEnded {
    static constexpr MessageType kType = MessageType::kGuestEnded;
    enum class Reason : std::uint32_t {
        kPoweroff,
        kReset,
        kTripleFault,
        kKvmFailure,
        kStopped
    } reason = Reason::kStopped;
    std::uint32_t vcpu = 0;
    FixedText<200> text;  // with kKvmFailure
};

struct ConsoleAsks {
    static constexpr MessageType kType = MessageType::kConsoleAsks;
    enum class What : std::uint32_t { kQuit, kKill, kClientGone } what = What::kQuit;
};

struct ConsoleMemory {
    static constexpr MessageType kType = MessageType::kConsoleMemory;
};

// A message on the wire: its type, then the struct.
struct alignas(8) MessageBuffer {
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
