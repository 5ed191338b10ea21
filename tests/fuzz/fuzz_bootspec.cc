// boot.json from a stranger, and the same text as what older toplevels and the netboot and kexec outputs have: a menu
// that keeps its promises, or a sentence.
#include <cstddef>
#include <cstdint>
#include <string>

#include "boot/nixos/menus/bootspec.h"
#include "boot/nixos/menus/toplevel.h"
#include "tests/fuzz/menu_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using husk::testing::RequireMenu;
    const std::string text(data, data + size);
    RequireMenu(husk::ParseBootspec(text));
    RequireMenu(husk::ParseNetbootIpxe(text, "/out"));
    RequireMenu(husk::ParseKexecBoot(text, "/out"));
    const husk::ToplevelTexts system{.specialisation = "",
                                     .folder = "/nix/store/s",
                                     .init = "/nix/store/s/init",
                                     .kernel_params = text,
                                     .nixos_version = text,
                                     .has_initrd = true,
                                     .has_initrd_secrets = true};
    husk::ToplevelTexts special = system;
    special.specialisation = text;
    RequireMenu(husk::MakeToplevelMenu({system, special}));
    return 0;
}
