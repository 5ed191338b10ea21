# Guests of either kernel find the tools disk by its label, and its programs run there and in L1.
# lab: lane=tools
fresh_root
for series in 6.1 6.12; do
  # shellcheck disable=SC2086 # words
  task_on_disk $series tools $tools_disk
done
tool ip -V
tool tmux -V
