#include "devices/virtio/net/frame_filter.h"

#include "devices/virtio/net/egress_rules.h"
#include "devices/virtio/net/frame_view.h"
#include "devices/virtio/net/isolation.h"
#include "devices/virtio/net/strict_rules.h"

namespace husk {

Verdict FrameFilter::FromGuest(std::span<const std::byte> head, std::size_t length) const {
    if (!LooksAtFrames()) return Verdict::kPass;
    const FrameView frame = ParseFrame(head, length);
    Verdict verdict = Verdict::kPass;
    if (rules_.strict != 0) verdict = JudgeStrict(rules_, frame);
    if (verdict == Verdict::kPass && rules_.isolated != 0) verdict = JudgeSentToPeers(rules_, frame);
    if (verdict == Verdict::kPass && rules_.HasEgress()) verdict = JudgeEgress(rules_, frame);
    return verdict;
}

Verdict FrameFilter::ToGuest(std::span<const std::byte> head, std::size_t length) const {
    if (!LooksAtIncoming()) return Verdict::kPass;
    return JudgeSentByPeers(rules_, ParseFrame(head, length));
}

}  // namespace husk
