# --disk F,ephemeral: the guest writes and reads back, the image stays as it was; the next run finds nothing of it. Says what a reboot does.
# lab: lane=tools
fresh_root
cp /payload/numbered.img second.img
before=$(md5sum <second.img)
allocated=$(blocks second.img)
# shellcheck disable=SC2086 # words
task_on_disk 6.12 ephemeral --disk second.img,ephemeral $tools_disk
[ "$(md5sum <second.img)" = "$before" ] || fail "the image has changed"
[ "$(blocks second.img)" = "$allocated" ] || fail "the image has other blocks"
grep -q "^l2: the second life" ephemeral.log || fail "the guest has not rebooted"
# Both are sound; the line says which one husk does.
note "$(sed -n 's/^l2: after the reboot: //p' ephemeral.log | tr -d '\r')"
fresh_root
task_on_disk 6.12 ephemeral-fresh --disk second.img,ephemeral
# An image that nobody may write to will do.
mkdir locked
cp second.img locked/second.img
mount --bind locked locked
mount -o remount,bind,ro locked
status=0
(task_on_disk 6.12 ephemeral-fresh --disk locked/second.img,ephemeral) || status=$?
umount locked
[ $status = 0 ] || fail "see above"
