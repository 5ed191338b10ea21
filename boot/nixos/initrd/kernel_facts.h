// What a kernel file says about itself: its version, and its configuration when it carries it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/initrd/decompression_libraries.h"
#include "boot/nixos/initrd/kernel_config.h"

namespace husk {

struct KernelFacts {
    enum class Format {
        kNotRead,  // nobody looked
        kOther,    // no kernel that husk can start
        kBzImage,
        kElf,
    };
    Format format = Format::kNotRead;
    std::string version;                 // "6.6.32", as its modules' folder is called; empty when it does not say
    std::optional<KernelConfig> config;  // nothing: it carries none, or husk cannot unpack it
};

// An error (kHost) says why this host cannot look: a library is missing, the source cannot be read. Damage only makes
// for fewer facts: whether the kernel can be loaded is ParseKernel's to say. At most 1 GiB of it is looked at.
[[nodiscard]] Result<KernelFacts> ReadKernel(const ByteSource& source, const DecompressionLibraries& libraries);

}  // namespace husk
