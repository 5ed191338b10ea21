# The same from a systemd unit.
# lab: lane=full
as_unit confined_guest microvm_t --require selinux
no_avcs
