// Text of a stranger in a sentence for a person: no control characters, and not too long.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace husk {

// The first `limit` bytes of `text`, with "?" for every byte that is not printable ASCII, and "..." for what was cut.
[[nodiscard]] inline std::string Printable(std::string_view text, std::size_t limit = 120) {
    std::string clean(text.substr(0, limit));
    std::ranges::replace_if(clean, [](char c) { return c < ' ' || c > '~'; }, '?');
    if (text.size() > limit) clean += "...";
    return clean;
}

}  // namespace husk
