// What stage 1 waits for, and where it may be.
#include <gtest/gtest.h>

#include "tests/unit/nixos_findings_system.h"

namespace husk {
namespace {

using testing::Are;
using testing::MaySurprise;
using testing::System;
using testing::WillNotBoot;

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

TEST(Findings, LabelInsideWhatStage1CannotOpenIsAVerdictAndTheOnlyWordAboutIt) {
    System system;
    system.volumes[1] = {"crypto_LUKS", "", "abcd"};
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("which is on no attached disk (the labels there are: ESP), unless "
                                                 "inside one that is encrypted by LUKS, for which the initrd has no "
                                                 "cryptsetup: add boot.initrd.luks.devices.NAME")}));
}

TEST(Findings, LabelMayBeInAVolumeGroupBesideWhatIsLocked) {
    System system;
    system.volumes[1] = {"crypto_LUKS", "", "abcd"};
    system.volumes.push_back({"LVM2_member", "", "ef"});
    EXPECT_TRUE(Are(system.Check(), {MaySurprise("or a part of a volume group"), MaySurprise("has no cryptsetup")}));
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
    system.initrd.mounts.clear();
    EXPECT_TRUE(Are(system.Check(), {WillNotBoot("boot.initrd.systemd.root = \"fstab\";")}));
}

TEST(Findings, RootThatFirmwareWouldTellIsADoubtBesideOneInFstab) {
    System system;
    system.entry.command_line += " root=gpt-auto";
    for (const char* const point : {"/", "/sysroot", "/sysroot/"}) {
        system.initrd.mounts[0].point = point;
        EXPECT_TRUE(Are(system.Check(), {MaySurprise("boot.initrd.systemd.root = \"fstab\";")}));
    }
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

}  // namespace
}  // namespace husk
