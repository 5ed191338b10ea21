# The full lane's sessions: SELinux enforcing; root, staff, user and a unit in the contexts that other scenarios rely on.
# lab: lane=full
expect_context() { # CONTEXT WORD
  context=$("$2" cat /proc/self/attr/current | tr -d '\0')
  [ "$context" = "$1" ] || fail "$2 is $context"
}
expect_context unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023 as_root
expect_context staff_u:staff_r:staff_t:s0-s0:c0.c1023 as_staff
expect_context user_u:user_r:user_t:s0 as_user
expect_context system_u:system_r:initrc_t:s0 as_unit

expect_status 7 as_user sh -c "echo \"it's seven\"; exit 7" >answer
[ "$(cat answer)" = "it's seven" ] || fail "other output: $(cat answer)"
! as_user cat /etc/shadow || fail "/etc/shadow is readable"
[ -n "$(avcs_since_start user_t)" ] || fail "a denial is not in the kernel's log" # by mode and by policy
