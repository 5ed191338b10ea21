// The MBR: four entries in the first sector; one of them may hold a chain of logical partitions, a sector with a table
// of the same form before each.
#include <algorithm>
#include <array>
#include <cstddef>

#include "boot/nixos/volumes/partition_table.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::size_t kTable = 446;
constexpr std::size_t kEntries = 4;
constexpr std::uint16_t kSignature = 0xaa55;
constexpr std::uint32_t kFirstLogical = 5;
constexpr std::uint32_t kMaxLogical = 124;  // more are a circle

struct MbrEntry {
    std::uint8_t status;
    std::array<std::uint8_t, 3> first_chs;
    std::uint8_t type;
    std::array<std::uint8_t, 3> last_chs;
    std::uint32_t first;  // sectors
    std::uint32_t sectors;
};
static_assert(sizeof(MbrEntry) == 16 && offsetof(MbrEntry, first) == 8);
using MbrEntries = std::array<MbrEntry, kEntries>;
using Sector = std::span<const std::byte, kMbrSector>;

constexpr std::uint8_t kProtectiveType = 0xee;
constexpr std::uint8_t kEspType = 0xef;
constexpr std::uint8_t kXbootldrType = 0xea;  // Boot Loader Specification, "The Partitions"

bool HasSignature(Sector sector) { return LoadAt<std::uint16_t>(sector, kMbrSector - 2) == kSignature; }
MbrEntries EntriesOf(Sector sector) { return LoadAt<MbrEntries>(sector, kTable).value(); }

bool IsExtended(const MbrEntry& entry) { return entry.type == 0x05 || entry.type == 0x0f || entry.type == 0x85; }

PartitionKind KindOf(const MbrEntry& entry) {
    if (entry.type == kEspType) return PartitionKind::kEsp;
    return entry.type == kXbootldrType ? PartitionKind::kXbootldr : PartitionKind::kOther;
}

std::unexpected<Error> DamagedChain() {
    return Fail(ErrorKind::kBootSource, "the chain of its logical partitions is damaged: repair it with fdisk");
}

// Places in the chain count from the start of `extended`, a partition's from its own table.
Result<> AddLogical(const ByteSource& source, const MbrEntry& extended, PartitionTable& table) {
    std::uint64_t at = extended.first;
    for (std::uint32_t number = kFirstLogical; number < kFirstLogical + kMaxLogical; ++number) {
        std::array<std::byte, kMbrSector> sector;
        HUSK_TRY_IN("its logical partitions", source.Read(at * kMbrSector, sector));
        if (!HasSignature(sector)) return DamagedChain();
        const MbrEntries entries = EntriesOf(sector);
        const MbrEntry& data = entries[0];
        const MbrEntry& link = entries[1];
        if (data.sectors != 0 && !IsExtended(data)) {
            HUSK_TRY(table.Add(number, at + data.first, data.sectors, kMbrSector, KindOf(data)));
        }
        if (link.sectors == 0 || !IsExtended(link)) return {};
        if (link.first >= extended.sectors) return DamagedChain();
        at = std::uint64_t{extended.first} + link.first;
    }
    return DamagedChain();
}

}  // namespace

MbrKind MbrKindOf(Sector sector) {
    if (!HasSignature(sector)) return MbrKind::kNone;
    const MbrEntries entries = EntriesOf(sector);
    const auto is_protective = [](const MbrEntry& e) { return e.type == kProtectiveType && e.first == 1; };
    if (std::ranges::any_of(entries, is_protective)) return MbrKind::kProtective;
    // A boot sector of FAT has the same signature, and code or text in the place of the table.
    const bool is_table = std::ranges::all_of(entries, [](const MbrEntry& e) { return (e.status & 0x7fU) == 0; });
    const bool is_empty = std::ranges::all_of(entries, [](const MbrEntry& e) { return e.sectors == 0; });
    return is_table && !is_empty ? MbrKind::kPartitions : MbrKind::kNone;
}

Result<std::vector<Partition>> ReadMbr(const ByteSource& source, Sector sector) {
    PartitionTable table(source.Size());
    const MbrEntries entries = EntriesOf(sector);
    for (std::uint32_t i = 0; i < kEntries; ++i) {
        const MbrEntry& entry = entries[i];
        if (entry.sectors == 0 || IsExtended(entry)) continue;
        HUSK_TRY(table.Add(i + 1, entry.first, entry.sectors, kMbrSector, KindOf(entry)));
    }
    const auto extended =
        std::ranges::find_if(entries, [](const MbrEntry& e) { return e.sectors != 0 && IsExtended(e); });
    if (extended != entries.end()) HUSK_TRY(AddLogical(source, *extended, table));
    return std::move(table).Take();
}

}  // namespace husk
