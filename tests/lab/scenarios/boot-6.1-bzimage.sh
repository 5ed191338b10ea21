# Debian 6.1 as a bzImage, 1 CPU, 128 MiB: to a shell that answers, and off again.
boot_to_shell 6.1 bzImage 1 128
