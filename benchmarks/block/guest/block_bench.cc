// block_bench: the init of a guest that does nothing but read its first virtio disk, with O_DIRECT.
//
// Words of the kernel command line (the kernel puts them into init's environment):
//   phases=P,P...   random1, random32: 4 KiB at random places by 1 and by 32 threads; sequential: 1 MiB after the
//   other;
//                   dd: 100 times 1 MiB, once
//   seconds=N       for each phase but dd
//   end=poweroff    how it ends (without: a reboot)
//
// Prints one line for each phase, `block: NAME requests=N bytes=N nanoseconds=N`, and at last `block: done`. Every 4
// KiB of the disk begins with its own number: a block that is not the one asked for ends the run with `block: failed`.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr const char* kDisk = "/dev/vda";
constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kMiB = 1 << 20;

[[noreturn]] void End() {
    std::fflush(stdout);
    sync();
    const char* end = std::getenv("end");
    reboot(end != nullptr && std::string(end) == "poweroff" ? RB_POWER_OFF : RB_AUTOBOOT);
    for (;;) pause();
}

[[noreturn]] void Fail(const char* what) {
    std::printf("block: failed: %s: %s\n", what, std::strerror(errno));
    End();
}

std::uint64_t Nanoseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

struct Disk {
    int fd;
    std::uint64_t bytes;
};

Disk OpenDisk() {
    Disk disk{open(kDisk, O_RDONLY | O_DIRECT | O_CLOEXEC), 0};
    if (disk.fd < 0) Fail(kDisk);
    if (ioctl(disk.fd, BLKGETSIZE64, &disk.bytes) != 0 || disk.bytes < 128 * kMiB) Fail("the disk is too small");
    return disk;
}

// One thread's buffer: aligned as O_DIRECT wants it, touched before anything is timed.
class Buffer {
 public:
    explicit Buffer(std::size_t size)
        : size_(size), bytes_(static_cast<std::byte*>(std::aligned_alloc(kBlock, size)), std::free) {
        std::memset(bytes_.get(), 0xff, size);
    }

    // The whole buffer from `offset` of the disk, which must be what the disk has there.
    void ReadAndCheck(const Disk& disk, std::uint64_t offset) {
        if (pread(disk.fd, bytes_.get(), size_, static_cast<off_t>(offset)) != static_cast<ssize_t>(size_)) {
            Fail("read");
        }
        for (std::uint64_t at = 0; at < size_; at += kBlock) {
            std::uint64_t number = 0;
            std::memcpy(&number, bytes_.get() + at, sizeof number);
            errno = 0;
            if (number != (offset + at) / kBlock) Fail("a wrong block was read");
        }
    }

 private:
    std::size_t size_;
    std::unique_ptr<std::byte, decltype(&std::free)> bytes_;
};

struct Measured {
    std::uint64_t requests;
    std::uint64_t bytes;
    std::uint64_t nanoseconds;
};

// 4 KiB at random places, by so many threads, for so many seconds. Starting and ending the threads is not measured.
Measured ReadRandomly(const Disk& disk, unsigned threads, unsigned seconds) {
    std::barrier start(static_cast<std::ptrdiff_t>(threads) + 1);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> requests{0};
    std::vector<std::thread> readers;
    for (unsigned index = 0; index < threads; ++index) {
        readers.emplace_back([&, state = 0x9e3779b97f4a7c15 * (index + 1)]() mutable {
            Buffer buffer(kBlock);
            start.arrive_and_wait();
            while (!stop.load(std::memory_order_relaxed)) {
                state ^= state << 13;  // xorshift64
                state ^= state >> 7;
                state ^= state << 17;
                buffer.ReadAndCheck(disk, state % (disk.bytes / kBlock) * kBlock);
                requests.fetch_add(1, std::memory_order_relaxed);
            }
        });
    }
    start.arrive_and_wait();
    const std::uint64_t begun = Nanoseconds();
    sleep(seconds);
    const std::uint64_t count = requests.load();
    const std::uint64_t spent = Nanoseconds() - begun;
    stop = true;
    for (std::thread& reader : readers) reader.join();
    return {count, count * kBlock, spent};
}

// 1 MiB after the other, from the start again at the end, `count` of them or (0) for so many seconds.
Measured ReadInOrder(const Disk& disk, std::uint64_t count, unsigned seconds) {
    Buffer buffer(kMiB);
    const std::uint64_t begun = Nanoseconds();
    const std::uint64_t deadline = begun + seconds * 1'000'000'000ULL;
    std::uint64_t requests = 0;
    while (count != 0 ? requests < count : Nanoseconds() < deadline) {
        buffer.ReadAndCheck(disk, requests++ % (disk.bytes / kMiB) * kMiB);
    }
    return {requests, requests * kMiB, Nanoseconds() - begun};
}

Measured Run(const std::string& phase, const Disk& disk, unsigned seconds) {
    if (phase == "random1") return ReadRandomly(disk, 1, seconds);
    if (phase == "random32") return ReadRandomly(disk, 32, seconds);
    if (phase == "sequential") return ReadInOrder(disk, 0, seconds);
    if (phase == "dd") return ReadInOrder(disk, 100, 0);
    errno = EINVAL;
    Fail(phase.c_str());
}

}  // namespace

int main() {
    mkdir("/dev", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);  // Where it is mounted already, this fails and does no harm.
    const char* seconds = std::getenv("seconds");
    const char* phases = std::getenv("phases");
    const Disk disk = OpenDisk();
    std::istringstream list(phases != nullptr ? phases : "");
    for (std::string phase; std::getline(list, phase, ',');) {
        const Measured m = Run(phase, disk, seconds != nullptr ? static_cast<unsigned>(std::atoi(seconds)) : 1);
        std::printf("block: %s requests=%" PRIu64 " bytes=%" PRIu64 " nanoseconds=%" PRIu64 "\n", phase.c_str(),
                    m.requests, m.bytes, m.nanoseconds);
    }
    std::puts("block: done");
    End();
}
