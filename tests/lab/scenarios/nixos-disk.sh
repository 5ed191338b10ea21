# An installed NixOS disk: husk lists and checks it, its default generation boots to a login, a new generation made inside is what the
# reboot starts, and an older one is chosen by number.
# lab: lane=nixos memory=3G timeout=900
own_image disk.img
husk list disk.img | tee list
grep -q '^\* nixos-generation-3 ' list || fail "generation 3 is not the default"
grep -q 'nixos-generation-3-specialisation-gaming .* gaming ' list || fail "the specialisation is not listed"
husk check disk.img | tee check || fail "the check found what keeps it from booting"
converse_nixos --disk disk.img --boot disk <<'SCRIPT'
expect "booting generation 3" 60
expect "<<< NixOS Stage 1 >>>" 150
expect "mounting /dev/disk/by-label/nixos on /..." 120
expect "<<< NixOS Stage 2 >>>" 60
log-in
send "nixos-rebuild boot\n"
expect "generation 4 is" 120
expect "[root@nixos:~]# " 60
send "systemctl reboot\n"
expect "booting generation 4" 120
expect "<<< NixOS Stage 2 >>>" 200
log-in
send "tr ' ' '\n' </proc/cmdline\n"
expect "nixos.rebuilt=1" 60
expect "[root@nixos:~]# " 60
power-off
SCRIPT
husk list disk.img | tee list
grep -q '^\* nixos-generation-4 ' list || fail "generation 4 is not the default"
