# Without a terminal: standard input at its end and output into a pipe, a file as the console, no console at all.
husk_run 6.1 bzImage l2=poweroff --console stdio </dev/null | tee piped
grep -q '^l2: first line' piped || fail "the first line did not come through the pipe"

expect_status 0 husk_run 6.1 bzImage l2=poweroff --console file=written </dev/null
grep -q '^l2: first line' written || fail "the first line is not in the file"

expect_status 0 husk_run 6.1 bzImage l2=poweroff --console none </dev/null >nothing
! grep -q '^l2: first line' nothing || fail "--console none printed the console"
