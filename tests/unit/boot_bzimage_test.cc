#include "boot/linux/bzimage.h"

#include <gtest/gtest.h>

#include "tests/support/kernel_image.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::BzImageFile;

std::string Refusal(const Bytes& file) { return ParseKernel(file).error().Message(); }

TEST(BzImage, ValidImageGivesItsCodeAtThePreferredAddress) {
    const auto plan = ParseKernel(BzImageFile{}.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->format, KernelFormat::kBzImage);
    ASSERT_EQ(plan->segments.size(), 1U);
    EXPECT_EQ(plan->segments[0], (KernelSegment{.file_offset = 1024,
                                                .file_length = 1024,
                                                .address = GuestAddress(0x100'0000),
                                                .memory_length = 0x10'0000}));
    EXPECT_EQ(plan->entry, GuestAddress(0x100'0200));
    EXPECT_EQ(plan->cmdline_max, 2047U);
    EXPECT_EQ(plan->initrd_last, GuestAddress(0x7fff'ffff));
    EXPECT_EQ(plan->setup_header.size(), 0x26cU - 0x1f1U);
}

TEST(BzImage, TrailingSignatureIsNotPartOfTheCode) {
    Bytes file = BzImageFile{}.Build();
    file.resize(file.size() + 1536);
    const auto plan = ParseKernel(file);
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->segments[0].file_length, 1024U);
}

TEST(BzImage, SetupSectsOfZeroMeansFour) {
    BzImageFile image;
    image.header.setup_sects = 4;
    Bytes file = image.Build();
    file[0x1f1] = std::byte{0};
    const auto plan = ParseKernel(file);
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->segments[0].file_offset, 5U * 512U);
}

TEST(BzImage, RelocatableKernelIsAlignedUp) {
    BzImageFile image;
    image.header.pref_address = 0x100'0001;
    const auto plan = ParseKernel(image.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->segments[0].address, GuestAddress(0x120'0000));
}

TEST(BzImage, FixedKernelStaysAtItsAddressWhateverItsAlignment) {
    BzImageFile image;
    image.header.relocatable_kernel = 0;
    image.header.kernel_alignment = 3;
    image.header.pref_address = 0x100'1000;
    const auto plan = ParseKernel(image.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->segments[0].address, GuestAddress(0x100'1000));
}

TEST(BzImage, NoPreferredAddressMeansOneMiBAlignedUp) {
    BzImageFile image;
    image.header.pref_address = 0;
    const auto plan = ParseKernel(image.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->segments[0].address, GuestAddress(0x20'0000));
}

TEST(BzImage, InitSizeSmallerThanTheCodeIsRaisedToIt) {
    BzImageFile image;
    image.header.init_size = 16;
    const auto plan = ParseKernel(image.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->segments[0].memory_length, 1024U);
}

TEST(BzImage, ImageCutShortIsRefusedWithTheMissingLength) {
    Bytes file = BzImageFile{}.Build();
    file.resize(file.size() - 234);
    EXPECT_EQ(Refusal(file), "ends 234 bytes too early: the bzImage is truncated");
    file.resize(0x263);
    EXPECT_EQ(Refusal(file), "ends 1 byte too early: the bzImage is truncated");
}

TEST(BzImage, HugeSyssizeIsATruncatedImageAndNoReadBeyondTheEnd) {
    BzImageFile image;
    image.header.syssize = 0xffff'ffff;
    EXPECT_EQ(Refusal(image.Build()), "ends 68719475696 bytes too early: the bzImage is truncated");
}

TEST(BzImage, CodeTooShortForTheEntryIsRefused) {
    BzImageFile image;
    image.header.syssize = 0x200 / 16;
    EXPECT_EQ(Refusal(image.Build()), "starts at 0x1000200, where it has no code: it is damaged");
}

TEST(BzImage, OldProtocolIsRefusedWithItsVersion) {
    BzImageFile image;
    image.header.version = 0x0206;
    EXPECT_EQ(Refusal(image.Build()), "speaks boot protocol 2.06; 2.12 (Linux 3.8) is the oldest that will do");
}

TEST(BzImage, ThirtyTwoBitKernelIsRefused) {
    BzImageFile image;
    image.header.xloadflags = XLF_CAN_BE_LOADED_ABOVE_4G;
    EXPECT_EQ(Refusal(image.Build()), "has no 64-bit entry (XLF_KERNEL_64): it is not a kernel for x86-64");
}

TEST(BzImage, ZImageIsRefused) {
    BzImageFile image;
    image.header.loadflags = 0;
    EXPECT_EQ(Refusal(image.Build()), "is a zImage, to be loaded below 1 MiB: only a bzImage will do");
}

TEST(BzImage, HeaderLengthThatIsTooShortOrReachesOtherFieldsIsRefused) {
    BzImageFile image;
    image.header.jump = 0x61eb;
    EXPECT_EQ(Refusal(image.Build()), "has a setup header of impossible length: the bzImage is damaged");
    image.header.jump = 0x8feb;
    EXPECT_EQ(Refusal(image.Build()), "has a setup header of impossible length: the bzImage is damaged");
}

TEST(BzImage, AlignmentThatIsNoPowerOfTwoIsRefused) {
    BzImageFile image;
    image.header.kernel_alignment = 0;
    EXPECT_EQ(Refusal(image.Build()), "asks for an alignment of 0 bytes: the bzImage is damaged");
    image.header.kernel_alignment = 0x8000'0000;
    EXPECT_EQ(Refusal(image.Build()), "asks for an alignment of 2147483648 bytes: the bzImage is damaged");
}

TEST(BzImage, AddressThatWrapsWhenAlignedIsRefused) {
    BzImageFile image;
    image.header.pref_address = 0xffff'ffff'ffff'f000;
    EXPECT_EQ(Refusal(image.Build()), "prefers the address 0xfffffffffffff000: the bzImage is damaged");
}

TEST(BzImage, CodeThatWrapsAroundTheAddressSpaceIsRefused) {
    BzImageFile image;
    image.header.relocatable_kernel = 0;
    image.header.pref_address = 0xffff'ffff'ffff'f000;
    EXPECT_EQ(Refusal(image.Build()), "has a segment that wraps around the end of the address space: it is damaged");
}

TEST(BzImage, AddressInTheBootAreaIsRefused) {
    BzImageFile image;
    image.header.relocatable_kernel = 0;
    image.header.pref_address = 0x1000;
    EXPECT_EQ(Refusal(image.Build()), "is to be loaded at 0x1000, but below 1 MiB there is no room for a kernel");
}

TEST(BzImage, CommandLineLimitIsCappedByTheRoomForIt) {
    BzImageFile image;
    image.header.cmdline_size = 0xffff'ffff;
    const auto plan = ParseKernel(image.Build());
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->cmdline_max, 0xffffU);
}

TEST(ParseKernel, UnknownFilesAreNeither) {
    EXPECT_EQ(Refusal(Bytes(4096)), "is neither a bzImage nor an ELF file");
    EXPECT_EQ(Refusal(Bytes(3)), "is neither a bzImage nor an ELF file");
    EXPECT_EQ(Refusal({}), "is empty");
}

TEST(ParseKernel, BootSectorWithoutLinuxHeaderIsNeither) {
    Bytes file(4096);
    file[0x1fe] = std::byte{0x55};
    file[0x1ff] = std::byte{0xaa};
    EXPECT_EQ(Refusal(file), "is neither a bzImage nor an ELF file");
}

TEST(ParseKernel, RefusalsAreAboutTheBootSource) {
    EXPECT_EQ(ParseKernel(Bytes(4096)).error().Kind(), ErrorKind::kBootSource);
}

}  // namespace
}  // namespace husk
