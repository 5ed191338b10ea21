// extlinux.conf from a stranger: the menu keeps its promises, and its paths stay in the volume.
#include <cstddef>
#include <cstdint>
#include <string>

#include "boot/nixos/menus/disk_menu.h"
#include "boot/nixos/menus/syslinux_conf.h"
#include "tests/fuzz/menu_fuzz.h"
#include "tests/support/fake_volume.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    husk::testing::RequireMenu(husk::ParseSyslinuxConf(text, "/extlinux"));
    husk::testing::FakeDisk disk;
    disk.AddVolume().Write("/extlinux/extlinux.conf", text);
    husk::testing::RequireMenu(husk::ReadDiskMenu(disk, disk.Volumes()));
    return 0;
}
