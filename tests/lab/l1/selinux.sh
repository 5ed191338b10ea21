# shellcheck shell=dash
# What scenarios of SELinux try of several VMs, and of a launcher's end and beginning. Words for as_root and its like; sourced by full.sh.

# guest_named NAME [OPTIONS...]: becomes husk with a guest that idles on a disk of its own, /NAME.img: every domain may search /.
guest_named() {
  name=$1
  shift
  cp /payload/root.img "/$name.img"
  # shellcheck disable=SC2034 # of disk.sh, as $runner and $vmm
  root_disk=/$name.img
  guest_on_disk 6.1 l2=idle --name "$name" "$@"
}

# only_selinux: the options that leave a VM no other layer that can be waived.
only_selinux() {
  for layer in seccomp landlock mdwe user-ns pid-ns net-ns ipc-ns uts-ns mount-ns msr-filter; do
    printf -- '--without %s ' "$layer"
  done
}

# attempts_from_a [OPTIONS...]: two VMs, apart-a and apart-b. The vmm and the disk's worker of the first try to signal, open and trace what
# belongs to the second, and to signal a process of their own VM. One line for each attempt: "blk0 open: openat: EACCES".
attempts_from_a() {
  for name in apart-a apart-b; do
    # shellcheck disable=SC2046 # words
    guest_named "$name" $(only_selinux) "$@" </dev/null >$name.log 2>$name.errors &
    vmm=$!
    launchers="${launchers:-} $vmm"
  done
  for task in apart-a apart-b; do
    wait_for "l2: root file system" $task.log 120
  done
  context_of_processes "apart-[ab]"
  for role in blk0 vmm; do
    thread=$(role_process "$role apart-a")
    target=$(role_process "$role apart-b")
    attempt "$role signal-own" "$thread" signal "$(role_process "console apart-a")" 23 # URG, which nobody minds
    attempt "$role signal" "$thread" signal "$target" 23
    attempt "$role open" "$thread" open /apart-b.img
    # A process that is not dumpable may not be traced whatever SELinux says: the target is made dumpable first.
    confine_probe "$target" dumpable
    attempt "$role ptrace" "$thread" ptrace "$target"
  done
  # shellcheck disable=SC2086 # several
  kill -TERM $launchers && sleep 1 && kill -TERM $launchers
  wait
  rm /apart-a.img /apart-b.img
}

attempt() { # WHAT THREAD ATTEMPT...
  what=$1
  shift
  echo "$what: $(confine_probe "$@" 2>&1)"
}

# pipe_on_both_ends: husk between two pipes.
pipe_on_both_ends() {
  true | husk_run 6.1 bzImage l2=poweroff --console stdio --require selinux | cat >piped
  grep -q '^l2: first line' piped || fail "the first line did not come through the pipe"
}

# under_no_new_privs WORD...: what WORD does with husk, it does with one that may gain no privileges by an exec.
under_no_new_privs() {
  # shellcheck disable=SC2034
  runner="setpriv --no-new-privs"
  "$@"
}

# transition_by_hand [RUNNER...]: husk's program enters microvm_t by an exec that RUNNER begins.
transition_by_hand() { "$@" runcon -t microvm_t -l s0:c1,c2 "$(command -v husk)" --version; }

# killed_launcher: SIGKILL on the launcher while its guest has the disk. The disk keeps the pair's label, the next start puts the old one
# back before it gives the disk its own, and nothing is left of that in the end.
killed_launcher() {
  fresh_root
  label=$(context_of root.img)
  start_task 6.1 idle --name killed --require selinux
  wait_for "l2: root file system" idle.log 120
  # shellcheck disable=SC2154
  kill -KILL "$vmm"
  wait "$vmm" || true
  no_vmm_within 5 || fail "roles outlive their launcher"
  left=$(context_of root.img)
  echo "$left" | grep -q ':svirt_image_t:s0:c[0-9]*,c[0-9]*$' || fail "the disk has not a pair's label, but $left"
  [ "$(find "$(journals)" -name 'labels.*' | wc -l)" = 1 ] || fail "there is not one journal: $(ls -a "$(journals)")"
  note "disk $left after SIGKILL on its launcher"
  task_on_disk 6.1 none --require selinux
  grep -F "the label of $PWD/root.img is $label again, after a husk that was killed" none.errors ||
    fail "the start says nothing of its repair"
  [ "$(context_of root.img)" = "$label" ] || fail "the disk's label is not back, but $(context_of root.img)"
  [ -z "$(ls -A "$(journals)")" ] || fail "something is left in the folder of journals: $(ls -A "$(journals)")"
  note "$(context_of root.img) after the next start"
}

journals() {
  if [ "$(id -u)" = 0 ]; then
    echo /run/husk
  else
    echo "$XDG_RUNTIME_DIR/husk"
  fi
}

# many_guests COUNT: that many starts at once. Prints one line for each role: its context, id and title.
many_guests() {
  launchers='' names=''
  for number in $(seq "$1"); do
    name=many-$number
    husk run --kernel "$(kernel_of 6.1 bzImage)" --initrd "$(initrd_of 6.1)" --cmdline "console=ttyS0 quiet l2=acpid" --memory 96M \
      --name "$name" --require selinux </dev/null >"$name.log" 2>"$name.errors" &
    launchers="$launchers $!" names="$names $name"
  done
  tries=120
  until [ "$(context_of_processes many | grep -c "husk: \(vmm\|console\) ")" = $((2 * $1)) ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "not all roles are there: $(cat many-*.errors; context_of_processes many)"
    usleep 500000
  done
  context_of_processes many
  # shellcheck disable=SC2086 # several
  kill -TERM $launchers && sleep 1 && kill -TERM $launchers
  wait
}
