#include "vmm/machine/config.h"

#include <sys/sysinfo.h>

#include <algorithm>

#include "vmm/memory/address_map.h"
#include "vmm/roles/messages.h"

namespace husk {
namespace {

using address_map::kGiB;
using address_map::kMiB;

std::string InMiB(std::uint64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

bool IsNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

std::unexpected<Error> Usage(std::string sentence) { return Fail(ErrorKind::kUsage, std::move(sentence)); }

std::uint64_t HostMemory() {
    struct sysinfo info{};
    return ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : ~std::uint64_t{0};
}

}  // namespace

Result<> CheckConfig(const MachineConfig& config) {
    if (config.vcpus < 1 || config.vcpus > kMaxVcpus) {
        return Usage("--cpus takes a number from 1 to " + std::to_string(kMaxVcpus) + ", not " +
                     std::to_string(config.vcpus));
    }
    if (config.memory_bytes < address_map::kMinRam) {
        return Usage("--memory must be at least " + InMiB(address_map::kMinRam) + ", not " +
                     std::to_string(config.memory_bytes) + " bytes");
    }
    const std::uint64_t unit = config.huge_pages ? 2 * kMiB : address_map::kPageSize;
    if (config.memory_bytes % unit != 0) {
        return Usage("--memory must be a multiple of " + std::to_string(unit / address_map::kKiB) + " KiB, not " +
                     std::to_string(config.memory_bytes) + " bytes");
    }
    if (config.memory_bytes > HostMemory()) {
        return Usage("--memory asks for " + InMiB(config.memory_bytes) + "; this host has " + InMiB(HostMemory()));
    }
    if (config.command_line.size() > kMaxCommandLine) {
        return Usage("--cmdline has " + std::to_string(config.command_line.size()) + " bytes; a kernel takes at most " +
                     std::to_string(kMaxCommandLine));
    }
    if (config.name.empty() || config.name.size() > kMaxName || !std::ranges::all_of(config.name, IsNameCharacter)) {
        return Usage("--name takes 1 to " + std::to_string(kMaxName) + " letters, digits, '-', '_' and '.', not \"" +
                     config.name + "\"");
    }
    if (config.disks.size() > kMaxDisks) {
        return Usage("--disk can be given " + std::to_string(kMaxDisks) + " times, not " +
                     std::to_string(config.disks.size()));
    }
    if (config.networks.size() > kMaxNets) {
        return Usage("--net can be given " + std::to_string(kMaxNets) + " times, not " +
                     std::to_string(config.networks.size()));
    }
    for (const DiskConfig& disk : config.disks) {
        const std::string option = "--disk " + disk.path + ": ";
        if (disk.ephemeral && disk.read_only) return Usage(option + "ro and ephemeral exclude each other");
        if (disk.ephemeral && (disk.direct || disk.aio == DiskAio::kIoUring)) {
            return Usage(option + "an ephemeral disk takes neither direct nor aio=io_uring");
        }
        if (disk.serial.size() > kMaxSerial) {
            return Usage("--disk " + disk.path + ": a serial has at most " + std::to_string(kMaxSerial) +
                         " characters, not \"" + disk.serial + "\"");
        }
    }
    return {};
}

}  // namespace husk
