#include "boot/linux/placement.h"

#include <algorithm>
#include <string>

#include "vmm/memory/address_map.h"

namespace husk {
namespace {

using address_map::kMiB;
using address_map::kPageSize;

// Whole MiB, so that the number is enough (rounded up) or not too much (rounded down).
std::string MiBUp(std::uint64_t bytes) { return std::to_string(bytes / kMiB + (bytes % kMiB != 0 ? 1 : 0)) + " MiB"; }
std::string MiBDown(std::uint64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

std::uint64_t LowRamEnd(std::span<const MemoryRegion> regions) { return regions.front().host.size(); }

}  // namespace

Result<> CheckKernelFits(const KernelPlan& plan, std::span<const MemoryRegion> regions) {
    const std::uint64_t end = plan.segments.back().End().Value();
    if (end <= LowRamEnd(regions)) return {};
    if (end > address_map::kLowRamEnd.Value()) {
        return Fail(ErrorKind::kBootSource,
                    "the kernel reaches up to " + Hex(end) + ", beyond the 3 GiB in which it can be started");
    }
    return Fail(ErrorKind::kBootSource,
                "the kernel needs " + MiBUp(end) + " of RAM to start; the guest has " + MiBDown(LowRamEnd(regions)));
}

Result<InitrdPlacement> PlaceInitrd(const KernelPlan& plan, std::uint64_t size, std::span<const MemoryRegion> regions) {
    if (size == 0) return InitrdPlacement{};
    const std::uint64_t floor = plan.segments.back().End().Value();
    const std::uint64_t limit =
        plan.initrd_last.Value() < LowRamEnd(regions) ? plan.initrd_last.Value() + 1 : LowRamEnd(regions);
    // From page to page: what remains between the kernel's last page and the limit.
    const std::uint64_t first_page = (floor + kPageSize - 1) & ~(kPageSize - 1);
    const std::uint64_t room = limit > first_page ? limit - first_page : 0;
    if (size > room) {
        return Fail(ErrorKind::kBootSource,
                    "the initrd takes " + MiBUp(size) + "; beside the kernel the guest has room for " + MiBDown(room));
    }
    return InitrdPlacement{.address = GuestAddress((limit - size) & ~(kPageSize - 1)), .size = size};
}

Result<> CheckCommandLine(const KernelPlan& plan, std::string_view cmdline) {
    if (cmdline.size() > plan.cmdline_max) {
        return Fail(ErrorKind::kBootSource, "the command line has " + std::to_string(cmdline.size()) +
                                                " bytes; the kernel takes at most " + std::to_string(plan.cmdline_max));
    }
    if (cmdline.contains('\0')) return Fail(ErrorKind::kBootSource, "the command line contains a zero byte");
    return {};
}

}  // namespace husk
