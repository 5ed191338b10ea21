// Decompressor: a piece of a source, unpacked as a stream. Memory is bounded by the codec, time by a budget that all
// the streams of one initrd share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/initrd/codec.h"

namespace husk {

// A source read from front to back, a buffer at a time.
class SourceReader {
 public:
    // `source` outlives it. `range` is cut where the source ends.
    SourceReader(const ByteSource& source, ByteRange range);
    // Some of the bytes at Position(), at least two unless it is the range's last; none at its end. Valid until the
    // next call of anything.
    [[nodiscard]] Result<std::span<const std::byte>> Peek();
    // Goes `length` bytes further, or to the range's end.
    void Skip(std::uint64_t length);
    [[nodiscard]] std::uint64_t Position() const { return position_; }  // in the source
    [[nodiscard]] bool AtEnd() const { return position_ == end_; }

 private:
    const ByteSource& source_;
    std::uint64_t position_;
    std::uint64_t end_;
    std::vector<std::byte> buffer_;
    std::size_t used_ = 0;  // bytes of the buffer before Position()
};

// What unpacking may still cost. A bomb ends in an error, and not in a wait.
struct DecompressionBudget {
    std::uint64_t output = std::uint64_t{4} << 30;  // bytes unpacked
    std::uint64_t work = std::uint64_t{8} << 30;    // bytes taken and unpacked
};

class Decompressor {
 public:
    // Unpacks the one stream that starts at `reader`'s position; kNone passes its bytes through. `reader` and `budget`
    // outlive it. An error (kHost) when the library is missing; CanDecompress(compression).
    [[nodiscard]] static Result<Decompressor> Open(Compression compression, const DecompressionLibraries& libraries,
                                                   SourceReader& reader, DecompressionBudget& budget);
    // The next bytes, valid until the next call; none when the stream has ended, where `reader` then stands. The errors
    // are those of Codec::Step; a stream that ends too early or is too long is kBootSource.
    [[nodiscard]] Result<std::span<const std::byte>> Next();

 private:
    Decompressor(std::unique_ptr<Codec> codec, SourceReader& reader, DecompressionBudget& budget);
    [[nodiscard]] Result<Codec::Progress> Step();
    [[nodiscard]] Result<> Spend(const Codec::Progress& progress);

    std::unique_ptr<Codec> codec_;  // none: the bytes pass through
    SourceReader* reader_;
    DecompressionBudget* budget_;
    std::vector<std::byte> output_;
    bool ended_ = false;
};

}  // namespace husk
