#!@shell@
# nixos-rebuild boot [LABEL]: a stand-in. Makes a new system that differs from the running one in its label and in a kernel parameter,
# registers it as the next generation and makes it the default of the boot loader.
set -eu
[ "${1-}" = boot ] || {
  echo "usage: nixos-rebuild boot [LABEL]" >&2
  exit 2
}
old=$(readlink /run/current-system)
label=${2:-24.05.20260202.rebuilt}
new=/nix/store/$(echo "$old$label" | sha256sum | cut -c 1-32 | tr e v)-nixos-system-nixos-$label
old_label=$(cat "$old/nixos-version")
echo "building the system configuration..."
cp -r "$old" "$new"
cp -rL "$old/etc" "$new/etc.new" && rm "$new/etc" && mv "$new/etc.new" "$new/etc"
for file in init prepare-root boot.json etc/issue etc/os-release nixos-version; do
  [ ! -e "$new/$file" ] || sed -i "s|$old|$new|g; s|$old_label|$label|g" "$new/$file"
done
rm -rf "$new/specialisation"
printf '%s' "$(cat "$old/kernel-params") nixos.rebuilt=1" >"$new/kernel-params"
[ ! -e "$new/boot.json" ] || sed -i 's|"kernelParams": \[|"kernelParams": ["nixos.rebuilt=1",|' "$new/boot.json"
last=0
for link in /nix/var/nix/profiles/system-*-link; do
  number=${link##*/system-}
  number=${number%-link}
  [ "$number" -le "$last" ] || last=$number
done
last=$((last + 1))
ln -s "$new" "/nix/var/nix/profiles/system-$last-link"
ln -sfn "system-$last-link" /nix/var/nix/profiles/system
if [ -e /boot/extlinux ]; then
  echo "updating extlinux.conf..."
  @installBoot@ "" "$last" extlinux
else
  echo "updating systemd-boot..."
  names=generation
  ! ls /boot/loader/entries | grep -q '+3.conf$' || names=hash
  @installBoot@ "" "$last" "$names" "$(if [ -e /efi/loader ]; then echo /efi; else echo /boot; fi)"
fi
sync
echo "generation $last is $new"
