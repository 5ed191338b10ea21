# Until the guest's first line, fewer exits to user space than QEMU microvm and q35, same kernel, initrd, command line.
# lab: timeout=400
#
# What is counted: every hit of the tracepoint kvm:kvm_userspace_exit in L1, from before the VMM starts until the guest,
# which prints its first line and then sleeps, has been still for a second.
series=6.1
cmdline="console=ttyS0 quiet l2=idle"
kernel=$(kernel_of $series bzImage)
initrd=$(initrd_of $series)
trigger=/sys/kernel/tracing/events/kvm/kvm_userspace_exit/trigger
histogram=/sys/kernel/tracing/events/kvm/kvm_userspace_exit/hist
[ -e "$trigger" ] || mount -t tracefs tracefs /sys/kernel/tracing

hits() { awk '/Hits:/ { print $2 }' "$histogram"; }

# exits_of LOG COMMAND...: sets $exits. COMMAND has the guest's console on its standard output, which is the file LOG.
exits_of() {
  log=$1
  shift
  echo 'hist:keys=reason' >"$trigger"
  "$@" </dev/null >"$log" 2>&1 &
  vmm=$!
  waited=0
  until grep -q '^l2: first line' "$log"; do
    if [ "$waited" -ge 600 ] || ! kill -0 "$vmm"; then
      cat "$log"
      fail "no first line after $((waited / 5)) s: $*"
    fi
    usleep 200000
    waited=$((waited + 1))
  done
  exits=-1
  while [ "$exits" != "$(hits)" ]; do
    exits=$(hits)
    sleep 1
  done
  echo "--- $log: $exits exits by reason"
  grep reason: "$histogram"
  kill -KILL "$vmm"
  wait "$vmm" || true
  echo '!hist:keys=reason' >"$trigger"
}

exits_of husk husk run --kernel "$kernel" --initrd "$initrd" --cmdline "$cmdline" --memory 512M --console stdio
husk=$exits

# qemu_exits LOG MACHINE: the same for QEMU.
qemu_exits() {
  exits_of "$1" qemu_process -M "$2" -m 512 -serial stdio -kernel "$kernel" -initrd "$initrd" -append "$cmdline"
}
qemu_exits microvm microvm,acpi=on,pic=off,pit=off,rtc=on
microvm=$exits
qemu_exits microvm-no-rtc microvm,acpi=on,pic=off,pit=off,rtc=off # Linux searches long for the clock that is not there
microvm_no_rtc=$exits
qemu_exits q35 q35
q35=$exits

note "husk $husk; QEMU microvm,acpi=on,pic=off,pit=off $microvm, the same with rtc=off $microvm_no_rtc; QEMU q35 $q35"
for peer in "$microvm" "$microvm_no_rtc" "$q35"; do
  [ "$husk" -lt "$peer" ] || fail "husk's $husk are not fewer than $peer"
done
