// OverlayDisk: a disk that is never written, and a scratch file that takes what a guest writes to it: `ephemeral`. Both
// in blocks of 4 KiB; a bit says which blocks are the scratch file's. Blocks that are written in part are filled up
// from the disk first.
//
// Behind the blocks, the scratch file has room for the bits: Save() puts them there when a worker ends, and Create()
// finds them when the guest has rebooted and its next worker starts. Nobody else ever sees either.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "devices/host/disk_backend.h"
#include "devices/host/disk_file.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

class OverlayDisk final : public DiskBackend {
 public:
    static constexpr std::uint64_t kBlock = 4096;

    // The launcher: a scratch file for a disk of `bytes`, without a name, in `folder`. Takes room as it is written.
    [[nodiscard]] static Result<ScopedFd> CreateScratch(const std::string& folder, std::uint64_t bytes);
    // What a scratch file's size is, for a disk of `bytes`.
    [[nodiscard]] static std::uint64_t ScratchBytes(std::uint64_t bytes);

    // The worker, before it is sealed: allocates. `disk` must outlive this.
    [[nodiscard]] static Result<std::unique_ptr<OverlayDisk>> Create(DiskFile& disk, ScopedFd scratch);

    // As DiskBackend says. Nothing is ever durable, as nothing outlives the VM: flushes have nothing to do. Discarding
    // does nothing either.
    [[nodiscard]] int Read(DiskTransfer& transfer, ReadMode mode) override;
    [[nodiscard]] int Write(DiskTransfer& transfer, WriteMode mode) override;
    [[nodiscard]] int Flush() override { return 0; }
    [[nodiscard]] int Discard(const DiskRange& range) override;
    [[nodiscard]] int WriteZeroes(const DiskRange& range, Unmap unmap, WriteMode mode) override;
    [[nodiscard]] std::uint64_t Bytes() const override { return disk_.Bytes(); }

    // For the next worker of this VM. When no request is under way.
    void Save();

 private:
    using Word = std::atomic<std::uint64_t>;
    static constexpr std::uint64_t kBlocksInWord = 64;

    OverlayDisk(DiskFile& disk, ScopedFd scratch);
    [[nodiscard]] Result<> Load();
    [[nodiscard]] bool IsWritten(std::uint64_t block) const;
    void SetWritten(std::uint64_t first, std::uint64_t end);
    // How many bytes from `offset` on, `most` at most, lie on the same side as the first one.
    [[nodiscard]] std::uint64_t SameSide(std::uint64_t offset, std::uint64_t most) const;
    // Fills the blocks at both ends of the range up from the disk. Under the lock.
    [[nodiscard]] int FillEdges(const DiskRange& range);
    [[nodiscard]] int FillUp(std::uint64_t block);
    [[nodiscard]] int MoveSome(DiskTransfer& transfer, std::uint64_t length, bool write, ReadMode mode);
    [[nodiscard]] std::span<std::byte> WordBytes();

    DiskFile& disk_;
    DiskFile scratch_;
    std::uint64_t words_begin_;  // in the scratch file
    std::vector<Word> words_;
    // Blocks become the scratch file's one write at a time: a block is then either whole there, or not there.
    std::mutex first_writes_;
    alignas(kBlock) std::array<std::byte, kBlock> fill_;
};

}  // namespace husk
