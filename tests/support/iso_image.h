// ISO 9660 file systems for tests: directories are made from the leaves to the root.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/volumes/iso_descriptor.h"
#include "tests/support/test_image.h"

namespace husk::testing {

using Bytes = std::vector<std::byte>;

struct IsoExtent {
    std::uint32_t block = 0;
    std::uint32_t length = 0;  // bytes
};

struct IsoEntry {
    std::string identifier;  // "BZIMAGE.;1"
    IsoExtent extent;
    std::uint8_t flags = 0;  // 2: a directory, 0x80: the next one goes on with it
    Bytes system_use = {};
    std::uint8_t unit_size = 0;  // not 0: interleaved
};

// Entries of a system use area, to be put one after the other with +.
namespace rock_ridge {
inline Bytes Entry(std::string_view signature, std::span<const std::byte> data) {
    Bytes entry(4 + data.size());
    std::ranges::copy(std::as_bytes(std::span(signature)), entry.begin());
    entry[2] = static_cast<std::byte>(entry.size());
    entry[3] = std::byte{1};
    std::ranges::copy(data, entry.begin() + 4);
    return entry;
}
inline Bytes Both(std::initializer_list<std::uint32_t> numbers) {
    Bytes bytes;
    for (const std::uint32_t number : numbers) {
        bytes.insert(bytes.end(), BytesOf(number).begin(), BytesOf(number).end());
        bytes.resize(bytes.size() + 4);  // big-endian, which is not read
    }
    return bytes;
}
inline Bytes Name(std::string_view name, bool goes_on = false) {
    const std::string data = std::string(1, goes_on ? '\1' : '\0') + std::string(name);
    return Entry("NM", std::as_bytes(std::span(data)));
}
inline Bytes Continuation(std::uint32_t block, std::uint32_t offset, std::uint32_t length) {
    return Entry("CE", Both({block, offset, length}));
}
inline Bytes Mode(std::uint32_t mode) { return Entry("PX", Both({mode, 1, 0, 0})); }
inline Bytes Mark(std::uint8_t skip = 0) {
    const std::array data = {std::byte{0xbe}, std::byte{0xef}, std::byte{skip}};
    return Entry("SP", data);
}
inline Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
}  // namespace rock_ridge

class IsoImage {
 public:
    TestImage image{20ULL * kIsoSector};

    IsoExtent AddData(std::string_view content) {
        const IsoExtent extent = Allocate(content.size());
        image.Put(std::uint64_t{extent.block} * kIsoSector, content);
        return extent;
    }
    // `dot_use`: the system use area of ".".
    IsoExtent AddDirectory(const std::vector<IsoEntry>& entries, const Bytes& dot_use = {}) {
        Bytes bytes;
        const std::uint32_t here = Blocks();
        Append(bytes, {std::string(1, '\0'), {here, kIsoSector}, 2, dot_use});
        Append(bytes, {std::string(1, '\1'), {here, kIsoSector}, 2});
        for (const IsoEntry& entry : entries) Append(bytes, entry);
        bytes.resize((bytes.size() + kIsoSector - 1) / kIsoSector * kIsoSector);
        const IsoExtent extent = Allocate(bytes.size());
        image.Put(std::uint64_t{extent.block} * kIsoSector, bytes);
        return extent;
    }
    void Finish(IsoExtent root, std::string_view label = "nixos-minimal-24.05-x86_64") {
        constexpr std::uint64_t kAt = 16ULL * kIsoSector;
        image.Put(kAt, std::string_view("\1CD001\1"));
        image.Put(kAt + 40, std::string(32, ' '));
        image.Put(kAt + 40, label);
        image.Put(kAt + 80, Blocks());
        image.Put(kAt + 128, std::uint16_t{kIsoSector});
        Bytes record;
        Append(record, {std::string(1, '\0'), root, 2});
        image.Put(kAt + 156, record);
        image.Put(kAt + 813, "2024060112304599");
        image.Put(kAt + kIsoSector, std::string_view("\xff"
                                                     "CD001\1"));
    }
    // Blocks without content.
    IsoExtent Allocate(std::uint64_t length) {
        const std::uint32_t block = Blocks();
        image.Resize((block + (length + kIsoSector - 1) / kIsoSector) * kIsoSector);
        return {block, static_cast<std::uint32_t>(length)};
    }

 private:
    [[nodiscard]] std::uint32_t Blocks() const { return static_cast<std::uint32_t>(image.Size() / kIsoSector); }
    static void Append(Bytes& directory, const IsoEntry& entry) {
        const std::size_t system_use = (33 + entry.identifier.size() + 1) / 2 * 2;
        Bytes record((system_use + entry.system_use.size() + 1) / 2 * 2);
        record[0] = static_cast<std::byte>(record.size());
        StoreLittleEndian(std::span(record).subspan(2, 4), entry.extent.block);
        StoreLittleEndian(std::span(record).subspan(10, 4), entry.extent.length);
        record[25] = std::byte{entry.flags};
        record[26] = std::byte{entry.unit_size};
        record[32] = static_cast<std::byte>(entry.identifier.size());
        std::ranges::copy(std::as_bytes(std::span(entry.identifier)), record.begin() + 33);
        std::ranges::copy(entry.system_use, record.begin() + static_cast<std::ptrdiff_t>(system_use));
        const std::size_t left = kIsoSector - directory.size() % kIsoSector;
        if (record.size() > left) directory.resize(directory.size() + left);
        directory.insert(directory.end(), record.begin(), record.end());
    }
};

}  // namespace husk::testing
