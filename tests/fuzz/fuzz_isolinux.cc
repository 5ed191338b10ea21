// An ISO's menu from a stranger, as isolinux.cfg and as grub.cfg: the menus keep their promises.
#include <cstddef>
#include <cstdint>
#include <string>

#include "boot/nixos/menus/grub_cfg.h"
#include "boot/nixos/menus/isolinux.h"
#include "tests/fuzz/menu_fuzz.h"
#include "tests/support/fake_volume.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    husk::testing::RequireMenu(husk::ParseGrubCfg(text));
    husk::testing::FakeDisk iso;
    const auto& volume = iso.AddVolume().Write("/isolinux/isolinux.cfg", text).Write("/EFI/BOOT/grub.cfg", text);
    husk::testing::RequireMenu(husk::ReadIsoMenu(iso, volume));
    return 0;
}
