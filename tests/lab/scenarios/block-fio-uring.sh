# fio with checksums on a disk for a minute, all block sizes, cached, direct, synced, discards mixed in; aio=io_uring.
# lab: lane=tools cpus=2 timeout=500
fio_test 60 ",aio=io_uring"
