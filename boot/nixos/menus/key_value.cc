#include "boot/nixos/menus/key_value.h"

#include "boot/nixos/menus/text.h"

namespace husk {

std::optional<KeyValue> NextKeyValue(std::string_view& rest) {
    while (const auto line = menu_text::NextLine(rest)) {
        std::string_view value = *line;
        const std::string_view key = menu_text::NextWord(value);
        if (key.empty() || key.starts_with('#') || value.empty()) continue;
        if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
            value = value.substr(1, value.size() - 2);
            if (value.empty()) continue;
        }
        return KeyValue{.key = key, .value = value};
    }
    return std::nullopt;
}

}  // namespace husk
