# serial=S reaches the guest, up to the 20 bytes that there are; a disk without has none.
fresh_root
truncate -s 1M second.img third.img
task_on_disk 6.1 serial --disk second.img,serial=husk-1 --disk third.img,serial=abcdefghijklmnopqrst
for expected in 'vda has serial \[\]' 'vdb has serial \[husk-1\]' 'vdc has serial \[abcdefghijklmnopqrst\]'; do
  grep -q "^l2: $expected" serial.log || fail "the guest does not say: $expected"
done
