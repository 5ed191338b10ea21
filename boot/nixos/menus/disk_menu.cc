#include "boot/nixos/menus/disk_menu.h"

#include <optional>
#include <string>
#include <utility>

#include "boot/nixos/menus/bls_menu.h"
#include "boot/nixos/menus/extlinux.h"
#include "boot/nixos/menus/grub_cfg.h"
#include "boot/nixos/menus/text_file.h"

namespace husk {
namespace {

std::unexpected<Error> Refuse(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

Result<std::optional<BootMenu>> ReadGrubMenu(const ByteSource& source, const Volume& volume) {
    for (const char* const path : {"/grub/grub.cfg", "/boot/grub/grub.cfg"}) {
        const auto text = HUSK_TRY(ReadTextFile(source, volume, path, boot_limits::kTextFile));
        if (text) return ParseGrubCfg(*text);
    }
    return std::nullopt;
}

// What was found but has no entry that can be used: the first of it explains the failure.
class Found {
 public:
    // Whether `menu`, of the volume of that number or of all, is the one to show.
    bool Take(std::optional<BootMenu> menu, std::optional<std::size_t> volume) {
        if (!menu) return false;
        const bool usable = !menu->entries.empty();
        if (usable || !menu_) menu_ = std::move(menu);
        for (BootEntry& entry : menu_->entries) entry.volume = volume.value_or(entry.volume);
        return usable;
    }
    const std::optional<BootMenu>& Menu() const { return menu_; }

 private:
    std::optional<BootMenu> menu_;
};

}  // namespace

Result<BootMenu> ReadDiskMenu(const ByteSource& source, std::span<const Volume* const> volumes) {
    if (volumes.empty())
        return Refuse("no boot entries: it has no FAT file system, and husk reads kernels from an ESP or XBOOTLDR");
    Found found;
    if (found.Take(HUSK_TRY(ReadBlsMenu(source, volumes)), std::nullopt)) return *found.Menu();
    for (const auto read : {ReadExtlinuxMenu, ReadGrubMenu}) {
        for (std::size_t volume = 0; volume < volumes.size(); ++volume) {
            if (found.Take(HUSK_TRY(read(source, *volumes[volume])), volume)) return *found.Menu();
        }
    }
    if (!found.Menu())
        return Refuse(
            "no boot entries: no /loader/entries/*.conf and no extlinux.conf on its ESP; GRUB puts kernels on the root "
            "file system, which husk does not read");
    return Refuse("none of its boot entries can be used" +
                  (found.Menu()->notes.empty() ? std::string() : ": " + found.Menu()->notes.front()));
}

}  // namespace husk
