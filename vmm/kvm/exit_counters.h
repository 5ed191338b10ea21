// ExitCounters: how often and why one vCPU came back to user space. Lives in a shared page: the vCPU's thread is the
// only writer, the launcher reads. Every field is a lock-free atomic written with plain loads and stores.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace husk {

enum class ExitKind : std::uint8_t {
    kPioRead,
    kPioWrite,
    kMmioRead,
    kMmioWrite,
    kInterrupted,
    kEndOfInterrupt,
    kOther
};
inline constexpr std::size_t kExitKinds = 7;

class ExitCounters {
 public:
    struct Access {
        ExitKind kind;
        std::uint64_t address;
        std::uint64_t count;
    };

    void Count(ExitKind kind) { Bump(kinds_[static_cast<std::size_t>(kind)]); }
    // `address` is guest-chosen: the table is fixed, and what finds no place in it is counted together.
    void CountAccess(ExitKind kind, std::uint64_t address) {
        Count(kind);
        const std::uint64_t key = (address << 3) | static_cast<std::uint64_t>(kind);
        std::size_t at = (key * 0x9e37'79b9'7f4a'7c15U) >> (64 - kTableBits);
        for (std::size_t probe = 0; probe < kProbes; ++probe, at = (at + 1) % kTableSize) {
            Slot& slot = table_[at];
            const std::uint64_t count = slot.count.load(std::memory_order_relaxed);
            if (count == 0) slot.key.store(key, std::memory_order_relaxed);
            if (count == 0 || slot.key.load(std::memory_order_relaxed) == key) {
                slot.count.store(count + 1, std::memory_order_release);  // publishes the key to the reader
                return;
            }
        }
        Bump(elsewhere_);
    }
    // Accesses that no device owned.
    void CountUnclaimed() { Bump(unclaimed_); }

    // The reader's side: any process that maps the page.
    [[nodiscard]] std::uint64_t Of(ExitKind kind) const {
        return kinds_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t Unclaimed() const { return unclaimed_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t Elsewhere() const { return elsewhere_.load(std::memory_order_relaxed); }
    // Calls visit(Access) for every port or address in the table.
    template <typename Visitor>
    void ForEachAccess(Visitor&& visit) const {
        for (const Slot& slot : table_) {
            const std::uint64_t count = slot.count.load(std::memory_order_acquire);
            if (count == 0) continue;
            const std::uint64_t key = slot.key.load(std::memory_order_relaxed);
            visit(Access{static_cast<ExitKind>(key & 7), key >> 3, count});
        }
    }

 private:
    static constexpr unsigned kTableBits = 9;
    static constexpr std::size_t kTableSize = std::size_t{1} << kTableBits;
    static constexpr std::size_t kProbes = 8;
    struct Slot {
        std::atomic<std::uint64_t> key;
        std::atomic<std::uint64_t> count;
    };
    static void Bump(std::atomic<std::uint64_t>& counter) {
        counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    std::array<std::atomic<std::uint64_t>, kExitKinds> kinds_{};
    std::atomic<std::uint64_t> unclaimed_{};
    std::atomic<std::uint64_t> elsewhere_{};
    std::array<Slot, kTableSize> table_{};
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace husk
