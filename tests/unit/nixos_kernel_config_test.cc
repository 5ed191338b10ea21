#include <gtest/gtest.h>

#include "boot/nixos/initrd/kernel_facts.h"
#include "tests/support/kernel_image.h"
#include "tests/unit/nixos_initrd_builder.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::BytesOfText;
using testing::BzImageFile;
using testing::Gzip;
using testing::Libraries;
using testing::operator+;
using testing::Xz;
using testing::Zstd;

constexpr std::string_view kConfigText =
    "#\n# Linux/x86 6.6.32 Kernel Configuration\n#\nCONFIG_ACPI=y\nCONFIG_VIRTIO_BLK=m\n# CONFIG_PVH is not set\n"
    "CONFIG_DEFAULT_HOSTNAME=\"(none)\"\nCONFIG_HZ=250\n";

// An unpacked kernel: a banner and a configuration between other bytes.
Bytes Vmlinux(std::size_t before = 100'000) {
    return BytesOfText(
               "\x7f"
               "ELF") +
           Bytes(before, std::byte{0xcc}) + BytesOfText("Linux version %s (%s)\n") +
           BytesOfText("Linux version 6.6.32 (nixbld@localhost)") +
           BytesOfText("IKCFG_ST, a text that names the marker") + Bytes(before, std::byte{0xcc}) +
           BytesOfText("IKCFG_ST") + Gzip(BytesOfText(kConfigText)) + BytesOfText("IKCFG_ED") +
           Bytes(before, std::byte{0xcc});
}

// A bzImage that carries `payload`, with a version in its header.
Bytes BzImage(const Bytes& payload) {
    BzImageFile image;
    image.code = Bytes(256, std::byte{0xc0}) + payload;
    image.code.resize((image.code.size() + 15) / 16 * 16);
    image.header.syssize = static_cast<std::uint32_t>(image.code.size() / 16);
    image.header.payload_offset = 256;
    image.header.payload_length = static_cast<std::uint32_t>(payload.size());
    image.header.kernel_version = 0x100;
    Bytes file = image.Build();
    testing::PutAt(file, 0x300, BytesOfText(std::string_view("6.6.32 (nixbld@localhost) #1-NixOS SMP\0", 39)));
    return file;
}

KernelFacts Facts(const Bytes& kernel) { return ReadKernel(SpanSource(kernel), Libraries()).value(); }

void ExpectConfig(const KernelFacts& facts) {
    ASSERT_TRUE(facts.config.has_value());
    EXPECT_EQ(facts.config->Get("ACPI"), KernelOption::kBuiltIn);
    EXPECT_EQ(facts.config->Get("VIRTIO_BLK"), KernelOption::kModule);
    EXPECT_EQ(facts.config->Get("PVH"), KernelOption::kAbsent);
    EXPECT_EQ(facts.config->Get("HZ"), KernelOption::kAbsent);
}

TEST(KernelConfig, BzImagesOfEachCompressionTellTheirConfiguration) {
    for (const Bytes& payload : {Gzip(Vmlinux()), Xz(Vmlinux()), Zstd(Vmlinux(), 27)}) {
        // The unpacked size is behind the payload's stream, except for gzip.
        const KernelFacts facts = Facts(BzImage(payload + Bytes(4, std::byte{1})));
        EXPECT_EQ(facts.format, KernelFacts::Format::kBzImage);
        EXPECT_EQ(facts.version, "6.6.32");
        ExpectConfig(facts);
    }
}

TEST(KernelConfig, ElfKernelTellsVersionAndConfiguration) {
    const KernelFacts facts = Facts(Vmlinux());
    EXPECT_EQ(facts.format, KernelFacts::Format::kElf);
    EXPECT_EQ(facts.version, "6.6.32");
    ExpectConfig(facts);
}

TEST(KernelConfig, MarkerAcrossTwoPiecesIsFound) {
    // Pieces of an uncompressed kernel have 64 KiB.
    for (std::size_t before = (64U << 10) - 60; before < (64U << 10) + 4; ++before) {
        const KernelFacts facts = Facts(BytesOfText("\x7f"
                                                    "ELF") +
                                        Bytes(before) + BytesOfText("IKCFG_ST") + Gzip(BytesOfText(kConfigText)) +
                                        Bytes(before) + BytesOfText("Linux version 6.6.32 (me)") + Bytes(before));
        EXPECT_EQ(facts.version, "6.6.32");
        ExpectConfig(facts);
    }
}

TEST(KernelConfig, OtherCompressionLeavesItUnknown) {
    const KernelFacts facts = Facts(BzImage(BytesOfText("\x02\x21\x4c\x18 lz4")));
    EXPECT_EQ(facts.version, "6.6.32");
    EXPECT_FALSE(facts.config.has_value());
}

TEST(KernelConfig, KernelWithoutOneHasNone) {
    EXPECT_FALSE(Facts(BzImage(Zstd(Bytes(300'000)))).config.has_value());
    EXPECT_FALSE(Facts(BytesOfText("\x7f"
                                   "ELF"))
                     .config.has_value());
}

TEST(KernelConfig, DamageMakesForFewerFacts) {
    Bytes payload = Zstd(Vmlinux());
    payload.resize(payload.size() / 2);
    EXPECT_EQ(Facts(BzImage(payload)).version, "6.6.32");
    EXPECT_FALSE(Facts(BzImage(payload)).config.has_value());
    EXPECT_FALSE(Facts(BytesOfText("\x7f"
                                   "ELF IKCFG_ST\x1f\x8b\x08 damaged"))
                     .config.has_value());
}

TEST(KernelConfig, OtherFilesAreNoKernels) {
    EXPECT_EQ(Facts({}).format, KernelFacts::Format::kOther);
    EXPECT_EQ(Facts(Bytes(4096)).format, KernelFacts::Format::kOther);
    EXPECT_EQ(Facts(BytesOfText("MZ")).format, KernelFacts::Format::kOther);
}

TEST(KernelConfig, OffsetsOutsideOfTheFileAreHarmless) {
    BzImageFile image;
    image.header.payload_offset = 0xffff'ffff;
    image.header.payload_length = 0xffff'ffff;
    image.header.kernel_version = 0xffff;
    const KernelFacts facts = Facts(image.Build());
    EXPECT_EQ(facts.format, KernelFacts::Format::kBzImage);
    EXPECT_EQ(facts.version, "");
    EXPECT_FALSE(facts.config.has_value());
}

TEST(KernelConfig, BombInItsPlaceEnds) {
    const Bytes bomb = Gzip(Bytes(64U << 20));
    EXPECT_FALSE(Facts(BytesOfText("\x7f"
                                   "ELF IKCFG_ST") +
                       bomb)
                     .config.has_value());
}

TEST(KernelConfig, MissingLibraryIsAnErrorOnlyWhereItIsNeeded) {
    EXPECT_TRUE(ReadKernel(SpanSource(BzImage(Bytes(64))), DecompressionLibraries{}).has_value());
    const auto facts = ReadKernel(SpanSource(BzImage(Xz(Vmlinux()))), DecompressionLibraries{});
    EXPECT_EQ(facts.error().Message(), "xz data cannot be unpacked without liblzma.so.5: install the library");
}

TEST(KernelConfigText, OnlyWhatIsOnIsKept) {
    const KernelConfig config =
        KernelConfig::Parse("CONFIG_A=y\nCONFIG_B=m\nCONFIG_C=n\nD=y\nCONFIG_E=yes\nCONFIG_F=y");
    EXPECT_EQ(config.Get("A"), KernelOption::kBuiltIn);
    EXPECT_EQ(config.Get("B"), KernelOption::kModule);
    EXPECT_EQ(config.Get("C"), KernelOption::kAbsent);
    EXPECT_EQ(config.Get("D"), KernelOption::kAbsent);
    EXPECT_EQ(config.Get("E"), KernelOption::kAbsent);
    EXPECT_EQ(config.Get("F"), KernelOption::kBuiltIn);
    EXPECT_TRUE(KernelConfig::Parse("").Empty());
}

}  // namespace
}  // namespace husk
