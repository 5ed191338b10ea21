# shellcheck shell=dash
# For scenarios of lane=tools: this L1 has the tools disk on /tools, and a file system of its own on /tmp, where O_DIRECT works and holes
# are counted as on metal. Sourced by scenario.sh.

# tool PROGRAM [ARGUMENTS...]: one of the tools disk's programs, in L1. tool_process: becomes it; start it in the background.
tool() { (tool_process "$@"); }
tool_process() {
  program=$1
  shift
  export LC_ALL=C.UTF-8 LOCPATH=/tools/usr/lib/locale TERMINFO=/tools/lib/terminfo
  exec /tools/lib64/ld-linux-x86-64.so.2 --library-path /tools/lib/x86_64-linux-gnu:/tools/usr/lib/x86_64-linux-gnu \
    "/tools/usr/bin/$program" "$@"
}

# tools_disk: the option with which a guest gets the tools disk, too. Give it as the last one: others keep their names then.
tools_disk="--disk /dev/nvme0n2,ro"

# blocks FILE: how many blocks of 512 bytes FILE takes.
blocks() { stat -c %b "$1"; }

# random_file FILE MIB: without a hole.
random_file() {
  dd if=/dev/urandom of="$1" bs=1M count="$2" 2>/dev/null
  sync
}

# block_test TASK SECONDS WORDS OPTIONS [HUSK-OPTIONS...]: a guest with two CPUs does TASK for that long on a new sparse disk of 64 MiB, which
# husk gets with OPTIONS (",direct,aio=threads"). $guest: the kernel, 6.12 if unset. WORDS: more for the guest's command line.
block_test() {
  task=$1 seconds=$2 words="seconds=$2 $3" options=$4
  shift 4
  limit=$((seconds * 2 + 300))
  fresh_root
  rm -f second.img
  truncate -s 64M second.img
  # shellcheck disable=SC2086 # words
  task_on_disk "${guest:-6.12}" "$task" --cpus 2 --disk "second.img$options" $tools_disk "$@"
  [ -z "$(complaints "$task.errors")" ] || fail "husk complained: $(cat "$task.errors")"
}

# fio_test SECONDS OPTIONS [TRIM]: fio with verification, see l2/root/tasks/fio. TRIM: trim=yes (which is so if it is left out) or trim=no.
fio_test() {
  block_test fio "$1" "${3:-trim=yes}" "$2"
  note "$(sed -n 's/^ *\(READ\|WRITE\|TRIM\): bw=\([^ ]*\).*io=\([^ ]*\).*/\1 \3 at \2/p' fio.log | tr -d '\r' | tr '\n' ';')"
}

# fsx_test KIND SECONDS OPTIONS [WORDS]: our own fsx on a file or a device, see l2/fsx.cc. WORDS: "discard=discard" on a device; "mount=discard" for a file.
fsx_test() {
  block_test fsx "$2" "kind=$1 seed=${seed:-$(date +%s)} ${4:-}" "$3"
  note "$1: $(sed -n 's/^fsx: ok, //p' fsx.log | tr -d '\r' | tr '\n' ';')"
}
