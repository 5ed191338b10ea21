#include "boot/linux/linux_boot.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "boot/linux/boot_params.h"
#include "boot/linux/gdt.h"
#include "boot/linux/kernel_plan.h"
#include "boot/linux/layout.h"
#include "boot/linux/memory_map.h"
#include "boot/linux/page_tables.h"
#include "boot/linux/placement.h"
#include "boot/linux/pvh_start_info.h"

namespace husk {
namespace {

Result<KernelPlan> PlanKernel(const LinuxBoot& boot) {
    if (boot.kernel.Size() == 0) return Fail(ErrorKind::kBootSource, "the kernel is empty");
    const KernelBytes file = HUSK_TRY(KernelBytes::Create(boot.kernel));
    Result<KernelPlan> plan = ParseKernel(file.Bytes());
    if (!plan) return Fail(plan.error().Kind(), "the kernel " + plan.error().Message());
    return plan;
}

// Where the next initrd begins, behind one of this size.
constexpr std::uint64_t AlignedInitrd(std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; }

Result<std::uint64_t> InitrdSize(const std::vector<BootFile>& initrds) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 48;  // more than any guest's RAM: sums of a few do not wrap
    std::uint64_t end = 0;
    std::uint64_t size = 0;
    for (const BootFile& file : initrds) {
        if (file.Size() == 0) return Fail(ErrorKind::kBootSource, "the initrd is empty");
        size = end + std::min(file.Size(), kMost);
        end = AlignedInitrd(size);
    }
    return size;
}

// For what the loader itself puts below 1 MiB, at places that are RAM by boot_layout's and GuestMemory's
// contracts.
void Put(const GuestMemory& memory, GuestAddress at, std::span<const std::byte> bytes) {
    if (!memory.Write(at, bytes)) std::abort();
}

void PutCommandLine(const GuestMemory& memory, std::string_view cmdline) {
    std::string terminated(cmdline);
    terminated.push_back('\0');
    Put(memory, boot_layout::kCommandLine, std::as_bytes(std::span(terminated)));
}

void PutPageTables(const GuestMemory& memory) {
    const auto tables = std::make_unique<BootPageTables>();
    FillPageTables(*tables, boot_layout::kPageTables);
    Put(memory, boot_layout::kPageTables, BytesOf(*tables));
}

EntryState Enter64(const LinuxBoot& boot, const KernelPlan& plan, InitrdPlacement initrd, const GuestMemory& memory) {
    const auto map = MakeMemoryMap(memory.Regions());
    const ::boot_params params = MakeBootParams({.kernel = plan,
                                                 .initrd = initrd,
                                                 .memory_map = map,
                                                 .rsdp = boot.rsdp,
                                                 .cmdline = boot_layout::kCommandLine,
                                                 .setup_data = boot_layout::kSetupData});
    Put(memory, boot_layout::kZeroPage, BytesOf(params));
    Put(memory, boot_layout::kSetupData, BytesOf(RngSeedNode{.seed = boot.rng_seed}));
    PutPageTables(memory);
    Put(memory, boot_layout::kGdt, BytesOf(kBootGdtLong64));
    return {.mode = EntryState::Mode::kLong64,
            .entry = plan.entry,
            .argument = boot_layout::kZeroPage,
            .page_table = boot_layout::kPageTables,
            .gdt = boot_layout::kGdt,
            .gdt_limit = kBootGdtLimit};
}

EntryState EnterPvh(const LinuxBoot& boot, const KernelPlan& plan, InitrdPlacement initrd, const GuestMemory& memory) {
    const auto map = MakeMemoryMap(memory.Regions());
    const PvhStartInfoInput input{
        .initrd = initrd, .memory_map = map, .rsdp = boot.rsdp, .cmdline = boot_layout::kCommandLine};
    Put(memory, boot_layout::kPvhStartInfo, MakePvhStartInfo(input, boot_layout::kPvhStartInfo));
    Put(memory, boot_layout::kGdt, BytesOf(kBootGdtProtected32));
    return {.mode = EntryState::Mode::kProtected32,
            .entry = plan.entry,
            .argument = boot_layout::kPvhStartInfo,
            .page_table = {},
            .gdt = boot_layout::kGdt,
            .gdt_limit = kBootGdtLimit};
}

}  // namespace

Result<EntryState> LoadLinux(const LinuxBoot& boot, const GuestMemory& memory) {
    const KernelPlan plan = HUSK_TRY(PlanKernel(boot));
    const std::uint64_t initrd_size = HUSK_TRY(InitrdSize(boot.initrds));
    HUSK_TRY(CheckCommandLine(plan, boot.cmdline));
    HUSK_TRY(CheckKernelFits(plan, memory.Regions()));
    const InitrdPlacement initrd = HUSK_TRY(PlaceInitrd(plan, initrd_size, memory.Regions()));

    for (const KernelSegment& segment : plan.segments) {
        HUSK_TRY_IN("the kernel", boot.kernel.Load(memory, segment.address, segment.file_offset, segment.file_length));
    }
    GuestAddress next = initrd.address;
    for (const BootFile& file : boot.initrds) {
        HUSK_TRY_IN("the initrd", file.Load(memory, next, 0, file.Size()));
        next = GuestAddress(next.Value() + AlignedInitrd(file.Size()));
    }
    PutCommandLine(memory, boot.cmdline);
    return plan.format == KernelFormat::kBzImage ? Enter64(boot, plan, initrd, memory)
                                                 : EnterPvh(boot, plan, initrd, memory);
}

}  // namespace husk
