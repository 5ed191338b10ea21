#include "boot/nixos/initrd/findings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "boot/nixos/initrd/command_line.h"
#include "boot/nixos/initrd/printable.h"

namespace husk {
namespace {

// A NixOS system that boots here without a word; each test breaks one thing.
struct System {
    BootEntry entry;
    InitrdFacts initrd;
    KernelFacts kernel;
    std::vector<VolumeIdentity> volumes = {{"vfat", "ESP", "1234-ABCD"}, {"ext4", "nixos", "0f-0f"}};

    System() {
        entry.kernel = "/kernel";
        entry.initrds = {"/initrd"};
        entry.command_line = "init=/nix/store/x-nixos-system-y/init loglevel=4 console=ttyS0";
        initrd.archives = {{Compression::kZstd, 0, 100, false}};
        initrd.entries = 100;
        initrd.stage1 = Stage1::kScript;
        initrd.modules = {"virtio_mmio", "virtio_blk", "ext4", "dm_crypt"};
        initrd.kernel_versions = {"6.6.32"};
        initrd.mounts = {{"/dev/disk/by-label/nixos", "/", "ext4"}};
        initrd.nixos = true;
        kernel.format = KernelFacts::Format::kBzImage;
        kernel.version = "6.6.32";
    }
    // The kernel carries NixOS's configuration, with these lines as well.
    void Configure(const std::string& more = "") {
        kernel.config = KernelConfig::Parse(
            "CONFIG_ACPI=y\nCONFIG_KVM_GUEST=y\nCONFIG_PVH=y\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_ZSTD=y\n"
            "CONFIG_SERIAL_8250_CONSOLE=y\nCONFIG_VIRTIO_CONSOLE=m\nCONFIG_EXT4_FS=m\nCONFIG_DM_CRYPT=m\n" +
            more);
    }
    void ConfigureStock() { Configure("CONFIG_VIRTIO_MMIO=m\nCONFIG_VIRTIO_BLK=m\n"); }
    [[nodiscard]] std::vector<Finding> Check() const { return husk::Check(entry, initrd, kernel, volumes); }
};

struct Expected {
    Severity severity;
    std::string part;
};
Expected WillNotBoot(std::string part) { return {Severity::kWillNotBoot, std::move(part)}; }
Expected MaySurprise(std::string part) { return {Severity::kMaySurprise, std::move(part)}; }

bool Fits(const Finding& finding, const Expected& expected) {
    return finding.severity == expected.severity && finding.sentence.find(expected.part) != std::string::npos;
}

// The findings are as expected, one by one, each with its part of a sentence.
::testing::AssertionResult Are(const std::vector<Finding>& findings, std::initializer_list<Expected> expected) {
    if (std::ranges::equal(findings, expected, Fits)) return ::testing::AssertionSuccess();
    ::testing::AssertionResult result = ::testing::AssertionFailure() << "found:";
    for (const Finding& finding : findings)
        result << "\n" << SeverityText(finding.severity) << ": " << finding.sentence;
    return result;
}

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

TEST(Findings, InitrdWithoutInitIsOdd) {
    System system;
    system.initrd.stage1 = Stage1::kNone;
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

TEST(Findings, LabelOnNoDiskNamesThoseThereAre) {
    System system;
    system.volumes[1].label = "root";
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("stage 1 waits for a file system with the label nixos, which no "
                                                 "attached disk has (the labels there are: ESP, root)")}));
}

TEST(Findings, RootOfTheCommandLineIsLookedForAsWell) {
    System system;
    system.entry.command_line += " root=LABEL=nixos-minimal-24.05-x86_64";
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("with the label nixos-minimal-24.05-x86_64")}));
    system.entry.command_line += " root=UUID=1234-abcd";
    EXPECT_TRUE(Are(system.Check(), {}));
    system.entry.command_line += " root=fstab";
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, LabelMayBeInsideWhatIsEncrypted) {
    System system;
    system.volumes[1] = {"crypto_LUKS", "", "abcd"};
    system.initrd.unlocks_luks = true;
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("unless inside one that is encrypted")}));
}

TEST(Findings, WithoutDisksTheOneToAttachIsNamed) {
    System system;
    system.volumes.clear();
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("label nixos: attach the disk that has it (--disk)")}));
}

TEST(Findings, DisksOfOtherMachinesAreNotHere) {
    System system;
    system.initrd.mounts = {{"/dev/sda1", "/", "ext4"}};
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("stage 1 waits for /dev/sda1, but the disks here are /dev/vda")}));
    system.initrd.mounts = {{"/dev/vda1", "/", "ext4"}, {"/dev/mapper/root", "/home", "ext4"}};
    EXPECT_TRUE(Are(system.Check(), {}));
}

TEST(Findings, RootThatFirmwareWouldTellIsNotFound) {
    System system;
    system.entry.command_line += " root=gpt-auto";
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("boot.initrd.systemd.root = \"fstab\";")}));
}

TEST(Findings, EncryptedDiskNeedsSomethingThatUnlocksIt) {
    System system;
    system.volumes.push_back({"crypto_LUKS", "", "abcd"});
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("the initrd has no cryptsetup")}));
    system.initrd.unlocks_luks = true;
    EXPECT_TRUE(Are(system.Check(), {}));
    system.initrd.modules.erase("dm_crypt");
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("the initrd has no dm_crypt")}));
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
