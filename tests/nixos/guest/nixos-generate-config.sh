#!@shell@
# nixos-generate-config --root DIR: a stand-in, which writes the two files and looks at nothing.
set -eu
[ "$#" = 2 ] && [ "$1" = --root ] || {
  echo "usage: nixos-generate-config --root DIR" >&2
  exit 2
}
mkdir -p "$2/etc/nixos"
echo "writing $2/etc/nixos/hardware-configuration.nix..."
echo '{ modulesPath, ... }: { imports = [ (modulesPath + "/profiles/qemu-guest.nix") ]; }' >"$2/etc/nixos/hardware-configuration.nix"
echo "writing $2/etc/nixos/configuration.nix..."
cat >"$2/etc/nixos/configuration.nix" <<'END'
{ ... }:
{
  imports = [ ./hardware-configuration.nix ];
  boot.loader.grub.enable = true;
}
END
