# Two VMs, SELinux alone between them: roles of one cannot open, signal or trace what is the other's. Without SELinux they can.
# lab: lane=full timeout=400
as_root attempts_from_a --require selinux >with
cat with
avcs_since_start >avcs
cat avcs
as_root attempts_from_a --without selinux >without
cat without
expect_attempts() { # FILE OUTCOME ATTEMPT...
  file=$1 outcome=$2
  shift 2
  for attempt in "$@"; do
    for role in blk0 vmm; do
      grep -Eq "^$role $attempt: [a-z]+: $outcome\$" "$file" || fail "$role $attempt $file it: $(grep "^$role $attempt:" "$file")"
    done
  done
}
expect_attempts with "returned 0" signal-own # so it is the categories that refuse
expect_attempts with EACCES signal open ptrace
expect_attempts without "returned [0-9]+" signal-own signal open ptrace
a=$(sed -n 's/.*:\(c[0-9]*,c[0-9]*\) .*husk: blk0 apart-a.*/\1/p' with)
b=$(sed -n 's/.*:\(c[0-9]*,c[0-9]*\) .*husk: blk0 apart-b.*/\1/p' with)
for denial in "signal .*tclass=process" "(read|open) .*apart-b.img.*tclass=file" "ptrace .*tclass=process"; do
  line=$(grep -E "denied *\{ $denial" avcs | grep "scontext=[a-z_:]*:microvm_t:s0:$a tcontext=[a-z_:]*:s0:$b " | head -n 1)
  [ -n "$line" ] || fail "no AVC says: $denial"
  note "$(echo "$line" | sed "s/.*audit([^)]*): avc: *//")"
done
