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

exits_of_dd
page=$exits
boot=$(virtio_exits without.json)
exits_of_dd --virtio-trap
note "virtio exits: dd of 100 MiB $page, trapped $exits; a boot without it $boot, trapped $(virtio_exits without.json)"
[ "$page" = 0 ] || fail "dd cost $page exits at virtio registers"
# Two for each of the 100 interrupts, but for those that came while the driver was still at the one before.
[ "$exits" -ge 150 ] || fail "with --virtio-trap dd cost only $exits exits: this scenario does not measure what it should"
