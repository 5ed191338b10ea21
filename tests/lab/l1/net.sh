# shellcheck shell=dash
# Networks of L1, for scenarios of lane=tools. Sourced by scenario.sh.

# new_tap NAME ADDRESS/PREFIX MTU [multi_queue]: a tap of L1 that is up.
new_tap() {
  name=$1 address=$2 mtu=$3
  shift 3
  ! ip link show "$name" >/dev/null 2>&1 || tool ip link delete "$name"
  tool ip tuntap add dev "$name" mode tap "$@"
  tool ip link set "$name" mtu "$mtu"
  tool ip address add "$address" dev "$name"
  tool ip link set "$name" up
}

# remove_tap NAME
remove_tap() { tool ip link delete "$1"; }

# frames_filtered FILE [REASON]: how many of the guest's frames the filter has dropped (for that reason), by husk's statistics.
frames_filtered() {
  awk -F '[ ,:"]+' -v reason="${2:-}" '/"from_guest"/ { inside = 1 } /"filtered"/ { rules = inside } /}/ { rules = 0 }
    rules && $3 ~ /^[0-9]/ && (reason == "" || $2 == reason) { sum += $3 } /"to_guest"/ { inside = 0 } END { print sum + 0 }' "$1"
}

# send_frames OPTIONS: a guest 10.9.0.2 with --net tap=tap0OPTIONS sends frames of every kind (l2/frames.cc); what comes of them on tap0 is in the
# file seen, husk's statistics are in stats.json.
send_frames() {
  new_tap tap0 10.9.0.1/24 1500
  fresh_root
  # shellcheck disable=SC2086 # words
  start_task 6.12 send-frames --net "tap=tap0$1" --stats stats.json $tools_disk
  wait_for "l2: ready to send" send-frames.log 120
  frames watch tap0 15 >seen &
  watch=$!
  end_of_task 0 60
  wait $watch
  cat seen
  remove_tap tap0
  grep -q "^l2: task send-frames is done" send-frames.log || fail "the frames were not sent"
}

# frames_seen KIND: how many of these came through.
frames_seen() { sed -n "s/^frames: $1 //p" seen; }
