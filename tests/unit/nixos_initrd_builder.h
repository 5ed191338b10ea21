// Initrds for tests, built in memory: cpio archives, compressed by the system's libraries. They are loaded as husk
// loads its own, so that no test needs to be linked with them.
#pragma once

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/initrd/decompression_libraries.h"

namespace husk::testing {

using Bytes = std::vector<std::byte>;

inline Bytes BytesOfText(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

inline const DecompressionLibraries& Libraries() {
    static const DecompressionLibraries libraries = DecompressionLibraries::Load();
    return libraries;
}

// A newc archive; the fields of its headers can be bent.
class CpioBuilder {
 public:
    CpioBuilder& File(std::string_view name, std::string_view content = "") { return Add(name, 0100644, content); }
    CpioBuilder& Link(std::string_view name, std::string_view target) { return Add(name, 0120777, target); }
    CpioBuilder& Directory(std::string_view name) { return Add(name, 0040755, ""); }
    CpioBuilder& Trailer() { return Add("TRAILER!!!", 0, ""); }
    CpioBuilder& Add(std::string_view name, std::uint32_t mode, std::string_view body) {
        Header(mode, static_cast<std::uint32_t>(body.size()), static_cast<std::uint32_t>(name.size() + 1));
        Text(name);
        archive_.push_back(std::byte{0});
        Pad();
        Text(body);
        Pad();
        return *this;
    }
    CpioBuilder& Header(std::uint32_t mode, std::uint32_t size, std::uint32_t name_size) {
        Text(magic);
        const std::array<std::uint32_t, 13> fields{1, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0};
        for (const std::uint32_t field : fields) Text(fmt::format("{:08X}", field));
        return *this;
    }
    CpioBuilder& Text(std::string_view text) {
        for (const char c : text) archive_.push_back(static_cast<std::byte>(c));
        return *this;
    }
    CpioBuilder& Pad() {
        while (archive_.size() % 4 != 0) archive_.push_back(std::byte{0});
        return *this;
    }
    [[nodiscard]] Bytes Build() const { return archive_; }

    std::string magic = "070701";

 private:
    Bytes archive_;
};

template <typename Function>
Function LibraryFunction(const char* soname, const char* name) {
    return reinterpret_cast<Function>(::dlsym(::dlopen(soname, RTLD_NOW), name));
}

inline Bytes Gzip(const Bytes& plain) {
    const auto init = LibraryFunction<decltype(&::deflateInit2_)>("libz.so.1", "deflateInit2_");
    const auto step = LibraryFunction<decltype(&::deflate)>("libz.so.1", "deflate");
    const auto end = LibraryFunction<decltype(&::deflateEnd)>("libz.so.1", "deflateEnd");
    Bytes packed(plain.size() + plain.size() / 100 + 1024);
    z_stream stream{};
    init(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, sizeof stream);
    stream.next_in = reinterpret_cast<const Bytef*>(plain.data());
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    step(&stream, Z_FINISH);
    packed.resize(packed.size() - stream.avail_out);
    end(&stream);
    return packed;
}

// `dictionary`: bytes; 0 for that of preset 6.
inline Bytes Xz(const Bytes& plain, std::uint32_t dictionary = 0) {
    const auto preset = LibraryFunction<decltype(&::lzma_lzma_preset)>("liblzma.so.5", "lzma_lzma_preset");
    const auto encode =
        LibraryFunction<decltype(&::lzma_stream_buffer_encode)>("liblzma.so.5", "lzma_stream_buffer_encode");
    lzma_options_lzma options{};
    preset(&options, dictionary != 0 ? 0 : 6);
    if (dictionary != 0) options.dict_size = dictionary;
    std::array<lzma_filter, 2> filters{};
    filters[0] = {LZMA_FILTER_LZMA2, &options};
    filters[1] = {LZMA_VLI_UNKNOWN, nullptr};
    Bytes packed(plain.size() + plain.size() / 4 + 4096);
    std::size_t size = 0;
    encode(filters.data(), LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(plain.data()), plain.size(),
           reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size());
    packed.resize(size);
    return packed;
}

// `window_log`: 0 for the level's own.
inline Bytes Zstd(const Bytes& plain, int window_log = 0) {
    const auto create = LibraryFunction<decltype(&::ZSTD_createCCtx)>("libzstd.so.1", "ZSTD_createCCtx");
    const auto set = LibraryFunction<decltype(&::ZSTD_CCtx_setParameter)>("libzstd.so.1", "ZSTD_CCtx_setParameter");
    const auto step = LibraryFunction<decltype(&::ZSTD_compressStream2)>("libzstd.so.1", "ZSTD_compressStream2");
    const auto free = LibraryFunction<decltype(&::ZSTD_freeCCtx)>("libzstd.so.1", "ZSTD_freeCCtx");
    ZSTD_CCtx* const context = create();
    set(context, ZSTD_c_contentSizeFlag, 0);
    set(context, ZSTD_c_windowLog, window_log);
    Bytes packed(plain.size() + plain.size() / 100 + 1024);
    ZSTD_outBuffer output{.dst = packed.data(), .size = packed.size(), .pos = 0};
    // In two steps, as a pipe would feed it: the frame does not know its size, and keeps its window.
    ZSTD_inBuffer input{.src = plain.data(), .size = plain.size(), .pos = 0};
    step(context, &output, &input, ZSTD_e_continue);
    step(context, &output, &input, ZSTD_e_end);
    packed.resize(output.pos);
    free(context);
    return packed;
}

}  // namespace husk::testing
