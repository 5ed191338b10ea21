// The configuration language of syslinux, isolinux and extlinux (syslinux.org, "Config"), and U-Boot's use of it
// (doc/README.pxe), as far as it says which kernels there are.
#pragma once

#include <string_view>

#include "boot/nixos/menus/boot_menu.h"

namespace husk {

// The menu of a configuration file in `directory`, from which its relative paths begin. Never fails: an entry that
// cannot be used is left out with a note, and one that starts no Linux is left out.
//
// Understood: DEFAULT, LABEL, LINUX, KERNEL, INITRD, APPEND (also the one above all labels), MENU LABEL, MENU DEFAULT,
// TEXT HELP. Not followed: INCLUDE and MENU INCLUDE (a note says so).
[[nodiscard]] BootMenu ParseSyslinuxConf(std::string_view text, std::string_view directory);

}  // namespace husk
