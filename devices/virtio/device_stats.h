// DeviceStats: what one device's worker counts. Lives in a shared page: the worker's loop is the only writer, the
// launcher reads. All-zero memory is a valid start. Plain relaxed loads and stores; nothing here costs a locked
// instruction.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace husk {

// A counter with one writer.
class Counter {
 public:
    void Add(std::uint64_t amount = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<std::uint64_t> value_{};
};

// Times in nanoseconds, in buckets an eighth of a power of two wide: percentiles are right to 12 %.
class LatencyHistogram {
 public:
    void Record(std::uint64_t nanoseconds) { buckets_[BucketOf(nanoseconds)].Add(); }

    // The upper end, in nanoseconds, of the bucket that holds the given permille of all records; 0 without records.
    [[nodiscard]] std::uint64_t Permille(unsigned permille) const {
        std::uint64_t total = 0;
        for (const Counter& bucket : buckets_) total += bucket.Get();
        const std::uint64_t rank = (total * permille + 999) / 1000;
        std::uint64_t seen = 0;
        for (std::size_t index = 0; index < buckets_.size() && total > 0; ++index) {
            seen += buckets_[index].Get();
            if (seen >= rank && seen > 0) return UpperEnd(index);
        }
        return 0;
    }

 private:
    static constexpr unsigned kStepBits = 3;
    static constexpr std::size_t kBuckets = (64 - kStepBits + 1) << kStepBits;

    static constexpr std::size_t BucketOf(std::uint64_t value) {
        if (value < (1U << kStepBits)) return value;
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
        return ((shift + 1) << kStepBits) + ((value >> shift) & ((1U << kStepBits) - 1));
    }
    static constexpr std::uint64_t UpperEnd(std::size_t index) {
        if (index < (1U << kStepBits)) return index;
        const std::size_t shift = (index >> kStepBits) - 1;
        const std::uint64_t step = (index & ((1U << kStepBits) - 1)) + (1U << kStepBits) + 1;
        return (step << shift) - 1;
    }

    std::array<Counter, kBuckets> buckets_{};
};

struct DeviceStats {
    Counter doorbells;   // eventfd writes of the guest's notifications, by KVM
    Counter requests;    // chains taken
    Counter batches;     // times that at least one chain was given back
    Counter interrupts;  // eventfd writes into KVM
    Counter bytes_in;    // from the guest: written to disk, printed
    Counter bytes_out;   // to the guest: read from disk, typed
    Counter failed;      // requests answered with an error
    Counter polls_hit;   // polled for a doorbell, and work came
    Counter polls_missed;
    Counter resets;
    LatencyHistogram latency;  // from taking a request to giving it back
};

}  // namespace husk
