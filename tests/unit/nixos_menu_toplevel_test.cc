#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boot/nixos/menus/toplevel.h"

namespace husk {
namespace {

ToplevelTexts System() {
    return {.specialisation = "",
            .folder = "/nix/store/s",
            .init = "/nix/store/s/init",
            .kernel_params = "loglevel=4 net.ifnames=0",
            .nixos_version = "22.05.1\n",
            .has_initrd = true,
            .has_initrd_secrets = false};
}

TEST(Toplevel, FilesBesideEachOtherMakeAnEntry) {
    const BootMenu menu = MakeToplevelMenu({System()}).value();
    EXPECT_EQ(menu.default_entry, 0u);
    const BootEntry& entry = menu.entries.at(0);
    EXPECT_EQ(entry.id, "system");
    EXPECT_EQ(entry.label, "22.05.1");
    EXPECT_EQ(entry.kernel, "/nix/store/s/kernel");
    EXPECT_EQ(entry.initrds, std::vector<std::string>{"/nix/store/s/initrd"});
    EXPECT_EQ(entry.command_line, "init=/nix/store/s/init loglevel=4 net.ifnames=0");
    EXPECT_EQ(entry.initrd_secrets, "");
}

TEST(Toplevel, SpecialisationsFollowAndSecretsAreNamed) {
    ToplevelTexts special = System();
    special.specialisation = "gaming";
    special.folder = "/nix/store/s/specialisation/gaming";
    special.has_initrd_secrets = true;
    const BootMenu menu = MakeToplevelMenu({System(), special}).value();
    EXPECT_EQ(menu.entries.at(1).id, "gaming");
    EXPECT_EQ(menu.entries[1].title, "NixOS (gaming)");
    EXPECT_EQ(menu.entries[1].initrd_secrets, "/nix/store/s/specialisation/gaming/append-initrd-secrets");
}

TEST(Toplevel, UnusableParametersAreAnErrorOfTheSystemAndANoteOfASpecialisation) {
    ToplevelTexts broken = System();
    broken.kernel_params = "a\x01";
    EXPECT_EQ(MakeToplevelMenu({broken}).error().Message(),
              "kernel-params: the kernel command line has unprintable characters");
    broken.specialisation = "x";
    EXPECT_EQ(MakeToplevelMenu({System(), broken}).value().notes,
              std::vector<std::string>{"the specialisation \"x\" was left out: kernel-params: the kernel command line "
                                       "has unprintable characters"});
    EXPECT_FALSE(MakeToplevelMenu({}));
}

TEST(Netboot, NixosScriptIsUnderstood) {
    const BootMenu menu = ParseNetbootIpxe(
                              "#!ipxe\n"
                              "# Use the cmdline variable to allow the user to specify custom kernel params\n"
                              "kernel bzImage init=/nix/store/s/init initrd=initrd nohibernate loglevel=4 ${cmdline}\n"
                              "initrd initrd\n"
                              "boot\n",
                              "/out")
                              .value();
    const BootEntry& entry = menu.entries.at(0);
    EXPECT_EQ(menu.default_entry, 0u);
    EXPECT_EQ(entry.id, "netboot");
    EXPECT_EQ(entry.kernel, "/out/bzImage");
    EXPECT_EQ(entry.initrds, std::vector<std::string>{"/out/initrd"});
    EXPECT_EQ(entry.command_line, "init=/nix/store/s/init nohibernate loglevel=4");
}

TEST(Netboot, OtherScriptsAreRefused) {
    EXPECT_EQ(ParseNetbootIpxe("#!ipxe\nshell\n", "/o").error().Message(), "it has no line \"kernel\"");
    EXPECT_EQ(ParseNetbootIpxe("kernel bzImage quiet\n", "/o").error().Message(), "its command line names no init=");
    EXPECT_EQ(ParseNetbootIpxe("kernel http://x/bzImage init=/i\n", "/o").error().Message(),
              "\"http://x/bzImage\" is not in the folder of the script");
    EXPECT_EQ(ParseNetbootIpxe("kernel bzImage init=${base}/i\n", "/o").error().Message(),
              "the value of \"init=${base}/i\" is not known");
    EXPECT_FALSE(ParseNetbootIpxe("kernel .. init=/i\n", "/"));
}

TEST(Kexec, NixosScriptIsUnderstood) {
    const BootMenu menu = ParseKexecBoot(
                              "#!/usr/bin/env bash\n"
                              "if ! kexec -v >/dev/null 2>&1; then\n  exit 1\nfi\n"
                              "SCRIPT_DIR=$( cd -- \"$( dirname -- \"${BASH_SOURCE[0]}\" )\" &> /dev/null && pwd )\n"
                              "kexec --load ${SCRIPT_DIR}/bzImage \\\n"
                              "  --initrd=\"${SCRIPT_DIR}/initrd.gz\" \\\n"
                              "  --command-line \"init=/nix/store/s/init nohibernate loglevel=4 a=\\\"b c\\\"\"\n"
                              "kexec -e\n",
                              "/out")
                              .value();
    const BootEntry& entry = menu.entries.at(0);
    EXPECT_EQ(entry.id, "kexec");
    EXPECT_EQ(entry.kernel, "/out/bzImage");
    EXPECT_EQ(entry.initrds, std::vector<std::string>{"/out/initrd.gz"});
    EXPECT_EQ(entry.command_line, "init=/nix/store/s/init nohibernate loglevel=4 a=\"b c\"");
}

std::string KexecRefusal(const std::string& command_line) {
    return ParseKexecBoot("kexec --load k --initrd=i --command-line " + command_line, "/o").error().Message();
}

TEST(Kexec, OtherScriptsAreRefused) {
    EXPECT_EQ(ParseKexecBoot("", "/o").error().Message(), "it has no --load");
    EXPECT_EQ(ParseKexecBoot("kexec --load k", "/o").error().Message(), "it has no --initrd");
    EXPECT_EQ(ParseKexecBoot("kexec --load /etc/shadow --initrd=i", "/o").error().Message(),
              "\"/etc/shadow\" is not in the folder of the script");
    EXPECT_EQ(ParseKexecBoot("kexec --load k --initrd=i", "/o").error().Message(), "it has no --command-line");
    EXPECT_EQ(KexecRefusal("\"init=$(reboot)\""), "its command line needs a shell");
    EXPECT_EQ(KexecRefusal("\"init=`reboot`\""), "its command line needs a shell");
    EXPECT_EQ(KexecRefusal("init=/i;reboot"), "its command line needs a shell");
    EXPECT_EQ(KexecRefusal("\"init=/i"), "a quotation mark is missing");
    EXPECT_EQ(KexecRefusal("quiet"), "its command line names no init=");
}

}  // namespace
}  // namespace husk
