# shellcheck shell=dash
# Guests with a root disk, for scenarios: they find it by its label, with modules loaded by modalias; see l2/disk-init. And
# what is done to their husk meanwhile. Sourced by scenario.sh.

# fresh_root: root.img, a new root disk, in the working folder.
fresh_root() { cp /payload/root.img root.img; }

# guest_on_disk SERIES CMDLINE [OPTIONS...]: becomes husk, with root.img as the guest's vda. Call it in a subshell, in the
# background, or behind `on_disk`. "l2=TASK" in CMDLINE: l2/root/tasks/TASK and off; without, logins on both consoles.
guest_on_disk() {
  case $1 in
    6.1) format=bzImage ;;
    *) format=vmlinux ;;
  esac
  series=$1 cmdline=$2
  shift 2
  # shellcheck disable=SC2086 # $runner: what runs it, some words
  exec ${runner:-} husk run --kernel "$(kernel_of "$series" "$format")" --initrd "/payload/kernels/$series/disk-initrd" \
    --cmdline "console=ttyS0 quiet root=LABEL=husk-root rw $cmdline" --disk "${root_disk:-root.img}" "$@"
}

# on_disk SERIES CMDLINE [OPTIONS...]: the same as a command; 137 if it had to be killed, after $limit seconds.
on_disk() { (runner="timeout -s KILL ${limit:-200} ${runner:-}" && guest_on_disk "$@") </dev/null; }

# converse_on_disk SERIES CMDLINE [OPTIONS...] <SCRIPT: on a terminal.
converse_on_disk() { (runner="pty_expect - --" && guest_on_disk "$@" --console stdio); }

# task_on_disk SERIES TASK [OPTIONS...]: the guest does TASK, which must succeed, and husk must end with status 0. What it
# printed is in the file TASK.log, and what husk said in TASK.errors. $words: more words for the task, like "seconds=60", which are variables there.
task_on_disk() {
  series=$1 task=$2
  shift 2
  status=0
  on_disk "$series" "l2=$task ${words:-}" "$@" >"$task.log" 2>"$task.errors" || status=$?
  cat "$task.log" "$task.errors"
  [ "$status" = 0 ] || fail "status $status of a guest with the task $task"
  grep -Eq "^(ttyS0\| )?l2: task $task is done" "$task.log" || # the prefix: if the guest has used hvc0
    fail "the task $task did not succeed"
}

# start_task SERIES TASK [OPTIONS...]: the same in the background, as the process $vmm.
start_task() {
  series=$1 task=$2
  shift 2
  : >"$task.log" # what an earlier guest wrote there must not be taken for this one's
  guest_on_disk "$series" "l2=$task ${words:-}" "$@" </dev/null >"$task.log" 2>"$task.errors" &
  vmm=$!
}

# wait_for TEXT FILE SECONDS: until FILE has a line that begins so.
wait_for() {
  waited=0
  until grep -q "^$1" "$2"; do
    if [ "$waited" -ge $(($3 * 5)) ] || ! kill -0 "$vmm" 2>/dev/null; then
      cat "$task.log" "$task.errors"
      fail "no \"$1\" in $2 after $((waited / 5)) s"
    fi
    usleep 200000
    waited=$((waited + 1))
  done
}

# end_of_task STATUS SECONDS: the task that start_task started is over in time, and husk's status is STATUS.
end_of_task() {
  (sleep "$2" && echo "not over after $2 s:" && ps && kill -KILL "$vmm") 2>/dev/null &
  guard=$!
  status=0
  wait "$vmm" || status=$?
  kill "$guard" 2>/dev/null || true
  cat "$task.log" "$task.errors"
  [ "$status" = "$1" ] || fail "status $status instead of $1"
}

# role_process ROLE: the id of that role's process of the one husk that runs.
role_process() {
  for command in /proc/[0-9]*/cmdline; do
    case $(tr '\0' ' ' <"$command" 2>/dev/null) in
      "husk: $1 "*) basename "$(dirname "$command")" ;;
    esac
  done
}

# complaints FILE: what husk said, without the line about the confinement layers that L1 lacks.
complaints() { grep -v "^husk: running without " "$1" || [ $? = 1 ]; }

# one_sentence FILE PATTERN: FILE holds one complaint, and it matches.
one_sentence() {
  [ "$(complaints "$1" | wc -l)" = 1 ] || fail "$1 has not one line but these: $(cat "$1")"
  grep -Eq "$2" "$1" || fail "$1 does not say \"$2\" but: $(cat "$1")"
}

# virtio_exits FILE: how many exits to user space the virtio registers cost, by husk's statistics.
virtio_exits() {
  awk -F '[ ,:]+' '/"virtio_registers"/ { inside = 1 } inside && /"(reads|writes)"/ { sum += $3 } /}/ { inside = 0 }
    END { print sum + 0 }' "$1"
}

# same_data_later SERIES CPUS [OPTIONS...]: what one life of a guest wrote and synced, the next one finds.
same_data_later() {
  series=$1 cpus=$2
  shift 2
  fresh_root
  task_on_disk "$series" write --cpus "$cpus" "$@"
  task_on_disk "$series" check --cpus "$cpus" "$@"
  [ "$(sed -n 's/l2: written, //p' write.log)" = "$(sed -n 's/l2: found, //p' check.log)" ] || fail "other data"
}

# login_on_both SERIES: a person at one terminal uses both consoles of a guest.
login_on_both() {
  fresh_root
  converse_on_disk "$1" "" <<'SCRIPT'
expect "l2 login: " 150
expect "l2 login: " 60
send "root\n"
expect "Password: " 20
sleep 1
send "secret-of-l2\n"
expect "/dev/ttyS0 # " 30
send "echo answer $((6*7)) on $(tty)\n"
expect "answer 42 on /dev/ttyS0" 20
expect "/dev/ttyS0 # " 20
absent "husk: keys go to"
send "\x1ds"
expect "husk: keys go to hvc0 now" 5
send "root\n"
expect "Password: " 20
sleep 1
send "secret-of-l2\n"
expect "/dev/hvc0 # " 30
send "stty size; echo answer $((6*7)) on $(tty)\n"
expect "24 80" 20
expect "answer 42 on /dev/hvc0" 20
send "echo a line of the kernel >/dev/ttyS0\n"
expect "ttyS0| a line of the kernel" 20
send "seq 1 2000 | tail -n 3; dmesg -n 7; echo through the kernel >/dev/kmsg\n"
expect "2000" 30
expect "ttyS0| " 20
expect "through the kernel" 20
send "\x1ds"
expect "husk: keys go to ttyS0 now" 5
send "echo back on $(tty)\n"
expect "back on /dev/ttyS0" 20
absent "secret-of-l2"
send "poweroff\n"
exit 0 60
termios-sane
SCRIPT
}

# wait_in FILE TEXT SECONDS: until FILE has TEXT.
wait_in() {
  waited=0
  until grep -q "$2" "$1"; do
    [ "$waited" -lt "$3" ] || fail "no \"$2\" in $1 after $3 s"
    sleep 1
    waited=$((waited + 1))
  done
}

# named_port SERIES: hvc0 with the window's size and the port of an agent, on one device. `husk console` is the agent's
# until_stopped SECONDS: husk console at the socket `agent`, which goes on after the end of its input until it is told to
# end. Any other end is a failure.
until_stopped() {
  stopped=0
  timeout "$1" husk console agent || stopped=$?
  case $stopped in
    124 | 143) ;;
    *) fail "husk console ended by itself, with status $stopped" ;;
  esac
}

# client, as it is at any socket; `timeout` makes it leave. To read the port while there is no client is to read nothing.
named_port() {
  fresh_root
  seq 1 50000 >sent # 288894 bytes
  : >talk
  converse_on_disk "$1" "" --port "name=org.husk.agent,unix=$PWD/agent" >talk <<'SCRIPT' &
expect "l2 login: " 150
expect "l2 login: " 60
send "\x1ds"
expect "husk: keys go to hvc0 now" 5
send "root\n"
expect "Password: " 20
sleep 1
send "secret-of-l2\n"
expect "/dev/hvc0 # " 30
send "stty size\n"
expect "24 80" 20
window 132 43
sleep 2
send "stty size\n"
expect "43 132" 20
send "cat /sys/class/virtio-ports/*/name; port=/dev/$(basename /sys/class/virtio-ports/*p1)\n"
expect "org.husk.agent" 20
send "exec 3<>$port; piece() { until dd bs=$1 count=1 <&3 2>/dev/null >/tmp/got && [ -s /tmp/got ]; do :; done; }\n"
expect "/dev/hvc0 # " 20
send "echo reads-$((10+1)); piece 1; head -c 288893 <&3 | cat /tmp/got - | md5sum; cat <&3; echo the client left: $((40+1))\n"
expect "the client left: 41" 120
send "echo reads-$((10+2)); piece 5; cat /tmp/got - <&3; echo left again: $((40+2))\n"
expect "short" 60
expect "left again: 42" 60
send "echo reads-$((10+3)); piece 4; cat /tmp/got >&3; echo answered $((40+3))\n"
expect "answered 43" 60
send "poweroff\n"
exit 0 60
termios-sane
SCRIPT
  person=$!
  wait_in talk reads-11 300
  until_stopped 15 <sent
  wait_in talk reads-12 60
  printf short | until_stopped 5
  wait_in talk reads-13 60
  # The VM ends meanwhile, and with it this; or time is up.
  printf ping | timeout 10 husk console agent >answer || [ $? -ge 124 ] || fail "husk console failed at the VM's end"
  status=0
  wait "$person" || status=$?
  cat talk
  [ "$status" = 0 ] || fail "the conversation did not hold"
  grep -q "$(md5sum <sent | cut -c 1-32)" talk || fail "the guest got something else"
  [ "$(cat answer)" = ping ] || fail "the agent's answer is $(cat answer)"
}
