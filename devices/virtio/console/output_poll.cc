#include "devices/virtio/console/output_poll.h"

#include "vmm/base/clock.h"

namespace husk {
namespace {

// What a driver that is awake has to see that its output was taken.
constexpr std::uint64_t kSettle = 5'000;  // nanoseconds

}  // namespace

bool OutputPoll::Looks() {
    const std::uint64_t begin = MonotonicNanoseconds();
    if (!window_.Begin(begin) || !device_.Live()) return false;
    for (std::uint64_t now = begin; !device_.HasOutput(); now = MonotonicNanoseconds()) {
        if (now - begin >= kSettle) device_.Settle();  // a driver that sleeps is waiting for that
        if (!window_.GoOn(now)) {
            stats_.polls_missed.Add();
            return false;
        }
        for (int step = 0; step < 16; ++step) __builtin_ia32_pause();
    }
    window_.Hit(MonotonicNanoseconds());
    stats_.polls_hit.Add();
    return true;
}

}  // namespace husk
