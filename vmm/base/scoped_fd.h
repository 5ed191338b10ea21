// ScopedFd: a file descriptor with one owner, closed with it.
#pragma once

#include <utility>

#include "vmm/base/result.h"

namespace husk {

class ScopedFd {
 public:
    ScopedFd() = default;
    explicit ScopedFd(int fd) : fd_(fd) {}
    ScopedFd(ScopedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    ScopedFd& operator=(ScopedFd&& other) noexcept {
        if (this != &other) Reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ScopedFd(const ScopedFd&) = delete;
    ScopedFd& operator=(const ScopedFd&) = delete;
    ~ScopedFd() { Reset(); }

    // -1 when there is none.
    [[nodiscard]] int Get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

    [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
    void Reset(int fd = -1);

 private:
    int fd_ = -1;
};

// The same descriptor on a slot of its own, so that a filter can name it. What was on the slot is closed.
[[nodiscard]] Result<ScopedFd> MoveToSlot(ScopedFd fd, int slot);

}  // namespace husk
