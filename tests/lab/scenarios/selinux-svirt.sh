# The same in the stock domain svirt_t, with the module husk_svirt: from a root login, a staff login and a unit.
# lab: lane=full husk=qemu_exec_t
for who in root staff unit; do
  "as_$who" confined_guest svirt_t --selinux-type svirt_t --require selinux
done
no_avcs
