#!/usr/bin/env bash
# sandbox_init.sh ROOT COMMAND [ARG…]: PID 1 of the sandbox (started by sandbox.sh in new namespaces).
# Makes ROOT the only tree there is, raises the loopback, runs COMMAND. When PID 1 ends, the kernel
# ends every process of the namespace; bash reaps orphans meanwhile.
set -euo pipefail
tree=$1
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
shift

cd "$tree"
mkdir -p .host
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
pivot_root . .host
umount --lazy /.host
rmdir /.host
cd "$repo"

echo pam-cognito-sandbox >/proc/sys/kernel/hostname
printf '127.0.0.1 localhost pam-cognito-sandbox\n::1 localhost\n' >/etc/hosts
mkdir -p /run/lock /run/sshd /run/dbus /run/sudo
python3 - <<'LOOPBACK'
import fcntl, socket, struct
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
LOOPBACK

# Not exec: PID 1 stays a shell that reaps. A background job with wait, so that orphans are reaped
# while COMMAND runs; standard input has to be handed over by hand then, and the interrupt, which bash
# ignores in such a job, has to get its meaning back: Ctrl-C ends a program in the demo's shell.
exec 3<&0
env --default-signal=INT,QUIT -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root \
  LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive TERM="${TERM:-dumb}" SHELL=/bin/bash PYTHONDONTWRITEBYTECODE=1 PAM_COGNITO_SANDBOXED=1 \
  "$@" <&3 3<&- &
exec 3<&-
wait $!
