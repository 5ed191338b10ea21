// What the two ends of the net topic say to each other: the client asks over a TCP connection for one phase, and both
// then do their part of it. Bulk and requests go over the same connection, frames by UDP.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace husk::bench {

inline constexpr std::uint16_t kPeerPort = 7000;

enum class NetPhase : std::uint32_t { kTcpOut, kTcpIn, kTcpRr, kUdpOut, kUdpIn };  // out: from the client

struct NetRequest {
    NetPhase phase;
    std::uint32_t udp_port;  // the client's
    std::uint64_t nanoseconds;
};

struct NetReport {
    std::uint64_t count;  // bytes or frames that arrived here, or were sent (kUdpIn)
    std::uint64_t nanoseconds;
};

// An owned descriptor; the program links nothing of husk's.
class Socket {
 public:
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    Socket& operator=(Socket&&) = delete;
    ~Socket();

    [[nodiscard]] int fd() const { return fd_; }

 private:
    int fd_;
};

// All of it, or Fail.
void SendAll(const Socket& socket, const void* from, std::size_t size);
void ReceiveAll(const Socket& socket, void* into, std::size_t size);
void NoDelay(const Socket& socket);

// Both ways of a bulk: pieces of 64 KiB that begin with their number, for so long; then the sender's end of the stream.
void SendBulk(const Socket& socket, std::uint64_t nanoseconds);
// From the first piece to the end. A piece with a wrong number is a failure, and so is a wrong byte in every 16th.
[[nodiscard]] NetReport ReceiveBulk(const Socket& socket);

// Frames of 64 bytes: 14 of Ethernet, 20 of IPv4, 8 of UDP and 22 of payload. At most kWindow of them are under way, so
// that hardly one is lost, and the sender does not take the processor for frames that would be.
inline constexpr std::uint64_t kWindow = 512;  // a tap holds 500 to 1000, and a VMM takes some out
inline constexpr std::uint64_t kCredit = 128;  // after so many the receiver says how many have come

// A UDP socket on a port that the kernel chooses, with room for all that are under way.
[[nodiscard]] Socket OpenUdp(std::uint32_t& port);
// For so long; how many.
[[nodiscard]] std::uint64_t SendFrames(const Socket& socket, const sockaddr_in& to, std::uint64_t nanoseconds);
// Counts them from the first to the last, until `stop` is set and none came for a while. A wrong one is a failure.
[[nodiscard]] NetReport ReceiveFrames(const Socket& socket, const std::atomic<bool>& stop);

}  // namespace husk::bench
