// allow= and deny=: where the guest may send to, by IP destination.
#pragma once

#include "devices/virtio/net/frame_view.h"
#include "devices/virtio/net/net_rules.h"
#include "devices/virtio/net/verdict.h"

namespace husk {

// A frame from the guest, of rules that have any (NetRules::HasEgress). The first rule that contains the destination
// decides, multicast and broadcast addresses included; without one the default does. Besides:
//   - always allowed is what a link needs to work at all: ARP; asking DHCP by broadcast (UDP 68 to 67) and DHCPv6 by
//     multicast (UDP 546 to ff02::1:2, 547); group reports (IGMP, MLD); Neighbour Discovery to ff02::/16, to fe80::/10
//     or to the DNS exception's address. All of it in one piece, and none of it gets past a router;
//   - the DNS exception: UDP and TCP to port 53 there, in one piece;
//   - never allowed: source routes and IPv6 routing headers, which name the destination elsewhere; 0.0.0.0 and ::,
//   which
//     sockets take for the host itself; IPv4 addresses written as IPv6 ones (::ffff:0:0/96), likewise; and whatever is
//     neither ARP nor IPv4 nor IPv6;
//   - addresses that a translator turns into IPv4 (64:ff9b::/96, 2002::/16) must be allowed in both forms.
// There is no memory of connections: a guest cannot answer those whom it may not send to.
[[nodiscard]] Verdict JudgeEgress(const NetRules& rules, const FrameView& frame);

}  // namespace husk
