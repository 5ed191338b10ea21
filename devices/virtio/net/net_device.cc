#include "devices/virtio/net/net_device.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "devices/virtio/net/net_command.h"
#include "vmm/base/clock.h"

namespace husk {
namespace {

// Frames of one queue in a turn: enough to share an interrupt, not so many that the first ones or other queues wait.
constexpr unsigned kTurnFrames = 64;
// Frames of so many bytes on average are pieces of a stream.
constexpr std::uint64_t kBulkFrame = 16384;
// How long one Serve() keeps its caller from other descriptors.
constexpr std::uint64_t kServeNanoseconds = 1'000'000;

}  // namespace

NetDevice::NetDevice(const GuestMemory& memory, NetBackend& wire, FrameGate& gate, std::uint32_t pairs,
                     IrqLine& interrupt, NetCounters& counters)
    : memory_(memory), wire_(wire), gate_(gate), interrupt_(interrupt), counters_(counters), pairs_(pairs) {
    if (pairs < 1 || pairs > kMaxNetPairs) std::abort();
}

std::optional<QueueFault> NetDevice::Activate(const Activation& activation) {
    Deactivate();
    features_ = activation.features;
    if (const auto fault = OpenQueues(activation)) {
        Deactivate();
        return fault;
    }
    live_ = true;
    wire_.SetOffloads(GuestOffloads(features_));
    return std::nullopt;
}

std::optional<QueueFault> NetDevice::OpenQueues(const Activation& activation) {
    const auto open = [&](std::size_t index) {
        return SplitQueue::Create(memory_, activation.queues[index], features_);
    };
    const auto used = [&](std::size_t index) { return activation.queues[index].size != 0; };
    const std::size_t pairs = (features_ & kFeatureNetMq) != 0 ? pairs_.size() : 1;
    for (std::size_t pair = 0; pair < pairs; ++pair) {
        if (used(ReceiveQueue(pair))) {
            auto queue = open(ReceiveQueue(pair));
            if (!queue) return queue.error();
            pairs_[pair].receiver.Activate(std::move(*queue), features_);
        }
        if (used(TransmitQueue(pair))) {
            auto queue = open(TransmitQueue(pair));
            if (!queue) return queue.error();
            pairs_[pair].transmitter.Activate(std::move(*queue), features_);
        }
    }
    const std::size_t control = ControlQueue(pairs_.size(), features_);
    if ((features_ & kFeatureNetCtrlVq) == 0 || !used(control)) return std::nullopt;
    auto queue = open(control);
    if (!queue) return queue.error();
    control_.emplace(std::move(*queue));
    return std::nullopt;
}

void NetDevice::Deactivate() {
    for (Pair& pair : pairs_) {
        pair.receiver.Deactivate();
        pair.transmitter.Deactivate();
    }
    control_.reset();
    in_use_ = 1;
    live_ = false;
    fault_.reset();
}

template <typename Action>
void NetDevice::ForEachQueue(Action action) {
    for (Pair& pair : pairs_) {
        if (SplitQueue* const queue = pair.receiver.Queue()) action(*queue);
        if (SplitQueue* const queue = pair.transmitter.Queue()) action(*queue);
    }
    if (control_) action(*control_);
}

ServeResult NetDevice::Serve() {
    if (wire_.HoldsOutput()) wire_.FlushOutput();
    if (!Live()) return ServeResult::kSleep;
    now_ = MonotonicNanoseconds();
    const std::uint64_t until = now_ + kServeNanoseconds;
    ForEachQueue([](SplitQueue& queue) { queue.DisableNotify(); });
    bool worked = Turn();
    if (std::exchange(slept_, false) && worked) window_.WorkCame(now_);
    for (;;) {
        if (fault_) return ServeResult::kFault;
        now_ = MonotonicNanoseconds();
        if (now_ >= until) return ServeResult::kMore;
        if (!worked && !Look() && FallAsleep()) return ServeResult::kSleep;
        if (!fault_) worked = Turn();
    }
}

// One round over all queues. True when there was work.
bool NetDevice::Turn() {
    const auto worked = ServeQueues();
    // Also after a fault: what was given back before it is the driver's.
    Publish();
    if (!worked) fault_ = worked.error();
    return worked.value_or(false);
}

std::expected<bool, QueueFault> NetDevice::ServeQueues() {
    bool any = false;
    const auto note = [&](const std::expected<bool, QueueFault>& worked) {
        any = any || worked.value_or(false);
        return worked.has_value();
    };
    const std::uint32_t wires = wire_.Queues();
    for (std::uint32_t pair = 0; pair < pairs_.size(); ++pair) {
        const auto worked =
            pairs_[pair].transmitter.Serve(wire_, pair % wires, gate_, kTurnFrames, counters_.from_guest);
        if (!note(worked)) return worked;
    }
    for (std::uint32_t queue = 0; queue < wires; ++queue) {
        const auto worked =
            pairs_[queue % in_use_].receiver.Serve(wire_, queue, gate_, kTurnFrames, counters_.to_guest);
        if (!note(worked)) return worked;
    }
    const auto worked = ServeControl();
    if (!note(worked)) return worked;
    return any;
}

std::expected<bool, QueueFault> NetDevice::ServeControl() {
    if (!control_) return false;
    auto popped = control_->Pop(control_buffers_);
    if (!popped) return std::unexpected(popped.error());
    if (!*popped) return false;
    DescriptorChain& chain = **popped;
    if (chain.Writable().empty()) return std::unexpected(QueueFault::kNoRoomForAnswer);
    const std::uint32_t offered = (features_ & kFeatureNetMq) != 0 ? static_cast<std::uint32_t>(pairs_.size()) : 0;
    const auto wanted = ParsePairsCommand(chain.Readable(), offered);
    counters_.commands.Add();
    if (wanted) in_use_ = *wanted;
    if (!wanted) counters_.refused.Add();
    *static_cast<std::uint8_t*>(chain.Writable().front().iov_base) = wanted ? kNetCtrlOk : kNetCtrlError;
    control_->Push(std::move(chain), 1);
    return true;
}

void NetDevice::Publish() {
    bool given = false;
    bool wanted = false;
    ForEachQueue([&](SplitQueue& queue) {
        given = given || queue.HasUnpublished();
        wanted = queue.Publish() || wanted;
    });
    if (given) counters_.batches.Add();
    if (!wanted) return;
    counters_.interrupts.Add();
    interrupt_.Pulse();
}

// Whether what the guest has sent last were large frames, each a piece of a stream. Then nobody waits for the next one,
// and to be awake for it does harm: frames go out one at a time, and each wakes who receives it, on the guest's CPU.
bool NetDevice::SendsBulk() {
    const std::uint64_t frames = counters_.from_guest.frames.Get();
    const std::uint64_t bytes = counters_.from_guest.bytes.Get();
    if (frames != frames_before_) sends_bulk_ = (bytes - bytes_before_) / (frames - frames_before_) >= kBulkFrame;
    frames_before_ = frames;
    bytes_before_ = bytes;
    return sends_bulk_;
}

// Looks for work for as long as it pays. True when some was found, and done.
bool NetDevice::Look() {
    if (SendsBulk()) return false;
    if (!window_.Begin(now_) || Wait() != TokenBucket::kForever) return false;
    for (;;) {
        for (int step = 0; step < 16; ++step) __builtin_ia32_pause();
        const bool found = Turn();
        now_ = MonotonicNanoseconds();
        if (fault_) return true;
        if (found) {
            window_.Hit(now_);
            counters_.polls_hit.Add();
            return true;
        }
        if (!window_.GoOn(now_)) break;
    }
    counters_.polls_missed.Add();
    return false;
}

// Doorbells on, where the driver has to do something before we can; false when it did meanwhile.
bool NetDevice::FallAsleep() {
    bool awake = false;
    for (Pair& pair : pairs_) {
        SplitQueue* const receive = pair.receiver.Queue();
        if (receive != nullptr && pair.receiver.Starved()) awake = receive->EnableNotify() || awake;
        SplitQueue* const transmit = pair.transmitter.Queue();
        if (transmit != nullptr && !pair.transmitter.Blocked()) awake = transmit->EnableNotify() || awake;
    }
    if (control_) awake = control_->EnableNotify() || awake;
    const NetReceiver& first = PairOf(0).receiver;
    if (wire_.HoldsInput() && !first.Starved() && !first.Waits()) awake = true;
    if (awake) ForEachQueue([](SplitQueue& queue) { queue.DisableNotify(); });
    slept_ = !awake;
    return slept_;
}

short NetDevice::Events(std::uint32_t wire_queue) const {
    if (wire_.Gone()) return 0;
    bool output = wire_queue == 0 && wire_.HoldsOutput();
    if (!Live()) return static_cast<short>(output ? POLLOUT : 0);
    for (std::uint32_t pair = 0; pair < pairs_.size(); ++pair) {
        output = output || (pair % wire_.Queues() == wire_queue && pairs_[pair].transmitter.WaitsForWire());
    }
    const NetReceiver& receiver = PairOf(wire_queue).receiver;
    return static_cast<short>((output ? POLLOUT : 0) | (receiver.Starved() || receiver.Waits() ? 0 : POLLIN));
}

std::uint64_t NetDevice::Wait() const {
    std::uint64_t wait = TokenBucket::kForever;
    if (!Live()) return wait;
    for (const Pair& pair : pairs_) wait = std::min({wait, pair.receiver.Wait(gate_), pair.transmitter.Wait(gate_)});
    return wait;
}

}  // namespace husk
