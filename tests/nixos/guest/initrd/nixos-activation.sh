#!/bin/sh
# Runs prepare-root of the system that init= names, in the new root.
# shellcheck disable=SC2013 # words
for word in $(cat /proc/cmdline); do
  case $word in
    init=*) init=${word#init=} ;;
  esac
done
system=${init%/*}
if [ ! -e "/sysroot$init" ]; then
  echo "stage 2 init (/sysroot$init) not found"
  exit 1
fi
mkdir -p /sysroot/run
mount --bind /run /sysroot/run # systemd takes /run along, with the links that the activation leaves there
chroot /sysroot "$system/prepare-root"
status=$?
umount /sysroot/run
exit $status
