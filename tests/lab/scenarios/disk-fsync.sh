# What a guest has synced is on the disk though husk is killed (kill -9) at once afterwards.
fresh_root
start_task 6.1 write-and-wait
wait_for "l2: written" write-and-wait.log 120
kill -KILL "$vmm"
wait "$vmm" || true
no_vmm_within 3 || fail "processes are left"
task_on_disk 6.1 check
