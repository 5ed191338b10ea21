# A guest that ignores its power button survives the first SIGTERM; the second ends husk with status 143.
converse 6.1 bzImage l2=shell <<'SCRIPT'
expect "l2# " 120
signal TERM
sleep 2
send "echo still $((40+2)) here\n"
expect "still 42 here" 20
signal TERM
exit 143 10
termios-sane
SCRIPT
