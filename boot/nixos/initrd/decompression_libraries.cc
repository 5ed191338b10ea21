#include "boot/nixos/initrd/decompression_libraries.h"

#include <dlfcn.h>

namespace husk {
namespace {

class Library {
 public:
    explicit Library(const char* soname) : handle_(::dlopen(soname, RTLD_NOW | RTLD_LOCAL)) {}

    template <typename Function>
    void Find(const char* name, Function& function) {
        function = handle_ != nullptr ? reinterpret_cast<Function>(::dlsym(handle_, name)) : nullptr;
        complete_ = complete_ && function != nullptr;
    }
    [[nodiscard]] bool Complete() const { return complete_; }

 private:
    void* handle_;  // never closed: the functions are used until the process ends
    bool complete_ = true;
};

std::optional<DecompressionLibraries::Zlib> LoadZlib() {
    Library library("libz.so.1");
    DecompressionLibraries::Zlib zlib;
    library.Find("inflateInit2_", zlib.init);
    library.Find("inflate", zlib.step);
    library.Find("inflateEnd", zlib.end);
    return library.Complete() ? std::optional(zlib) : std::nullopt;
}

std::optional<DecompressionLibraries::Lzma> LoadLzma() {
    Library library("liblzma.so.5");
    DecompressionLibraries::Lzma lzma;
    library.Find("lzma_stream_decoder", lzma.init);
    library.Find("lzma_code", lzma.step);
    library.Find("lzma_end", lzma.end);
    return library.Complete() ? std::optional(lzma) : std::nullopt;
}

std::optional<DecompressionLibraries::Zstd> LoadZstd() {
    Library library("libzstd.so.1");
    DecompressionLibraries::Zstd zstd;
    library.Find("ZSTD_createDCtx_advanced", zstd.create);
    library.Find("ZSTD_DCtx_setParameter", zstd.set);
    library.Find("ZSTD_decompressStream", zstd.step);
    library.Find("ZSTD_isError", zstd.is_error);
    library.Find("ZSTD_getErrorCode", zstd.error_code);
    library.Find("ZSTD_freeDCtx", zstd.free);
    return library.Complete() ? std::optional(zstd) : std::nullopt;
}

}  // namespace

DecompressionLibraries DecompressionLibraries::Load() {
    return {.zlib = LoadZlib(), .lzma = LoadLzma(), .zstd = LoadZstd()};
}

}  // namespace husk
