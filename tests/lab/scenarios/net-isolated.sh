# --net isolated: nothing that the guest sends is seen; with peer=MAC it talks to that one, and to nobody else.
# lab: lane=tools cpus=2
send_frames ,isolated
for kind in honest-arp honest-ip mac arp-ip nd-target; do
  [ "$(frames_seen $kind)" = 0 ] || fail "$(frames_seen $kind) frames $kind came through"
done

new_tap tap0 10.9.0.1/24 1500
mac=$(cat /sys/class/net/tap0/address)
fresh_root
words="peer=10.9.0.1 mac=$mac"
# shellcheck disable=SC2086 # words
task_on_disk 6.12 ping-peer --net "tap=tap0,isolated,peer=$mac" $tools_disk
words="peer=10.9.0.1 mac=$mac no=1"
# shellcheck disable=SC2086 # words
task_on_disk 6.12 ping-peer --net "tap=tap0,isolated,peer=02:00:00:00:00:77" $tools_disk
remove_tap tap0
