#!/usr/bin/env python3
"""compromised.py: what a program obtains that runs as uid cognitod, by files, sockets and messages to cognitod-accounts. Prints a
JSON object. compromised_test.py runs it in a namespace, tests/machine/compromised_test.py in the sandbox
of cognitod's unit.

The machine has `max = 40`, `sudo = linux-admins`, names with a `.` permitted, and the accounts of PREPARED."""

import grp
import json
import os
import pathlib
import pwd
import re
import socket
import stat
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import messages
from messages import LOCK, UNLOCK, request

# name: sub, or "" until the first sign-in. root has added them, and has locked locked.user.
PREPARED = {"pinned.user": "sub-of-pinned", "unused.user": "", "locked.user": "sub-of-locked"}
KEYS = "/var/lib/pam-cognito-accounts/keys"
# An ed25519 key of 32 letters.
KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr"
PLACES = ("/etc", "/usr", "/var", "/run", "/home", "/root", "/boot", "/opt", "/srv", "/dev", "/tmp", "/sys")


def entries():
    for place in PLACES:
        for directory, names, files in os.walk(place):
            yield directory
            yield from (os.path.join(directory, name) for name in files)
            names[:] = [name for name in names if not os.path.islink(os.path.join(directory, name))]


def can_write(path, is_directory):
    """Tries it: a mount may be read-only."""
    probe = os.path.join(path, ".compromised-probe") if is_directory else path
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if is_directory else 0), 0o600))
    except OSError:
        return False
    if is_directory:
        os.unlink(probe)
    return True


def writable():
    """Directories and files, without devices that each program may write. A directory stands for what is in it."""
    found = []
    for path in entries():
        if any(path.startswith(above + "/") for above in found):
            continue
        try:
            kind = os.lstat(path).st_mode
        except OSError:
            continue
        if not stat.S_ISDIR(kind) and not stat.S_ISREG(kind):
            continue
        if os.access(path, os.W_OK) and can_write(path, stat.S_ISDIR(kind)):
            found.append(path)
    return found


def connects(path):
    for kind in (socket.SOCK_SEQPACKET, socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_UNIX, kind) as one:
            one.settimeout(5)
            try:
                one.connect(path)
                return True
            except OSError:
                continue
    return False


def sockets():
    found = []
    for path in entries():
        try:
            if stat.S_ISSOCK(os.lstat(path).st_mode) and connects(path):
                found.append(path)
        except OSError:
            continue
    return found


def ask(*arguments, **options):
    """The refusal of cognitod-accounts (0: stored) and the uid."""
    answer = messages.ask(request(*arguments, **options))
    return answer[:2] if isinstance(answer, tuple) else (None, 0)


def stored(*arguments, **options):
    return ask(*arguments, **options)[0] == 0


def groups_of(name):
    user = pwd.getpwnam(name)
    return {grp.getgrgid(gid).gr_name for gid in os.getgrouplist(name, user.pw_gid)} - {name}


def local_names():
    """Names of /etc/passwd and /etc/group, and of users that a package may make later."""
    names = {line.split(":")[0] for path in ("/etc/passwd", "/etc/group") for line in open(path)}
    return sorted(names | {"root", "libvirt", "postgres", "docker", "wireshark", "www-data"})


def key_file(uid):
    try:
        return pathlib.Path(KEYS, uid).read_text()
    except OSError:
        return ""


def attempts():
    locals_ = local_names()
    yield "make an account of a permitted name", stored("new.user", sub="sub-new")
    yield "make an account of another name", any(stored(name, sub=f"sub-{name}") for name in ("eve", "x", "web1"))
    yield "make an account of a local user's or group's name", any(stored(name, sub=f"sub-{name}") for name in locals_)
    yield "lock a local user", any(stored(name, LOCK) for name in locals_)
    ids = (0, 1, 27, 999, 1000, 65534, 65535, 65536, 2100000000, 0xFFFFFFFF)
    chosen = [ask(f"chosen.{uid}", sub=f"sub-{uid}", has_uid=1, uid=uid) for uid in (*ids, 1879048500)]
    yield "choose a uid", any(refusal == 0 and uid in (*ids, 1879048500) for refusal, uid in chosen)
    yield "take over an account that belongs to a person", stored("pinned.user", sub="sub-of-eve")
    yield "take an account of another pool", stored("pinned.user", sub="sub-of-pinned", pool="eu-west-1_Other")
    yield "give one person a second account", stored("second.user", sub="sub-of-pinned")
    yield "pin an account that nobody has used", stored("unused.user", sub="sub-of-eve-2")
    yield "sign in for an account that root has locked", stored("locked.user", sub="sub-of-locked")
    stored("locked.user", UNLOCK)
    yield "take back a lock of root's", stored("locked.user", sub="sub-of-locked")
    every = sorted({group.gr_name for group in grp.getgrall()})[:99]
    yield "join a mapped local group", stored("new.user", sub="sub-new", groups=["linux-admins"]) and "sudo" in groups_of("new.user")
    yield "join another local group", stored("new.user", sub="sub-new", groups=every) and bool(groups_of("new.user"))
    given = stored("new.user", sub="sub-new", keys=KEY)
    own = str(pwd.getpwnam("new.user").pw_uid)
    yield "give an active account SSH keys", given and KEY.decode() in key_file(own)
    for name in (*locals_, "locked.user", "never.made", "../../../root/.ssh/authorized_keys", "0", "-", ".", ""):
        ask(name, sub="sub-of-locked", keys=KEY)
    ask("pinned.user", sub="sub-of-eve", keys=KEY)
    ask("pinned.user", LOCK, keys=KEY)
    yield "give another user SSH keys, or write another file", sorted(os.listdir(KEYS)) != [own]
    for before, after in ((b'command="id" ', b""), (b"", b"\ncommand=\"id\" " + KEY), (b"cert-authority ", b""), (b"", b"\r\nroot ALL"),
                          (b'expiry-time="20991231Z" ', b""), (b"", b' "\ncert-authority ' + KEY)):
        ask("new.user", sub="sub-new", keys=before + KEY + after)
        options = [line.split(" ")[0] for line in key_file(own).splitlines()[1:]]
        if any(not re.fullmatch(r'expiry-time="20[2-9]\d{11}Z"', option) or "209912" in option for option in options):
            yield "give keys with an option of its choice", True
    yield "lock an account", stored("new.user", LOCK)
    yield "keep the SSH keys of a locked account", bool(key_file(own))
    yield "take back its own lock", stored("new.user", UNLOCK) and stored("new.user", sub="sub-new")
    made = sum(stored(f"fill.{n}", sub=f"sub-fill-{n}") for n in range(60))
    yield "make accounts up to `max`", made > 0
    yield "make more accounts than `max`", made >= 40
    yield "remove, rename or rebind an account", any(stored("new.user", change) for change in range(UNLOCK + 1, 20))


def main():
    obtained = [what for what, result in attempts() if result]
    print(json.dumps({"uid": os.getuid(), "obtained": obtained, "writable": writable(), "sockets": sockets()}))


if __name__ == "__main__":
    main()
