# Debian 6.1 as a bzImage, 4 CPUs, 512 MiB: to a shell that answers, and off again.
# lab: cpus=2
boot_to_shell 6.1 bzImage 4 512
