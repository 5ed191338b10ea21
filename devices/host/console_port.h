// ConsolePort: a port of the guest's virtio console, its second console end hvc0 or a named one, as ConsolePump and
// PortPump see it: a stream of bytes each way. What is behind it is in the guest's hands. One thread: the console
// role's loop. Nothing here blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace husk {

class ConsolePort {
 public:
    virtual ~ConsolePort() = default;

    // A driver runs it, and has not broken it.
    [[nodiscard]] virtual bool Live() const = 0;
    // Somebody in the guest reads it, or will: Put() is worth while.
    [[nodiscard]] virtual bool GuestOpen() const { return Live(); }
    // How often that began: bytes for one reader are not for the next.
    [[nodiscard]] virtual std::uint32_t Openings() const { return 0; }

    // Copies output of the guest to `room` and says how much; the rest stays with the guest. 0: there is none.
    virtual std::size_t Take(std::span<std::byte> room) = 0;
    // Whether a Take() is worth while.
    [[nodiscard]] virtual bool HasOutput() const = 0;
    // Gives the guest as many of the typed bytes as it has room for, and says how many.
    virtual std::size_t Put(std::span<const std::byte> typed) = 0;
    // Ends a batch of Take() and Put(): the guest sees what became of them.
    virtual void Flush() = 0;

    // Interrupts the guest for what Flush() showed it, when it has not looked yet. Sleep() does so, too.
    virtual void Settle() {}

    // Asks for doorbells before the caller sleeps: at output when `for_output`, at room for typed bytes when
    // `for_room`. False: one of them is there already, and the caller must not sleep.
    [[nodiscard]] virtual bool Sleep(bool for_output, bool for_room) = 0;
};

}  // namespace husk
