# Twenty starts at once, twenty pairs of categories.
# lab: lane=full memory=4G cpus=2 timeout=600
as_root many_guests 20 | tee roles
sed -n 's/^[a-z_:]*:microvm_t:s0:\(c[0-9]*,c[0-9]*\) .*husk: vmm many-.*/\1/p' roles >pairs
[ "$(wc -l <pairs)" = 20 ] || fail "$(wc -l <pairs) vmms are in microvm_t with a pair"
[ "$(sort -u pairs | wc -l)" = 20 ] || fail "pairs are used twice: $(sort pairs | uniq -d)"
# A console has its own vmm's.
sed -n 's/^[a-z_:]*:microvm_t:s0:\(c[0-9]*,c[0-9]*\) .*husk: [a-z]* \(many-.*\)/\1 \2/p' roles | sort | uniq -c | grep -cv '^ *2 ' &&
  fail "the roles of a VM have several pairs"
no_avcs
note "$(sort pairs | tr '\n' ' ')"
