# shellcheck shell=bash
# The packages that building and testing need on the host, and their installation. ./dev sources this file.
#
# This list has build tools and libraries only. A package that brings a service or is part of a login
# (openssh-server, sudo, dbus, …) is installed in the run's own sandbox: tests/system/sandbox.sh.

host_packages=(
  # compiler and build tools
  g++ cmake ninja-build pkg-config
  mold     # links the many test programs of the sanitizer builds
  ccache   # what release build and Debian packages have in common is compiled once
  gettext  # po/ to catalogues
  scdoc groff-base  # docs/man to manual pages, and what judges them
  build-essential debhelper dh-apparmor git  # the Debian packages
  # libraries (cmake/dependencies.cmake)
  libpam0g-dev libsystemd-dev libcurl4-openssl-dev libssl-dev libjsoncpp-dev
  libqrencode-dev libsqlite3-dev libcli11-dev libmicrohttpd-dev libcmocka-dev
  # what tests and demo use: a private bus, a PTY driver, one-time codes, a QR in the terminal and
  # its reader, the sandbox (mount, unshare, debootstrap where / cannot be overlaid), CA certificates
  # for the bench
  dbus-daemon python3 oathtool qrencode zbar-tools openssl ca-certificates util-linux mount debootstrap
)

# A program of the interop suite that signs requests to AWS (tests/interop/awscli_test.py).
interop_packages=(awscli)
# The second compiler, of the sanitizer suites.
clang_packages=(clang-19 libclang-rt-19-dev)
format_packages=(clang-format-19)

say() { printf '%s\n' "$*"; }
die() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}

# Prints those of its arguments that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s\n' "$package"
  done
}

# No package may start a service on the host while we install. The answer 101 of policy-rc.d says so
# to every maintainer script; one that the machine has of its own stays as it is.
apt_install_without_services() {
  local policy=/usr/sbin/policy-rc.d ours='' status=0
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    ours=1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "$@" \
    </dev/null || status=$?
  [[ -z $ours ]] || rm -f "$policy"
  return "$status"
}

# Installs those of its arguments that are missing. Nothing missing: apt is not called, so no network is needed.
ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0

  say "Installing ${#missing[@]} missing Debian packages (build tools and libraries only): ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get update --quiet </dev/null ||
    die "apt-get update failed; the first run needs the network"
  apt_install_without_services "${missing[@]}" || die "apt-get install failed"
  mapfile -t missing < <(missing_packages "${missing[@]}")
  ((${#missing[@]} == 0)) || die "still not installed after apt-get: ${missing[*]}"
  say "Installed."
}

# Prints Debian's packages of Node that the machine lacks for the npm packages of a folder. Only tests run Node.
node_packages() {
  command -v node >/dev/null || printf '%s\n' nodejs
  npm_packages_are_current "$1" || command -v npm >/dev/null || printf '%s\n' npm
}

npm_packages_are_current() {
  local stamp=$1/node_modules/.installed-lock-sha256
  [[ -f $stamp && $(<"$stamp") == "$(sha256sum <"$1/package-lock.json")" ]]
}

# node_modules as the lock file says; npm is called only when the two differ.
ensure_npm_packages() {
  local folder=$1
  ! npm_packages_are_current "$folder" || return 0
  say "Installing the npm packages of ${folder#"$root"/} as its lock file pins them"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund </dev/null) ||
    die "npm ci failed in $folder; the first run needs the network"
  sha256sum <"$folder/package-lock.json" >"$folder/node_modules/.installed-lock-sha256"
}
