#include "boot/acpi/aml_resources.h"

#include <cstdlib>
#include <span>

#include "vmm/base/bytes.h"

namespace husk::aml {
namespace {

struct [[gnu::packed]] Memory32FixedDescriptor {
    std::uint8_t type = 0x86;
    std::uint16_t length = 9;
    std::uint8_t flags = 0x01;  // writable
    std::uint32_t base = 0;
    std::uint32_t size = 0;
};
static_assert(sizeof(Memory32FixedDescriptor) == 12);

struct [[gnu::packed]] IoDescriptor {
    std::uint8_t type_and_length = 0x47;
    std::uint8_t flags = 0x01;  // all 16 address bits are decoded
    std::uint16_t minimum = 0;
    std::uint16_t maximum = 0;
    std::uint8_t alignment = 1;
    std::uint8_t count = 0;
};
static_assert(sizeof(IoDescriptor) == 8);

struct [[gnu::packed]] InterruptDescriptor {
    std::uint8_t type = 0x89;
    std::uint16_t length = 6;
    std::uint8_t flags = 0x03;  // consumer, edge; the zero bits: active high, exclusive, not a wake-up source
    std::uint8_t count = 1;
    std::uint32_t gsi = 0;
};
static_assert(sizeof(InterruptDescriptor) == 9);

// The second byte is a checksum over the template; zero says that it is not used.
constexpr std::byte kEndTag[] = {std::byte{0x79}, std::byte{0}};

template <typename T>
Descriptor MakeDescriptor(const T& layout) {
    const std::span<const std::byte> bytes = BytesOf(layout);
    return {std::vector(bytes.begin(), bytes.end())};
}

}  // namespace

Descriptor Memory32Fixed(GuestAddress base, std::uint64_t size) {
    if (base.Value() > UINT32_MAX || size > UINT32_MAX) std::abort();
    Memory32FixedDescriptor layout;
    layout.base = static_cast<std::uint32_t>(base.Value());
    layout.size = static_cast<std::uint32_t>(size);
    return MakeDescriptor(layout);
}

Descriptor Io(std::uint16_t first, std::uint8_t count) {
    IoDescriptor layout;
    layout.minimum = first;
    layout.maximum = first;
    layout.count = count;
    return MakeDescriptor(layout);
}

Descriptor Interrupt(std::uint32_t gsi) {
    InterruptDescriptor layout;
    layout.gsi = gsi;
    return MakeDescriptor(layout);
}

Code ResourceTemplate(std::initializer_list<Descriptor> descriptors) {
    std::vector<std::byte> bytes;
    for (const Descriptor& descriptor : descriptors) {
        bytes.insert(bytes.end(), descriptor.bytes.begin(), descriptor.bytes.end());
    }
    bytes.insert(bytes.end(), std::begin(kEndTag), std::end(kEndTag));
    return Buffer(bytes);
}

}  // namespace husk::aml
