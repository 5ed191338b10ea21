#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boot/nixos/menus/bootspec.h"

namespace husk {
namespace {

std::string Spec(std::string_view store, std::string_view more = "") {
    const std::string folder = "/nix/store/" + std::string(store);
    return R"json({"system": "x86_64-linux", "kernel": "/nix/store/k/bzImage", "initrd": "/nix/store/i/initrd",
                   "kernelParams": ["loglevel=4", "root=fstab"],
                   "label": "NixOS Uakari 24.05 (Linux 6.6.32)", "toplevel": ")json" +
           folder + R"json(", "init": ")json" + folder + "/init\"" + std::string(more) + "}";
}
std::string Document(const std::string& spec, const std::string& specialisations = "{}") {
    return R"({"org.nixos.bootspec.v1": )" + spec + R"(, "org.nixos.specialisation.v1": )" + specialisations +
           R"(, "org.nixos.systemd-boot": {"sortKey": "nixos"}, "com.example": [1, [2.5, null, true]]})";
}
std::string Refusal(std::string_view text) {
    const auto menu = ParseBootspec(text);
    EXPECT_TRUE(!menu && menu.error().Kind() == ErrorKind::kBootSource);
    return menu ? "" : menu.error().Message();
}
// The refusal of a document whose one member of the system is replaced.
std::string RefusalWith(std::string_view old_text, std::string_view new_text) {
    std::string document = Document(Spec("s"));
    document.replace(document.find(old_text), old_text.size(), new_text);
    return Refusal(document);
}

TEST(Bootspec, SystemAndSpecialisationsAreEntries) {
    const BootMenu menu =
        ParseBootspec(Document(Spec("s"), R"({"gaming": {"org.nixos.bootspec.v1": )" + Spec("g") + "}}")).value();
    ASSERT_EQ(menu.entries.size(), 2u);
    EXPECT_EQ(menu.default_entry, 0u);
    EXPECT_TRUE(menu.notes.empty());
    EXPECT_EQ(menu.entries[0].id, "system");
    EXPECT_EQ(menu.entries[0].specialisation, "");
    EXPECT_EQ(menu.entries[0].label, "NixOS Uakari 24.05 (Linux 6.6.32)");
    EXPECT_EQ(menu.entries[0].kernel, "/nix/store/k/bzImage");
    EXPECT_EQ(menu.entries[0].initrds, std::vector<std::string>{"/nix/store/i/initrd"});
    EXPECT_EQ(menu.entries[0].command_line, "init=/nix/store/s/init loglevel=4 root=fstab");
    EXPECT_EQ(menu.entries[0].initrd_secrets, "");
    EXPECT_EQ(menu.entries[1].id, "gaming");
    EXPECT_EQ(menu.entries[1].specialisation, "gaming");
    EXPECT_EQ(menu.entries[1].command_line, "init=/nix/store/g/init loglevel=4 root=fstab");
    EXPECT_EQ(ChooseEntry(menu, {"", "gaming"}).value(), 1u);
}

TEST(Bootspec, InitrdAndLabelMayBeMissing) {
    const std::string spec = R"({"init": "/i", "kernel": "/k", "kernelParams": [], "initrd": null})";
    const BootMenu menu = ParseBootspec(R"({"org.nixos.bootspec.v1": )" + spec + "}").value();
    EXPECT_TRUE(menu.entries.at(0).initrds.empty());
    EXPECT_EQ(menu.entries[0].command_line, "init=/i");
}

TEST(Bootspec, SecretsAreNamedAndNeverRun) {
    const BootMenu menu = ParseBootspec(Document(Spec("s", R"(, "initrdSecrets": "/nix/store/a/append")"))).value();
    EXPECT_EQ(menu.entries.at(0).initrd_secrets, "/nix/store/a/append");
}

TEST(Bootspec, WhatIsNoBootspecIsRefused) {
    EXPECT_EQ(Refusal(""), "it is not JSON");
    EXPECT_EQ(Refusal("{\"a\": }"), "it is not JSON");
    EXPECT_EQ(Refusal("\"\xff\""), "it is not JSON");
    EXPECT_EQ(Refusal("[]"), "it is not an object");
    EXPECT_EQ(Refusal("{}"), "it has no \"org.nixos.bootspec.v1\", the first version of Bootspec");
    EXPECT_EQ(Refusal(R"({"org.nixos.bootspec.v1": 1})"), "\"org.nixos.bootspec.v1\" is not an object");
}

TEST(Bootspec, EveryMemberIsCheckedForItsType) {
    EXPECT_EQ(RefusalWith(R"("/nix/store/k/bzImage")", "1"), "\"kernel\" is not a text");
    EXPECT_EQ(RefusalWith(R"("/nix/store/k/bzImage")", "null"), "\"kernel\" is missing");
    EXPECT_EQ(RefusalWith(R"("/nix/store/k/bzImage")", "\"bzImage\""), "\"kernel\" is no absolute path");
    EXPECT_EQ(RefusalWith("/nix/store/k/bzImage", "/../k"),
              "\"kernel\": the path \"/../k\" leads out of the file system");
    EXPECT_EQ(RefusalWith(R"("/nix/store/i/initrd")", "[]"), "\"initrd\" is not a text");
    EXPECT_EQ(RefusalWith(R"(["loglevel=4", "root=fstab"])", "\"quiet\""), "\"kernelParams\" is not a list");
    EXPECT_EQ(RefusalWith(R"(["loglevel=4", "root=fstab"])", "[1]"), "\"kernelParams\" holds what is not a text");
    EXPECT_EQ(RefusalWith("loglevel=4", "a\\nb"), "the kernel command line has unprintable characters");
    EXPECT_EQ(RefusalWith("loglevel=4", std::string(8192, 'a')), "the kernel command line is longer than 8191 bytes");
    EXPECT_EQ(RefusalWith("\"NixOS Uakari 24.05 (Linux 6.6.32)\"", "7"), "\"label\" is not a text");
    EXPECT_EQ(RefusalWith("x86_64-linux", "aarch64-linux"), "it is for \"aarch64-linux\", and husk runs x86_64-linux");
    EXPECT_EQ(Refusal(Document(Spec("s"), "[]")), "\"org.nixos.specialisation.v1\" is not an object");
}

TEST(Bootspec, UnusableSpecialisationsAreLeftOutWithNotes) {
    const BootMenu menu = ParseBootspec(Document(Spec("s"), R"({"a": 1, "b": {}, "c\n": {"org.nixos.bootspec.v1": {}},
        "d": {"org.nixos.bootspec.v1": {}}})"))
                              .value();
    EXPECT_EQ(menu.entries.size(), 1u);
    EXPECT_EQ(menu.notes,
              (std::vector<std::string>{"the specialisation \"a\" was left out: it is not an object",
                                        "the specialisation \"b\" was left out: it has no \"org.nixos.bootspec.v1\"",
                                        "the specialisation \"c?\" was left out: its name cannot be typed",
                                        "the specialisation \"d\" was left out: \"kernel\" is missing"}));
}

TEST(Bootspec, DepthAndLengthAreLimited) {
    const std::string deep = std::string(31, '[') + std::string(31, ']');
    EXPECT_TRUE(ParseBootspec(Document(Spec("s", ", \"x\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\""))));
    EXPECT_EQ(Refusal("{\"a\": [" + deep + "]}"), "it is nested more than 32 deep");
    EXPECT_EQ(Refusal(std::string(500'000, '[')), "it is nested more than 32 deep");
    EXPECT_EQ(Refusal(std::string((1 << 20) + 1, ' ')), "it is longer than 1048576 bytes");
}

}  // namespace
}  // namespace husk
