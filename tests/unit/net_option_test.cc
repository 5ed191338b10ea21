// --net, and the address of a card that has none given.
#include <gtest/gtest.h>

#include <set>

#include "vmm/cli/options.h"
#include "vmm/machine/host_net.h"

namespace husk {
namespace {

using Kind = NetworkConfig::Kind;

std::string Refusal(const std::string& text) {
    const auto net = ParseNet(text);
    if (net) return "";
    EXPECT_EQ(net.error().Kind(), ErrorKind::kUsage);
    return net.error().Message();
}

TEST(ParseNet, EveryPlaceIsKnown) {
    EXPECT_EQ(ParseNet("none")->kind, Kind::kNone);
    EXPECT_EQ(ParseNet("passt")->kind, Kind::kPasst);
    EXPECT_EQ(ParseNet("passt=/run/a,,b")->kind, Kind::kStream);
    EXPECT_EQ(ParseNet("passt=/run/a,,b")->place, "/run/a,b");
    EXPECT_EQ(ParseNet("tap=vm0")->place, "vm0");
    EXPECT_EQ(ParseNet("fd=9")->fd, 9);
}

TEST(ParseNet, KeysFollowInAnyOrder) {
    const auto net = ParseNet("tap=vm0,queues=7,mtu=9000,mac=52:54:00:aB:cd:EF");
    ASSERT_TRUE(net);
    EXPECT_EQ(net->queues, 7u);
    EXPECT_EQ(net->mtu, 9000);
    EXPECT_EQ(net->mac, (MacAddress{{0x52, 0x54, 0, 0xab, 0xcd, 0xef}}));
}

TEST(ParseNet, WhatCannotBeIsRefusedByName) {
    for (const char* text : {"", "bridge", "tap", "tap=", "tap=a/b", "tap=tap%d", "tap=0123456789abcdef", "fd=2",
                             "fd=-1", "fd=x", "fd=99999999999", "passt="}) {
        EXPECT_NE(Refusal(text), "") << text;
    }
    EXPECT_NE(Refusal("none,mtu=67").find("68"), std::string::npos);
    EXPECT_NE(Refusal("none,mtu=65536").find("65535"), std::string::npos);
    EXPECT_NE(Refusal("tap=a,queues=0").find("queues="), std::string::npos);
    EXPECT_NE(Refusal("tap=a,queues=8").find("7"), std::string::npos);
    EXPECT_NE(Refusal("passt,queues=2").find("tap="), std::string::npos);
    EXPECT_NE(Refusal("none,colour=red").find("colour=red"), std::string::npos);
    EXPECT_NE(Refusal("none,mac").find("mac"), std::string::npos);
}

TEST(ParseNet, AddressIsThatOfOneCard) {
    for (const char* mac : {"52:54:00:12:34", "52:54:00:12:34:56:78", "52-54-00-12-34-56", "52:54:00:12:34:5g",
                            "52:54:00:12:34:+5", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"}) {
        EXPECT_NE(Refusal(std::string("none,mac=") + mac), "") << mac;
    }
}

TEST(DefaultMac, IsStableAndLocalAndDiffersByVmAndCard) {
    EXPECT_EQ(DefaultMac("web", 0), DefaultMac("web", 0));
    std::set<std::array<std::uint8_t, 6>> all;
    for (int vm = 0; vm < 1000; ++vm) {
        for (std::uint32_t card = 0; card < 4; ++card) {
            const MacAddress mac = DefaultMac("vm" + std::to_string(vm), card);
            EXPECT_EQ(mac.bytes[0] & 3, 2);
            all.insert(mac.bytes);
        }
    }
    EXPECT_EQ(all.size(), 4000u);
}

}  // namespace
}  // namespace husk
