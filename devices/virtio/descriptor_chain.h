// DescriptorChain: one request of the driver (Virtio 1.2 §2.7.5): buffers resolved to host memory, which the guest can
// still change. Move-only: it goes back through SplitQueue::Push() exactly once. The buffers live in the storage given
// to SplitQueue::Pop().
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

namespace husk {

struct BufferCounts {
    std::uint16_t readable;
    std::uint16_t writable;
};

class DescriptorChain {
 public:
    // Member by member, so that a chain stays in registers: as one trivial block it would travel through memory.
    DescriptorChain(DescriptorChain&& other) noexcept
        : buffers_(other.buffers_), counts_(other.counts_), head_(other.head_) {}
    DescriptorChain& operator=(DescriptorChain&& other) noexcept {
        buffers_ = other.buffers_;
        counts_ = other.counts_;
        head_ = other.head_;
        return *this;
    }
    ~DescriptorChain() = default;

    [[nodiscard]] std::span<iovec> Readable() const { return {buffers_, counts_.readable}; }  // the driver's data
    [[nodiscard]] std::span<iovec> Writable() const {                                         // room for the answer
        return {buffers_ + counts_.readable, counts_.writable};
    }
    [[nodiscard]] std::uint16_t Head() const { return head_; }

    // Only the queue makes chains; it does so inside of a std::expected, hence a key and no private constructor.
    class Key {
        friend class SplitQueue;
        Key() = default;
    };
    DescriptorChain(Key, std::uint16_t head, iovec* buffers, BufferCounts counts)
        : buffers_(buffers), counts_(counts), head_(head) {}

 private:
    iovec* buffers_;  // counts_.readable and then counts_.writable of them
    BufferCounts counts_;
    std::uint16_t head_;
};

}  // namespace husk
