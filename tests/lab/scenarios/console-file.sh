# --console file=P: the file holds what the guest printed, the guest is typed nothing, standard output stays empty.
expect_status 0 husk_run 6.1 bzImage l2=poweroff --console file=written </dev/null >printed
cat -v written
grep -q '^l2: first line' written || fail "the first line is not in the file, at the start of a line"
! grep -q 'l2:' printed || fail "the console is on standard output, too"
