# A guest with 5 GiB fills and verifies nearly all of it, with RAM above the 4 GiB line in use.
# lab: memory=7G timeout=600
# Huge pages for shared memory: 5 GiB of single page faults would take minutes in here.
echo always >/sys/kernel/mm/transparent_hugepage/shmem_enabled
converse 6.1 bzImage l2=memtest --memory 5G <<'SCRIPT' | tee said
expect "l2: first line" 120
expect "memtest: ok" 400
exit 0 30
SCRIPT
note "$(sed -n 's/^memtest: \(.*MiB\).*/\1/p' said)"
