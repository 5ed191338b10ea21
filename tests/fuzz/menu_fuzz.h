// What the fuzzers of boot menus hold every menu to, whatever it was read from.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/menus/text.h"
#include "vmm/base/result.h"

namespace husk::testing {

inline void Require(bool condition) {
    if (!condition) std::abort();
}

inline void RequireText(std::string_view text, std::size_t limit) {
    Require(text.size() <= limit && menu_text::IsClean(text));
}

inline void RequirePath(std::string_view path) {
    RequireText(path, boot_limits::kPath);
    Require(path.starts_with('/') && path.size() > 1 && !path.ends_with('/') &&
            path.find("//") == std::string_view::npos);
    Require((std::string(path) + '/').find("/../") == std::string::npos);
}

inline void RequireError(const Error& error) {
    Require(error.Kind() == ErrorKind::kBootSource && !error.Message().empty() && menu_text::IsClean(error.Message()));
}

inline void RequireEntry(const BootEntry& entry) {
    RequireText(entry.id, boot_limits::kId);
    for (const std::string& text :
         {entry.title, entry.version, entry.specialisation, entry.label, entry.date, entry.profile})
        RequireText(text, boot_limits::kText);
    RequirePath(entry.kernel);
    Require(entry.initrds.size() <= boot_limits::kInitrds);
    for (const std::string& initrd : entry.initrds) RequirePath(initrd);
    RequireText(entry.command_line, boot_limits::kCommandLine);
    if (!entry.initrd_secrets.empty()) RequirePath(entry.initrd_secrets);
}

// Chooses what it can, and what it cannot.
inline void ExerciseChoice(const BootMenu& menu, std::string_view wanted) {
    const auto choose = [&](std::string_view entry, std::string_view specialisation) {
        const auto chosen = ChooseEntry(menu, {std::string(entry), std::string(specialisation)});
        if (!chosen) return RequireError(chosen.error());
        Require(*chosen < menu.entries.size());
        Require(specialisation.empty() || menu.entries[*chosen].specialisation == specialisation);
    };
    choose("", "");
    choose(wanted, "");
    choose("", wanted);
    if (menu.entries.empty()) return;
    const BootEntry& last = menu.entries.back();
    choose(last.id + ".conf", last.specialisation);
    if (last.generation) choose(std::to_string(*last.generation), last.specialisation);
    Require(last.id.empty() || last.generation || ChooseEntry(menu, {last.id, ""}).has_value());
}

inline void RequireMenu(const BootMenu& menu) {
    Require(menu.entries.size() <= boot_limits::kEntries && menu.notes.size() <= boot_limits::kNotes);
    Require(menu.default_entry.has_value() == !menu.entries.empty());
    Require(!menu.default_entry || *menu.default_entry < menu.entries.size());
    for (const BootEntry& entry : menu.entries) RequireEntry(entry);
    for (const std::string& note : menu.notes) RequireText(note, boot_limits::kNote);
    ExerciseChoice(menu, "9");
}

inline void RequireMenu(const Result<BootMenu>& menu) {
    if (!menu) return RequireError(menu.error());
    Require(!menu->entries.empty());
    RequireMenu(*menu);
}

}  // namespace husk::testing
