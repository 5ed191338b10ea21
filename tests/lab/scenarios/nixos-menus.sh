# Installed disks with other menus: entries named by hashes (NixOS of 2026), extlinux.conf, and entries on an XBOOTLDR partition. Each is
# listed and checked and boots to a login; with the first two, a new generation made inside is what the reboot starts.
# lab: lane=nixos memory=3G timeout=1500
for image in hash extlinux xbootldr; do
  own_image $image.img
  husk list $image.img | tee list
  grep -q '^\* ' list || fail "$image.img: no entry is the default"
  husk check $image.img || fail "$image.img: the check found what keeps it from booting"
  cp $image.img rebuilt.img
  if [ $image = xbootldr ]; then
    converse_nixos --disk rebuilt.img --boot disk <<'SCRIPT'
log-in
power-off
SCRIPT
    continue
  fi
  converse_nixos --disk rebuilt.img --boot disk <<'SCRIPT'
expect "husk: booting " 60
log-in
send "nixos-rebuild boot\n"
expect "generation 3 is" 120
expect "[root@nixos:~]# " 60
send "systemctl reboot\n"
expect "husk: booting " 120
log-in
send "tr ' ' '\n' </proc/cmdline\n"
expect "nixos.rebuilt=1" 60
expect "[root@nixos:~]# " 60
power-off
SCRIPT
done
