# shellcheck shell=bash
# The disks of the NixOS-shaped guests (../nixos): L1's /nixos, which forgets what L1 writes. In the cache, made again whenever what they
# are made of has changed:
#   nixos.img            for lane=nixos. ext4: nix/store with every system, disk images, ISO images, outputs for booting without a disk
#   nixoskernel.img      for lane=nixoskernel: nix/store and disk.img, with a kernel that has NixOS' options in the place of Debian's
#   nixos-kernel/        that kernel, as kernels/SERIES has others

nixos_image=$cache/nixos.img

prepare_nixos() {
  lock_guests
  prepare_guests "$nixos_image" all "$cache/kernels/6.1"
  exec {prepare_lock}>&-
}

prepare_nixoskernel() {
  lock_guests
  build_nixos_kernel
  prepare_guests "$cache/nixoskernel.img" disk "$cache/nixos-kernel"
  exec {prepare_lock}>&-
}

lock_guests() {
  local tool
  for tool in python3:python3 readelf:binutils sgdisk:gdisk mkfs.vfat:dosfstools mcopy:mtools mksquashfs:squashfs-tools \
    xorriso:xorriso cryptsetup:cryptsetup-bin make:make bc:bc flex:flex bison:bison; do
    need "${tool%:*}" "${tool#*:}"
  done
  exec {prepare_lock}>"$cache/lock"
  flock "$prepare_lock"
}

# prepare_guests IMAGE all|disk KERNEL
prepare_guests() {
  local image=$1 guests=${1%.img}.guests fingerprint
  fingerprint=$(
    find "$repo_dir/tests/nixos" -type f | sort | xargs sha256sum
    cat "$3/release"
  )
  fingerprint=$(sha256sum <<<"$fingerprint")
  [[ ! -e $image || $(cat "$image.fingerprint" 2>/dev/null) != "$fingerprint" ]] || return 0
  echo "lab: building the NixOS-shaped guests"
  "$repo_dir/tests/nixos/build" "$2" "$3" "$guests" || die "the NixOS-shaped guests cannot be built"
  rm -rf "$guests/work" "$image"
  truncate -s 3G "$image"
  PATH=$PATH:/sbin mkfs.ext4 -q -F -m 0 -O ^has_journal -E root_owner=0:0 -d "$guests" "$image"
  rm -rf "$guests"
  echo "$fingerprint" >"$image.fingerprint"
}

build_nixos_kernel() {
  local home=$cache/nixos-kernel work fingerprint
  fingerprint=$(
    apt-cache show --no-all-versions linux-source-6.1 | grep '^Version:'
    cat "$lab_dir"/nixos-kernel/*
  )
  fingerprint=$(sha256sum <<<"$fingerprint")
  [[ $(cat "$home.fingerprint" 2>/dev/null) != "$fingerprint" ]] || return 0
  echo "lab: building a kernel with NixOS' options (some minutes)"
  work=$(mktemp -d "$cache/fetch.XXXXXX")
  (cd "$work" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download linux-source-6.1) || die "cannot download linux-source-6.1"
  dpkg -x "$work"/*.deb "$work/root"
  rm -rf "$home"
  "$lab_dir/nixos-kernel/build" "$work/root/usr/src/linux-source-6.1.tar.xz" "$home" || die "the kernel cannot be built"
  rm -rf "$work"
  echo "$fingerprint" >"$home.fingerprint"
}
