#include "boot/nixos/initrd/compression.h"

#include <array>
#include <cstdint>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

struct Magic {
    std::array<std::uint8_t, 2> bytes;
    Compression compression;
};
constexpr std::array kMagics = {
    Magic{{0x1f, 0x8b}, Compression::kGzip}, Magic{{0xfd, 0x37}, Compression::kXz},
    Magic{{0x28, 0xb5}, Compression::kZstd}, Magic{{0x42, 0x5a}, Compression::kBzip2},
    Magic{{0x5d, 0x00}, Compression::kLzma}, Magic{{0x89, 0x4c}, Compression::kLzo},
    Magic{{0x02, 0x21}, Compression::kLz4},
};

}  // namespace

Compression DetectCompression(std::span<const std::byte> head) {
    const auto first = LoadAt<std::array<std::uint8_t, 2>>(head, 0);
    for (const Magic& magic : kMagics) {
        if (first == magic.bytes) return magic.compression;
    }
    return Compression::kNone;
}

std::string_view CompressionName(Compression compression) {
    switch (compression) {
        case Compression::kNone:
            return "none";
        case Compression::kGzip:
            return "gzip";
        case Compression::kXz:
            return "xz";
        case Compression::kZstd:
            return "zstd";
        case Compression::kBzip2:
            return "bzip2";
        case Compression::kLzma:
            return "lzma";
        case Compression::kLzo:
            return "lzo";
        case Compression::kLz4:
            return "lz4";
    }
    return "none";
}

}  // namespace husk
