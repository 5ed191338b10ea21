// FrameFilter: may this frame pass? One card's NetRules applied to the first bytes of a frame. Pure: no clock, no
// memory of earlier frames, no system call, no allocation; any thread may ask.
//
//     strict    strict_rules.h    the guest is who we say it is
//     isolated  below             it talks to its peers only
//     egress    egress_rules.h    and only to destinations that are allowed
//
// Each is looked at when it is in force; the first that objects gives the reason.
#pragma once

#include <cstddef>
#include <span>

#include "devices/virtio/net/net_rules.h"
#include "devices/virtio/net/verdict.h"

namespace husk {

class FrameFilter {
 public:
    // `rules` must be Valid().
    explicit FrameFilter(const NetRules& rules) : rules_(rules) {}

    // False: every frame passes, so none needs to be copied and asked about.
    [[nodiscard]] bool LooksAtFrames() const {
        return rules_.strict != 0 || rules_.isolated != 0 || rules_.HasEgress();
    }
    [[nodiscard]] bool LooksAtIncoming() const { return rules_.isolated != 0; }

    // A frame of `length` bytes that the guest sends. `head`: its first min(length, kFrameHeadBytes) bytes, copied out
    // of the guest's memory once; what passes must then be sent with these very bytes.
    [[nodiscard]] Verdict FromGuest(std::span<const std::byte> head, std::size_t length) const;
    // A frame that came for the guest. `head` as above.
    [[nodiscard]] Verdict ToGuest(std::span<const std::byte> head, std::size_t length) const;

 private:
    NetRules rules_;
};

}  // namespace husk
