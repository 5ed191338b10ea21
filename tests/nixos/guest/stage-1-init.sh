#!@extraUtils@/bin/ash
# Stage 1 as a shell script, /init of the initrd: does what NixOS' stage-1-init.sh does, in its order and with its messages.
export LD_LIBRARY_PATH=@extraUtils@/lib
export PATH=@extraUtils@/bin
# Debian's programs, and those that udev and the kernel start, want each other and their loader there.
mkdir /lib
ln -s @extraUtils@/bin /bin
ln -s @extraUtils@/bin /sbin
ln -s @extraUtils@/lib /lib64
ln -s @extraUtils@/lib /lib/x86_64-linux-gnu

fail() {
  [ -z "$panic_on_fail" ] || exit 1
  echo
  echo "An error occurred in stage 1 of the boot process, which must mount the"
  echo "root filesystem on \`/mnt-root' and then start stage 2.  Press one"
  echo "of the following keys:"
  echo
  echo "  r) to reboot immediately"
  echo "  *) to ignore the error and continue"
  read -r reply
  [ "$reply" != r ] || reboot -f
}
trap fail 0

echo
echo "<<< NixOS Stage 1 >>>"
echo
mkdir -p /proc /sys /dev /run /etc/udev /mnt-root
touch /etc/fstab /etc/udev/hwdb.bin /etc/initrd-release
ln -s /proc/mounts /etc/mtab
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs -o size=5% devtmpfs /dev
mount -t tmpfs -o mode=0755,size=25% tmpfs /run
if [ -d /.initrd-secrets ]; then
  cp -a /.initrd-secrets/. /
fi

stage2=/init
# shellcheck disable=SC2013 # words
for word in $(cat /proc/cmdline); do
  case $word in
    init=*) stage2=${word#init=} ;;
    root=LABEL=*) root=/dev/disk/by-label/${word#root=LABEL=} ;;
    root=UUID=*) root=/dev/disk/by-uuid/${word#root=UUID=} ;;
    root=*) root=${word#root=} ;;
    boot.panic_on_fail | stage1panic=1) panic_on_fail=1 ;;
  esac
done
[ -z "$root" ] || ln -s "$root" /dev/root

ln -s @modulesClosure@/lib/modules /lib/modules
echo @extraUtils@/bin/modprobe >/proc/sys/kernel/modprobe
for module in @kernelModules@; do
  echo "loading module $module..."
  @extraUtils@/bin/modprobe "$module" # not the shell's own, which unpacks nothing
done

echo "running udev..."
ln -sfn @udevRules@ /etc/udev/rules.d
systemd-udevd --daemon
udevadm trigger --action=add
udevadm settle

# wait_for_device DEVICE
wait_for_device() {
  [ ! -e "$1" ] || return 0
  echo -n "waiting for device $1 to appear..."
  try=20
  while [ $try -gt 0 ]; do
    sleep 1
    udevadm trigger --action=add
    [ ! -e "$1" ] || break
    echo -n .
    try=$((try - 1))
  done
  echo
  [ $try -gt 0 ] || echo "Timed out waiting for device $1, trying to mount anyway."
}

# open_luks NAME DEVICE: asks until the passphrase is right.
open_luks() {
  wait_for_device "$2"
  until
    echo -n "Passphrase for $2: "
    IFS= read -rs passphrase
    echo
    echo "Verifying passphrase for $2..."
    echo -n "$passphrase" | cryptsetup open --type luks --key-file=- "$2" "$1"
  do
    echo "Passphrase not correct."
  done
  udevadm settle
}

# mount_fs DEVICE MOUNT-POINT TYPE OPTIONS: a DEVICE that is a path outside of /dev is a file of the new root.
mount_fs() {
  device=$1
  case $device in
    /dev/*)
      wait_for_device "$device"
      udevadm settle
      ;;
    /*) device=/mnt-root$device ;;
  esac
  if [ "$3" = ext4 ]; then
    echo "checking $device..."
    fsck.ext4 -a "$device"
    [ $? -lt 4 ] || fail
  fi
  options=$4
  if [ "$3" = overlay ]; then
    mkdir -p /mnt-root/nix/.rw-store/store /mnt-root/nix/.rw-store/work
    options=$(echo "$options" | sed -E 's#(lowerdir|upperdir|workdir)=#\1=/mnt-root#g')
  fi
  echo "mounting $device on $2..."
  mkdir -p "/mnt-root$2"
  mount -t "$3" -o "$options" "$device" "/mnt-root$2" || fail
}

@openLuks@
while read -r where <&3; do
  read -r what <&3
  read -r type <&3
  read -r with <&3
  mount_fs "$what" "$where" "$type" "$with"
done 3<@fsInfo@
@postMount@

udevadm control --exit
echo /sbin/modprobe >/proc/sys/kernel/modprobe
if [ ! -e "/mnt-root$stage2" ] && [ ! -L "/mnt-root$stage2" ]; then
  echo "stage 2 init script (/mnt-root$stage2) not found"
  fail
fi
mkdir -m 0755 -p /mnt-root/proc /mnt-root/sys /mnt-root/dev /mnt-root/run
for folder in proc sys dev run; do
  mount --move /$folder /mnt-root/$folder
done
exec env -i @extraUtils@/bin/switch_root /mnt-root "$stage2"
fail
