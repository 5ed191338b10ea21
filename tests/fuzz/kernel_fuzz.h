// What both kernel fuzzers do with a parsed file: check the plan against its promises, then load it into a
// small machine. Loading is cheap, because only bytes that are in the (small) file get copied.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "boot/linux/kernel_plan.h"
#include "boot/linux/linux_boot.h"
#include "boot/linux/placement.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/memory/address_map.h"
#include "vmm/memory/guest_memory.h"

namespace husk::testing {

inline void Require(bool condition) {
    if (!condition) std::abort();
}

inline void CheckPlan(std::span<const std::byte> file, const KernelPlan& plan) {
    Require(!plan.segments.empty());
    GuestAddress previous_end = address_map::kHighMemory;
    bool entry_has_code = false;
    for (const KernelSegment& segment : plan.segments) {
        Require(segment.file_offset <= file.size() && segment.file_length <= file.size() - segment.file_offset);
        Require(segment.file_length <= segment.memory_length);
        Require(segment.address >= previous_end && segment.End() >= segment.address);
        entry_has_code |=
            plan.entry >= segment.address && plan.entry.Value() < segment.address.Value() + segment.file_length;
        previous_end = segment.End();
    }
    Require(entry_has_code);
    Require(plan.cmdline_max < 0x10000 && plan.setup_header.size() <= 0x290 - 0x1f1);
}

inline void CheckPlacement(const KernelPlan& plan, std::uint64_t initrd_size, const GuestMemory& memory) {
    const auto placed = PlaceInitrd(plan, initrd_size, memory.Regions());
    if (!placed || initrd_size == 0) return;
    Require(placed->address >= plan.segments.back().End());
    Require(placed->address.Value() % address_map::kPageSize == 0);
    Require(placed->address.Value() + placed->size - 1 <= plan.initrd_last.Value());
    Require(memory.Slice(placed->address, placed->size).has_value());
}

inline void ExerciseKernel(std::span<const std::byte> file, const Result<KernelPlan>& plan) {
    static const GuestMemory memory = GuestMemory::Create(32 * address_map::kMiB).value();
    static const ScopedFd fd(::memfd_create("fuzz", MFD_CLOEXEC));
    static_cast<void>(ParseKernel(file));
    if (!plan) {
        Require(!plan.error().Message().empty() && plan.error().Kind() == ErrorKind::kBootSource);
        return;
    }
    CheckPlan(file, *plan);
    const bool fits = CheckKernelFits(*plan, memory.Regions()).has_value();
    if (fits) {
        for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{0x10'0001}, ~std::uint64_t{0}}) {
            CheckPlacement(*plan, size, memory);
        }
    }
    Require(::ftruncate(fd.Get(), 0) == 0);
    Require(::pwrite(fd.Get(), file.data(), file.size(), 0) == static_cast<ssize_t>(file.size()));
    const auto state = LoadLinux({.kernel = {fd.Get(), {{0, file.size()}}},
                                  .initrds = {{fd.Get(), {{0, file.size()}}}},  // any bytes will do
                                  .cmdline = "",
                                  .rsdp = address_map::kAcpiTables,
                                  .rng_seed = {}},
                                 memory);
    Require(fits || !state);
}

}  // namespace husk::testing
