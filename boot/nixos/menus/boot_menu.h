// BootMenu: what a boot source offers to boot, whatever form it has. The parsers of all forms end in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"

namespace husk {

// Texts come from a stranger: printable UTF-8 or ASCII as the parsers leave them (control characters are refused or
// replaced by '?'), and within the limits below.
struct BootEntry {
    std::string id;  // what --generation takes beside a number: an entry file's name without .conf, a label of the menu
    std::string title;    // for people: "NixOS", "NixOS (generation 12)"
    std::string version;  // as the entry says it: "Generation 12 NixOS 24.05, Linux Kernel 6.6.32, Built on 2024-06-01"
    std::optional<std::uint64_t> generation;
    std::string specialisation;        // empty: the system itself
    std::string label;                 // of the NixOS version, "24.05.20240601.abcdef"; empty when not said
    std::string date;                  // when it was built, as the entry says it ("2024-06-01"); empty when not said
    std::string kernel;                // a path in `volume`, or of the host when the source is a folder of the host
    std::vector<std::string> initrds;  // in order; likewise
    std::string command_line;          // as the entry says it, init= included
    std::size_t volume = 0;            // which of the source's volumes holds kernel and initrds
    bool bad = false;                  // boot counting: all its tries failed
    std::string initrd_secrets;        // the program that would append secrets to the initrd; empty: none
    std::string profile;               // the system profile that `generation` counts in; empty: the system's own
};

namespace boot_limits {
inline constexpr std::size_t kEntries = 512;  // more are not shown: a note says so
inline constexpr std::size_t kId = 255;       // bytes
inline constexpr std::size_t kText = 255;     // bytes: title, version, label, date, specialisation; longer is cut
inline constexpr std::size_t kPath = 1023;    // bytes
inline constexpr std::size_t kInitrds = 8;    // for one entry
inline constexpr std::size_t kCommandLine =
    8191;  // bytes, while parsing: the kernel's own limit is checked at the boot
inline constexpr std::size_t kTextFile = 1U << 20;  // bytes of a configuration file
inline constexpr std::size_t kNotes = 24;           // of one menu
inline constexpr std::size_t kNote = 1023;          // bytes
}  // namespace boot_limits

struct BootMenu {
    std::vector<BootEntry> entries;            // as a boot loader would show them, the first the one on top
    std::optional<std::size_t> default_entry;  // what boots when nobody chooses
    std::vector<std::string> notes;            // sentences about what was left out, for people
};

// What a person asked for: a generation's number, an entry's id (with or without .conf), a specialisation's name beside
// either; nothing at all: the default entry.
struct EntryChoice {
    std::string entry;  // empty: the default
    std::string specialisation;
};

// The index of the entry that `choice` means. A number is a generation of the system's own profile first, and one of
// another profile when that has none. Identifiers are compared without regard to case when none is exactly so. An error
// (kBootSource) that names what there is.
[[nodiscard]] Result<std::size_t> ChooseEntry(const BootMenu& menu, const EntryChoice& choice);

// Adds `sentence`, cleaned and within the limits; those beyond kNotes become one that says so.
void AddNote(BootMenu& menu, std::string_view sentence);
// Adds `entry`, unless there are kEntries: then false, and a note.
bool AddEntry(BootMenu& menu, BootEntry entry);

}  // namespace husk
