// NetRules: what one network card may send and receive. Made by the launcher from the command line, handed to the
// card's worker in its start message, obeyed by FrameFilter. Fixed size and without padding; a receiver calls Valid()
// before it believes a byte of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "devices/virtio/net/net_address.h"

namespace husk {

enum class Egress : std::uint8_t { kAllow = 0, kDeny = 1 };

struct EgressRule {
    Egress verdict = Egress::kAllow;
    IpPrefix destination;
};

struct NetRules {
    static constexpr std::size_t kMaxAddresses = 16;
    static constexpr std::size_t kMaxPeers = 16;
    // Room for "host" (every address of this host) and "private" beside a person's own rules.
    static constexpr std::size_t kMaxEgress = 56;

    MacAddress own_mac;
    std::uint8_t strict = 1;    // the guest is who we say it is
    std::uint8_t isolated = 0;  // it talks to `peers` only
    std::uint8_t address_count = 0;
    std::uint8_t peer_count = 0;
    std::uint8_t egress_count = 0;
    Egress egress_default = Egress::kAllow;           // of what no rule matches
    std::array<IpPrefix, kMaxAddresses> addresses{};  // the guest's own (ip=)
    std::array<MacAddress, kMaxPeers> peers{};        // peer=
    std::array<EgressRule, kMaxEgress> egress{};      // the first match decides
    IpAddress dns;  // port 53 there (UDP, TCP) is allowed whatever `egress` says; kNone: no such address

    [[nodiscard]] std::span<const IpPrefix> Addresses() const { return std::span(addresses).first(address_count); }
    [[nodiscard]] std::span<const MacAddress> Peers() const { return std::span(peers).first(peer_count); }
    [[nodiscard]] std::span<const EgressRule> EgressRules() const { return std::span(egress).first(egress_count); }

    // Whether destinations are looked at.
    [[nodiscard]] bool HasEgress() const { return egress_count > 0 || egress_default == Egress::kDeny; }
    // Whether `addresses` restricts this family.
    [[nodiscard]] bool Lists(IpFamily family) const {
        return std::ranges::any_of(Addresses(), [&](const IpPrefix& own) { return own.address.family == family; });
    }
    [[nodiscard]] bool IsOwn(const IpAddress& address) const {
        return std::ranges::any_of(Addresses(), [&](const IpPrefix& own) { return own.Contains(address); });
    }
    [[nodiscard]] bool IsPeer(const MacAddress& mac) const { return std::ranges::find(Peers(), mac) != Peers().end(); }

    // False for what no launcher of ours writes. Nothing else here may be called then.
    [[nodiscard]] bool Valid() const {
        if (address_count > kMaxAddresses || peer_count > kMaxPeers || egress_count > kMaxEgress) return false;
        if (strict > 1 || isolated > 1 || egress_default > Egress::kDeny || own_mac.IsGroup()) return false;
        if (dns.family != IpFamily::kNone && dns.Bits() == 0) return false;
        const auto sound = [](const EgressRule& rule) {
            return rule.verdict <= Egress::kDeny && rule.destination.Valid();
        };
        if (std::ranges::any_of(Peers(), &MacAddress::IsGroup)) return false;
        return std::ranges::all_of(Addresses(), &IpPrefix::Valid) && std::ranges::all_of(EgressRules(), sound);
    }
};
static_assert(std::is_trivially_copyable_v<NetRules> && std::has_unique_object_representations_v<NetRules>);
static_assert(sizeof(NetRules) <= 1536);

}  // namespace husk
