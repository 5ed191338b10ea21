# A NixOS system with systemd as stage 1, by --kernel and --initrd: finds its root by label, a login, off.
# lab: lane=nixos memory=3G timeout=400
own_image disk.img
system=$(system_of 2)
converse_nixos --kernel "$system/kernel" --initrd "$system/initrd" --disk disk.img \
  --cmdline "init=$system/init $(cat "$system/kernel-params") console=ttyS0" <<'SCRIPT'
expect "ttyS0| nixos login: " 250
send "root\n"
expect "[root@nixos:~]# " 60
send "poweroff\n"
exit 0 120
termios-sane
SCRIPT
