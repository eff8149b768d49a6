#!/usr/bin/env python3
"""machine_test.py LIBRARY PROBE: the keeper's file as libnss_cognitod and a reader in Python read it, large groups, disks
that are full or read-only, and a keeper that is killed at any point."""

import ctypes
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests/nss"), str(REPO / "tests/packaging")]

import private_machine  # noqa: E402  (needs the path above)
from accounts_image import HEADER, HEADER_FIELDS, USER  # noqa: E402
from library import Library  # noqa: E402
from model import Model  # noqa: E402
from private_machine import CONF, DEFAULT_CONF, FILE, write  # noqa: E402
from report import Report  # noqa: E402

NOTFOUND, UNAVAIL, SUCCESS = 0, -1, 1
FULL, BAD_CONFIGURATION, STORAGE = 21, 23, 26
KILLS = 500
PTRACE_TRACEME, PTRACE_SYSCALL = 0, 24
DATABASE = pathlib.Path("/var/lib/pam-cognito-accounts-db")
POOL = "eu-central-1_AbCdEfGhI"


class Keeper:
    def __init__(self, probe):
        self.probe = str(probe)

    def run(self, *words, root="/", **options):
        return subprocess.run([self.probe, root, *map(str, words)], capture_output=True, text=True, **options)

    def document(self, root="/"):
        done = self.run("export", root=root)
        if done.returncode:
            raise RuntimeError(f"export: {done.returncode} {done.stderr}")
        return json.loads(done.stdout)

    def start_loop(self, seed):
        return subprocess.Popen([self.probe, "/", "loop", str(seed)], stderr=subprocess.PIPE, text=True)


def account(name, uid, groups=(), state="active"):
    return {"name": name, "uid": uid, "state": state, "pool": POOL, "sub": f"sub-of-{name}", "shell": "",
            "locked_by": "" if state == "active" else "pool", "created_at": 1, "verified_at": 1,
            "cognito_groups": list(groups)}


def document_of(accounts, tombstones=()):
    return json.dumps({"format": "pam-cognito-accounts", "version": 1, "accounts": accounts,
                       "tombstones": list(tombstones)})


def check_agreement(report, keeper, library):
    """20,000 users: the library and the model answer the same."""
    people = [account(f"user.{n}", 0x70000000 + n, ["linux-admins"] if n % 2 else ["builders"],
                      "locked" if n % 10 == 9 else "active") for n in range(20000)]
    report.equal("an empty database is made", keeper.run("make").returncode, 0)
    report.equal("the empty file is valid", library.getpwnam(b"user.1")[0], NOTFOUND)
    report.equal("10,000 users at most", keeper.run("import", input=document_of(people)).returncode, FULL)
    write(CONF, DEFAULT_CONF.replace("[groups]", "max = 20000\n[groups]").encode())
    done = keeper.run("import", input=document_of(people))
    report.equal("20,000 users are imported", (done.returncode, done.stderr), (0, ""))
    model = Model(FILE.read_bytes(), CONF.read_bytes())
    wrong = []
    for n in random.Random(5).sample(range(20000), 1500):
        name, uid = f"user.{n}", 0x70000000 + n
        for ask in ((library.getpwnam(name.encode()), model.getpwnam(name.encode(), 1024)),
                    (library.getpwuid(uid), model.getpwuid(uid, 1024)),
                    (library.initgroups(name.encode(), uid), model.initgroups(name.encode(), uid))):
            if ask[0] != ask[1] or ask[0][0] != SUCCESS:
                wrong.append((name, *ask))
    report.equal("library and model find each user, and agree", wrong[:3], [])
    report.equal("a locked user is in no group", library.initgroups(b"user.9", 0x70000009)[2], ())
    report.equal("the last one is in its group", library.initgroups(b"user.19997", 0x70000000 + 19997)[2], (27,))
    for group, gid in ((b"sudo", 27), (b"docker", 995)):
        status, _, (_, found, members) = library.getgrnam(group)
        report.check(f"of {group.decode()} 64 active members are listed", (status, found, len(members)) == (SUCCESS, gid, 64) and
                     not any(member.endswith("9") for member in members) and sum(len(one) + 1 for one in members) <= 4096, members)
    started = time.monotonic()
    keeper.run("lock", "user.1")
    print(f"  a change with 20,000 users: {time.monotonic() - started:.2f} s")


def new_root(at):
    for name in ("etc/pam-cognito", "var/lib"):
        (at / name).mkdir(parents=True)
    (at / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (at / "etc/group").write_text("root:x:0:\nsudo:x:27:\n")
    write(at / "etc/pam-cognito/accounts.conf", DEFAULT_CONF.encode())


def check_disks(report, keeper):
    root = pathlib.Path("/mnt/image")
    new_root(root)
    report.equal("another root is not set up yet", keeper.run("export", root=root).returncode, BAD_CONFIGURATION)
    for part, name in (("pam-cognito-accounts", "of the file"), ("pam-cognito-accounts-db", "of the database")):
        mount = root / "var/lib" / part
        mount.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755,size=128k", "tmpfs", mount], check=True)
        report.equal(f"another root, small disk {name}: made", keeper.run("make", root=root).returncode, 0)
        keeper.run("add", "first", 0x70000001, root=root)
        image = root / "var/lib/pam-cognito-accounts/accounts.v1"
        before, bytes_before = keeper.document(root), image.read_bytes()
        (mount / "filler").write_bytes(b"")
        with open(mount / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError:
                pass
        done = keeper.run("add", "second", 0x70000002, root=root)
        report.equal(f"full disk {name}: refused", (done.returncode, bool(done.stderr)), (STORAGE, True))
        report.equal(f"full disk {name}: nothing changed", (keeper.document(root), image.read_bytes()), (before, bytes_before))
        report.check(f"full disk {name}: nothing is left", not list(mount.glob(".*.new")), list(mount.iterdir()))
        (mount / "filler").unlink()
        report.equal(f"room again {name}: added", keeper.run("add", "second", 0x70000002, root=root).returncode, 0)
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        done = keeper.run("add", "third", 0x70000003, root=root)
        report.equal(f"read-only disk {name}: refused", done.returncode, STORAGE)
        report.equal(f"read-only disk {name}: read", len(keeper.document(root)["accounts"]), 2)
        subprocess.run(["mount", "-o", "remount,rw", mount], check=True)
        subprocess.run(["umount", mount], check=True)
        for left in (root / "var/lib/pam-cognito-accounts", root / "var/lib/pam-cognito-accounts-db"):
            for path in left.glob("*") if left.exists() else ():
                path.unlink()


def users_of(data):
    """{name: uid} of an accounts file, without checks."""
    header = dict(zip(HEADER_FIELDS, HEADER.unpack_from(data)))
    start = header["users_offset"]
    records = USER.iter_unpack(data[start:start + header["user_count"] * USER.size])
    return {record[0].rstrip(b"\0").decode(): record[1] for record in records}


def check_kills(report, keeper, library):
    for directory in (FILE.parent, DATABASE):
        for path in directory.iterdir():
            path.unlink()
    keeper.run("make")
    known, faults, chance, kills = {}, [], random.Random(11), 0
    started = time.monotonic()
    while kills < KILLS and not faults:
        loop = keeper.start_loop(kills)
        time.sleep(chance.uniform(0.002, 0.06))
        if loop.poll() is not None:
            faults.append(f"the loop ended: {loop.stderr.read()}")
            break
        loop.kill()
        loop.wait()
        kills += 1
        asked = [library.getpwnam(name.encode()) for name in chance.sample(sorted(known), min(20, len(known)))]
        asked.append(library.getpwnam(b"nobody.here"))
        if any(answer[0] not in (SUCCESS, NOTFOUND) for answer in asked):
            faults.append(f"kill {kills}: the reader refuses the file: {asked}")
        published = users_of(FILE.read_bytes())
        document = keeper.document()
        now = {one["name"]: one["uid"] for one in document["accounts"] + document["tombstones"]}
        changed = [name for name, uid in known.items() if now.get(name) != uid]
        if changed:
            faults.append(f"kill {kills}: {changed[0]} had {known[changed[0]]}, and has {now.get(changed[0])}")
        ahead = [name for name, uid in published.items() if now.get(name) != uid]
        if ahead:
            faults.append(f"kill {kills}: {ahead[0]} was published, and the database does not have it")
        known = now
        live = {one["name"]: one["uid"] for one in document["accounts"]}
        if len(set(live.values())) != len(live):
            faults.append(f"kill {kills}: two accounts with one uid")
        for name, uid in chance.sample(sorted(live.items()), min(20, len(live))):
            answer = library.getpwnam(name.encode())
            if answer[0] != SUCCESS or answer[2][1] != uid:
                faults.append(f"kill {kills}: {name} has {uid}, the reader answers {answer}")
    seconds = time.monotonic() - started
    print(f"  {kills} kills, {len(known)} names, {seconds:.0f} s")
    report.equal("killed at any point: no uid changes, and the reader refuses no file", faults, [])
    report.equal("kills", kills, KILLS)
    report.check("the kills took names along", len(known) > 500, len(known))
    left = sorted(path.name for path in FILE.parent.iterdir())
    keeper.run("add", "last.one", 0x7C000000)
    report.check("a file that was left is removed by the next change",
                 [path.name for path in FILE.parent.iterdir()] == [FILE.name], left)


def killed_at_call(argv, number):
    """Runs a program and kills it before its system call of this number. False: it ended before."""
    libc = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        libc.ptrace(PTRACE_TRACEME, 0, None, None)
        os.execv(argv[0], argv)
    os.waitpid(child, 0)
    # Each call stops at its begin and at its end.
    for _ in range(2 * number - 1):
        libc.ptrace(PTRACE_SYSCALL, child, None, None)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return False
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def check_each_call(report, keeper, library):
    """A change that is killed before each of its system calls is made or not, and is never published alone."""
    name, uid = "call.user", 0x7A000000
    # Each run begins with the same files: a journal that a former run has left would change the number of calls.
    before = {path: path.read_bytes() for directory in (FILE.parent, DATABASE) for path in directory.iterdir()}
    faults, seen, number = [], [], 1
    while killed_at_call([keeper.probe, "/", "add", name, str(uid)], number):
        published = users_of(FILE.read_bytes()).get(name)
        answers = [library.getpwnam(name.encode())]
        stored = {one["name"]: one["uid"] for one in keeper.document()["accounts"]}.get(name)  # repairs
        answers.append(library.getpwnam(name.encode()))
        state = (published is not None, stored is not None)
        found = [answer[0] for answer in answers]
        if {published, stored} - {uid, None} or state == (True, False) or found != [SUCCESS if one else NOTFOUND for one in state]:
            faults.append((number, published, stored, answers))
        if state not in seen:
            seen.append(state)
        for directory in (FILE.parent, DATABASE):
            for path in directory.iterdir():
                path.unlink()
        for path, data in before.items():
            write(path, data, 0o644 if path == FILE else 0o600)
        number += 1
    print(f"  killed before each of {number - 1} system calls")
    report.equal("killed before each system call: made or not, and published only if made", faults[:3], [])
    report.equal("the states, in their order: neither, stored, stored and published", seen,
                 [(False, False), (False, True), (True, True)])


def main():
    path, probe = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    private_machine.enter(path)
    report = Report()
    keeper, library = Keeper(probe), Library(str(path))
    check_agreement(report, keeper, library)
    check_disks(report, keeper)
    check_kills(report, keeper, library)
    check_each_call(report, keeper, library)
    report.close()


if __name__ == "__main__":
    main()
