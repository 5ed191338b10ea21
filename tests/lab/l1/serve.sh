# shellcheck shell=dash
# How L1 serves scenarios, in either lane. Sourced by what runs first there: init, full-init.

# run NAME: one scenario, between two lines that lib/runner.sh waits for.
run() {
  echo "LAB-BEGIN $1"
  sh /lab/run-scenario "/lab/scenarios/$1.sh" </dev/null 2>&1
  printf '\nLAB-END %s %s\n' "$1" $? # on a line of its own, whatever a guest printed last
}

# serve [OWN]: runs the scenario OWN, and then those whose names come in on the console, one a line, until "quit". Empty lines
# are there to wake L1 (lib/l1.sh).
serve() {
  stty -echo
  echo "LAB-READY $(uname -r)"
  [ -z "${1-}" ] || run "$1"
  while read -r name; do
    [ "$name" != quit ] || return 0
    [ -z "$name" ] || run "$name"
  done
}

# What L1 must have; without it no scenario means anything.
die() {
  echo "LAB-BROKEN $*"
  l1_exit 1
}
