#include "boot/nixos/menus/boot_menu.h"

#include <algorithm>
#include <set>

#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::Quoted;

constexpr std::size_t kNamed = 12;  // more names make no sentence

std::unexpected<Error> Refuse(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

// "1, 2 and 4"; of many, the first ones and how many more.
std::string Listed(std::vector<std::string> names) {
    if (names.size() > kNamed) {
        const std::string more = std::to_string(names.size() - kNamed + 1) + " more";
        names.resize(kNamed - 1);
        names.push_back(more);
    }
    std::string list;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) list += i + 1 == names.size() ? " and " : ", ";
        list += names[i];
    }
    return list;
}

std::string ThereAre(const std::vector<std::string>& names) {
    return (names.size() == 1 ? "there is only " : "there are ") + Listed(names);
}

std::string ThereAreGenerations(const BootMenu& menu) {
    std::set<std::uint64_t> generations;
    for (const BootEntry& entry : menu.entries) {
        if (entry.generation) generations.insert(*entry.generation);
    }
    std::vector<std::string> names;
    for (const std::uint64_t generation : generations) names.push_back(std::to_string(generation));
    return names.empty() ? std::string() : ThereAre(names);
}

std::string ThereAreEntries(const BootMenu& menu) {
    std::vector<std::string> names;
    for (const BootEntry& entry : menu.entries) names.push_back(Quoted(entry.id));
    return ThereAre(names);
}

// The first entry that satisfies `predicate`.
template <typename Predicate>
std::optional<std::size_t> FindEntry(const BootMenu& menu, Predicate predicate) {
    const auto found = std::ranges::find_if(menu.entries, predicate);
    if (found == menu.entries.end()) return std::nullopt;
    return static_cast<std::size_t>(found - menu.entries.begin());
}

std::optional<std::size_t> FindGeneration(const BootMenu& menu, std::uint64_t generation) {
    const auto find = [&](bool own_profile, bool system_itself) {
        return FindEntry(menu, [=](const BootEntry& entry) {
            return entry.generation == generation && entry.profile.empty() == own_profile &&
                   entry.specialisation.empty() == system_itself;
        });
    };
    for (const bool own_profile : {true, false}) {
        for (const bool system_itself : {true, false}) {
            if (const auto found = find(own_profile, system_itself)) return found;
        }
    }
    return std::nullopt;
}

std::optional<std::size_t> FindId(const BootMenu& menu, std::string_view id) {
    if (const auto exact = FindEntry(menu, [=](const BootEntry& entry) { return entry.id == id; })) return exact;
    return FindEntry(menu, [=](const BootEntry& entry) { return menu_text::EqualIgnoringCase(entry.id, id); });
}

// The entry that was named, whatever specialisation it is of.
Result<std::size_t> FindNamed(const BootMenu& menu, std::string_view name) {
    if (name.empty()) {
        if (menu.default_entry && *menu.default_entry < menu.entries.size()) return *menu.default_entry;
        return Refuse("nothing says which entry is the default; " + ThereAreEntries(menu));
    }
    const std::optional<std::uint64_t> number = menu_text::ParseNumber(name);
    if (number) {
        if (const auto found = FindGeneration(menu, *number)) return *found;
    }
    if (const auto found = FindId(menu, name)) return *found;
    constexpr std::string_view kSuffix = ".conf";
    if (menu_text::EndsWithIgnoringCase(name, kSuffix)) {
        if (const auto found = FindId(menu, name.substr(0, name.size() - kSuffix.size()))) return *found;
    }
    const std::string generations = ThereAreGenerations(menu);
    if (number && !generations.empty())
        return Refuse("there is no generation " + std::string(name) + "; " + generations);
    return Refuse("there is no boot entry " + Quoted(name) + "; " + ThereAreEntries(menu));
}

bool SameSystem(const BootEntry& a, const BootEntry& b) {
    return a.generation == b.generation && a.profile == b.profile;
}

Result<std::size_t> FindSpecialisation(const BootMenu& menu, const BootEntry& named, std::string_view specialisation) {
    const auto found = FindEntry(menu, [&](const BootEntry& entry) {
        return SameSystem(entry, named) && entry.specialisation == specialisation;
    });
    if (found) return *found;
    std::vector<std::string> names;
    for (const BootEntry& entry : menu.entries) {
        if (SameSystem(entry, named) && !entry.specialisation.empty()) names.push_back(Quoted(entry.specialisation));
    }
    const std::string of =
        named.generation ? "generation " + std::to_string(*named.generation) : "the entry " + Quoted(named.id);
    return Refuse(of + " has no specialisation " + Quoted(specialisation) + "; " +
                  (names.empty() ? "it has none" : ThereAre(names)));
}

}  // namespace

Result<std::size_t> ChooseEntry(const BootMenu& menu, const EntryChoice& choice) {
    if (menu.entries.empty()) return Refuse("there are no boot entries");
    const std::size_t named = HUSK_TRY(FindNamed(menu, choice.entry));
    if (!choice.specialisation.empty()) return FindSpecialisation(menu, menu.entries[named], choice.specialisation);
    const BootEntry& entry = menu.entries[named];
    const bool by_number = entry.generation && menu_text::ParseNumber(choice.entry) == entry.generation;
    if (by_number && !entry.specialisation.empty())
        return Refuse("generation " + choice.entry + " has only specialisations here; name one, such as " +
                      Quoted(entry.specialisation));
    return named;
}

void AddNote(BootMenu& menu, std::string_view sentence) {
    if (menu.notes.size() + 1 < boot_limits::kNotes) {
        menu.notes.push_back(menu_text::Clean(sentence, boot_limits::kNote));
    } else if (menu.notes.size() < boot_limits::kNotes) {
        menu.notes.emplace_back("there was more to say of this boot source than fits here");
    }
}

bool AddEntry(BootMenu& menu, BootEntry entry) {
    if (menu.entries.size() < boot_limits::kEntries) {
        menu.entries.push_back(std::move(entry));
        return true;
    }
    const std::string full = "only the first " + std::to_string(boot_limits::kEntries) + " boot entries are shown";
    if (std::ranges::find(menu.notes, full) == menu.notes.end()) AddNote(menu, full);
    return false;
}

}  // namespace husk
