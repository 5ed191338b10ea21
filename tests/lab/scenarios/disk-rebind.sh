# The guest unbinds and binds the driver of a busy disk 100 times: no hang, the data intact, power-off with status 0.
# lab: cpus=2 timeout=600
fresh_root
cp /payload/numbered.img second.img
task_on_disk 6.1 rebind --cpus 2 --disk second.img
cp /payload/numbered.img second.img
task_on_disk 6.12 rebind --disk second.img --virtio-trap
