# fio with checksums on a disk for a minute, all block sizes, cached, direct, synced, discards mixed in; direct, aio=threads.
# lab: lane=tools cpus=2 timeout=500
fio_test 60 ",direct,aio=threads"
