// filter=strict: the guest is who we say it is. What libvirt's clean-traffic does with chains of rules in the host's
// kernel, as one pure function.
#pragma once

#include "devices/virtio/net/frame_view.h"
#include "devices/virtio/net/net_rules.h"
#include "devices/virtio/net/verdict.h"

namespace husk {

// A frame from the guest:
//   - its source is the card's own MAC address, and it is ARP, IPv4 or IPv6 without a VLAN tag;
//   - ARP is a request or reply for IPv4 on Ethernet with the own MAC address as the sender's, and the sender's IPv4
//     address is the guest's (or 0.0.0.0 in a request: a probe, RFC 5227);
//   - the IPv4 source is the guest's, or 0.0.0.0 when asking DHCP (UDP 68 to 67);
//   - the IPv6 source is the guest's, or the link-local address made of its MAC address, or :: where RFC 4861, RFC 4862
//     and RFC 3590 have it: solicitations (of a neighbour for the guest's own address only) and group reports;
//   - Neighbour Discovery names no other link-layer address than its own, advertises no other address than its own, and
//     comes neither in fragments nor with options longer than kFrameHeadBytes lets see;
//   - it is no router advertisement, no redirect, and no answer of a DHCP server (UDP from 67 or 547): who runs the
//     network is not the guest's to say.
// "The guest's" are the addresses of NetRules; a family of which none is listed is not held to any, but a source is
// never a multicast or broadcast address.
[[nodiscard]] Verdict JudgeStrict(const NetRules& rules, const FrameView& frame);

}  // namespace husk
