// The disk: 4 KiB at random places by 1 or 32 threads, 1 MiB after the other, all with O_DIRECT. Words: disk=PATH, the
// first virtio disk, or on the host (the floor) an image; seed=N, another one for each time that a disk is used.
//
// Every 4 KiB of it begin with their own number and a stamp; the rest is the same in all. A read checks the number, so
// that a block which is not the one asked for is a failure. Each write has a stamp of its own, and when something was
// written, the whole disk is read at the end and must be what was written last.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/guest/bench.h"

namespace husk::bench {

namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::size_t kExpected = 1 << 17;  // requests of one thread in a phase

struct Label {
    std::uint64_t number;
    std::uint64_t stamp;
};

struct Disk {
    int fd;
    std::uint64_t blocks;
    std::vector<std::uint64_t> stamps;  // what was written last to each block; 0: nothing by us
};

Disk OpenDisk() {
    const std::string path = Word("disk", "/dev/vda");
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) Fail(path);
    const bool file = S_ISREG(status.st_mode);  // the floor: the image itself, from the page cache, as the VMMs have it
    Disk disk{open(path.c_str(), O_RDWR | O_CLOEXEC | (file ? 0 : O_DIRECT)), 0, {}};
    auto bytes = static_cast<std::uint64_t>(status.st_size);
    if (disk.fd < 0 || (!file && ioctl(disk.fd, BLKGETSIZE64, &bytes) != 0)) Fail(path);
    errno = 0;
    if (bytes < 128 * kMiB || bytes % kMiB != 0) Fail("the disk is too small");
    disk.blocks = bytes / kBlock;
    disk.stamps.resize(disk.blocks);
    return disk;
}

// One thread's buffer: aligned as O_DIRECT wants it, touched before anything is timed.
class Buffer {
 public:
    explicit Buffer(std::size_t size)
        : size_(size), bytes_(static_cast<std::byte*>(std::aligned_alloc(kBlock, size)), std::free) {
        std::memset(bytes_.get(), 0xff, size);
    }

    // The whole buffer from `block` of the disk on, which must be what the disk has there.
    void ReadAndCheck(const Disk& disk, std::uint64_t block) {
        if (pread(disk.fd, bytes_.get(), size_, static_cast<off_t>(block * kBlock)) != static_cast<ssize_t>(size_)) {
            Fail("read");
        }
        for (std::uint64_t at = 0; at < size_; at += kBlock) {
            errno = 0;
            if (LabelAt(at).number != block + at / kBlock) Fail("a wrong block was read");
        }
    }

    // The buffer's rest, under a new label.
    void Write(const Disk& disk, const Label& label) {
        std::memcpy(bytes_.get(), &label, sizeof label);
        if (pwrite(disk.fd, bytes_.get(), size_, static_cast<off_t>(label.number * kBlock)) !=
            static_cast<ssize_t>(size_)) {
            Fail("write");
        }
    }

    [[nodiscard]] Label LabelAt(std::uint64_t at) const {
        Label label{};
        std::memcpy(&label, bytes_.get() + at, sizeof label);
        return label;
    }
    // Of what follows the label of the block at `at`: is it as in `other`'s first block?
    [[nodiscard]] bool HasRestOf(const Buffer& other, std::uint64_t at) const {
        return std::memcmp(bytes_.get() + at + sizeof(Label), other.bytes_.get() + sizeof(Label),
                           kBlock - sizeof(Label)) == 0;
    }

 private:
    std::size_t size_;
    std::unique_ptr<std::byte, decltype(&std::free)> bytes_;
};

struct Measured {
    std::uint64_t requests;
    std::uint64_t bytes;
    std::uint64_t nanoseconds;
    Latencies latencies;
};

// 4 KiB at random places, by so many threads, which are there before the phase begins. Each thread writes to blocks of
// its own, so that what was written last is known. Places and stamps are others in each phase: a write that never came
// to the disk must not find there what an earlier one has left.
Measured Randomly(const std::string& phase, Disk& disk, std::uint64_t threads, bool write) {
    static std::uint64_t phases = Number("seed", 0) << 32;
    const std::uint64_t first_seed = ++phases << 8;
    std::barrier start(static_cast<std::ptrdiff_t>(threads) + 1);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> requests{0};
    std::vector<Latencies> latencies(threads, Latencies());
    std::vector<std::thread> workers;
    for (std::uint64_t index = 0; index < threads; ++index) {
        workers.emplace_back([&, index, state = 0x9e3779b97f4a7c15U * (first_seed + index)]() mutable {
            Buffer buffer(kBlock);
            buffer.ReadAndCheck(disk, 0);
            Latencies own(kExpected);
            start.arrive_and_wait();
            while (!stop.load(std::memory_order_relaxed)) {
                state ^= state << 13;  // xorshift64
                state ^= state >> 7;
                state ^= state << 17;
                std::uint64_t block = state % disk.blocks;
                const std::uint64_t begun = Nanoseconds();
                if (write) {
                    block = block / threads * threads + index;
                    if (block >= disk.blocks) block = index;
                    disk.stamps[block] = state;
                    buffer.Write(disk, {block, state});
                } else {
                    buffer.ReadAndCheck(disk, block);
                }
                own.Add(Nanoseconds() - begun);
                requests.fetch_add(1, std::memory_order_relaxed);
            }
            latencies[index] = std::move(own);
        });
    }
    Begin(phase);
    start.arrive_and_wait();
    const std::uint64_t begun = Nanoseconds();
    usleep(static_cast<useconds_t>(PhaseNanoseconds() / 1000));
    while (requests.load() == 0) usleep(1000);  // a busy host
    const std::uint64_t count = requests.load();
    const std::uint64_t spent = Nanoseconds() - begun;
    stop = true;
    for (std::thread& worker : workers) worker.join();
    Measured measured{count, count * kBlock, spent, Latencies()};
    for (const Latencies& own : latencies) measured.latencies.Add(own);
    return measured;
}

// 1 MiB after the other, from the start again at the end.
Measured ReadInOrder(const std::string& phase, const Disk& disk) {
    Buffer buffer(kMiB);
    Latencies latencies(kExpected);
    Begin(phase);
    const std::uint64_t begun = Nanoseconds();
    std::uint64_t now = begun;
    std::uint64_t requests = 0;
    while (now < begun + PhaseNanoseconds()) {
        buffer.ReadAndCheck(disk, requests++ * (kMiB / kBlock) % disk.blocks);
        const std::uint64_t after = Nanoseconds();
        latencies.Add(after - now);
        now = after;
    }
    return {requests, requests * kMiB, now - begun, std::move(latencies)};
}

Measured Run(const std::string& phase, Disk& disk) {
    if (phase == "random1-read") return Randomly(phase, disk, 1, false);
    if (phase == "random1-write") return Randomly(phase, disk, 1, true);
    if (phase == "random32-read") return Randomly(phase, disk, 32, false);
    if (phase == "random32-write") return Randomly(phase, disk, 32, true);
    if (phase == "sequential-read") return ReadInOrder(phase, disk);
    errno = EINVAL;
    Fail(phase);
}

void CheckWhatWasWritten(const Disk& disk) {
    Buffer first(kBlock);
    first.ReadAndCheck(disk, 0);
    Buffer buffer(kMiB);
    errno = 0;
    for (std::uint64_t block = 0; block < disk.blocks; block += kMiB / kBlock) {
        buffer.ReadAndCheck(disk, block);
        for (std::uint64_t index = 0; index < kMiB / kBlock; ++index) {
            const std::uint64_t written = disk.stamps[block + index];
            if (!buffer.HasRestOf(first, index * kBlock)) Fail("a block's rest is wrong");
            if (written != 0 && buffer.LabelAt(index * kBlock).stamp != written) Fail("a write was lost");
        }
    }
}

}  // namespace

void BenchBlock() {
    Disk disk = OpenDisk();
    for (const std::string& phase : Phases()) {
        const Measured measured = Run(phase, disk);
        Finish(phase,
               {{"requests", measured.requests}, {"bytes", measured.bytes}, {"nanoseconds", measured.nanoseconds}},
               measured.latencies);
    }
    if (std::ranges::any_of(disk.stamps, [](std::uint64_t stamp) { return stamp != 0; })) CheckWhatWasWritten(disk);
}

}  // namespace husk::bench
