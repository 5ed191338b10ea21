// The whole of an initrd as Linux unpacks it (init/initramfs.c): cpio archives one after the other, zeros between them,
// each stretch with a compression of its own. Loaders and NixOS make use of that: microcode comes first, and secrets
// are appended as one more archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/initrd/cpio.h"
#include "boot/nixos/initrd/decompressor.h"

namespace husk {

inline constexpr std::uint64_t kMaxInitrdBytes = std::uint64_t{4} << 30;
// Linux knows no limit; this one keeps the cost of starting codecs small.
inline constexpr std::size_t kMaxCompressedParts = 64;

class InitramfsVisitor : public CpioVisitor {
 public:
    // A new archive begins: the first entry follows. `offset`: in the source, of the archive or of the compressed data
    // around it.
    virtual void Archive(Compression compression, std::uint64_t offset) = 0;
};

// Where the walk ended before the source did, if it did; what had come by then has been visited.
struct InitramfsEnd {
    std::string damage;                  // a clause: "it ends in the middle of init"; Linux stops there as well
    std::optional<Compression> unknown;  // a part compressed as Linux may know it, but not husk
};

class InitramfsReader {
 public:
    // Everything outlives it.
    InitramfsReader(const DecompressionLibraries& libraries, InitramfsVisitor& visitor)
        : libraries_(libraries), visitor_(visitor), walker_(visitor) {}

    // Walks one source; to be called for each file of an initrd that a loader would put together, as long as nothing
    // ended early. An error is a kHost: a library is missing, a stream wants more memory than it may have, the source
    // cannot be read.
    [[nodiscard]] Result<InitramfsEnd> Walk(const ByteSource& source);

    [[nodiscard]] std::uint64_t Entries() const { return walker_.Entries(); }

 private:
    [[nodiscard]] Result<InitramfsEnd> WalkParts(const ByteSource& source);
    [[nodiscard]] Result<> TakePlain(SourceReader& reader, std::span<const std::byte> bytes);
    [[nodiscard]] Result<> TakeCompressed(SourceReader& reader, Compression compression);
    [[nodiscard]] Result<> TakeUnpacked(std::span<const std::byte> bytes, std::uint64_t& position,
                                        Compression compression, std::uint64_t part_offset);

    const DecompressionLibraries& libraries_;
    InitramfsVisitor& visitor_;
    CpioWalker walker_;
    DecompressionBudget budget_;
    std::size_t compressed_parts_ = 0;
    std::uint64_t archives_ = 0;
    bool fresh_ = true;  // the next entry is the first of an archive
};

}  // namespace husk
