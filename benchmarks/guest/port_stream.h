// What both ends of a port do: send a pattern, again and again, and compare what comes with it. Words: pattern=FILE,
// the same at both ends; bytes=N and echoes=N of one phase.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>

#include "benchmarks/guest/bench.h"

namespace husk::bench {

class Pattern {
 public:
    static constexpr std::size_t kPiece = 65536;

    Pattern();
    // kPiece bytes from there on.
    [[nodiscard]] const char* From(std::uint64_t offset) const { return bytes_.data() + offset % length_; }

 private:
    std::string bytes_;
    std::size_t length_;
};

// From the first piece that came to the last, and the bytes that came after the first.
struct Arrival {
    std::uint64_t late;
    std::uint64_t nanoseconds;
};

[[nodiscard]] std::uint64_t PortBytes();
[[nodiscard]] std::uint64_t Echoes();

void SendPattern(int fd, const Pattern& pattern, std::uint64_t bytes);
[[nodiscard]] Arrival ReceivePattern(int fd, const Pattern& pattern, std::uint64_t bytes);

// Until `attempt` gives a descriptor: the other end makes what it opens.
template <typename Attempt>
[[nodiscard]] int Await(const std::string& what, Attempt attempt) {
    for (unsigned attempts = 0; attempts < 1000; ++attempts) {
        if (const int fd = attempt(); fd >= 0) return fd;
        usleep(10'000);
    }
    Fail("cannot open " + what);
}

}  // namespace husk::bench
