#include "vmm/base/role_heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <limits>
#include <new>

#ifdef HUSK_SANITIZED

namespace husk {
Result<> ReserveRoleHeap(std::size_t, void (*)()) { return {}; }
void* RoleHeapAllocate(std::size_t bytes) { return std::malloc(bytes); }
void RoleHeapFree(void* block) { std::free(block); }
}  // namespace husk

#else

namespace husk {
namespace {

// In front of each block.
struct alignas(std::max_align_t) Header {
    std::size_t size_class;
};
struct Free {
    Free* next;
};
constexpr std::size_t kSmallestBlock = 32;  // with its header
constexpr std::size_t kClasses = std::numeric_limits<std::size_t>::digits;

struct Heap {
    std::byte* begin = nullptr;
    std::byte* next = nullptr;  // everything from here on was never given out
    std::byte* end = nullptr;
    void (*exhausted)() = nullptr;
    std::array<Free*, kClasses> free{};  // by the logarithm of the block's size
};
Heap heap;

bool Owns(const void* block) { return block >= heap.begin && block < heap.end; }

}  // namespace

Result<> ReserveRoleHeap(std::size_t bytes, void (*exhausted)()) {
    void* const base =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return FailOs("cannot reserve memory");
    auto* const begin = static_cast<std::byte*>(base);
    heap = {.begin = begin, .next = begin, .end = begin + bytes, .exhausted = exhausted, .free = {}};
    return {};
}

void* RoleHeapAllocate(std::size_t bytes) {
    if (heap.begin == nullptr) return std::malloc(bytes);
    const auto room = static_cast<std::size_t>(heap.end - heap.begin);
    if (bytes > room) heap.exhausted();
    const std::size_t size = std::max(std::bit_ceil(bytes + sizeof(Header)), kSmallestBlock);
    const auto size_class = static_cast<std::size_t>(std::countr_zero(size));
    if (Free* const reused = heap.free[size_class]) {
        heap.free[size_class] = reused->next;
        return reused;
    }
    if (size > static_cast<std::size_t>(heap.end - heap.next)) heap.exhausted();
    auto* const header = ::new (heap.next) Header{size_class};
    heap.next += size;
    return header + 1;
}

void RoleHeapFree(void* block) {
    if (block == nullptr) return;
    if (!Owns(block)) return std::free(block);
    const auto* const header = static_cast<const Header*>(block) - 1;
    Free*& list = heap.free[header->size_class];
    list = ::new (block) Free{list};
}

}  // namespace husk

// The C++ library's other forms, for arrays and nothrow, end in these two.
void* operator new(std::size_t bytes) {
    if (void* const block = husk::RoleHeapAllocate(bytes == 0 ? 1 : bytes)) return block;
    throw std::bad_alloc();
}
void operator delete(void* block) noexcept { husk::RoleHeapFree(block); }
void operator delete(void* block, std::size_t) noexcept { husk::RoleHeapFree(block); }

#endif
