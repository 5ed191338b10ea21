#include "sandbox/selinux/own_context.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "sandbox/selinux/context.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

Result<std::string> ReadProcessContext(std::string_view process) {
    const std::string path = "/proc/" + std::string(process) + "/attr/current";
    const ScopedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, kMaxContextLength + 1> buffer;
    const ssize_t length = file ? ::read(file.Get(), buffer.data(), buffer.size()) : -1;
    if (length < 0) return std::unexpected(Error::Os("cannot read the context in " + path).As(ErrorKind::kConfinement));
    std::string_view text(buffer.data(), static_cast<std::size_t>(length));
    while (!text.empty() && (text.back() == '\0' || text.back() == '\n')) text.remove_suffix(1);
    return std::string(text);
}

Result<> CheckOwnContext(std::string_view expected) {
    const std::string own = HUSK_TRY(ReadProcessContext("self"));
    if (own == expected) return {};
    return Fail(ErrorKind::kConfinement,
                "SELinux: this role was to run as " + std::string(expected) + " but runs as " + own);
}

}  // namespace husk
