# Our own fsx, all operations compared with a model: files of an ext4 that discards what it frees, and a raw device with discards.
# lab: lane=tools cpus=2 timeout=500
guest=6.1
seed=1
fsx_test file 40 "" mount=discard
fsx_test device 40 "" discard=discard
