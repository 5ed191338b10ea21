#include "boot/nixos/menus/extlinux.h"

#include <string>

#include "boot/nixos/menus/syslinux_conf.h"
#include "boot/nixos/menus/text_file.h"

namespace husk {

Result<std::optional<BootMenu>> ReadExtlinuxMenu(const ByteSource& source, const Volume& volume) {
    for (const std::string directory : {"/extlinux", "/boot/extlinux"}) {
        const auto text = HUSK_TRY(ReadTextFile(source, volume, directory + "/extlinux.conf", boot_limits::kTextFile));
        if (text) return ParseSyslinuxConf(*text, directory);
    }
    return std::nullopt;
}

}  // namespace husk
