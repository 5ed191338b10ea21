// DeviceWait: notices on the guest's consoles that its first stage waits for a device that does not come: most often
// its disk, for want of a driver in the initrd. Pure; no allocation, and a bound on what it looks at.
//
// The sentences are those of NixOS' scripted stage 1 ("waiting for device /dev/...  to appear") and of systemd ("A
// start job is running for /dev/...", "Timed out waiting for device"). A guest can print them as it likes: all that
// follows is one hint.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace husk {

class DeviceWait {
 public:
    static constexpr std::uint64_t kPatience = 20'000'000'000;  // nanoseconds
    // Bytes of each console that are looked at: those of a boot.
    static constexpr std::uint64_t kLooksAt = 1 << 20;

    // What the guest wrote to console `end` (0 or 1), at `now` (MonotonicNanoseconds).
    void See(std::size_t end, std::span<const std::byte> written, std::uint64_t now);

    // When to look again; nothing: no need to.
    [[nodiscard]] std::optional<std::uint64_t> Deadline() const { return deadline_; }
    // True once in a life: the guest has waited for too long.
    [[nodiscard]] bool TakeStall(std::uint64_t now);

 private:
    enum class Meaning : std::uint8_t { kWaits, kOver, kTimedOut };
    struct Sign {
        std::string_view text;
        Meaning meaning;
    };
    static constexpr std::array kSigns{Sign{"waiting for device /dev/", Meaning::kWaits},
                                       Sign{"start job is running for /dev/", Meaning::kWaits},
                                       Sign{"Timed out waiting for device", Meaning::kTimedOut},
                                       Sign{"- success", Meaning::kOver},
                                       Sign{"Found device", Meaning::kOver},
                                       Sign{"login: ", Meaning::kOver}};
    // How much of each sign the last bytes are.
    struct Console {
        std::array<std::uint8_t, kSigns.size()> matched{};
        std::uint64_t seen = 0;
    };

    void OnSign(Meaning meaning, std::uint64_t now);

    std::array<Console, 2> consoles_{};
    std::optional<std::uint64_t> deadline_;
    bool over_ = false;  // told, or the guest got further: nothing is looked at any more
};

}  // namespace husk
