# A disk's boot entry is read in microvm_t, from a root login and a unit: the guest comes up, no AVC.
# lab: lane=full
for who in root unit; do
  "as_$who" boot_disk_guest --require selinux
done
no_avcs
