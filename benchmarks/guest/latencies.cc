#include "benchmarks/guest/latencies.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace husk::bench {

Latencies::Latencies(std::size_t expected) { nanoseconds_.reserve(expected); }

void Latencies::Add(std::uint64_t nanoseconds) {
    nanoseconds_.push_back(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(nanoseconds, std::numeric_limits<std::uint32_t>::max())));
}

void Latencies::Add(const Latencies& others) {
    nanoseconds_.insert(nanoseconds_.end(), others.nanoseconds_.begin(), others.nanoseconds_.end());
}

std::string Latencies::Text() const {
    std::vector<std::uint32_t> sorted = nanoseconds_;
    std::ranges::sort(sorted);
    const auto count = static_cast<double>(sorted.size());
    std::string text;
    for (const auto& [name, part] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}) {
        if ((1 - part) * count < 1) continue;
        const auto index = static_cast<std::size_t>(part * (count - 1));
        text += std::string(" ") + name + "=" + std::to_string(sorted[index]);
    }
    return text;
}

}  // namespace husk::bench
