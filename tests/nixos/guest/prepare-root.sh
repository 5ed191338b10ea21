#!@shell@
# TOPLEVEL/prepare-root: the activation, run in the new root by stage 2's init, or by the initrd's systemd before it goes there.
PATH=@coreutils@/bin
export PATH
echo "running activation script..."
mkdir -p /run /etc/udev /var/log /var/lib /root /tmp /boot /nix/var/nix/profiles /nix/var/nix/gcroots /mnt
ln -sfn @systemConfig@ /run/current-system
[ -e /run/booted-system ] || ln -sfn @systemConfig@ /run/booted-system
chmod 1777 /tmp
ln -sfn /run /var/run
# Debian's programs know their files by Debian's paths.
ln -sfn @systemPath@/usr /usr
for folder in bin sbin lib lib64; do
  ln -sfn usr/$folder /$folder
done
cp -r @systemConfig@/etc/. /etc/
chmod -R u+w /etc
touch /etc/NIXOS /etc/udev/hwdb.bin
: >/etc/machine-id
