// isolated, peer=: the guest talks to the listed MAC addresses and to nobody else.
#pragma once

#include "devices/virtio/net/frame_view.h"
#include "devices/virtio/net/net_rules.h"
#include "devices/virtio/net/verdict.h"

namespace husk {

// A frame from the guest. Unicast passes to peers. To a group passes what peers need to find each other, no larger than
// that takes, as everybody on the link hears it: ARP, IPv6 neighbour solicitations and advertisements, and the group
// reports (MLD) without which a switch may not deliver them. No DHCP and no router discovery: addresses on an isolated
// network are link-local or set by hand.
[[nodiscard]] Verdict JudgeSentToPeers(const NetRules& rules, const FrameView& frame);
// A frame for the guest: from a peer, and to a group only the same. A MAC address is a claim; that it is true on this
// link is for filter=strict (or a filter of the host) at the other end to see to.
[[nodiscard]] Verdict JudgeSentByPeers(const NetRules& rules, const FrameView& frame);

}  // namespace husk
