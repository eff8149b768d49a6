#!/usr/bin/env python3
"""host_unchanged.py -- COMMAND [ARG…]

Runs COMMAND and fails if it left anything on the host: a package, a change in /etc, a mount, a
listening socket or a process. Exit status: the command's, or 1 where the host differs.

The run adopts its orphans (PR_SET_CHILD_SUBREAPER), so "a process left by this run" is a fact and not
a guess from names: a process that still descends from here when COMMAND has ended was left behind. A process
that another user of the machine starts meanwhile is not counted.
"""

import ctypes
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
FIRST_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO of linux/proc_ns.h
LIBC = ctypes.CDLL(None, use_errno=True)
TCP_LISTEN = "0A"
UDP_UNCONNECTED = "07"
ENDING_S = 30


def packages():
    listing = subprocess.run(
        ["dpkg-query", "-W", "-f=${db:Status-Abbrev} ${Package}:${Architecture} ${Version}\n"],
        capture_output=True, text=True, check=True)
    return set(listing.stdout.splitlines())


def etc_files():
    """Every entry below /etc: kind, mode, owner and content."""
    entries = set()
    for folder, names, files in os.walk("/etc"):
        for name in names + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                content = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
            else:
                content = ""
            entries.add(f"{path} {info.st_mode:o} {info.st_uid}:{info.st_gid} {content}")
    return entries


def mounts():
    return set(pathlib.Path("/proc/self/mounts").read_text().splitlines())


def listening_sockets():
    """{inode: description} of this network namespace's listeners."""
    found = {}
    for table, state in (("tcp", TCP_LISTEN), ("tcp6", TCP_LISTEN),
                         ("udp", UDP_UNCONNECTED), ("udp6", UDP_UNCONNECTED)):
        path = pathlib.Path("/proc/net", table)
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            if fields[3] == state:
                found[fields[9]] = f"{table} {fields[1]}"
    accepts_connections = 0x10000
    for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[3], 16) & accepts_connections:
            found[fields[6]] = "unix " + (fields[7] if len(fields) > 7 else "(unnamed)")
    return found


def socket_owners():
    owners = {}
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            for fd in (process / "fd").iterdir():
                target = os.readlink(fd)
                if target.startswith("socket:["):
                    owners.setdefault(target[8:-1], int(process.name))
        except OSError:
            continue
    return owners


def parents():
    table = {}
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                table[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return table


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return "?"


def descendants():
    table = parents()
    ours = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, parent in table.items() if parent in ours} - ours
        ours |= more
        grown = bool(more)
    return ours - {os.getpid()}


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def still_there():
    """The remains of the run, except processes that are just about to end."""
    deadline = time.monotonic() + ENDING_S
    while True:
        reap()
        left = descendants()
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def differences(before, after, what):
    return ([f"{what} gone: {item}" for item in sorted(before - after)] +
            [f"{what} new: {item}" for item in sorted(after - before)])


def new_sockets(before, ours):
    """A socket without a visible owner is one that the run has left, but not in a PID namespace: there it
    belongs to a process outside that shares the network."""
    found = []
    owners = socket_owners()
    sees_all = os.readlink("/proc/self/ns/pid") == FIRST_PID_NAMESPACE
    for inode, description in listening_sockets().items():
        if inode in before:
            continue
        owner = owners.get(inode)
        if owner in ours or (owner is None and sees_all):
            found.append(f"listening socket new: {description} (process {owner})")
    return found


class HostGuard:
    """Remembers the host when it is made; report() says what is different, and ends what was left."""

    def __init__(self):
        if LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
        self._sets = {"package": (packages, packages()), "/etc entry": (etc_files, etc_files()),
                      "mount": (mounts, mounts())}
        self._sockets = listening_sockets()

    def report(self):
        left = still_there()
        found = [f"process left: {pid} {command_line(pid)}" for pid in sorted(left)]
        found += new_sockets(self._sockets, left)
        for what, (look, before) in self._sets.items():
            found += differences(before, look(), what)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        reap()
        return found


def main():
    if len(sys.argv) < 3 or sys.argv[1] != "--":
        sys.exit(__doc__)
    guard = HostGuard()
    # The terminal's interrupt is the command's affair; the comparison is made all the same.
    signal.signal(signal.SIGINT, lambda *_: None)
    # Should this process be killed, the command ends with it.
    status = subprocess.run(
        sys.argv[2:], preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)).returncode

    found = guard.report()
    if found:
        print("\nThe host is NOT as it was before:", *found, sep="\n  ", flush=True)
        sys.exit(1)
    print("\nThe host is as it was: packages, /etc, mounts, listening sockets and processes.",
          flush=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
