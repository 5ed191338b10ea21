# A stopped worker only delays its guest, which goes on when it is continued; a reset meanwhile ends the VM, in words.
fresh_root
cp /payload/numbered.img second.img
start_task 6.1 ticks --disk second.img
wait_for "l2: tick 3[^0-9]" ticks.log 120
kill -STOP "$(role_process blk1)"
sleep 1
seen=$(grep -c "^l2: tick" ticks.log)
sleep 4
[ "$(grep -c "^l2: tick" ticks.log)" = "$seen" ] || fail "the guest reads a disk whose worker is stopped"
kill -CONT "$(role_process blk1)"
wait_for "l2: tick $((seen + 5))[^0-9]" ticks.log 20
kill -STOP "$(role_process console)"
sleep 3
kill -CONT "$(role_process console)"
printf x | dd of=second.img conv=notrunc 2>/dev/null # the end, by the page cache that husk reads, too
end_of_task 0 30
[ -z "$(complaints ticks.errors)" ] || fail "husk complained: $(cat ticks.errors)"

fresh_root
start_task 6.1 reset-when-told --disk second.img
wait_for "l2: unbinds in 5 s" reset-when-told.log 120
kill -STOP "$(role_process blk1)"
end_of_task 1 90
one_sentence reset-when-told.errors "the host did not finish the requests of blk1 in time"
