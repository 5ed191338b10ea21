# Instructions from exec to the first guest instruction, and to a stock kernel's first user-space line, beside QEMU microvm.
# lab: deterministic=yes timeout=900
#
# Same kernel, initrd, command line and devices (a console, a disk, a network card that leads nowhere). For each start the log has
# the kernel's events up to the first KVM_RUN, whose clock is L1's time stamp counter, which counts instructions
# (benchmarks/suites/lab.py adds up who had the processor), and what stopwatch says of the first line. Not the same to the instruction
# in every run: when L1's disk answers is not counted in instructions.
bare_metal=/lab/exits # without words it powers off at once
[ -x $bare_metal ] || fail "exits was not built beside husk (benchmarks/run_loop)"
under="stopwatch l2:" # of the first line, after which it is ended
cmdline="console=ttyS0 quiet l2=idle"
kernel=$(kernel_of 6.1 bzImage)
initrd=$(initrd_of 6.1)
trace=/sys/kernel/tracing/instances/start
[ -d /sys/kernel/tracing/instances ] || mount -t tracefs tracefs /sys/kernel/tracing
truncate -s 1M disk.img
find "$kernel" "$initrd" /payload/qemu -type f -exec cat {} + >/dev/null # or the time that L1's disk takes would be in it

# start NAME FUNCTION ARGUMENTS...: the function becomes the VMM, under stopwatch.
start() {
  name=$1
  shift
  mkdir $trace
  echo x86-tsc >$trace/trace_clock
  echo 1 >$trace/options/event-fork
  echo traceoff:1 >$trace/events/kvm/kvm_fpu/trigger # so that the rest is not slowed down
  # What is recorded are the children of the shell that becomes stopwatch.
  (
    read -r self _ </proc/self/stat
    echo "$self" >$trace/set_event_pid
    for event in sched/sched_process_fork sched/sched_process_exec sched/sched_process_exit sched/sched_switch kvm/kvm_fpu; do
      echo 1 >$trace/events/$event/enable
    done
    "$@"
  ) </dev/null >log 2>&1
  cat log
  grep -q kvm_fpu: $trace/trace || fail "no vCPU was seen to run"
  echo "start-cost: $name"
  cat $trace/trace
  sed -n 's/^stopwatch:/start-cost: end,/p' log
  echo '!traceoff' >$trace/events/kvm/kvm_fpu/trigger
  rmdir $trace
}

# The same for both: KERNEL COMMAND-LINE.
start_husk() {
  exec $under husk run --disk disk.img --net none --memory 512M --kernel "$1" --initrd "$initrd" --cmdline "$2"
}
start_qemu() {
  qemu_process -M microvm,acpi=on,pic=off,pit=off,rtc=on -m 512 -no-reboot -serial stdio \
    -global virtio-mmio.force-legacy=false -chardev null,id=hvc0 -device virtio-serial-device \
    -device virtconsole,chardev=hvc0 -blockdev driver=file,filename=disk.img,node-name=disk -device virtio-blk-device,drive=disk \
    -netdev hubport,id=net,hubid=0 -device virtio-net-device,netdev=net -kernel "$1" -initrd "$initrd" -append "$2"
}

for _ in 1 2 3; do
  start bare-metal-husk start_husk $bare_metal none=0
  start bare-metal-qemu start_qemu $bare_metal none=0
  start linux-husk start_husk "$kernel" "$cmdline"
  start linux-qemu start_qemu "$kernel" "$cmdline"
done >all
cat all
note "to the first line: $(awk '
  /^start-cost: [a-z]/ && !/end/ { name = $2 }
  /^start-cost: end/ && name ~ /^linux/ { least = sum[name]; sum[name] = !least || $5 < least ? $5 : least }
  END { printf "husk %.0f million instructions, QEMU %.0f million", sum["linux-husk"] / 1e6, sum["linux-qemu"] / 1e6 }' all)"
