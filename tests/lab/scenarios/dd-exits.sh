# dd of 100 MiB around the guest's page cache: no exit to user space at a virtio register; prints those of --virtio-trap.
# lab: timeout=400
fresh_root
truncate -s 128M root.img

# exits_of_dd [OPTIONS...]: sets $exits: what dd costs beyond the same boot without it.
exits_of_dd() {
  task_on_disk 6.1 none --stats without.json "$@"
  task_on_disk 6.1 dd --stats with.json "$@"
  grep -q '^100+0 records in' dd.log dd.errors || fail "dd did not read 100 MiB"
  cat with.json
  exits=$(($(virtio_exits with.json) - $(virtio_exits without.json)))
}

# interrupts_of_disk FILE: those that the disk's worker sent.
interrupts_of_disk() {
  awk -F '[ ,:]+' '/"device": / { inside = /"blk0"/ } inside && /"interrupts"/ { print $3 }' "$1"
}

exits_of_dd
page=$exits
boot=$(virtio_exits without.json)
interrupts=$(interrupts_of_disk with.json)
exits_of_dd --virtio-trap
trapped=$(interrupts_of_disk with.json) # of the whole run, as is
all=$(virtio_exits with.json)
note "virtio exits: dd of 100 MiB $page, trapped $exits; a boot without it $boot, trapped $(virtio_exits without.json);" \
  "interrupts in a boot with it $interrupts, trapped $trapped"
[ "$page" = 0 ] || fail "dd cost $page exits at virtio registers"
# Both sides of the comparison must have had what exits are saved at: each of dd's reads waits for an interrupt of its own.
[ "$interrupts" -ge 100 ] || fail "dd's 100 reads were answered with only $interrupts interrupts"
[ "$trapped" -ge 100 ] || fail "with --virtio-trap dd's 100 reads were answered with only $trapped interrupts"
# Two accesses for each interrupt, InterruptStatus and InterruptACK; and beside them what a driver writes to set the devices
# up, which traps in both modes. What it reads meanwhile traps as well and is not counted on: it stands against the few
# interrupts of the boot that came while the driver was still at the one before.
least=$((2 * trapped + boot))
[ "$all" -ge "$least" ] ||
  fail "$all exits with --virtio-trap, not $least or more: this scenario does not measure what it should"
