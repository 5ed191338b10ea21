# husk in tmux, at 80x24: a login on hvc0, then vim and htop, which fill the screen as on any terminal; vim's is compared line by line.
# lab: lane=tools
fresh_root
trap 'key C-] k 2>/dev/null && tmux kill-server 2>/dev/null || true' EXIT
echo "guest_on_disk 6.12 '' $tools_disk --console stdio" >guest
on_screen 80 24 guest
screen_shows "l2 login:" 150
sleep 2
key C-] s
screen_shows "husk: keys go to hvc0 now" 10
keys root
key Enter
screen_shows "Password:" 20
sleep 1
keys secret-of-l2
key Enter
screen_shows "/dev/hvc0 #$" 30
keys ". /etc/tools; export TERM=screen; clear; stty size"
key Enter
screen_shows "^24 80" 30

keys "vim.tiny -u NONE -c 'set nocompatible showmode' /tmp/new"
key Enter
screen_shows '^~ *$' 60
keys "i"
screen_shows "^-- INSERT --" 20
keys "first line of three"
key Enter
keys "$(printf '%079d' 7)"
key Enter
keys "the third one"
key Escape
keys "ggx"
screen_shows '^irst line of three$' 20
screen_shows '^the third one$' 20
sleep 1
screen >vim.screen
{
  echo "irst line of three"
  printf '%079d\n' 7
  echo "the third one"
  for _ in $(seq 20); do
    echo "~"
  done
} >expected
head -n 23 vim.screen | diff expected - || fail "vim's screen looks otherwise"
keys ":wq"
key Enter
screen_shows "/dev/hvc0 #$" 20
keys "clear; wc -l </tmp/new"
key Enter
screen_shows "^3" 20

keys "htop -d 10"
key Enter
screen_shows "^F1Help +F2Setup" 60
screen_shows "PID +USER" 10
sleep 2
screen >htop.screen
cat htop.screen
for expected in 'Mem\[' 'Swp\[' 'Tasks: +[0-9]+' 'Load average: ' 'Uptime: ' 'PID +USER +PRI +NI +VIRT +RES' '/usr/bin/htop -' ' init'; do
  grep -Eq "$expected" htop.screen || fail "htop's screen has no $expected"
done
[ "$(sed -n 24p htop.screen | cut -c 1-6)" = F1Help ] || fail "htop's last line is not at the bottom"
keys q
screen_shows "/dev/hvc0 #$" 20
keys poweroff
key Enter
screen_ends 60
