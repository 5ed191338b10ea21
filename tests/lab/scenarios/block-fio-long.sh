# fio with checksums on a disk for 10 minutes, all block sizes, cached, direct, synced, discards mixed in, two queues.
# lab: lane=tools cpus=2 timeout=1800
fio_test 600 ,queues=2
