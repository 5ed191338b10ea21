// NetRulesConfig: who a guest may be on a network and whom it may talk to, as the person asked for it; and the NetRules
// made of that at start, when this host's own addresses are known.
#pragma once

#include <span>
#include <vector>

#include "devices/virtio/net/net_rules.h"
#include "vmm/base/result.h"

namespace husk {

// One allow= or deny=.
struct EgressItem {
    enum class Kind {
        kHost,     // the addresses of this host's interfaces, at the time of start
        kPrivate,  // PrivatePrefixes()
        kAny,
        kPrefix,
    };
    Egress verdict = Egress::kDeny;
    Kind kind = Kind::kAny;
    IpPrefix prefix{};  // of kPrefix
    friend bool operator==(const EgressItem&, const EgressItem&) = default;
};

struct NetRulesConfig {
    bool strict = true;
    bool isolated = false;
    std::vector<IpPrefix> addresses;
    std::vector<MacAddress> peers;
    std::vector<EgressItem> egress;
    friend bool operator==(const NetRulesConfig&, const NetRulesConfig&) = default;
};

// What is no public internet: this host, private and link-local networks, carriers' (RFC 1918, 3927, 4193, 6598, 8215),
// groups and broadcasts.
[[nodiscard]] std::span<const IpPrefix> PrivatePrefixes();

// For a card that leads into the host's own network by way of its sockets (passt): behind what the person said come
// deny=private and deny=host, so that a deny= more never opens anything. (Where all is allow=, the rest is denied
// anyway.)
void DefaultToPublicOnly(NetRulesConfig& config);

// The addresses of this host's interfaces, in this network namespace.
[[nodiscard]] Result<std::vector<IpAddress>> HostAddresses();

// `host`: HostAddresses(); `dns`: NetRules::dns. What no rule names is denied if all rules are allow=, else allowed.
// Rules that an earlier one makes pointless are left out. An error, of kind kUsage: more rules than fit.
[[nodiscard]] Result<NetRules> MakeNetRules(const NetRulesConfig& config, const MacAddress& own_mac,
                                            const IpAddress& dns, std::span<const IpAddress> host);

}  // namespace husk
