#include "vmm/base/sealed_thread.h"

#ifdef HUSK_TRAP_ALLOCATIONS

#include <cerrno>
#include <cstddef>

namespace {

thread_local bool forbidden = false;

// SIGILL, which the launcher reports with the role's name.
inline void Check() {
    if (forbidden) __builtin_trap();
}

}  // namespace

namespace husk {
void ForbidAllocation() { forbidden = true; }
}  // namespace husk

// glibc lets a program put its own allocator in the place of glibc's by defining these; this one hands on what it may.
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) noexcept {
    Check();
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
    Check();
    return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) noexcept {
    Check();
    return __libc_realloc(block, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
    Check();
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept { return memalign(alignment, size); }
int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
    *block = memalign(alignment, size);
    return *block == nullptr ? ENOMEM : 0;
}
void free(void* block) noexcept {
    if (block == nullptr) return;
    Check();
    __libc_free(block);
}

}  // extern "C"

#else

namespace husk {
void ForbidAllocation() {}
}  // namespace husk

#endif
