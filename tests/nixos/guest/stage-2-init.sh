#!@shell@
# TOPLEVEL/init: stage 2. Makes the root file system what this system wants (prepare-root), then becomes systemd.
PATH=@coreutils@/bin
export PATH
echo
echo "<<< NixOS Stage 2 >>>"
echo
[ -e /proc/self ] || mount -t proc proc /proc
mount -o remount,rw /
@systemConfig@/prepare-root || echo "the activation failed"
echo "starting systemd..."
exec /run/current-system/systemd/lib/systemd/systemd
