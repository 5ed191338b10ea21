# --console none: the guest runs all the same, nothing is printed.
expect_status 0 husk_run 6.1 bzImage l2=poweroff --console none </dev/null >printed
! grep -q 'l2:' printed || fail "the console is on standard output"
