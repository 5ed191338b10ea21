# A larger image and SIGUSR1 to husk: the guest sees the new size while it runs and writes beyond the old end; a smaller one, too.
# lab: lane=tools
fresh_root
truncate -s 32M second.img
# shellcheck disable=SC2086 # words
start_task 6.12 resize --disk second.img $tools_disk
wait_for "l2: vdb has 65536 sectors" resize.log 120
truncate -s 48M second.img
kill -USR1 "$vmm"
wait_for "l2: vdb has 98304 sectors" resize.log 30
wait_for "l2: written beyond the old end" resize.log 30
[ "$(dd if=second.img bs=1M skip=44 count=2 2>/dev/null | tr -d '\0' | wc -c)" = 2097152 ] || fail "the data is not in the image"
truncate -s 16M second.img
kill -USR1 "$vmm"
wait_for "l2: vdb has 32768 sectors" resize.log 30
end_of_task 0 60
grep -q "^l2: task resize is done" resize.log || fail "the task did not succeed"
grep -q "capacity change" resize.log || fail "the guest's kernel has not logged a change"
