// EventFd: a counter that the kernel wakes sleepers on; doorbells and interrupts are made of it. Usable after sealing.
#pragma once

#include <cstdint>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

class EventFd {
 public:
    // Non-blocking and close-on-exec.
    [[nodiscard]] static Result<EventFd> Create();
    // The same, on a slot of its own.
    [[nodiscard]] static Result<EventFd> CreateOn(int slot);
    // Takes over a descriptor that is known to be an eventfd (from the manifest of a role).
    explicit EventFd(ScopedFd fd) : fd_(std::move(fd)) {}

    // Adds one. Never blocks: a counter at its maximum is already as loud as it can be. Any thread.
    void Signal() const;
    // Takes everything off the counter and says how much that was: how often it was signalled since the last time.
    std::uint64_t Take() const;
    // The same; true when there was something.
    bool Drain() const { return Take() > 0; }

    [[nodiscard]] int Get() const { return fd_.Get(); }
    [[nodiscard]] ScopedFd Release() { return std::move(fd_); }

 private:
    ScopedFd fd_;
};

}  // namespace husk
