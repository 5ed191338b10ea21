// memtest: fills nearly all free memory with a pattern that differs in every 512 bytes, reads it back, and
// counts how much of it lies above 4 GiB of physical address space. Last line "memtest: ok" and status 0 only
// if all of it held and the RAM above 4 GiB was really used: a guest with RAM there whose upper part is
// missing, or an alias of the lower, fails.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kFourGiB = 1ULL << 32;
constexpr std::size_t kStride = 512 / sizeof(std::uint64_t);

std::uint64_t AvailableBytes() {
    std::FILE* file = std::fopen("/proc/meminfo", "r");
    char line[128];
    std::uint64_t kib = 0;
    while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
        if (std::sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1) break;
    }
    if (file != nullptr) std::fclose(file);
    return kib * 1024;
}

// How many bytes of System RAM /proc/iomem shows at and above 4 GiB.
std::uint64_t RamAbove4GiB() {
    std::FILE* file = std::fopen("/proc/iomem", "r");
    char line[128];
    std::uint64_t bytes = 0;
    while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        if (std::strstr(line, "System RAM") == nullptr) continue;
        if (std::sscanf(line, "%" SCNx64 "-%" SCNx64, &first, &last) != 2 || first < kFourGiB) continue;
        bytes += last - first + 1;
    }
    if (file != nullptr) std::fclose(file);
    return bytes;
}

// SplitMix64's finalizer: neighbouring addresses get unrelated patterns.
std::uint64_t Pattern(const std::uint64_t* at) {
    std::uint64_t z = reinterpret_cast<std::uintptr_t>(at) + 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

// How many bytes of the mapping are backed by page frames above 4 GiB (Linux,
// Documentation/admin-guide/mm/pagemap.rst).
std::uint64_t BackedAbove4GiB(const void* start, std::uint64_t size) {
    const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    std::vector<std::uint64_t> entries(4096);
    std::uint64_t bytes = 0;
    const std::uint64_t first = reinterpret_cast<std::uintptr_t>(start) / kPage;
    for (std::uint64_t page = 0; page < size / kPage; page += entries.size()) {
        const ssize_t got = pread(file, entries.data(), entries.size() * 8, static_cast<off_t>((first + page) * 8));
        for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got) / 8 && page + i < size / kPage; ++i) {
            const bool present = (entries[i] >> 63) != 0;
            const std::uint64_t frame = entries[i] & ((1ULL << 55) - 1);
            if (present && frame * kPage >= kFourGiB) bytes += kPage;
        }
    }
    close(file);
    return bytes;
}

}  // namespace

int main() {
    const std::uint64_t size = AvailableBytes() / 100 * 98 / (2 * kMiB) * (2 * kMiB);
    void* map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (size == 0 || map == MAP_FAILED || mlock(map, size) != 0) {
        std::printf("memtest: cannot map and lock %" PRIu64 " MiB: %s\n", size / kMiB, std::strerror(errno));
        return 1;
    }
    auto* const words = static_cast<std::uint64_t*>(map);
    auto* const end = words + size / sizeof *words;
    for (std::uint64_t* at = words; at < end; at += kStride) *at = Pattern(at);
    std::uint64_t wrong = 0;
    for (const std::uint64_t* at = words; at < end; at += kStride) wrong += *at == Pattern(at) ? 0 : 1;

    const std::uint64_t ram = RamAbove4GiB();
    const std::uint64_t used = BackedAbove4GiB(map, size);
    std::printf("memtest: %" PRIu64 " MiB filled, %" PRIu64 " of them above 4 GiB, where /proc/iomem shows %" PRIu64
                " MiB\n",
                size / kMiB, used / kMiB, ram / kMiB);
    if (wrong != 0) std::printf("memtest: %" PRIu64 " wrong words\n", wrong);
    const bool ok = wrong == 0 && ram != 0 && used >= ram / 10 * 8;
    std::puts(ok ? "memtest: ok" : "memtest: FAILED");
    return ok ? 0 : 1;
}
