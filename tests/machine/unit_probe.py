#!/usr/bin/env python3
"""Runs inside a service and prints as JSON, for each thing that cognitod.service denies, whether it can be
done here: {"open a socket of AF_NETLINK": true, …}. unit_test.py runs it with the unit's lines and without.

unit_probe.py OUTSIDE: a JSON object with what the machine outside of the service looks like.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
OUTSIDE = json.loads(sys.argv[1])
METADATA_SERVICE = ("169.254.169.254", 53)

NR_IO_URING_SETUP, NR_SHMGET, NR_KCMP = 425, 29, 312
X32_GETPID = 0x40000000 + 39
CLONE_NEWUSER = 0x10000000
ADDR_NO_RANDOMIZE = 0x0040000
PR_GET_NO_NEW_PRIVS = 39


def syscall(number, *arguments):
    """The errno, 0 for none."""
    ctypes.set_errno(0)
    return ctypes.get_errno() if libc.syscall(ctypes.c_long(number), *arguments) < 0 else 0


def refused(number, *arguments):
    return syscall(number, *arguments) in (errno.EPERM, errno.EACCES)


def in_a_child(action):
    """Tries a call that ends or changes its process in a process of its own: True if that ended with 0."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if action() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def works(action):
    try:
        action()
    except OSError:
        return False
    return True


def is_writable(path):
    return not os.statvfs(path).f_flag & os.ST_RDONLY


def send_to_metadata_service():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", METADATA_SERVICE)


def listen():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)


def set_suid():
    path = os.path.join(os.environ["STATE_DIRECTORY"], f"probe-{os.getpid()}-{time.monotonic_ns()}")
    with open(path, "w") as file:
        try:
            os.fchmod(file.fileno(), 0o4700)
        finally:
            os.unlink(path)


def execute(program, *arguments):
    def replace():
        with open(os.devnull, "w") as nowhere:  # standard output holds the results alone
            os.dup2(nowhere.fileno(), 1)
        os.execv(program, [program, *arguments])
    return in_a_child(replace) == 0


def status_field(name):
    with open("/proc/self/status") as file:
        return next(line.split()[1] for line in file if line.startswith(name + ":"))


PROBES = {
    "run as root": lambda: os.getuid() == 0,
    "have a capability": lambda: any(int(status_field(f"Cap{kind}"), 16) for kind in ("Prm", "Eff", "Bnd", "Amb")),
    "gain privileges by exec": lambda: libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0,
    "make a set-uid file": lambda: works(set_suid),
    "see other uids": lambda: os.stat("/etc/probe-of-alice").st_uid == OUTSIDE["alice"],
    "write to /usr and /etc": lambda: is_writable("/usr") or is_writable("/etc"),
    "look into /home": lambda: works(lambda: os.listdir("/home")),
    "see others' /tmp": lambda: os.path.exists("/tmp/probe-outside"),
    "see the machine's devices": lambda: os.path.exists("/dev/probe-outside"),
    "share mounts": lambda: os.readlink("/proc/self/ns/mnt") == OUTSIDE["mnt"],
    "share the host name": lambda: os.readlink("/proc/self/ns/uts") == OUTSIDE["uts"],
    "look at kernel modules": lambda: works(lambda: os.listdir("/usr/lib/modules")),
    "change kernel tunables": lambda: os.path.exists("/proc/sys") and is_writable("/proc/sys"),
    "change control groups": lambda: is_writable(OUTSIDE["cgroup"]),
    "reach the kernel's log": lambda: os.access("/proc/kmsg", os.R_OK),
    "ask the kernel's clock": lambda: works_adjtimex(),
    "see other processes": lambda: os.path.exists("/proc/1"),
    "see the kernel's state": lambda: os.path.exists("/proc/meminfo"),
    "run another program": lambda: execute("/bin/true"),
    "run a program of /usr/lib": lambda: execute("/usr/lib/systemd/systemd-sysctl", "--version"),
    "open a socket of AF_NETLINK": lambda: works(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()),
    "open a socket of AF_VSOCK": lambda: works_or(errno.EAFNOSUPPORT, socket.AF_VSOCK),
    "reach the metadata service": lambda: works(send_to_metadata_service),
    "make a namespace": lambda: in_a_child(lambda: libc.unshare(CLONE_NEWUSER) == 0) == 0,
    "run in real time": lambda: in_a_child(
        lambda: works(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))) == 0,
    "change personality": lambda: in_a_child(lambda: libc.personality(ADDR_NO_RANDOMIZE) >= 0) == 0,
    "have memory to write and execute": lambda: works(
        lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()),
    "use another architecture's calls": lambda: in_a_child(
        lambda: libc.syscall(ctypes.c_long(X32_GETPID)) or True) != -signal.SIGSYS,
    "listen": lambda: works(listen),
    "use SysV shared memory": lambda: not refused(NR_SHMGET, ctypes.c_long(0), ctypes.c_long(4096), 0o1600),
    "use io_uring": lambda: not refused(NR_IO_URING_SETUP, 1, None),
    "dump core": lambda: resource.getrlimit(resource.RLIMIT_CORE)[1] != 0,
    "make files that others can read": lambda: not_private_umask(),
    "open more than 16384 files": lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 16384,
}


def works_or(number, family):
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError as error:
        return error.errno != number
    return True


def works_adjtimex():
    """modes = 0 only reads, which anybody may."""
    return syscall(159, ctypes.create_string_buffer(256)) == 0


def not_private_umask():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask != 0o077


def attempt(probe):
    try:
        return bool(probe())
    except (OSError, ValueError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"


print(json.dumps({name: attempt(probe) for name, probe in PROBES.items()}))
