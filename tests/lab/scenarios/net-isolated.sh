# --net isolated,peer=MAC: a guest talks to that one and to nobody else; what it sends to all is not seen.
# lab: lane=tools cpus=2
send_frames ,ip=10.9.0.2,ip=fd00:9::2,isolated,peer=02:00:00:00:00:77
for kind in honest-arp honest-nd; do # with these they find each other
  [ "$(frames_seen $kind)" = 10 ] || fail "of 10 frames $kind $(frames_seen $kind) came through"
done
for kind in honest-ip mac mac-arp arp-mac arp-ip ip nd-target nd-mac nd-source nd-router dhcp-server vlan ethertype; do
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
