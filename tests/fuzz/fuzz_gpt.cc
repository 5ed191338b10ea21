// A partition table from a stranger: GPT or MBR. Every input is read twice, once with the checksums of GPT made right,
// which no mutation would find.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "boot/nixos/volumes/crc32.h"
#include "boot/nixos/volumes/extents.h"
#include "boot/nixos/volumes/partitions.h"
#include "vmm/base/bytes.h"

namespace {

using namespace husk;

void Require(bool condition) {
    if (!condition) std::abort();
}

void Check(const ByteSource& source) {
    auto partitions = ReadPartitions(source);
    if (!partitions) {
        Require(!partitions.error().Message().empty() && partitions.error().Kind() == ErrorKind::kBootSource);
        return;
    }
    Require(partitions->size() <= 1024);
    std::erase_if(*partitions, [](const Partition& partition) { return partition.range.offset == 0; });
    std::ranges::sort(*partitions, {}, [](const Partition& partition) { return partition.range.offset; });
    std::uint64_t end = 0;
    for (const Partition& partition : *partitions) {
        Require(partition.range.length != 0 && IsWithin(partition.range, source.Size()));
        Require(partition.range.offset >= end);
        end = partition.range.offset + partition.range.length;
    }
}

void Seal(std::span<std::byte> image, std::uint64_t sector_size, std::uint64_t header_at) {
    if (header_at > image.size() || image.size() - header_at < sector_size) return;
    const auto header = image.subspan(header_at, sector_size);
    if (std::memcmp(header.data(), "EFI PART", 8) != 0) return;
    const std::uint64_t sector = *LoadAt<std::uint64_t>(header, 72);
    const std::uint64_t length = std::uint64_t{*LoadAt<std::uint32_t>(header, 80)} * *LoadAt<std::uint32_t>(header, 84);
    if (sector < image.size() / sector_size && length <= image.size() - sector * sector_size) {
        StoreLittleEndian(header.subspan(88, 4), Crc32(image.subspan(sector * sector_size, length)));
    }
    const std::size_t size = std::min<std::size_t>(*LoadAt<std::uint32_t>(header, 12), header.size());
    StoreLittleEndian(header.subspan(16, 4), 0);
    StoreLittleEndian(header.subspan(16, 4), Crc32(header.first(size)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::byte> image(size);
    std::ranges::copy(std::as_bytes(std::span(data, size)), image.begin());
    Check(SpanSource(image));
    for (const std::uint64_t sector : {512U, 4096U}) {
        Seal(image, sector, sector);
        Seal(image, sector, (image.size() / sector - 1) * sector);
    }
    Check(SpanSource(image));
    return 0;
}
