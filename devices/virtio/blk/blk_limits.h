// BlkLimits: how much of its disk a guest may use: requests and bytes a second, with a tenth of a second's worth at
// once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <variant>

#include "devices/virtio/blk/blk_request.h"
#include "devices/virtio/token_bucket.h"

namespace husk {

class BlkLimits {
 public:
    // 0: no limit. `now`: nanoseconds, of the clock that all calls go by.
    BlkLimits(std::uint64_t requests, std::uint64_t bytes, std::uint64_t now)
        : requests_(requests, requests / kBurst, now), bytes_(bytes, bytes / kBurst, now) {}

    [[nodiscard]] bool Unlimited() const { return requests_.Unlimited() && bytes_.Unlimited(); }

    // Whether the request may begin now; it is then counted.
    [[nodiscard]] bool Take(const BlkRequest& request, std::uint64_t now) {
        const Cost cost = CostOf(request);
        if (!requests_.Allows(cost.requests, now) || !bytes_.Allows(cost.bytes, now)) return false;
        return requests_.Take(cost.requests, now) && bytes_.Take(cost.bytes, now);
    }
    // How long until it may, in nanoseconds.
    [[nodiscard]] std::uint64_t Wait(const BlkRequest& request, std::uint64_t now) {
        const Cost cost = CostOf(request);
        return std::max(requests_.Wait(cost.requests, now), bytes_.Wait(cost.bytes, now));
    }

 private:
    static constexpr std::uint64_t kBurst = 10;

    struct Cost {
        std::uint64_t requests = 0;
        std::uint64_t bytes = 0;
    };
    static Cost CostOf(const BlkRequest& request) {
        if (const auto* read = std::get_if<BlkRead>(&request)) return {1, read->transfer.length};
        if (const auto* write = std::get_if<BlkWrite>(&request)) return {1, write->transfer.length};
        // Zeroes that keep their place may have to be written.
        const auto* zeroes = std::get_if<BlkWriteZeroes>(&request);
        if (zeroes != nullptr && zeroes->unmap == Unmap::kNo) return {1, zeroes->range.length};
        return {IsRange(request) ? 1U : 0U, 0};
    }

    TokenBucket requests_;
    TokenBucket bytes_;
};

}  // namespace husk
