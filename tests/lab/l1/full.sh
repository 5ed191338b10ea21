# shellcheck shell=dash
# What scenarios of the full lane have besides: SELinux is enforcing there, and commands run in the sessions of several users. Sourced
# by scenario.sh. Scenarios themselves run as a system service does, in initrc_t.

# as_root, as_staff, as_user COMMAND...: in a login of its own, through PAM: root is unconfined_t, staff is staff_t with all
# categories, user is user_t with none. as_unit: in a systemd unit. COMMAND may be any word of the scenario language; its folder is
# ~/lab-work (/var/lib/lab-work of a unit), which the sessions of a user share. Output and status come back at its end. One at a time for each of the four.
as_root() { in_session root ttyS1 "$@"; }
as_staff() { in_session staff ttyS2 "$@"; }
as_user() { in_session user ttyS3 "$@"; }
as_unit() { in_session unit "" "$@"; }

in_session() { # KIND TTY COMMAND...
  session=$1 tty=$2
  shift 2
  unit=lab-unit.service
  [ -z "$tty" ] || unit=lab-login@$tty.service
  systemctl stop "$unit"
  rm -f "/tmp/lab-$session.output" "/tmp/lab-$session.status"
  echo "LOGIN=$session" >"/usr/share/lab/$tty.user"
  {
    echo "export PATH='$PATH'"
    echo ". /lab/scenario.sh"
    quoted "$@"
  } >"/usr/share/lab/$session.command"
  systemctl start "$unit"
  waited=0
  until [ -e "/tmp/lab-$session.status" ]; do
    usleep 100000
    waited=$((waited + 1))
    [ "$waited" -lt 100 ] || [ -e "/tmp/lab-$session.output" ] || fail "no session of $session: $(systemctl status "$unit" 2>&1)"
  done
  cat "/tmp/lab-$session.output"
  return "$(cat "/tmp/lab-$session.status")"
}

# quoted WORD...: a line of shell that means these words.
quoted() {
  for word in "$@"; do
    printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
  done
  echo
}

# avcs_since_start [PATTERN]: what SELinux denied since the scenario began, of the kernel's log; unless PATTERN says what else, where
# a VM's domain is on either side. dontaudit rules are off in this L1: the rest is full of harmless ones. One of ours is left out,
# noatsecure: the kernel asks at each transition whether the new process may have the old one's environment as it is, and no is the answer
# that policy means.
avcs_since_start() {
  busybox dmesg | sed -n "/lab: $scenario_name begins/,\$p" | grep 'avc: *denied' | grep -v 'denied *{ noatsecure }' |
    grep -E "${1:-context=[a-z_:]*:(microvm|svirt)[a-z_]*:}" || true
}

# no_avcs: fails if there are any.
no_avcs() {
  busybox dmesg | grep -q "lab: $scenario_name begins" || fail "the kernel's log does not reach back to the scenario's begin"
  avcs_since_start >avcs
  cat avcs
  [ ! -s avcs ] || fail "$(wc -l <avcs) AVCs"
}

# context_of_processes [NAME]: the roles of the VM NAME, or of all: context, id and title of each.
context_of_processes() { /bin/ps -eo label,pid,args | grep -E "husk: [a-z0-9]+ ${1:-}" | grep -v grep || true; }

# begin_scenario FILE: with empty folders, marks the kernel's log, and finds husk under the label that the scenario asks for.
begin_scenario() {
  rm -rf /root/lab-work /home/*/lab-work /var/lib/lab-work
  echo "lab: $scenario_name begins" >/dev/kmsg
  type=$(sed -n 's/^# lab:.* husk=\([^ ]*\).*/\1/p' "$1")
  export PATH="/lab/husk/${type:-microvm_exec_t}:$PATH"
}

explain_failure() {
  echo "--- what SELinux denied:"
  avcs_since_start
}

# In this L1 there are many processes besides the lab's own.
vmm_processes() {
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe") in
      */husk | */qemu-system-x86_64) basename "$(dirname "$exe")" ;;
    esac
  done
}

# context_of FILE
context_of() { /usr/bin/stat -c %C "$1"; }

# confined_guest TYPE [OPTIONS...]: a Linux guest on a root disk of its own, whose roles must all be in the domain TYPE with one pair of
# categories, and the disk be labelled with it while the guest runs; the guest writes and syncs, and the next one finds what it wrote;
# the disk's old label is back each time.
confined_guest() {
  domain=$1
  shift
  fresh_root
  label=$(context_of root.img)
  start_task 6.1 write-and-wait --name confined "$@"
  wait_for "l2: written" write-and-wait.log 120
  context_of_processes confined | tee roles
  sed -n "s/^[a-z_]*:[a-z_]*:$domain:s0:\(c[0-9]*,c[0-9]*\) .*/\1/p" roles >pairs
  [ "$(wc -l <pairs)" = 3 ] || fail "vmm, console and blk0 are not all in $domain with two categories"
  pair=$(sort -u pairs)
  [ "$(echo "$pair" | wc -l)" = 1 ] || fail "the roles of one VM have several pairs"
  note "$(sed -n '1s/ .*//p' roles), disk $(context_of root.img)"
  context_of root.img | grep -q ":svirt_image_t:s0:$pair\$" || fail "the disk's label lacks the pair $pair"
  kill -TERM "$vmm"
  sleep 1
  kill -TERM "$vmm"
  end_of_task 143 20
  [ "$(context_of root.img)" = "$label" ] || fail "the disk's label is not back"
  task_on_disk 6.1 check "$@"
  [ "$(context_of root.img)" = "$label" ] || fail "the disk's label is not back"
}

# refused_guest PATTERN [OPTIONS...]: husk refuses to start that guest, with status 5 and one sentence that matches, and leaves the label
# of its disk as it was.
refused_guest() {
  pattern=$1
  shift
  fresh_root
  label=$(context_of root.img)
  expect_status 5 on_disk 6.1 l2=check "$@" >out 2>sentence
  cat sentence
  one_sentence sentence "$pattern"
  [ "$(context_of root.img)" = "$label" ] || fail "the disk's label has changed"
}

# boot_disk_guest [OPTIONS...]: a guest boots from the entry of a disk: the reader looks at it in the VM's domain, while the disk has the
# VM's label, and the vmm reads the kernel from it.
boot_disk_guest() {
  cp /payload/boot.img boot.img
  label=$(context_of boot.img)
  husk run --disk boot.img --boot disk --memory 128M "$@" </dev/null >out 2>errors || fail "status $?: $(cat errors)"
  cat errors
  grep -q '^l2: first line' out || fail "the guest did not come up"
  grep -q 'booting generation 1 of disk boot.img' errors || fail "husk does not say what it boots"
  [ "$(context_of boot.img)" = "$label" ] || fail "the disk's label is not back"
}

# workload NAME: what the scenario NAME of the fast lane does, in an empty folder as there.
workload() {
  rm -rf ./*
  # shellcheck disable=SC1090
  . "/lab/scenarios/$1.sh"
}

# all_workloads WORD NAME...: each in a session of its own.
all_workloads() {
  session_word=$1
  shift
  for workload_name in "$@"; do
    echo "=== $workload_name"
    "$session_word" workload "$workload_name" || fail "$workload_name"
  done
}

# shellcheck source=selinux.sh source-path=SCRIPTDIR
. /lab/selinux.sh
