# Two VMs on one image: the second one is refused in a sentence; after the first one's end, even by force, it is not.
fresh_root
start_task 6.1 idle
wait_for "l2: root file system" idle.log 120
first=$vmm
for options in root.img root.img,ro; do
  status=0
  husk run --kernel "$(kernel_of 6.1 bzImage)" --disk $options </dev/null >said 2>&1 || status=$?
  cat said
  [ $status = 1 ] || fail "status $status instead of 1"
  one_sentence said "disk root.img is in use by another program"
done
kill -KILL "$first"
wait "$first" || true
no_vmm_within 3 || fail "processes are left"
task_on_disk 6.1 none
