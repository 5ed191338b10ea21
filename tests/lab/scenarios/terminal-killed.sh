# kill -9 of the husk that the user started: within 3 s nothing of it runs any more and the terminal is as before.
converse 6.12 vmlinux l2=shell <<'SCRIPT'
expect "l2# " 120
signal KILL
exit 137 5
sleep 3
termios-sane
SCRIPT
no_vmm_within 0 || fail "still running: $(vmm_processes)"
