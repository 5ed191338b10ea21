// What the file systems share about names and texts: paths are split, letters compared, a stranger's bytes made fit to
// be shown.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"

namespace husk {

inline constexpr std::size_t kMaxPath = 4095;     // bytes
inline constexpr std::size_t kMaxPathDepth = 32;  // components; each costs the reading of a directory

// The components of an absolute path; repeated slashes and "." are nothing. ".." is refused: nobody needs it, and no
// directory's own ".." entry is ever followed. Views into `path`.
[[nodiscard]] Result<std::vector<std::string_view>> SplitPath(std::string_view path);

// ASCII letters only, as boot loaders compare them.
[[nodiscard]] bool EqualsIgnoringCase(std::string_view a, std::string_view b);

// False for what could not be meant as a file's name: nothing at all, ".", "..", a slash or a control character in it.
// Such an entry of a directory is not there for us: what List() gives, Find() understands.
[[nodiscard]] bool IsPlainName(std::string_view name);

// `bytes` up to the first NUL, without spaces at its end; control characters and what is no UTF-8 become '?'.
[[nodiscard]] std::string PrintableText(std::span<const std::byte> bytes);

// UTF-16 to UTF-8; a surrogate without its other half becomes U+FFFD.
[[nodiscard]] std::string Utf8FromUtf16(std::u16string_view text);

}  // namespace husk
