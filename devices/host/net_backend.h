// NetBackend: what a network device stands on: the wire. Tap and NetStream are the ones that reach the host; tests put
// a wire of their own in its place.
//
// A wire has one or more queues, all ways to the same network. A frame travels with a virtio_net_hdr of kNetHeaderBytes
// bytes (Virtio 1.2 §5.1.6) before it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace husk {

inline constexpr std::size_t kNetHeaderBytes = 12;
inline constexpr std::uint32_t kMaxNetQueues = 7;
// The longest frame there is: 64 KiB of IP (segmented by whoever is behind), Ethernet, two VLAN tags.
inline constexpr std::size_t kMaxFrameBytes = 65'535 + 14 + 8;
inline constexpr std::size_t kMinFrameBytes = 14;

// What may be left undone in a frame.
struct NetOffloads {
    bool csum = false;  // checksums of TCP and UDP
    bool tso4 = false;  // segmentation of TCP over IPv4
    bool tso6 = false;  // and over IPv6
    friend bool operator==(const NetOffloads&, const NetOffloads&) = default;
};

// One thread. Nothing throws or allocates. Errors are errnos; EAGAIN says that the descriptor has to become ready
// first, any other one that this frame is lost, unless Gone().
class NetBackend {
 public:
    virtual ~NetBackend() = default;
    [[nodiscard]] virtual std::uint32_t Queues() const = 0;
    // To poll for input and output; -1: there is nothing to wait for.
    [[nodiscard]] virtual int Fd(std::uint32_t queue) const = 0;

    // A driver starts: frames to it may have this left undone, and no more.
    virtual void SetOffloads(const NetOffloads& offloads) = 0;
    // Sends one frame: the first buffer is its header, whole. The buffers are as they were when this gives EAGAIN.
    [[nodiscard]] virtual int Send(std::uint32_t queue, std::span<iovec> frame) = 0;
    // The end of a frame that a Send() took and could not get rid of at once: wait for output, and try again.
    [[nodiscard]] virtual bool HoldsOutput() const = 0;
    virtual void FlushOutput() = 0;
    // Receives the next frame: header, then frame, into `room`. Its length with the header (of which the caller sets
    // num_buffers), or a negative errno. A frame longer than `room` is cut.
    [[nodiscard]] virtual long Receive(std::uint32_t queue, std::span<const iovec> room) = 0;
    // Whether there is a frame that no descriptor tells of.
    [[nodiscard]] virtual bool HoldsInput() const = 0;
    // The wire is cut, for good: the other side is gone, or the interface was deleted.
    [[nodiscard]] virtual bool Gone() const = 0;
    // The worker is about to leave, and another one may take over the descriptor: leave no frame half-moved. Waits for
    // a second at most; false when that was not enough.
    [[nodiscard]] virtual bool Finish() = 0;
};

// A wire that leads nowhere: its link is down from the start.
class NoWire final : public NetBackend {
 public:
    [[nodiscard]] std::uint32_t Queues() const override { return 1; }
    [[nodiscard]] int Fd(std::uint32_t) const override { return -1; }
    void SetOffloads(const NetOffloads&) override {}
    [[nodiscard]] int Send(std::uint32_t, std::span<iovec>) override;
    [[nodiscard]] bool HoldsOutput() const override { return false; }
    void FlushOutput() override {}
    [[nodiscard]] long Receive(std::uint32_t, std::span<const iovec>) override;
    [[nodiscard]] bool HoldsInput() const override { return false; }
    [[nodiscard]] bool Gone() const override { return true; }
    [[nodiscard]] bool Finish() override { return true; }
};

}  // namespace husk
