// Tap: a tap interface of the host as the wire of a guest.
//
// The launcher opens an interface that is there, or creates one (which takes privileges, and goes with the VM), or
// takes a descriptor that a manager opened. The worker adopts the descriptors, one for each queue, and moves frames.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "devices/host/net_backend.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

// What the launcher holds of a tap.
struct TapHandle {
    std::vector<ScopedFd> queues;
    std::string name;
    NetOffloads offloads;   // what this host's taps can be told to leave undone
    std::uint16_t mtu = 0;  // the interface's; 0: it cannot be told from here
};

// The launcher. `queues`: 1 to kMaxNetQueues.
[[nodiscard]] Result<TapHandle> OpenTap(const std::string& name, std::uint32_t queues);
// `fd` was opened by somebody else, and is taken over: an error unless it is a tap with IFF_NO_PI and IFF_VNET_HDR.
[[nodiscard]] Result<TapHandle> AdoptTap(int fd);

class Tap final : public NetBackend {
 public:
    // The worker: the descriptors `first_fd` and the `queues` - 1 behind it, which stay open.
    Tap(int first_fd, std::uint32_t queues) : first_fd_(first_fd), queues_(queues) {}

    [[nodiscard]] std::uint32_t Queues() const override { return queues_; }
    [[nodiscard]] int Fd(std::uint32_t queue) const override { return first_fd_ + static_cast<int>(queue); }
    void SetOffloads(const NetOffloads& offloads) override;
    [[nodiscard]] int Send(std::uint32_t queue, std::span<iovec> frame) override;
    [[nodiscard]] bool HoldsOutput() const override { return false; }
    void FlushOutput() override {}
    [[nodiscard]] long Receive(std::uint32_t queue, std::span<const iovec> room) override;
    [[nodiscard]] bool HoldsInput() const override { return false; }
    [[nodiscard]] bool Gone() const override { return gone_; }
    [[nodiscard]] bool Finish() override { return true; }  // frames are whole

 private:
    int first_fd_;
    std::uint32_t queues_;
    bool gone_ = false;
};

// The requests of a sealed worker: TUNSETOFFLOAD on the first queue, with one of these.
inline constexpr std::array<std::uint64_t, 5> kTapOffloads{0, 1, 1 | 2, 1 | 4, 1 | 2 | 4};

}  // namespace husk
