// A guest's driver of a virtio-console with named ports, for tests: control queues, and the queues of each port.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "devices/virtio/console/console_device.h"
#include "tests/support/virtio_driver.h"
#include "tests/unit/console_driver.h"
#include "vmm/base/bytes.h"

namespace husk::testing {

// "PORT_OPEN 1 = 1", "PORT_NAME 1 = 1 agent", ...
inline std::string Said(const std::string& message) {
    constexpr std::array kEvents{"DEVICE_READY", "PORT_ADD", "PORT_REMOVE", "PORT_READY",
                                 "CONSOLE_PORT", "RESIZE",   "PORT_OPEN",   "PORT_NAME"};
    const auto header = LoadAt<ControlMessage>(std::as_bytes(std::span(message)), 0);
    if (!header || header->event >= kEvents.size()) return "(no message)";
    std::string text = kEvents[header->event];
    text += " " + std::to_string(header->port) + " = " + std::to_string(header->value);
    const std::string rest = message.substr(sizeof *header);
    if (header->event != static_cast<std::uint16_t>(ControlEvent::kResize))
        return rest.empty() ? text : text + " " + rest;
    const auto size = LoadAt<ControlSize>(std::as_bytes(std::span(rest)), 0);
    return size ? text + " " + std::to_string(size->cols) + "x" + std::to_string(size->rows) : text + " (no size)";
}

class PortsDriver {
 public:
    explicit PortsDriver(std::size_t named = 2) : device(interrupt, *stats, std::span(kNames).first(named)) {}

    [[nodiscard]] Activation Chosen() const {
        Activation activation;
        activation.features = console_transmit.Features() | console_config::Features(2);
        const std::array<const VirtioDriver*, 8> queues{&console_receive,  &console_transmit, &control_receive,
                                                        &control_transmit, &receive,          &transmit,
                                                        &receive_2,        &transmit_2};
        for (std::size_t index = 0; index < queues.size(); ++index) activation.queues[index] = queues[index]->Config();
        return activation;
    }
    // DRIVER_OK, with room for so many control messages.
    void Start(int messages = 32) {
        ASSERT_EQ(device.Activate(memory, Chosen()), std::nullopt);
        Offer(messages);
    }
    // As Linux does it: ready for messages, for the ports, and (`open`) somebody reads port 1.
    void Settle(bool open = true) {
        Start();
        Tell(ControlEvent::kDeviceReady, 0xffff'ffff, 1);
        for (std::uint32_t port = 0; port < 3; ++port) Tell(ControlEvent::kPortReady, port, 1);
        if (open) Tell(ControlEvent::kPortOpen, 1, 1);
        (void)Heard();
    }
    void Offer(int messages, std::uint32_t bytes = 256) {
        for (int i = 0; i < messages; ++i) rooms_.push_back(control_receive.Chain().Writable(bytes).Send());
    }
    void Tell(ControlEvent event, std::uint32_t port, std::uint16_t value) {
        const ControlMessage message{.port = port, .event = static_cast<std::uint16_t>(event), .value = value};
        control_transmit.Chain().Readable(BytesOf(message)).Send();
        device.ServeControl();
        while (control_transmit.TakeUsed()) {
        }
    }
    // What it was told since the last time, a line each.
    std::string Heard() {
        device.ServeControl();
        std::string all;
        while (const auto used = control_receive.TakeUsed()) {
            all += Said(TextOf(control_receive.Written(rooms_.front(), used->written))) + "\n";
            rooms_.pop_front();
        }
        return all;
    }

    static constexpr std::array<std::string_view, 2> kNames{"agent", "org.two"};
    static VirtioDriver::Options At(std::uint64_t mebibytes) {
        return {.size = console_config::kQueueSize, .event_idx = true, .at = GuestAddress(mebibytes << 20)};
    }

    GuestMemory memory = GuestMemory::Create(32 * address_map::kMiB).value();
    VirtioDriver console_receive{memory, At(1)}, console_transmit{memory, At(3)};
    VirtioDriver control_receive{memory, At(5)}, control_transmit{memory, At(7)};
    VirtioDriver receive{memory, At(9)}, transmit{memory, At(11)};  // of port 1
    VirtioDriver receive_2{memory, At(13)}, transmit_2{memory, At(15)};
    EventFd interrupt = EventFd::Create().value();
    std::unique_ptr<DeviceStats> stats = std::make_unique<DeviceStats>();
    ConsoleDevice device;

 private:
    std::deque<SentChain> rooms_;
};

}  // namespace husk::testing
