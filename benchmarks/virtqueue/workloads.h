// What is timed: the same loop over either queue. One function template for each workload, so that the compiler gives
// both the same treatment.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "benchmarks/virtqueue/shapes.h"
#include "benchmarks/virtqueue/unchecked_queue.h"
#include "devices/virtio/split_queue.h"

namespace husk::bench {

using Storage = std::array<iovec, kMaxQueueSize>;

// The driver's part that is timed: its store of the available index. Each side counts for itself, on the same rings.
class IndexStore {
 public:
    explicit IndexStore(const testing::VirtioRings& rings)
        : host_(rings.Memory().Slice(rings.Config().driver, kRingHeader).value().data() + 2) {}
    void Offer(std::uint16_t chains) {
        index_ = static_cast<std::uint16_t>(index_ + chains);
        __atomic_store_n(reinterpret_cast<std::uint16_t*>(host_), std::uint16_t{index_}, __ATOMIC_RELEASE);
    }

 private:
    std::byte* host_;
    RingIndex index_;
};

class CheckedSide {
 public:
    using Chain = DescriptorChain;
    CheckedSide(const testing::VirtioRings& rings, bool event_idx)
        : driver_(rings),
          queue_(SplitQueue::Create(rings.Memory(), rings.Config(),
                                    kFeatureIndirectDesc | (event_idx ? kFeatureEventIdx : 0))
                     .value()) {}

    void Offer(std::uint16_t chains) { driver_.Offer(chains); }
    // Hands the next chain to `use`; false when there is none.
    template <typename Use>
    [[gnu::always_inline]] bool Pop(Storage& storage, Use&& use) {
        auto popped = queue_.Pop(storage);
        if (!popped) [[unlikely]]
            std::abort();
        if (!*popped) return false;
        use(std::move(**popped));
        return true;
    }
    void Push(DescriptorChain&& chain, std::uint32_t written) { queue_.Push(std::move(chain), written); }
    bool Publish() { return queue_.Publish(); }

 private:
    IndexStore driver_;
    SplitQueue queue_;
};

class UncheckedSide {
 public:
    using Chain = UncheckedChain;
    UncheckedSide(const testing::VirtioRings& rings, bool event_idx)
        : driver_(rings), queue_(rings.Memory(), rings.Config(), event_idx) {}

    void Offer(std::uint16_t chains) { driver_.Offer(chains); }
    template <typename Use>
    [[gnu::always_inline]] bool Pop(Storage& storage, Use&& use) {
        UncheckedChain chain;
        if (!queue_.Pop(storage.data(), chain)) return false;
        use(std::move(chain));
        return true;
    }
    void Push(UncheckedChain&& chain, std::uint32_t written) { queue_.Push(chain, written); }
    bool Publish() { return queue_.Publish(); }

 private:
    IndexStore driver_;
    UncheckedQueue queue_;
};

// Where a device would look at a chain: the counts must be known here, and the buffers be in storage.
[[gnu::always_inline]] inline void Use(std::size_t readable, std::size_t writable) {
    benchmark::DoNotOptimize(readable);
    benchmark::DoNotOptimize(writable);
    benchmark::ClobberMemory();
}

// Takes every available chain and gives it back, until there is none; then publishes: a device that serves at once.
template <typename Side>
[[gnu::noinline]] void Serve(Side& side, Storage& storage, std::uint16_t batch, std::uint32_t rounds) {
    for (std::uint32_t round = 0; round < rounds; ++round) {
        side.Offer(batch);
        while (side.Pop(storage, [&](typename Side::Chain&& chain) {
            Use(chain.Readable().size(), chain.Writable().size());
            side.Push(std::move(chain), 512);
        })) {
        }
        benchmark::DoNotOptimize(side.Publish());
    }
}

// Only takes: as many chains as there are.
template <typename Side>
[[gnu::noinline]] void TakeAll(Side& side, Storage& storage, std::vector<typename Side::Chain>& taken) {
    while (side.Pop(storage, [&](typename Side::Chain&& chain) {
        Use(chain.Readable().size(), chain.Writable().size());
        taken.push_back(std::move(chain));
    })) {
    }
}

// Only gives back, publishing after each `batch`.
template <typename Side>
[[gnu::noinline]] void GiveAll(Side& side, std::vector<typename Side::Chain>& taken, std::uint16_t batch) {
    std::uint16_t left = batch;
    for (auto& chain : taken) {
        side.Push(std::move(chain), 512);
        if (--left > 0) continue;
        left = batch;
        benchmark::DoNotOptimize(side.Publish());
    }
    taken.clear();
}

}  // namespace husk::bench
