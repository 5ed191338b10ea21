// module_index: depmod's binary index of modules (kmod, libkmod/libkmod-index.c), of which modules.builtin.bin is one:
// a trie of module names. NixOS leaves it in its initrds, and not the text that it was made of.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace husk {

// True when `index` has `name` as a key. Names in it have "_" and no "-". A damaged index has none; an answer costs no
// more than the name has bytes, whatever the index holds.
[[nodiscard]] bool ModuleIndexHas(std::span<const std::byte> index, std::string_view name);

// True for bytes that start as such an index does.
[[nodiscard]] bool IsModuleIndex(std::span<const std::byte> index);

}  // namespace husk
