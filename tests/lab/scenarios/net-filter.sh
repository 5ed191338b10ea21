# A guest's frames with another MAC, ARP, IP, IPv6 ND, router advertisements, DHCP answers, tags: none is seen on the tap, all are counted.
# lab: lane=tools cpus=2
lies="mac mac-arp arp-mac arp-ip ip nd-target nd-mac nd-source nd-router dhcp-server vlan ethertype"
send_frames ,ip=10.9.0.2,ip=fd00:9::2
for kind in honest-arp honest-ip honest-nd; do
  [ "$(frames_seen $kind)" = 10 ] || fail "of 10 frames $kind $(frames_seen $kind) came through"
done
for kind in $lies; do
  [ "$(frames_seen $kind)" = 0 ] || fail "$(frames_seen $kind) frames $kind came through"
done
sed -n '/"from_guest"/,/rate_waits/p' stats.json
for count in source_mac=20 arp=20 neighbour_discovery=30 source_address=20 dhcp_server=10 ethertype=10 vlan=10; do
  [ "$(frames_filtered stats.json "${count%=*}")" = "${count#*=}" ] ||
    fail "husk has counted $(frames_filtered stats.json "${count%=*}") frames for ${count%=*}, not ${count#*=}"
done
[ -z "$(complaints send-frames.errors)" ] || fail "husk complained: $(cat send-frames.errors)"
note "$(frames_filtered stats.json) frames filtered"

# Without the filter they are all seen: the frames are as they should be.
send_frames ,filter=off
for kind in honest-arp honest-ip honest-nd $lies; do
  [ "$(frames_seen $kind)" = 10 ] || fail "without a filter, of 10 frames $kind $(frames_seen $kind) came through"
done
[ "$(frames_filtered stats.json)" = 0 ] || fail "filter=off, and husk has counted dropped frames"
