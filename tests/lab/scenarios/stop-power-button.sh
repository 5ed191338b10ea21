# SIGTERM is the guest's power button: a guest that listens powers off, husk ends with status 0. So does Ctrl-] q.
converse 6.1 bzImage l2=acpid <<'SCRIPT'
expect "l2: the power button is watched" 120
signal TERM
expect "l2: the power button was pressed" 20
exit 0 30
termios-sane
SCRIPT

converse 6.12 vmlinux l2=acpid <<'SCRIPT'
expect "l2: the power button is watched" 120
send "\x1dq"
expect "l2: the power button was pressed" 20
exit 0 30
termios-sane
SCRIPT
