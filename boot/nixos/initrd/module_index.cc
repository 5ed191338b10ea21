#include "boot/nixos/initrd/module_index.h"

#include <bit>
#include <cstdint>
#include <optional>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::uint32_t kMagic = 0xb007'f457;
constexpr std::uint32_t kMajorVersion = 2;
constexpr std::size_t kRootOffset = 8;  // where the file says where its first node is

// A node's offset has in its high bits which of the node's parts there are, in this order.
constexpr std::uint32_t kHasPrefix = 0x8000'0000;    // text that ends with NUL
constexpr std::uint32_t kHasChildren = 0x2000'0000;  // first and last character, then an offset for each between them
constexpr std::uint32_t kHasValues = 0x4000'0000;    // the node is the end of a key
constexpr std::uint32_t kOffsetMask = 0x0fff'ffff;

std::optional<std::uint32_t> LoadBig(std::span<const std::byte> bytes, std::size_t offset) {
    const auto value = LoadAt<std::uint32_t>(bytes, offset);
    return value ? std::optional(__builtin_bswap32(*value)) : std::nullopt;
}

// Takes the prefix at `at` off `name`. False when `name` does not start with it.
bool TakePrefix(std::span<const std::byte> index, std::size_t& at, std::string_view& name) {
    for (;; ++at) {
        const auto c = LoadAt<char>(index, at);
        if (!c) return false;
        if (*c == '\0') break;
        if (name.empty() || name.front() != *c) return false;
        name.remove_prefix(1);
    }
    ++at;
    return true;
}

}  // namespace

bool IsModuleIndex(std::span<const std::byte> index) {
    const auto version = LoadBig(index, 4);
    return LoadBig(index, 0) == kMagic && version && *version >> 16 == kMajorVersion;
}

bool ModuleIndexHas(std::span<const std::byte> index, std::string_view name) {
    auto node = IsModuleIndex(index) ? LoadBig(index, kRootOffset) : std::nullopt;
    while (node) {
        std::size_t at = *node & kOffsetMask;
        if ((*node & kHasPrefix) != 0 && !TakePrefix(index, at, name)) return false;
        if (name.empty()) return (*node & kHasValues) != 0;
        if ((*node & kHasChildren) == 0) return false;
        const auto first = LoadAt<std::uint8_t>(index, at);
        const auto last = LoadAt<std::uint8_t>(index, at + 1);
        const auto wanted = static_cast<std::uint8_t>(name.front());
        if (!first || !last || wanted < *first || wanted > *last) return false;
        name.remove_prefix(1);  // each turn makes the name shorter: the walk ends, cycles or not
        node = LoadBig(index, at + 2 + std::size_t{4} * (wanted - *first));
        if (node && (*node & kOffsetMask) == 0) return false;
    }
    return false;
}

}  // namespace husk
