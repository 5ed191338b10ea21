// The shapes of traffic that are measured, and the rings that carry them. The driver's part is done before the clock
// starts, all but its store of the available index.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/virtio_rings.h"

namespace husk::bench {

struct Shape {
    std::uint16_t buffers = 1;  // of each chain
    bool indirect = false;
    bool event_idx = true;
    std::uint16_t batch = 1;  // chains made available, and published, at once
    std::uint16_t size = 256;

    [[nodiscard]] std::uint16_t Chains() const { return indirect ? size : static_cast<std::uint16_t>(size / buffers); }
    // Whether a driver can have a batch of such chains in the queue.
    [[nodiscard]] bool Possible() const { return buffers <= size && batch <= Chains(); }
    [[nodiscard]] std::string Name() const {
        return std::to_string(buffers) + (indirect ? "/indirect" : "/direct") +
               "/event_idx:" + std::to_string(static_cast<int>(event_idx)) + "/batch:" + std::to_string(batch) +
               "/size:" + std::to_string(size);
    }
};

// Rings in which every available entry already names a chain: the first half of its buffers readable, the rest, at
// least one, writable. Where the size is no multiple of the number of chains, the same chain can follow itself: such
// rings are only for devices that give each chain back before they take the next.
inline testing::VirtioRings LayRings(const GuestMemory& memory, const Shape& shape) {
    testing::VirtioRings rings(memory, GuestAddress(0x10'0000), shape.size);
    const std::uint64_t tables = 0x20'0000;
    const std::uint64_t data = 0x80'0000;
    for (std::uint32_t chain = 0; chain < shape.Chains(); ++chain) {
        const std::uint32_t bytes = shape.buffers * std::uint32_t{sizeof(VirtqDesc)};
        const std::uint32_t head = shape.indirect ? chain : chain * shape.buffers;
        const GuestAddress table(tables + std::uint64_t{chain} * bytes);
        if (shape.indirect) rings.SetDescriptor(head, {table.Value(), bytes, kDescIndirect, 0});
        for (std::uint32_t i = 0; i < shape.buffers; ++i) {
            const bool last = i + 1U == shape.buffers;
            const bool writes = i >= shape.buffers / 2U;
            const std::uint32_t next = (shape.indirect ? 0 : head) + i + 1;
            const VirtqDesc desc{
                .addr = data + ((head + i) % 1024) * 4096ULL,
                .len = 512,
                .flags = static_cast<std::uint16_t>((last ? 0 : kDescNext) | (writes ? kDescWrite : 0)),
                .next = last ? std::uint16_t{0} : static_cast<std::uint16_t>(next)};
            if (shape.indirect) {
                rings.SetDescriptorAt(table, i, desc);
            } else {
                rings.SetDescriptor(head + i, desc);
            }
        }
    }
    for (std::uint32_t position = 0; position < shape.size; ++position) {
        const std::uint32_t chain = position % shape.Chains();
        rings.SetAvailable(static_cast<std::uint16_t>(position),
                           static_cast<std::uint16_t>(shape.indirect ? chain : chain * shape.buffers));
    }
    return rings;
}

}  // namespace husk::bench
