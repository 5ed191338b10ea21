# Debian 6.1 as an ELF file with a PVH entry, 2 CPUs, 512 MiB: to a shell that answers, and off again.
# lab: cpus=2
boot_to_shell 6.1 vmlinux 2 512
