#include "devices/host/overlay_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace husk {
namespace {

constexpr std::uint64_t BlocksOf(std::uint64_t bytes) {
    return (bytes + OverlayDisk::kBlock - 1) / OverlayDisk::kBlock;
}
constexpr std::uint64_t WordsOf(std::uint64_t bytes) { return (BlocksOf(bytes) + 63) / 64; }
constexpr std::uint64_t WholeBlocks(std::uint64_t bytes) { return BlocksOf(bytes) * OverlayDisk::kBlock; }
// The room for the bits, whole blocks.
constexpr std::uint64_t WordRoom(std::uint64_t bytes) { return WholeBlocks(WordsOf(bytes) * sizeof(std::uint64_t)); }

constexpr std::size_t kMostBuffers = 128;  // of one request

// What a file system without O_TMPFILE is left with.
ScopedFd OpenAndUnlink(const std::string& folder) {
    std::string name = folder + "/husk-XXXXXX";
    ScopedFd fd(::mkostemp(name.data(), O_CLOEXEC));
    if (fd) ::unlink(name.c_str());
    return fd;
}

}  // namespace

std::uint64_t OverlayDisk::ScratchBytes(std::uint64_t bytes) { return WholeBlocks(bytes) + WordRoom(bytes); }

Result<ScopedFd> OverlayDisk::CreateScratch(const std::string& folder, std::uint64_t bytes) {
    ScopedFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600));
    if (!fd && (errno == EOPNOTSUPP || errno == EISDIR)) fd = OpenAndUnlink(folder);
    if (!fd) return FailOs("cannot create a scratch file in " + folder + " (TMPDIR names another folder)");
    if (::ftruncate(fd.Get(), static_cast<off_t>(ScratchBytes(bytes))) != 0) {
        return FailOs("cannot size a scratch file in " + folder);
    }
    // The bits' room is taken now, so that a full file system does not keep them from the next worker.
    constexpr int kJustAllocate = 0;
    const auto bits = static_cast<off_t>(WholeBlocks(bytes));
    if (::fallocate(fd.Get(), kJustAllocate, bits, static_cast<off_t>(WordRoom(bytes))) != 0 && errno != EOPNOTSUPP) {
        return FailOs("cannot size a scratch file in " + folder);
    }
    return fd;
}

Result<std::unique_ptr<OverlayDisk>> OverlayDisk::Create(DiskFile& disk, ScopedFd scratch) {
    std::unique_ptr<OverlayDisk> overlay(new OverlayDisk(disk, std::move(scratch)));
    HUSK_TRY(overlay->Load());
    return overlay;
}

OverlayDisk::OverlayDisk(DiskFile& disk, ScopedFd scratch)
    : disk_(disk),
      scratch_(DiskFile::Adopt(std::move(scratch), {.bytes = ScratchBytes(disk.Bytes())}, false)),
      words_begin_(WholeBlocks(disk.Bytes())),
      words_(WordRoom(disk.Bytes()) / sizeof(std::uint64_t)) {}

std::span<std::byte> OverlayDisk::WordBytes() {
    static_assert(sizeof(Word) == sizeof(std::uint64_t) && Word::is_always_lock_free);
    return {reinterpret_cast<std::byte*>(words_.data()), words_.size() * sizeof(Word)};
}

Result<> OverlayDisk::Load() {
    const auto bytes = WordBytes();
    iovec buffer{bytes.data(), bytes.size()};
    DiskTransfer transfer{.offset = words_begin_, .length = bytes.size(), .data = {&buffer, 1}};
    if (const int error = scratch_.Read(transfer, ReadMode::kMayWait))
        return FailOs("cannot read a scratch file", error);
    return {};
}

void OverlayDisk::Save() {
    const auto bytes = WordBytes();
    for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
        const auto part = bytes.subspan(at, kBlock);
        if (std::ranges::all_of(part, [](std::byte byte) { return byte == std::byte{0}; })) continue;  // as it is there
        iovec buffer{part.data(), part.size()};
        DiskTransfer transfer{.offset = words_begin_ + at, .length = part.size(), .data = {&buffer, 1}};
        // Without its bits the next worker would show blocks as they were before. The launcher sees how this one ends.
        if (scratch_.Write(transfer, WriteMode::kCached) != 0) std::abort();
    }
}

bool OverlayDisk::IsWritten(std::uint64_t block) const {
    // Acquire: pairs with SetWritten(); the block is in the scratch file.
    return (words_[block / kBlocksInWord].load(std::memory_order_acquire) >> (block % kBlocksInWord) & 1) != 0;
}

void OverlayDisk::SetWritten(std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t block = first; block < end; ++block) {
        words_[block / kBlocksInWord].fetch_or(std::uint64_t{1} << block % kBlocksInWord, std::memory_order_release);
    }
}

std::uint64_t OverlayDisk::SameSide(std::uint64_t offset, std::uint64_t most) const {
    const bool written = IsWritten(offset / kBlock);
    std::uint64_t length = std::min(most, kBlock - offset % kBlock);
    while (length < most && IsWritten((offset + length) / kBlock) == written) {
        length += std::min(most - length, kBlock);
    }
    return length;
}

// `length` bytes of the transfer, on the side where its first block lies.
int OverlayDisk::MoveSome(DiskTransfer& transfer, std::uint64_t length, bool write, ReadMode mode) {
    std::array<iovec, kMostBuffers> some;
    std::size_t count = 0;
    std::uint64_t gathered = 0;
    while (gathered < length && count < std::min(some.size(), transfer.data.size())) {
        some[count] = transfer.data[count];
        some[count].iov_len = std::min<std::uint64_t>(some[count].iov_len, length - gathered);
        gathered += some[count++].iov_len;
    }
    DiskTransfer part{.offset = transfer.offset, .length = gathered, .data = std::span(some).first(count)};
    const bool scratch = write || IsWritten(transfer.offset / kBlock);
    const int error = write ? scratch_.Write(part, WriteMode::kCached) : (scratch ? scratch_ : disk_).Read(part, mode);
    transfer.Advance(gathered - part.length);
    return error;
}

int OverlayDisk::Read(DiskTransfer& transfer, ReadMode mode) {
    if (!disk_.Has({transfer.offset, transfer.length})) return EINVAL;
    while (transfer.length > 0) {
        const std::uint64_t length = SameSide(transfer.offset, transfer.length);
        if (const int error = MoveSome(transfer, length, false, mode)) return error;
    }
    return 0;
}

int OverlayDisk::Write(DiskTransfer& transfer, WriteMode) {
    const DiskRange range{transfer.offset, transfer.length};
    if (!disk_.Has(range)) return EINVAL;
    if (range.length == 0) return 0;
    const std::uint64_t first = range.offset / kBlock;
    const std::uint64_t end = BlocksOf(range.offset + range.length);
    std::unique_lock lock(first_writes_, std::defer_lock);
    const bool all_there = IsWritten(first) && SameSide(range.offset, range.length) == range.length;
    if (!all_there) {
        lock.lock();
        if (const int error = FillEdges(range)) return error;
    }
    while (transfer.length > 0) {
        if (const int error = MoveSome(transfer, transfer.length, true, ReadMode::kMayWait)) return error;
    }
    SetWritten(first, end);
    return 0;
}

int OverlayDisk::Discard(const DiskRange& range) { return disk_.Has(range) ? 0 : EINVAL; }

int OverlayDisk::WriteZeroes(const DiskRange& range, Unmap, WriteMode) {
    if (!disk_.Has(range)) return EINVAL;
    if (range.length == 0) return 0;
    const std::scoped_lock lock(first_writes_);
    if (const int error = FillEdges(range)) return error;
    if (const int error = scratch_.WriteZeroes(range, Unmap::kMay, WriteMode::kCached)) return error;
    SetWritten(range.offset / kBlock, BlocksOf(range.offset + range.length));
    return 0;
}

int OverlayDisk::FillEdges(const DiskRange& range) {
    const std::uint64_t end = range.offset + range.length;
    if (range.offset % kBlock != 0) {
        if (const int error = FillUp(range.offset / kBlock)) return error;
    }
    return end % kBlock != 0 ? FillUp(end / kBlock) : 0;
}

int OverlayDisk::FillUp(std::uint64_t block) {
    if (IsWritten(block)) return 0;
    const std::uint64_t offset = block * kBlock;
    const std::uint64_t length = std::min(kBlock, disk_.Bytes() - offset);
    iovec buffer{fill_.data(), length};
    DiskTransfer from{.offset = offset, .length = length, .data = {&buffer, 1}};
    if (const int error = disk_.Read(from, ReadMode::kMayWait)) return error;
    buffer = {fill_.data(), length};
    DiskTransfer to{.offset = offset, .length = length, .data = {&buffer, 1}};
    if (const int error = scratch_.Write(to, WriteMode::kCached)) return error;
    SetWritten(block, block + 1);
    return 0;
}

}  // namespace husk
