// BounceBuffers: memory that O_DIRECT takes, for guests' buffers that it does not. A driver that aligns its buffers, as
// Linux' does, never comes here.
//
// Any thread. There are as many buffers as threads that move a disk's data, so nobody waits for one; who nevertheless
// finds none fails with EAGAIN.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>

#include "devices/host/disk_backend.h"

namespace husk {

class BounceBuffers {
 public:
    // The transfer in parts, each read into a buffer of ours by `move` (which gives 0 or an errno, like DiskBackend)
    // and copied from there, or the other way round.
    template <typename Move>
    [[nodiscard]] int Read(DiskTransfer& transfer, Move move) {
        return InParts(transfer, [&](std::span<std::byte> room) {
            if (const int error = MovePart(transfer.offset, room, move)) return error;
            Copy(transfer, room, [](std::byte* ours, void* guest, std::size_t n) { std::memcpy(guest, ours, n); });
            return 0;
        });
    }
    template <typename Move>
    [[nodiscard]] int Write(DiskTransfer& transfer, Move move) {
        return InParts(transfer, [&](std::span<std::byte> room) {
            std::array<iovec, kMostBuffers> saved{};
            DiskTransfer ahead = transfer;  // copied from first, and advanced only once it is on the disk
            const auto count = std::min(saved.size(), ahead.data.size());
            std::ranges::copy(ahead.data.first(count), saved.begin());
            ahead.data = std::span(saved).first(count);
            const std::uint64_t offset = transfer.offset;
            Copy(ahead, room, [](std::byte* ours, void* guest, std::size_t n) { std::memcpy(ours, guest, n); });
            if (const int error = MovePart(offset, room, move)) return error;
            transfer.Advance(room.size());
            return 0;
        });
    }

 private:
    static constexpr std::size_t kBytes = 64 * 1024;
    static constexpr std::size_t kBuffers = 8;
    static constexpr std::size_t kMostBuffers = 128;  // of one request

    struct alignas(4096) Buffer {
        std::array<std::byte, kBytes> bytes;
    };

    template <typename Part>
    int InParts(DiskTransfer& transfer, Part part) {
        for (std::size_t index = 0; index < kBuffers; ++index) {
            if (taken_[index].exchange(true, std::memory_order_acquire)) continue;
            int error = 0;
            while (transfer.length > 0 && error == 0) {
                error = part(std::span(buffers_[index].bytes).first(std::min<std::uint64_t>(transfer.length, kBytes)));
            }
            taken_[index].store(false, std::memory_order_release);
            return error;
        }
        return EAGAIN;
    }
    template <typename Move>
    static int MovePart(std::uint64_t offset, std::span<std::byte> room, Move move) {
        iovec buffer{room.data(), room.size()};
        DiskTransfer part{.offset = offset, .length = room.size(), .data = {&buffer, 1}};
        return move(part);
    }
    template <typename CopyBytes>
    static void Copy(DiskTransfer& transfer, std::span<std::byte> room, CopyBytes copy) {
        while (!room.empty()) {
            const iovec guest = transfer.data.front();
            const std::size_t count = std::min(room.size(), guest.iov_len);
            copy(room.data(), guest.iov_base, count);
            room = room.subspan(count);
            transfer.Advance(count);
        }
    }

    std::array<Buffer, kBuffers> buffers_;
    std::array<std::atomic<bool>, kBuffers> taken_{};
};

}  // namespace husk
