# Ctrl-] h prints the keys, Ctrl-] k ends husk at once; the terminal is as before.
converse 6.1 bzImage l2=shell <<'SCRIPT'
expect "l2# " 120
send "\x1dh"
expect "husk: Ctrl-] k" 5
send "echo still $((40+2)) here\n"
expect "still 42 here" 20
send "\x1dk"
exit 137 10
termios-sane
SCRIPT
