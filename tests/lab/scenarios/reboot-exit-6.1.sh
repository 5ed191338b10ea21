# Debian 6.1 reboots as its kernel does by default; under --on-reboot exit husk ends with status 3.
expect_status 3 husk_run 6.1 bzImage l2=reboot --on-reboot exit </dev/null
