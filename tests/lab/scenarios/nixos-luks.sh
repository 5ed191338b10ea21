# An encrypted root with both kinds of stage 1: the passphrase is asked for on the console, a wrong one is asked for again, and the host's
# file holds nothing of the root file system in the clear.
# lab: lane=nixos memory=3G timeout=900
own_image luks.img
husk list luks.img
husk check luks.img || fail "the check found what keeps it from booting"
converse_nixos --disk luks.img --boot disk --generation 1 <<'SCRIPT'
expect "Passphrase for /dev/disk/by-uuid/" 200
send "no such thing\n"
expect "Passphrase not correct." 120
expect "Passphrase for /dev/disk/by-uuid/" 60
send "open sesame\n"
expect "<<< NixOS Stage 2 >>>" 200
log-in
send "mount\n"
expect "/dev/mapper/root on / type ext4" 60
expect "[root@nixos:~]# " 60
power-off
SCRIPT
converse_nixos --disk luks.img --boot disk --generation 2 <<'SCRIPT'
expect "Please enter passphrase for disk" 200
send "open sesame\n"
log-in
send "systemctl reboot\n"
expect "booting generation 2" 120
expect "Please enter passphrase for disk" 200
send "open sesame\n"
log-in
power-off
SCRIPT
