# fio with checksums on a disk for a minute, all block sizes, cached, direct, synced, discards mixed in; direct, aio=io_uring.
# lab: lane=tools cpus=2 timeout=500
guest=6.1
fio_test 60 ",direct,aio=io_uring"
