// A guest's virtio-console driver for tests: both queues in a memory of its own, and the device that serves them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "devices/virtio/console/console_device.h"
#include "tests/support/virtio_driver.h"
#include "vmm/base/event_fd.h"
#include "vmm/memory/guest_memory.h"

namespace husk::testing {

inline std::string TextOf(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ConsoleDriver {
 public:
    explicit ConsoleDriver(bool event_idx = true)
        : receive(memory, {.size = console_config::kQueueSize, .event_idx = event_idx, .at = GuestAddress(0x10'0000)}),
          transmit(memory,
                   {.size = console_config::kQueueSize, .event_idx = event_idx, .at = GuestAddress(0x30'0000)}) {}

    [[nodiscard]] Activation Chosen() const {
        Activation activation;
        activation.features = transmit.Features() | console_config::kFeatureSize;
        activation.queues[console_config::kReceiveQueue] = receive.Config();
        activation.queues[console_config::kTransmitQueue] = transmit.Config();
        return activation;
    }
    // DRIVER_OK.
    void Start() { ASSERT_EQ(device.Activate(memory, Chosen()), std::nullopt); }

    SentChain Write(std::string_view text) { return transmit.Chain().Readable(text).Send(); }
    SentChain OfferRoom(std::uint32_t bytes) { return receive.Chain().Writable(bytes).Send(); }
    // What came in since the last time, for chains that were offered in this order.
    std::string Read(const SentChain& chain) {
        const auto used = receive.TakeUsed();
        if (!used || used->head != chain.head) return "(not this chain)";
        return TextOf(receive.Written(chain, used->written));
    }

    // What the host takes, with room for so much.
    std::string Take(std::size_t room) {
        std::string text(room, '\0');
        text.resize(port.Take(std::as_writable_bytes(std::span(text))));
        return text;
    }
    std::size_t Type(std::string_view text) { return port.Put(std::as_bytes(std::span(text))); }
    // Ends the batch; true when the guest was interrupted.
    bool Flush() {
        port.Flush();
        port.Settle();
        return interrupt.Drain();
    }

    GuestMemory memory = GuestMemory::Create(16 * address_map::kMiB).value();
    VirtioDriver receive;
    VirtioDriver transmit;
    EventFd interrupt = EventFd::Create().value();
    std::unique_ptr<DeviceStats> stats = std::make_unique<DeviceStats>();
    ConsoleDevice device{interrupt, *stats};
    ConsolePort& port = device.Console();
};

}  // namespace husk::testing
