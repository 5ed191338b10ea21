// The system's zlib, liblzma and libzstd, loaded when somebody asks: as linked libraries they would cost every role of
// every VM start-up time, and only the reader of a boot source ever unpacks something.
#pragma once

#define ZLIB_CONST  // zlib.h: input is const
#include <lzma.h>
#include <zlib.h>
#define ZSTD_STATIC_LINKING_ONLY  // zstd.h: memory by callbacks; stable in every libzstd.so.1 so far, and looked up by
                                  // name
#include <zstd.h>
#include <zstd_errors.h>

#include <optional>

namespace husk {

// The functions of each library, none of them null; nothing for a library that this host lacks, which matters only to
// who meets its format. They take memory by callbacks only, and make no system calls.
struct DecompressionLibraries {
    struct Zlib {
        decltype(&::inflateInit2_) init = nullptr;
        decltype(&::inflate) step = nullptr;
        decltype(&::inflateEnd) end = nullptr;
    };
    struct Lzma {
        decltype(&::lzma_stream_decoder) init = nullptr;
        decltype(&::lzma_code) step = nullptr;
        decltype(&::lzma_end) end = nullptr;
    };
    struct Zstd {
        decltype(&::ZSTD_createDCtx_advanced) create = nullptr;
        decltype(&::ZSTD_DCtx_setParameter) set = nullptr;
        decltype(&::ZSTD_decompressStream) step = nullptr;
        decltype(&::ZSTD_isError) is_error = nullptr;
        decltype(&::ZSTD_getErrorCode) error_code = nullptr;
        decltype(&::ZSTD_freeDCtx) free = nullptr;
    };
    std::optional<Zlib> zlib;
    std::optional<Lzma> lzma;
    std::optional<Zstd> zstd;

    // Opens files and maps code: to be called before the reader seals itself. The libraries stay loaded.
    [[nodiscard]] static DecompressionLibraries Load();
};

}  // namespace husk
