// A hostile block driver, step by step: any descriptors, rings, headers and resets, on a disk that fails and waits. The
// disk is never asked for anything outside of itself or for memory that is not the guest's; every request taken comes
// back exactly once; nothing hangs; and an honest request still works whenever the queue is whole.
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

#include "devices/virtio/blk/blk_config.h"
#include "devices/virtio/blk/blk_device.h"
#include "tests/support/virtio_rings.h"
#include "vmm/memory/address_map.h"

namespace {

using namespace husk;

constexpr std::uint64_t kDiskBytes = 64 * 512;
constexpr GuestAddress kRings{0x10'0000};
constexpr std::uint64_t kArena = 0x20'0000;   // buffers that overlap nothing but each other
constexpr std::uint64_t kHonest = 0x40'0000;  // the honest request's own

void Check(bool holds) {
    if (!holds) std::abort();
}

class CheckingDisk : public DiskBackend {
 public:
    explicit CheckingDisk(const GuestMemory& memory) : memory_(memory) {}

    int Read(DiskTransfer& transfer, ReadMode mode) override {
        const std::scoped_lock lock(mutex_);
        CheckTransfer(transfer);
        if (mode == ReadMode::kOnlyCached && cached != 0) return cached;
        return Move(transfer, false);
    }
    int Write(DiskTransfer& transfer, WriteMode) override {
        const std::scoped_lock lock(mutex_);
        Check(!read_only);
        CheckTransfer(transfer);
        return Move(transfer, true);
    }
    int Flush() override {
        const std::scoped_lock lock(mutex_);
        return error;
    }
    int Discard(const DiskRange& range) override {
        const std::scoped_lock lock(mutex_);
        CheckRange(range);
        return error;
    }
    int WriteZeroes(const DiskRange& range, Unmap, WriteMode) override {
        const std::scoped_lock lock(mutex_);
        CheckRange(range);
        if (error == 0) std::fill_n(bytes.begin() + range.offset, range.length, std::byte{0});
        return error;
    }
    std::uint64_t Bytes() const override { return kDiskBytes; }

    void Set(int cached_errno, int any_errno, std::uint64_t stop_after) {
        const std::scoped_lock lock(mutex_);
        cached = cached_errno;
        error = any_errno;
        stops_after = stop_after;
    }
    bool Works() {
        const std::scoped_lock lock(mutex_);
        return error == 0;
    }
    std::array<std::byte, kDiskBytes> bytes{};
    bool read_only = false;

 private:
    void CheckTransfer(const DiskTransfer& transfer) const {
        Check(transfer.offset <= kDiskBytes && transfer.length <= kDiskBytes - transfer.offset);
        const auto ram = memory_.Regions()[0].host;
        std::uint64_t total = 0;
        for (const iovec& buffer : transfer.data) {
            const auto* const at = static_cast<const std::byte*>(buffer.iov_base);
            Check(at >= ram.data() && buffer.iov_len <= ram.size() - static_cast<std::size_t>(at - ram.data()));
            total += buffer.iov_len;
        }
        Check(total == transfer.length && total % 512 == 0);
    }
    void CheckRange(const DiskRange& range) const {
        Check(!read_only && range.offset <= kDiskBytes && range.length <= kDiskBytes - range.offset);
    }
    int Move(DiskTransfer& transfer, bool write) {
        std::uint64_t moved = 0;
        while (transfer.length > 0) {
            if (error != 0 && moved >= stops_after) return error;
            const iovec buffer = transfer.data.front();
            std::byte* const at = bytes.data() + transfer.offset;
            if (write) {
                std::memmove(at, buffer.iov_base, buffer.iov_len);
            } else {
                std::memmove(buffer.iov_base, at, buffer.iov_len);
            }
            transfer.Advance(buffer.iov_len);
            moved += buffer.iov_len;
        }
        return error;
    }

    const GuestMemory& memory_;
    std::mutex mutex_;
    int cached = 0;
    int error = 0;
    std::uint64_t stops_after = 0;
};

struct CountingLine : IrqLine {
    void Pulse() override { ++pulses; }
    std::uint64_t pulses = 0;
};

// One for the life of the process: threads are dear. An input begins with a reset.
struct Worker {
    Worker(unsigned threads, bool read_only) {
        disk.read_only = read_only;
        device = std::make_unique<BlkDevice>(memory, disk, BlkOptions{.read_only = read_only, .serial = "fuzz"}, line,
                                             stats);
        if (!device->StartPool(threads)) std::abort();
    }
    GuestMemory memory = GuestMemory::Create(address_map::kMinRam).value();
    CheckingDisk disk{memory};
    CountingLine line;
    DeviceStats stats;
    std::unique_ptr<BlkDevice> device;
};

Worker& WorkerFor(std::uint8_t kind) {
    static Worker inline_io(0, false);
    static Worker read_only(0, true);
    static Worker pooled(2, false);
    const std::array<Worker*, 4> all{&inline_io, &inline_io, &read_only, &pooled};
    return *all[kind % 4];
}

class Input {
 public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    [[nodiscard]] bool Left() const { return at_ < size_; }
    std::uint8_t Byte() { return Left() ? data_[at_++] : 0; }
    template <typename T>
    T Take() {
        T value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | T{Byte()} << (8 * i));
        return value;
    }

 private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

class Session {
 public:
    Session(Worker& worker, Input& input) : worker_(worker), device_(*worker.device), input_(input) {
        worker_.disk.Set(0, 0, 0);
        Reset();
    }
    ~Session() { Drain(); }

    void Step() {
        switch (input_.Byte() % 10) {
            case 0:
            case 1:
                return PutDescriptor();
            case 2:
                return PutHeader();
            case 3:
                rings_.SetAvailable(available_++, input_.Byte());
                return rings_.SetAvailableIndex(available_);
            case 4:
                return PutChain();
            case 5:
                available_ = input_.Take<std::uint16_t>();
                return rings_.SetAvailableIndex(available_);
            case 6:
                return Serve();
            case 7:
                return ChangeDisk();
            case 8:
                return Honest();
            default:
                Drain();
                return Reset();
        }
    }

 private:
    void Reset() {
        device_.Deactivate();
        options_ = input_.Byte();
        rings_ = husk::testing::VirtioRings(worker_.memory, kRings, static_cast<std::uint16_t>(4U << (options_ & 3)));
        std::ranges::fill(worker_.memory.Slice(kRings, 0x4000).value(), std::byte{0});
        Activation activation;
        activation.features = kFeatureVersion1 | ((options_ & 4) != 0 ? kFeatureEventIdx : 0) |
                              ((options_ & 8) != 0 ? kFeatureIndirectDesc : 0) |
                              ((options_ & 16) != 0 ? kFeatureBlkFlush : 0) |
                              ((options_ & 32) != 0 ? kFeatureBlkDiscard | kFeatureBlkWriteZeroes : 0);
        // Any of the queues may be the one in use.
        activation.queues[(options_ & 64) != 0 ? 3 : 0] = rings_.Config();
        Check(!device_.Activate(activation));
        available_ = 0;
        overwritten_ = false;
        taken_before_ = worker_.stats.requests.Get();
    }

    // Everything taken since the reset is in the used ring, once.
    void Drain() {
        device_.Stop();
        Settle();
        Check(device_.Idle());
        const auto taken = static_cast<std::uint16_t>(worker_.stats.requests.Get() - taken_before_);
        if (!overwritten_) Check(rings_.UsedIndex() == taken);
    }

    void Serve() {
        const auto before = static_cast<std::uint16_t>(worker_.stats.requests.Get() - taken_before_);
        ServeResult result = ServeResult::kMore;
        for (int calls = 0; result == ServeResult::kMore; ++calls) {
            result = device_.Serve();
            Check(calls < 1000);
        }
        Check((result == ServeResult::kFault) <= device_.Fault().has_value());
        const auto after = static_cast<std::uint16_t>(worker_.stats.requests.Get() - taken_before_);
        if (!overwritten_) Check(static_cast<std::uint16_t>(after - before) <= rings_.Config().size);
    }

    // Until nothing is in flight; a pool that never rings would be a hang.
    void Settle() {
        Serve();
        while (!device_.Idle()) {
            pollfd poll{.fd = device_.CompletionFd(), .events = POLLIN, .revents = 0};
            Check(::poll(&poll, 1, 20'000) == 1);
            Serve();
        }
    }

    GuestAddress AnyAddress() {
        const std::uint8_t kind = input_.Byte();
        if (kind < 0xf0) return GuestAddress(kArena + kind * 512U);
        overwritten_ = true;
        if (kind < 0xf8) return GuestAddress(kRings.Value() + input_.Byte() * 16U);
        return GuestAddress(input_.Take<std::uint64_t>());
    }

    void PutDescriptor() {
        const std::uint16_t size = rings_.Config().size;
        const std::uint8_t place = input_.Byte();
        const VirtqDesc desc{.addr = AnyAddress().Value(),
                             .len = input_.Byte() * (place < 0x80 ? 16U : 512U) + (place & 1U),
                             .flags = static_cast<std::uint16_t>(input_.Byte() & 7),
                             .next = static_cast<std::uint16_t>(input_.Byte() % (size + 2U))};
        // Sometimes into a table that an indirect descriptor may name.
        if ((place & 0x40) != 0)
            return rings_.SetDescriptorAt(GuestAddress(kArena + 512U * (place & 7)), place & 15, desc);
        rings_.SetDescriptor(place % size, desc);
    }

    void PutHeader() {
        const std::uint8_t place = input_.Byte();
        const BlkRequestHeader header{.type = input_.Byte() % 16U,
                                      .reserved = 0,
                                      .sector = place < 0xf0 ? input_.Byte() % 70U : input_.Take<std::uint64_t>()};
        Check(worker_.memory.Write(GuestAddress(kArena + place * 512U), BytesOf(header)));
    }

    // A chain of header, up to four buffers and status that is right but for its contents and lengths.
    void PutChain() {
        const std::uint8_t shape = input_.Byte();
        const BlkRequestHeader header{.type = input_.Byte() % 16U, .reserved = 0, .sector = input_.Byte() % 70U};
        const GuestAddress at(kArena + (shape >> 2) * 512U);
        Check(worker_.memory.Write(at, BytesOf(header)));
        const std::uint16_t size = rings_.Config().size;
        const std::uint8_t first = input_.Byte();
        const unsigned buffers = 2 + shape % 3;
        for (unsigned i = 0; i < buffers; ++i) {
            const bool last = i + 1 == buffers;
            VirtqDesc desc{.addr = at.Value() + i * 1024,
                           .len = i == 0 ? 16U
                                  : last ? 1U
                                         : LengthOf(header.type),
                           .flags = static_cast<std::uint16_t>(last ? 0 : kDescNext),
                           .next = static_cast<std::uint16_t>((first + i + 1) % size)};
            const bool to_device =
                header.type == kBlkTypeWrite || header.type == kBlkTypeDiscard || header.type == kBlkTypeWriteZeroes;
            if (last || (i > 0 && !to_device)) desc.flags |= kDescWrite;
            rings_.SetDescriptor((first + i) % size, desc);
        }
        rings_.SetAvailable(available_++, first % size);
        rings_.SetAvailableIndex(available_);
    }

    std::uint32_t LengthOf(std::uint32_t type) {
        const std::uint8_t byte = input_.Byte();
        const bool range = type == kBlkTypeDiscard || type == kBlkTypeWriteZeroes;
        if (!range || byte >= 0xf0) return byte % 5 * 512U + 512U;
        return sizeof(BlkRange);
    }

    void ChangeDisk() {
        constexpr std::array<int, 4> kCached{0, EAGAIN, EOPNOTSUPP, EAGAIN};
        constexpr std::array<int, 4> kErrors{0, 0, EIO, ENOSPC};
        const std::uint8_t value = input_.Byte();
        worker_.disk.Set(kCached[value % 4], kErrors[value / 4 % 4], value / 16U * 512U);
    }

    // On a queue that is whole and empty, a read gives what is on the disk, or fails with the disk.
    void Honest() {
        Settle();
        const auto taken = static_cast<std::uint16_t>(worker_.stats.requests.Get() - taken_before_);
        if (device_.Fault() || overwritten_ || available_ != taken) return;
        const BlkRequestHeader header{.type = kBlkTypeRead, .reserved = 0, .sector = input_.Byte() % 64U};
        Check(worker_.memory.Write(GuestAddress(kHonest), BytesOf(header)));
        const GuestAddress answer(kHonest + 0x1000);
        std::ranges::fill(worker_.memory.Slice(answer, 513).value(), std::byte{0xee});
        rings_.SetDescriptor(0, {.addr = kHonest, .len = 16, .flags = kDescNext, .next = 1});
        rings_.SetDescriptor(1, {.addr = answer.Value(), .len = 513, .flags = kDescWrite, .next = 0});
        rings_.SetAvailable(available_++, 0);
        rings_.SetAvailableIndex(available_);
        Settle();
        const auto got = worker_.memory.Slice(answer, 513).value();
        if (!worker_.disk.Works()) return Check(got[512] == std::byte{1});
        Check(got[512] == std::byte{0});
        Check(std::ranges::equal(got.first(512), std::span(worker_.disk.bytes).subspan(header.sector * 512, 512)));
        Check(rings_.Used(taken).id == 0 && rings_.Used(taken).len == 513);
    }

    Worker& worker_;
    BlkDevice& device_;
    Input& input_;
    std::uint8_t options_ = 0;
    husk::testing::VirtioRings rings_{worker_.memory, kRings, 4};
    std::uint16_t available_ = 0;
    bool overwritten_ = false;  // a buffer may lie over the rings: what they say means nothing
    std::uint64_t taken_before_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    Worker& worker = WorkerFor(input.Byte());
    Session session(worker, input);
    while (input.Left()) session.Step();
    return 0;
}
