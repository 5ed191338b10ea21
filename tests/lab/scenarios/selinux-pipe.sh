# `husk run | tee` from a root login and a staff login, whose pipes have all categories: the guest's output comes through, no AVC.
# lab: lane=full
for who in root staff; do
  "as_$who" workload console-pipe
  "as_$who" pipe_on_both_ends
done
no_avcs
