# kill -9 of a device's process ends the VM with status 1 and one clear sentence.
for role in blk0 console; do
  fresh_root
  start_task 6.1 idle
  wait_for "l2: root file system" idle.log 120
  worker=$(role_process $role)
  [ -n "$worker" ] || fail "there is no process of the role $role"
  kill -KILL "$worker"
  end_of_task 1 10
  one_sentence idle.errors "role $role died unexpectedly: Killed"
done
