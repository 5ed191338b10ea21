// What a command line is taken apart into, and the help that says so. (What husk's own commands take:
// cli_options_test.)
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "vmm/cli/command_syntax.h"

namespace husk {
namespace {

// "vm [--version] boot [--kernel FILE] [--memory SIZE=64M] [--once] [--disk FILE]... [--layers LAYER,...] [--log FILE]
// [--append TEXT] NAME", and "vm disk make OUT".
struct Vm {
    Vm() {
        syntax.AddFinal("--version", version, "the version");
        CommandSyntax& boot = syntax.AddCommand("boot", "boots");
        boot.Add("--kernel", "FILE", &kernel, "what to boot");
        boot.Add("--memory", "SIZE", &memory, "how much");
        boot.AddFlag("--once", once, "not again");
        boot.Add("--disk", "FILE", &disks, "a disk");
        boot.Add("--layers", "LAYER,...", &layers, "some layers");
        boot.Add("--log", "FILE[,with=MANY][,words]", &log, "a log");
        boot.AddText("--append", "TEXT", &text, "a text");
        boot.AddWord("name", "NAME", name, "what it is called");
        boot.SetNotes("That is all.");
        syntax.AddCommand("disk", "disks").AddCommand("make", "makes one").AddWord("out", "OUT", out, "where");
    }

    // What is wrong, or nothing.
    std::string Parse(std::vector<const char*> arguments) {
        const auto parsed = syntax.Parse(arguments);
        if (!parsed) {
            EXPECT_EQ(parsed.error().Kind(), ErrorKind::kUsage);
            return parsed.error().Message();
        }
        help = (*parsed)->HelpAsked() ? (*parsed)->Help() : "";
        return "";
    }

    CommandSyntax syntax{"vm", "a VM"};
    bool version = false;
    std::string kernel;
    std::string memory = "64M";
    bool once = false;
    std::vector<std::string> disks;
    std::vector<std::string> layers;
    std::optional<std::string> log;
    std::string text;
    std::string name;
    std::string out;
    std::string help;
};

TEST(CommandSyntax, ValuesFollowAsAWordOrBehindAnEqualsSign) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"boot", "--kernel", "k", "web", "--memory=a=b", "--disk", "1", "--disk=2", "--log", "-l"}), "");
    EXPECT_EQ(vm.kernel, "k");
    EXPECT_EQ(vm.memory, "a=b");
    EXPECT_EQ(vm.disks, (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(vm.log, "-l");
    EXPECT_EQ(vm.name, "web");
    EXPECT_FALSE(vm.once);
}

TEST(CommandSyntax, WhatIsNotGivenKeepsItsDefault) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"boot", "web"}), "");
    EXPECT_EQ(vm.memory, "64M");
    EXPECT_EQ(vm.log, std::nullopt);
}

TEST(CommandSyntax, WordThatLooksLikeAnOptionIsAValueWhereOneIsDue) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"boot", "--kernel", "--twice", "--log=--once", "--append", "--once", "web"}), "");
    EXPECT_EQ(vm.kernel, "--twice");
    EXPECT_EQ(vm.log, "--once");
    EXPECT_EQ(vm.text, "--once");
    EXPECT_FALSE(vm.once);
}

TEST(CommandSyntax, ValueIsForgottenWhereAnOptionOfTheCommandFollows) {
    EXPECT_EQ(Vm().Parse({"boot", "--disk", "--kernel", "k", "web"}), "--disk needs a value: FILE");
    EXPECT_EQ(Vm().Parse({"boot", "--log", "-h"}), "--log needs a value: FILE[,with=MANY][,words]");
    EXPECT_EQ(Vm().Parse({"boot", "--kernel", "--version", "web"}), "");  // another command's
}

TEST(CommandSyntax, OnlyTextMayBeEmpty) {
    EXPECT_EQ(Vm().Parse({"boot", "--kernel=", "web"}), "--kernel needs a value: FILE");
    EXPECT_EQ(Vm().Parse({"boot", "--disk", "", "web"}), "--disk needs a value: FILE");
    EXPECT_EQ(Vm().Parse({"boot", "--append=", "web"}), "");
    EXPECT_EQ(Vm().Parse({"boot", "web", "--append"}), "--append needs a value: TEXT");
}

TEST(CommandSyntax, CommandBehindTwoDashesHasItsOptions) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"--", "boot", "--once", "web"}), "");
    EXPECT_TRUE(vm.once);
}

TEST(CommandSyntax, KnowsWhichCommandItCameTo) {
    Vm vm;
    EXPECT_NE(vm.Parse({"fly"}), "");
    EXPECT_EQ(vm.syntax.Reached().Name(), "vm");
    EXPECT_NE(vm.Parse({"disk", "make"}), "");
    EXPECT_EQ(vm.syntax.Reached().Name(), "vm disk make");
}

TEST(CommandSyntax, OptionsEndBehindTwoDashes) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"boot", "--once", "--", "--kernel"}), "");
    EXPECT_TRUE(vm.once);
    EXPECT_EQ(vm.name, "--kernel");
}

TEST(CommandSyntax, SingleDashIsAWord) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"disk", "make", "-"}), "");
    EXPECT_EQ(vm.out, "-");
}

TEST(CommandSyntax, WhatIsWrongIsSaidInOneSentence) {
    EXPECT_EQ(Vm().Parse({}), "a command is missing: vm COMMAND");
    EXPECT_EQ(Vm().Parse({"fly"}), "\"fly\" is no command of vm");
    EXPECT_EQ(Vm().Parse({"disk"}), "a command is missing: vm disk COMMAND");
    EXPECT_EQ(Vm().Parse({"--once", "boot", "web"}), "--once is no option of vm");
    EXPECT_EQ(Vm().Parse({"boot", "--kern", "k"}), "--kern is no option of vm boot");
    EXPECT_EQ(Vm().Parse({"boot", "-k"}), "-k is no option of vm boot");
    EXPECT_EQ(Vm().Parse({"boot"}), "name is missing: vm boot ... NAME");
    EXPECT_EQ(Vm().Parse({"boot", "web", "mail"}), "\"mail\" is one word too many for vm boot");
    EXPECT_EQ(Vm().Parse({"boot", "web", "--kernel"}), "--kernel needs a value: FILE");
    EXPECT_EQ(Vm().Parse({"boot", "web", "--once=yes"}), "--once takes no value");
    EXPECT_EQ(Vm().Parse({"boot", "web", "--kernel", "a", "--kernel", "a"}), "--kernel may be given once only");
}

TEST(CommandSyntax, NothingIsMissingBehindAFinalFlag) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"--version", "fly"}), "");
    EXPECT_TRUE(vm.version);
}

TEST(CommandSyntax, HelpOfACommandListsWhatItTakes) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"boot", "-h"}), "");
    EXPECT_EQ(vm.help,
              "boots\n"
              "Usage: vm boot [OPTIONS] NAME\n"
              "\nArguments:\n"
              "  NAME                        what it is called\n"
              "\nOptions:\n"
              "  -h, --help                  print this help and exit\n"
              "  --kernel FILE               what to boot\n"
              "  --memory SIZE               how much (default: 64M)\n"
              "  --once                      not again\n"
              "  --disk FILE ...             a disk\n"
              "  --layers LAYER,...          some layers\n"
              "  --log FILE[,with=MANY][,words]\n"
              "                              a log\n"
              "  --append TEXT               a text\n"
              "\nThat is all.\n");
}

TEST(CommandSyntax, HelpListsTheCommands) {
    Vm vm;
    ASSERT_EQ(vm.Parse({"--help"}), "");
    EXPECT_NE(vm.help.find("Usage: vm [OPTIONS] COMMAND\n"), std::string::npos);
    EXPECT_NE(vm.help.find("\nCommands:\n  boot                        boots\n"), std::string::npos);
}

}  // namespace
}  // namespace husk
