# Errors of the host are errors of the guest: reading what was cut off, writing what has no room. husk says one line, lives.
fresh_root
cp /payload/numbered.img second.img
start_task 6.1 read-errors --disk second.img
wait_for "l2: all 8 MiB can be read" read-errors.log 120
truncate -s 4M second.img
end_of_task 0 60
grep -q "^l2: task read-errors is done" read-errors.log || fail "the guest saw no error, or too many"
one_sentence read-errors.errors "blk1: reading at byte .* failed: Input/output error"

mkdir tiny
mount -t tmpfs -o size=5M tmpfs tiny
truncate -s 16M tiny/second.img
status=0
(task_on_disk 6.1 write-errors --disk tiny/second.img) || status=$?
umount tiny
[ $status = 0 ] || fail "see above"
one_sentence write-errors.errors "blk1: writing at byte .* failed: No space left on device"
