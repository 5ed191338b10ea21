// How the guest ends or restarts the machine, and how the host asks it to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/bus/device.h"
#include "vmm/bus/irq.h"
#include "vmm/memory/address_map.h"

namespace husk {

// SLP_TYP of the soft-off state: what the ACPI tables' \_S5 package must hold.
inline constexpr std::uint8_t kSleepTypeS5 = 5;

// Who hears of it. Called on vCPU threads, as often as a guest likes: remember the first call and return.
class PowerSink {
 public:
    virtual ~PowerSink() = default;
    virtual void Poweroff() = 0;
    virtual void Reset() = 0;
};

// The sleep control, sleep status and reset registers of a hardware-reduced ACPI machine (ACPI 6.5 §4.8.3.7
// and §4.8.3.6), one byte each, at kPorts ports from kPort. Stateless: control reads 0, and status reads 0
// (WAK_STS, as no sleep ever ends in waking up). Soft-off is the only sleep there is.
class PowerControl final : public BusDevice {
 public:
    static constexpr std::uint16_t kPort = address_map::kSleepControlPort;
    static constexpr std::uint16_t kPorts = 3;

    explicit PowerControl(PowerSink& sink) : sink_(sink) {}
    void Read(std::uint64_t offset, std::span<std::byte> data) override;
    void Write(std::uint64_t offset, std::span<const std::byte> data) override;

 private:
    PowerSink& sink_;
};

// The command port of a keyboard controller, of which only "pulse the reset line" works: the way of rebooting
// that Linux takes without firmware. Its status reads 0xfd: input buffer empty (bit 1), so that Linux does
// not wait before it writes; output buffer full for ever (bit 0), so that no driver takes this for a
// controller.
class KeyboardReset final : public BusDevice {
 public:
    static constexpr std::uint16_t kPort = address_map::kKeyboardStatusPort;
    static constexpr std::uint16_t kPorts = 1;

    explicit KeyboardReset(PowerSink& sink) : sink_(sink) {}
    void Read(std::uint64_t offset, std::span<std::byte> data) override;
    void Write(std::uint64_t offset, std::span<const std::byte> data) override;

 private:
    PowerSink& sink_;
};

// The button on the case: an interrupt of the Generic Event Device, whose _EVT notifies the PNP0C0C device.
class PowerButton {
 public:
    // `line` is the one of address_map::kPowerButtonGsi.
    explicit PowerButton(IrqLine& line) : line_(line) {}
    // Any thread.
    void Press() { line_.Pulse(); }

 private:
    IrqLine& line_;
};

}  // namespace husk
