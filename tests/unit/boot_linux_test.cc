#include "boot/linux/linux_boot.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/linux/boot_params.h"
#include "boot/linux/gdt.h"
#include "boot/linux/layout.h"
#include "boot/linux/pvh_start_info.h"
#include "tests/support/kernel_image.h"
#include "vmm/base/scoped_fd.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::BzImageFile;
using testing::ElfFile;

constexpr std::uint64_t kRam = 32 * address_map::kMiB;

ScopedFd FileOf(const Bytes& bytes) {
    ScopedFd fd(::memfd_create("kernel", MFD_CLOEXEC));
    EXPECT_EQ(::write(fd.Get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return fd;
}

// One attempt to boot `kernel` (and `initrd`) in a fresh machine.
struct Attempt {
    explicit Attempt(const Bytes& kernel, const Bytes& initrd = {}, std::string_view cmdline = "quiet")
        : kernel_fd(FileOf(kernel)), initrd_fd(FileOf(initrd)) {
        boot.kernel = {kernel_fd.Get(), {{0, kernel.size()}}};
        if (!initrd.empty()) boot.initrds = {{initrd_fd.Get(), {{0, initrd.size()}}}};
        boot.cmdline = cmdline;
        boot.rsdp = address_map::kAcpiTables;
        boot.rng_seed.fill(std::byte{0x5a});
    }
    [[nodiscard]] Result<EntryState> Load() const { return LoadLinux(boot, memory); }
    template <typename T>
    [[nodiscard]] T Read(GuestAddress at) const {
        return memory.Read<T>(at).value();
    }
    [[nodiscard]] std::string CommandLine() const {
        return reinterpret_cast<const char*>(memory.Slice(boot_layout::kCommandLine, 64)->data());
    }

    ScopedFd kernel_fd;
    ScopedFd initrd_fd;
    LinuxBoot boot;
    GuestMemory memory = GuestMemory::Create(kRam).value();
};

TEST(LoadLinux, BzImageIsEnteredInLongModeWithItsBootParams) {
    const Attempt attempt(BzImageFile{}.Build(), Bytes(5000, std::byte{0x11}));
    const auto state = attempt.Load();
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->mode, EntryState::Mode::kLong64);
    EXPECT_EQ(state->entry, GuestAddress(0x100'0200));
    EXPECT_EQ(state->gdt_limit, 47);
    EXPECT_EQ(attempt.Read<std::uint8_t>(state->entry), 0xc0U);
    EXPECT_EQ(attempt.Read<BootGdt>(state->gdt), kBootGdtLong64);
    EXPECT_EQ(attempt.Read<std::uint64_t>(state->page_table), boot_layout::kPageTables.Value() + 0x1007);
    const auto params = attempt.Read<::boot_params>(state->argument);
    EXPECT_EQ(params.acpi_rsdp_addr, address_map::kAcpiTables.Value());
    EXPECT_EQ(params.e820_entries, 3U);
    EXPECT_EQ(params.hdr.ramdisk_image, kRam - 8192);
    EXPECT_EQ(params.hdr.ramdisk_size, 5000U);
    EXPECT_EQ(attempt.Read<std::uint8_t>(GuestAddress(kRam - 8192 + 4999)), 0x11U);
    EXPECT_EQ(attempt.Read<std::uint8_t>(GuestAddress(kRam - 8192 + 5000)), 0U);
    EXPECT_EQ(attempt.CommandLine(), "quiet");
    const auto seed = attempt.Read<RngSeedNode>(GuestAddress(params.hdr.setup_data));
    EXPECT_EQ(seed.seed, attempt.boot.rng_seed);
}

TEST(LoadLinux, ElfIsEnteredInProtectedModeWithItsStartInfo) {
    const Attempt attempt(ElfFile::Valid().Build(), Bytes(5000, std::byte{0x11}));
    const auto state = attempt.Load();
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->mode, EntryState::Mode::kProtected32);
    EXPECT_EQ(state->entry, GuestAddress(0x100'0010));
    EXPECT_EQ(attempt.Read<std::uint8_t>(state->entry), 0xc0U);
    EXPECT_EQ(attempt.Read<BootGdt>(state->gdt), kBootGdtProtected32);
    const auto info = attempt.Read<PvhStartInfo>(state->argument);
    EXPECT_EQ(info.rsdp_paddr, address_map::kAcpiTables.Value());
    EXPECT_EQ(info.memmap_entries, 3U);
    EXPECT_EQ(attempt.Read<PvhModule>(GuestAddress(info.modlist_paddr)).paddr, kRam - 8192);
    EXPECT_EQ(attempt.CommandLine(), "quiet");
}

TEST(LoadLinux, PvhKernelGetsNoSeed) {
    const Attempt attempt(ElfFile::Valid().Build());
    ASSERT_TRUE(attempt.Load().has_value());
    EXPECT_EQ(attempt.Read<std::uint64_t>(GuestAddress(boot_layout::kSetupData.Value() + 16)), 0U);
}

TEST(LoadLinux, PageZeroIsLeftAlone) {
    const Attempt attempt(BzImageFile{}.Build());
    ASSERT_TRUE(attempt.Load().has_value());
    using Page = std::array<std::byte, 4096>;
    EXPECT_EQ(attempt.Read<Page>(GuestAddress(0)), Page{});
}

TEST(LoadLinux, RefusalsNameWhatIsRefused) {
    EXPECT_EQ(Attempt(Bytes(4096)).Load().error().Message(), "the kernel is neither a bzImage nor an ELF file");
    EXPECT_EQ(Attempt(Bytes{}).Load().error().Message(), "the kernel is empty");
    EXPECT_EQ(Attempt(BzImageFile{}.Build(), {}, std::string(2048, 'x')).Load().error().Message(),
              "the command line has 2048 bytes; the kernel takes at most 2047");
}

TEST(LoadLinux, KernelThatNeedsMoreRamIsRefusedBeforeAnythingIsWritten) {
    BzImageFile image;
    image.header.init_size = 0x100'0001;
    const Attempt attempt(image.Build());
    const auto state = attempt.Load();
    ASSERT_FALSE(state.has_value());
    EXPECT_EQ(state.error().Message(), "the kernel needs 33 MiB of RAM to start; the guest has 32 MiB");
    EXPECT_EQ(state.error().Kind(), ErrorKind::kBootSource);
    EXPECT_EQ(attempt.Read<std::uint64_t>(GuestAddress(0x100'0200)), 0U);
}

TEST(LoadLinux, EmptyInitrdIsRefused) {
    Attempt attempt(BzImageFile{}.Build());
    attempt.boot.initrds = {{attempt.initrd_fd.Get(), {}}};
    EXPECT_EQ(attempt.Load().error().Message(), "the initrd is empty");
}

TEST(LoadLinux, InitrdShorterThanAnnouncedIsRefused) {
    Attempt attempt(BzImageFile{}.Build(), Bytes(100));
    attempt.boot.initrds.front().pieces.front().length = 101;
    EXPECT_EQ(attempt.Load().error().Message(), "the initrd: ends too early");
}

TEST(LoadLinux, KernelThatCannotBeMappedIsRefused) {
    Attempt attempt(BzImageFile{}.Build());
    attempt.boot.kernel.fd = -1;
    EXPECT_EQ(attempt.Load().error().Message(), "the kernel cannot be mapped: Bad file descriptor");
}

// `bytes` in two pieces of one file, in the wrong order and with a gap, as a file lies in a disk image.
struct Scattered {
    explicit Scattered(const Bytes& bytes) {
        const std::size_t half = bytes.size() / 2;
        Bytes image(100, std::byte{0xee});
        image.insert(image.end(), bytes.begin() + static_cast<std::ptrdiff_t>(half), bytes.end());
        image.insert(image.end(), 7, std::byte{0xee});
        image.insert(image.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(half));
        fd = FileOf(image);
        file = {fd.Get(), {{image.size() - half, half}, {100, bytes.size() - half}}};
    }
    ScopedFd fd;
    BootFile file;
};

TEST(LoadLinux, KernelInPiecesOfAnImageBootsAsTheWholeOneDoes) {
    const Bytes kernel = BzImageFile{}.Build();
    Attempt attempt(kernel);
    const Scattered scattered(kernel);
    attempt.boot.kernel = scattered.file;
    const Attempt whole(kernel);
    const auto state = attempt.Load();
    ASSERT_TRUE(state.has_value() && whole.Load().has_value());
    EXPECT_EQ(attempt.Read<std::uint8_t>(state->entry), 0xc0U);
    const auto bytes = attempt.memory.Slice(GuestAddress(0), kRam).value();
    EXPECT_TRUE(std::ranges::equal(bytes, whole.memory.Slice(GuestAddress(0), kRam).value()));
}

TEST(LoadLinux, PiecesBeyondTheImageAreRefused) {
    Attempt attempt(BzImageFile{}.Build());
    attempt.boot.kernel.pieces = {{1 << 20, 4096}};
    EXPECT_EQ(attempt.Load().error().Message(), "the kernel ends too early");
    attempt.boot.kernel.pieces = {{0, ~std::uint64_t{0}}, {0, ~std::uint64_t{0}}};
    EXPECT_EQ(attempt.Load().error().Message(), "the kernel is larger than any kernel: 1 GiB");
}

TEST(LoadLinux, SeveralInitrdsLieAtMultiplesOfFour) {
    Attempt attempt(BzImageFile{}.Build(), Bytes(5, std::byte{0x11}));
    const Scattered second(Bytes(6, std::byte{0x22}));
    attempt.boot.initrds.push_back(second.file);
    const auto state = attempt.Load();
    ASSERT_TRUE(state.has_value());
    const auto params = attempt.Read<::boot_params>(state->argument);
    EXPECT_EQ(params.hdr.ramdisk_size, 14U);
    using Image = std::array<std::uint8_t, 14>;
    EXPECT_EQ(attempt.Read<Image>(GuestAddress(params.hdr.ramdisk_image)),
              (Image{0x11, 0x11, 0x11, 0x11, 0x11, 0, 0, 0, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22}));
}

}  // namespace
}  // namespace husk
