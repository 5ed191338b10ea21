# The same from a login as staff_u.
# lab: lane=full
as_staff confined_guest microvm_t --require selinux
no_avcs
