// SerialLink: the UART's end of the console rings. Called under the UART's lock (vCPU threads and the control thread).
#pragma once

#include "devices/host/console_pump.h"
#include "devices/platform/serial_host.h"
#include "devices/platform/uart8250.h"
#include "vmm/base/event_fd.h"

namespace husk {

class SerialLink final : public SerialHost {
 public:
    SerialLink(ConsoleRings& rings, const EventFd& wake_console)
        : output_(rings.from_guest), input_(rings.to_guest), wake_console_(wake_console) {}

    std::size_t Room() override {
        if (room_ >= kEnough) return room_;
        room_ = output_.Room();
        if (room_ < kEnough) {
            output_.AskForRoom();
            room_ = output_.Room();
        }
        return room_;
    }

    void Put(std::uint8_t byte) override {
        const std::byte out{byte};
        room_ -= output_.Write({&out, 1});
        if (output_.ReaderMustBeWoken()) wake_console_.Signal();
    }

    std::optional<std::uint8_t> Take() override {
        auto waiting = input_.Peek();
        // Empty: the console rings from now on. Look once more for what it put in before it could know; a console that
        // goes on changing its mind is heard at its next ring.
        if (waiting.empty() && !input_.Sleep()) waiting = input_.Peek();
        if (waiting.empty()) return std::nullopt;
        const auto byte = std::to_integer<std::uint8_t>(waiting.front());
        input_.Consume(1);
        if (input_.WriterMustBeWoken()) wake_console_.Signal();
        return byte;
    }

 private:
    // The UART reports an empty transmitter only with room for a whole FIFO.
    static constexpr std::uint32_t kEnough = Uart8250::kFifoSize;

    ByteRingWriter<kConsoleOutputRing> output_;
    ByteRingReader<kConsoleInputRing> input_;
    const EventFd& wake_console_;
    std::uint32_t room_ = 0;  // a lower bound: the reader only ever makes more
};

}  // namespace husk
