#include "boot/nixos/initrd/kernel_facts.h"

#include <asm/bootparam.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "boot/nixos/initrd/decompressor.h"
#include "boot/nixos/initrd/printable.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

// Offsets in the file (Linux Documentation/arch/x86/boot.rst).
constexpr std::size_t kSetupHeader = 0x1f1;
constexpr std::size_t kHeaderEnd = kSetupHeader + sizeof(::setup_header);
constexpr std::size_t kVersionBase = 0x200;  // what kernel_version counts from
constexpr std::uint64_t kSectorSize = 512;
constexpr std::uint16_t kPayloadVersion = 0x0208;  // the first protocol with payload_offset
constexpr std::size_t kMaxVersionText = 128;
constexpr std::array kElfMagic = {std::byte{0x7f}, std::byte{'E'}, std::byte{'L'}, std::byte{'F'}};

constexpr std::uint64_t kVmlinuxBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kConfigTextBytes = 4U << 20;

// As many bytes as the source has at `offset`, up to `most`.
Result<std::vector<std::byte>> ReadSome(const ByteSource& source, std::uint64_t offset, std::size_t most) {
    if (offset >= source.Size()) return std::vector<std::byte>();
    std::vector<std::byte> bytes(std::min<std::uint64_t>(most, source.Size() - offset));
    HUSK_TRY(source.Read(offset, bytes));
    return bytes;
}

// Up to the first space: "6.6.32" of "6.6.32 (nixbld@localhost) #1-NixOS SMP ...".
Result<std::string> ReadVersion(const ByteSource& source, const ::setup_header& header) {
    if (header.kernel_version == 0) return std::string();
    const auto bytes = HUSK_TRY(ReadSome(source, kVersionBase + std::uint64_t{header.kernel_version}, kMaxVersionText));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    constexpr std::string_view kEnds(" \0", 2);
    return Printable(text.substr(0, text.find_first_of(kEnds)));
}

std::string TextOf(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// All that `stream` gives until it ends or is damaged.
template <typename Consumer>
Result<> Drain(Decompressor& stream, const Consumer& consume) {
    for (;;) {
        const auto piece = stream.Next();
        if (!piece && piece.error().Kind() == ErrorKind::kBootSource) return {};
        if (!piece) return std::unexpected(piece.error());
        if (piece->empty() || !consume(*piece)) return {};
    }
}

Result<std::optional<KernelConfig>> UnpackConfig(std::span<const std::byte> packed,
                                                 const DecompressionLibraries& libraries) {
    const SpanSource source(packed);
    SourceReader reader(source, {.offset = 0, .length = packed.size()});
    DecompressionBudget budget{.output = kConfigTextBytes, .work = 2 * kConfigTextBytes};
    auto stream = HUSK_TRY(Decompressor::Open(Compression::kGzip, libraries, reader, budget));
    std::string text;
    HUSK_TRY(Drain(stream, [&text](std::span<const std::byte> piece) {
        text += TextOf(piece);
        return true;
    }));
    KernelConfig config = KernelConfig::Parse(text);
    return config.Empty() ? std::optional<KernelConfig>() : std::optional(std::move(config));
}

Result<> ScanVmlinux(const ByteSource& source, ByteRange range, const DecompressionLibraries& libraries,
                     KernelFacts& facts) {
    SourceReader reader(source, range);
    const Compression compression = DetectCompression(HUSK_TRY(reader.Peek()));
    if (!CanDecompress(compression)) return {};
    DecompressionBudget budget{.output = kVmlinuxBytes, .work = 2 * kVmlinuxBytes};
    auto stream = HUSK_TRY(Decompressor::Open(compression, libraries, reader, budget));
    VmlinuxScanner scanner;
    HUSK_TRY(Drain(stream, [&scanner](std::span<const std::byte> piece) {
        scanner.Take(piece);
        return !scanner.Done();
    }));
    if (facts.version.empty()) facts.version = Printable(scanner.Version());
    if (!scanner.PackedConfig().empty()) facts.config = HUSK_TRY(UnpackConfig(scanner.PackedConfig(), libraries));
    return {};
}

// Where the compressed vmlinux is in a bzImage; empty when the header does not say.
ByteRange Payload(const ::setup_header& header) {
    if (header.version < kPayloadVersion) return {};
    const std::uint64_t setup_sectors = header.setup_sects != 0 ? header.setup_sects : 4;
    return {.offset = (1 + setup_sectors) * kSectorSize + header.payload_offset, .length = header.payload_length};
}

}  // namespace

Result<KernelFacts> ReadKernel(const ByteSource& source, const DecompressionLibraries& libraries) {
    KernelFacts facts;
    facts.format = KernelFacts::Format::kOther;
    const auto head = HUSK_TRY(ReadSome(source, 0, kHeaderEnd));
    if (LoadAt<std::array<std::byte, 4>>(head, 0) == kElfMagic) {
        facts.format = KernelFacts::Format::kElf;
        HUSK_TRY(ScanVmlinux(source, {.offset = 0, .length = source.Size()}, libraries, facts));
        return facts;
    }
    const auto header = LoadAt<::setup_header>(head, kSetupHeader);
    if (!header || header->boot_flag != 0xaa55 || header->header != 0x5372'6448) return facts;
    facts.format = KernelFacts::Format::kBzImage;
    facts.version = HUSK_TRY(ReadVersion(source, *header));
    HUSK_TRY(ScanVmlinux(source, Payload(*header), libraries, facts));
    return facts;
}

}  // namespace husk
