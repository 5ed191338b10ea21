#include "boot/nixos/initrd/codec.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "vmm/base/role_heap.h"

namespace husk {
namespace {

std::unexpected<Error> Damaged(Compression compression) {
    return Fail(ErrorKind::kBootSource, "its " + std::string(CompressionName(compression)) + " data are damaged");
}

const std::uint8_t* Bytes(std::span<const std::byte> in) { return reinterpret_cast<const std::uint8_t*>(in.data()); }
std::uint8_t* Bytes(std::span<std::byte> out) { return reinterpret_cast<std::uint8_t*>(out.data()); }

// The libraries' memory comes from the role's heap: a sealed reader cannot ask the kernel for more.
void* ZlibAllocate(void*, uInt count, uInt size) { return RoleHeapAllocate(std::size_t{count} * size); }
void* LzmaAllocate(void*, std::size_t count, std::size_t size) { return RoleHeapAllocate(count * size); }
void* ZstdAllocate(void*, std::size_t size) { return RoleHeapAllocate(size); }
void Release(void*, void* block) { RoleHeapFree(block); }

class GzipCodec final : public Codec {
 public:
    explicit GzipCodec(const DecompressionLibraries::Zlib& zlib) : zlib_(zlib) {
        stream_.zalloc = ZlibAllocate;
        stream_.zfree = Release;
    }
    ~GzipCodec() override { zlib_.end(&stream_); }
    [[nodiscard]] bool Start() {
        constexpr int kGzipHeader = 16 + MAX_WBITS;
        return zlib_.init(&stream_, kGzipHeader, ZLIB_VERSION, sizeof stream_) == Z_OK;
    }

    Result<Progress> Step(std::span<const std::byte> in, std::span<std::byte> out) override {
        constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
        in = in.first(std::min(in.size(), kMost));
        out = out.first(std::min(out.size(), kMost));
        stream_.next_in = Bytes(in);
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = Bytes(out);
        stream_.avail_out = static_cast<uInt>(out.size());
        const int status = zlib_.step(&stream_, Z_NO_FLUSH);
        if (status == Z_MEM_ERROR) return Fail("no memory for unpacking gzip data");
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return Damaged(Compression::kGzip);
        return Progress{in.size() - stream_.avail_in, out.size() - stream_.avail_out, status == Z_STREAM_END};
    }

 private:
    const DecompressionLibraries::Zlib& zlib_;
    z_stream stream_{};
};

class XzCodec final : public Codec {
 public:
    explicit XzCodec(const DecompressionLibraries::Lzma& lzma) : lzma_(lzma) { stream_.allocator = &kLzmaMemory; }
    ~XzCodec() override { lzma_.end(&stream_); }
    [[nodiscard]] bool Start() { return lzma_.init(&stream_, kXzMemoryLimit, 0) == LZMA_OK; }

    Result<Progress> Step(std::span<const std::byte> in, std::span<std::byte> out) override {
        stream_.next_in = Bytes(in);
        stream_.avail_in = in.size();
        stream_.next_out = Bytes(out);
        stream_.avail_out = out.size();
        const lzma_ret status = lzma_.step(&stream_, LZMA_RUN);
        if (status == LZMA_MEM_ERROR) return Fail("no memory for unpacking xz data");
        if (status == LZMA_MEMLIMIT_ERROR) {
            return Fail("xz data that need more than " + std::to_string(kXzMemoryLimit >> 20) +
                        " MiB of memory are not unpacked");
        }
        if (status != LZMA_OK && status != LZMA_STREAM_END && status != LZMA_BUF_ERROR)
            return Damaged(Compression::kXz);
        return Progress{in.size() - stream_.avail_in, out.size() - stream_.avail_out, status == LZMA_STREAM_END};
    }

 private:
    static constexpr lzma_allocator kLzmaMemory{.alloc = LzmaAllocate, .free = Release, .opaque = nullptr};

    const DecompressionLibraries::Lzma& lzma_;
    lzma_stream stream_{};  // LZMA_STREAM_INIT
};

class ZstdCodec final : public Codec {
 public:
    explicit ZstdCodec(const DecompressionLibraries::Zstd& zstd)
        : zstd_(zstd), context_(zstd.create({.customAlloc = ZstdAllocate, .customFree = Release, .opaque = nullptr})) {}
    ~ZstdCodec() override { zstd_.free(context_); }
    [[nodiscard]] bool Start() {
        return context_ != nullptr && zstd_.is_error(zstd_.set(context_, ZSTD_d_windowLogMax, kZstdWindowLog)) == 0;
    }

    Result<Progress> Step(std::span<const std::byte> in, std::span<std::byte> out) override {
        ZSTD_inBuffer input{.src = in.data(), .size = in.size(), .pos = 0};
        ZSTD_outBuffer output{.dst = out.data(), .size = out.size(), .pos = 0};
        const std::size_t status = zstd_.step(context_, &output, &input);
        if (zstd_.is_error(status) != 0) return Fault(status);
        return Progress{input.pos, output.pos, status == 0};
    }

 private:
    [[nodiscard]] std::unexpected<Error> Fault(std::size_t status) const {
        const ZSTD_ErrorCode code = zstd_.error_code(status);
        if (code == ZSTD_error_memory_allocation) return Fail("no memory for unpacking zstd data");
        if (code != ZSTD_error_frameParameter_windowTooLarge) return Damaged(Compression::kZstd);
        return Fail(ErrorKind::kBootSource, "it has zstd data with a window of more than " +
                                                std::to_string(1U << (kZstdWindowLog - 20)) +
                                                " MiB, which Linux refuses");
    }

    const DecompressionLibraries::Zstd& zstd_;
    ZSTD_DCtx* context_;
};

template <typename CodecType, typename Library>
Result<std::unique_ptr<Codec>> Start(const std::optional<Library>& library, Compression compression,
                                     std::string_view soname) {
    if (!library) {
        const std::string name(CompressionName(compression));
        return Fail(name + " data cannot be unpacked without " + std::string(soname) + ": install the library");
    }
    auto codec = std::make_unique<CodecType>(*library);
    if (!codec->Start()) return Fail("no memory for unpacking " + std::string(CompressionName(compression)) + " data");
    return codec;
}

}  // namespace

Result<std::unique_ptr<Codec>> MakeCodec(Compression compression, const DecompressionLibraries& libraries) {
    switch (compression) {
        case Compression::kGzip:
            return Start<GzipCodec>(libraries.zlib, compression, "libz.so.1");
        case Compression::kXz:
            return Start<XzCodec>(libraries.lzma, compression, "liblzma.so.5");
        case Compression::kZstd:
            return Start<ZstdCodec>(libraries.zstd, compression, "libzstd.so.1");
        default:
            return Fail("there is no codec for " + std::string(CompressionName(compression)) + " data");
    }
}

}  // namespace husk
