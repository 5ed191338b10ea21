# shellcheck shell=bash
# Shared by every part of the lab: where things are, and how it says that it cannot go on.

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
repo_dir=$(cd "$lab_dir/../.." && pwd)
cache=${HUSK_LAB_CACHE:-$repo_dir/build/lab}
kernel_series=(6.1 6.12)

die() {
  echo "lab: $*" >&2
  exit 1
}

# need PROGRAM PACKAGE: the lab never goes on without a tool.
need() {
  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || die "the program $1 is missing (Debian package $2)"
}

# pack_cpio DIRECTORY >FILE: an initramfs that is owned by root whoever packs it.
pack_cpio() {
  (cd "$1" && find . -print0 | sort -z | cpio --quiet -0 -o -H newc -R 0:0)
}

# copy_with_libraries PROGRAM ROOT: puts every shared library that PROGRAM loads into ROOT, at its own path.
copy_with_libraries() {
  local libraries
  libraries=$(ldd "$1" 2>/dev/null) || return 0 # static, or a script
  [[ $libraries != *"not found"* ]] || die "a shared library of $1 is missing: ${libraries//$'\n'/;}"
  grep -o '/[^ ]*' <<<"$libraries" | while read -r library; do
    cp -L --parents "$library" "$2"
  done
}
