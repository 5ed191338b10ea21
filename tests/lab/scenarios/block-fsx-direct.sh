# Our own fsx on a raw device with discards: direct I/O of either engine, write-through, 4096-byte blocks, without discard.
# lab: lane=tools cpus=2 timeout=900
for options in ,direct,aio=threads ,direct,aio=io_uring,queues=2 ,cache=writethrough,aio=io_uring ,block=4096,direct; do
  fsx_test device 20 "$options" discard=discard
done
fsx_test device 20 ,discard=off
