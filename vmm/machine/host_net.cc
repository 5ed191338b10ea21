#include "vmm/machine/host_net.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "devices/host/tap.h"
#include "vmm/base/whole_file.h"

namespace husk {
namespace {

HostNet FromTap(TapHandle tap) {
    HostNet net;
    net.wire = NetConfig::Wire::kTap;
    net.queues = std::move(tap.queues);
    net.offloads = tap.offloads;
    net.mtu = tap.mtu;
    return net;
}

HostNet FromSocket(ScopedFd socket) {
    HostNet net;
    net.wire = NetConfig::Wire::kStream;
    net.queues.push_back(std::move(socket));
    return net;
}

Result<HostNet> OpenWire(const NetworkConfig& config) {
    using Kind = NetworkConfig::Kind;
    switch (config.kind) {
        case Kind::kTap:
            return FromTap(HUSK_TRY(OpenTap(config.place, config.queues)));
        case Kind::kFd:
            return FromTap(HUSK_TRY(AdoptTap(config.fd)));
        case Kind::kStream:
            return FromSocket(HUSK_TRY(ConnectStream(config.place)));
        case Kind::kPasst: {
            ScopedFd socket;
            Passt passt = HUSK_TRY(Passt::Start(socket));
            HostNet net = FromSocket(std::move(socket));
            net.passt.emplace(std::move(passt));
            return net;
        }
        case Kind::kNone:
            break;
    }
    return HostNet{};
}

// Off the front of what is left of a line.
std::string_view TakeWord(std::string_view& line) {
    constexpr std::string_view kBlanks = " \t\r\v\f";
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
    line.remove_prefix(word.size());
    return word;
}

// The first name server in /etc/resolv.conf that a guest can reach: passt tells its guest of the same ones.
IpAddress HostResolver() {
    const std::string file = ReadWholeFile("/etc/resolv.conf").value_or("");
    for (std::size_t begin = 0, end = 0; begin < file.size(); begin = end + 1) {
        end = std::min(file.find('\n', begin), file.size());
        std::string_view line = std::string_view(file).substr(begin, end - begin);
        if (TakeWord(line) != "nameserver") continue;
        const std::string text(TakeWord(line));
        IpAddress address;
        if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
            address.family = IpFamily::kV4;
            if (address.bytes[0] != 127) return address;
        } else if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
            address.family = IpFamily::kV6;
            if (address != IpAddress::V6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})) return address;
        }
    }
    return {};
}

}  // namespace

Result<HostNet> HostNet::Open(const NetworkConfig& config, std::string_view vm_name, std::uint32_t index) {
    using Kind = NetworkConfig::Kind;
    HostNet net = HUSK_TRY(OpenWire(config));
    if (config.mtu != 0) net.mtu = config.mtu;
    net.mac = config.mac.value_or(DefaultMac(vm_name, index));
    NetRulesConfig rules = config.rules;
    IpAddress resolver;
    if (config.kind == Kind::kPasst || config.kind == Kind::kStream) {
        DefaultToPublicOnly(rules);
        resolver = HostResolver();
    }
    net.rules = HUSK_TRY(MakeNetRules(rules, net.mac, resolver, HUSK_TRY(HostAddresses())));
    if (!config.pcap.empty()) net.capture = HUSK_TRY(CreatePcap(config.pcap));
    return net;
}

MacAddress DefaultMac(std::string_view vm_name, std::uint32_t index) {
    // FNV-1a over the name and the card's number.
    constexpr std::uint64_t kOffset = 0xcbf2'9ce4'8422'2325;
    constexpr std::uint64_t kPrime = 0x0000'0100'0000'01b3;
    std::uint64_t hash = kOffset;
    const auto add = [&](std::uint8_t byte) { hash = (hash ^ byte) * kPrime; };
    for (const char c : vm_name) add(static_cast<std::uint8_t>(c));
    add(0);
    add(static_cast<std::uint8_t>(index));
    MacAddress mac{};
    for (std::uint8_t& byte : mac.bytes) {
        byte = static_cast<std::uint8_t>(hash >> 16);
        hash *= kPrime;
    }
    mac.bytes[0] = static_cast<std::uint8_t>((mac.bytes[0] & ~3U) | 2U);  // locally administered, of one card
    return mac;
}

}  // namespace husk
