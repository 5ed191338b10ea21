# lsblk and sysfs show serial, size, read-only, block sizes, discard, cache mode, queues; the cache's mode can be switched by the guest.
# lab: lane=tools cpus=2
fresh_root
truncate -s 64M second.img third.img fourth.img
truncate -s 24M fifth.img
# shellcheck disable=SC2086 # words
task_on_disk 6.12 lsblk --cpus 2 --disk second.img,serial=husk-2,queues=2 --disk third.img,ro,serial=the-third \
  --disk fourth.img,block=4096,cache=writethrough --disk fifth.img,discard=off,queues=1 $tools_disk
tr -d '\r' <lsblk.log >seen
for expected in \
  'NAME="vdb" SERIAL="husk-2" SIZE="67108864" RO="0" LOG-SEC="512" .* DISC-GRAN="[1-9][0-9]*" DISC-MAX="[1-9][0-9]*"' \
  'NAME="vdc" SERIAL="the-third" SIZE="67108864" RO="1" LOG-SEC="512"' \
  'NAME="vdd" .*LOG-SEC="4096" PHY-SEC="4096"' \
  'NAME="vde" .*SIZE="25165824" RO="0" LOG-SEC="512" .* DISC-GRAN="0" DISC-MAX="0"' \
  'l2: vdb has 2 queues, cache write back, type write back, zeroes [1-9][0-9]*, CPUs' \
  'l2: vdd has [12] queues, cache write through, type write through' \
  'l2: vde has 1 queues, cache write back' \
  'l2: by id: .*virtio-husk-2 .*virtio-the-third' \
  'l2: vdb is switched to write through'; do
  grep -q "^$expected" seen || fail "the guest does not show: $expected"
done
