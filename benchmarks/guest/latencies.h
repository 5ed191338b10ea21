// How long each request took: all of them are kept, so that a percentile is exact.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace husk::bench {

class Latencies {
 public:
    // Room is made here, not while requests are timed.
    explicit Latencies(std::size_t expected = 0);

    void Add(std::uint64_t nanoseconds);
    void Add(const Latencies& others);
    // " p50=N p90=N p99=N p99.9=N" in nanoseconds, without those that fewer than one request lies beyond.
    [[nodiscard]] std::string Text() const;

 private:
    std::vector<std::uint32_t> nanoseconds_;
};

}  // namespace husk::bench
