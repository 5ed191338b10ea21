#include "vmm/machine/own_program.h"

#include <unistd.h>

#include <array>

namespace husk {

Result<std::string> OwnProgram() {
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    if (length <= 0) return FailOs("cannot find husk's own program file (is /proc mounted?)");
    return std::string(path.data(), static_cast<std::size_t>(length));
}

}  // namespace husk
