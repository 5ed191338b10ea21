# shellcheck shell=bash
# The disk of the NixOS-shaped guests (../nixos), for L1s of lane=nixos. In the cache, made again whenever what it is made of has changed:
#   nixos.img    ext4: nix/store with every system, disk images, ISO images; L1's /nixos, which forgets what L1 writes

nixos_image=$cache/nixos.img

prepare_nixos() {
  local tool fingerprint
  for tool in python3:python3 readelf:binutils sgdisk:gdisk mkfs.vfat:dosfstools mcopy:mtools mksquashfs:squashfs-tools \
    xorriso:xorriso cryptsetup:cryptsetup-bin; do
    need "${tool%:*}" "${tool#*:}"
  done
  exec {prepare_lock}>"$cache/lock"
  flock "$prepare_lock"
  fingerprint=$(
    find "$repo_dir/tests/nixos" "$lab_dir/lib/nixos.sh" -type f | sort | xargs sha256sum
    cat "$cache/kernels/6.1/release"
  )
  fingerprint=$(sha256sum <<<"$fingerprint")
  if [[ ! -e $nixos_image || $(cat "$nixos_image.fingerprint" 2>/dev/null) != "$fingerprint" ]]; then
    build_nixos_image
    echo "$fingerprint" >"$nixos_image.fingerprint"
  fi
  exec {prepare_lock}>&-
}

build_nixos_image() {
  local guests=$cache/nixos
  echo "lab: building the NixOS-shaped guests"
  "$repo_dir/tests/nixos/build" all "$cache/kernels/6.1" "$guests" || die "the NixOS-shaped guests cannot be built"
  rm -rf "$guests/work"
  rm -f "$nixos_image"
  truncate -s 3G "$nixos_image"
  PATH=$PATH:/sbin mkfs.ext4 -q -F -m 0 -O ^has_journal -E root_owner=0:0 -d "$guests" "$nixos_image"
  rm -rf "$guests"
}
