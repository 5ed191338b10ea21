# An ISO whose first stage is systemd: its shell, a plain disk made from it, which then boots to a login, reboots and goes off.
# lab: lane=nixos memory=4G timeout=1200
husk check /nixos/installer-systemd.iso || fail "the check found what keeps the ISO from booting"
truncate -s 1G nixos.raw
memory=1G converse_nixos --iso /nixos/installer-systemd.iso --disk nixos.raw <<'SCRIPT'
expect "(Initrd)" 150
expect "[root@nixos:~]# " 400
expect "[root@nixos:~]# " 60
send "sgdisk -n 1:0:+512M -t 1:ef00 -n 2:0:0 /dev/vdb && mkfs.vfat -F 32 -n BOOT /dev/vdb1 && mkfs.ext4 -q -L nixos /dev/vdb2\n"
expect "[root@nixos:~]# " 200
send "mount /dev/vdb2 /mnt && mkdir /mnt/boot && mount /dev/vdb1 /mnt/boot && nixos-generate-config --root /mnt\n"
expect "configuration.nix..." 60
expect "[root@nixos:~]# " 60
send "nixos-install\n"
expect "installation finished!" 600
expect "[root@nixos:~]# " 60
send "reboot\n"
expect "husk: booting \"boot\"" 200
expect "[root@nixos:~]# " 400
expect "[root@nixos:~]# " 60
power-off
SCRIPT
memory=1G converse_nixos --disk nixos.raw --boot disk <<'SCRIPT'
log-in
send "reboot\n"
expect "booting generation 1" 200
log-in
power-off
SCRIPT
