// The words of --net that make a card's rules, and the sentences about those that do not.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "vmm/cli/net_rules_text.h"

namespace husk {
namespace {

// What these words say.
NetRulesConfig Config(const std::vector<std::string>& words) {
    NetRulesConfig config;
    for (const std::string& word : words) EXPECT_TRUE(ParseNetRule(word, config).value()) << word;
    EXPECT_TRUE(CheckNetRules(config));
    return config;
}
// The sentence about a word, or about the words together.
std::string Refusal(const std::vector<std::string>& words) {
    NetRulesConfig config;
    for (const std::string& word : words) {
        const Result<bool> parsed = ParseNetRule(word, config);
        if (!parsed) {
            EXPECT_EQ(parsed.error().Kind(), ErrorKind::kUsage);
            return parsed.error().Message();
        }
    }
    const Result<> checked = CheckNetRules(config);
    return checked ? "" : checked.error().Message();
}

constexpr MacAddress kMac{{0x52, 0x54, 0x00, 0xab, 0xcd, 0xef}};

NetRules Make(const NetRulesConfig& config, const std::vector<IpAddress>& host = {}) {
    return MakeNetRules(config, kMac, {}, host).value();
}

TEST(NetRulesText, NothingSaidIsStrictAndOpen) {
    const NetRules rules = Make(Config({}));
    EXPECT_TRUE(rules.Valid());
    EXPECT_EQ(rules.own_mac, kMac);
    EXPECT_EQ(rules.strict, 1);
    EXPECT_EQ(rules.isolated, 0);
    EXPECT_FALSE(rules.HasEgress());
}

TEST(NetRulesText, EveryWordIsUnderstood) {
    const NetRulesConfig config =
        Config({"filter=strict", "ip=10.0.0.5", "ip=2001:db8::/64", "isolated", "peer=52:54:00:AB:cd:ef",
                "allow=10.1.0.0/16", "deny=host", "deny=private", "deny=any"});
    EXPECT_TRUE(config.strict);
    EXPECT_TRUE(config.isolated);
    ASSERT_EQ(config.addresses.size(), 2u);
    EXPECT_EQ(config.addresses[0], IpPrefix::Only(IpAddress::V4(10, 0, 0, 5)));
    EXPECT_EQ(config.addresses[1], (IpPrefix{IpAddress::V6({0x20, 1, 0x0d, 0xb8}), 64}));
    EXPECT_EQ(config.peers, std::vector{kMac});
    const std::vector<EgressItem> egress{{Egress::kAllow, EgressItem::Kind::kPrefix, {IpAddress::V4(10, 1, 0, 0), 16}},
                                         {Egress::kDeny, EgressItem::Kind::kHost},
                                         {Egress::kDeny, EgressItem::Kind::kPrivate},
                                         {Egress::kDeny, EgressItem::Kind::kAny}};
    EXPECT_EQ(config.egress, egress);
    EXPECT_FALSE(Config({"filter=off"}).strict);
}

TEST(NetRulesText, OtherWordsAreSomebodyElses) {
    NetRulesConfig config;
    for (const char* word : {"tap=tap0", "mtu=9000", "", "isolate", "ipx=1"}) {
        EXPECT_FALSE(ParseNetRule(word, config).value()) << word;
    }
    EXPECT_EQ(config, NetRulesConfig{});
}

TEST(NetRulesText, RefusalsNameTheWord) {
    EXPECT_EQ(Refusal({"filter=loose"}), "--net filter=loose: it takes strict or off");
    EXPECT_EQ(Refusal({"filter"}), "--net filter: it takes strict or off");
    EXPECT_EQ(Refusal({"ip=10.0.0.300"}),
              "--net ip=10.0.0.300: \"10.0.0.300\" is no IP address or prefix: write it like 10.0.0.5, 10.0.0.0/8 or "
              "2001:db8::/32");
    EXPECT_EQ(Refusal({"ip=10.0.0.0/33"}), "--net ip=10.0.0.0/33: \"10.0.0.0/33\" needs a length of 0 to 32 bits");
    EXPECT_EQ(Refusal({"ip=10.0.0.5/24"}),
              "--net ip=10.0.0.5/24: \"10.0.0.5/24\" has more in it than the first 24 bits: give the address alone, or "
              "a prefix that ends in zeros");
    EXPECT_EQ(Refusal({"ip=224.0.0.1"}), "--net ip=224.0.0.1: a group's address is no guest's own");
    EXPECT_EQ(Refusal({"peer=52:54:00:12:34"}),
              "--net peer=52:54:00:12:34: \"52:54:00:12:34\" is no MAC address: write it like 52:54:00:12:34:56");
    EXPECT_EQ(Refusal({"peer=ff:ff:ff:ff:ff:ff"}),
              "--net peer=ff:ff:ff:ff:ff:ff: \"ff:ff:ff:ff:ff:ff\" is no single card's MAC address");
    EXPECT_EQ(Refusal({"deny=everything"}),
              "--net deny=everything: it takes host, private, any, an address or a prefix");
    EXPECT_EQ(Refusal({"allow=fe80::/x"}), "--net allow=fe80::/x: \"fe80::/x\" needs a length of 0 to 128 bits");
}

TEST(NetRulesText, WordsThatContradictEachOtherAreRefused) {
    EXPECT_NE(Refusal({"peer=52:54:00:12:34:56"}), "");
    EXPECT_NE(Refusal({"isolated"}), "");
    EXPECT_NE(Refusal({"filter=off", "ip=10.0.0.5"}), "");
    EXPECT_NE(Refusal({"deny=any", "allow=host"}), "");
    EXPECT_EQ(Refusal({"allow=host", "deny=any"}), "");
}

TEST(NetRulesText, MacAddressesAreExact) {
    EXPECT_EQ(ParseMac("52:54:00:ab:CD:ef").value(), kMac);
    for (const char* text : {"", "52-54-00-ab-cd-ef", "52:54:00:ab:cd:ef:", "52:54:00:ab:cd:e", "52:54:00:ab:cd:eg",
                             "52:54:00:ab:cd: f", "52:54:00:ab:cd:+f", "00:00:00:00:00:00", "01:00:5e:00:00:01"}) {
        EXPECT_FALSE(ParseMac(text)) << text;
    }
}

TEST(NetRulesText, AddressesAreExact) {
    EXPECT_EQ(ParseIpAddress("::1").value().bytes[15], 1);
    for (const char* text : {"", "10.0.0", "010.0.0.1x", "10.0.0.1 ", "fe80::1%eth0", "::1::"}) {
        EXPECT_FALSE(ParseIpAddress(text)) << text;
    }
    EXPECT_FALSE(ParseIpAddress(std::string("10.0.0.1\0x", 10)));
    EXPECT_FALSE(ParseIpPrefix("10.0.0.0/"));
    EXPECT_FALSE(ParseIpPrefix("10.0.0.0/-1"));
    EXPECT_EQ(ParseIpPrefix("0.0.0.0/0").value().length, 0);
}

TEST(NetRulesText, RatesAreSizesASecond) {
    EXPECT_EQ(ParseRate("--net rate", "10M").value(), 10u << 20);
    EXPECT_EQ(ParseRate("--net rate", "0").error().Message(), "--net rate=0: nothing would ever pass");
    EXPECT_EQ(ParseRate("--net rate", "fast").error().Message(),
              "--net rate=fast: \"fast\" is not a size: write it like 512M, 2G or 262144K");
}

TEST(NetRulesConfig, HostMeansEachOfItsAddresses) {
    const IpAddress first = IpAddress::V4(192, 0, 2, 1);
    const IpAddress second = IpAddress::V6({0x20, 1, 0x0d, 0xb8});
    const NetRules rules = Make(Config({"deny=host"}), {first, second});
    ASSERT_EQ(rules.egress_count, 2);
    EXPECT_EQ(rules.egress[0].verdict, Egress::kDeny);
    EXPECT_EQ(rules.egress[0].destination, IpPrefix::Only(first));
    EXPECT_EQ(rules.egress[1].destination, IpPrefix::Only(second));
    EXPECT_EQ(rules.egress_default, Egress::kAllow);
}

TEST(NetRulesConfig, AnyMeansBothFamilies) {
    const NetRules rules = Make(Config({"allow=10.0.0.0/8", "deny=any"}));
    ASSERT_EQ(rules.egress_count, 3);
    EXPECT_EQ(rules.egress[1].destination, (IpPrefix{IpAddress::V4(0, 0, 0, 0), 0}));
    EXPECT_EQ(rules.egress[2].destination, (IpPrefix{IpAddress::V6({}), 0}));
}

TEST(NetRulesConfig, OnlyAllowsDenyTheRest) {
    EXPECT_EQ(Make(Config({"allow=10.0.0.0/8"})).egress_default, Egress::kDeny);
    EXPECT_EQ(Make(Config({"allow=10.0.0.5", "deny=10.0.0.0/8"})).egress_default, Egress::kAllow);
}

TEST(NetRulesConfig, PasstReachesThePublicOnlyUnlessTold) {
    NetRulesConfig config;
    DefaultToPublicOnly(config);
    const NetRules rules = Make(config, {IpAddress::V4(10, 0, 0, 1), IpAddress::V4(192, 0, 2, 1)});
    EXPECT_EQ(rules.egress_count, PrivatePrefixes().size() + 1) << "the private address of the host is denied already";
    EXPECT_EQ(rules.egress_default, Egress::kAllow);
    NetRulesConfig told = Config({"allow=any"});
    DefaultToPublicOnly(told);
    EXPECT_EQ(told, Config({"allow=any"}));
}

TEST(NetRulesConfig, ADenyMoreOpensNothingOfPasst) {
    NetRulesConfig config = Config({"allow=10.0.0.1", "deny=192.0.2.0/24"});
    DefaultToPublicOnly(config);
    EXPECT_EQ(config, Config({"allow=10.0.0.1", "deny=192.0.2.0/24", "deny=private", "deny=host"}));
}

TEST(NetRulesConfig, PrivateIsWhatIsNotPublic) {
    const auto is_private = [](const char* text) {
        const IpAddress address = ParseIpAddress(text).value();
        return std::ranges::any_of(PrivatePrefixes(), [&](const IpPrefix& prefix) { return prefix.Contains(address); });
    };
    for (const char* text :
         {"0.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254", "172.16.0.1",
          "172.31.255.255", "192.168.1.1", "224.0.0.251", "255.255.255.255", "::", "::1", "64:ff9b:1::1", "fd00::1",
          "fe80::1", "fec0::1", "ff02::1"}) {
        EXPECT_TRUE(is_private(text)) << text;
    }
    for (const char* text :
         {"9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.1", "172.15.255.255", "172.32.0.0",
          "192.169.0.0", "223.255.255.255", "2001:db8::1", "64:ff9b::1"}) {
        EXPECT_FALSE(is_private(text)) << text;
    }
}

TEST(NetRulesConfig, MoreThanFitsIsRefused) {
    NetRulesConfig config;
    const std::vector<IpAddress> few(1, IpAddress::V4(192, 0, 2, 1));
    std::vector<IpAddress> many;
    for (std::uint8_t i = 0; i < 100; ++i) many.push_back(IpAddress::V4(192, 0, 2, i));
    config.egress = {{Egress::kDeny, EgressItem::Kind::kHost}};
    EXPECT_TRUE(MakeNetRules(config, kMac, {}, few));
    ASSERT_FALSE(MakeNetRules(config, kMac, {}, many));
    EXPECT_EQ(MakeNetRules(config, kMac, {}, many).error().Kind(), ErrorKind::kUsage);
    config = {};
    config.addresses.resize(NetRules::kMaxAddresses + 1, IpPrefix::Only(few[0]));
    EXPECT_FALSE(MakeNetRules(config, kMac, {}, {}));
    config = {};
    config.peers.resize(NetRules::kMaxPeers + 1, kMac);
    EXPECT_FALSE(MakeNetRules(config, kMac, {}, {}));
}

TEST(NetRulesConfig, ThisHostHasLoopback) {
    const std::vector<IpAddress> addresses = HostAddresses().value();
    EXPECT_NE(std::ranges::find(addresses, IpAddress::V4(127, 0, 0, 1)), addresses.end());
}

TEST(NetRules, WhatNoLauncherWritesIsNotValid) {
    const NetRules good = Make(Config({"ip=10.0.0.5", "deny=private"}));
    ASSERT_TRUE(good.Valid());
    const auto broken = [&](auto change) {
        NetRules rules = good;
        change(rules);
        return !rules.Valid();
    };
    EXPECT_TRUE(broken([](NetRules& r) { r.address_count = NetRules::kMaxAddresses + 1; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.peer_count = NetRules::kMaxPeers + 1; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.egress_count = NetRules::kMaxEgress + 1; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.strict = 2; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.isolated = 2; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.own_mac.bytes[0] |= 1; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.addresses[0].length = 33; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.addresses[0].address.family = IpFamily{5}; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.egress[2].destination.length = 129; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.egress[2].verdict = Egress{2}; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.egress_default = Egress{2}; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.dns.family = IpFamily{7}; }));
    EXPECT_TRUE(broken([](NetRules& r) { r.peer_count = 1, r.peers[0].bytes[0] = 1; }));
}

}  // namespace
}  // namespace husk
