# shellcheck shell=bash
# L1: a stock Debian kernel under QEMU's TCG, which emulates AMD's SVM, so that kvm_amd gives it a real /dev/kvm.

# qemu_command SERIES MEMORY CPUS [deterministic]: sets $qemu to the command that boots an L1, without its disks, initramfs,
# serial ports and kernel command line. setpriv: QEMU ends with us. No erms and fsrm: TCG takes `rep movsb` byte by byte, so without
# these promises of fast strings Linux copies by words, and filling much memory takes half the time. A deterministic L1
# has instructions for its clock: its time stamp counter counts them.
qemu_command() {
  local threads=multi clock=()
  # shellcheck disable=SC2054 # commas of QEMU's
  [[ ${4:-} != deterministic ]] || threads=single clock=(-icount shift=0,sleep=off -seed 42
    -rtc base=2026-01-01T00:00:00,clock=vm)
  # shellcheck disable=SC2054
  qemu=(setpriv --pdeathsig KILL "$qemu_program" -M q35 -accel "tcg,thread=$threads,tb-size=512" "${clock[@]}"
    -cpu max,-erms,-fsrm
    -m "$2" -smp "$3" -nodefaults -no-user-config -display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4
    -drive "file=$cache/payload.img,if=none,id=payload,format=raw,readonly=on"
    -kernel "$cache/kernels/$1/bzImage")
}

# fast_l1_command INITRAMFS ARGUMENTS-OF-qemu_command...: the same for an L1 that is an initramfs.
fast_l1_command() {
  qemu_command "${@:2}"
  qemu+=(-initrd "$1" -device "nvme,drive=payload,serial=payload")
}

# nixos_l1_command ARGUMENTS-OF-fast_l1_command...: the same with the NixOS-shaped guests on a second disk, which L1 may write to.
nixos_l1_command() {
  qemu_command "${@:2}"
  # shellcheck disable=SC2054
  qemu+=(-initrd "$1" -drive "file=$nixos_image,if=none,id=nixos,format=raw,snapshot=on"
    -device nvme,id=disk,serial=l1 -device nvme-ns,drive=payload,bus=disk,nsid=1
    -device nvme-ns,drive=nixos,bus=disk,nsid=2)
}

# nixoskernel_l1_command ARGUMENTS-OF-fast_l1_command...: the same with those that have a kernel with NixOS' options.
nixoskernel_l1_command() {
  local nixos_image=$cache/nixoskernel.img
  nixos_l1_command "$@"
}

# tools_l1_command ARGUMENTS-OF-fast_l1_command...: the same with the tools disk on a second disk, read-only and a third one for L1's /tmp.
tools_l1_command() {
  local scratch
  scratch=$(mktemp "$work/scratch.XXXXXX")
  truncate -s 4G "$scratch"
  PATH=$PATH:/sbin mkfs.ext4 -q -F -m 0 -O ^has_journal "$scratch"
  qemu_command "${@:2}"
  # shellcheck disable=SC2054
  qemu+=(-initrd "$1" -drive "file=$tools_image,if=none,id=tools,format=raw,readonly=on"
    -device nvme,id=disk,serial=l1 -device nvme-ns,drive=payload,bus=disk,nsid=1
    -device nvme-ns,drive=tools,bus=disk,nsid=2
    -drive "file=$scratch,if=none,id=scratch,format=raw,cache=unsafe,discard=unmap" -device nvme-ns,drive=scratch,bus=disk,nsid=3)
}

# full_l1_command LAB-DISK LOG ARGUMENTS-OF-qemu_command...: the same for a Debian with SELinux, its command line included. One
# controller: the numbers of its name spaces are fixed, while those of controllers are a race. LOG.ttyS* get the login consoles.
full_l1_command() {
  local name port
  qemu_command "${@:3}"
  # shellcheck disable=SC2054
  qemu+=(-drive "file=$full_root_image,if=none,id=root,format=raw,snapshot=on"
    -drive "file=$1,if=none,id=lab,format=raw,readonly=on"
    -device nvme,id=disk,serial=l1)
  port=1
  for name in root payload lab; do
    qemu+=(-device "nvme-ns,drive=$name,bus=disk,nsid=$port")
    port=$((port + 1))
  done
  full_l1_append="root=/dev/nvme0n1 ro rootfstype=ext4 security=selinux enforcing=1 log_buf_len=8M systemd.unit=lab.target"
  full_l1_append+=" systemd.show_status=0"
  full_l1_logins=()
  for port in 1 2 3; do
    full_l1_logins+=(-serial "file:$2.ttyS$port")
  done
}

# l1_clock: the rate of L1's time stamp counter, which under TCG is that of the host. On a busy host L1 would measure it
# wrong by far, or find it unreliable, and time would stand still in guests of L1 or leap. (A deterministic L1 has another
# clock, and always measures the same.)
l1_clock() {
  awk -F: '/^bogomips/ { printf("tsc=reliable tsc_early_khz=%d", $2 * 500); exit }' /proc/cpuinfo
}

# isa-debug-exit makes QEMU's status ((v << 1) | 1), and l1_exit's v is its status + 16: this is l1_exit 0.
l1_orderly_end=33

# --- an L1 that serves scenarios: names go in on its console, everything else comes out of it

l1_pid=
l1_shape=

# l1_start SERIES SHAPE LOG: boots an L1 of SHAPE, waits until it is ready. LOG gets its console. SHAPE is MEMORY:CPUS:LANE:
# or, for a deterministic L1, MEMORY:CPUS:LANE:SCENARIO: that one begins by itself, since a name that came in on the console
# would come at another instruction each time.
l1_start() {
  local pipes memory cpus lane own append logins=()
  IFS=: read -r memory cpus lane own <<<"$2"
  pipes=$(mktemp -d "$work/pipes.XXXXXX")
  mkfifo "$pipes"/{in,out,monitor.in,monitor.out}
  l1_monitor=$pipes/monitor
  l1_shape=$2 l1_log=$3
  append="console=ttyS0 panic=-1 quiet"
  [[ $own ]] || append+=" $(l1_clock)"
  if [[ $lane == full ]]; then
    full_l1_command "$work/lab.img" "${l1_log%.log}" "$1" "$memory" "$cpus"
    append+=" $full_l1_append" logins=("${full_l1_logins[@]}")
  else
    "${lane}_l1_command" "$work/l1.cpio" "$1" "$memory" "$cpus" ${own:+deterministic}
    append+=" lab=serve lane=$lane${own:+ own=$own}"
  fi
  "${qemu[@]}" -chardev "pipe,id=monitor,path=$l1_monitor" -mon monitor -serial stdio "${logins[@]}" \
    -append "$append" <"$pipes/in" >"$pipes/out" 2>"$l1_log" &
  l1_pid=$!
  exec {l1_in}>"$pipes/in" {l1_out}<"$pipes/out"
  l1_read_until 120 "LAB-READY *" "$l1_log"
}

# l1_send LINE: types LINE on L1's console. If L1 is no more, reading from it will tell.
l1_send() { echo "$1" >&"$l1_in" || true; }

# l1_wake: an interrupt for L1, whose halted CPU may wait for one that QEMU has lost: QEMU 7.2's SVM changes the set of pending interrupts
# at each of a guest's exits without the lock that its timers hold. A deterministic L1 has one thread, and its input is a part of it.
l1_wake() { [[ $l1_shape != *: ]] || l1_send ""; }

# l1_read_line DEADLINE: the next line of L1's console, in $l1_line. Returns 1 if L1 has ended, 2 if the time is over.
l1_read_line() {
  local piece status=128 silent=0
  l1_line=
  while ((status >= 128)); do # read's way to say that its second is over
    ((SECONDS <= $1)) || return 2
    ((silent++ % 5 != 4)) || l1_wake
    status=0
    IFS= read -r -t 1 piece <&"$l1_out" || status=$?
    l1_line+=$piece
  done
  l1_line=${l1_line%$'\r'}
  return "$status"
}

# l1_read_until SECONDS PATTERN LOG: copies L1's lines to LOG up to the one that matches, and leaves that one in
# $l1_line. Returns as l1_read_line does.
l1_read_until() {
  local deadline=$((SECONDS + $1)) status=0
  while l1_read_line "$deadline" || status=$?; do
    # What a terminal would show: a guest's last carriage return may come right before a line of the lab's own.
    # shellcheck disable=SC2053 # a pattern
    [[ $status != 0 || ${l1_line##*$'\r'} != $2 ]] || return 0
    printf '%s\n' "$l1_line" >>"$3"
    ((status == 0)) || return "$status"
  done
}

# l1_stop: lets L1 end by itself. Fails if it does not, or not in order.
l1_stop() {
  local status=0
  [[ -n $l1_pid ]] || return 0
  l1_send quit
  l1_read_until 30 "" "$l1_log" || status=$?
  ((status == 1)) || kill -KILL "$l1_pid"
  status=0
  wait "$l1_pid" || status=$?
  l1_forget
  ((status == l1_orderly_end))
}

# l1_post_mortem: where every CPU of a hanging L1 is, at three moments, into its log.
l1_post_mortem() {
  local moment
  for moment in 1 2 3; do
    echo "info registers -a" 1<>"$l1_monitor.in" # <>: never waits for a reader
    timeout 1 cat "$l1_monitor.out" >>"$l1_log" || true # the time-out is the end of the answer
  done
}

l1_kill() {
  [[ -n $l1_pid ]] || return 0
  kill -KILL "$l1_pid" 2>/dev/null || true
  wait "$l1_pid" 2>/dev/null || true
  l1_forget
}

l1_forget() {
  exec {l1_in}>&- {l1_out}<&-
  l1_pid='' l1_shape=''
}
