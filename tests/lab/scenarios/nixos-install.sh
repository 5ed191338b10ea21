# The README's walk: from the installer's ISO to an installed, encrypted, headless guest, by the commands that stand there.
# lab: lane=nixos memory=4G timeout=1500
husk list /nixos/installer-script.iso | tee list
grep -q '^\* ' list || fail "the ISO has no default"
husk check /nixos/installer-script.iso || fail "the check found what keeps the ISO from booting"
truncate -s 1G nixos.raw
readme_commands 'sgdisk ' >commands
{
  cat <<'SCRIPT'
expect "<<< NixOS Stage 1 >>>" 150
expect "<<< NixOS Stage 2 >>>" 300
expect "[root@nixos:~]# " 400
expect "[root@nixos:~]# " 60
SCRIPT
  while read -r command; do
    printf 'send "%s\\n"\n' "$command"
    case $command in
      *'cryptsetup luksFormat'*)
        # cryptsetup forgets what is typed before it is ready to hide it.
        cat <<'SCRIPT'
expect "(Type 'yes' in capital letters): " 60
send "YES\n"
expect "Enter passphrase for /dev/vdb2: " 60
sleep 2
send "correct horse\n"
expect "Verify passphrase: " 60
sleep 2
send "correct horse\n"
expect "Enter passphrase for /dev/vdb2: " 300
sleep 2
send "correct horse\n"
SCRIPT
        ;;
    esac
    echo 'expect "[root@nixos:~]# " 300'
  done <commands
  cat <<'SCRIPT'
send "nixos-install\n"
expect "installation finished!" 600
expect "[root@nixos:~]# " 60
power-off
SCRIPT
} >script
cat script
memory=1G converse_nixos --iso /nixos/installer-script.iso --disk nixos.raw <script
husk list nixos.raw | tee list
grep -q '^\* nixos-generation-1 ' list || fail "the installed system is not the default"
husk check nixos.raw || fail "the check found what keeps the installed system from booting"
memory=1G converse_nixos --disk nixos.raw --boot disk <<'SCRIPT'
expect "Passphrase for /dev/disk/by-partlabel/nixos" 200
send "correct horse\n"
expect "<<< NixOS Stage 2 >>>" 300
log-in
send "nixos-rebuild boot && reboot\n"
expect "booting generation 2" 300
expect "Passphrase for /dev/disk/by-partlabel/nixos" 200
send "correct horse\n"
log-in
power-off
SCRIPT
