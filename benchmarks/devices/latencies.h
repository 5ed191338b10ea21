// Latencies: those of one measurement, and their percentiles.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace husk::bench {

// Its room is touched before anything is measured and never grows: later ones are left out.
class Latencies {
 public:
    Latencies();
    void Add(std::uint64_t nanoseconds);
    void Clear() { samples_.clear(); }
    // Mean and percentiles in microseconds: those that at least one of the latencies is beyond. Null without any.
    [[nodiscard]] nlohmann::json Report();

 private:
    std::vector<std::uint32_t> samples_;
};

// Sleeps for `nanoseconds`, if there are any, and says what time it is.
[[nodiscard]] std::uint64_t AfterPause(std::uint64_t nanoseconds);

}  // namespace husk::bench
