# --disk F,ro: the guest reads it, as a root disk too, cannot write to it, and the file stays as it was; two VMs may share it.
fresh_root
cp /payload/numbered.img second.img
before=$(md5sum <second.img)
task_on_disk 6.1 readonly --disk second.img,ro
[ "$(md5sum <second.img)" = "$before" ] || fail "the image has changed"

# A guest whose only disk is read-only, beside another one with the same disk.
before=$(md5sum <root.img)
root_disk=root.img,ro
start_task 6.1 idle
wait_for "l2: root file system" idle.log 120
task_on_disk 6.12 none
kill -KILL "$vmm"
wait "$vmm" || true
[ "$(md5sum <root.img)" = "$before" ] || fail "the root image has changed"
