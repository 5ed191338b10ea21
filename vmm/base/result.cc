#include "vmm/base/result.h"

#include <cstring>

namespace husk {

Error Error::Os(std::string_view what, int os_errno) { return Error(std::string(what) + ": " + ::strerror(os_errno)); }

Error Error::Within(std::string_view context) && {
    message_.insert(0, std::string(context) + ": ");
    return std::move(*this);
}

}  // namespace husk
