# A triple fault (Linux reboots by one with reboot=t) ends husk with status 4, not in a restart; KVM on AMD resets the vCPU, and husk says so.
[ -e /lab/full.sh ] || note_shutdowns
status=0
husk_run 6.1 bzImage "reboot=t l2=reboot" </dev/null 2>errors || status=$?
cat errors
[ "$status" = 4 ] || fail "status $status"
grep -q "triple fault on vCPU 0, whose state is lost: KVM has reset it" errors || fail "husk does not say so"
[ -e /lab/full.sh ] || shutdowns | grep "^vcpu 0 reason shutdown rip 0x" || fail "KVM's trace does not say where it was"
