# Our own fsx for 10 minutes on files of an ext4, and as long on a raw device with discards; other seeds each time.
# lab: lane=tools cpus=2 timeout=3600
fsx_test file 600 ,queues=2 mount=discard
fsx_test device 600 ,queues=2 discard=discard
