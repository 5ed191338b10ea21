// What NixOS builds for starting a system without a boot loader, from the texts in it: toplevels from before boot.json,
// and the netboot and kexec outputs. Pure functions of text; the launcher opens the files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/menus/boot_menu.h"
#include "vmm/base/result.h"

namespace husk {

// A toplevel, or one of its specialisations (toplevel/specialisation/NAME). `folder` is where the host has it: its
// kernel, initrd and append-initrd-secrets are beside each other.
struct ToplevelTexts {
    std::string specialisation;  // empty: the system itself
    std::string folder;
    std::string init;           // the path of its init in the guest: "/nix/store/...-nixos-system-.../init"
    std::string kernel_params;  // the content of the file
    std::string nixos_version;  // likewise; may be empty
    bool has_initrd = true;
    bool has_initrd_secrets = false;
};

// The same menu as ParseBootspec makes of a boot.json. `toplevels`: the system itself, then its specialisations.
[[nodiscard]] Result<BootMenu> MakeToplevelMenu(const std::vector<ToplevelTexts>& toplevels);

// netboot.ipxe of the netboot output, in `folder` with its kernel and initrd: one entry, "netboot". What iPXE itself
// is told (initrd=, its variables) is no part of the command line.
[[nodiscard]] Result<BootMenu> ParseNetbootIpxe(std::string_view text, std::string_view folder);

// The script kexec-boot of the kexec output, likewise: one entry, "kexec".
[[nodiscard]] Result<BootMenu> ParseKexecBoot(std::string_view text, std::string_view folder);

}  // namespace husk
