#include "vmm/base/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "vmm/base/scoped_fd.h"

namespace husk {
namespace {

// 0 or an errno.
int AppendAll(int fd, std::string& text) {
    std::array<char, 4096> some;
    while (true) {
        const ssize_t got = ::read(fd, some.data(), some.size());
        if (got == 0) return 0;
        if (got < 0 && errno != EINTR) return errno;
        if (got > 0) text.append(some.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

Result<std::string> ReadToEnd(int fd) {
    std::string text;
    if (const int failed = AppendAll(fd, text)) return FailOs("cannot read", failed);
    return text;
}

Result<std::string> ReadWholeFile(const std::string& path) {
    const ScopedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) return FailOs("cannot read " + path);
    std::string text;
    if (const int failed = AppendAll(file.Get(), text)) return FailOs("cannot read " + path, failed);
    return text;
}

}  // namespace husk
