#include "benchmarks/guest/port_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

namespace husk::bench {

Pattern::Pattern() {
    std::ifstream file(Word("pattern"), std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    length_ = bytes_.size();
    errno = 0;
    if (length_ < kPiece) Fail("there is no pattern");
    bytes_.append(bytes_, 0, kPiece);  // so that a piece can begin anywhere
}

std::uint64_t PortBytes() { return Number("bytes", 16 << 20); }
std::uint64_t Echoes() { return Number("echoes", 1000); }

void SendPattern(int fd, const Pattern& pattern, std::uint64_t bytes) {
    for (std::uint64_t at = 0; at < bytes;) {
        const ssize_t written = write(fd, pattern.From(at), std::min<std::uint64_t>(Pattern::kPiece, bytes - at));
        if (written <= 0) Fail("write");
        at += static_cast<std::uint64_t>(written);
    }
}

Arrival ReceivePattern(int fd, const Pattern& pattern, std::uint64_t bytes) {
    std::vector<char> piece(Pattern::kPiece, 0);
    std::uint64_t begun = 0;
    std::uint64_t first = 0;
    for (std::uint64_t at = 0; at < bytes;) {
        errno = 0;
        const ssize_t got = read(fd, piece.data(), std::min<std::uint64_t>(Pattern::kPiece, bytes - at));
        if (got <= 0) Fail("read");
        const auto size = static_cast<std::size_t>(got);
        errno = 0;
        if (std::memcmp(piece.data(), pattern.From(at), size) != 0) Fail("wrong bytes came");
        at += size;
        if (begun == 0) {
            begun = Nanoseconds();
            first = at;
        }
    }
    return {bytes - first, Nanoseconds() - begun};
}

}  // namespace husk::bench
