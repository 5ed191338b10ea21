#include "vmm/cli/net_rules_text.h"

#include <arpa/inet.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "vmm/cli/options.h"

namespace husk {

namespace {

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

// All of `text`, and nothing else, as a number.
std::optional<unsigned> Number(std::string_view text, int base) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool NothingBehind(const IpPrefix& prefix) {
    for (unsigned bit = prefix.length; bit < prefix.address.Bits(); ++bit) {
        if ((prefix.address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) return false;
    }
    return true;
}

Result<EgressItem> ParseWhere(Egress verdict, const std::string& text) {
    using Kind = EgressItem::Kind;
    if (text == "host") return EgressItem{verdict, Kind::kHost};
    if (text == "private") return EgressItem{verdict, Kind::kPrivate};
    if (text == "any") return EgressItem{verdict, Kind::kAny};
    if (text.find_first_of(".:/") == std::string::npos) {
        return Fail(ErrorKind::kUsage, "it takes host, private, any, an address or a prefix");
    }
    return EgressItem{verdict, Kind::kPrefix, HUSK_TRY(ParseIpPrefix(text))};
}

Result<> Read(const std::string& key, const std::string& value, NetRulesConfig& rules) {
    if (key == "filter") {
        if (value != "strict" && value != "off") return Fail(ErrorKind::kUsage, "it takes strict or off");
        rules.strict = value == "strict";
    } else if (key == "ip") {
        rules.addresses.push_back(HUSK_TRY(ParseIpPrefix(value)));
        if (rules.addresses.back().address.IsMulticast()) {
            return Fail(ErrorKind::kUsage, "a group's address is no guest's own");
        }
    } else if (key == "peer") {
        rules.peers.push_back(HUSK_TRY(ParseMac(value)));
    } else {
        rules.egress.push_back(HUSK_TRY(ParseWhere(key == "allow" ? Egress::kAllow : Egress::kDeny, value)));
    }
    return {};
}

}  // namespace

Result<bool> ParseNetRule(const std::string& word, NetRulesConfig& rules) {
    if (word == "isolated") {
        rules.isolated = true;
        return true;
    }
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    if (key != "filter" && key != "ip" && key != "peer" && key != "allow" && key != "deny") return false;
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    HUSK_TRY_IN("--net " + word, Read(key, value, rules));
    return true;
}

Result<> CheckNetRules(const NetRulesConfig& rules) {
    if (!rules.peers.empty() && !rules.isolated) {
        return Fail(ErrorKind::kUsage,
                    "--net: peer= says whom an isolated guest may talk to, so it needs isolated, too");
    }
    if (rules.peers.empty() && rules.isolated) {
        return Fail(ErrorKind::kUsage, "--net: isolated lets nothing through without a peer=MAC to talk to");
    }
    if (!rules.addresses.empty() && !rules.strict) {
        return Fail(ErrorKind::kUsage, "--net: ip= needs filter=strict, which would see to it");
    }
    for (std::size_t i = 0; i + 1 < rules.egress.size(); ++i) {
        if (rules.egress[i].kind != EgressItem::Kind::kAny) continue;
        const std::string key = rules.egress[i].verdict == Egress::kAllow ? "allow" : "deny";
        return Fail(ErrorKind::kUsage, "--net: the first of allow= and deny= that fits decides, so none behind " + key +
                                           "=any has a meaning");
    }
    return {};
}

Result<MacAddress> ParseMac(const std::string& text) {
    MacAddress mac;
    bool good = text.size() == 17;
    for (std::size_t i = 0; good && i < mac.bytes.size(); ++i) {
        const std::optional<unsigned> byte = Number(std::string_view(text).substr(i * 3, 2), 16);
        good = byte.has_value() && (i == 5 || text[i * 3 + 2] == ':');
        mac.bytes[i] = static_cast<std::uint8_t>(byte.value_or(0));
    }
    if (!good) return Fail(ErrorKind::kUsage, Quoted(text) + " is no MAC address: write it like 52:54:00:12:34:56");
    if (mac.IsGroup() || mac == MacAddress{}) {
        return Fail(ErrorKind::kUsage, Quoted(text) + " is no single card's MAC address");
    }
    return mac;
}

Result<IpAddress> ParseIpAddress(const std::string& text) {
    IpAddress address;
    // With a NUL inside, the C library would read less than there is.
    const bool whole = text.find('\0') == std::string::npos;
    if (whole && ::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
        address.family = IpFamily::kV4;
        return address;
    }
    address = {};
    if (whole && ::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
        address.family = IpFamily::kV6;
        return address;
    }
    return Fail(ErrorKind::kUsage, Quoted(text) + " is no IP address: write it like 10.0.0.5 or 2001:db8::5");
}

Result<IpPrefix> ParseIpPrefix(const std::string& text) {
    const std::size_t slash = text.find('/');
    const Result<IpAddress> address = ParseIpAddress(text.substr(0, slash));
    if (!address) {
        return Fail(ErrorKind::kUsage,
                    Quoted(text) + " is no IP address or prefix: write it like 10.0.0.5, 10.0.0.0/8 or 2001:db8::/32");
    }
    if (slash == std::string::npos) return IpPrefix::Only(*address);
    const std::optional<unsigned> length = Number(std::string_view(text).substr(slash + 1), 10);
    if (!length || *length > address->Bits()) {
        return Fail(ErrorKind::kUsage,
                    Quoted(text) + " needs a length of 0 to " + std::to_string(address->Bits()) + " bits");
    }
    const IpPrefix prefix{*address, static_cast<std::uint8_t>(*length)};
    if (!NothingBehind(prefix)) {
        return Fail(ErrorKind::kUsage, Quoted(text) + " has more in it than the first " + std::to_string(*length) +
                                           " bits: give the address alone, or a prefix that ends in zeros");
    }
    return prefix;
}

Result<std::uint64_t> ParseRate(const std::string& word, const std::string& text) {
    const Result<std::uint64_t> rate = ParseSize(text);
    if (!rate) return Fail(ErrorKind::kUsage, word + "=" + text + ": " + rate.error().Message());
    if (*rate == 0) return Fail(ErrorKind::kUsage, word + "=" + text + ": nothing would ever pass");
    return *rate;
}

}  // namespace husk
