#include "vmm/machine/net_rules_config.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

namespace husk {

namespace {

constexpr std::array kPrivate = {
    IpPrefix{IpAddress::V4(0, 0, 0, 0), 8},                    // "this host": sockets take it for loopback
    IpPrefix{IpAddress::V4(10, 0, 0, 0), 8},                   // RFC 1918
    IpPrefix{IpAddress::V4(100, 64, 0, 0), 10},                // carriers' (RFC 6598)
    IpPrefix{IpAddress::V4(127, 0, 0, 0), 8},                  // loopback
    IpPrefix{IpAddress::V4(169, 254, 0, 0), 16},               // link-local; clouds keep their keys there
    IpPrefix{IpAddress::V4(172, 16, 0, 0), 12},                // RFC 1918
    IpPrefix{IpAddress::V4(192, 168, 0, 0), 16},               // RFC 1918
    IpPrefix{IpAddress::V4(224, 0, 0, 0), 4},                  // groups
    IpPrefix{IpAddress::V4(240, 0, 0, 0), 4},                  // reserved, broadcast
    IpPrefix{IpAddress::V6({}), 96},                           // :: and ::1
    IpPrefix{IpAddress::V6({0, 0x64, 0xff, 0x9b, 0, 1}), 48},  // translation within a network (RFC 8215)
    IpPrefix{IpAddress::V6({0xfc}), 7},                        // RFC 4193
    IpPrefix{IpAddress::V6({0xfe, 0x80}), 10},                 // link-local
    IpPrefix{IpAddress::V6({0xfe, 0xc0}), 10},                 // site-local (RFC 3879)
    IpPrefix{IpAddress::V6({0xff}), 8},                        // groups
};

bool Covers(const IpPrefix& wide, const IpPrefix& narrow) {
    return wide.length <= narrow.length && wide.Contains(narrow.address);
}

Result<> Add(NetRules& rules, const EgressRule& rule) {
    const auto pointless = [&](const EgressRule& earlier) { return Covers(earlier.destination, rule.destination); };
    if (std::ranges::any_of(rules.EgressRules(), pointless)) return {};
    if (rules.egress_count == NetRules::kMaxEgress) {
        return Fail(ErrorKind::kUsage, "--net: allow= and deny= make more than " +
                                           std::to_string(NetRules::kMaxEgress) + " rules, with \"host\" a rule " +
                                           "for each address of this host and with \"private\" " +
                                           std::to_string(kPrivate.size()));
    }
    rules.egress[rules.egress_count++] = rule;
    return {};
}

Result<> Add(NetRules& rules, const EgressItem& item, std::span<const IpAddress> host) {
    switch (item.kind) {
        case EgressItem::Kind::kHost:
            for (const IpAddress& address : host) HUSK_TRY(Add(rules, {item.verdict, IpPrefix::Only(address)}));
            return {};
        case EgressItem::Kind::kPrivate:
            for (const IpPrefix& prefix : kPrivate) HUSK_TRY(Add(rules, {item.verdict, prefix}));
            return {};
        case EgressItem::Kind::kAny:
            HUSK_TRY(Add(rules, {item.verdict, {IpAddress::V4(0, 0, 0, 0), 0}}));
            return Add(rules, {item.verdict, {IpAddress::V6({}), 0}});
        case EgressItem::Kind::kPrefix:
            return Add(rules, {item.verdict, item.prefix});
    }
    return {};
}

bool OnlyAllows(const NetRulesConfig& config) {
    const auto allows = [](const EgressItem& item) { return item.verdict == Egress::kAllow; };
    return !config.egress.empty() && std::ranges::all_of(config.egress, allows);
}

}  // namespace

std::span<const IpPrefix> PrivatePrefixes() { return kPrivate; }

void DefaultToPublicOnly(NetRulesConfig& config) {
    if (OnlyAllows(config)) return;
    // The private ones first, so that most addresses of a host need no rule of their own.
    config.egress.push_back({Egress::kDeny, EgressItem::Kind::kPrivate});
    config.egress.push_back({Egress::kDeny, EgressItem::Kind::kHost});
}

Result<std::vector<IpAddress>> HostAddresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return FailOs("cannot list this host's addresses");
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
    std::vector<IpAddress> addresses;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr) continue;
        IpAddress address;
        if (entry->ifa_addr->sa_family == AF_INET) {
            address.family = IpFamily::kV4;
            sockaddr_in socket{};
            std::memcpy(&socket, entry->ifa_addr, sizeof socket);
            std::memcpy(address.bytes.data(), &socket.sin_addr, sizeof socket.sin_addr);
        } else if (entry->ifa_addr->sa_family == AF_INET6) {
            address.family = IpFamily::kV6;
            sockaddr_in6 socket{};
            std::memcpy(&socket, entry->ifa_addr, sizeof socket);
            std::memcpy(address.bytes.data(), &socket.sin6_addr, sizeof socket.sin6_addr);
        }
        if (address.family != IpFamily::kNone) addresses.push_back(address);
    }
    return addresses;
}

Result<NetRules> MakeNetRules(const NetRulesConfig& config, const MacAddress& own_mac, const IpAddress& dns,
                              std::span<const IpAddress> host) {
    if (config.addresses.size() > NetRules::kMaxAddresses) {
        return Fail(ErrorKind::kUsage,
                    "--net: ip= may be given " + std::to_string(NetRules::kMaxAddresses) + " times at most");
    }
    if (config.peers.size() > NetRules::kMaxPeers) {
        return Fail(ErrorKind::kUsage,
                    "--net: peer= may be given " + std::to_string(NetRules::kMaxPeers) + " times at most");
    }
    NetRules rules;
    rules.own_mac = own_mac;
    rules.strict = config.strict ? 1 : 0;
    rules.isolated = config.isolated ? 1 : 0;
    rules.address_count = static_cast<std::uint8_t>(config.addresses.size());
    rules.peer_count = static_cast<std::uint8_t>(config.peers.size());
    std::ranges::copy(config.addresses, rules.addresses.begin());
    std::ranges::copy(config.peers, rules.peers.begin());
    rules.dns = dns;
    for (const EgressItem& item : config.egress) HUSK_TRY(Add(rules, item, host));
    rules.egress_default = OnlyAllows(config) ? Egress::kDeny : Egress::kAllow;
    return rules;
}

}  // namespace husk
