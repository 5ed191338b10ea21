# husk console: a person attaches to a guest's console, detaches by Ctrl-], and finds at the next time what was printed meanwhile.
fresh_root
guest_on_disk 6.12 "" --console unix="$PWD/socket" </dev/null >errors 2>&1 &
until [ -S socket ]; do usleep 100000; done
pty_expect - -- husk console socket <<'SCRIPT'
expect "Ctrl-] detaches" 10
expect "l2 login: " 150
send "root\n"
expect "Password: " 20
sleep 1
send "secret-of-l2\n"
expect "/dev/ttyS0 # " 30
send "(sleep 3; echo answer $((6*7))) &\n"
expect "/dev/ttyS0 # " 20
send "\x1d"
expect "detached; the VM runs on" 5
exit 0 5
termios-sane
SCRIPT
sleep 5
pty_expect - -- husk console socket <<'SCRIPT'
expect "answer 42" 10
send "echo at $(tty)\n"
expect "at /dev/ttyS0" 20
send "poweroff\n"
expect "the VM closed its console" 60
exit 0 5
termios-sane
SCRIPT
wait
cat errors
