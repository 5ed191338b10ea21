// LogRing: how a confined role says something to the person. Fixed size, no allocation, no lock: any thread of the role
// writes a line, the launcher takes it from the shared page and prints it. A full ring counts what it drops, so a guest
// that provokes many lines cannot make the role wait or the launcher drown.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vmm/base/log.h"

namespace husk {

class LogRing {
   public:
    struct Line {
        LogLevel level;
        std::string text;
    };

    // Any thread of the role that owns the ring; cut at kTextMax bytes.
    void Write(LogLevel level, std::string_view text) {
        std::uint32_t ticket = next_.load(std::memory_order_relaxed);
        do {
            if (ticket - taken_.load(std::memory_order_acquire) >= kLines) {
                dropped_.fetch_add(1, std::memory_order_relaxed);
                return;
            }
        } while (!next_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_relaxed));
        Slot& slot = slots_[ticket % kLines];
        slot.level = static_cast<std::uint32_t>(level);
        slot.length = static_cast<std::uint32_t>(std::min(text.size(), kTextMax));
        std::copy_n(text.data(), slot.length, slot.text.data());
        slot.ready.store(ticket + 1, std::memory_order_release);  // publishes the line to Take()
    }

    // The launcher's side. `position` is the launcher's own count of lines taken, 0 at the start; everything in the page
    // is copied and checked, since the role may have been taken over.
    [[nodiscard]] std::optional<Line> Take(std::uint32_t& position) {
        Slot& slot = slots_[position % kLines];
        if (slot.ready.load(std::memory_order_acquire) != position + 1) return std::nullopt;
        const std::uint32_t level = std::min(slot.level, static_cast<std::uint32_t>(LogLevel::kError));
        const std::size_t length = std::min<std::size_t>(slot.length, kTextMax);
        Line line{static_cast<LogLevel>(level), std::string(slot.text.data(), length)};
        taken_.store(++position, std::memory_order_release);  // gives the slot back to Write()
        return line;
    }
    [[nodiscard]] std::uint64_t Dropped() const { return dropped_.load(std::memory_order_relaxed); }

   private:
    static constexpr std::uint32_t kLines = 32;
    static constexpr std::size_t kTextMax = 180;
    struct Slot {
        std::atomic<std::uint32_t> ready;  // ticket + 1 once the line is complete
        std::uint32_t level;
        std::uint32_t length;
        std::array<char, kTextMax> text;
    };

    std::atomic<std::uint32_t> next_{};
    std::atomic<std::uint32_t> taken_{};
    std::atomic<std::uint64_t> dropped_{};
    std::array<Slot, kLines> slots_{};
};

}  // namespace husk
