# Debian 6.12 as an ELF file with a PVH entry, 4 CPUs, 512 MiB: to a shell that answers, and off again.
# lab: cpus=2
boot_to_shell 6.12 vmlinux 4 512
