# Debian 6.12 as a bzImage, 2 CPUs, 512 MiB: to a shell that answers, and off again.
# lab: cpus=2
boot_to_shell 6.12 bzImage 2 512
