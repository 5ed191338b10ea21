#include "benchmarks/devices/latencies.h"

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <numeric>
#include <utility>

#include "vmm/base/clock.h"

namespace husk::bench {
namespace {

constexpr std::size_t kMost = 8'000'000;

}  // namespace

Latencies::Latencies() {
    samples_.resize(kMost);
    samples_.clear();
}

void Latencies::Add(std::uint64_t nanoseconds) {
    if (samples_.size() == samples_.capacity()) return;
    samples_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(nanoseconds, 0xffff'ffff)));
}

nlohmann::json Latencies::Report() {
    nlohmann::json result;
    if (samples_.empty()) return result;
    std::ranges::sort(samples_);
    const auto count = static_cast<double>(samples_.size());
    result["mean"] = std::accumulate(samples_.begin(), samples_.end(), 0.0) / count / 1000;
    for (const auto& [name, part] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}) {
        if ((1 - part) * count < 1) continue;
        result[name] = static_cast<double>(samples_[static_cast<std::size_t>(part * (count - 1))]) / 1000;
    }
    return result;
}

std::uint64_t AfterPause(std::uint64_t nanoseconds) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const timespec pause{static_cast<time_t>(nanoseconds / kSecond), static_cast<long>(nanoseconds % kSecond)};
    if (nanoseconds > 0) ::nanosleep(&pause, nullptr);
    return MonotonicNanoseconds();
}

}  // namespace husk::bench
