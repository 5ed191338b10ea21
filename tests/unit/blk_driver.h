// A virtio-blk driver and a disk for tests: the words of a block driver over VirtioDriver, and an in-memory backend
// that fails, waits and remembers as a test wants it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "devices/virtio/blk/blk_config.h"
#include "devices/virtio/blk/blk_device.h"
#include "devices/virtio/blk/depth_policy.h"
#include "tests/support/virtio_driver.h"
#include "vmm/base/clock.h"
#include "vmm/memory/address_map.h"

namespace husk::testing {

// Any thread. What is `held` blocks, when it may wait, until it is released.
class MemoryDisk : public DiskBackend {
 public:
    explicit MemoryDisk(std::uint64_t bytes) : bytes_(bytes), durable_(bytes) {
        for (std::uint64_t i = 0; i < bytes; ++i) bytes_[i] = static_cast<std::byte>(i / 512 + i % 512);
    }

    // What a read finds in the cache: 0 or an errno. Set before threads exist.
    int cached = 0;
    // Given each operation; an errno makes it fail. Set before threads exist; called under a lock.
    std::function<int(DiskOperation, std::uint64_t offset)> fault = [](DiskOperation, std::uint64_t) { return 0; };

    static constexpr std::uint64_t kFlush = ~0ULL;  // the place of a flush
    void Hold(std::uint64_t place) {
        const std::scoped_lock lock(mutex_);
        held_.insert(place);
    }
    void Release(std::uint64_t place) {
        const std::scoped_lock lock(mutex_);
        held_.erase(place);
        changed_.notify_all();
    }
    // Until `count` operations stand before a held place.
    void AwaitBlocked(unsigned count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return blocked_ >= count; });
    }

    int Read(DiskTransfer& transfer, ReadMode mode) override {
        if (mode == ReadMode::kOnlyCached && cached != 0) return cached;
        std::unique_lock lock(mutex_);
        if (mode == ReadMode::kMayWait) Pass(lock, transfer.offset);
        if (const int error = fault(DiskOperation::kRead, transfer.offset)) return error;
        Move(transfer, [](std::byte* disk, void* buffer, std::size_t n) { std::memcpy(buffer, disk, n); });
        return 0;
    }
    int Write(DiskTransfer& transfer, WriteMode mode) override {
        std::unique_lock lock(mutex_);
        Pass(lock, transfer.offset);
        if (const int error = fault(DiskOperation::kWrite, transfer.offset)) return error;
        Move(transfer, [](std::byte* disk, void* buffer, std::size_t n) { std::memcpy(disk, buffer, n); });
        if (mode == WriteMode::kDurable) durable_ = bytes_;
        return 0;
    }
    int Flush() override {
        std::unique_lock lock(mutex_);
        // What is in the cache now is what this flush is for; what comes while it runs is not.
        const std::vector<std::byte> covered = bytes_;
        ++flushes_;
        Pass(lock, kFlush);
        if (const int error = fault(DiskOperation::kFlush, 0)) return error;
        durable_ = covered;
        return 0;
    }
    int Discard(const DiskRange& range) override {
        std::unique_lock lock(mutex_);
        Pass(lock, range.offset);
        discarded.push_back(range);
        return fault(DiskOperation::kDiscard, range.offset);
    }
    int WriteZeroes(const DiskRange& range, Unmap unmap, WriteMode mode) override {
        std::unique_lock lock(mutex_);
        Pass(lock, range.offset);
        if (const int error = fault(DiskOperation::kWriteZeroes, range.offset)) return error;
        std::ranges::fill(std::span(bytes_).subspan(range.offset, range.length), std::byte{0});
        unmapped = unmap;
        if (mode == WriteMode::kDurable) durable_ = bytes_;
        return 0;
    }
    [[nodiscard]] std::uint64_t Bytes() const override { return bytes_.size(); }
    // Under the lock, or when nothing runs.
    std::vector<DiskRange> discarded;
    Unmap unmapped = Unmap::kNo;

    // What a crash would leave.
    std::vector<std::byte> Durable(std::uint64_t offset, std::size_t length) { return Part(durable_, offset, length); }
    std::vector<std::byte> Contents(std::uint64_t offset, std::size_t length) { return Part(bytes_, offset, length); }
    unsigned Flushes() {
        const std::scoped_lock lock(mutex_);
        return flushes_;
    }

 private:
    void Pass(std::unique_lock<std::mutex>& lock, std::uint64_t place) {
        ++blocked_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return !held_.contains(place); });
        --blocked_;
    }
    template <typename Copy>
    void Move(DiskTransfer& transfer, Copy copy) {
        if (transfer.offset + transfer.length > bytes_.size()) std::abort();
        while (transfer.length > 0) {
            const iovec buffer = transfer.data.front();
            copy(bytes_.data() + transfer.offset, buffer.iov_base, buffer.iov_len);
            transfer.Advance(buffer.iov_len);
        }
    }
    std::vector<std::byte> Part(const std::vector<std::byte>& all, std::uint64_t offset, std::size_t length) {
        const std::scoped_lock lock(mutex_);
        const auto part = std::span(all).subspan(offset, length);
        return {part.begin(), part.end()};
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::uint64_t> held_;
    unsigned blocked_ = 0;
    unsigned flushes_ = 0;
    std::vector<std::byte> bytes_;
    std::vector<std::byte> durable_;
};

struct CountingIrqLine : IrqLine {
    void Pulse() override { ++pulses; }
    std::uint64_t pulses = 0;
};

inline std::vector<std::byte> Pattern(std::size_t size, int seed) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(seed));
    return bytes;
}

// A guest, its driver, a disk and the device between them.
class BlkMachine {
 public:
    struct Options {
        std::uint64_t disk_bytes = 64 * 1024;
        unsigned threads = 0;
        bool read_only = false;
        std::string_view serial = "husk-0001";
        std::uint16_t queue_size = kBlkQueueSize;
        bool event_idx = true;
        bool knows_flush = true;
        bool knows_ranges = true;  // discard and write zeroes
        bool writeback = true;
        std::uint32_t block = kBlkSectorBytes;
        bool sparse = false;
        std::uint64_t requests_per_second = 0;
    };
    BlkMachine() : BlkMachine(Options{}) {}
    explicit BlkMachine(const Options& options)
        : BlkMachine(options, std::make_unique<MemoryDisk>(options.disk_bytes)) {}
    BlkMachine(const Options& options, std::unique_ptr<MemoryDisk> backend)
        : driver(memory, {.size = options.queue_size, .event_idx = options.event_idx}),
          disk_(std::move(backend)),
          disk(*disk_),
          device(memory, disk,
                 {.read_only = options.read_only,
                  .serial = options.serial,
                  .writeback = options.writeback,
                  .block = options.block,
                  .sparse = options.sparse,
                  .requests_per_second = options.requests_per_second},
                 line, stats),
          options_(options) {
        EXPECT_TRUE(device.StartPool(options.threads));
        Activate();
    }

    [[nodiscard]] husk::Activation Activation() const {
        husk::Activation activation;
        activation.features = driver.Features() | (options_.knows_flush ? kFeatureBlkFlush : 0) |
                              (options_.knows_ranges ? kFeatureBlkDiscard | kFeatureBlkWriteZeroes : 0);
        activation.queues[0] = driver.Config();
        return activation;
    }
    void Activate() { EXPECT_EQ(device.Activate(Activation()), std::nullopt); }
    // The driver forgets everything, as at a reset.
    void NewDriver() {
        driver = VirtioDriver(memory, {.size = options_.queue_size, .event_idx = options_.event_idx});
        Activate();
    }

    // --- The driver's words ---

    static BlkRequestHeader Header(std::uint32_t type, std::uint64_t sector = 0) {
        return {.type = type, .reserved = 0, .sector = sector};
    }
    SentChain Read(std::uint64_t sector, std::uint32_t bytes) {
        return driver.Chain().Readable(BytesOf(Header(kBlkTypeRead, sector))).Writable(bytes).Writable(1).Send();
    }
    SentChain Write(std::uint64_t sector, std::span<const std::byte> data) {
        return driver.Chain().Readable(BytesOf(Header(kBlkTypeWrite, sector))).Readable(data).Writable(1).Send();
    }
    SentChain OnRange(std::uint32_t type, const BlkRange& range) {
        return driver.Chain().Readable(BytesOf(Header(type))).Readable(BytesOf(range)).Writable(1).Send();
    }
    SentChain Flush() { return driver.Chain().Readable(BytesOf(Header(kBlkTypeFlush))).Writable(1).Send(); }

    // The last byte of the last buffer: 0xee as long as nobody answered.
    int Status(const SentChain& chain) const { return std::to_integer<int>(driver.Bytes(chain.buffers.back()).back()); }
    // All writable bytes before the status.
    std::vector<std::byte> Data(const SentChain& chain) const {
        std::size_t writable = 0;
        for (const SentBuffer& buffer : chain.buffers) writable += buffer.writable ? buffer.length : 0;
        return driver.Written(chain, writable - 1);
    }

    // --- The worker's loop ---

    // Serves until nothing is left to do now. False once the queue broke.
    bool Serve() {
        ServeResult result = ServeResult::kMore;
        while (result == ServeResult::kMore) result = device.Serve();
        return result == ServeResult::kSleep;
    }
    // Many at a time, again and again, until DepthPolicy tries kSleep and the driver is asked to ring for several only.
    void SendManyUntilRingsAreLate() {
        constexpr int kMany = 40;
        const std::uint64_t until = MonotonicNanoseconds() + 1000 * DepthPolicy::kTurn;
        while (!device.Pause()) {
            ASSERT_LT(MonotonicNanoseconds(), until);
            for (int i = 0; i < kMany; ++i) Read(1, 512);
            ASSERT_TRUE(Serve());
            for (int i = 0; i < kMany; ++i) ASSERT_TRUE(driver.TakeUsed());
        }
    }
    // Serves, sleeping as a worker does, until `count` chains came back; gives their heads in order.
    std::vector<std::uint32_t> Await(std::size_t count) {
        std::vector<std::uint32_t> heads;
        for (;;) {
            const ServeResult result = device.Serve();
            while (const auto used = driver.TakeUsed()) {
                heads.push_back(used->head);
                last_written = used->written;
            }
            if (heads.size() >= count) return heads;
            if (result == ServeResult::kSleep && !AwaitRing()) return heads;
        }
    }
    // Stops and waits as a worker does at the driver's reset.
    void Drain() {
        device.Stop();
        for (;;) {
            const ServeResult result = device.Serve();
            if (device.Idle()) return;
            if (result == ServeResult::kSleep && !AwaitRing()) return;
        }
    }
    bool AwaitRing() const {
        pollfd poll{.fd = device.CompletionFd(), .events = POLLIN, .revents = 0};
        const int ready = ::poll(&poll, 1, 10'000);
        EXPECT_EQ(ready, 1) << "the device sleeps and nobody wakes it";
        return ready == 1;
    }

    GuestMemory memory = GuestMemory::Create(address_map::kMinRam).value();
    VirtioDriver driver;
    CountingIrqLine line;
    DeviceStats stats;
    std::uint32_t last_written = 0;

 private:
    std::unique_ptr<MemoryDisk> disk_;

 public:
    MemoryDisk& disk;
    BlkDevice device;

 private:
    Options options_;
};

}  // namespace husk::testing
