#include "boot/nixos/menus/bls_menu.h"

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "boot/nixos/menus/bls_entry.h"
#include "boot/nixos/menus/glob.h"
#include "boot/nixos/menus/loader_conf.h"
#include "boot/nixos/menus/text.h"
#include "boot/nixos/menus/text_file.h"

namespace husk {
namespace {

using menu_text::Quoted;

constexpr std::string_view kDirectory = "/loader/entries/";
constexpr std::string_view kLoaderConf = "/loader/loader.conf";
// A command line and the paths of an entry, as long as they may be, are half of this.
constexpr std::size_t kEntryFile = 32U << 10;

struct EntryFile {
    std::size_t volume = 0;
    std::string name;
};

// At most kEntries: of more, those that have the highest generations if NixOS named them.
Result<std::vector<EntryFile>> ListEntries(std::span<const Volume* const> volumes, BootMenu& menu) {
    std::vector<EntryFile> files;
    for (std::size_t volume = 0; volume < volumes.size(); ++volume) {
        for (std::string& name : HUSK_TRY_IN("/loader/entries", volumes[volume]->List("/loader/entries"))) {
            if (IsBlsFileName(name)) files.push_back({volume, std::move(name)});
        }
    }
    if (files.size() <= boot_limits::kEntries) return files;
    AddNote(menu, "there are " + std::to_string(files.size()) + " boot entries; " +
                      std::to_string(boot_limits::kEntries) + " of them were read");
    std::ranges::sort(files, std::greater{}, [](const EntryFile& file) {
        return std::tuple(file.name.size(), std::string_view(file.name), file.volume);
    });
    files.resize(boot_limits::kEntries);
    return files;
}

Result<std::optional<BlsEntry>> ReadEntry(const ByteSource& source, const Volume& volume, const EntryFile& file) {
    const auto text = HUSK_TRY(ReadTextFile(source, volume, std::string(kDirectory) + file.name, kEntryFile));
    if (!text) return Fail(ErrorKind::kBootSource, "it is gone");
    auto entry = HUSK_TRY(ParseBlsEntry(file.name, *text));
    if (entry) entry->entry.volume = file.volume;
    return entry;
}

std::vector<BlsEntry> ReadEntries(const ByteSource& source, std::span<const Volume* const> volumes,
                                  std::span<const EntryFile> files, BootMenu& menu) {
    std::vector<BlsEntry> entries;
    std::size_t hidden = 0;
    for (const EntryFile& file : files) {
        auto entry = ReadEntry(source, *volumes[file.volume], file);
        if (!entry) {
            AddNote(menu, "the boot entry " + Quoted(file.name) + " was left out: " + entry.error().Message());
        } else if (*entry) {
            entries.push_back(std::move(**entry));
        } else {
            ++hidden;
        }
    }
    if (hidden > 0)
        AddNote(menu, (hidden == 1 ? "a boot entry was" : std::to_string(hidden) + " boot entries were") +
                          std::string(" left out: for EFI firmware only, or for another architecture"));
    return entries;
}

// By insertion: defined for any relation, in at most kEntries squared steps.
void Sort(std::vector<BlsEntry>& entries) {
    for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
        auto place = entry;
        while (place != entries.begin() && CompareBlsEntries(*entry, *std::prev(place)) < 0) --place;
        std::rotate(place, entry, std::next(entry));
    }
}

// systemd-boot's comparison: without regard to case, the file's whole name. Newer ones take the name without counter,
// old ones without .conf.
bool Matches(const std::string& pattern, const BlsEntry& entry) {
    const std::string folded = menu_text::LowerCase(pattern);
    const auto matches = [&](const std::string& name) { return MatchesGlob(folded, menu_text::LowerCase(name)); };
    return matches(entry.file_name) || matches(entry.entry.id + ".conf") || matches(entry.entry.id);
}

std::optional<std::size_t> FindDefault(std::span<const BlsEntry> entries, const LoaderConf& conf, BootMenu& menu) {
    const auto find = [&](const std::string& pattern, bool also_bad) -> std::optional<std::size_t> {
        for (std::size_t i = 0; !pattern.empty() && i < entries.size(); ++i) {
            if ((also_bad || !entries[i].entry.bad) && Matches(pattern, entries[i])) return i;
        }
        return std::nullopt;
    };
    if (const auto preferred = find(conf.preferred, false)) return preferred;
    if (const auto found = find(conf.default_entry, true)) return found;
    const std::string& wanted = conf.default_entry.empty() ? conf.preferred : conf.default_entry;
    if (entries.empty()) return std::nullopt;
    if (!wanted.empty())
        AddNote(menu, "loader.conf asks for " + Quoted(wanted) + ", of which there is no usable entry");
    return 0;
}

Result<LoaderConf> ReadLoaderConf(const ByteSource& source, std::span<const Volume* const> volumes) {
    for (const Volume* const volume : volumes) {
        const auto text = HUSK_TRY(ReadTextFile(source, *volume, kLoaderConf, boot_limits::kTextFile));
        if (text) return ParseLoaderConf(*text);
    }
    return LoaderConf{};
}

}  // namespace

Result<std::optional<BootMenu>> ReadBlsMenu(const ByteSource& source, std::span<const Volume* const> volumes) {
    BootMenu menu;
    const std::vector<EntryFile> files = HUSK_TRY(ListEntries(volumes, menu));
    if (files.empty()) return std::nullopt;
    const LoaderConf conf = HUSK_TRY(ReadLoaderConf(source, volumes));
    for (const std::string& note : conf.notes) AddNote(menu, note);
    std::vector<BlsEntry> entries = ReadEntries(source, volumes, files, menu);
    Sort(entries);
    menu.default_entry = FindDefault(entries, conf, menu);
    if (std::ranges::any_of(entries, [](const BlsEntry& entry) { return entry.counter.has_value(); }))
        AddNote(menu, "some entries count their boots: husk honours the counters and does not change them");
    for (BlsEntry& entry : entries) menu.entries.push_back(std::move(entry.entry));
    return menu;
}

}  // namespace husk
