#include "boot/nixos/menus/isolinux.h"

#include <optional>
#include <string>

#include "boot/nixos/menus/grub_cfg.h"
#include "boot/nixos/menus/syslinux_conf.h"
#include "boot/nixos/menus/text_file.h"

namespace husk {

Result<BootMenu> ReadIsoMenu(const ByteSource& source, const Volume& volume) {
    std::optional<BootMenu> unusable;
    for (const std::string directory : {"/isolinux", "/boot/isolinux"}) {
        const auto text = HUSK_TRY(ReadTextFile(source, volume, directory + "/isolinux.cfg", boot_limits::kTextFile));
        if (!text) continue;
        BootMenu menu = ParseSyslinuxConf(*text, directory);
        if (!menu.entries.empty()) return menu;
        if (!unusable) unusable = std::move(menu);
    }
    for (const char* const path : {"/EFI/BOOT/grub.cfg", "/EFI/boot/grub.cfg", "/boot/grub/grub.cfg"}) {
        const auto text = HUSK_TRY(ReadTextFile(source, volume, path, boot_limits::kTextFile));
        if (!text) continue;
        BootMenu menu = ParseGrubCfg(*text);
        if (!menu.entries.empty()) return menu;
        if (!unusable) unusable = std::move(menu);
    }
    if (!unusable)
        return Fail(
            ErrorKind::kBootSource,
            "no boot menu: neither /isolinux/isolinux.cfg nor /EFI/BOOT/grub.cfg nor /boot/grub/grub.cfg is on it");
    return Fail(ErrorKind::kBootSource, "its boot menu has no entry that starts a Linux kernel" +
                                            (unusable->notes.empty() ? std::string() : ": " + unusable->notes.front()));
}

}  // namespace husk
