# shellcheck shell=bash
# The tools disk: programs from Debian's packages that busybox has not, for L1 and for guests. In the cache, made by `prepare_tools` when a
# scenario with lane=tools is run, and again whenever ../tools-packages has changed:
#   tools.img  read-only disk (ext4, label husk-tools): the programs in /usr/bin, their libraries where they belong

tools_image=$cache/tools.img

prepare_tools() {
  local fingerprint
  exec {prepare_lock}>"$cache/lock"
  flock "$prepare_lock"
  fingerprint=$(sha256sum <"$lab_dir/tools-packages" && sha256sum <"$lab_dir/lib/tools.sh")
  if [[ ! -e $tools_image || $(cat "$tools_image.fingerprint" 2>/dev/null) != "$fingerprint" ]]; then
    build_tools_image
    echo "$fingerprint" >"$tools_image.fingerprint"
  fi
  exec {prepare_lock}>&-
}

# fetch_packages FOLDER PACKAGE...: unpacks them there with all that they depend on. For a machine where nothing is installed: what is
# here already must not be left out.
fetch_packages() {
  local root=$1 package options
  shift
  mkdir -p "$work/archives/partial" "$root"
  : >"$work/nothing-installed"
  options=(-o "Dir::State::status=$work/nothing-installed" -o "Dir::Cache::archives=$work/archives" -o Debug::NoLocking=1
    -o APT::Install-Recommends=false -o "APT::Sandbox::User=$(id -un)")
  apt-get -qq -y --download-only "${options[@]}" install "$@" >"$work/apt.log" 2>&1 ||
    die "cannot download the packages of the tools disk (has 'apt-get update' been run?): $(tail -n 3 "$work/apt.log")"
  for package in "$work"/archives/*.deb; do
    dpkg -x "$package" "$root"
  done
  rm -rf "$work/archives"
}

# copy_tool PACKAGES ROOT PROGRAM: PROGRAM into ROOT/usr/bin, and the libraries that it loads there to their own paths. The loader and
# libraries of the packages tell, not those of this machine.
copy_tool() {
  local packages=$1 root=$2 program=$3 libraries
  [[ -x $packages$program ]] || die "the package has no $program"
  cp -L "$packages$program" "$root/usr/bin/"
  libraries=$(cd "$packages" && lib64/ld-linux-x86-64.so.2 \
    --library-path lib/x86_64-linux-gnu:usr/lib/x86_64-linux-gnu:usr/lib/x86_64-linux-gnu/ceph --list ".$program") || die "a library of $program is missing"
  (cd "$packages" && sed -n 's/.* => \(.*\) (0x.*/\1/p' <<<"$libraries" | xargs -r cp -L --parents -t "$root")
}

build_tools_image() {
  local packages=$work/packages root=$work/tools package names name
  echo "lab: building the tools disk from Debian's packages"
  # shellcheck disable=SC2046 # words
  fetch_packages "$packages" $(sed -n 's/^\([a-z][^ ]*\) .*/\1/p' "$lab_dir/tools-packages")
  mkdir -p "$root"/{usr/bin,lib64}
  cp -L "$packages/lib64/ld-linux-x86-64.so.2" "$root/lib64/"
  while read -r package names; do
    for name in $names; do
      case $name in
        */) (cd "$packages" && cp -a --parents ".$name" "$root") || die "$package has no $name" ;;
        *) copy_tool "$packages" "$root" "$name" ;;
      esac
    done
  done < <(grep '^[a-z]' "$lab_dir/tools-packages")
  ln -s udevadm "$root/usr/bin/systemd-udevd"
  rm -f "$tools_image"
  truncate -s 192M "$tools_image"
  PATH=$PATH:/sbin mkfs.ext4 -q -F -m 0 -O ^has_journal -L husk-tools -E root_owner=0:0 -d "$root" "$tools_image"
  rm -rf "$packages" "$root"
}
