# Under no_new_privs no domain can be entered: husk refuses, and an exec by hand fails that works without. So roles set it after theirs.
# lab: lane=full
as_root under_no_new_privs refused_guest "no permission { nnp_transition } on microvm_t .*no_new_privs" | tee refused
note "$(grep nnp_transition refused)"
as_root transition_by_hand
! as_root transition_by_hand setpriv --no-new-privs >by-hand || fail "an exec under no_new_privs changes the domain"
cat by-hand
grep "Operation not permitted" by-hand || fail "the exec fails of something else"
note "$(cat by-hand)"
