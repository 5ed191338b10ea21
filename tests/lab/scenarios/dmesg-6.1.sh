# The kernel log of Debian 6.1 holds no complaint that is not on the list of known ones.
# lab: cpus=2
check_kernel_log 6.1 bzImage
