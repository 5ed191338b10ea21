# shellcheck shell=dash
# The NixOS-shaped guests, for scenarios of lane=nixos: their images are on /nixos, their systems in /nix/store. Sourced by scenario.sh.

# own_image NAME: a copy of /nixos/NAME that this scenario may write to, in the working folder.
own_image() { cp "/nixos/$1" "$1"; }

# system_of GENERATION: the toplevel of a generation of disk.img.
system_of() { readlink "/nixos/nix/var/nix/profiles/system-$1-link"; }

# converse_nixos OPTIONS... <SCRIPT: a conversation with what `husk run OPTIONS` boots. SCRIPT has two words more: log-in and power-off.
# There is a login prompt on each of two consoles, and what one shows may come in the middle of the other's line; keys go to ttyS0.
converse_nixos() {
  sed -e 's/^log-in$/expect "login: " 400\nexpect "login: " 60\nsend "root\\n"\nexpect "[root@nixos:~]# " 60/' \
    -e 's/^power-off$/send "poweroff\\n"\nexit 0 200\ntermios-sane/' |
    pty_expect - -- husk run --console stdio --memory "${memory:-512M}" "$@"
}

# readme_commands TEXT: the commands of that block of the README which has TEXT in it, one a line.
readme_commands() {
  awk -v text="$1" '
    /^    / { block = block substr($0, 5) "\n"; if (index($0, text)) found = 1; next }
    found { exit }
    { block = "" }
    END { printf "%s", block }' /lab/README.md
}
