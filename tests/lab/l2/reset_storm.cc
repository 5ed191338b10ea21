// reset_storm DEVICE CYCLES: drives a virtio-mmio block device (Virtio 1.2 §4.2, §5.2) from user space, through
// /dev/mem, and resets it CYCLES times in the middle of its work.
//
// DEVICE is a name that /proc/iomem knows ("LNRO0005:01"); no kernel driver may be bound to it. Every 4 KiB of the disk
// must begin with its own number. In each cycle some reads are made available and the doorbell is rung; after a moment
// of random length the device is reset. What must hold, or this ends with status 1:
//   - what was completed before the reset was completed once and is the data asked for;
//   - as soon as Status reads 0, nothing of the device writes into our memory any more;
//   - each 64th cycle waits instead of resetting: every read is completed within 10 s.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint16_t kQueueSize = 64;
constexpr std::uint16_t kMaxReads = kQueueSize / 3;  // of three descriptors each
constexpr std::byte kPoison{0xa5};

[[noreturn]] void Fail(const std::string& what) {
    std::printf("reset_storm: %s\n", what.c_str());
    std::exit(1);
}

// Where the device's registers are, by its name in /proc/iomem.
std::uint64_t FindDevice(const std::string& name) {
    std::FILE* file = std::fopen("/proc/iomem", "r");
    std::array<char, 256> line{};
    while (file != nullptr && std::fgets(line.data(), line.size(), file) != nullptr) {
        std::uint64_t start = 0;
        if (std::strstr(line.data(), name.c_str()) != nullptr && std::sscanf(line.data(), "%" SCNx64, &start) == 1) {
            return start;
        }
    }
    Fail("/proc/iomem does not know " + name);
}

class Registers {
 public:
    explicit Registers(std::uint64_t at) {
        const int file = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
        const auto page = static_cast<off_t>(at / kPage * kPage);
        void* map = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, page);
        if (map == MAP_FAILED) Fail(std::string("cannot map the registers: ") + std::strerror(errno));
        base_ = reinterpret_cast<volatile std::uint32_t*>(static_cast<std::byte*>(map) + at % kPage);
    }
    [[nodiscard]] std::uint32_t Read(std::size_t offset) const { return base_[offset / 4]; }
    void Write(std::size_t offset, std::uint32_t value) { base_[offset / 4] = value; }
    void WriteAddress(std::size_t offset, std::uint64_t address) {
        Write(offset, static_cast<std::uint32_t>(address));
        Write(offset + 4, static_cast<std::uint32_t>(address >> 32));
    }

 private:
    volatile std::uint32_t* base_ = nullptr;
};

// Pages that stay where they are, with their physical addresses.
class DeviceMemory {
 public:
    explicit DeviceMemory(std::size_t pages) : pages_(pages) {
        const std::size_t size = pages * kPage;
        void* map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED || madvise(map, size, MADV_NOHUGEPAGE) != 0 || mlock(map, size) != 0) Fail("no memory");
        bytes_ = static_cast<std::byte*>(map);
        std::memset(bytes_, 0, size);
        frames_ = Frames();
    }
    [[nodiscard]] std::byte* At(std::size_t page, std::size_t offset = 0) const {
        return bytes_ + page * kPage + offset;
    }
    [[nodiscard]] std::uint64_t Physical(std::size_t page, std::size_t offset = 0) const {
        return frames_[page] * kPage + offset;
    }
    [[nodiscard]] std::vector<std::byte> Snapshot() const { return {bytes_, bytes_ + pages_ * kPage}; }
    [[nodiscard]] bool Equals(const std::vector<std::byte>& snapshot) const {
        return std::memcmp(bytes_, snapshot.data(), snapshot.size()) == 0;
    }
    [[nodiscard]] bool HasMoved() const { return Frames() != frames_; }

 private:
    // Linux, Documentation/admin-guide/mm/pagemap.rst
    [[nodiscard]] std::vector<std::uint64_t> Frames() const {
        std::vector<std::uint64_t> frames(pages_);
        const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        const auto at = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(bytes_) / kPage * 8);
        if (pread(file, frames.data(), pages_ * 8, at) != static_cast<ssize_t>(pages_ * 8)) Fail("no page map");
        close(file);
        for (std::uint64_t& frame : frames) frame &= (1ULL << 55) - 1;
        return frames;
    }
    std::size_t pages_;
    std::byte* bytes_ = nullptr;
    std::vector<std::uint64_t> frames_;
};

struct Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags, next;
};
struct Avail {
    std::uint16_t flags;
    std::atomic<std::uint16_t> idx;
    std::array<std::uint16_t, kQueueSize> ring;
    std::uint16_t used_event;
};
struct Used {
    std::uint16_t flags;
    std::atomic<std::uint16_t> idx;
    struct {
        std::uint32_t id, length;
    } ring[kQueueSize];
};
struct RequestHeader {
    std::uint32_t type, reserved;
    std::uint64_t sector;
};

// The driver. Page 0: descriptors; 1: available ring; 2: used ring; 3: headers and, from 2048, status bytes; from 4:
// the data, a page for each read.
class Driver {
 public:
    explicit Driver(std::uint64_t registers) : registers_(registers), memory_(4 + kMaxReads) {
        if (registers_.Read(0) != 0x74726976 || registers_.Read(4) != 2 || registers_.Read(8) != 2) {
            Fail("there is no virtio-mmio block device of version 2");
        }
        // In sectors of 512 bytes; the low half is enough for our disks.
        blocks_ = registers_.Read(0x100) / 8;
    }

    void Reset() {
        registers_.Write(0x70, 0);
        while (registers_.Read(0x70) != 0) {
        }
    }

    // Everything from a device after reset to DRIVER_OK (§3.1.1).
    void Start(bool event_index) {
        registers_.Write(0x70, 1);
        registers_.Write(0x70, 3);
        registers_.Write(0x24, 0);
        registers_.Write(0x20, event_index ? 1U << 29 : 0);
        registers_.Write(0x24, 1);
        registers_.Write(0x20, 1);  // VERSION_1
        registers_.Write(0x70, 11);
        if (registers_.Read(0x70) != 11) Fail("the device does not take our features");
        std::memset(memory_.At(0), 0, 3 * kPage);
        registers_.Write(0x30, 0);
        if (registers_.Read(0x44) != 0) Fail("a queue is ready after a reset");
        registers_.Write(0x38, kQueueSize);
        registers_.WriteAddress(0x80, memory_.Physical(0));
        registers_.WriteAddress(0x90, memory_.Physical(1));
        registers_.WriteAddress(0xa0, memory_.Physical(2));
        registers_.Write(0x44, 1);
        registers_.Write(0x70, 15);
    }

    // Makes `count` reads of random blocks available.
    void Submit(std::uint16_t count) {
        wanted_.clear();
        auto* const descriptors = reinterpret_cast<Descriptor*>(memory_.At(0));
        for (std::uint16_t i = 0; i < count; ++i) {
            wanted_.push_back(Random() % blocks_);
            const RequestHeader header{0, 0, wanted_.back() * 8};
            std::memcpy(memory_.At(3, i * sizeof header), &header, sizeof header);
            *memory_.At(3, 2048U + i) = kPoison;
            std::memset(memory_.At(4U + i), static_cast<int>(kPoison), kPage);
            const auto head = static_cast<std::uint16_t>(3 * i);
            const auto data = static_cast<std::uint16_t>(head + 1), status = static_cast<std::uint16_t>(head + 2);
            descriptors[head] = {memory_.Physical(3, i * sizeof header), sizeof header, 1, data};
            descriptors[data] = {memory_.Physical(4U + i), kPage, 3, status};
            descriptors[status] = {memory_.Physical(3, 2048U + i), 1, 2, 0};
            AvailRing().ring[i] = head;
        }
        AvailRing().idx.store(count, std::memory_order_release);
        registers_.Write(0x50, 0);
    }

    // What the device has completed so far: all of it must be right.
    std::uint16_t CheckCompleted() {
        const std::uint16_t completed = UsedRing().idx.load(std::memory_order_acquire);
        std::vector<bool> seen(wanted_.size());
        if (completed > wanted_.size()) Fail("more completions than requests");
        for (std::uint16_t i = 0; i < completed; ++i) {
            const auto [id, length] = UsedRing().ring[i];
            if (id % 3 != 0 || id / 3 >= wanted_.size()) Fail("a completion of what was not asked for");
            if (seen[id / 3]) Fail("a request was completed twice");
            seen[id / 3] = true;
            std::uint64_t number = 0;
            std::memcpy(&number, memory_.At(4 + id / 3), sizeof number);
            if (*memory_.At(3, 2048 + id / 3) != std::byte{0} || length != kPage + 1) Fail("a read failed");
            if (number != wanted_[id / 3]) Fail("a read gave another block");
        }
        return completed;
    }

    [[nodiscard]] std::uint64_t Random() {
        random_ ^= random_ << 13;  // xorshift64
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return random_;
    }
    [[nodiscard]] const DeviceMemory& Memory() const { return memory_; }

 private:
    Avail& AvailRing() { return *reinterpret_cast<Avail*>(memory_.At(1)); }
    Used& UsedRing() { return *reinterpret_cast<Used*>(memory_.At(2)); }

    Registers registers_;
    DeviceMemory memory_;
    std::uint64_t blocks_ = 0;
    std::vector<std::uint64_t> wanted_;  // the block number of each read of this cycle
    std::uint64_t random_ = 0x9e3779b97f4a7c15;
};

void Spin(std::chrono::microseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) Fail("usage: reset_storm DEVICE CYCLES");
    Driver driver(FindDevice(argv[1]));
    std::uint64_t asked = 0, completed = 0, interrupted = 0;
    const std::uint64_t cycles = std::strtoull(argv[2], nullptr, 10);
    for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
        driver.Reset();
        driver.Start(cycle % 2 == 0);
        const auto count = static_cast<std::uint16_t>(driver.Random() % kMaxReads + 1);
        driver.Submit(count);
        if (cycle % 64 == 63) {
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
            while (driver.CheckCompleted() != count) {
                if (std::chrono::steady_clock::now() > deadline) Fail("a read was not completed within 10 s");
            }
        } else {
            Spin(std::chrono::microseconds(driver.Random() % 400));
        }
        driver.Reset();
        const std::vector<std::byte> after = driver.Memory().Snapshot();
        const std::uint16_t done = driver.CheckCompleted();
        asked += count;
        completed += done;
        interrupted += done < count ? 1 : 0;
        Spin(std::chrono::microseconds(cycle % 64 == 0 ? 20'000 : 100));
        if (!driver.Memory().Equals(after)) Fail("the device wrote into memory after its reset");
        if (cycle % 1000 == 999) std::printf("reset_storm: %" PRIu64 " cycles\n", cycle + 1);
    }
    if (driver.Memory().HasMoved()) Fail("our pages were moved: nothing is proved");
    std::printf("reset_storm: %" PRIu64 " resets, %" PRIu64 " of them with reads in flight; %" PRIu64 " of %" PRIu64
                " reads were completed\n",
                cycles, interrupted, completed, asked);
    return 0;
}
