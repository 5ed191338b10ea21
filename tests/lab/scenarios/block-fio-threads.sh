# fio with checksums on a disk for a minute, all block sizes, cached, direct, synced, discards mixed in; aio=threads.
# lab: lane=tools cpus=2 timeout=500
guest=6.1
fio_test 60 ",aio=threads"
