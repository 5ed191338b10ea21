# Debian 6.12 as an ELF file with a PVH entry, 1 CPU, 128 MiB: to a shell that answers, and off again.
boot_to_shell 6.12 vmlinux 1 128
