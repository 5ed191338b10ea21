#include "boot/linux/linux_boot.h"

#include <sys/mman.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
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

class FileMapping {
 public:
    static Result<FileMapping> Create(int fd, std::uint64_t size) {
        void* const base = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (base == MAP_FAILED)
            return std::unexpected(Error::Os("the kernel cannot be mapped").As(ErrorKind::kBootSource));
        return FileMapping({static_cast<const std::byte*>(base), size});
    }
    FileMapping(FileMapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    FileMapping& operator=(FileMapping&&) = delete;
    ~FileMapping() {
        if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    }
    [[nodiscard]] std::span<const std::byte> Bytes() const { return bytes_; }

 private:
    explicit FileMapping(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::span<const std::byte> bytes_;
};

Result<KernelPlan> PlanKernel(const LinuxBoot& boot) {
    if (boot.kernel_size == 0) return Fail(ErrorKind::kBootSource, "the kernel is empty");
    const FileMapping file = HUSK_TRY(FileMapping::Create(boot.kernel_fd, boot.kernel_size));
    Result<KernelPlan> plan = ParseKernel(file.Bytes());
    if (!plan) return Fail(plan.error().Kind(), "the kernel " + plan.error().Message());
    return plan;
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
    const bool has_initrd = boot.initrd_fd >= 0;
    if (has_initrd && boot.initrd_size == 0) return Fail(ErrorKind::kBootSource, "the initrd is empty");
    HUSK_TRY(CheckCommandLine(plan, boot.cmdline));
    HUSK_TRY(CheckKernelFits(plan, memory.Regions()));
    const InitrdPlacement initrd = HUSK_TRY(PlaceInitrd(plan, has_initrd ? boot.initrd_size : 0, memory.Regions()));

    for (const KernelSegment& segment : plan.segments) {
        HUSK_TRY_IN("the kernel",
                    memory.LoadFile(segment.address, boot.kernel_fd, segment.file_offset, segment.file_length));
    }
    if (has_initrd) HUSK_TRY_IN("the initrd", memory.LoadFile(initrd.address, boot.initrd_fd, 0, initrd.size));
    PutCommandLine(memory, boot.cmdline);
    return plan.format == KernelFormat::kBzImage ? Enter64(boot, plan, initrd, memory)
                                                 : EnterPvh(boot, plan, initrd, memory);
}

}  // namespace husk
