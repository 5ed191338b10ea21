#include "boot/linux/elf.h"

#include <gtest/gtest.h>

#include "boot/linux/elf_notes.h"
#include "tests/support/kernel_image.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::ElfFile;
using testing::MakeNote;
using testing::MakePvhNote;

std::string Refusal(const ElfFile& file) { return ParseKernel(file.Build()).error().Message(); }

Bytes Join(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

TEST(Elf, ValidKernelGivesItsSegmentsByPhysicalAddressAscending) {
    ElfFile file;
    file.Load(0x200'0000, Bytes(32), 32);
    file.Load(0x100'0000, Bytes(64), 0x1000);
    file.Notes(MakePvhNote(0x100'0000));
    file.parts[1].program.p_vaddr = 0xffff'ffff'8100'0000;
    const auto plan = ParseKernel(file.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->format, KernelFormat::kElfPvh);
    ASSERT_EQ(plan->segments.size(), 2U);
    EXPECT_EQ(plan->segments[0].address, GuestAddress(0x100'0000));
    EXPECT_EQ(plan->segments[0].file_length, 64U);
    EXPECT_EQ(plan->segments[0].memory_length, 0x1000U);
    EXPECT_EQ(plan->segments[1].address, GuestAddress(0x200'0000));
    EXPECT_EQ(plan->entry, GuestAddress(0x100'0000));
    EXPECT_EQ(plan->cmdline_max, 2047U);
}

TEST(Elf, SegmentOfPureBssIsKept) {
    ElfFile file = ElfFile::Valid();
    file.Load(0x180'0000, {}, 0x4000);
    const auto plan = ParseKernel(file.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->segments.back().End(), GuestAddress(0x180'4000));
}

TEST(Elf, EmptySegmentIsIgnoredWhereverItIs) {
    ElfFile file = ElfFile::Valid();
    file.Load(0, {}, 0);
    const auto plan = ParseKernel(file.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->segments.size(), 1U);
}

TEST(Elf, FileWithoutPvhNoteIsNoKernelWithPvh) {
    ElfFile file;
    file.Load(0x100'0000, Bytes(64), 64);
    const std::string expected =
        "is an ELF file without a PVH entry (XEN_ELFNOTE_PHYS32_ENTRY): not a Linux kernel with CONFIG_PVH";
    EXPECT_EQ(Refusal(file), expected);
    file.Notes(MakeNote(std::string_view("GNU\0", 4), 18, Bytes(8)));
    EXPECT_EQ(Refusal(file), expected);
}

TEST(Elf, FileWithoutLoadableSegmentIsRefused) {
    ElfFile file;
    EXPECT_EQ(Refusal(file), "is an ELF file without a loadable segment");
    file.Notes(MakePvhNote(0x100'0000));
    EXPECT_EQ(Refusal(file), "is an ELF file without a loadable segment");
}

TEST(Elf, OtherMachinesAndClassesAreRefused) {
    ElfFile arm = ElfFile::Valid();
    arm.header.e_machine = EM_AARCH64;
    EXPECT_EQ(Refusal(arm), "is an ELF file, but not for x86-64");
    ElfFile narrow = ElfFile::Valid();
    narrow.header.e_ident[EI_CLASS] = ELFCLASS32;
    EXPECT_EQ(Refusal(narrow), "is an ELF file, but not for x86-64");
}

TEST(Elf, ObjectFileIsRefused) {
    ElfFile file = ElfFile::Valid();
    file.header.e_type = ET_REL;
    EXPECT_EQ(Refusal(file), "is an ELF file that is no executable, so no kernel");
}

TEST(Elf, ForeignProgramHeaderSizeIsRefused) {
    ElfFile file = ElfFile::Valid();
    file.header.e_phentsize = 32;
    EXPECT_EQ(Refusal(file), "has program headers of impossible size: the ELF file is damaged");
}

TEST(Elf, AbsurdNumberOfProgramHeadersIsRefused) {
    ElfFile file = ElfFile::Valid();
    file.header.e_phnum = 0xffff;
    EXPECT_EQ(Refusal(file), "has 65535 program headers, more than any kernel: the ELF file is damaged");
}

TEST(Elf, ProgramHeadersBeyondTheEndAreRefused) {
    ElfFile file = ElfFile::Valid();
    file.header.e_phoff = 0x1'0000'0000;
    EXPECT_NE(Refusal(file).find("too early: the ELF file is truncated"), std::string::npos);
    file.header.e_phoff = ~std::uint64_t{0};
    EXPECT_EQ(Refusal(file), "names a part of itself that wraps around: the ELF file is damaged");
}

TEST(Elf, FileShorterThanItsHeaderIsTruncated) {
    Bytes file = ElfFile::Valid().Build();
    file.resize(60);
    EXPECT_EQ(ParseKernel(file).error().Message(), "ends 4 bytes too early: the ELF file is truncated");
}

TEST(Elf, SegmentBeyondTheEndIsRefusedWithTheMissingLength) {
    ElfFile file = ElfFile::Valid();
    const std::size_t size = file.Build().size();
    file.parts[0].program.p_offset = size - 60;
    EXPECT_EQ(Refusal(file), "ends 4 bytes too early: the ELF file is truncated");
    file.parts[0].program.p_offset = ~std::uint64_t{0} - 8;
    EXPECT_EQ(Refusal(file), "names a part of itself that wraps around: the ELF file is damaged");
}

TEST(Elf, SegmentSmallerInMemoryThanInTheFileIsRefused) {
    ElfFile file = ElfFile::Valid();
    file.parts[0].program.p_memsz = 63;
    EXPECT_EQ(Refusal(file), "has a segment with more bytes in the file than in memory: it is damaged");
}

TEST(Elf, SegmentThatWrapsIsRefused) {
    ElfFile file = ElfFile::Valid();
    file.parts[0].program.p_memsz = ~std::uint64_t{0};
    EXPECT_EQ(Refusal(file), "has a segment that wraps around the end of the address space: it is damaged");
}

TEST(Elf, OverlappingSegmentsAreRefused) {
    ElfFile file = ElfFile::Valid();
    file.Load(0x100'0fff, Bytes(1), 1);
    EXPECT_EQ(Refusal(file), "has segments that overlap at 0x1000fff: it is damaged");
}

TEST(Elf, TouchingSegmentsAreFine) {
    ElfFile file = ElfFile::Valid();
    file.Load(0x100'1000, Bytes(1), 1);
    EXPECT_TRUE(ParseKernel(file.Build()).has_value());
}

TEST(Elf, SegmentInTheBootAreaIsRefused) {
    ElfFile file = ElfFile::Valid();
    file.Load(0xf'ffff, Bytes(1), 1);
    EXPECT_EQ(Refusal(file), "is to be loaded at 0xfffff, but below 1 MiB there is no room for a kernel");
}

TEST(Elf, EntryOutsideTheLoadedBytesIsRefused) {
    ElfFile file;
    file.Load(0x100'0000, Bytes(64), 0x1000);
    file.Notes(MakePvhNote(0x100'0040));
    EXPECT_EQ(Refusal(file), "starts at 0x1000040, where it has no code: it is damaged");
}

TEST(ElfNotes, EntryIsFoundBehindOtherNotesInBothAlignments) {
    const Bytes other = MakeNote(std::string_view("Linux\0", 6), 7, Bytes(1));
    EXPECT_EQ(FindPvhEntry(Join(other, MakePvhNote(0x1234)), 4), GuestAddress(0x1234));
    const Bytes wide = MakeNote(std::string_view("GNU\0", 4), 5, Bytes(20), 8);
    EXPECT_EQ(FindPvhEntry(Join(wide, MakePvhNote(0x1234, 8)), 8), GuestAddress(0x1234));
}

TEST(ElfNotes, EntryOfFourBytesIsTaken) {
    const std::uint32_t entry = 0xfedc'ba98;
    EXPECT_EQ(FindPvhEntry(MakeNote(std::string_view("Xen\0", 4), 18, BytesOf(entry)), 4), GuestAddress(0xfedc'ba98));
}

TEST(ElfNotes, EntryOfAnotherSizeIsNone) {
    EXPECT_EQ(FindPvhEntry(MakeNote(std::string_view("Xen\0", 4), 18, Bytes(6)), 4), std::nullopt);
    EXPECT_EQ(FindPvhEntry(MakeNote(std::string_view("Xen\0", 4), 18, {}), 4), std::nullopt);
}

TEST(ElfNotes, OtherOwnersAndTypesAreNone) {
    EXPECT_EQ(FindPvhEntry(MakeNote(std::string_view("Xen\0", 4), 17, Bytes(8)), 4), std::nullopt);
    EXPECT_EQ(FindPvhEntry(MakeNote("Xen", 18, Bytes(8)), 4), std::nullopt);
}

TEST(ElfNotes, LengthsBeyondTheEndEndTheSearch) {
    Bytes note = MakePvhNote(0x1234);
    note[0] = note[1] = note[2] = note[3] = std::byte{0xff};
    EXPECT_EQ(FindPvhEntry(note, 4), std::nullopt);
    Bytes cut = MakePvhNote(0x1234);
    cut.pop_back();
    EXPECT_EQ(FindPvhEntry(cut, 4), std::nullopt);
    EXPECT_EQ(FindPvhEntry({}, 4), std::nullopt);
}

}  // namespace
}  // namespace husk
