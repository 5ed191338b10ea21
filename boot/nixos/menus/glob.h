// Shell patterns, as systemd-boot's loader.conf has them (efi_fnmatch): `*`, `?`, `[a-z]`, `[^a-z]` or `[!a-z]`, and a
// backslash before what is meant as it is.
#pragma once

#include <string_view>

namespace husk {

// Whether `pattern` describes all of `text`. Works on bytes, in time of at most their lengths multiplied. A pattern
// that is wrong (an open bracket) matches nothing.
[[nodiscard]] bool MatchesGlob(std::string_view pattern, std::string_view text);

}  // namespace husk
