#include "boot/acpi/madt.h"

#include <span>

#include "boot/acpi/table.h"
#include "vmm/base/bytes.h"
#include "vmm/memory/address_map.h"

namespace husk::acpi {
namespace {

constexpr std::uint8_t kRevision = 5;
constexpr std::uint32_t kEnabled = 1 << 0;
constexpr std::uint8_t kNmiLint = 1;

// APIC IDs from here on take x2APIC structures, and only they may: Linux ignores an x2APIC structure with a
// smaller ID once it has seen a local APIC one (§5.2.12.12). 255 is the 8-bit broadcast ID.
constexpr std::uint32_t kFirstX2ApicId = 255;

struct [[gnu::packed]] MadtBody {
    std::uint32_t local_apic = static_cast<std::uint32_t>(address_map::kLocalApic.Value());
    std::uint32_t flags = 0;  // PCAT_COMPAT clear: there are no 8259 PICs
};

struct [[gnu::packed]] LocalApic {
    std::uint8_t type = 0;
    std::uint8_t length = 8;
    std::uint8_t uid = 0;
    std::uint8_t apic_id = 0;
    std::uint32_t flags = kEnabled;
};
static_assert(sizeof(LocalApic) == 8);

struct [[gnu::packed]] LocalX2Apic {
    std::uint8_t type = 9;
    std::uint8_t length = 16;
    std::uint16_t reserved = 0;
    std::uint32_t apic_id = 0;
    std::uint32_t flags = kEnabled;
    std::uint32_t uid = 0;
};
static_assert(sizeof(LocalX2Apic) == 16);

struct [[gnu::packed]] IoApic {
    std::uint8_t type = 1;
    std::uint8_t length = 12;
    std::uint8_t id = 0;
    std::uint8_t reserved = 0;
    std::uint32_t registers = static_cast<std::uint32_t>(address_map::kIoapic.Value());
    std::uint32_t first_gsi = 0;
};
static_assert(sizeof(IoApic) == 12);

// The flags say that polarity and trigger mode conform to the bus, as is usual for an NMI.
struct [[gnu::packed]] LocalApicNmi {
    std::uint8_t type = 4;
    std::uint8_t length = 6;
    std::uint8_t uid = 0xff;  // all processors
    std::uint16_t flags = 0;
    std::uint8_t lint = kNmiLint;
};
static_assert(sizeof(LocalApicNmi) == 6);

struct [[gnu::packed]] LocalX2ApicNmi {
    std::uint8_t type = 0x0a;
    std::uint8_t length = 12;
    std::uint16_t flags = 0;
    std::uint32_t uid = 0xffff'ffff;  // all processors
    std::uint8_t lint = kNmiLint;
    std::uint8_t reserved[3] = {};
};
static_assert(sizeof(LocalX2ApicNmi) == 12);

class Body {
 public:
    template <typename T>
    void Append(const T& structure) {
        const std::span<const std::byte> bytes = BytesOf(structure);
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
    [[nodiscard]] std::span<const std::byte> Bytes() const { return bytes_; }

 private:
    std::vector<std::byte> bytes_;
};

void AppendProcessor(Body& body, std::uint32_t id) {
    if (id < kFirstX2ApicId) {
        LocalApic entry;
        entry.uid = static_cast<std::uint8_t>(id);
        entry.apic_id = static_cast<std::uint8_t>(id);
        body.Append(entry);
    } else {
        LocalX2Apic entry;
        entry.uid = id;
        entry.apic_id = id;
        body.Append(entry);
    }
}

}  // namespace

std::vector<std::byte> MakeMadt(std::uint32_t cpus) {
    Body body;
    body.Append(MadtBody{});
    for (std::uint32_t id = 0; id < cpus; ++id) AppendProcessor(body, id);
    body.Append(IoApic{});
    body.Append(LocalApicNmi{});
    if (cpus > kFirstX2ApicId) body.Append(LocalX2ApicNmi{});
    return MakeTable("APIC", kRevision, body.Bytes());
}

}  // namespace husk::acpi
