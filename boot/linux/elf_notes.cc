#include "boot/linux/elf_notes.h"

#include <elf.h>

#include <algorithm>
#include <array>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::uint32_t kPhys32Entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY
constexpr std::array kXenName = {std::byte{'X'}, std::byte{'e'}, std::byte{'n'}, std::byte{0}};

std::optional<GuestAddress> EntryOf(std::span<const std::byte> descriptor) {
    if (descriptor.size() != 4 && descriptor.size() != 8) return std::nullopt;
    return GuestAddress(LoadLittleEndian(descriptor));
}

}  // namespace

std::optional<GuestAddress> FindPvhEntry(std::span<const std::byte> notes, std::uint64_t alignment) {
    const std::uint64_t mask = alignment == 8 ? 7 : 3;
    const auto align = [mask](std::uint64_t n) { return (n + mask) & ~mask; };
    std::uint64_t at = 0;
    // Ends: every turn moves on by a note header at least. No sum wraps: `at` is within a file, lengths have 32
    // bits.
    while (const auto note = LoadAt<Elf64_Nhdr>(notes, at)) {
        const std::uint64_t name = at + sizeof *note;
        const std::uint64_t descriptor = align(name + note->n_namesz);
        const std::uint64_t end = descriptor + note->n_descsz;
        if (end > notes.size()) return std::nullopt;
        if (note->n_type == kPhys32Entry && std::ranges::equal(notes.subspan(name, note->n_namesz), kXenName)) {
            return EntryOf(notes.subspan(descriptor, note->n_descsz));
        }
        at = align(end);
    }
    return std::nullopt;
}

}  // namespace husk
