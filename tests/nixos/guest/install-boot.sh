#!@shell@
# install-boot ROOT DEFAULT-GENERATION [NAMES [ESP]]: what NixOS' builders of boot menus do, for the system below ROOT ("" for the
# running one): copies kernel and initrd of every generation to ROOT/boot and writes an entry for it and for each of its specialisations.
# NAMES: "generation" (systemd-boot's entries nixos-generation-N.conf), "hash" (nixos-<sha256>+3.conf, of 2026), or "extlinux"
# (extlinux.conf, as for U-Boot). loader.conf goes to ESP, which is ROOT/boot unless that is an XBOOTLDR partition.
set -eu
[ ! -d @coreutils@/bin ] || PATH=@coreutils@/bin
root=$1 default=$2 names=${3:-generation} esp=${4:-$1/boot}
boot=$root/boot
kernels=EFI/nixos suffix=.efi
[ "$names" != extlinux ] || kernels=nixos suffix=
mkdir -p "$boot/$kernels"

# store_path LINK: what a link into the store points to in the end.
store_path() {
  path=$1
  while [ -L "$root$path" ]; do
    path=$(readlink "$root$path")
  done
  echo "$path"
}

# on_boot PATH [SCRIPT]: copies a file of the store to the boot partition and has SCRIPT append to it; says its path there.
on_boot() {
  name=${1#/nix/store/}
  name=$kernels/$(echo "$name" | tr / -)$suffix
  if [ ! -e "$boot/$name" ]; then
    cp "$root$1" "$boot/$name.tmp"
    [ "$#" = 1 ] || sh "$root$2" "$boot/$name.tmp" "$root" >&2
    mv "$boot/$name.tmp" "$boot/$name"
  fi
  echo "$name"
}

# label SYSTEM: as its boot.json has it.
label() { sed -n 's/^ *"label": "\(.*\)",\{0,1\}$/\1/p' "$root$1/boot.json" | head -n 1; }

built_on() { echo "2026-01-$(printf %02d "$1")"; } # GENERATION

# write_entry GENERATION SYSTEM [SPECIALISATION]: and leaves its id in $id.
write_entry() {
  secrets=$2/append-initrd-secrets
  [ -e "$root$secrets" ] || secrets=
  kernel=$(on_boot "$(store_path "$2/kernel")")
  initrd=$(on_boot "$(store_path "$2/initrd")" ${secrets:+"$secrets"})
  if [ "$names" = extlinux ]; then
    id=nixos-$1-${3:-default}
    extlinux_entry "$id" "Configuration $1-${3:-default} ($(built_on "$1") 12:00 - $(cat "$root$2/nixos-version"))" "$2" >>"$boot/extlinux/entries"
    [ "$1-${3-}" != "$default-" ] || extlinux_entry nixos-default Default "$2" >"$boot/extlinux/default"
    return
  fi
  {
    echo "title NixOS${3:+ ($3)}"
    echo "sort-key nixos"
    echo "version Generation $1 $(label "$2"), built on $(built_on "$1")"
    echo "linux /$kernel"
    echo "initrd /$initrd"
    echo "options init=$2/init $(cat "$root$2/kernel-params")"
    echo "machine-id 0123456789abcdef0123456789abcdef"
  } >"$boot/loader/entry.tmp"
  if [ "$names" = hash ]; then
    id=nixos-$(sha256sum <"$boot/loader/entry.tmp" | cut -c 1-64)
    mv "$boot/loader/entry.tmp" "$boot/loader/entries/$id+3.conf"
  else
    id=nixos-generation-$1${3:+-specialisation-$3}
    mv "$boot/loader/entry.tmp" "$boot/loader/entries/$id.conf"
  fi
}

extlinux_entry() { # LABEL TITLE SYSTEM
  echo
  echo "LABEL $1"
  echo "  MENU LABEL NixOS - $2"
  echo "  LINUX ../$kernel"
  echo "  INITRD ../$initrd"
  echo "  APPEND init=$3/init $(cat "$root$3/kernel-params")"
}

write_loader_conf() {
  {
    echo "timeout 5"
    if [ "$names" = hash ]; then
      echo "preferred $id.conf"
      echo "default nixos-*"
    else
      echo "default $id.conf"
    fi
    echo "editor 0"
    echo "console-mode keep"
  } >"$esp/loader/loader.conf.tmp"
  mv "$esp/loader/loader.conf.tmp" "$esp/loader/loader.conf"
}

if [ "$names" = extlinux ]; then
  mkdir -p "$boot/extlinux"
else
  mkdir -p "$boot/loader/entries" "$esp/loader"
  rm -f "$boot"/loader/entries/nixos-*.conf
fi
for link in "$root"/nix/var/nix/profiles/system-*-link; do
  generation=${link##*/system-}
  generation=${generation%-link}
  system=$(readlink "$link")
  for folder in "$root$system"/specialisation/*; do
    [ ! -L "$folder" ] || write_entry "$generation" "$(readlink "$folder")" "${folder##*/}"
  done
  write_entry "$generation" "$system"
  [ "$names" = extlinux ] || [ "$generation" != "$default" ] || write_loader_conf
done
if [ "$names" = extlinux ]; then
  {
    echo "# Generated file, all changes will be lost on nixos-rebuild!"
    echo
    echo "DEFAULT nixos-default"
    echo
    echo "MENU TITLE ------------------------------------------------------------"
    echo "TIMEOUT 50"
    cat "$boot/extlinux/default" "$boot/extlinux/entries"
  } >"$boot/extlinux/extlinux.conf.tmp"
  rm "$boot/extlinux/default" "$boot/extlinux/entries"
  mv "$boot/extlinux/extlinux.conf.tmp" "$boot/extlinux/extlinux.conf"
fi
