#!/usr/bin/env bash
# boot.sh NAME TREE [NSPAWN-OPTION…]
#
# Boots a copy of the Debian TREE that vanishes with it (an overlay whose upper layer is memory) by
# systemd-nspawn, and stays until the machine is off. A reboot keeps what the machine has written.
# MACHINE_DISK=FOLDER: it writes there, not to memory; whatever is in the folder is lost.
# Started by booted.py. Whatever ends this script, by whatever signal, ends the machine.
#
# Stages: own mounts and a control group of its own, so that two machines do not meet; then a PID
# namespace, with whose end the kernel ends every process of the machine.
set -euo pipefail

# A host whose first process is no systemd, or a namespace without control groups, lacks what the
# machine's systemd needs.
mount_control_groups() {
  [[ -z $(findmnt --list --noheadings --types cgroup,cgroup2) ]] || return 0
  mount -t tmpfs -o mode=755 cgroups /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
  # By this one systemd learns that a unit's or a session's last process has ended.
  mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
}

# The hierarchies in which systemd keeps its units.
hierarchies() {
  local folder
  if [[ $(findmnt --noheadings --output FSTYPE /sys/fs/cgroup) == cgroup2 ]]; then
    printf '%s\n' /sys/fs/cgroup
    return 0
  fi
  for folder in /sys/fs/cgroup/{systemd,unified}; do
    [[ ! -e $folder/cgroup.procs ]] || printf '%s\n' "$folder"
  done
}

remove_group() {
  [[ ! -d $1 ]] || find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

# Removes what machines that were killed have left. A group's name ends with the process that owns it.
sweep() {
  local hierarchy group
  for hierarchy in $(hierarchies); do
    for group in "$hierarchy"/pam-cognito.*.*; do
      [[ -d $group && ! -d /proc/${group##*.} ]] || continue
      remove_group "$group"
    done
  done
}

prepare() {
  local name=$1 hierarchy status=0
  local -a groups=() before=()
  mount_control_groups
  sweep
  for hierarchy in $(hierarchies); do
    mkdir "$hierarchy/pam-cognito.$name.$$"
    groups+=("$hierarchy/pam-cognito.$name.$$")
    before+=("$hierarchy$(own_group "$hierarchy")")
    echo $$ >"${groups[-1]}/cgroup.procs"
  done
  setpriv --pdeathsig KILL unshare --pid --fork --kill-child=KILL --mount-proc --propagation private \
    "${BASH_SOURCE[0]}" --boot "$@" || status=$?
  for hierarchy in "${!groups[@]}"; do
    echo $$ >"${before[hierarchy]}/cgroup.procs"
    remove_group "${groups[hierarchy]}"
  done
  return "$status"
}

# The path of this process, as seen from the hierarchy's mount.
own_group() {
  case $1 in
    */systemd) sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup ;;
    *) sed -n 's/^0:://p' /proc/self/cgroup ;;
  esac
}

boot() {
  local name=$1 tree=$2 status=0 scratch=/run/machine
  shift 2
  # The host does not use what nspawn writes to /run for a machine.
  mount -t tmpfs -o mode=755 run /run
  mkdir "$scratch"
  if [[ -n ${MACHINE_DISK:-} ]]; then
    rm -rf "$MACHINE_DISK"
    mkdir -p "$MACHINE_DISK"
    mount --bind "$MACHINE_DISK" "$scratch"
  else
    mount -t tmpfs -o mode=755,size=75% "$name" "$scratch"
  fi
  mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
  mount -t overlay -o "lowerdir=$tree,upperdir=$scratch/upper,workdir=$scratch/work" "$name" \
    "$scratch/root" 2>/dev/null || cp --archive "$tree/." "$scratch/root/"

  # The tree's own nspawn: Debian's package of it brings a system bus, which the host shall not get.
  local lib=$tree/usr/lib
  local -a nspawn=("$(echo "$lib"/*/ld-linux-*.so.*)" --library-path
    "$(echo "$lib"/*-linux-gnu*/systemd):$(echo "$lib"/*-linux-gnu*)" "$tree/usr/bin/systemd-nspawn")

  # nspawn refuses these calls of its own accord; units lock memory, and filter addresses by bpf.
  # 133: the machine wants to be booted again.
  while true; do
    status=0
    "${nspawn[@]}" --directory="$scratch/root" --machine="$name" --register=no --keep-unit \
      --link-journal=no --resolv-conf=off --timezone=off --console=pipe \
      --system-call-filter="@memlock @clock bpf" "$@" --boot </dev/null ||
      status=$?
    [[ $status == 133 ]] || return "$status"
  done
}

case $1 in
  --boot) shift; boot "$@" ;;
  *) prepare "$@" ;;
esac
