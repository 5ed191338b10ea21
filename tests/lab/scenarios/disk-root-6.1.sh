# Debian 6.1 on a root disk found by label, drivers loaded by modalias: a synced file is there after power-off; 1, 2, 4 CPUs.
# lab: timeout=600
for cpus in 1 2 4; do
  same_data_later 6.1 $cpus
done
