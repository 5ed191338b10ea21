#include "vmm/machine/host_net.h"

#include <arpa/inet.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "devices/host/tap.h"

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

// The first name server in /etc/resolv.conf that a guest can reach: passt tells its guest of the same ones.
IpAddress HostResolver() {
    std::ifstream file("/etc/resolv.conf");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string key, text;
        if (!(words >> key >> text) || key != "nameserver") continue;
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
