# The netboot and kexec outputs, of either kind: kernel, initrd with the store in it, and the system that their script names; no disk at
# all. A reboot starts them again.
# lab: lane=nixos memory=3G timeout=1500
for output in netboot-script kexec-script netboot-systemd kexec-systemd; do
  husk list /nixos/$output
  husk check /nixos/$output || fail "$output: the check found what keeps it from booting"
  memory=1G converse_nixos --nixos /nixos/$output <<'SCRIPT'
log-in
send "reboot\n"
expect "husk: booting " 120
log-in
power-off
SCRIPT
done
