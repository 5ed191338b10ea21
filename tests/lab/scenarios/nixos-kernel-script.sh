# A NixOS system with the scripted stage 1, by --kernel and --initrd: finds its root by label, a login on both consoles, off.
# lab: lane=nixos memory=3G timeout=400
own_image disk.img
system=$(system_of 1)
converse_nixos --kernel "$system/kernel" --initrd "$system/initrd" --disk disk.img \
  --cmdline "init=$system/init $(cat "$system/kernel-params") console=ttyS0" <<'SCRIPT'
expect "<<< NixOS Stage 1 >>>" 150
expect "running udev..." 60
expect "mounting /dev/disk/by-label/nixos on /..." 60
expect "<<< NixOS Stage 2 >>>" 60
log-in
power-off
SCRIPT
