// The value of --net.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "devices/host/net_backend.h"
#include "vmm/cli/comma_list.h"
#include "vmm/cli/net_rules_text.h"
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

// A word that is no rule of the filter.
Result<> ParseWord(const std::string& word, const std::string& text, NetworkConfig& net) {
    const std::string value = word.substr(std::min(word.find('=') + 1, word.size()));
    if (word.starts_with("mac=")) {
        net.mac = HUSK_TRY_IN("--net " + text, ParseMac(value));
    } else if (word.starts_with("mtu=")) {
        const auto mtu = Number(value, kMinMtu, kMaxMtu);
        if (!mtu) return Usage(text + ": mtu= takes a number from 68 to 65535, not \"" + value + "\"");
        net.mtu = static_cast<std::uint16_t>(*mtu);
    } else if (word.starts_with("queues=")) {
        const auto queues = Number(value, 1, kMaxNetQueues);
        if (!queues) return Usage(text + ": queues= takes a number from 1 to 7, not \"" + value + "\"");
        net.queues = *queues;
    } else if (word.starts_with("rate=")) {
        net.bytes_a_second = HUSK_TRY(ParseRate("--net " + text + ": rate", value));
    } else if (word.starts_with("pcap=") && !value.empty()) {
        net.pcap = value;
    } else {
        return Usage(
            text + ": \"" + word +
            "\" is none of mac=, mtu=, queues=, filter=, ip=, isolated, peer=, allow=, deny=, rate= and pcap=");
    }
    return {};
}

}  // namespace

Result<NetworkConfig> ParseNet(const std::string& text) {
    const std::vector<std::string> parts = SplitAtCommas(text);
    NetworkConfig net;
    HUSK_TRY(ParsePlace(parts.front(), text, net));
    for (const std::string& word : std::span(parts).subspan(1)) {
        if (HUSK_TRY(ParseNetRule(word, net.rules))) continue;
        HUSK_TRY(ParseWord(word, text, net));
    }
    HUSK_TRY(CheckNetRules(net.rules));
    if (net.queues > 1 && net.kind != NetworkConfig::Kind::kTap)
        return Usage(text + ": queues= goes with tap=NAME only");
    return net;
}

}  // namespace husk
