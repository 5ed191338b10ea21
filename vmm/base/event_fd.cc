#include "vmm/base/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace husk {

Result<EventFd> EventFd::Create() {
    ScopedFd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!fd) return FailOs("cannot create an eventfd");
    return EventFd(std::move(fd));
}

void EventFd::Signal() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_.Get(), &one, sizeof one);
}

std::uint64_t EventFd::Take() const {
    std::uint64_t count = 0;
    return ::read(fd_.Get(), &count, sizeof count) == ssize_t{sizeof count} ? count : 0;
}

}  // namespace husk
