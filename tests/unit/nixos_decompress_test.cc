#include <gtest/gtest.h>

#include "boot/nixos/initrd/decompressor.h"
#include "tests/unit/nixos_initrd_builder.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::BytesOfText;
using testing::Gzip;
using testing::Libraries;
using testing::operator+;
using testing::Xz;
using testing::Zstd;

// What became of one stream.
struct Unpacked {
    Bytes bytes;
    std::string error;
    ErrorKind kind = ErrorKind::kUsage;
    std::uint64_t position = 0;  // where the reader stands afterwards
};

Unpacked Unpack(const Bytes& packed, DecompressionBudget budget = {},
                const DecompressionLibraries& libraries = Libraries()) {
    const SpanSource source(packed);
    SourceReader reader(source, {.offset = 0, .length = packed.size()});
    Unpacked unpacked;
    auto stream = Decompressor::Open(DetectCompression(packed), libraries, reader, budget);
    auto piece = stream ? stream->Next() : std::unexpected(stream.error());
    for (; piece && !piece->empty(); piece = stream->Next()) {
        unpacked.bytes.insert(unpacked.bytes.end(), piece->begin(), piece->end());
    }
    if (!piece) unpacked.error = piece.error().Message();
    if (!piece) unpacked.kind = piece.error().Kind();
    unpacked.position = reader.Position();
    return unpacked;
}

// 1 MiB that compresses, but not to nothing.
Bytes Sample() {
    Bytes sample;
    for (std::uint32_t i = 0; i < 1U << 20; ++i) sample.push_back(static_cast<std::byte>((i * i) >> 7));
    return sample;
}

class EachFormat : public ::testing::TestWithParam<Bytes (*)(const Bytes&)> {};
Bytes XzPlain(const Bytes& plain) { return Xz(plain); }
Bytes ZstdPlain(const Bytes& plain) { return Zstd(plain); }
INSTANTIATE_TEST_SUITE_P(Decompressor, EachFormat, ::testing::Values(&Gzip, &XzPlain, &ZstdPlain));

TEST_P(EachFormat, GivesBackWhatWasPacked) {
    const Bytes sample = Sample();
    const Unpacked unpacked = Unpack(GetParam()(sample));
    EXPECT_EQ(unpacked.error, "");
    EXPECT_EQ(unpacked.bytes, sample);
}

TEST_P(EachFormat, EmptyStreamEndsAtOnce) {
    const Unpacked unpacked = Unpack(GetParam()({}));
    EXPECT_EQ(unpacked.error, "");
    EXPECT_TRUE(unpacked.bytes.empty());
}

TEST_P(EachFormat, StopsWhereTheStreamEnds) {
    const Bytes packed = GetParam()(Sample());
    const Unpacked unpacked = Unpack(packed + BytesOfText("what follows"));
    EXPECT_EQ(unpacked.error, "");
    EXPECT_EQ(unpacked.position, packed.size());
}

TEST_P(EachFormat, StreamCutAnywhereIsDamaged) {
    const Bytes packed = GetParam()(BytesOfText("a short text that is cut at each of its bytes"));
    for (std::size_t length = 2; length < packed.size(); ++length) {
        const Unpacked unpacked = Unpack(Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(length)));
        EXPECT_EQ(unpacked.error, "it ends in the middle of compressed data") << length;
        EXPECT_EQ(unpacked.kind, ErrorKind::kBootSource);
    }
}

TEST_P(EachFormat, BombEndsAtItsBudget) {
    const Bytes bomb = GetParam()(Bytes(64U << 20));
    ASSERT_LT(bomb.size(), 200'000U);
    const Unpacked unpacked = Unpack(bomb, {.output = 1U << 20, .work = 1U << 30});
    EXPECT_EQ(unpacked.error, "it unpacks to more than 4 GiB");
    EXPECT_LE(unpacked.bytes.size(), 1U << 20);
}

TEST_P(EachFormat, WorkIsLimitedToo) {
    const Unpacked unpacked = Unpack(GetParam()(Sample()), {.output = 1U << 30, .work = 300'000});
    EXPECT_EQ(unpacked.error, "it unpacks to more than 4 GiB");
}

TEST_P(EachFormat, BytesThatAreChangedAreDamageAndNotSilence) {
    Bytes packed = GetParam()(Sample());
    for (std::size_t i = 6; i < 40; ++i) packed[i] ^= std::byte{0x55};
    EXPECT_EQ(Unpack(packed).kind, ErrorKind::kBootSource);
}

TEST_P(EachFormat, MissingLibraryIsOneSentenceAboutTheHost) {
    const Unpacked unpacked = Unpack(GetParam()(Sample()), {}, DecompressionLibraries{});
    EXPECT_EQ(unpacked.kind, ErrorKind::kHost);
    EXPECT_TRUE(unpacked.error.ends_with("install the library")) << unpacked.error;
}

TEST(Decompressor, XzOfTheLargestPresetIsUnpacked) {
    EXPECT_EQ(Unpack(Xz(BytesOfText("text"), 64U << 20)).bytes, BytesOfText("text"));
}

TEST(Decompressor, XzThatWantsMuchMemoryIsNotUnpacked) {
    const Unpacked unpacked = Unpack(Xz(BytesOfText("text"), 1U << 30));
    EXPECT_EQ(unpacked.error, "xz data that need more than 160 MiB of memory are not unpacked");
    EXPECT_EQ(unpacked.kind, ErrorKind::kHost);
}

TEST(Decompressor, ZstdWindowOfAKernelIsUnpacked) {
    EXPECT_EQ(Unpack(Zstd(BytesOfText("text"), 27)).bytes, BytesOfText("text"));
}

TEST(Decompressor, ZstdWindowThatLinuxRefusesIsDamage) {
    const Unpacked unpacked = Unpack(Zstd(BytesOfText("text"), 28));
    EXPECT_EQ(unpacked.error, "it has zstd data with a window of more than 128 MiB, which Linux refuses");
    EXPECT_EQ(unpacked.kind, ErrorKind::kBootSource);
}

TEST(Decompressor, PlainBytesPassThrough) {
    const Bytes plain(300'000, std::byte{7});
    EXPECT_EQ(Unpack(plain).bytes, plain);
}

TEST(DecompressionLibraries, AreThere) {
    EXPECT_TRUE(Libraries().zlib.has_value());
    EXPECT_TRUE(Libraries().lzma.has_value());
    EXPECT_TRUE(Libraries().zstd.has_value());
}

TEST(DetectCompression, NamesWhatLinuxKnows) {
    const auto name = [](std::initializer_list<int> head) {
        Bytes bytes;
        for (const int b : head) bytes.push_back(static_cast<std::byte>(b));
        return CompressionName(DetectCompression(bytes));
    };
    EXPECT_EQ(name({0x1f, 0x8b}), "gzip");
    EXPECT_EQ(name({0xfd, 0x37}), "xz");
    EXPECT_EQ(name({0x28, 0xb5}), "zstd");
    EXPECT_EQ(name({0x42, 0x5a}), "bzip2");
    EXPECT_EQ(name({0x5d, 0x00}), "lzma");
    EXPECT_EQ(name({0x89, 0x4c}), "lzo");
    EXPECT_EQ(name({0x02, 0x21}), "lz4");
    EXPECT_EQ(name({0x28}), "none");
    EXPECT_EQ(name({}), "none");
}

TEST(SourceReader, ReadsAcrossItsBufferAndSkips) {
    Bytes bytes(200'000);
    bytes[150'000] = std::byte{9};
    const SpanSource source(bytes);
    SourceReader reader(source, {.offset = 1000, .length = 1'000'000});
    EXPECT_EQ(reader.Peek().value().size(), 64U << 10);
    reader.Skip((64U << 10) - 1);
    EXPECT_GE(reader.Peek().value().size(), 2U);
    reader.Skip(150'000 - reader.Position());
    EXPECT_EQ(reader.Peek().value().front(), std::byte{9});
    reader.Skip(~std::uint64_t{0});
    EXPECT_TRUE(reader.AtEnd());
    EXPECT_TRUE(reader.Peek().value().empty());
}

TEST(SourceReader, RangeOutsideOfTheSourceIsEmpty) {
    const SpanSource source({});
    SourceReader reader(source, {.offset = ~std::uint64_t{0}, .length = ~std::uint64_t{0}});
    EXPECT_TRUE(reader.AtEnd());
    EXPECT_TRUE(reader.Peek().value().empty());
}

}  // namespace
}  // namespace husk
