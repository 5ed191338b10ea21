#!@shell@
# install-boot ROOT DEFAULT-GENERATION [NAMES [ESP]]: what NixOS' systemd-boot-builder does, for the system below ROOT ("" for the
# running one): copies kernel and initrd of every generation to ROOT/boot and writes an entry for it and for each of its specialisations.
# NAMES: "generation" (nixos-generation-N.conf) or "hash" (nixos-<sha256>+3.conf, of 2026). loader.conf goes to ESP, which is ROOT/boot
# unless that is an XBOOTLDR partition.
set -eu
[ ! -d @coreutils@/bin ] || PATH=@coreutils@/bin
root=$1 default=$2 names=${3:-generation} esp=${4:-$1/boot}
boot=$root/boot
mkdir -p "$boot/EFI/nixos" "$boot/loader/entries" "$esp/loader"

# store_path LINK: what a link into the store points to in the end.
store_path() {
  path=$1
  while [ -L "$root$path" ]; do
    path=$(readlink "$root$path")
  done
  echo "$path"
}

# on_boot PATH: copies a file of the store to the boot partition, and says its path there.
on_boot() {
  name=${1#/nix/store/}
  name=$(echo "$name" | tr / -).efi
  if [ ! -e "$boot/EFI/nixos/$name" ]; then
    cp "$root$1" "$boot/EFI/nixos/$name.tmp"
    [ "$#" = 1 ] || sh "$root$2" "$boot/EFI/nixos/$name.tmp" "$root" >&2
    mv "$boot/EFI/nixos/$name.tmp" "$boot/EFI/nixos/$name"
  fi
  echo "/EFI/nixos/$name"
}

# label SYSTEM: as its boot.json has it.
label() { sed -n 's/^ *"label": "\(.*\)",\{0,1\}$/\1/p' "$root$1/boot.json" | head -n 1; }

# write_entry GENERATION SYSTEM [SPECIALISATION]: and leaves its id in $id.
write_entry() {
  secrets=$2/append-initrd-secrets
  [ -e "$root$secrets" ] || secrets=
  kernel=$(on_boot "$(store_path "$2/kernel")")
  initrd=$(on_boot "$(store_path "$2/initrd")" ${secrets:+"$secrets"})
  {
    echo "title NixOS${3:+ ($3)}"
    echo "sort-key nixos"
    echo "version Generation $1 $(label "$2"), built on 2026-01-$(printf %02d "$1")"
    echo "linux $kernel"
    echo "initrd $initrd"
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

rm -f "$boot"/loader/entries/nixos-*.conf
for link in "$root"/nix/var/nix/profiles/system-*-link; do
  generation=${link##*/system-}
  generation=${generation%-link}
  system=$(readlink "$link")
  for folder in "$root$system"/specialisation/*; do
    [ ! -L "$folder" ] || write_entry "$generation" "$(readlink "$folder")" "${folder##*/}"
  done
  write_entry "$generation" "$system"
  if [ "$generation" = "$default" ]; then
    {
      echo "timeout 5"
      if [ "$names" = hash ]; then echo "preferred $id.conf"; fi
      if [ "$names" = hash ]; then echo "default nixos-*"; else echo "default $id.conf"; fi
      echo "editor 0"
      echo "console-mode keep"
    } >"$esp/loader/loader.conf.tmp"
    mv "$esp/loader/loader.conf.tmp" "$esp/loader/loader.conf"
  fi
done
