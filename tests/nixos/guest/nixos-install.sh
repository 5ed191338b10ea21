#!@shell@
# nixos-install: a stand-in. Of the systems that the medium brings it copies the one for what is mounted on /mnt, an encrypted root file
# system or a plain one, and makes it generation 1 of the boot loader.
set -eu
root=/mnt
device=$(sed -n "s|^\([^ ]*\) $root .*|\1|p" /proc/mounts)
[ -n "$device" ] || {
  echo "nothing is mounted on $root" >&2
  exit 1
}
[ -e $root/etc/nixos/configuration.nix ] || {
  echo "configuration file $root/etc/nixos/configuration.nix doesn't exist" >&2
  exit 1
}
case $device in
  /dev/mapper/*) system=$(readlink /run/current-system/installs/encrypted) ;;
  *) system=$(readlink /run/current-system/installs/plain) ;;
esac
echo "copying the system..."
mkdir -p $root/nix/store $root/nix/var/nix/profiles
while read -r path; do
  cp -a "$path" $root/nix/store/
done <"$system/closure"
ln -s "$system" $root/nix/var/nix/profiles/system-1-link
ln -s system-1-link $root/nix/var/nix/profiles/system
echo "installing the boot loader..."
@installBoot@ $root 1
touch $root/etc/NIXOS
sync
echo "installation finished!"
