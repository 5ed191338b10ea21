# shellcheck shell=bash
# The full lane's L1: Debian 12 with systemd, SELinux enforcing. In the cache, made by `prepare_full` and again whenever what they
# are made of has changed:
#   full/root.tar  the Debian system, from its packages
#   full/root.img  the same with the lab's units, users, husk's policy modules, and a label on every file (ext4)
# Made for each run: the lab's own disk, with husk, under each of the labels that a scenario may ask for, and the scenarios.

full_root_tar=$cache/full/root.tar
full_root_image=$cache/full/root.img
husk_types=(microvm_exec_t qemu_exec_t bin_t)

# The users of the full lane besides root: Linux user, SELinux user and range.
full_users=(staff:staff_u:s0-s0:c0.c1023 user:user_u:s0)

prepare_full() {
  local tool fingerprint
  for tool in mmdebstrap:mmdebstrap setfiles:policycoreutils debugfs:e2fsprogs unshare:util-linux; do
    need "${tool%:*}" "${tool#*:}"
  done
  mkdir -p "$cache/full"
  exec {prepare_lock}>"$cache/lock"
  flock "$prepare_lock"
  fingerprint=$(full_packages; debian_sources | xargs sha256sum)
  fingerprint=$(sha256sum <<<"$fingerprint")
  if [[ ! -e $full_root_tar || $(cat "$full_root_tar.fingerprint" 2>/dev/null) != "$fingerprint" ]]; then
    build_full_root_tar
    echo "$fingerprint" >"$full_root_tar.fingerprint"
  fi
  fingerprint=$(
    find "$lab_dir/full" "$lab_dir/lib/full.sh" "$repo_dir"/sandbox/selinux/policy/*.cil -type f | sort | xargs sha256sum
    cat "$full_root_tar.fingerprint"
  )
  fingerprint=$(sha256sum <<<"$fingerprint")
  if [[ ! -e $full_root_image || $(cat "$full_root_image.fingerprint" 2>/dev/null) != "$fingerprint" ]]; then
    build_full_root_image
    echo "$fingerprint" >"$full_root_image.fingerprint"
  fi
  build_confine_probe
  exec {prepare_lock}>&-
}

# What makes a running role try to break out; see tests/confine.
build_confine_probe() {
  local program=$cache/bin/confine_probe sources=$repo_dir/tests/confine
  [[ ! -e $program || -n $(find "$sources" -newer "$program" -name '*.[ch]*') ]] || return 0
  g++ -std=c++23 -O2 -static -I"$repo_dir" -o "$program" "$sources"/*.cc || die "cannot compile confine_probe"
}

full_packages() { grep -v -e '^#' -e '^$' "$lab_dir/full/packages" | sort | paste -sd,; }

# The package sources that this machine uses for Debian itself.
debian_sources() {
  local file
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    [[ ! -s $file ]] || { echo "$file" && return; }
  done
  die "this machine has no /etc/apt/sources.list.d/debian.sources and no /etc/apt/sources.list"
}

# Owners, chroot and labels: this and the next one are the only parts of the lab that need root. Once built, the cache serves anybody.
must_be_root() {
  ((EUID == 0)) || die "building the root disk of the full lane needs root once (chroot, SELinux labels): run 'lab prepare --full' as root"
}

build_full_root_tar() {
  must_be_root
  echo "lab: building a Debian with SELinux from its packages, about a minute"
  rm -f "$full_root_tar"
  mmdebstrap --quiet --variant=minbase --mode=root --include="$(full_packages)" \
    --aptopt='Apt::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    bookworm "$full_root_tar" "$(debian_sources)" || die "mmdebstrap failed"
}

build_full_root_image() {
  local root=$work/full-root user login
  must_be_root
  echo "lab: building the root disk of the full lane: policy modules, labels"
  mkdir "$root"
  tar -C "$root" -xf "$full_root_tar" --exclude='./dev/*'
  cp -r "$lab_dir/full/root/." "$root/"
  mkdir -p "$root"/{lab,payload,tmp/policy}
  echo l1 >"$root/etc/hostname"
  : >"$root/etc/fstab"
  printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' >"$root/etc/selinux/config"
  chroot "$root" groupadd --system kvm 2>/dev/null || true # udev would have made it
  for user in "${full_users[@]}"; do
    login=${user%%:*}
    chroot "$root" useradd --create-home --shell /bin/bash --gid users --groups kvm "$login" >&2
    echo "$user"
  done >"$root/var/lib/selinux/default/active/seusers.local"
  cp "$repo_dir"/sandbox/selinux/policy/*.cil "$root/tmp/policy/"
  # -D -B: dontaudit rules are off, so that nothing that policy denies stays hidden.
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount sh -c 'mount --bind /proc "$1/proc" && exec chroot "$1" sh -c "semodule -n -i /tmp/policy/*.cil && semodule -n -DB"' \
    - "$root" || die "husk's policy modules do not go into Debian's policy"
  rm -r "$root/tmp/policy"
  PATH=$PATH:/sbin setfiles -F -m -r "$root" "$root/etc/selinux/default/contexts/files/file_contexts" "$root"
  find "$root" \( -type f -o -type l \) -printf '/%P\n' >"$cache/full/root.list"
  rm -f "$full_root_image"
  truncate -s 640M "$full_root_image"
  PATH=$PATH:/sbin mkfs.ext4 -q -F -m 0 -O ^has_journal -d "$root" "$full_root_image"
  rm -rf --one-file-system "$root"
}

# build_lab_disk SERIES HUSK FILE: what full-init finds as /lab. Labels are written into the image: no root needed.
build_lab_disk() {
  local root=$work/lab-disk type library
  mkdir -p "$root"/{bin,husk}
  cp "$lab_dir"/l1/{full-init,full.sh,selinux.sh,serve.sh,session,run-scenario,scenario.sh,disk.sh,tools.sh,net.sh,screen.sh,nixos.sh,known-complaints} "$root/"
  cp -r "$lab_dir/scenarios" "$root/scenarios"
  cp "$cache"/bin/{pty_expect,l1_exit,confine_probe} "$root/bin/"
  ln -s /bin/busybox "$root/bin/sh"
  ln -s /bin/busybox "$root/bin/usleep"
  for type in "${husk_types[@]}"; do
    mkdir "$root/husk/$type"
    cp "$2" "$root/husk/$type/husk"
  done
  for library in $(ldd "$2" | grep -o '/[^ ]*'); do
    grep -q "${library##*/}\$" "$cache/full/root.list" ||
      die "husk needs ${library##*/}, which the full lane lacks: add its package to tests/lab/full/packages"
  done
  copy_modules "$1" "$root/modules" kvm-amd tun
  rm -f "$3"
  truncate -s 64M "$3"
  PATH=$PATH:/sbin mkfs.ext4 -q -F -m 0 -O ^has_journal -E root_owner=0:0 -d "$root" "$3"
  (cd "$root" && lab_disk_labels) >"$work/labels"
  PATH=$PATH:/sbin debugfs -w -f "$work/labels" "$3" >"$work/labels.out" 2>&1
  ! grep -v -e '^debugfs' "$work/labels.out" || die "cannot label the lab's disk"
  rm -rf "$root"
}

# Commands for debugfs that give everything below the working folder its owner and its label on the image.
lab_disk_labels() {
  local path type
  while read -r path; do
    type=usr_t
    case $path in
      ./husk/*/husk) type=$(basename "$(dirname "$path")") ;;
      ./modules/*) type=modules_object_t ;;
      *) [[ ! -f $path || ! -x $path ]] || type=bin_t ;;
    esac
    path=${path#.}
    echo "ea_set ${path:-/} security.selinux system_u:object_r:$type:s0"
    echo "set_inode_field ${path:-/} uid 0"
    echo "set_inode_field ${path:-/} gid 0"
  done < <(find .)
}
