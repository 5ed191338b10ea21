#!@shell@
# nixos-install DISK [SYSTEM]: a stand-in. Partitions DISK (GPT, an ESP, a root file system with the label nixos), copies SYSTEM with all
# that it refers to, and makes it generation 1 of the boot loader.
set -eu
[ -b "${1-}" ] || {
  echo "usage: nixos-install DISK [SYSTEM]" >&2
  exit 2
}
disk=$1 system=${2:-$(readlink /run/current-system/installs)}
sgdisk --zap-all "$disk" >/dev/null
sgdisk --new=1:0:+72M --typecode=1:ef00 --change-name=1:ESP --new=2:0:0 --typecode=2:8304 --change-name=2:nixos "$disk"
blockdev --rereadpt "$disk" || true
udevadm settle
/usr/bin/mkfs.vfat -F 32 -n BOOT "${disk}1"
/usr/bin/mkfs.ext4 -q -F -L nixos "${disk}2"
udevadm settle
mkdir -p /mnt
mount -t ext4 "${disk}2" /mnt
mkdir -p /mnt/boot /mnt/nix/store /mnt/nix/var/nix/profiles /mnt/etc
mount -t vfat "${disk}1" /mnt/boot
echo "copying the system..."
while read -r path; do
  cp -a "$path" /mnt/nix/store/
done <"$system/closure"
ln -s "$system" /mnt/nix/var/nix/profiles/system-1-link
ln -s system-1-link /mnt/nix/var/nix/profiles/system
echo "installing the boot loader..."
@installBoot@ /mnt 1
touch /mnt/etc/NIXOS
umount /mnt/boot
umount /mnt
sync
echo "installation finished!"
