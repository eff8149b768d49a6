# shellcheck shell=bash
# A Debian of a chosen release in a folder. Sourced; it needs say() and die() of scripts/packages.sh.

# make_debian_tree RELEASE FOLDER: a minimal tree, once; it is kept.
make_debian_tree() {
  local release=$1 tree=$2
  [[ ! -e $tree/.complete ]] || return 0
  command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
  say "Making a minimal Debian tree of $release (once; it is kept in ${tree#"$PWD"/})"
  rm -rf "$tree"
  mkdir -p "$tree"
  debootstrap --variant=minbase "$release" "$tree" "$(debian_mirror "$release")" >"$tree.log" 2>&1 ||
    die "debootstrap failed (it needs the network), see $tree.log"
  cat >"$tree/etc/apt/sources.list" <<SOURCES
deb http://deb.debian.org/debian $release main
deb http://deb.debian.org/debian $release-updates main
deb http://deb.debian.org/debian-security $release-security main
SOURCES
  touch "$tree/.complete"
}

# The mirror from which this machine takes the release.
debian_mirror() {
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 2>/dev/null |
    awk -v release="$1" '$2 == release {print $1; exit}')
  printf '%s\n' "${uri:-http://deb.debian.org/debian}"
}

# mount_devices TREE: a /dev of its own, with the devices that programs expect everywhere.
mount_devices() {
  local tree=$1 device
  mount -t tmpfs -o mode=755 dev "$tree/dev"
  for device in null zero full random urandom tty; do
    touch "$tree/dev/$device"
    mount --bind "/dev/$device" "$tree/dev/$device"
  done
  mkdir "$tree/dev/pts" "$tree/dev/shm"
  ln -s pts/ptmx "$tree/dev/ptmx"
  ln -s /proc/self/fd "$tree/dev/fd"
  ln -s /proc/self/fd/0 "$tree/dev/stdin"
  ln -s /proc/self/fd/1 "$tree/dev/stdout"
  ln -s /proc/self/fd/2 "$tree/dev/stderr"
  mount -t tmpfs -o mode=1777 shm "$tree/dev/shm"
}
