// The value of --net.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "devices/host/net_backend.h"
#include "vmm/cli/comma_list.h"
#include "vmm/cli/options.h"

namespace husk {
namespace {

constexpr std::uint32_t kMinMtu = 68;  // of IPv4, and of Virtio 1.2 §5.1.4.1
constexpr std::uint32_t kMaxMtu = 65535;
constexpr std::size_t kMaxInterfaceName = 15;

std::unexpected<Error> Usage(const std::string& sentence) { return Fail(ErrorKind::kUsage, "--net " + sentence); }

// A whole number from `low` to `high`.
std::optional<std::uint32_t> Number(std::string_view text, std::uint32_t low, std::uint32_t high) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && number >= low && number <= high ? std::optional(number) : std::nullopt;
}

// "52:54:00:12:34:56"
std::optional<MacAddress> ParseMac(std::string_view text) {
    MacAddress mac{};
    if (text.size() != 3 * mac.size() - 1) return std::nullopt;
    for (std::size_t byte = 0; byte < mac.size(); ++byte) {
        const std::string_view digits = text.substr(3 * byte, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + 2, mac[byte], 16);
        if (error != std::errc() || end != digits.data() + 2) return std::nullopt;
        if (byte + 1 < mac.size() && text[3 * byte + 2] != ':') return std::nullopt;
    }
    return mac;
}

// What the kernel takes as an interface's name, without its patterns ("tap%d").
bool IsInterfaceName(std::string_view name) {
    return !name.empty() && name.size() <= kMaxInterfaceName && name != "." && name != ".." &&
           name.find_first_of("/:% \t\n\v\f\r") == std::string_view::npos;
}

Result<> ParsePlace(const std::string& place, const std::string& text, NetworkConfig& net) {
    using Kind = NetworkConfig::Kind;
    if (place == "none") {
        net.kind = Kind::kNone;
    } else if (place == "passt") {
        net.kind = Kind::kPasst;
    } else if (place.starts_with("passt=") && place.size() > 6) {
        net.kind = Kind::kStream;
        net.place = place.substr(6);
    } else if (place.starts_with("tap=")) {
        net.kind = Kind::kTap;
        net.place = place.substr(4);
        if (!IsInterfaceName(net.place)) return Usage(text + ": \"" + net.place + "\" is no name of an interface");
    } else if (place.starts_with("fd=")) {
        net.kind = Kind::kFd;
        const auto fd = Number(std::string_view(place).substr(3), 3, std::numeric_limits<int>::max());
        if (!fd) return Usage(text + ": fd= takes the number of a descriptor, from 3 on");
        net.fd = static_cast<int>(*fd);
    } else {
        return Usage("takes tap=NAME, fd=N, passt, passt=SOCKET or none, not \"" + place + "\"");
    }
    return {};
}

Result<> ParseMac(const std::string& value, const std::string& text, NetworkConfig& net) {
    net.mac = ParseMac(value);
    if (!net.mac) return Usage(text + ": mac= takes an address like 52:54:00:12:34:56, not \"" + value + "\"");
    if (((*net.mac)[0] & 1) != 0) return Usage(text + ": " + value + " is an address of many cards, not of one");
    if (*net.mac == MacAddress{}) return Usage(text + ": " + value + " is no card's address");
    return {};
}

}  // namespace

Result<NetworkConfig> ParseNet(const std::string& text) {
    const std::vector<std::string> parts = SplitAtCommas(text);
    NetworkConfig net;
    HUSK_TRY(ParsePlace(parts.front(), text, net));
    for (const std::string& part : std::span(parts).subspan(1)) {
        const std::string value = part.substr(std::min(part.find('=') + 1, part.size()));
        if (part.starts_with("mac=")) {
            HUSK_TRY(ParseMac(value, text, net));
        } else if (part.starts_with("mtu=")) {
            const auto mtu = Number(value, kMinMtu, kMaxMtu);
            if (!mtu) return Usage(text + ": mtu= takes a number from 68 to 65535, not \"" + value + "\"");
            net.mtu = static_cast<std::uint16_t>(*mtu);
        } else if (part.starts_with("queues=")) {
            const auto queues = Number(value, 1, kMaxNetQueues);
            if (!queues) return Usage(text + ": queues= takes a number from 1 to 7, not \"" + value + "\"");
            net.queues = *queues;
        } else {
            return Usage(text + ": \"" + part + "\" is neither mac=M, mtu=N nor queues=N");
        }
    }
    if (net.queues > 1 && net.kind != NetworkConfig::Kind::kTap)
        return Usage(text + ": queues= goes with tap=NAME only");
    return net;
}

}  // namespace husk
