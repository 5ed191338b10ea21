// The lines of loader.conf and of boot entries: a key, spaces or tabs, a value.
#pragma once

#include <optional>
#include <string_view>

namespace husk {

struct KeyValue {
    std::string_view key;    // neither is empty
    std::string_view value;  // without quotation marks around it
};

// Takes lines off `rest` up to the first that sets something; comments (#) and keys without a value are skipped.
// Nothing at the end.
[[nodiscard]] std::optional<KeyValue> NextKeyValue(std::string_view& rest);

}  // namespace husk
