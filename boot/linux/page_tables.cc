#include "boot/linux/page_tables.h"

#include "vmm/memory/address_map.h"

namespace husk {
namespace {

constexpr std::uint64_t kTable = 0x07;      // present, writable, user
constexpr std::uint64_t kLargePage = 0x87;  // the same, and a page of its own (PS)
constexpr std::uint64_t kLargePageSize = 2 * address_map::kMiB;
constexpr std::size_t kDirectories = 4;  // 1 GiB each

constexpr std::size_t kPml4 = 0;
constexpr std::size_t kPointers = 1;
constexpr std::size_t kFirstDirectory = 2;

}  // namespace

void FillPageTables(BootPageTables& tables, GuestAddress at) {
    const auto link = [at](std::size_t table) { return (at.Value() + table * address_map::kPageSize) | kTable; };
    tables = {};
    tables[kPml4][0] = link(kPointers);
    for (std::size_t directory = 0; directory < kDirectories; ++directory) {
        tables[kPointers][directory] = link(kFirstDirectory + directory);
        for (std::size_t entry = 0; entry < kPageTableEntries; ++entry) {
            const std::uint64_t page = directory * kPageTableEntries + entry;
            tables[kFirstDirectory + directory][entry] = (page * kLargePageSize) | kLargePage;
        }
    }
}

}  // namespace husk
