// The words of --net that say who a guest may be and whom it may talk to:
//
//     filter=strict|off   ip=ADDRESS|PREFIX   isolated   peer=MAC   allow=WHERE   deny=WHERE
//
// WHERE is host, private, any, an address or a prefix. Pure. Errors are of kind kUsage and name the word.
#pragma once

#include <cstdint>
#include <string>

#include "devices/virtio/net/net_address.h"
#include "vmm/base/result.h"
#include "vmm/machine/net_rules_config.h"

namespace husk {

// Adds what `word` ("ip=10.0.0.5", "isolated") says to `rules`. False: it is none of these words, and somebody else's.
[[nodiscard]] Result<bool> ParseNetRule(const std::string& word, NetRulesConfig& rules);

// What only shows when all words are read.
[[nodiscard]] Result<> CheckNetRules(const NetRulesConfig& rules);

// For the words that others read. "52:54:00:12:34:56": a single card's address.
[[nodiscard]] Result<MacAddress> ParseMac(const std::string& text);
// "10.0.0.5" or "2001:db8::5".
[[nodiscard]] Result<IpAddress> ParseIpAddress(const std::string& text);
// The same, or "10.0.0.0/8": nothing behind the length, as who writes 10.0.0.5/8 may mean either.
[[nodiscard]] Result<IpPrefix> ParseIpPrefix(const std::string& text);
// So much a second, more than nothing: "10M". `word`: of which option, for the error: "--net rate".
[[nodiscard]] Result<std::uint64_t> ParseRate(const std::string& word, const std::string& text);

}  // namespace husk
