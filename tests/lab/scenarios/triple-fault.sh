# A triple fault (Linux reboots by one with reboot=t) ends husk with status 4, not in a restart.
expect_status 4 husk_run 6.1 bzImage "reboot=t l2=reboot" </dev/null
