#include "vmm/base/event_fd.h"

#include <sys/eventfd.h>

#include <cstdint>

#include "vmm/base/bytes.h"
#include "vmm/base/syscalls.h"

namespace husk {

Result<EventFd> EventFd::Create() {
    ScopedFd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!fd) return FailOs("cannot create an eventfd");
    return EventFd(std::move(fd));
}

Result<EventFd> EventFd::CreateOn(int slot) {
    EventFd event = HUSK_TRY(Create());
    return EventFd(HUSK_TRY(MoveToSlot(event.Release(), slot)));
}

void EventFd::Signal() const {
    const std::uint64_t one = 1;
    RawWrite(fd_.Get(), BytesOf(one));
}

std::uint64_t EventFd::Take() const {
    std::uint64_t count = 0;
    return RawRead(fd_.Get(), std::as_writable_bytes(std::span(&count, 1))) == long{sizeof count} ? count : 0;
}

}  // namespace husk
