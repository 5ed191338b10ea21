#!/bin/sh
# For root=fstab, which Debian's systemd does not know yet: the root file system of the initrd's own list, ahead of what
# systemd-fstab-generator makes of the word.
case " $(cat /proc/cmdline) " in
  *" root=fstab "*) cp /etc/nixos-sysroot.mount "$2/sysroot.mount" ;;
esac
