#!/usr/bin/env bash
# sandbox.sh [--with PACKAGE]… COMMAND [ARG…]
#
# Runs COMMAND as root on a copy of this machine that vanishes with it: an overlay over / whose upper
# layer is memory, in mount, PID, network, IPC and UTS namespaces of its own. openssh-server, sudo and
# the system bus are installed there and nowhere else, and pam-cognito's release build with them.
# If / cannot be overlaid, a debootstrapped Debian of the same release (build/sandbox/tree) takes its place.
#
#   PAM_COGNITO_SANDBOX=tree   use the debootstrapped Debian in any case
#   PAM_COGNITO_SANDBOX=copy   the same without any overlay: a copy in memory
#
# Three stages: prepare (the host's namespaces), build the root (own mounts, the host's network, for
# apt), then sandbox_init.sh as PID 1 of the namespaces. Standard input and output are COMMAND's. The
# checkout is at its usual path, read-only except build/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
cache=$repo/build/sandbox
# shellcheck source=../../scripts/packages.sh
source "$repo/scripts/packages.sh"
# shellcheck source=../../scripts/releases.sh
source "$repo/scripts/releases.sh"
# shellcheck source=../../scripts/debian_tree.sh
source "$repo/scripts/debian_tree.sh"

login_packages=(openssh-server openssh-client sudo dbus passwd login pamtester)

# The packages that a debootstrapped tree needs besides, to run the release build and the tests' Python.
runtime_packages() {
  local library
  for library in libcurl libjsoncpp libssl libmicrohttpd; do
    release_value "$(host_release)" "$library"
  done
  printf '%s\n' python3 openssl ca-certificates libqrencode4 libsystemd0 libsqlite3-0 qrencode oathtool \
    zbar-tools nodejs mount
}

# Stage 1, on the host.
prepare() {
  [[ $(id -u) == 0 ]] || die "the sandbox needs root"
  local scratch status=0
  mkdir -p "$cache"
  [[ -z ${PAM_COGNITO_SANDBOX:-} ]] || ensure_tree
  scratch=$(mktemp -d "$cache/run.XXXXXX")
  # shellcheck disable=SC2064
  trap "rmdir '$scratch'" EXIT
  # Should this shell be killed (a time-out of ctest, say), everything below ends with it.
  setpriv --pdeathsig KILL \
    unshare --mount --propagation private "${BASH_SOURCE[0]}" --build-root "$scratch" "$@" || status=$?
  return "$status"
}

ensure_tree() {
  make_debian_tree "$(host_release)" "$cache/tree"
}

# Stage 2, in an own mount namespace, with the host's network.
build_root() {
  local scratch=$1
  local -a wanted=("${login_packages[@]}")
  shift
  while [[ ${1:-} == --with ]]; do
    wanted+=("$2")
    shift 2
  done

  mount -t tmpfs -o mode=755,size=75% sandbox "$scratch"
  mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
  lay_root "$scratch"
  local tree=$scratch/root
  if [[ -e $tree/.complete ]]; then
    mapfile -t -O "${#wanted[@]}" wanted < <(runtime_packages)
  fi

  mount_devices "$tree"
  mount -t proc proc "$tree/proc"
  printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
  chmod 755 "$tree/usr/sbin/policy-rc.d"
  install_in_root "$tree" "${wanted[@]}"
  umount "$tree/proc"
  install_project "$tree"

  # Fresh /run and /tmp, so that nothing of the host's is met there; then the checkout on top.
  mount -t tmpfs -o mode=755 run "$tree/run"
  mount -t tmpfs -o mode=1777 tmp "$tree/tmp"
  mkdir -p "$tree$repo"
  mount --bind "$repo" "$tree$repo"
  mount -o remount,bind,ro "$tree$repo"
  mount --bind "$repo/build" "$tree$repo/build"

  exec unshare --pid --fork --kill-child=KILL --net --ipc --uts --mount --propagation private \
    "$here/sandbox_init.sh" "$tree" "$@"
}

# The overlay shows only what is on /'s own filesystem: a separate /usr, /etc or /var would be empty.
root_can_be_overlaid() {
  local folder
  [[ -z ${PAM_COGNITO_SANDBOX:-} ]] || return 1
  for folder in /usr /etc /var /var/lib /lib /opt /home /root; do
    ! mountpoint -q "$folder" || return 1
  done
}

lay_root() {
  local scratch=$1 layers=upperdir=$1/upper,workdir=$1/work
  if root_can_be_overlaid && mount -t overlay -o "lowerdir=/,$layers" sandbox "$scratch/root"; then
    return 0
  fi
  ensure_tree
  if [[ ${PAM_COGNITO_SANDBOX:-} != copy ]] &&
    mount -t overlay -o "lowerdir=$cache/tree,$layers" sandbox "$scratch/root" 2>/dev/null; then
    return 0
  fi
  say "Sandbox: no overlay here; copying the Debian tree into memory"
  mount --bind "$scratch/root" "$scratch/root"
  cp -a "$cache/tree/." "$scratch/root/"
}

# Installs packages into the root. The downloads are kept by the state of the machine below, so the next
# run needs no network.
install_in_root() {
  local tree=$1 store
  shift
  local -a missing debs
  mapfile -t missing < <(missing_in_root "$tree" "$@")
  ((${#missing[@]})) || return 0

  store=$cache/debs/$({
    printf '%s\n' "${missing[@]}"
    chroot "$tree" dpkg-query -W -f='${Package} ${Version} ${db:Status-Status}\n'
  } | sha256sum | cut -c1-16)
  (
    # Two sandboxes that begin together: the second takes what the first has fetched.
    flock --timeout 1800 9 || die "another sandbox has been downloading for half an hour"
    [[ -e $store/.complete ]] || download "$tree" "$store" "${missing[@]}"
  ) 9>"$cache/lock"
  mkdir -p "$tree/sandbox-debs"
  mount --bind "$store" "$tree/sandbox-debs"
  debs=("$store"/*.deb)
  say "Sandbox: installing ${missing[*]} (in memory only)"
  apt_in_root "$tree" install "${debs[@]/#$store//sandbox-debs}" >"$store/install.log" 2>&1 || {
    cat "$store/install.log" >&2
    die "the sandbox's packages could not be installed"
  }
  umount "$tree/sandbox-debs"
  rmdir "$tree/sandbox-debs"
}

# pam-cognito as `cmake --install` lays it out for a package.
install_project() {
  [[ -e $repo/build/release/cmake_install.cmake ]] || return 0
  DESTDIR=$1 cmake --install "$repo/build/release" --prefix /usr >"$cache/project-install.log" 2>&1 || {
    cat "$cache/project-install.log" >&2
    die "cmake --install failed; is the release build complete? (./dev build)"
  }
}

download() {
  local tree=$1 store=$2
  shift 2
  say "Sandbox: downloading $* (once; kept in build/sandbox/debs)"
  rm -rf "$store"
  mkdir -p "$store/partial" "$tree/sandbox-debs"
  cat /etc/resolv.conf >"$cache/resolv.conf"
  rm -f "$tree/etc/resolv.conf"
  cp "$cache/resolv.conf" "$tree/etc/resolv.conf"
  mount --bind "$store" "$tree/sandbox-debs"
  {
    apt_in_root "$tree" update &&
      apt_in_root "$tree" install --download-only -o Dir::Cache::archives=/sandbox-debs "$@"
  } >"$store/download.log" 2>&1 || {
    cat "$store/download.log" >&2
    die "the sandbox's packages could not be downloaded; the first run needs the network"
  }
  umount "$tree/sandbox-debs"
  touch "$store/.complete"
}

apt_in_root() {
  local tree=$1
  shift
  chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive apt-get --yes --no-install-recommends \
    -o APT::Sandbox::User=root -o DPkg::Options::=--force-unsafe-io "$@" </dev/null
}

missing_in_root() {
  local tree=$1 package
  shift
  for package in "$@"; do
    [[ $(chroot "$tree" dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s\n' "$package"
  done
}

if [[ ${1:-} == --build-root ]]; then
  shift
  build_root "$@"
else
  prepare "$@"
fi
