// Frames that lie, for tests of a filter.
//   frames send INTERFACE ADDRESS   in a guest whose IPv4 address is ADDRESS: sends every kind below ten times
//   frames watch INTERFACE SECONDS  on the other side: how many of each kind have come, as lines "frames: KIND COUNT"
// Each frame ends with its kind's name, behind what its protocols say is its end. The kinds that begin with "honest"
// must come through, else a watch that sees nothing would pass for a filter.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;
constexpr std::string_view kMark = "@lab";
constexpr Mac kOtherMac{0x02, 0xde, 0xad, 0xbe, 0xef, 0x01};
constexpr Mac kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Mac kAllNodes{0x33, 0x33, 0, 0, 0, 1};

void Append(Bytes& to, std::span<const std::uint8_t> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
void Append16(Bytes& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}

// RFC 1071, over bytes of which a checksum field is still zero.
unsigned Checksum(std::span<const std::uint8_t> bytes) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? unsigned{bytes[i]} << 8 : bytes[i];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

Bytes Ethernet(const Mac& to, const Mac& from, unsigned type, const Bytes& payload) {
    Bytes frame;
    Append(frame, to);
    Append(frame, from);
    Append16(frame, type);
    Append(frame, payload);
    return frame;
}

using Ip = std::array<std::uint8_t, 4>;
using Ip6 = std::array<std::uint8_t, 16>;

// RFC 826: an answer that says that `ip` is at `mac`.
Bytes Arp(const Mac& mac, const Ip& ip) {
    Bytes packet{0, 1, 8, 0, 6, 4, 0, 2};
    Append(packet, mac);
    Append(packet, ip);
    Append(packet, kBroadcast);
    Append(packet, ip);
    return packet;
}

// IPv4 with UDP to the whole link (RFC 791, 768; no UDP checksum).
Bytes Udp(const Ip& from, unsigned from_port = 9, unsigned to_port = 9) {
    Bytes packet{0x45, 0, 0, 36, 0, 1, 0, 0, 64, 17, 0, 0};
    Append(packet, from);
    Append(packet, std::array<std::uint8_t, 4>{255, 255, 255, 255});
    const unsigned sum = Checksum(packet);
    packet[10] = static_cast<std::uint8_t>(sum >> 8);
    packet[11] = static_cast<std::uint8_t>(sum);
    Append16(packet, from_port);
    Append16(packet, to_port);
    Append(packet, std::array<std::uint8_t, 12>{0, 16, 0, 0, 'l', 'a', 'b', 0, 0, 0, 0, 0});
    return packet;
}

// RFC 4291, appendix A: the link-local address that belongs to `mac`.
Ip6 LinkLocal(const Mac& mac) {
    return {0xfe,   0x80,   0,    0,    0,      0,      0,     0, static_cast<std::uint8_t>(mac[0] ^ 2),
            mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
}

// IPv6 with ICMPv6 to all nodes (RFC 8200, 4443); `icmp` has a checksum of zero.
Bytes Icmp6(const Ip6& from, Bytes icmp) {
    constexpr Ip6 kEverybody{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    const auto length = static_cast<std::uint8_t>(icmp.size());
    Bytes pseudo;
    Append(pseudo, from);
    Append(pseudo, kEverybody);
    Append(pseudo, std::array<std::uint8_t, 8>{0, 0, 0, length, 0, 0, 0, 58});
    Append(pseudo, icmp);
    const unsigned sum = Checksum(pseudo);
    icmp[2] = static_cast<std::uint8_t>(sum >> 8);
    icmp[3] = static_cast<std::uint8_t>(sum);
    Bytes packet{0x60, 0, 0, 0, 0, length, 58, 255};
    Append(packet, from);
    Append(packet, kEverybody);
    Append(packet, icmp);
    return packet;
}

// RFC 4861 §4.4: an advertisement that `target` is at `mac`.
Bytes Advertisement(const Ip6& from, const Ip6& target, const Mac& mac) {
    Bytes icmp{136, 0, 0, 0, 0x20, 0, 0, 0};
    Append(icmp, target);
    Append(icmp, std::array<std::uint8_t, 2>{2, 1});
    Append(icmp, mac);
    return Icmp6(from, icmp);
}

// RFC 4861 §4.2: `from` is a router.
Bytes Router(const Ip6& from) { return Icmp6(from, {134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0}); }

// IEEE 802.1Q: the same behind a tag.
Bytes Tagged(const Bytes& frame) {
    Bytes tagged(frame.begin(), frame.begin() + 12);
    Append(tagged, std::array<std::uint8_t, 4>{0x81, 0, 0, 5});
    tagged.insert(tagged.end(), frame.begin() + 12, frame.end());
    return tagged;
}

struct Kind {
    std::string name;
    Bytes frame;
};

std::vector<Kind> Kinds(const Mac& mac, const Ip& ip) {
    Ip other = ip;
    other[3] = static_cast<std::uint8_t>(ip[3] ^ 0x55);
    const Ip6 mine = LinkLocal(mac);
    const Ip6 others = LinkLocal(kOtherMac);
    return {
        {"honest-arp", Ethernet(kBroadcast, mac, 0x0806, Arp(mac, ip))},
        {"honest-ip", Ethernet(kBroadcast, mac, 0x0800, Udp(ip))},
        {"honest-nd", Ethernet(kAllNodes, mac, 0x86dd, Advertisement(mine, mine, mac))},
        {"mac", Ethernet(kBroadcast, kOtherMac, 0x0800, Udp(ip))},
        {"mac-arp", Ethernet(kBroadcast, kOtherMac, 0x0806, Arp(kOtherMac, ip))},
        {"arp-mac", Ethernet(kBroadcast, mac, 0x0806, Arp(kOtherMac, ip))},
        {"arp-ip", Ethernet(kBroadcast, mac, 0x0806, Arp(mac, other))},
        {"ip", Ethernet(kBroadcast, mac, 0x0800, Udp(other))},
        {"nd-target", Ethernet(kAllNodes, mac, 0x86dd, Advertisement(mine, others, mac))},
        {"nd-mac", Ethernet(kAllNodes, mac, 0x86dd, Advertisement(mine, mine, kOtherMac))},
        {"nd-source", Ethernet(kAllNodes, mac, 0x86dd, Advertisement(others, mine, mac))},
        {"nd-router", Ethernet(kAllNodes, mac, 0x86dd, Router(mine))},
        {"dhcp-server", Ethernet(kBroadcast, mac, 0x0800, Udp(ip, 67, 68))},
        {"vlan", Tagged(Ethernet(kBroadcast, mac, 0x0800, Udp(ip)))},
        {"ethertype", Ethernet(kBroadcast, mac, 0x88b5, Udp(ip))},
    };
}

[[noreturn]] void Die(const char* what) {
    std::perror(what);
    std::exit(1);
}

// A socket for whole frames of `interface`, whose own address is left in `mac`.
int Open(const char* interface, Mac& mac) {
    const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    ifreq request{};
    std::strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    if (socket < 0 || ioctl(socket, SIOCGIFHWADDR, &request) != 0) Die(interface);
    std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) Die(interface);
    return socket;
}

int Send(const char* interface, const char* address) {
    Mac mac{};
    Ip ip{};
    if (inet_pton(AF_INET, address, ip.data()) != 1) Die(address);
    const int socket = Open(interface, mac);
    for (int round = 0; round < 10; ++round) {
        char letter = 'A';
        for (const Kind& kind : Kinds(mac, ip)) {
            Bytes frame = kind.frame;
            frame.insert(frame.end(), kMark.begin(), kMark.end());
            frame.push_back(static_cast<std::uint8_t>(letter++));
            if (send(socket, frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size())) Die("send");
            usleep(5000);  // or the guest's own queue discipline may drop some
        }
    }
    std::puts("frames: sent 10 of each kind");
    return 0;
}

int Watch(const char* interface, long seconds) {
    Mac mac{};
    const int socket = Open(interface, mac);
    const auto kinds = Kinds(mac, Ip{});
    std::vector<unsigned> seen(kinds.size());
    std::puts("frames: watching");
    std::fflush(stdout);
    std::vector<char> buffer(65536);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < end) {
        pollfd ready{.fd = socket, .events = POLLIN, .revents = 0};
        if (poll(&ready, 1, 200) != 1) continue;
        const auto got = recv(socket, buffer.data(), buffer.size(), 0);
        if (got <= 0) continue;
        const std::string_view frame(buffer.data(), static_cast<std::size_t>(got));
        const auto mark = frame.rfind(kMark);
        if (mark == std::string_view::npos || mark + kMark.size() >= frame.size()) continue;
        const auto kind = static_cast<std::size_t>(frame[mark + kMark.size()] - 'A');
        if (kind < seen.size()) ++seen[kind];
    }
    for (std::size_t i = 0; i < seen.size(); ++i) std::printf("frames: %s %u\n", kinds[i].name.c_str(), seen[i]);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view verb = argc == 4 ? argv[1] : "";
    if (verb == "send") return Send(argv[2], argv[3]);
    if (verb == "watch") return Watch(argv[2], std::strtol(argv[3], nullptr, 10));
    std::puts("usage: frames send INTERFACE ADDRESS | frames watch INTERFACE SECONDS");
    return 2;
}
