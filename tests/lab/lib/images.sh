# shellcheck shell=bash
# What L1 boots from. In the cache, made by `prepare` and again whenever what they are made of has changed:
#   bin/         the lab's own static programs
#   payload.img  read-only disk of L1 (ext4): kernels/SERIES/{bzImage,vmlinux,initrd,disk-initrd}, root.img (a guest's
#                root disk), numbered.img, boot.img (a disk with a boot entry), qemu/ (QEMU with its libraries)
# Made for each run, because husk and the scenarios change all the time: the initramfs of L1.

qemu_program=/usr/bin/qemu-system-x86_64
busybox_program=/bin/busybox

build_programs() {
  local source program
  mkdir -p "$cache/bin"
  for source in "$repo_dir/tests/support/pty_expect.cc" "$lab_dir"/{l1,l2}/*.cc; do
    program=$cache/bin/$(basename "$source" .cc)
    [[ ! $program -nt $source ]] || continue
    g++ -std=c++23 -O2 -static -Wall -Wextra -Wconversion -Wshadow -Wold-style-cast -Werror -o "$program" "$source" ||
      die "cannot compile $source"
  done
}

# make_busybox_root ROOT: busybox under all of its names.
make_busybox_root() {
  local name
  mkdir -p "$1"/{bin,dev,etc,proc,sys}
  cp "$busybox_program" "$1/bin/busybox"
  for name in $(busybox --list); do
    [[ $name == busybox ]] || ln -s busybox "$1/bin/$name"
  done
}

build_l2_initrd() { # SERIES FILE
  local root=$work/l2-$1
  make_busybox_root "$root"
  cp "$lab_dir/l2/init" "$root/init"
  cp "$lab_dir/l2/check-memory" "$cache/bin/memtest" "$root/bin/"
  echo "PS1='l2# '" >"$root/etc/shrc"
  copy_modules "$1" "$root/modules" button evdev
  pack_cpio "$root" >"$2"
}

# build_disk_initrd SERIES FILE: for a guest with a root disk. Modules with their dependencies and aliases, found by name.
build_disk_initrd() {
  local root=$work/disk-$1 release module
  release=$(<"$cache/kernels/$1/release")
  make_busybox_root "$root"
  mkdir -p "$root/root" "$root/lib/modules/$release/kernel"
  cp "$lab_dir/l2/disk-init" "$root/init"
  copy_modules "$1" "$root/flat" virtio_mmio virtio_blk virtio_net virtio_console button evdev
  for module in "$root"/flat/*; do
    mv "$module" "$root/lib/modules/$release/kernel/${module##*/[0-9][0-9]-}"
  done
  rmdir "$root/flat"
  cp "$cache/kernels/$1/root/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$release/"
  PATH=$PATH:/sbin depmod -b "$root" "$release"
  pack_cpio "$root" >"$2"
}

# build_root_disk FILE: a root file system with the label husk-root, for guests of any kernel. The password of its user
# root is secret-of-l2.
build_root_disk() {
  local root=$work/root-disk path
  make_busybox_root "$root"
  mkdir -p "$root"/{mnt,root,run,tmp,tools}
  for path in lib lib64 usr; do
    ln -s "tools/$path" "$root/$path" # where the programs on the tools disk look for what they need
  done
  cp -r "$lab_dir"/l2/root/. "$root/"
  cp "$cache"/bin/{reset_storm,fsx,frames,ping_sweep} "$root/bin/"
  echo "root:$(busybox mkpasswd -m sha256 secret-of-l2):1::::::" >"$root/etc/shadow"
  rm -f "$1"
  truncate -s 24M "$1"
  PATH=$PATH:/sbin mkfs.ext4 -q -F -m 0 -L husk-root -E root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$1"
}

# build_numbered_disk FILE: 8 MiB; every 4 KiB begin with their own number.
build_numbered_disk() {
  python3 -c 'import sys
for number in range(2048): sys.stdout.buffer.write(number.to_bytes(8, "little") + bytes(4088))' >"$1"
}

# build_boot_disk FILE INITRD: what systemd-boot's installer leaves on a disk, with one entry: the 6.1 kernel and INITRD.
build_boot_disk() {
  local volume=$work/esp
  rm -f "$volume" "$1"
  truncate -s 62M "$volume"
  PATH=$PATH:/sbin mkfs.vfat -F 32 "$volume" >/dev/null
  mmd -D s -i "$volume" ::/loader ::/loader/entries ::/EFI ::/EFI/nixos
  mcopy -i "$volume" "$cache/kernels/6.1/bzImage" ::/EFI/nixos/kernel.efi
  mcopy -i "$volume" "$2" ::/EFI/nixos/initrd.efi
  printf '%s\n' "title NixOS" "version Generation 1 NixOS 24.05, Linux Kernel 6.1, Built on 2026-01-01" "linux /EFI/nixos/kernel.efi" \
    "initrd /EFI/nixos/initrd.efi" "options quiet l2=poweroff" | mcopy -i "$volume" - ::/loader/entries/nixos-generation-1.conf
  truncate -s 64M "$1"
  echo 'label: gpt
start=2048, size=126976, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B' | PATH=$PATH:/sbin sfdisk -q "$1"
  dd if="$volume" of="$1" bs=1M seek=1 conv=notrunc,sparse status=none
}

# Everything payload.img is made of, as one line: names and dates are enough for what is cached or installed.
payload_fingerprint() {
  {
    find "$lab_dir/l2" "$lab_dir/lib" -type f | sort | xargs sha256sum
    stat -L -c '%n %s %Y' "$cache"/kernels/*/release "$qemu_program" "$busybox_program"
  } | sha256sum
}

build_payload() {
  local root=$work/payload series fingerprint
  fingerprint=$(payload_fingerprint)
  [[ ! -e $cache/payload.img || $(cat "$cache/payload.fingerprint" 2>/dev/null) != "$fingerprint" ]] || return 0
  echo "lab: building L1's payload disk"
  for series in "${kernel_series[@]}"; do
    mkdir -p "$root/kernels/$series"
    cp -l "$cache/kernels/$series"/{bzImage,vmlinux} "$root/kernels/$series/"
    build_l2_initrd "$series" "$root/kernels/$series/initrd"
    build_disk_initrd "$series" "$root/kernels/$series/disk-initrd"
  done
  build_root_disk "$root/root.img"
  build_numbered_disk "$root/numbered.img"
  build_boot_disk "$root/boot.img" "$root/kernels/6.1/initrd"
  mkdir -p "$root/qemu/share"
  cp -L --parents "$qemu_program" "$root/qemu"
  copy_with_libraries "$qemu_program" "$root/qemu"
  cp -L /usr/share/qemu/*.{bin,rom} "$root/qemu/share/"
  cp -L /usr/share/seabios/*.bin "$root/qemu/share/"
  rm -f "$cache/payload.img"
  truncate -s 512M "$cache/payload.img"
  PATH=$PATH:/sbin mkfs.ext4 -q -F -m 0 -O ^has_journal -E root_owner=0:0 -d "$root" "$cache/payload.img"
  echo "$fingerprint" >"$cache/payload.fingerprint"
}

# copy_benchmarks FOLDER ROOT: what was built there for the scenarios exit-cost and start-cost, which fail where it was not.
copy_benchmarks() {
  [[ -x $1/exit_cost ]] || return 0
  cp "$1/exit_cost" "$2/bin/"
  copy_with_libraries "$1/exit_cost" "$2"
  cp "$1/guests/exits" "$2/lab/"
}

# copy_loaded_libraries ROOT: what husk opens by name when it checks a boot source.
copy_loaded_libraries() {
  local name path
  for name in libz.so.1 liblzma.so.5 libzstd.so.1; do
    path=$(PATH=$PATH:/sbin ldconfig -p | sed -n "s/^\t$name (libc6,x86-64.*) => //p" | head -n 1)
    [[ -n $path ]] || die "this machine has no $name"
    cp -L --parents "$path" "$1"
  done
}

# build_l1_initramfs SERIES HUSK FILE
build_l1_initramfs() {
  local root=$work/l1
  make_busybox_root "$root"
  mkdir -p "$root"/{lab,lib64}
  cp "$lab_dir/l1/init" "$root/init"
  cp "$lab_dir"/l1/{serve.sh,run-scenario,unprivileged,scenario.sh,disk.sh,tools.sh,net.sh,screen.sh,nixos.sh,known-complaints} "$root/lab/"
  cp -r "$lab_dir/scenarios" "$repo_dir/README.md" "$root/lab/"
  cp "$cache"/bin/{pty_expect,l1_exit,stopwatch,frames,ping_sweep} "$root/bin/"
  cp "$2" "$root/bin/husk"
  copy_loaded_libraries "$root"
  copy_with_libraries "$2" "$root"
  copy_benchmarks "$(dirname "$2")/benchmarks/run_loop" "$root"
  copy_modules "$1" "$root/modules" kvm-amd tun
  pack_cpio "$root" >"$3"
  rm -rf "$root"
}

# prepare: everything in the cache is there and up to date afterwards. One at a time.
prepare() {
  local tool series
  for tool in apt-cache:apt apt-get:apt dpkg:dpkg python3:python3 g++:g++ cpio:cpio busybox:busybox-static \
    modprobe:kmod depmod:kmod xz:xz-utils zstd:zstd lz4:lz4 mkfs.ext4:e2fsprogs flock:util-linux \
    setpriv:util-linux qemu-system-x86_64:qemu-system-x86 mkfs.vfat:dosfstools mcopy:mtools sfdisk:fdisk; do
    need "${tool%:*}" "${tool#*:}"
  done
  ! ldd "$busybox_program" >/dev/null 2>&1 || die "$busybox_program is not static (Debian package busybox-static)"
  [[ -e /usr/share/seabios/bios-256k.bin && -e /usr/share/qemu/qboot.rom ]] ||
    die "QEMU's firmware is missing (Debian packages seabios and qemu-system-data)"

  mkdir -p "$cache"
  exec {prepare_lock}>"$cache/lock"
  flock "$prepare_lock"
  rm -rf "$cache"/fetch.*
  for series in "${kernel_series[@]}"; do
    fetch_kernel "$series"
  done
  build_programs
  build_payload
  exec {prepare_lock}>&-
}
