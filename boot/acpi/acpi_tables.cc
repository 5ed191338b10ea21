#include "boot/acpi/acpi_tables.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "boot/acpi/dsdt.h"
#include "boot/acpi/fadt.h"
#include "boot/acpi/madt.h"
#include "boot/acpi/table.h"
#include "vmm/base/bytes.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

// Root System Description Pointer, §5.2.5.3. Without an RSDT: every guest that knows hardware-reduced
// machines reads the XSDT. The scan for the signature goes in steps of 16 bytes.
struct [[gnu::packed]] Rsdp {
    char signature[8] = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '};
    std::uint8_t checksum = 0;  // of the first 20 bytes, which are the ACPI 1.0 structure
    char oem_id[6] = {};
    std::uint8_t revision = 2;
    std::uint32_t rsdt = 0;
    std::uint32_t length = 36;
    std::uint64_t xsdt = 0;
    std::uint8_t extended_checksum = 0;
    std::uint8_t reserved[3] = {};
};
static_assert(sizeof(Rsdp) == 36 && offsetof(Rsdp, length) == 20 && offsetof(Rsdp, xsdt) == 24);
static_assert(address_map::kAcpiTables.Value() % 16 == 0);

constexpr std::size_t kAcpi1Size = 20;
constexpr std::size_t kAlignment = 16;

// Tables one behind the other, each at the address that the next ones point to.
class Image {
 public:
    Image() : bytes_(sizeof(Rsdp)) {}

    GuestAddress Append(std::span<const std::byte> table) {
        bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment);
        const GuestAddress at(address_map::kAcpiTables.Value() + bytes_.size());
        bytes_.insert(bytes_.end(), table.begin(), table.end());
        return at;
    }

    std::vector<std::byte> Finish(GuestAddress xsdt) && {
        Rsdp rsdp;
        std::ranges::copy(acpi::kOemId, rsdp.oem_id);
        rsdp.xsdt = xsdt.Value();
        rsdp.checksum = acpi::Checksum(BytesOf(rsdp).first(kAcpi1Size));
        rsdp.extended_checksum = acpi::Checksum(BytesOf(rsdp));
        std::memcpy(bytes_.data(), &rsdp, sizeof rsdp);
        return std::move(bytes_);
    }

 private:
    std::vector<std::byte> bytes_;
};

// Extended System Description Table, §5.2.8.
std::vector<std::byte> MakeXsdt(std::span<const std::uint64_t> tables) {
    return acpi::MakeTable("XSDT", 1, std::as_bytes(tables));
}

}  // namespace

Result<AcpiTables> BuildAcpiTables(const AcpiMachine& machine) {
    HUSK_TRY_IN("cannot describe the machine to its guest", CheckAcpiMachine(machine));

    Image image;
    const GuestAddress dsdt = image.Append(acpi::MakeDsdt(machine));
    const std::uint64_t tables[] = {
        image.Append(acpi::MakeFadt(dsdt)).Value(),
        image.Append(acpi::MakeMadt(machine.cpus)).Value(),
    };
    const GuestAddress xsdt = image.Append(MakeXsdt(tables));

    AcpiTables result{.image = std::move(image).Finish(xsdt), .rsdp = address_map::kAcpiTables};
    if (result.image.size() > address_map::kAcpiTablesMax) {
        return Fail(ErrorKind::kUsage, "the ACPI tables for " + std::to_string(machine.cpus) + " processors and " +
                                           std::to_string(machine.virtio.size()) + " virtio devices take " +
                                           std::to_string(result.image.size()) + " bytes; there is room for " +
                                           std::to_string(address_map::kAcpiTablesMax));
    }
    return result;
}

}  // namespace husk
