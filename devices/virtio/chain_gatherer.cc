#include "devices/virtio/chain_gatherer.h"

#include <algorithm>
#include <cstddef>

namespace husk {

Gathered ChainGatherer::GatherLong(VirtqDesc desc, std::span<iovec> storage) const {
    const auto limit = static_cast<std::uint32_t>(std::min<std::size_t>(table_.Count(), storage.size()));
    DescriptorTable table = table_;
    bool in_indirect = false;
    std::uint32_t count = 0;
    std::uint32_t readable = 0;
    std::uint64_t total = 0;
    for (;;) {
        if ((desc.flags & kDescIndirect) != 0) {
            // §2.7.5.3. The flag WRITE means nothing here.
            if (!indirect_) return QueueFault::kIndirectNotOffered;
            if (in_indirect || (desc.flags & kDescNext) != 0 || desc.len == 0 || desc.len % sizeof(VirtqDesc) != 0) {
                return QueueFault::kIndirectInvalid;
            }
            const auto bytes = memory_->Slice(GuestAddress(desc.addr), desc.len);
            if (!bytes) return QueueFault::kBufferNotInMemory;
            table = DescriptorTable(*bytes);
            in_indirect = true;
            desc = table.Load(0);
            continue;
        }
        if (count == limit) [[unlikely]]
            return QueueFault::kChainTooLong;
        if ((desc.flags & kDescWrite) == 0) {
            if (readable != count) [[unlikely]]
                return QueueFault::kReadableAfterWritable;
            ++readable;
        }
        if (desc.len == 0) [[unlikely]]
            return QueueFault::kBufferEmpty;
        total += desc.len;  // of at most kMaxQueueSize lengths: no overflow
        const auto buffer = memory_->Slice(GuestAddress(desc.addr), desc.len);
        if (!buffer) [[unlikely]]
            return QueueFault::kBufferNotInMemory;
        storage.data()[count++] = {buffer->data(), desc.len};
        if ((desc.flags & kDescNext) == 0) break;
        if (desc.next >= table.Count()) [[unlikely]]
            return QueueFault::kNextOutOfRange;
        desc = table.Load(desc.next);
    }
    if (total > UINT32_MAX) [[unlikely]]
        return QueueFault::kChainTooLarge;
    return {readable, count - readable};
}

}  // namespace husk
