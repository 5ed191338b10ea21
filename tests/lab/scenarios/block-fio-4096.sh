# fio with checksums on a disk of 4096-byte blocks for a minute, discards mixed in, direct.
# lab: lane=tools cpus=2 timeout=500
fio_test 60 ,block=4096,direct
