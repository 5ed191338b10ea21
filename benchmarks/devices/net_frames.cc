#include "benchmarks/devices/net_frames.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>

namespace husk::bench {
namespace {

constexpr std::size_t kLargest = 1514;         // that is not to be segmented
constexpr std::uint16_t kSegmentBytes = 1448;  // of TCP, with a timestamp's room to spare
constexpr std::size_t kPacketHeader = 10;      // struct virtio_net_hdr of packet sockets: without num_buffers
constexpr std::array<std::uint8_t, 6> kNobody{0x52, 0x54, 0x00, 0x00, 0x00, 0x01};

std::uint16_t Checksum(const void* at, std::size_t bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes; i += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, static_cast<const std::byte*>(at) + i, sizeof word);
        sum += word;
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::array<iovec, 2> PartsOf(Frame& frame) {
    return {iovec{&frame.header, kPacketHeader}, iovec{frame.bytes.data(), frame.bytes.size()}};
}

}  // namespace

Frame MakeFrame(std::size_t bytes, bool from_guest) {
    Frame frame;
    frame.bytes.resize(bytes);
    ether_header ethernet{};
    std::ranges::copy(from_guest ? kGuestMac : kNobody, ethernet.ether_shost);
    std::ranges::copy(from_guest ? kNobody : kGuestMac, ethernet.ether_dhost);
    ethernet.ether_type = htons(ETHERTYPE_IP);
    const bool tcp = bytes > kLargest;
    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.tot_len = htons(static_cast<std::uint16_t>(bytes - sizeof ethernet));
    ip.ttl = 64;
    ip.protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
    ip.saddr = htonl(0xc0000201);  // 192.0.2.1, for documentation
    ip.daddr = htonl(0xc0000202);
    ip.check = Checksum(&ip, sizeof ip);
    std::byte* at = frame.bytes.data();
    std::memcpy(at, &ethernet, sizeof ethernet);
    std::memcpy(at + sizeof ethernet, &ip, sizeof ip);
    constexpr std::size_t kTransport = sizeof ethernet + sizeof ip;
    if (!tcp) {
        udphdr udp{};
        udp.source = htons(9);
        udp.dest = htons(9);
        udp.len = htons(static_cast<std::uint16_t>(bytes - kTransport));
        std::memcpy(at + kTransport, &udp, sizeof udp);  // checksum 0: none
        return frame;
    }
    tcphdr header{};
    header.source = htons(9);
    header.dest = htons(9);
    header.doff = 5;
    header.ack = 1;
    header.window = htons(1000);
    std::memcpy(at + kTransport, &header, sizeof header);
    frame.header.flags = kNetNeedsCsum;
    frame.header.gso_type = kNetGsoTcp4;
    frame.header.hdr_len = kTransport + sizeof header;
    frame.header.gso_size = kSegmentBytes;
    frame.header.csum_start = kTransport;
    frame.header.csum_offset = offsetof(tcphdr, check);
    return frame;
}

std::uint64_t FramesTaken(const std::string& interface) {
    // Of this network namespace, which /sys need not be.
    std::ifstream file("/proc/self/net/dev");
    for (std::string line; std::getline(file, line);) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos || line.find(interface) == std::string::npos) continue;
        unsigned long long bytes = 0;
        unsigned long long frames = 0;
        if (std::sscanf(line.c_str() + colon + 1, "%llu %llu", &bytes, &frames) == 2) return frames;
    }
    return 0;
}

Result<ScopedFd> OpenPacketSocket(const std::string& interface, bool listening) {
    ScopedFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!socket) return FailOs("cannot open a packet socket");
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = listening ? htons(ETHERTYPE_IP) : std::uint16_t{0};
    place.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    const int on = 1;
    if (::bind(socket.Get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0 ||
        ::setsockopt(socket.Get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
        ::setsockopt(socket.Get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) {
        return FailOs("cannot use a packet socket on " + interface);
    }
    return socket;
}

FrameSource::FrameSource(ScopedFd socket, Frame frame, const std::atomic<std::uint64_t>& received)
    : socket_(std::move(socket)), frame_(std::move(frame)), received_(received), thread_([this] { Send(); }) {}

FrameSource::~FrameSource() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
}

void FrameSource::Send() {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    constexpr std::size_t kBatch = 32;
    std::array<iovec, 2> parts = PartsOf(frame_);
    std::array<mmsghdr, kBatch> messages{};
    for (mmsghdr& message : messages) {
        message.msg_hdr.msg_iov = parts.data();
        message.msg_hdr.msg_iovlen = parts.size();
    }
    std::uint64_t under_way_until = 0;  // counting as `received_` does
    std::uint64_t seen = 0;
    unsigned waits = 0;
    while (!stop_.load(std::memory_order_relaxed)) {
        const std::uint64_t received = received_.load(std::memory_order_relaxed);
        if (under_way_until > received + kWindow - kBatch) {
            // An interface that has just come up loses frames: nobody waits for those for ever.
            constexpr unsigned kPatience = 2000;
            waits = received == seen ? waits + 1 : 0;
            seen = received;
            if (waits == kPatience) under_way_until = received;
            const timespec moment{0, 10'000};
            ::nanosleep(&moment, nullptr);
            continue;
        }
        waits = 0;
        const int sent = ::sendmmsg(socket_.Get(), messages.data(), kBatch, 0);
        if (sent > 0) under_way_until = std::max(under_way_until, received) + static_cast<std::uint64_t>(sent);
    }
}

FrameEcho::FrameEcho(ScopedFd socket, Frame frame)
    : socket_(std::move(socket)), frame_(std::move(frame)), thread_([this] { Answer(); }) {}

FrameEcho::~FrameEcho() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
}

void FrameEcho::Answer() {
    const timeval patience{0, 100'000};  // so that it is seen that we are to stop
    ::setsockopt(socket_.Get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::array<iovec, 2> parts = PartsOf(frame_);
    msghdr answer{};
    answer.msg_iov = parts.data();
    answer.msg_iovlen = parts.size();
    std::array<std::byte, 2048> came;
    while (!stop_.load(std::memory_order_relaxed)) {
        if (::recv(socket_.Get(), came.data(), came.size(), 0) > 0) ::sendmsg(socket_.Get(), &answer, 0);
    }
}

}  // namespace husk::bench
