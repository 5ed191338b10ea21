# What the fast lane shows of boots, reboots, ends, consoles and disks, in microvm_t from a root login: the same, and no AVC.
# lab: lane=full cpus=2 timeout=1200
all_workloads as_root boot-6.1-bzimage boot-6.12-4cpus reboot-restart-6.12 triple-fault stop-power-button stop-twice terminal-keys \
  terminal-killed console-file console-none disk-root-6.12 disk-readonly disk-errors disk-fsync disk-rebind disk-twice worker-killed
all_workloads as_unit console-pipe
no_avcs
