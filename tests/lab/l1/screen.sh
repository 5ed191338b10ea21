# shellcheck shell=dash
# A terminal whose screen can be looked at: tmux, for scenarios of lane=tools. Sourced by scenario.sh.

tmux() { tool tmux -u -S "$PWD/tmux.socket" -f /dev/null "$@"; }

# on_screen COLUMNS ROWS FILE: runs the shell script FILE on a new screen, with the words of scenarios.
on_screen() {
  mkdir -p /etc
  echo "root:x:0:0:root:/root:/bin/sh" >/etc/passwd # tmux asks who it is
  printf '%s\n' "PATH=$PATH" "cd $PWD" ". /lab/scenario.sh" ". $PWD/$3" >start
  tmux new-session -d -x "$1" -y "$2" "sh $PWD/start 2>screen.errors"
}

# screen: what is there now. keys TEXT: types TEXT. key NAME...: presses keys by tmux's names, as "Enter" or "C-]".
screen() { tmux capture-pane -p; }
keys() { tmux send-keys -l "$1"; }
key() { tmux send-keys "$@"; }

# screen_shows PATTERN SECONDS: until the screen has a line that matches, which must be before the time is over.
screen_shows() {
  tenths=0
  until screen >shown 2>/dev/null && grep -Eq "$1" shown; do
    if [ "$tenths" -ge $(($2 * 5)) ]; then
      cat shown screen.errors
      fail "no \"$1\" on the screen after $2 s"
    fi
    usleep 200000
    tenths=$((tenths + 1))
  done
}

# screen_ends SECONDS: what ran on the screen has ended in time, and with it the screen.
screen_ends() {
  tenths=0
  while tmux has-session 2>/dev/null; do
    if [ "$tenths" -ge $(($1 * 5)) ]; then
      screen
      fail "it still runs after $1 s"
    fi
    usleep 200000
    tenths=$((tenths + 1))
  done
}
