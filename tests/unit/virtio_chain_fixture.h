// The fixture of the tests about chains: a driver, a queue of 8, and short words for descriptors.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "devices/virtio/split_queue.h"
#include "tests/support/virtio_driver.h"
#include "vmm/memory/address_map.h"

namespace husk::testing {

class ChainTest : public ::testing::Test {
 protected:
    static constexpr std::uint64_t kRam = 16 * address_map::kMiB;
    static constexpr GuestAddress kSomewhere{0x80'0000};
    static constexpr GuestAddress kTable{0x70'0000};

    static const GuestMemory& Memory() {
        static const GuestMemory memory = GuestMemory::Create(kRam).value();
        return memory;
    }
    static std::string Text(const iovec& buffer) { return {static_cast<const char*>(buffer.iov_base), buffer.iov_len}; }

    std::expected<std::optional<DescriptorChain>, QueueFault> Pop() { return queue_.Pop(storage_); }
    // The fault of the next chain. Whether it stays is looked at too.
    std::optional<QueueFault> FaultOfPop() {
        const auto first = Pop();
        const auto second = Pop();
        if (first || second || first.error() != second.error()) return std::nullopt;
        return first.error();
    }
    void Avail(std::uint16_t head) {
        driver_.Rings().SetAvailable(0, head);
        driver_.Rings().SetAvailableIndex(1);
    }
    void Desc(std::uint16_t index, std::uint32_t flags, std::uint16_t next = 0, std::uint32_t len = 16,
              GuestAddress at = kSomewhere) {
        driver_.Rings().SetDescriptor(index, {at.Value(), len, static_cast<std::uint16_t>(flags), next});
    }
    // An entry of an indirect table at kTable.
    void Inner(std::uint16_t index, std::uint32_t flags, std::uint16_t next = 0, std::uint32_t len = 16) {
        driver_.Rings().SetDescriptorAt(kTable, index,
                                        {kSomewhere.Value(), len, static_cast<std::uint16_t>(flags), next});
    }

    VirtioDriver driver_{Memory(), {.size = 8}};
    SplitQueue queue_ = SplitQueue::Create(Memory(), driver_.Config(), driver_.Features()).value();
    std::array<iovec, 16> storage_{};
};

}  // namespace husk::testing
