# A system as it lies in the store of the host, with the disk that holds its root: refused for its secrets, then one of its specialisations
# without them, and the other kind of stage 1.
# lab: lane=nixos memory=3G timeout=900
own_image disk.img
system=$(system_of 3)
husk list "$system" | tee list
grep -q ' gaming ' list || fail "the specialisation is not listed"
! husk check "$system" --disk disk.img >check || fail "the check sees no harm in secrets that are not there"
grep -q 'lacks its secrets' check || fail "the check does not speak of the secrets"
status=0
husk run --nixos "$system" --disk disk.img --console none 2>refusal || status=$?
[ "$status" = 6 ] || fail "a system with secrets: status $status"
grep -q -e '--ignore-secrets' refusal || fail "the refusal does not say how to go without: $(cat refusal)"
converse_nixos --nixos "$system" --specialisation gaming --disk disk.img <<'SCRIPT'
expect "<<< NixOS Stage 1 >>>" 150
expect "<<< NixOS Stage 2 >>>" 200
log-in
send "tr ' ' '\n' </proc/cmdline\n"
expect "nixos.special=gaming" 60
expect "[root@nixos:~]# " 60
power-off
SCRIPT
husk check "$(system_of 2)" --disk disk.img || fail "the check found what keeps the second system from booting"
converse_nixos --nixos "$(system_of 2)" --specialisation by-label --disk disk.img <<'SCRIPT'
log-in
send "tr ' ' '\n' </proc/cmdline\n"
expect "root=LABEL=nixos" 60
expect "[root@nixos:~]# " 60
power-off
SCRIPT
