# systemd as /init: generation 2, asked for once, boots to a login; the reboot brings the default, generation 3, whose secrets came in the
# initrd that stands on the disk.
# lab: lane=nixos memory=3G timeout=900
own_image disk.img
husk check disk.img --generation 2 || fail "the check found what keeps generation 2 from booting"
converse_nixos --disk disk.img --boot disk --generation 2 --once <<'SCRIPT'
expect "booting generation 2" 60
expect "(Initrd)" 120
expect "running activation script..." 250
log-in
send "systemctl reboot\n"
expect "booting generation 3" 120
expect "<<< NixOS Stage 2 >>>" 200
log-in
send "cat /run/secret-of-stage-1\n"
expect "appended by append-initrd-secrets" 60
expect "[root@nixos:~]# " 60
power-off
SCRIPT
