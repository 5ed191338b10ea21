# shellcheck shell=bash
# Runs scenarios in L1s and reports. Scenarios that want an L1 of the same shape share one, one after the other; an L1
# that panics or hangs is thrown away.
#
# A scenario is scenarios/NAME.sh. Its first line says what it proves; a line "# lab: memory=7G cpus=2 timeout=600" asks
# for another L1 than the usual one; deterministic=yes for one of its own, whose clock counts instructions; lane=full for a
# Debian with SELinux; lane=nixos for the NixOS-shaped guests on another disk, lane=nixoskernel for those with a kernel of NixOS' options.

scenario_file() { echo "$lab_dir/scenarios/$1.sh"; }

all_scenarios() {
  local file
  for file in "$lab_dir"/scenarios/*.sh; do
    basename "$file" .sh
  done
}

scenario_summary() { sed -n '1s/^# //p' "$(scenario_file "$1")"; }

# scenario_setting NAME KEY DEFAULT
scenario_setting() {
  local value
  value=$(sed -n "s/^# lab:.* $2=\([^ ]*\).*/\1/p" "$(scenario_file "$1")")
  echo "${value:-$3}"
}

# scenario_shape NAME: see l1_start.
scenario_shape() {
  local own=
  [[ $(scenario_setting "$1" deterministic no) == no ]] || own=$1
  echo "$(scenario_setting "$1" memory 2G):$(scenario_setting "$1" cpus 1):$(scenario_setting "$1" lane fast):$own"
}

# wants_lane LANE NAME...: true if one of them runs there.
wants_lane() {
  local lane=$1 name
  for name in "${@:2}"; do
    [[ $(scenario_setting "$name" lane fast) != "$lane" ]] || return 0
  done
  return 1
}

# take_scenario: takes one name from the queue into $scenario, if possible one for the L1 that is up. Fails if none is
# left. The queue is a folder with entries SHAPE,NAME; a rename says which worker has got one.
take_scenario() {
  local wanted entry
  for wanted in "$l1_shape" '*'; do
    # shellcheck disable=SC2231 # a pattern
    for entry in "$work"/queue/$wanted,*; do
      scenario=${entry##*,}
      mv "$entry" "$work/taken/" 2>/dev/null && return 0 # else there is none, or another worker was faster
    done
  done
  return 1
}

# report ok|FAIL NAME SECONDS [REASON]: one line, with what the scenario noted; for a failure also the end of the log.
report() {
  local text="$1 $2 ($3 s)" log=$logs/$2.log
  text+=$(sed -n 's/^NOTE//p' "$log" | tr -d '\n')
  if [[ $1 == FAIL ]]; then
    text+=": $4; $log ends with:"$'\n'$(tail -n 30 "$log" | sed 's/^/    /')
  fi
  printf '%s\n' "$text"
  echo "$1 $2" >>"$work/results"
}

# run_scenario NAME: in the L1 that is up. Leaves no L1 behind if it could not be brought to its end.
run_scenario() {
  local name=$1 log=$logs/$1.log timeout begin status=0 took reason
  timeout=$(scenario_setting "$name" timeout 300)
  begin=${EPOCHREALTIME/./}
  : >"$log"
  [[ $l1_shape != *: ]] || l1_send "$name"
  l1_read_until "$timeout" "LAB-END $name *" "$log" || status=$?
  took=$(seconds_since "$begin")
  case $status in
    0)
      status=${l1_line##* }
      if [[ $status == 0 ]]; then
        report ok "$name" "$took"
      else
        report FAIL "$name" "$took" "status $status"
      fi
      return
      ;;
    1) reason="L1 ended" ;;
    *)
      reason="not over after $timeout s (the state of L1 is in $l1_log)"
      l1_post_mortem
      ;;
  esac
  l1_kill
  report FAIL "$name" "$took" "$reason"
}

seconds_since() { # MICROSECONDS
  local tenths=$(((${EPOCHREALTIME/./} - $1) / 100000))
  echo "$((tenths / 10)).$((tenths % 10))"
}

# work_through_queue WORKER: takes scenarios until none is left.
work_through_queue() {
  local shape begin count=0
  trap l1_kill EXIT
  trap 'exit 143' TERM INT
  trap '' PIPE # an L1 may end at any time
  while take_scenario; do
    shape=$(scenario_shape "$scenario")
    if [[ $l1_shape != "$shape" ]]; then
      l1_stop || echo "lab: an L1 did not end in order, see $l1_log" | tee -a "$work/disorder"
      count=$((count + 1))
      begin=${EPOCHREALTIME/./}
      if ! l1_start "$l1_series" "$shape" "$logs/l1-$1-$count.log"; then
        l1_kill
        cp "$l1_log" "$logs/$scenario.log"
        report FAIL "$scenario" "$(seconds_since "$begin")" "L1 did not come up"
        continue
      fi
    fi
    run_scenario "$scenario"
  done
  l1_stop || echo "lab: an L1 did not end in order, see $l1_log" | tee -a "$work/disorder"
}

# run_scenarios HUSK JOBS NAME...
run_scenarios() {
  local husk=$1 jobs=$2 name worker workers=() passed failed
  shift 2
  logs=$cache/logs
  mkdir -p "$logs" "$work"/{queue,taken}
  build_l1_initramfs "$l1_series" "$husk" "$work/l1.cpio"
  ! wants_lane full "$@" || build_lab_disk "$l1_series" "$husk" "$work/lab.img"
  for name in "$@"; do
    : >"$work/queue/$(scenario_shape "$name"),$name"
  done
  : >"$work/results"
  for ((worker = 1; worker <= jobs; ++worker)); do
    work_through_queue "$worker" &
    workers+=($!)
  done
  trap 'kill "${workers[@]}" 2>/dev/null || true; wait; exit 143' TERM INT
  wait "${workers[@]}" || true
  passed=$(grep -c '^ok ' "$work/results" || true)
  failed=$(grep -c '^FAIL ' "$work/results" || true)
  echo "$passed passed, $failed failed"
  ((passed + failed == $#)) || die "$(($# - passed - failed)) scenarios were not run"
  [[ $failed == 0 && ! -e $work/disorder ]]
}
