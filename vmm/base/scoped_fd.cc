#include "vmm/base/scoped_fd.h"

#include <fcntl.h>
#include <unistd.h>

namespace husk {

void ScopedFd::Reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Result<ScopedFd> MoveToSlot(ScopedFd fd, int slot) {
    if (fd.Get() == slot) return fd;
    if (::dup3(fd.Get(), slot, O_CLOEXEC) != slot) return FailOs("cannot place a descriptor on its slot");
    return ScopedFd(slot);
}

}  // namespace husk
