# shellcheck shell=dash
# What scenarios are written with. Sourced in L1 (busybox sh) under `set -eu -o pipefail`, in an empty working folder.

kernel_of() { echo "/payload/kernels/$1/$2"; } # SERIES bzImage|vmlinux
initrd_of() { echo "/payload/kernels/$1/initrd"; } # SERIES

fail() {
  echo "FAILED: $*"
  exit 1
}

# note TEXT: shows TEXT on the scenario's result line.
note() { echo "NOTE: $*"; }

# vmm_processes: the ids of all processes in L1 that are not the lab's own: husk's family, QEMU.
vmm_processes() {
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe") in
      "" | /bin/busybox | /bin/pty_expect) ;;
      *) basename "$(dirname "$exe")" ;;
    esac
  done
}

# no_vmm_within SECONDS: true as soon as none is left, false if some still are after that time.
no_vmm_within() {
  waited=0
  until [ -z "$(vmm_processes)" ]; do
    [ "$waited" -lt "$1" ] || return 1
    sleep 1
    waited=$((waited + 1))
  done
}

# begin_scenario FILE: before each. Where there are several CPUs, nothing is measured.
begin_scenario() { [ "$(nproc)" = 1 ] || note_shutdowns; }

# note_shutdowns: KVM notes what a guest's CPU was at when it shut down: husk cannot tell, as KVM on AMD forgets it.
note_shutdowns() {
  [ -e /sys/kernel/tracing/trace ] || mount -t tracefs tracefs /sys/kernel/tracing
  echo >/sys/kernel/tracing/trace
  echo "exit_reason == 0x7f" >/sys/kernel/tracing/events/kvm/kvm_exit/filter # AMD APM vol. 2, appendix C: VMEXIT_SHUTDOWN
  echo 1 >/sys/kernel/tracing/events/kvm/kvm_exit/enable
}

# shutdowns: a line for each CPU of a guest that shut down.
shutdowns() { [ ! -e /sys/kernel/tracing/trace ] || sed -n 's/.* kvm_exit: //p' /sys/kernel/tracing/trace; }

# explain_failure: after each that failed.
explain_failure() {
  [ -z "$(shutdowns)" ] || echo "--- CPUs of guests that shut down:"
  shutdowns
}

# husk_run SERIES FORMAT CMDLINE [OPTIONS...]: husk with that kernel and the lab's initrd. Returns husk's exit status, or
# 137 if it had to be killed.
husk_run() {
  series=$1 format=$2 cmdline=$3
  shift 3
  timeout -s KILL 150 husk run --kernel "$(kernel_of "$series" "$format")" --initrd "$(initrd_of "$series")" \
    --cmdline "console=ttyS0 quiet $cmdline" "$@"
}

# converse SERIES FORMAT CMDLINE [OPTIONS...] <SCRIPT: the same on a terminal; SCRIPT is one for pty_expect.
converse() {
  series=$1 format=$2 cmdline=$3
  shift 3
  pty_expect - -- husk run --kernel "$(kernel_of "$series" "$format")" --initrd "$(initrd_of "$series")" \
    --cmdline "console=ttyS0 quiet $cmdline" --console stdio "$@"
}

# expect_status STATUS COMMAND...
expect_status() {
  wanted=$1
  shift
  got=0
  "$@" || got=$?
  [ "$got" = "$wanted" ] || fail "status $got instead of $wanted: $*"
}

# boot_to_shell SERIES FORMAT CPUS MEMORY_MIB: the guest reaches its shell, which answers and sees the CPUs and the
# memory asked for; poweroff ends husk with status 0.
boot_to_shell() {
  converse "$1" "$2" l2=shell --cpus "$3" --memory "$4M" <<SCRIPT
expect "l2: first line, $1." 120
expect "l2# " 60
send "echo answer \$((6*7))\n"
expect "answer 42" 20
expect "l2# " 20
send "echo cpus=\$(nproc)\n"
expect "cpus=$3" 20
expect "l2# " 20
send "check-memory $4\n"
expect "memory: as asked" 20
expect "l2# " 20
send "poweroff -f\n"
exit 0 30
termios-sane
SCRIPT
}

# qemu_process ARGUMENTS...: becomes the QEMU of this Debian, as a peer, on L1's KVM. Start it in the background. $under: words of a
# command that runs it.
qemu_process() {
  [ -e /lib64/ld-linux-x86-64.so.2 ] || ln -s /payload/qemu/lib64/ld-linux-x86-64.so.2 /lib64/
  export LD_LIBRARY_PATH=/payload/qemu/lib/x86_64-linux-gnu:/payload/qemu/usr/lib/x86_64-linux-gnu
  # shellcheck disable=SC2086 # words
  exec ${under-} /payload/qemu/usr/bin/qemu-system-x86_64 -L /payload/qemu/share -accel kvm -cpu host \
    -nodefaults -no-user-config -display none "$@"
}

# reboot_and_power_off SERIES FORMAT: two lives of one guest.
reboot_and_power_off() {
  converse "$1" "$2" l2=shell <<'SCRIPT'
expect "l2# " 120
send "echo first > /tmp-of-this-life; reboot -f\n"
expect "l2: first line" 120
expect "l2# " 60
send "cat /tmp-of-this-life\n"
expect "No such file" 20
expect "l2# " 20
send "poweroff -f\n"
exit 0 30
termios-sane
SCRIPT
}

# check_kernel_log SERIES FORMAT: prints the guest's whole kernel log, fails on complaints /lab/known-complaints lacks.
check_kernel_log() {
  husk_run "$1" "$2" l2=dmesg --cpus 2 </dev/null >console || fail "status $?"
  sed -n '/^l2: dmesg begins/,/^l2: dmesg ends/p' console | tr -d '\r' >dmesg
  cat dmesg
  grep -q '^l2: dmesg ends' dmesg || fail "the guest did not print its log"
  # A report of many lines ("cut here" ... "end trace") becomes one line and is known or unknown as a whole.
  awk '/\[ cut here \]/ { report = 1 }
       { printf "%s%s", $0, report ? " | " : "\n" }
       /\[ end trace / { report = 0; print "" }' dmesg >lines
  grep -v -e '^#' -e '^$' /lab/known-complaints >known
  grep -Ei 'warn|error|fail|bug|call trace|ACPI.*exception|fatal' lines | grep -Evf known >complaints || return 0
  echo "--- complaints:"
  cat complaints
  fail "$(wc -l <complaints) unknown complaints"
}

# shellcheck source=disk.sh source-path=SCRIPTDIR
. /lab/disk.sh
# shellcheck source=tools.sh source-path=SCRIPTDIR
. /lab/tools.sh
# shellcheck source=net.sh source-path=SCRIPTDIR
. /lab/net.sh
# shellcheck source=screen.sh source-path=SCRIPTDIR
. /lab/screen.sh
# shellcheck source=nixos.sh source-path=SCRIPTDIR
. /lab/nixos.sh
# shellcheck source=full.sh source-path=SCRIPTDIR
[ ! -e /lab/full.sh ] || . /lab/full.sh
