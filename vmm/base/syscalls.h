// The system calls of sealed threads, made directly.
//
// A sealed thread may make a handful of calls, whose arguments its seccomp filter compares as 64-bit values: so every
// argument is widened with zeros here, whatever the compiler left in the upper half of a register. And no function of
// the C library is in between that might one day make another call than it does today. Results are those of the
// kernel: a negative errno when a call failed.
#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <type_traits>

namespace husk {

namespace raw {

template <std::integral T>
[[nodiscard]] constexpr std::uint64_t Widen(T value) {
    return static_cast<std::make_unsigned_t<T>>(value);
}
template <typename T>
[[nodiscard]] std::uint64_t Widen(T* pointer) {
    return reinterpret_cast<std::uint64_t>(pointer);
}
[[nodiscard]] constexpr std::uint64_t Widen(std::nullptr_t) { return 0; }

inline long Enter(std::uint64_t number, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d,
                  std::uint64_t e, std::uint64_t f) {
    long result = 0;
    register std::uint64_t r10 asm("r10") = d;
    register std::uint64_t r8 asm("r8") = e;
    register std::uint64_t r9 asm("r9") = f;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

}  // namespace raw

template <typename... Args>
    requires(sizeof...(Args) <= 6)
inline long RawSyscall(int number, Args... args) {
    std::uint64_t all[6] = {raw::Widen(args)...};
    return raw::Enter(raw::Widen(number), all[0], all[1], all[2], all[3], all[4], all[5]);
}

inline long RawRead(int fd, std::span<std::byte> room) { return RawSyscall(SYS_read, fd, room.data(), room.size()); }
inline long RawWrite(int fd, std::span<const std::byte> bytes) {
    return RawSyscall(SYS_write, fd, bytes.data(), bytes.size());
}
inline long RawIoctl(int fd, unsigned long request, std::uint64_t argument) {
    return RawSyscall(SYS_ioctl, fd, request, argument);
}
inline long RawIoctl(int fd, unsigned long request, const void* argument) {
    return RawSyscall(SYS_ioctl, fd, request, argument);
}
// Milliseconds; -1 waits for ever.
inline long RawPoll(std::span<pollfd> waiting, int milliseconds) {
    return RawSyscall(SYS_poll, waiting.data(), waiting.size(), milliseconds);
}
// Close-on-exec.
inline long RawDup3(int from, int to) { return RawSyscall(SYS_dup3, from, to, /*O_CLOEXEC*/ 02000000); }

// Sleeps while `word` is `expected`, for `nanoseconds` at most (0: without limit). May return early.
inline void FutexWait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, std::uint64_t nanoseconds = 0) {
    constexpr int kWaitPrivate = 128;
    const timespec limit{static_cast<time_t>(nanoseconds / 1'000'000'000),
                         static_cast<long>(nanoseconds % 1'000'000'000)};
    RawSyscall(SYS_futex, &word, kWaitPrivate, expected, nanoseconds > 0 ? &limit : nullptr, nullptr, 0);
}
// Wakes at most `threads` of those that sleep on `word`.
inline void FutexWake(const std::atomic<std::uint32_t>& word, std::uint32_t threads) {
    constexpr int kWakePrivate = 129;
    RawSyscall(SYS_futex, &word, kWakePrivate, threads, nullptr, nullptr, 0);
}
inline constexpr std::uint32_t kEveryThread = 0x7fff'ffff;

static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free);

}  // namespace husk
