// The frames that net workers are measured with, and where they go to and come from: a tap interface in a network
// namespace of its own. What is sent to it goes to an address that is nobody's, so the kernel takes it, counts it and
// drops it; what comes from it is sent by a thread through a packet socket.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "devices/virtio/net/net_config.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk::bench {

inline constexpr std::array<std::uint8_t, 6> kGuestMac{0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

// A header as virtio has it, and what follows it.
struct Frame {
    NetHeader header;
    std::vector<std::byte> bytes;
};
// UDP over IPv4 in `bytes` of frame; from 1515 bytes on TCP, to be segmented by whoever is behind the wire.
[[nodiscard]] Frame MakeFrame(std::size_t bytes, bool from_guest);

// Frames that the interface took from its descriptor.
[[nodiscard]] std::uint64_t FramesTaken(const std::string& interface);

// A packet socket that sends to the interface's guest and, `listening`, receives what IPv4 the guest sends.
[[nodiscard]] Result<ScopedFd> OpenPacketSocket(const std::string& interface, bool listening);

// Sends one frame again and again, as long as not more than kWindow of them are under way: hardly one is lost, and the
// sender does not take the processor for frames that would be.
class FrameSource {
 public:
    static constexpr std::uint64_t kWindow = 512;  // a tap holds 1000

    // `received` is counted up by whoever takes them.
    FrameSource(ScopedFd socket, Frame frame, const std::atomic<std::uint64_t>& received);
    ~FrameSource();

 private:
    void Send();

    ScopedFd socket_;
    Frame frame_;
    const std::atomic<std::uint64_t>& received_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

// Answers each frame that comes with one of its own.
class FrameEcho {
 public:
    FrameEcho(ScopedFd socket, Frame frame);
    ~FrameEcho();

 private:
    void Answer();

    ScopedFd socket_;
    Frame frame_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace husk::bench
