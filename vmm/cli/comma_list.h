// The parts of an option's value that is a list.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace husk {

// "a,b" is a and b; in the first part, ",," stands for a comma.
[[nodiscard]] inline std::vector<std::string> SplitAtCommas(const std::string& text) {
    std::vector<std::string> parts(1);
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool doubled = parts.size() == 1 && text.compare(at, 2, ",,") == 0;
        if (doubled) ++at;
        if (text[at] == ',' && !doubled) {
            parts.emplace_back();
        } else {
            parts.back() += text[at];
        }
    }
    return parts;
}

}  // namespace husk
