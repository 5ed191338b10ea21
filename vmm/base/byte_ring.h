// ByteRing: a stream of bytes from one role to another through shared memory, one writer and one reader.
//
// Neither side trusts the other: each keeps its own position in private memory and takes the peer's position as a claim
// that is checked against the capacity. A peer that lies can only spoil the stream it shares.
//
// Doorbells are eventfds of the caller. They are rung only when the other side said that it sleeps (as
// VIRTIO_F_EVENT_IDX does it for queues), so a busy stream costs no system calls on the writer's side.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace husk {

// The shared part. All-zero memory (a fresh memfd) is an empty ring.
template <std::uint32_t kCapacity>
struct ByteRing {
    static_assert((kCapacity & (kCapacity - 1)) == 0, "positions wrap at 2^32");
    alignas(64) std::atomic<std::uint32_t> written;  // by the writer: bytes put in so far, modulo 2^32
    std::atomic<std::uint32_t> writer_waits;         // by the writer: wake me when there is room
    alignas(64) std::atomic<std::uint32_t> taken;    // by the reader: bytes taken out so far, modulo 2^32
    std::atomic<std::uint32_t> reader_sleeps;        // by the reader: wake me when there is something
    alignas(64) std::array<std::byte, kCapacity> bytes;
};

template <std::uint32_t kCapacity>
class ByteRingWriter {
 public:
    explicit ByteRingWriter(ByteRing<kCapacity>& ring) : ring_(&ring) {}

    [[nodiscard]] std::uint32_t Room() const {
        // Acquire: pairs with Consume(); the reader is done with the bytes before we write over them.
        const std::uint32_t used = written_ - ring_->taken.load(std::memory_order_acquire);
        return used <= kCapacity ? kCapacity - used : 0;
    }

    // Writes what fits and says how much that was.
    std::uint32_t Write(std::span<const std::byte> bytes) {
        const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), Room()));
        for (std::uint32_t i = 0; i < count; ++i) ring_->bytes[(written_ + i) % kCapacity] = bytes[i];
        written_ += count;
        // Release: pairs with Peek(); whoever sees the position sees the bytes.
        ring_->written.store(written_, std::memory_order_release);
        return count;
    }

    // After Write(): true when the reader sleeps and its doorbell must be rung. The fence pairs with the one in
    // ByteRingReader::Sleep(): either we see its flag, or it sees our bytes.
    [[nodiscard]] bool ReaderMustBeWoken() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return ring_->reader_sleeps.load(std::memory_order_relaxed) != 0 &&
               ring_->reader_sleeps.exchange(0, std::memory_order_relaxed) != 0;
    }

    // Asks for our doorbell at the next Consume(). Room() must be looked at once more afterwards.
    void AskForRoom() {
        ring_->writer_waits.store(1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }

 private:
    ByteRing<kCapacity>* ring_;
    std::uint32_t written_ = 0;
};

template <std::uint32_t kCapacity>
class ByteRingReader {
 public:
    explicit ByteRingReader(ByteRing<kCapacity>& ring) : ring_(&ring) {}

    [[nodiscard]] std::uint32_t Available() const {
        const std::uint32_t waiting = ring_->written.load(std::memory_order_acquire) - taken_;
        return waiting <= kCapacity ? waiting : 0;  // a position that cannot be is no position
    }

    // The next bytes that lie together; the writer may still scribble on them, so they are only to be copied out.
    [[nodiscard]] std::span<const std::byte> Peek() const {
        const std::uint32_t at = taken_ % kCapacity;
        return {ring_->bytes.data() + at, std::min(Available(), kCapacity - at)};
    }

    void Consume(std::uint32_t count) {
        taken_ += count;
        ring_->taken.store(taken_, std::memory_order_release);
    }

    // After Consume(): true when the writer waits for room and its doorbell must be rung.
    [[nodiscard]] bool WriterMustBeWoken() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return ring_->writer_waits.load(std::memory_order_relaxed) != 0 &&
               ring_->writer_waits.exchange(0, std::memory_order_relaxed) != 0;
    }

    // Says that we are about to sleep with `left` bytes not taken; false when more came in and we must not.
    [[nodiscard]] bool Sleep(std::uint32_t left = 0) {
        ring_->reader_sleeps.store(1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (Available() <= left) return true;
        ring_->reader_sleeps.store(0, std::memory_order_relaxed);
        return false;
    }

 private:
    ByteRing<kCapacity>* ring_;
    std::uint32_t taken_ = 0;
};

}  // namespace husk
