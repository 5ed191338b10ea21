#include <gtest/gtest.h>

#include "boot/nixos/initrd/initramfs.h"
#include "boot/nixos/initrd/initrd_facts.h"
#include "boot/nixos/initrd/module_index.h"
#include "tests/unit/nixos_initrd_builder.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::BytesOfText;
using testing::CpioBuilder;
using testing::Gzip;
using testing::Libraries;
using testing::operator+;
using testing::Xz;
using testing::Zstd;

constexpr std::string_view kModules = "nix/store/0l-linux-6.6.32-modules-shrunk/lib/modules/6.6.32/kernel/drivers/";

// What a NixOS initrd with the scripted stage 1 holds, cut to what matters.
CpioBuilder Scripted() {
    CpioBuilder cpio;
    const std::string modules(kModules);
    cpio.Link("init", "/nix/store/abc-stage-1-init.sh")
        .File(modules + "block/virtio_blk.ko.xz")
        .File(modules + "virtio/virtio-mmio.ko.zst")
        .File(modules + "virtio/virtio.ko")
        .File("nix/store/abc-initrd-fsinfo", "/\n/dev/disk/by-label/nixos\next4\nrw\n")
        .File("nix/store/abc-stage-1-init.sh", "#! /nix/store/abc-extra-utils/bin/ash\n")
        .Trailer();
    return cpio;
}

// The same with systemd.
CpioBuilder Systemd() {
    CpioBuilder cpio;
    cpio.File("etc/crypttab", "root /dev/disk/by-uuid/1 -\n")
        .Link("init", "/nix/store/abc-systemd-256/lib/systemd/systemd")
        .Link("lib", "/nix/store/0l-linux-6.12.1-modules-shrunk/lib")
        .File("nix/store/0l-linux-6.12.1-modules-shrunk/lib/modules/6.12.1/kernel/drivers/block/virtio_blk.ko.xz")
        .File("nix/store/abc-initrd-fstab", "/dev/disk/by-label/my\\040root / ext4 defaults 0 1\n")
        .Trailer();
    return cpio;
}

Bytes Microcode() { return CpioBuilder().File("kernel/x86/microcode/AuthenticAMD.bin", "code").Trailer().Build(); }
Bytes Secrets() { return CpioBuilder().File(".initrd-secrets/etc/key", "secret").Trailer().Build(); }

InitrdFacts Facts(const Bytes& initrd) { return ReadInitrd(SpanSource(initrd), Libraries()).value(); }

TEST(Initrd, ScriptedNixosIsSeenAsSuch) {
    const InitrdFacts facts = Facts(Zstd(Scripted().Build()));
    EXPECT_EQ(facts.stage1, Stage1::kScript);
    EXPECT_TRUE(facts.nixos);
    EXPECT_TRUE(facts.Whole());
    EXPECT_EQ(facts.modules, (std::set<std::string, std::less<>>{"virtio", "virtio_blk", "virtio_mmio"}));
    EXPECT_EQ(facts.kernel_versions, (std::set<std::string, std::less<>>{"6.6.32"}));
    EXPECT_EQ(facts.mounts, (std::vector<InitrdMount>{{"/dev/disk/by-label/nixos", "/", "ext4"}}));
    EXPECT_FALSE(facts.built_in.has_value());
    EXPECT_FALSE(facts.unlocks_luks);
    EXPECT_FALSE(facts.secrets_appended);
}

TEST(Initrd, SystemdNixosIsSeenAsSuch) {
    const InitrdFacts facts = Facts(Zstd(Systemd().Build()));
    EXPECT_EQ(facts.stage1, Stage1::kSystemd);
    EXPECT_TRUE(facts.HasModule("virtio_blk"));
    EXPECT_TRUE(facts.unlocks_luks);
    EXPECT_EQ(facts.mounts, (std::vector<InitrdMount>{{"/dev/disk/by-label/my root", "/", "ext4"}}));
}

TEST(Initrd, ArchivesAreListedWithCompressionAndPlace) {
    const Bytes microcode = Microcode();
    const Bytes main = Zstd(Scripted().Build());
    const InitrdFacts facts = Facts(microcode + main + Gzip(Secrets()));
    EXPECT_TRUE(facts.Whole()) << facts.damage;
    EXPECT_EQ(facts.archives, (std::vector<InitrdArchive>{
                                  {Compression::kNone, 0, 1, true},
                                  {Compression::kZstd, microcode.size(), 6, false},
                                  {Compression::kGzip, microcode.size() + main.size(), 1, false},
                              }));
    EXPECT_TRUE(facts.secrets_appended);
    EXPECT_EQ(facts.entries, 8U);
}

TEST(Initrd, MicrocodeInFrontIsNoAppendedSecret) {
    EXPECT_FALSE(Facts(Microcode() + Bytes(508) + Xz(Scripted().Build())).secrets_appended);
}

TEST(Initrd, FurtherArchiveBehindTheFirstMayBeSecrets) {
    EXPECT_TRUE(Facts(Xz(Scripted().Build()) + Xz(CpioBuilder().File("key").Trailer().Build())).secrets_appended);
    EXPECT_TRUE(Facts(Scripted().Build() + CpioBuilder().File("key").Trailer().Build()).secrets_appended);
    EXPECT_TRUE(Facts(Gzip(Scripted().Build() + Bytes(512) + CpioBuilder().File("key").Build())).secrets_appended);
}

TEST(Initrd, FilesOfOneInitrdAreReadAsOne) {
    const Bytes microcode = Microcode();
    const Bytes main = Zstd(Scripted().Build());
    const SpanSource first(microcode);
    const SpanSource second(main);
    const std::array<const ByteSource*, 2> sources = {&first, &second};
    const InitrdFacts facts = ReadInitrd(sources, Libraries()).value();
    EXPECT_TRUE(facts.Whole());
    EXPECT_EQ(facts.archives.size(), 2U);
    EXPECT_EQ(facts.stage1, Stage1::kScript);
}

TEST(Initrd, ScriptsAndProgramsAreToldApartByWhatInitIs) {
    const auto stage1 = [](const CpioBuilder& cpio) { return Facts(cpio.Build()).stage1; };
    EXPECT_EQ(stage1(CpioBuilder().File("init", "#!/bin/sh\n")), Stage1::kScript);
    EXPECT_EQ(stage1(CpioBuilder().Link("init", "usr/lib/systemd/systemd")), Stage1::kSystemd);
    EXPECT_EQ(stage1(CpioBuilder()
                         .File("init",
                               "\x7f"
                               "ELF")
                         .File("etc/initrd-release")),
              Stage1::kSystemd);
    EXPECT_EQ(stage1(CpioBuilder().File("init",
                                        "\x7f"
                                        "ELF")),
              Stage1::kOther);
    EXPECT_EQ(stage1(CpioBuilder().Link("init", "bin/busybox")), Stage1::kOther);
    EXPECT_EQ(stage1(CpioBuilder().File("etc/init")), Stage1::kNone);
    EXPECT_EQ(stage1(CpioBuilder().Directory("init")), Stage1::kNone);
}

TEST(Initrd, ModulesAreFilesBelowLibModulesAlone) {
    const InitrdFacts facts = Facts(CpioBuilder()
                                        .File("usr/lib/modules/6.1.0/kernel/a-b_c.ko.gz")
                                        .File("lib/modules/6.1.0/kernel/plain.ko")
                                        .File("lib/modules/stray.ko")
                                        .File("mylib/modules/6.1.0/other.ko")
                                        .File("lib/modules/6.1.0/kernel/text.txt")
                                        .File("lib/modules/6.1.0/kernel/" + std::string(80, 'x') + ".ko")
                                        .Link("lib/modules/6.1.0/kernel/link.ko", "plain.ko")
                                        .Build());
    EXPECT_EQ(facts.modules, (std::set<std::string, std::less<>>{"a_b_c", "plain"}));
}

TEST(Initrd, BuiltInModulesComeFromTheTextList) {
    const InitrdFacts facts = Facts(CpioBuilder()
                                        .File("lib/modules/6.1.0/modules.builtin",
                                              "kernel/fs/ext4/ext4.ko\nkernel/drivers/virtio/virtio-mmio.ko\n"
                                              "kernel/fs/fuse/fuse.ko\n")
                                        .Build());
    ASSERT_TRUE(facts.built_in.has_value());
    EXPECT_EQ(*facts.built_in, (std::set<std::string, std::less<>>{"ext4", "virtio_mmio"}));
    EXPECT_TRUE(facts.BuiltIn("ext4"));
    EXPECT_FALSE(facts.BuiltIn("virtio_blk"));
}

// depmod's index of two names, "ext4" and "virtio_mmio", as it writes it: children before their parents.
std::string IndexOfTwo() {
    const auto number = [](std::uint32_t value) {
        std::string text;
        for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(value >> shift);
        return text;
    };
    std::string index = number(0xb007'f457) + number(0x0002'0001);
    std::string children;
    const std::uint32_t ext4 = 12 | 0xc000'0000;
    children += std::string("xt4\0", 4) + number(1) + number(0) + std::string(1, '\0');
    const auto virtio = static_cast<std::uint32_t>(12 + children.size()) | 0xc000'0000;
    children += std::string("irtio_mmio\0", 11) + number(1) + number(0) + std::string(1, '\0');
    const auto root = static_cast<std::uint32_t>(12 + children.size()) | 0x2000'0000;
    std::string node = "ev" + number(ext4);
    for (char c = 'f'; c < 'v'; ++c) node += number(0);
    return index + number(root) + children + node + number(virtio);
}

TEST(Initrd, BuiltInModulesComeFromDepmodsIndex) {
    const InitrdFacts facts = Facts(CpioBuilder().File("lib/modules/6.1.0/modules.builtin.bin", IndexOfTwo()).Build());
    ASSERT_TRUE(facts.built_in.has_value());
    EXPECT_EQ(*facts.built_in, (std::set<std::string, std::less<>>{"ext4", "virtio_mmio"}));
}

TEST(Initrd, EmptyIndexSaysNothing) {
    EXPECT_FALSE(Facts(CpioBuilder().File("lib/modules/6.1.0/modules.builtin.bin").Build()).built_in.has_value());
}

TEST(ModuleIndex, HasItsKeysAndNoOthers) {
    const Bytes index = BytesOfText(IndexOfTwo());
    EXPECT_TRUE(IsModuleIndex(index));
    EXPECT_TRUE(ModuleIndexHas(index, "ext4"));
    EXPECT_TRUE(ModuleIndexHas(index, "virtio_mmio"));
    EXPECT_FALSE(ModuleIndexHas(index, "ext"));
    EXPECT_FALSE(ModuleIndexHas(index, "ext45"));
    EXPECT_FALSE(ModuleIndexHas(index, "fat"));
    EXPECT_FALSE(ModuleIndexHas(index, ""));
    EXPECT_FALSE(ModuleIndexHas(index, "a"));
    EXPECT_FALSE(ModuleIndexHas(index, "z"));
}

TEST(ModuleIndex, CutOrCyclicIndexHasNothingAndEnds) {
    const Bytes index = BytesOfText(IndexOfTwo());
    for (std::size_t length = 0; length < index.size(); ++length) {
        EXPECT_FALSE(ModuleIndexHas(std::span(index).first(length), "virtio_mmio"));
    }
    std::string cyclic = IndexOfTwo();
    cyclic.replace(cyclic.size() - 4, 4, cyclic.substr(8, 4));  // the root is its own child
    EXPECT_FALSE(ModuleIndexHas(BytesOfText(cyclic), std::string(100'000, 'v')));
}

TEST(Initrd, NetbootImageHoldsItsStore) {
    EXPECT_TRUE(Facts(CpioBuilder().File("nix-store.squashfs", "hsqs").Build()).holds_store);
}

TEST(Initrd, UncompressedBodiesAreNotEvenRead) {
    // A source of 3 GiB that only has its first bytes.
    class Sparse final : public ByteSource {
     public:
        explicit Sparse(Bytes head) : head_(std::move(head)) {}
        std::uint64_t Size() const override { return std::uint64_t{3} << 30; }
        Result<> Read(std::uint64_t offset, std::span<std::byte> out) const override {
            read += out.size();
            std::ranges::fill(out, std::byte{0});
            if (offset < head_.size())
                return SpanSource(head_).Read(offset, out.first(std::min(out.size(), head_.size())));
            return {};
        }
        mutable std::uint64_t read = 0;

     private:
        Bytes head_;
    };
    const auto body = static_cast<std::uint32_t>((std::uint64_t{3} << 30) - 132);
    const Sparse source(CpioBuilder().Header(0100644, body, 19).Text("nix-store.squashfs").Text({"\0\0\0", 3}).Build());
    const InitrdFacts facts = ReadInitrd(source, Libraries()).value();
    EXPECT_TRUE(facts.holds_store);
    EXPECT_TRUE(facts.Whole()) << facts.damage;
    EXPECT_LT(source.read, 1U << 20);
}

TEST(InitrdDamage, WhatCameBeforeIsKept) {
    Bytes initrd = Gzip(Scripted().Build()) + Gzip(Secrets());
    initrd.resize(initrd.size() - 12);
    const InitrdFacts facts = Facts(initrd);
    EXPECT_EQ(facts.damage, "it ends in the middle of compressed data");
    EXPECT_TRUE(facts.HasModule("virtio_blk"));
}

TEST(InitrdDamage, EmptyOrZeroFileHoldsNothing) {
    EXPECT_EQ(Facts({}).damage, "it holds no cpio archive");
    EXPECT_EQ(Facts(Bytes(100'000)).damage, "it holds no cpio archive");
    EXPECT_EQ(Facts(Gzip({})).damage, "it holds no cpio archive");
}

TEST(InitrdDamage, OtherBytesAreNamedByTheirPlace) {
    EXPECT_EQ(Facts(BytesOfText("hsqs, a squashfs")).damage,
              "at byte 0 comes neither a cpio archive nor compressed data");
    EXPECT_EQ(Facts(CpioBuilder().File("a").Text("junk").Build()).damage,
              "at byte 112 comes neither a cpio archive nor compressed data");
}

TEST(InitrdDamage, Lz4WithoutItsOptionForLinuxIsNamed) {
    EXPECT_EQ(Facts(BytesOfText("\x04\x22\x4d\x18 and so on")).damage,
              "at byte 0 comes an lz4 frame, which Linux does not unpack: \"lz4 -l\" makes what it does");
}

TEST(InitrdDamage, JunkInsideCompressedDataIsFound) {
    EXPECT_EQ(Facts(Gzip(CpioBuilder().File("a").Text("junk").Build())).damage,
              "after a comes something that is no cpio archive");
    EXPECT_EQ(Facts(Gzip(BytesOfText("no archive"))).damage, "after its start comes something that is no cpio archive");
}

TEST(InitrdDamage, ArchiveThatEndsInAnEntryIsFound) {
    Bytes archive = CpioBuilder().File("a").File("etc/motd", "hello").Build();
    archive.resize(archive.size() - 4);
    EXPECT_EQ(Facts(archive).damage, "it ends in the middle of etc/motd");
    EXPECT_EQ(Facts(Zstd(archive) + Zstd(Secrets())).damage, "a compressed part ends in the middle of etc/motd");
}

TEST(InitrdDamage, ArchiveOffItsAlignmentIsDamageAsInLinux) {
    EXPECT_EQ(Facts(Bytes(2) + CpioBuilder().File("a").Build()).damage,
              "at byte 2 comes neither a cpio archive nor compressed data");
    EXPECT_TRUE(Facts(Bytes(4) + CpioBuilder().File("a").Build()).Whole());
    EXPECT_TRUE(Facts(Bytes(3) + Gzip(CpioBuilder().File("a").Build())).Whole());
}

TEST(InitrdDamage, PartCompressedOtherwiseIsNamed) {
    const InitrdFacts facts = Facts(Scripted().Build() + BytesOfText("\x02\x21\x4c\x18 lz4"));
    EXPECT_EQ(facts.unknown, Compression::kLz4);
    EXPECT_FALSE(facts.Whole());
    EXPECT_TRUE(facts.HasModule("virtio_blk"));
}

TEST(InitrdDamage, ManyTinyPartsAreRefused) {
    const Bytes part = Gzip(CpioBuilder().File("a").Build());
    Bytes initrd;
    for (std::size_t i = 0; i <= kMaxCompressedParts; ++i) initrd = std::move(initrd) + part;
    EXPECT_EQ(Facts(initrd).damage, "it has more than 64 compressed parts");
}

TEST(InitrdDamage, MissingLibraryIsAnErrorOnlyWhereItIsNeeded) {
    const Bytes plain = Scripted().Build();
    EXPECT_TRUE(ReadInitrd(SpanSource(plain), DecompressionLibraries{}).has_value());
    const auto facts = ReadInitrd(SpanSource(Zstd(plain)), DecompressionLibraries{});
    EXPECT_EQ(facts.error().Message(), "zstd data cannot be unpacked without libzstd.so.1: install the library");
}

TEST(InitrdDamage, HugeNumbersOfModulesAndMountsAreBounded) {
    CpioBuilder cpio;
    for (int i = 0; i < 20'000; ++i) {
        cpio.File("lib/modules/" + std::to_string(i) + "/m" + std::to_string(i) + ".ko");
    }
    for (int i = 0; i < 5; ++i) {
        std::string fstab;
        for (int line = 0; line < 100; ++line) fstab += "/dev/vda / ext4 rw 0 1\n";
        cpio.File("nix/store/" + std::to_string(i) + "-initrd-fstab", fstab);
    }
    const InitrdFacts facts = Facts(cpio.Build());
    EXPECT_EQ(facts.modules.size(), 16'384U);
    EXPECT_EQ(facts.kernel_versions.size(), 16U);
    EXPECT_EQ(facts.mounts.size(), 2 * kMaxMounts);
}

TEST(InitrdDamage, ListsAreNotParsedWithoutEnd) {
    const std::string list(1U << 20, '\n');
    CpioBuilder cpio;
    for (int i = 0; i < 33; ++i) cpio.File("lib/modules/6.1.0/modules.builtin", list);
    const Bytes last = CpioBuilder().File("lib/modules/6.1.0/modules.builtin", "ext4.ko\n").Build();
    EXPECT_TRUE(Facts(last).BuiltIn("ext4"));
    EXPECT_FALSE(Facts(cpio.Build() + last).BuiltIn("ext4"));
}

TEST(Mounts, FstabLinesAreUnescapedAndOptionalOnesLeftOut) {
    EXPECT_EQ(ParseFstab("# a comment\n\n/dev/disk/by-label/my\\040root\t/ ext4 rw,x-initrd.mount 0 1\n"
                         "LABEL=data /data xfs defaults,nofail 0 2\nshort line\ntmpfs /tmp tmpfs"),
              (std::vector<InitrdMount>{{"/dev/disk/by-label/my root", "/", "ext4"}, {"tmpfs", "/tmp", "tmpfs"}}));
}

TEST(Mounts, FsInfoHasFourLinesForEach) {
    EXPECT_EQ(
        ParseFsInfo("/\n/dev/disk/by-label/nixos\next4\nrw\n/iso\n/dev/root\nauto\nnoauto\n/nix\n/dev/vdb\nerofs"),
        (std::vector<InitrdMount>{{"/dev/disk/by-label/nixos", "/", "ext4"}, {"/dev/vdb", "/nix", "erofs"}}));
}

TEST(Mounts, DeviceNamesOfLabelsAndUuids) {
    EXPECT_EQ(ParseDeviceName("/dev/disk/by-label/my\\x20root")->value, "my root");
    EXPECT_EQ(ParseDeviceName("LABEL=\"my root\"")->value, "my root");
    EXPECT_EQ(ParseDeviceName("UUID=1234-ABCD")->by, DeviceName::By::kUuid);
    EXPECT_EQ(ParseDeviceName("/dev/disk/by-uuid/1234-ABCD")->value, "1234-ABCD");
    EXPECT_EQ(ParseDeviceName("/dev/disk/by-label/odd\\x2")->value, "odd\\x2");
    EXPECT_FALSE(ParseDeviceName("/dev/vda1").has_value());
    EXPECT_FALSE(ParseDeviceName("PARTUUID=1").has_value());
}

}  // namespace
}  // namespace husk
