# A tap of L1, MTU 9000, two queues and CPUs: pings of every size to 9000, iperf3 by TCP both ways and by UDP, what ethtool shows.
# lab: lane=tools cpus=2 timeout=600
new_tap tap0 10.9.0.1/24 9000 multi_queue
fresh_root
tool_process iperf3 -s -B 10.9.0.1 >iperf3.log 2>&1 &
server=$!
limit=500 words="seconds=${seconds:-10}"
status=0
# shellcheck disable=SC2086 # words
(task_on_disk 6.12 net --cpus 2 --net tap=tap0,mtu=9000,queues=2 --stats stats.json $tools_disk) || status=$?
kill "$server"
cat stats.json
remove_tap tap0
[ $status = 0 ] || fail "see above"
[ -z "$(complaints net.errors)" ] || fail "husk complained: $(cat net.errors)"
tr -d '\r' <net.log >seen
for expected in "l2: eth0 has 2 queues, MTU 9000" "tx-checksumming: on" "scatter-gather: on" "tcp-segmentation-offload: on" "rx-checksumming: on" \
  "generic-receive-offload: on" "ping_sweep: ok: sizes 1 to 9000"; do
  grep -q "^$expected" seen || fail "the guest does not show: $expected"
done
awk '/^Current hardware settings/ { inside = 1 } inside && /^Combined:[ \t]*2$/ { ok = 1 } END { exit !ok }' seen || fail "two queues are not in use"
note "$(sed -n 's/^l2: \(.* Mbit\/s.*\)/\1/p' seen | tr '\n' ';') $(sed -n 's/^ping_sweep: ok: //p' seen)"
