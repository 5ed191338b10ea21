// Configuration files of a volume, as texts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

// The content of the file at `path`, read once; nothing when there is none. `source` is what `volume` is in. An error
// that names the file when it is longer than `limit` bytes or cannot be read.
[[nodiscard]] Result<std::optional<std::string>> ReadTextFile(const ByteSource& source, const Volume& volume,
                                                              std::string_view path, std::size_t limit);

}  // namespace husk
