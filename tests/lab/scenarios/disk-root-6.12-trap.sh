# The same as disk-root-6.12, with every read of a virtio register trapped (--virtio-trap).
# lab: timeout=600
for cpus in 1 2 4; do
  same_data_later 6.12 $cpus --virtio-trap
done
