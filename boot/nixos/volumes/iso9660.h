// IsoVolume: an ISO 9660 file system with or without Rock Ridge, as an installation medium has it (ECMA-119). Joliet is
// not read. Symbolic links, devices and directories that Rock Ridge moved elsewhere are not there.
//
// With Rock Ridge the case of letters counts, without it does not, and ";1" is no part of a name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "boot/nixos/volumes/iso_directory.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

class IsoVolume final : public Volume {
 public:
    // Whether an ISO 9660 file system begins at the start of the source: a few small reads. True also for what is
    // damaged or cannot be read: Open() then says why.
    [[nodiscard]] static bool IsIso(const ByteSource& source);
    // `source` outlives it. An error also when the source is shorter than its file system.
    [[nodiscard]] static Result<IsoVolume> Open(const ByteSource& source);

    [[nodiscard]] Result<std::vector<std::string>> List(std::string_view directory) const override;
    [[nodiscard]] Result<std::optional<FileExtents>> Find(std::string_view path) const override;

    // What root=LABEL= names; empty when it has none.
    [[nodiscard]] const std::string& Label() const { return label_; }

 private:
    IsoVolume(const ByteSource& source, IsoFormat format, std::string label, const ByteRange& root)
        : source_(&source), format_(format), label_(std::move(label)), root_(root) {}
    [[nodiscard]] Result<std::optional<IsoDirectory>> Enter(std::span<const std::string_view> names) const;

    const ByteSource* source_;
    IsoFormat format_;
    std::string label_;
    ByteRange root_;
};

}  // namespace husk
