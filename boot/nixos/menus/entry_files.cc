#include "boot/nixos/menus/entry_files.h"

#include <string>

#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::Quoted;

constexpr const char* kHowToMend = "boot another entry (husk list shows them) and copy it anew (nixos-rebuild boot)";

Result<FileExtents> FindFile(const Volume& volume, std::string_view what, const std::string& path) {
    const std::string named = std::string(what) + ' ' + menu_text::Clean(path, boot_limits::kPath);
    std::optional<FileExtents> file = HUSK_TRY_IN(named, volume.Find(path));
    if (!file) {
        const bool in_store = path.starts_with("/nix/store/");
        return Fail(ErrorKind::kBootSource,
                    named + " is not there: " +
                        (in_store ? "it may be on the root file system, which husk does not read" : kHowToMend));
    }
    if (file->size == 0) return Fail(ErrorKind::kBootSource, named + " is empty: " + kHowToMend);
    return std::move(*file);
}

}  // namespace

Result<EntryFiles> PlanEntry(const BootEntry& entry, std::span<const Volume* const> volumes) {
    const std::string named = "the boot entry " + Quoted(entry.id);
    if (entry.volume >= volumes.size()) return Fail(ErrorKind::kBootSource, named + " is in no volume");
    const Volume& volume = *volumes[entry.volume];
    EntryFiles files;
    files.kernel = HUSK_TRY_IN(named, FindFile(volume, "its kernel", entry.kernel));
    for (const std::string& initrd : entry.initrds) {
        files.initrds.push_back(HUSK_TRY_IN(named, FindFile(volume, "its initrd", initrd)));
    }
    return files;
}

}  // namespace husk
