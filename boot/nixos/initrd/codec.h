// Codec: one compressed stream being unpacked by one of the system's libraries.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "boot/nixos/initrd/compression.h"
#include "boot/nixos/initrd/decompression_libraries.h"
#include "vmm/base/result.h"

namespace husk {

class Codec {
 public:
    struct Progress {
        std::size_t taken = 0;  // bytes of `in`
        std::size_t made = 0;   // bytes of `out`
        bool ended = false;     // the stream (a gzip member, an xz stream, a zstd frame) is complete
    };

    virtual ~Codec() = default;
    Codec(const Codec&) = delete;
    Codec& operator=(const Codec&) = delete;

    // Neither taken nor made: it needs more of `in`. Not to be called again after the end or an error, which is of kind
    // kBootSource when the stream is damaged, or asks for what Linux refuses too, and of kind kHost when husk will not
    // or this host cannot.
    [[nodiscard]] virtual Result<Progress> Step(std::span<const std::byte> in, std::span<std::byte> out) = 0;

 protected:
    Codec() = default;
};

// The memory that a stream may make husk use, in bytes. xz -9 wants 65 MiB; zstd's largest window is Linux's limit too.
inline constexpr std::uint64_t kXzMemoryLimit = 160U << 20;
inline constexpr int kZstdWindowLog = 27;

// An error (kHost) when the library for it is missing. `compression`: one of kGzip, kXz, kZstd.
[[nodiscard]] Result<std::unique_ptr<Codec>> MakeCodec(Compression compression,
                                                       const DecompressionLibraries& libraries);

}  // namespace husk
