#include "boot/nixos/initrd/findings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "boot/nixos/initrd/command_line.h"
#include "boot/nixos/initrd/printable.h"
#include "tests/unit/nixos_findings_system.h"

namespace husk {
namespace {

using testing::Are;
using testing::Fits;
using testing::MaySurprise;
using testing::System;
using testing::WillNotBoot;
using Words = std::vector<std::string_view>;

TEST(Findings, SoundSystemHasNone) {
    System system;
    EXPECT_TRUE(Are(system.Check(), {}));
    system.ConfigureStock();
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, NothingReadLeadsToNothingSaid) {
    const System system;
    EXPECT_TRUE(Are(Check(system.entry, {}, {}, {}), {}));
}

TEST(Findings, InitrdWithoutVirtioDriversNamesTheProfile) {
    System system;
    system.initrd.modules = {"ahci", "ext4"};
    EXPECT_TRUE(Are(
        system.Check(),
        {WillNotBoot("the initrd has no virtio_mmio and virtio_blk, so no disk will be found: add to its configuration "
                     "imports = [ (modulesPath + \"/profiles/qemu-guest.nix\") ]; or "
                     "boot.initrd.availableKernelModules = [ \"virtio_mmio\" \"virtio_blk\" ];")}));
}

TEST(Findings, OneMissingDriverIsNamedAlone) {
    System system;
    system.initrd.modules.erase("virtio_blk");
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("the initrd has no virtio_blk, so")}));
}

TEST(Findings, DriversForPciAloneAreSaidToBeThat) {
    System system;
    system.initrd.modules = {"virtio_pci", "virtio_blk"};
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("the initrd drives virtio by PCI (virtio_pci) and has no "
                                                 "virtio_mmio; this machine has no PCI")}));
}

TEST(Findings, DebianInitrdGetsDebiansAdvice) {
    System system;
    system.initrd.nixos = false;
    system.initrd.modules = {"ahci"};
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("add virtio_mmio and virtio_blk to it (Debian: "
                                                 "/etc/initramfs-tools/modules, update-initramfs -u)")}));
}

TEST(Findings, BuiltInDriversNeedNoModules) {
    System system;
    system.initrd.modules = {"ahci"};
    system.initrd.built_in = {"virtio_mmio", "virtio_blk", "ext4"};
    EXPECT_TRUE(Are(system.Check(), {}));
    system.initrd.built_in.reset();
    system.Configure("CONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_BLK=y\nCONFIG_EXT4_FS=y\n");
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, NetbootImageIsOnlyWarned) {
    System system;
    system.initrd.modules = {"ahci"};
    system.initrd.holds_store = true;
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("no virtio_mmio and virtio_blk")}));
}

TEST(Findings, InitrdWithoutModulesIsADoubtAndNoVerdict) {
    System system;
    system.initrd.modules.clear();
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("the initrd has no kernel modules, and the kernel does not say")}));
}

TEST(Findings, KernelWithoutVirtioIsSaidOnce) {
    System system;
    system.Configure();
    EXPECT_TRUE(
        Are(system.Check(), {WillNotBoot("built without CONFIG_VIRTIO_MMIO and CONFIG_VIRTIO_BLK, so no disk")}));
}

TEST(Findings, ModulesWithoutAnInitrdToLoadThemFrom) {
    System system;
    system.entry.initrds.clear();
    system.initrd = {};
    system.ConfigureStock();
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("there is no initrd to load virtio_mmio and virtio_blk from")}));
}

TEST(Findings, MissingFileSystemDriverIsFoundWhereTheListIsKnown) {
    System system;
    system.initrd.modules.erase("ext4");
    EXPECT_TRUE(Are(system.Check(), {}));
    system.initrd.built_in.emplace();
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("stage 1 mounts / as ext4, and the initrd has no driver for it: "
                                                 "add to its configuration boot.initrd.availableKernelModules = "
                                                 "[ \"ext4\" ];")}));
}

TEST(Findings, FileSystemThatTheKernelLacksIsFound) {
    System system;
    system.ConfigureStock();
    system.initrd.mounts[0].type = "xfs";
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("stage 1 mounts / as xfs, and the kernel was built without "
                                                 "CONFIG_XFS_FS")}));
}

TEST(Findings, ModulesOfAnotherKernelAreUseless) {
    System system;
    system.kernel.version = "6.6.33";
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("has modules for Linux 6.6.32, but the kernel is 6.6.33")}));
}

TEST(Findings, DamagedInitrdIsSaidAndNothingElseOfIt) {
    System system;
    system.initrd.damage = "it ends in the middle of init";
    system.initrd.modules.clear();
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("the initrd is damaged: it ends in the middle of init. ")}));
}

TEST(Findings, UnknownCompressionLeavesTheDriversUnchecked) {
    System system;
    system.initrd.unknown = Compression::kLz4;
    system.initrd.modules.clear();
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("compressed by lz4, which husk does not unpack")}));
}

TEST(Findings, CompressionThatTheKernelLacksIsAVerdict) {
    System system;
    system.ConfigureStock();
    system.initrd.unknown = Compression::kLz4;
    EXPECT_TRUE(
        Are(system.Check(), {WillNotBoot("compressed by lz4, and the kernel was built without CONFIG_RD_LZ4")}));
    system.initrd.unknown.reset();
    system.initrd.archives.push_back({Compression::kXz, 1000, 1, false});
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("compressed by xz, and the kernel was built without CONFIG_RD_XZ")}));
}

TEST(Findings, InitrdWithoutInitLoadsNoDrivers) {
    System system;
    system.initrd.stage1 = Stage1::kNone;
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("the initrd has no /init, so Linux starts nothing of it, and the "
                                                 "drivers of the disks stay unloaded")}));
}

TEST(Findings, InitrdWithoutInitIsOddForAKernelWithTheDrivers) {
    System system;
    system.initrd.stage1 = Stage1::kNone;
    system.initrd.built_in = {"virtio_mmio", "virtio_blk"};
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("the initrd has no /init")}));
    system.entry.command_line += " rdinit=/bin/sh";
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, SecretsThatAreNotThereAreMissed) {
    System system;
    system.entry.initrd_secrets = "/nix/store/x/append-initrd-secrets";
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("by /nix/store/x/append-initrd-secrets, which husk does not run")}));
    system.initrd.secrets_appended = true;
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, SecretsOfAnInitrdThatCannotBeReadAreADoubt) {
    System system;
    system.entry.initrd_secrets = "/append";
    EXPECT_TRUE(Are(Check(system.entry, {}, {}, {}), {MaySurprise("the initrd may lack its secrets")}));
}

TEST(Findings, CommandLineOf2047BytesIsTheLongest) {
    System system;
    system.entry.command_line += " " + std::string(2047 - system.entry.command_line.size() - 1, 'x');
    EXPECT_TRUE(Are(system.Check(), {}));
    system.entry.command_line += 'x';
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("the command line has 2048 bytes, and Linux takes 2047")}));
}

TEST(Findings, ConsoleThatHuskAddsCountsToo) {
    System system;
    system.entry.command_line = "init=/x " + std::string(2047 - 8, 'x');
    EXPECT_TRUE(Fits(system.Check().front(), WillNotBoot("has 2061 bytes with husk's console=ttyS0")));
}

TEST(Findings, NixosNeedsItsInit) {
    System system;
    system.entry.command_line = "console=ttyS0";
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("the command line has no init=")}));
    system.initrd.nixos = false;
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, NoConsoleMeansThatHuskAddsOne) {
    System system;
    system.entry.command_line = "init=/x";
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("names no console, so a login prompt is to be expected only "
                                                 "because husk adds console=ttyS0. In its configuration: "
                                                 "boot.kernelParams = [ \"console=ttyS0\" ];")}));
}

TEST(Findings, ScreenAsTheOnlyConsoleShowsNothing) {
    System system;
    system.entry.command_line = "init=/x console=tty0";
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("the only console is tty0, which this machine does not have")}));
}

TEST(Findings, ScreenAsTheLastConsoleGetsThePrompts) {
    System system;
    system.entry.command_line = "init=/x console=ttyS0,115200n8 console=tty1";
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("the last console on the command line is tty1")}));
    system.entry.command_line = "init=/x console=tty1 console=ttyS0,115200n8";
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, VirtioConsoleAloneHangsTheScript) {
    System system;
    system.entry.command_line = "init=/x console=hvc0";
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("hangs in silence")}));
    system.initrd.stage1 = Stage1::kSystemd;
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("nothing is shown before it is loaded")}));
    system.initrd.built_in = {"virtio_console", "ext4"};
    EXPECT_TRUE(Are(system.Check(), {}));
    system.entry.command_line = "init=/x console=ttyS0 console=hvc0";
    system.initrd.built_in.reset();
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, VirtioConsoleAloneIsNoVerdictOnOtherScripts) {
    System system;
    system.initrd.nixos = false;
    system.entry.command_line = "console=hvc0";
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("On its command line: console=ttyS0 console=hvc0")}));
}

TEST(Findings, KernelOptionsThatAreMissedAreNamed) {
    System system;
    system.kernel.config = KernelConfig::Parse("CONFIG_VIRTIO_MMIO=m\nCONFIG_VIRTIO_BLK=m\nCONFIG_EXT4_FS=m\n");
    EXPECT_TRUE(Are(system.Check(),
                    {WillNotBoot("CONFIG_RD_ZSTD"), WillNotBoot("CONFIG_ACPI"), WillNotBoot("CONFIG_BLK_DEV_INITRD"),
                     MaySurprise("CONFIG_KVM_GUEST"), MaySurprise("CONFIG_SERIAL_8250_CONSOLE")}));
    system.kernel.format = KernelFacts::Format::kElf;
    EXPECT_TRUE(
        std::ranges::any_of(system.Check(), [](const Finding& f) { return Fits(f, WillNotBoot("CONFIG_PVH")); }));
}

TEST(Findings, OtherFileIsNoKernel) {
    System system;
    system.kernel.format = KernelFacts::Format::kOther;
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("neither a bzImage nor an ELF file")}));
}

TEST(Findings, WorstComesFirst) {
    System system;
    system.entry.command_line = "loglevel=4";
    system.initrd.modules = {"ahci"};
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("init="), WillNotBoot("virtio_blk"), MaySurprise("console")}));
}

TEST(Findings, EachIsOneLineWithoutControlCharacters) {
    System system;
    system.entry.command_line = "console=\x1b[31m root=LABEL=\x1b]0;x";
    system.entry.initrd_secrets = "a\nb";
    system.volumes.push_back({"ext4", "\n\x1b", "\n"});
    system.kernel.version = "\n1";
    for (const Finding& finding : system.Check()) {
        EXPECT_EQ(Printable(finding.sentence, 10'000), finding.sentence);
    }
    EXPECT_EQ(system.Check().size(), 5U);
}

TEST(CommandLine, WordsEndAtSpacesOutsideOfQuotes) {
    EXPECT_EQ(CommandLineWords("  a b=\"c d\"\te\n"), (Words{"a", "b=\"c d\"", "e"}));
    EXPECT_TRUE(CommandLineWords("").empty());
    EXPECT_EQ(CommandLineWords("a \"b c"), (Words{"a", "\"b c"}));
}

TEST(CommandLine, ValuesAreThoseOfTheExactName) {
    EXPECT_EQ(CommandLineValues("root=a xroot=b root rootfs=c root=d=e", "root"), (Words{"a", "d=e"}));
}

}  // namespace
}  // namespace husk
