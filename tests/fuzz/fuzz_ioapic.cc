// Any sequence of register accesses: the router must always hold what the table says, and hear of changes
// only.
#include <array>
#include <cstdlib>
#include <optional>

#include "devices/platform/ioapic.h"
#include "vmm/base/bytes.h"

namespace {

using namespace husk;

void Check(bool holds) {
    if (!holds) std::abort();
}

class CheckingRouter : public IrqRouter {
 public:
    explicit CheckingRouter(std::size_t pins) : pins_(pins) {}
    void Unmask(Gsi gsi, const MsiMessage& message) override {
        Check(At(gsi) != message);
        Check((message.address & ~std::uint64_t{0xff004}) == 0xfee0'0000);
        Check((message.data & ~std::uint32_t{0x1ff}) == 0);
        At(gsi) = message;
    }
    void Mask(Gsi gsi) override {
        Check(At(gsi).has_value());
        At(gsi).reset();
    }
    std::optional<MsiMessage>& At(Gsi gsi) {
        Check(static_cast<std::size_t>(gsi) < pins_);
        return routes_[static_cast<std::size_t>(gsi)];
    }

 private:
    std::size_t pins_;
    std::array<std::optional<MsiMessage>, Ioapic::kMaxPins> routes_;
};

std::uint32_t ReadRegister(Ioapic& ioapic, std::uint32_t index) {
    ioapic.Write(0x00, BytesOf(index));
    std::array<std::byte, 4> data{};
    ioapic.Read(0x10, data);
    return static_cast<std::uint32_t>(LoadLittleEndian(data));
}

void CheckPin(Ioapic& ioapic, CheckingRouter& router, std::uint32_t pin) {
    const std::uint32_t low = ReadRegister(ioapic, 0x10 + 2 * pin);
    const std::uint32_t high = ReadRegister(ioapic, 0x11 + 2 * pin);
    Check((low & ~std::uint32_t{0x1'afff}) == 0 && (high & 0xff'ffff) == 0);
    const bool delivers = (low & 0x1'0600) == 0;
    const std::optional<MsiMessage> route = router.At(Gsi{pin});
    Check(route.has_value() == delivers);
    if (!route) return;
    Check((route->data & 0xff) == (low & 0xff) && (route->data & 0x100) == (low & 0x100));
    Check((route->address >> 12 & 0xff) == high >> 24);
    Check(((route->address & 4) != 0) == ((low & 0x800) != 0));
}

}  // namespace

// First byte: number of pins. Then accesses of {write?:1 size:2 offset:5, value:32}.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t pins = 1 + data[0] % Ioapic::kMaxPins;
    CheckingRouter router(pins);
    Ioapic ioapic(pins, router);
    for (std::size_t at = 1; at + 5 <= size; at += 5) {
        std::array<std::byte, 10> buffer{};
        for (std::size_t i = 0; i < 4; ++i) buffer[1 + i] = std::byte{data[at + 1 + i]};
        const auto access = std::span(buffer).subspan(1, std::size_t{1} << (data[at] >> 5 & 3));
        const std::uint64_t offset = data[at] & 0x1f;
        if ((data[at] & 0x80) != 0) {
            ioapic.Write(offset, access);
        } else {
            ioapic.Read(offset, access);
            Check(buffer[0] == std::byte{0} && buffer[9] == std::byte{0});
        }
    }
    Check(ReadRegister(ioapic, 0x01) == (0x11 | static_cast<std::uint32_t>(pins - 1) << 16));
    for (std::uint32_t pin = 0; pin < pins; ++pin) CheckPin(ioapic, router, pin);
    return 0;
}
