// SharedPages<T>: a T that two roles see, in a sealed memfd. Fresh memory is all zero, which must be a valid T.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <type_traits>
#include <utility>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

template <typename T>
class SharedPages {
    static_assert(std::is_trivially_destructible_v<T> && std::is_standard_layout_v<T>);

 public:
    // A fresh one; Fd() is to be sent to the other role. `name` shows in /proc/PID/maps.
    [[nodiscard]] static Result<SharedPages> Create(const char* name) {
        ScopedFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (!fd) return FailOs("cannot create shared memory");
        if (::ftruncate(fd.Get(), sizeof(T)) != 0) return FailOs("cannot size shared memory");
        if (::fcntl(fd.Get(), F_ADD_SEALS, kSeals) != 0) return FailOs("cannot seal shared memory");
        return Map(std::move(fd));
    }
    // One that another role made. Its size and seals are checked: memory that could shrink would be a trap.
    [[nodiscard]] static Result<SharedPages> Attach(ScopedFd fd) {
        struct stat status{};
        if (::fstat(fd.Get(), &status) != 0) return FailOs("cannot inspect shared memory");
        const int seals = ::fcntl(fd.Get(), F_GET_SEALS);
        if (seals < 0 || (seals & kSeals) != kSeals || status.st_size != off_t{sizeof(T)}) {
            return Fail("shared memory is not what it should be");
        }
        return Map(std::move(fd));
    }

    SharedPages(SharedPages&& other) noexcept
        : fd_(std::move(other.fd_)), value_(std::exchange(other.value_, nullptr)) {}
    SharedPages& operator=(SharedPages&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(value_, other.value_);
        return *this;
    }
    ~SharedPages() {
        if (value_ != nullptr) ::munmap(value_, sizeof(T));
    }

    [[nodiscard]] T& operator*() const { return *value_; }
    [[nodiscard]] T* operator->() const { return value_; }
    [[nodiscard]] int Fd() const { return fd_.Get(); }

 private:
    static constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    SharedPages(ScopedFd fd, T* value) : fd_(std::move(fd)), value_(value) {}

    static Result<SharedPages> Map(ScopedFd fd) {
        void* const at = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, fd.Get(), 0);
        if (at == MAP_FAILED) return FailOs("cannot map shared memory");
        return SharedPages(std::move(fd), static_cast<T*>(at));
    }

    ScopedFd fd_;
    T* value_;
};

}  // namespace husk
