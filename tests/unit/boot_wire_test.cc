// What a kernel finds in memory, byte by byte: boot parameters, start info, page tables, descriptors, legacy
// stops.
#include <gtest/gtest.h>

#include <numeric>

#include "boot/linux/boot_params.h"
#include "boot/linux/gdt.h"
#include "boot/linux/legacy_stops.h"
#include "boot/linux/page_tables.h"
#include "boot/linux/pvh_start_info.h"
#include "tests/support/kernel_image.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

using testing::Bytes;

const std::vector<MemoryMapEntry> kMap = {{GuestAddress(0), 0x9fc00, MemoryType::kRam},
                                          {GuestAddress(0x9fc00), 0x6'0400, MemoryType::kReserved}};

template <typename T>
T At(std::span<const std::byte> bytes, std::size_t offset) {
    return LoadAt<T>(bytes, offset).value();
}

TEST(BootParams, LoaderFieldsAreAtTheOffsetsOfTheProtocol) {
    const KernelPlan plan = ParseKernel(testing::BzImageFile{}.Build()).value();
    const ::boot_params params = MakeBootParams({.kernel = plan,
                                                 .initrd = {GuestAddress(0x300'0000), 5000},
                                                 .memory_map = kMap,
                                                 .rsdp = GuestAddress(0xe0000),
                                                 .cmdline = GuestAddress(0x2'0000),
                                                 .setup_data = GuestAddress(0x3000)});
    const auto bytes = BytesOf(params);
    EXPECT_EQ(At<std::uint64_t>(bytes, 0x070), 0xe0000U);       // acpi_rsdp_addr
    EXPECT_EQ(At<std::uint16_t>(bytes, 0x1fa), 0xffffU);        // vid_mode
    EXPECT_EQ(At<std::uint8_t>(bytes, 0x210), 0xffU);           // type_of_loader
    EXPECT_EQ(At<std::uint32_t>(bytes, 0x214), 0x100'0000U);    // code32_start
    EXPECT_EQ(At<std::uint32_t>(bytes, 0x218), 0x300'0000U);    // ramdisk_image
    EXPECT_EQ(At<std::uint32_t>(bytes, 0x21c), 5000U);          // ramdisk_size
    EXPECT_EQ(At<std::uint32_t>(bytes, 0x228), 0x2'0000U);      // cmd_line_ptr
    EXPECT_EQ(At<std::uint64_t>(bytes, 0x250), 0x3000U);        // setup_data
    EXPECT_EQ(At<std::uint8_t>(bytes, 0x1e8), 2U);              // e820_entries
    EXPECT_EQ(At<std::uint64_t>(bytes, 0x2d0 + 20), 0x9fc00U);  // second entry
    EXPECT_EQ(At<std::uint64_t>(bytes, 0x2d0 + 28), 0x6'0400U);
    EXPECT_EQ(At<std::uint32_t>(bytes, 0x2d0 + 36), 2U);
}

TEST(BootParams, KernelsHeaderIsHandedBackAndNothingElseOfItsFile) {
    testing::BzImageFile image;
    image.header.payload_length = 0x1234'5678;
    Bytes file = image.Build();
    file[0x1ef] = std::byte{0xff};  // the sentinel against loaders that copy too much
    file[0x26c] = std::byte{0xff};
    const KernelPlan plan = ParseKernel(file).value();
    const ::boot_params params = MakeBootParams({.kernel = plan,
                                                 .initrd = {},
                                                 .memory_map = kMap,
                                                 .rsdp = {},
                                                 .cmdline = GuestAddress(0x2'0000),
                                                 .setup_data = {}});
    EXPECT_EQ(At<std::uint32_t>(BytesOf(params), 0x24c), 0x1234'5678U);
    EXPECT_EQ(At<std::uint32_t>(BytesOf(params), 0x202), 0x5372'6448U);
    EXPECT_EQ(At<std::uint8_t>(BytesOf(params), 0x1ef), 0U);
    EXPECT_EQ(At<std::uint8_t>(BytesOf(params), 0x26c), 0U);
}

TEST(RngSeed, NodeIsOneListElementOfTypeNine) {
    RngSeedNode node;
    node.seed.fill(std::byte{0xab});
    const auto bytes = BytesOf(node);
    EXPECT_EQ(At<std::uint64_t>(bytes, 0), 0U);
    EXPECT_EQ(At<std::uint32_t>(bytes, 8), 9U);
    EXPECT_EQ(At<std::uint32_t>(bytes, 12), 32U);
    EXPECT_EQ(At<std::uint8_t>(bytes, 16), 0xabU);
}

TEST(PvhStartInfo, PointersLeadToModuleAndMemoryMap) {
    const auto bytes = MakePvhStartInfo({.initrd = {GuestAddress(0x300'0000), 5000},
                                         .memory_map = kMap,
                                         .rsdp = GuestAddress(0xe0000),
                                         .cmdline = GuestAddress(0x2'0000)},
                                        GuestAddress(0x2000));
    EXPECT_EQ(At<std::uint32_t>(bytes, 0), 0x336e'c578U);
    EXPECT_EQ(At<std::uint32_t>(bytes, 4), 1U);
    EXPECT_EQ(At<std::uint32_t>(bytes, 12), 1U);  // modules
    EXPECT_EQ(At<std::uint64_t>(bytes, 24), 0x2'0000U);
    EXPECT_EQ(At<std::uint64_t>(bytes, 32), 0xe0000U);
    const std::size_t module = At<std::uint64_t>(bytes, 16) - 0x2000;
    EXPECT_EQ(At<std::uint64_t>(bytes, module), 0x300'0000U);
    EXPECT_EQ(At<std::uint64_t>(bytes, module + 8), 5000U);
    const std::size_t map = At<std::uint64_t>(bytes, 40) - 0x2000;
    EXPECT_EQ(At<std::uint32_t>(bytes, 48), 2U);
    EXPECT_EQ(At<std::uint64_t>(bytes, map + 24), 0x9fc00U);
    EXPECT_EQ(At<std::uint32_t>(bytes, map + 40), 2U);
    EXPECT_EQ(bytes.size(), map + 48);
}

TEST(PvhStartInfo, WithoutInitrdThereIsNoModule) {
    const auto bytes = MakePvhStartInfo(
        {.initrd = {}, .memory_map = kMap, .rsdp = {}, .cmdline = GuestAddress(0x2'0000)}, GuestAddress(0x2000));
    EXPECT_EQ(At<std::uint32_t>(bytes, 12), 0U);
    EXPECT_EQ(At<std::uint64_t>(bytes, 16), 0U);
}

// Walks the tables like a CPU; fails the test on anything but a 2 MiB page that is present, writable and
// user.
std::uint64_t Translate(const BootPageTables& tables, GuestAddress base, std::uint64_t address) {
    const auto follow = [&](std::uint64_t entry) -> const auto& {
        EXPECT_EQ(entry & 0xfff, 0x7U);
        return tables.at(((entry & ~std::uint64_t{0xfff}) - base.Value()) / 4096);
    };
    const auto& pointers = follow(tables[0][address >> 39]);
    const std::uint64_t leaf = follow(pointers[(address >> 30) & 511])[(address >> 21) & 511];
    EXPECT_EQ(leaf & 0x1f'ffff, 0x87U);
    return (leaf & ~std::uint64_t{0x1f'ffff}) | (address & 0x1f'ffff);
}

TEST(PageTables, FirstFourGiBAreMappedOneToOneForTheUserToo) {
    const GuestAddress base(0x9000);
    BootPageTables tables;
    FillPageTables(tables, base);
    for (std::uint64_t page = 0; page < 2048; ++page) {
        const std::uint64_t address = page * 0x20'0000 + 0x1234;
        EXPECT_EQ(Translate(tables, base, address), address);
    }
}

TEST(PageTables, NothingElseIsMapped) {
    BootPageTables tables;
    FillPageTables(tables, GuestAddress(0x9000));
    EXPECT_EQ(std::accumulate(tables[0].begin() + 1, tables[0].end(), std::uint64_t{0}), 0U);
    EXPECT_EQ(std::accumulate(tables[1].begin() + 4, tables[1].end(), std::uint64_t{0}), 0U);
}

TEST(Gdt, SelectorsDecodeToFlatSegmentsOfTheRightKind) {
    constexpr SegmentState code64 = DecodeSegment(kBootGdtLong64, kBootCode);
    EXPECT_TRUE(code64.present && code64.code_or_data && code64.long_mode && !code64.default_big);
    EXPECT_EQ(code64.type, 0xb);
    constexpr SegmentState code32 = DecodeSegment(kBootGdtProtected32, kBootCode);
    EXPECT_TRUE(code32.present && code32.code_or_data && !code32.long_mode && code32.default_big);
    EXPECT_EQ(code32.type, 0xb);
    EXPECT_EQ(code32.limit, 0xffff'ffffU);
    constexpr SegmentState data = DecodeSegment(kBootGdtLong64, kBootData);
    EXPECT_TRUE(data.present && data.code_or_data && data.default_big && data.granular);
    EXPECT_EQ(data.type, 0x3);
    EXPECT_EQ(data.limit, 0xffff'ffffU);
    EXPECT_EQ(data.base, 0U);
    constexpr SegmentState tss = DecodeSegment(kBootGdtProtected32, kBootTss);
    EXPECT_TRUE(tss.present && !tss.code_or_data);
    EXPECT_EQ(tss.type, 0xb);
    EXPECT_EQ(tss.limit, 0x67U);
}

TEST(Gdt, SelectorOutsideTheTableIsAbsent) {
    EXPECT_FALSE(DecodeSegment(kBootGdtLong64, 0).present);
    EXPECT_FALSE(DecodeSegment(kBootGdtLong64, 0x1000).present);
}

TEST(LegacyStops, MpPointerHasLengthVersionAndAZeroSum) {
    const auto mp = MakeMpFloatingPointer();
    EXPECT_EQ(At<std::uint32_t>(mp, 0), 0x5f50'4d5fU);  // "_MP_"
    EXPECT_EQ(At<std::uint32_t>(mp, 4), 0U);
    EXPECT_EQ(At<std::uint8_t>(mp, 8), 1U);
    EXPECT_EQ(At<std::uint8_t>(mp, 9), 4U);
    const auto add = [](unsigned sum, std::byte b) { return sum + std::to_integer<unsigned>(b); };
    EXPECT_EQ(std::accumulate(mp.begin(), mp.end(), 0U, add) % 256, 0U);
}

TEST(LegacyStops, StubWritesTheResetValueToTheResetPort) {
    const auto stub = MakeResetStub();
    EXPECT_EQ(At<std::uint8_t>(stub, 1), 0xbaU);  // mov imm16, %dx
    EXPECT_EQ(At<std::uint16_t>(stub, 2), address_map::kResetPort);
    EXPECT_EQ(At<std::uint8_t>(stub, 4), 0xb0U);  // mov imm8, %al
    EXPECT_EQ(At<std::uint8_t>(stub, 5), address_map::kResetValue);
    EXPECT_EQ(At<std::uint8_t>(stub, 6), 0xeeU);  // out %al, %dx
}

TEST(LegacyStops, BothAreWrittenToTheirPlaces) {
    const GuestMemory memory = GuestMemory::Create(address_map::kMinRam).value();
    WriteLegacyStops(memory);
    const auto stub = memory.Read<std::array<std::byte, kResetStubMax>>(address_map::kResetStub);
    const auto mp = memory.Read<std::array<std::byte, 16>>(address_map::kMpFloatingPointer);
    EXPECT_EQ(stub, MakeResetStub());
    EXPECT_EQ(mp, MakeMpFloatingPointer());
}

}  // namespace
}  // namespace husk
