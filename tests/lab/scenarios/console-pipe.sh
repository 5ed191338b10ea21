# --console stdio without a terminal: standard input at its end from the start, output into a pipe.
husk_run 6.1 bzImage l2=poweroff --console stdio </dev/null | tee piped
grep -q '^l2: first line' piped || fail "the first line did not come through the pipe"
