// The order of version texts: uapi-group.org's Version Format Specification 1.0 (UAPI.10), "Version Comparison".
#pragma once

#include <compare>
#include <string_view>

namespace husk {

// Less: `a` is the older one. Texts that differ only in what separates their parts are equivalent. As specified this is
// not transitive for every text (-0b is as new as -b, that is newer than -_2, and that is newer than -0b): no order to
// give to std::sort.
[[nodiscard]] std::weak_ordering CompareVersions(std::string_view a, std::string_view b);

}  // namespace husk
