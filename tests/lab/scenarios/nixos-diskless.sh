# The netboot and kexec outputs: kernel, initrd with the store in it, and the system that their script names; no disk at all.
# lab: lane=nixos memory=3G timeout=900
for output in netboot kexec; do
  husk list /nixos/$output
  husk check /nixos/$output || fail "$output: the check found what keeps it from booting"
  memory=1G converse_nixos --nixos /nixos/$output <<'SCRIPT'
expect "<<< NixOS Stage 1 >>>" 150
expect "<<< NixOS Stage 2 >>>" 200
expect "ttyS0| nixos login: " 300
send "root\n"
expect "[root@nixos:~]# " 60
send "poweroff\n"
exit 0 120
termios-sane
SCRIPT
done
