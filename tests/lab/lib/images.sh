# shellcheck shell=bash
# What L1 boots from. In the cache, made by `prepare` and again whenever what they are made of has changed:
#   bin/         the lab's own static programs
#   payload.img  read-only disk of L1 (ext4): kernels/SERIES/{bzImage,vmlinux,initrd}, qemu/ (QEMU with its libraries)
# Made for each run, because husk and the scenarios change all the time: the initramfs of L1.

qemu_program=/usr/bin/qemu-system-x86_64
busybox_program=/bin/busybox

build_programs() {
  local source program
  mkdir -p "$cache/bin"
  for source in "$repo_dir/tests/support/pty_expect.cc" "$lab_dir/l1/l1_exit.cc" "$lab_dir/l2/memtest.cc"; do
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

# Everything payload.img is made of, as one line: names and dates are enough for what is cached or installed.
payload_fingerprint() {
  {
    sha256sum "$lab_dir"/l2/* "$lab_dir"/lib/*.sh
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
  done
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

# build_l1_initramfs SERIES HUSK FILE
build_l1_initramfs() {
  local root=$work/l1
  make_busybox_root "$root"
  mkdir -p "$root"/{lab,lib64}
  cp "$lab_dir/l1/init" "$root/init"
  cp "$lab_dir"/l1/{run-scenario,scenario.sh,known-complaints} "$root/lab/"
  cp -r "$lab_dir/scenarios" "$root/lab/scenarios"
  cp "$cache"/bin/{pty_expect,l1_exit} "$root/bin/"
  cp "$2" "$root/bin/husk"
  copy_with_libraries "$2" "$root"
  copy_modules "$1" "$root/modules" kvm-amd tun
  pack_cpio "$root" >"$3"
  rm -rf "$root"
}

# prepare: everything in the cache is there and up to date afterwards. One at a time.
prepare() {
  local tool series
  for tool in apt-cache:apt apt-get:apt dpkg:dpkg python3:python3 g++:g++ cpio:cpio busybox:busybox-static \
    modprobe:kmod depmod:kmod xz:xz-utils zstd:zstd lz4:lz4 mkfs.ext4:e2fsprogs flock:util-linux \
    setpriv:util-linux qemu-system-x86_64:qemu-system-x86; do
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
