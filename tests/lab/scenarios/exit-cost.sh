# An exit to user space, counted in instructions: husk adds at most 0.3 of what QEMU adds to a bare ioctl loop.
# lab: deterministic=yes timeout=900
#
# One guest, benchmarks/run_loop/guests/exits.cc, times batches of the same access with husk, with QEMU microvm, and with the
# two loops of exit_cost: nothing but ioctl(KVM_RUN), and husk's run loop alone. L1's time stamp counter counts instructions.
# What counts is the fastest batch of each: one that none of L1's timers came into.
[ -x /bin/exit_cost ] || fail "exit_cost was not built beside husk (benchmarks/run_loop)"
guest=/lab/exits
plan="count=200 batch=20 rounds=10"
uart="pio-read=3ff pio-write=3ff" # its scratch register

# disk ADDRESS: words of the guest's for the registers MagicValue and DriverFeaturesSel of a virtio disk.
disk() { printf 'mmio-read=%x mmio-write=%x' "$(($1))" "$(($1 + 0x24))"; }

truncate -s 1M disk.img
exit_cost bare $guest "$plan $uart $(disk 0xd0001000)" >bare
exit_cost husk $guest "$plan $uart $(disk 0xd0001000)" >loop
husk run --kernel $guest --cmdline "$plan $uart $(disk 0xd0001000)" --disk disk.img --virtio-trap </dev/null >husk
husk run --kernel $guest --cmdline "$plan $(disk 0xd0001000)" --disk disk.img </dev/null >page
(qemu_process -M microvm,acpi=off,pic=off,pit=off,rtc=off -global virtio-mmio.force-legacy=false -m 128 -no-reboot \
  -serial stdio -blockdev driver=file,filename=disk.img,node-name=disk -device virtio-blk-device,drive=disk \
  -kernel $guest -append "$plan $uart $(disk 0xfeb00e00)") </dev/null >qemu

# A line of the guest's: OPERATION@ADDRESS OPERATIONS TICKS BATCH LEAST.
for log in bare loop husk page qemu; do
  tr -d '\r' <$log | sed -n "s/^\([a-z]*-[a-z]*\)@/$log \1 /p"
done | tee rounds
awk '
  { cost = $7 / $6; key = $1 " " $2; if (!(key in least) || cost < least[key]) least[key] = cost }
  END {
    print "instructions  bare ioctl  loop alone    husk run        QEMU  husk run / QEMU, added to the bare ioctl loop"
    for (i = split("mmio-write mmio-read pio-write pio-read", names); i > 0; --i) {
      bare = least["bare " names[i]]
      loop = least["loop " names[i]] - bare
      husk = least["husk " names[i]] - bare
      qemu = least["qemu " names[i]] - bare
      if (bare <= 0 || qemu <= 0 || husk <= -bare) { print "no figure for " names[i]; exit 1 }
      printf "%-12s %11.2f %11.2f %11.2f %11.2f  %.3f\n", names[i], bare, loop, husk, qemu, husk / qemu
      if (husk > 0.3 * qemu) bad = 1
    }
    if (!(("page mmio-read") in least)) { print "no figure for the register page"; exit 1 }
    printf "a read of the register page: %.2f instructions\n", least["page mmio-read"]
    exit bad
  }' rounds >table || status=$?
cat table
note "$(awk '/-(read|write) / { printf("%s: bare %.0f, husk +%.0f, QEMU +%.0f (%s); ", $1, $2, $4, $5, $6) }
  /^a read/ { print }' table)"
[ "${status:-0}" = 0 ] || fail "husk adds more than 0.3 of what QEMU adds, or a figure is missing"
