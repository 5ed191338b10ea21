#include "devices/host/io_ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <utility>

#include "vmm/base/syscalls.h"

namespace husk {
namespace {

constexpr std::int32_t kTheFile = 0;  // its index among the ring's files

Result<std::span<std::byte>> Map(int fd, std::size_t size, off_t place) {
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, place);
    if (at == MAP_FAILED) return FailOs("cannot map an io_uring");
    return std::span(static_cast<std::byte*>(at), size);
}

Result<> Register(int fd, unsigned what, const void* argument, unsigned count) {
    if (::syscall(SYS_io_uring_register, fd, what, argument, count) == 0) return {};
    return FailOs("cannot set up an io_uring");
}

// Four operations, each on the registered file only; no ring can be changed any more once it runs.
Result<> Restrict(int fd) {
    const auto operation = [](io_uring_op op) {
        io_uring_restriction rule{};
        rule.opcode = IORING_RESTRICTION_SQE_OP;
        rule.sqe_op = static_cast<std::uint8_t>(op);
        return rule;
    };
    io_uring_restriction fixed_file{};
    fixed_file.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
    fixed_file.sqe_flags = IOSQE_FIXED_FILE;
    const std::array rules{operation(IORING_OP_READV), operation(IORING_OP_WRITEV), operation(IORING_OP_FSYNC),
                           operation(IORING_OP_FALLOCATE), fixed_file};
    return Register(fd, IORING_REGISTER_RESTRICTIONS, rules.data(), rules.size());
}

std::uint8_t OpcodeOf(RingOperation::Kind kind) {
    switch (kind) {
        case RingOperation::Kind::kRead:
            return IORING_OP_READV;
        case RingOperation::Kind::kWrite:
        case RingOperation::Kind::kDurableWrite:
            return IORING_OP_WRITEV;
        case RingOperation::Kind::kFlush:
            return IORING_OP_FSYNC;
        case RingOperation::Kind::kAllocate:
            return IORING_OP_FALLOCATE;
    }
    return IORING_OP_NOP;  // which the restriction refuses
}

}  // namespace

Result<IoRing> IoRing::Create(unsigned entries, int file, int slot) {
    io_uring_params params{};
    params.flags = IORING_SETUP_R_DISABLED;  // until it is restricted
    ScopedFd fd(static_cast<int>(::syscall(SYS_io_uring_setup, entries, &params)));
    if (!fd) return FailOs("cannot create an io_uring");
    if ((params.features & IORING_FEAT_SINGLE_MMAP) == 0) return Fail("the host's io_uring is too old");
    HUSK_TRY(Register(fd.Get(), IORING_REGISTER_FILES, &file, 1));
    HUSK_TRY(Restrict(fd.Get()));
    HUSK_TRY(Register(fd.Get(), IORING_REGISTER_ENABLE_RINGS, nullptr, 0));
    const std::size_t rings = std::max(params.sq_off.array + params.sq_entries * sizeof(std::uint32_t),
                                       params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
    const auto ring_bytes = HUSK_TRY(Map(fd.Get(), rings, IORING_OFF_SQ_RING));
    auto entry_bytes = Map(fd.Get(), params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
    if (!entry_bytes) {
        ::munmap(ring_bytes.data(), ring_bytes.size());
        return std::unexpected(entry_bytes.error());
    }
    IoRing ring(std::move(fd), params, ring_bytes, *entry_bytes);
    if (::dup3(ring.fd_.Get(), slot, O_CLOEXEC) != slot) return FailOs("cannot place an io_uring's descriptor");
    ring.fd_.Reset(slot);
    return ring;
}

IoRing::IoRing(ScopedFd fd, const io_uring_params& params, std::span<std::byte> rings, std::span<std::byte> entries)
    : fd_(std::move(fd)),
      rings_(rings),
      entry_bytes_(entries),
      entries_(reinterpret_cast<io_uring_sqe*>(entries.data())),
      completions_(reinterpret_cast<io_uring_cqe*>(rings.data() + params.cq_off.cqes)),
      submission_tail_(At(params.sq_off.tail)),
      completion_head_(At(params.cq_off.head)),
      completion_tail_(At(params.cq_off.tail)),
      entry_mask_(*At(params.sq_off.ring_mask)),
      completion_mask_(*At(params.cq_off.ring_mask)) {
    // Entries are used in order: the array of their numbers never changes.
    for (std::uint32_t i = 0; i <= entry_mask_; ++i) At(params.sq_off.array)[i] = i;
}

IoRing::IoRing(IoRing&& other) noexcept
    : fd_(std::move(other.fd_)),
      rings_(std::exchange(other.rings_, {})),
      entry_bytes_(std::exchange(other.entry_bytes_, {})),
      entries_(other.entries_),
      completions_(other.completions_),
      submission_tail_(other.submission_tail_),
      completion_head_(other.completion_head_),
      completion_tail_(other.completion_tail_),
      entry_mask_(other.entry_mask_),
      completion_mask_(other.completion_mask_),
      tail_(other.tail_),
      unsubmitted_(other.unsubmitted_) {}

IoRing::~IoRing() {
    for (const std::span<std::byte> mapping : {rings_, entry_bytes_}) {
        if (!mapping.empty()) ::munmap(mapping.data(), mapping.size());
    }
}

std::uint32_t* IoRing::At(std::uint32_t offset) const {
    return reinterpret_cast<std::uint32_t*>(rings_.data() + offset);
}

void IoRing::Put(const RingOperation& operation, std::uint64_t tag) {
    io_uring_sqe& entry = entries_[tail_ & entry_mask_];
    entry = {};
    entry.opcode = OpcodeOf(operation.kind);
    entry.flags = IOSQE_FIXED_FILE;
    entry.fd = kTheFile;
    entry.user_data = tag;
    entry.off = operation.offset;
    if (operation.kind == RingOperation::Kind::kFlush) {
        entry.fsync_flags = IORING_FSYNC_DATASYNC;
        entry.off = 0;  // with a length of 0: all of the file
    } else if (operation.kind == RingOperation::Kind::kAllocate) {
        entry.addr = operation.length;
        entry.len = static_cast<std::uint32_t>(operation.allocate_mode);
    } else {
        entry.addr = reinterpret_cast<std::uint64_t>(operation.data.data());
        entry.len = static_cast<std::uint32_t>(operation.data.size());
        if (operation.kind == RingOperation::Kind::kDurableWrite) entry.rw_flags = RWF_DSYNC;
    }
    ++tail_;
    ++unsubmitted_;
    // Release: pairs with the kernel's load of the tail; the entry is complete.
    std::atomic_ref(*submission_tail_).store(tail_, std::memory_order_release);
}

void IoRing::Submit() {
    if (unsubmitted_ == 0) return;
    constexpr unsigned kNoWaiting = 0;
    const long taken = RawSyscall(SYS_io_uring_enter, fd_.Get(), unsubmitted_, kNoWaiting, kNoWaiting, nullptr, 0);
    if (taken > 0) unsubmitted_ -= std::min(unsubmitted_, static_cast<std::uint32_t>(taken));
}

bool IoRing::HasCompletion() const {
    return std::atomic_ref(*completion_tail_).load(std::memory_order_relaxed) != *completion_head_;
}

std::optional<RingCompletion> IoRing::Next() {
    const std::uint32_t head = *completion_head_;  // ours alone
    // Acquire: pairs with the kernel's release of the tail.
    if (std::atomic_ref(*completion_tail_).load(std::memory_order_acquire) == head) return std::nullopt;
    const io_uring_cqe& done = completions_[head & completion_mask_];
    const RingCompletion completion{.tag = done.user_data, .result = done.res};
    // Release: the kernel may use the place again.
    std::atomic_ref(*completion_head_).store(head + 1, std::memory_order_release);
    return completion;
}

}  // namespace husk
