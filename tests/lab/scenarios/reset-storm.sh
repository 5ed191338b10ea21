# 10,000 resets of a busy disk by a driver in the guest's user space: nothing lost, doubled, or written afterwards.
# lab: cpus=2 timeout=600
fresh_root
cp /payload/numbered.img second.img
task_on_disk 6.1 reset-storm --disk second.img --stats stats.json
cat stats.json
note "$(sed -n 's/^reset_storm: \(.* resets.*\)/\1/p' reset-storm.log)"
cmp second.img /payload/numbered.img || fail "the image has changed"
