#include <gtest/gtest.h>

#include <string>

#include "boot/nixos/menus/loader_conf.h"

namespace husk {
namespace {

TEST(LoaderConf, NixosFileNamesItsDefault) {
    const LoaderConf conf = ParseLoaderConf(
        "timeout 5\n"
        "default nixos-generation-12.conf\n"
        "editor 0\n"
        "console-mode keep\n");
    EXPECT_EQ(conf.default_entry, "nixos-generation-12.conf");
    EXPECT_EQ(conf.preferred, "");
    EXPECT_TRUE(conf.notes.empty());
}

TEST(LoaderConf, PatternsAndPreferredOnesAreKept) {
    const LoaderConf conf = ParseLoaderConf("preferred\tnixos-abc*\r\ndefault nixos-*\r\n");
    EXPECT_EQ(conf.preferred, "nixos-abc*");
    EXPECT_EQ(conf.default_entry, "nixos-*");
}

TEST(LoaderConf, TheLastSettingCounts) {
    const LoaderConf conf = ParseLoaderConf("default @saved\ndefault a\n# default c\ndefault b\n");
    EXPECT_EQ(conf.default_entry, "b");
    EXPECT_TRUE(conf.notes.empty()) << "of what no longer counts";
}

TEST(LoaderConf, WhatOnlyFirmwareKnowsIsNoted) {
    const LoaderConf saved = ParseLoaderConf("default @SAVED\n");
    EXPECT_EQ(saved.default_entry, "");
    ASSERT_EQ(saved.notes.size(), 1u);
    EXPECT_EQ(saved.notes[0],
              "loader.conf's \"default\" is @saved, the entry booted last: firmware would remember it, husk does not");
    const LoaderConf other = ParseLoaderConf("preferred @else\n");
    EXPECT_EQ(other.notes.at(0), "loader.conf's \"preferred\" is \"@else\", which is not known");
}

TEST(LoaderConf, NamesThatNoFileHasAreNoted) {
    const LoaderConf conf = ParseLoaderConf("default " + std::string(256, 'a') + "\npreferred a\x01\n");
    EXPECT_EQ(conf.default_entry, "");
    EXPECT_EQ(conf.preferred, "");
    EXPECT_EQ(conf.notes.size(), 2u);
}

}  // namespace
}  // namespace husk
