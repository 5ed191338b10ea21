# blkdiscard and fstrim shrink the image on the host, zeroing leaves a sparse one sparse, discard=off offers none; the data is as it must be.
# lab: lane=tools timeout=400
fresh_root
mib=2048 # blocks
for name in discarded off; do
  random_file $name.img 16
  cp $name.img $name.before
  truncate -s 64M $name.fs.img
done
random_file zeroed.img 16
cp zeroed.img zeroed.before
truncate -s 64M sparse.img
# shellcheck disable=SC2086 # words
task_on_disk 6.12 discard --disk discarded.img --disk discarded.fs.img --disk zeroed.img --disk sparse.img \
  --disk off.img,discard=off --disk off.fs.img,discard=off $tools_disk
note "blocks: $(for file in *.img; do echo "$file $(blocks "$file"),"; done | tr '\n' ' ')"

# part FILE FIRST COUNT: those MiB of it.
part() { dd if="$1" bs=1M skip="$2" count="$3" 2>/dev/null; }
same_outside() {
  part "$1.img" 0 4 >now && part "$1.before" 0 4 | cmp - now || fail "$1: the data before the range has changed"
  part "$1.img" 12 4 >now && part "$1.before" 12 4 | cmp - now || fail "$1: the data behind the range has changed"
}
zeros_inside() { [ -z "$(part "$1.img" 4 8 | tr -d '\0' | head -c 1)" ] || fail "$1: the range is not all zeros"; }

[ "$(blocks discarded.img)" -le $((8 * mib + 64)) ] || fail "blkdiscard of 8 of 16 MiB left $(blocks discarded.img) blocks"
same_outside discarded
zeros_inside discarded
same_outside zeroed
zeros_inside zeroed
[ "$(blocks off.img)" -ge $((16 * mib)) ] || fail "discard=off, and the image has shrunk to $(blocks off.img) blocks"
cmp off.img off.before || fail "discard=off, and the data has changed"
# Each file system held 24 MiB that were removed before fstrim.
[ "$(blocks off.fs.img)" -ge $((24 * mib)) ] || fail "the file system of discard=off has not what was written: $(blocks off.fs.img) blocks"
[ "$(blocks discarded.fs.img)" -le $((8 * mib)) ] || fail "fstrim left $(blocks discarded.fs.img) blocks"
[ "$(blocks sparse.img)" -le 64 ] || fail "zeroing filled a sparse image: $(blocks sparse.img) blocks"
