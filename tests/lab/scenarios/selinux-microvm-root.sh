# From a root login (unconfined_t): every role in microvm_t with the VM's pair, the disk too, its label back afterwards, no AVC.
# lab: lane=full
as_root confined_guest microvm_t --require selinux
no_avcs
