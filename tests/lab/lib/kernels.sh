# shellcheck shell=bash
# Debian's cloud kernels, unmodified, unpacked in the cache as kernels/SERIES/:
#   release, bzImage, vmlinux (the same kernel as an ELF file with a PVH entry) and root/, what the package holds.

# The package that always depends on a series' newest kernel in Debian 12.
kernel_metapackage() {
  case $1 in
    6.1) echo linux-image-cloud-amd64 ;;
    *) echo "linux-image-$1-cloud-amd64" ;;
  esac
}

fetch_kernel() { # SERIES
  local series=$1 home=$cache/kernels/$1 work meta package release
  [[ ! -e $home/release ]] || return 0
  meta=$(kernel_metapackage "$series")
  package=$(apt-cache depends --important "$meta" 2>/dev/null |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  [[ -n $package ]] || die "apt knows no kernel package for $meta (has 'apt-get update' been run?)"
  release=${package#linux-image-}
  [[ $release == "$series".* ]] || die "$meta is $release in this release of Debian, not a $series kernel"

  echo "lab: fetching $package"
  work=$(mktemp -d "$cache/fetch.XXXXXX")
  (cd "$work" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$package") || die "cannot download $package"
  dpkg -x "$work"/*.deb "$work/root"
  rm "$work"/*.deb
  ln "$work/root/boot/vmlinuz-$release" "$work/bzImage"
  "$lab_dir/extract_vmlinux.py" "$work/bzImage" "$work/vmlinux"
  PATH=$PATH:/sbin depmod -b "$work/root" "$release"
  echo "$release" >"$work/release"
  mkdir -p "$cache/kernels"
  rm -rf "$home"
  mv "$work" "$home"
}

# copy_modules SERIES DIRECTORY MODULE...: the modules and all that they depend on, numbered in the order of loading.
# What the kernel has built in is left out.
copy_modules() {
  local series=$1 target=$2 number=10 path name
  shift 2
  mkdir -p "$target"
  PATH=$PATH:/sbin modprobe -C /dev/null -d "$cache/kernels/$series/root" -S "$(<"$cache/kernels/$series/release")" \
    --show-depends --all "$@" >"$target/list" || die "the $series kernel lacks one of the modules: $*"
  awk '$1 == "insmod" && !seen[$2]++ { print $2 }' "$target/list" | while read -r path; do
    name=$number-$(basename "$path")
    case $path in
      *.xz) xz -dc "$path" >"$target/${name%.xz}" ;;
      *.zst) zstd -dcq "$path" >"$target/${name%.zst}" ;;
      *.gz) gzip -dc "$path" >"$target/${name%.gz}" ;;
      *) cp "$path" "$target/$name" ;;
    esac
    number=$((number + 1))
  done
  rm "$target/list"
}
