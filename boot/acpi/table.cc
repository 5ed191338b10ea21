#include "boot/acpi/table.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "vmm/base/bytes.h"

namespace husk::acpi {
namespace {

struct [[gnu::packed]] TableHeader {
    char signature[4] = {};
    std::uint32_t length = 0;
    std::uint8_t revision = 0;
    std::uint8_t checksum = 0;
    char oem_id[6] = {};
    char oem_table_id[8] = {'H', 'U', 'S', 'K', 'V', 'M', ' ', ' '};  // the same in all tables, as the FADT demands
    std::uint32_t oem_revision = 1;
    char creator_id[4] = {'H', 'U', 'S', 'K'};
    std::uint32_t creator_revision = 1;
};
static_assert(sizeof(TableHeader) == kTableHeaderSize && offsetof(TableHeader, checksum) == 9);
static_assert(sizeof(TableHeader::oem_id) == kOemId.size());

}  // namespace

std::uint8_t Checksum(std::span<const std::byte> bytes) {
    unsigned sum = 0;
    for (const std::byte byte : bytes) sum += std::to_integer<unsigned>(byte);
    return static_cast<std::uint8_t>(0x100 - (sum & 0xff));
}

std::vector<std::byte> MakeTable(std::string_view signature, std::uint8_t revision, std::span<const std::byte> body) {
    TableHeader header;
    if (signature.size() != sizeof header.signature) std::abort();
    std::ranges::copy(signature, header.signature);
    std::ranges::copy(kOemId, header.oem_id);
    header.length = static_cast<std::uint32_t>(sizeof header + body.size());
    header.revision = revision;

    std::vector<std::byte> table(sizeof header + body.size());
    std::memcpy(table.data(), &header, sizeof header);
    std::ranges::copy(body, table.begin() + sizeof header);
    table[offsetof(TableHeader, checksum)] = std::byte{Checksum(table)};
    return table;
}

}  // namespace husk::acpi
