# The kernel log of Debian 6.12 holds no complaint that is not on the list of known ones.
# lab: cpus=2
check_kernel_log 6.12 vmlinux
