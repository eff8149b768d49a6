#!/usr/bin/env python3
"""reader_test.py LIBRARY PROBE STATIC-PROBE: libnss_cognitod as shipped, by libc's functions and by calls of its own:
its symbols, answers, conditions of processes, and files that it must refuse."""

import errno
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import threading

import private_machine
from accounts_image import LOCKED, User, image, name_key
from library import Library
from private_machine import ACCOUNTS, CONF, CONF_DIRECTORY, DEFAULT_CONF, FILE, write

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests/packaging"))

from report import Report  # noqa: E402  (needs the path above)

ALICE, LOCKED_USER = 0x70000001, 0x70000002
USERS = [User("alice.smith", ALICE, groups=["sudo", "docker"]), User("gone.user", LOCKED_USER, LOCKED, groups=["sudo"]),
         User("zoe.new", 0x70000003, shell="/bin/sh"), User("odd.shell", 0x70000004, shell="/tmp/evil"),
         User("carol", 0x70000005, groups=["sudo"])]
GROUPS = [("sudo", 27), ("docker", 995)]
LINE = f"alice.smith:*:{ALICE}:{ALICE}::/home/alice.smith:/bin/bash"
FUNCTIONS = {"getpwnam_r", "getpwuid_r", "setpwent", "getpwent_r", "endpwent", "getgrnam_r", "getgrgid_r", "setgrent",
             "getgrent_r", "endgrent", "initgroups_dyn"}
NOTFOUND, UNAVAIL, SUCCESS = 0, -1, 1


def shown(*argv, **options):
    return subprocess.run([str(word) for word in argv], text=True, capture_output=True, **options)


def restore():
    os.chmod(ACCOUNTS, 0o755)
    os.chown(ACCOUNTS, 0, 0)
    if FILE.is_symlink() or FILE.exists():
        FILE.unlink()
    write(FILE, image(USERS, GROUPS))
    write(CONF, DEFAULT_CONF.encode())
    os.chmod(CONF_DIRECTORY, 0o755)
    os.chown(CONF_DIRECTORY, 0, 0)


def check_linking(report, path):
    dynamic = shown("readelf", "--dynamic", "--wide", path).stdout
    report.equal("needs libc alone", set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
                 - {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}, {"libc.so.6"})
    report.check("has the name that libc looks for", "[libnss_cognitod.so.2]" in dynamic, dynamic)
    exported = {line.split()[-1].split("@")[0] for line in shown("nm", "--dynamic", "--defined-only", path).stdout.splitlines()}
    report.equal("exports its functions alone", exported, {f"_nss_cognitod_{name}" for name in (*FUNCTIONS, "seen_by_sshd")})
    used = {line.split()[-1].split("@")[0] for line in shown("nm", "--dynamic", "--undefined-only", path).stdout.splitlines()}
    permitted = {"__errno_location", "__stack_chk_fail", "__stack_chk_guard", "close", "fstat", "fstat64", "fstatat",
                 "fstatat64", "open", "open64", "__open_2", "__open64_2", "pread", "pread64", "__pread_chk", "__pread64_chk", "memcmp",
                 "memcpy", "memset", "memmove", "__memcpy_chk", "strlen", "strnlen", "realloc", "pthread_setcancelstate",
                 "_r_debug", "__cxa_finalize", "__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "bcmp",
                 # For root's sshd: the process, its program, and the fleet key that is wiped.
                 "getuid", "geteuid", "getauxval", "readlink", "__readlink_chk", "explicit_bzero", "__explicit_bzero_chk"}
    report.equal("calls nothing that maps, starts threads, reads the environment or writes", sorted(used - permitted), [])


def check_answers(report, library, probe, static_probe):
    restore()
    for command, wanted in (
            (["getent", "passwd", "alice.smith"], LINE),
            (["getent", "passwd", str(ALICE)], LINE),
            (["getent", "passwd", "zoe.new"], f"zoe.new:*:{0x70000003}:{0x70000003}::/home/zoe.new:/bin/sh"),
            (["getent", "passwd", "odd.shell"], f"odd.shell:*:{0x70000004}:{0x70000004}::/home/odd.shell:/bin/bash"),
            (["getent", "passwd", "gone.user"], f"gone.user:*:{LOCKED_USER}:{LOCKED_USER}::/home/gone.user:/usr/sbin/nologin"),
            (["getent", "passwd", "carol"], "carol:x:1000:1000::/:/bin/sh"),
            (["getent", "passwd", "nobody.here"], ""), (["getent", "passwd", "1879048200"], ""),
            (["getent", "group", "alice.smith"], f"alice.smith:*:{ALICE}:"),
            (["getent", "group", str(ALICE)], f"alice.smith:*:{ALICE}:"),
            (["getent", "group", "docker"], "docker:x:995:alice.smith"),
            (["id", "alice.smith"], f"uid={ALICE}(alice.smith) gid={ALICE}(alice.smith) groups={ALICE}(alice.smith),27(sudo),995(docker)"),
            (["id", "-G", "gone.user"], str(LOCKED_USER)),
            (["id", "-G", "zoe.new"], str(0x70000003)),
            (["id", "-Gn", "carol"], "carol sudo")):
        done = shown(*command)
        report.equal(" ".join(command), done.stdout.strip(), wanted)
    # libc merges the local group with that of accounts.db; carol is in both.
    report.equal("sudo has its local and its mapped members", shown("getent", "group", "sudo").stdout.strip(),
                 "sudo:x:27:carol,alice.smith,carol")
    report.check("enumeration is off by default", ".smith" not in shown("getent", "passwd").stdout)
    report.equal("a local user of the same name gets no group", library.initgroups(b"carol", 1000), (NOTFOUND, 0, ()))
    write(CONF, DEFAULT_CONF.replace("[groups]", "enumerate = yes\n[groups]").encode())
    for kind in ("pw", "gr"):
        found, last = library.list_of(kind)
        report.equal(f"get{kind}ent lists all users, if it is on", (sorted(one[0] for one in found), last[0]),
                     (sorted(user.name.decode() for user in USERS), NOTFOUND))
        found, last = library.list_of(kind, size=3)
        report.equal(f"get{kind}ent with a small buffer", (found, last[:2]), ([], (-2, errno.ERANGE)))
    restore()
    write(CONF, DEFAULT_CONF.replace("sudo = linux-admins\n", "").encode())
    report.equal("a group that is not mapped is not answered", library.getgrnam(b"sudo")[0], NOTFOUND)
    report.equal("a group that is not mapped has no members", library.initgroups(b"alice.smith", ALICE), (SUCCESS, 0, (995,)))
    restore()
    write(CONF, DEFAULT_CONF.replace("1879048192-", "1879048195-").encode())
    for question in (lambda: library.getpwnam(b"alice.smith"), lambda: library.getpwuid(ALICE),
                     lambda: library.getgrnam(b"alice.smith"), lambda: library.getgrgid(ALICE),
                     lambda: library.initgroups(b"alice.smith", ALICE)):
        report.equal("a uid outside the range is refused", question()[:2], (UNAVAIL, errno.EPERM))
    restore()
    write(FILE, image(USERS, [("sudo", 27), ("docker", 0x70000100)]))
    report.equal("a failed call adds no group: libc would keep it", shown("id", "-G", "alice.smith").stdout.strip(), str(ALICE))
    restore()
    wanted = LINE + f"\n{ALICE} 27 995 \n"
    for condition in ("none", "closed", "as", "fsize", "stack", "fork", "umask"):
        done = shown(probe, condition, "alice.smith")
        report.equal(f"condition {condition}", (done.returncode, done.stdout), (0, wanted))
    # Those of accounts.conf are among them. Root's look-up of an unknown name needs them, too: it may be sshd's.
    done = shown(probe, "reads", "alice.smith")
    report.equal("reads of each function", done.stdout.split("\n")[:-1],
                 ["getpwnam 4", "getpwuid 5", "getgrnam 5", "getgrgid 6", "getgrnam_sudo 4", "getgrouplist 5", "unknown 4"])
    done = shown(probe, "nofile", "alice.smith")
    report.equal("condition nofile", (done.returncode, done.stdout), (3, "EMFILE\n"))
    done = shown(probe, "guard", "alice.smith")
    report.equal("a stack that is too small ends the process at its guard page", (done.returncode, done.stdout),
                 (0, "some enough, some too small, 0 overrun\n"))
    done = shown(static_probe, "none", "alice.smith")
    report.equal("a static program of the release", (done.returncode, done.stdout), (0, wanted))
    # Two groups besides the user's own, and arrays of 1, 2, 3, 4 and 100 places.
    done, all_groups = shown(probe, "groups", "alice.smith"), f"{ALICE} 27 995 of 3\n" * 3
    report.equal("an array that is too small grows", (done.returncode, done.stdout),
                 (0, f"{ALICE} of 3, too small\n{ALICE} 27 of 3, too small\n{all_groups}"))
    done = shown(static_probe, "groups", "alice.smith")
    report.equal("a static program's array cannot grow: all groups or none", (done.returncode, done.stdout),
                 (0, f"{ALICE} of 1\n" * 2 + all_groups))
    write(FILE, image([User("all.groups", ALICE, groups=[f"g{n}" for n in range(64)])], [(f"g{n}", 2000 + n) for n in range(64)]))
    write(CONF, ("[groups]\n" + "".join(f"g{n} = a\n" for n in range(64))).encode())
    every = " ".join(str(gid) for gid in (ALICE, *range(2000, 2064)))
    done = shown(static_probe, "groups", "all.groups")
    report.equal("a static program and 64 groups", (done.returncode, done.stdout), (0, f"{ALICE} of 1\n" * 4 + f"{every} of 65\n"))
    done = shown(probe, "groups", "all.groups")
    report.equal("the array grows to 64 groups", (done.returncode, done.stdout.splitlines()[-1]), (0, f"{every} of 65"))
    restore()
    done = shown("env", "HOME=/tmp", "LD_PRELOAD=", "NSS_COGNITOD=/tmp/x", "setpriv", "--reuid=1000", "--clear-groups",
                 "--no-new-privs", probe, "none", "alice.smith")
    report.equal("as a user", (done.returncode, done.stdout), (0, wanted))
    copy = pathlib.Path("/mnt/probe")
    copy.write_bytes(pathlib.Path(probe).read_bytes())
    copy.chmod(0o4755)
    done = shown("setpriv", "--reuid=1000", "--clear-groups", copy, "none", "alice.smith")
    report.equal("a set-uid program", (done.returncode, done.stdout), (0, wanted))


def asks(library):
    """The statuses of a known and an unknown name, of a known uid, and of the groups."""
    return {library.getpwnam(b"alice.smith")[0], library.getpwuid(ALICE)[0], library.getpwnam(b"nobody.here")[0],
            library.getgrnam(b"sudo")[0], library.initgroups(b"alice.smith", ALICE)[0],
            library.initgroups(b"nobody.here", ALICE)[0]}


def check_refused_files(report, library):
    good = image(USERS, GROUPS)

    def as_link():
        FILE.rename(ACCOUNTS / "elsewhere")
        FILE.symlink_to("elsewhere")

    def as_fifo():
        FILE.unlink()
        os.mkfifo(FILE, 0o644)

    def as_directory():
        FILE.unlink()
        FILE.mkdir()

    def as_device():
        FILE.unlink()
        os.mknod(FILE, 0o20644, os.makedev(1, 5))

    def as_linked_directory():
        ACCOUNTS.rename(ACCOUNTS.with_name("elsewhere"))
        ACCOUNTS.symlink_to("elsewhere")

    cases = {"missing": FILE.unlink, "a symbolic link": as_link, "a FIFO": as_fifo, "a directory": as_directory,
             "a device": as_device,
             "of another owner": lambda: os.chown(FILE, 990, 0), "group-writable": lambda: FILE.chmod(0o664),
             "world-writable": lambda: FILE.chmod(0o646), "empty": lambda: write(FILE, b""),
             "cut in the header": lambda: write(FILE, good[:100]), "cut": lambda: write(FILE, good[:-1]),
             "longer": lambda: write(FILE, good + b"\0"), "zeros": lambda: write(FILE, bytes(len(good))),
             "of another version": lambda: write(FILE, good[:8] + b"\2" + good[9:]),
             "in a group-writable directory": lambda: os.chmod(ACCOUNTS, 0o775),
             "in a sticky directory for all": lambda: os.chmod(ACCOUNTS, 0o1777),
             "in another owner's directory": lambda: os.chown(ACCOUNTS, 990, 0), "in a linked directory": as_linked_directory}
    for name, make in cases.items():
        restore()
        make()
        report.equal(f"an accounts file {name}: UNAVAIL", asks(library), {UNAVAIL})
        if FILE.is_dir() and not FILE.is_symlink():
            FILE.rmdir()
        if ACCOUNTS.is_symlink():
            ACCOUNTS.unlink()
            ACCOUNTS.with_name("elsewhere").rename(ACCOUNTS)
    cases = {"missing": CONF.unlink, "of another owner": lambda: os.chown(CONF, 990, 0),
             "world-writable": lambda: CONF.chmod(0o646), "in another owner's directory": lambda: os.chown(CONF_DIRECTORY, 990, 0),
             "in a world-writable directory": lambda: os.chmod(CONF_DIRECTORY, 0o777),
             "damaged": lambda: write(CONF, b"[accounts]\nrange = 0-9\n"), "too large": lambda: write(CONF, b"#" * 9000)}
    for name, make in cases.items():
        restore()
        make()
        answers = {library.getpwnam(b"alice.smith")[0], library.getpwuid(ALICE)[0], library.getgrnam(b"sudo")[0],
                   library.initgroups(b"alice.smith", ALICE)[0]}
        report.equal(f"accounts.conf {name}: UNAVAIL", answers, {UNAVAIL})
        report.equal(f"accounts.conf {name}: local users are found", shown("id", "-un", "carol").stdout.strip(), "carol")
    restore()
    report.equal("repaired: answered again", library.getpwnam(b"alice.smith")[0], SUCCESS)


def check_buffers(report, library):
    restore()
    for question, key in ((library.getpwnam, b"alice.smith"), (library.getpwuid, ALICE), (library.getgrnam, b"sudo"),
                          (library.getgrgid, ALICE)):
        sizes = [size for size in range(200) if question(key, size)[0] == SUCCESS]
        small = {question(key, size)[:2] for size in range(sizes[0])}
        report.check(f"{question.__name__}: each smaller buffer is ERANGE, each larger one succeeds",
                     small == {(-2, errno.ERANGE)} and sizes == list(range(sizes[0], 200)), (small, sizes[:3]))


def check_members(report, library):
    """20,000 mapped people do not change what a local administrator's PAM lines see."""
    people = [User(f"user.{n}", 0x70000000 + n, groups=["sudo"]) for n in range(20000)]
    write(FILE, image(people, GROUPS))
    status, _, (_, _, members) = library.getgrnam(b"sudo")
    report.check("of 20,000 members 64 are listed, in 4 KiB", status == SUCCESS and len(members) == 64 and
                 sum(len(one) + 1 for one in members) <= 4096, len(members))
    report.equal("the last of them has the group all the same", library.initgroups(b"user.19999", 0x70000000 + 19999),
                 (SUCCESS, 0, (27,)))
    report.check("all of them are found by name and uid", all(
        library.getpwnam(f"user.{n}".encode())[2][1] == 0x70000000 + n and library.getpwuid(0x70000000 + n)[2][0] == f"user.{n}"
        for n in range(0, 20000, 7)))
    report.equal("a local administrator is a member", "carol" in shown("getent", "group", "sudo").stdout.split(":")[3].strip().split(","),
                 True)


def check_reserved_names(report, library):
    """A package's user gets neither the uid nor the groups of a record, and a package can create it."""
    restore()
    names = ("docker", "postgres", "libvirt-qemu", "_chrony", "systemd-network", "zookeeper", "abuse")
    first = 0x70000100
    records = [User(name, first + n, groups=["sudo"]) for n, name in enumerate(names)]
    write(FILE, image(USERS + records, GROUPS))
    for n, name in enumerate(names):
        uid = first + n
        report.equal(f"the reserved name {name} is absent", (library.getpwnam(name.encode())[0],
                     library.initgroups(name.encode(), uid)[0], library.initgroups(name.encode(), 0xFFFFFFFF)),
                     (NOTFOUND, NOTFOUND, (NOTFOUND, 0, ())))
        report.equal(f"the uid of {name} is refused: it is taken", (library.getpwuid(uid)[:2], library.getgrgid(uid)[:2]),
                     ((UNAVAIL, errno.EPERM),) * 2)
        if name != "docker":
            report.equal(f"{name} has no private group", library.getgrnam(name.encode())[0], NOTFOUND)
    report.equal("a mapped group of a reserved name is answered", library.getgrnam(b"docker")[2],
                 ("docker", 995, ("alice.smith",)))
    report.equal("reserved names are no members", library.getgrnam(b"sudo")[2], ("sudo", 27, ("alice.smith", "carol")))
    report.equal("beside them, users are found", (library.getpwnam(b"alice.smith")[0], library.getpwuid(ALICE)[0],
                 library.getpwnam(b"dockers")[0]), (SUCCESS, SUCCESS, NOTFOUND))
    write(CONF, DEFAULT_CONF.replace("[groups]", "enumerate = yes\n[groups]").encode())
    for kind in ("pw", "gr"):
        found, last = library.list_of(kind)
        report.equal(f"get{kind}ent lists no reserved name", (sorted(one[0] for one in found), last[0]),
                     (sorted(user.name.decode() for user in USERS), NOTFOUND))
    FILE.unlink()
    report.equal("a reserved name needs no file", (library.getpwnam(b"postgres")[0], library.initgroups(b"postgres", first)[0]),
                 (NOTFOUND, NOTFOUND))
    # groupadd and systemd-sysusers see that the name is free: the record would have kept them from creating it.
    restore()
    write(FILE, image(USERS + records, GROUPS))
    report.equal("groupadd creates the group of a package", shown("groupadd", "--system", "zookeeper").returncode, 0)
    report.check("and it has its own gid", int(shown("getent", "group", "zookeeper").stdout.split(":")[2]) < 1000)
    shown("groupdel", "zookeeper")
    if shutil.which("systemd-sysusers"):  # a tree without systemd has none
        done = shown("systemd-sysusers", "--inline", "u postgres - -")
        report.equal("systemd-sysusers creates the user of a package", (done.returncode, done.stderr.count("Creating user")), (0, 1))
        report.check("and it has its own uid", int((shown("id", "-u", "postgres").stdout or "-1").strip()) in range(1000))
        for database in ("passwd", "group"):
            file = pathlib.Path("/etc", database)
            file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith("postgres:")))
    restore()


def check_bucket(report, library):
    """A bucket has 30 entries at most."""
    restore()
    names = [name for name in (f"u.{n}" for n in range(200)) if name_key(7, name.encode()) >> 63 == 0]
    for count, wanted in ((30, SUCCESS), (31, UNAVAIL)):
        write(FILE, image([User(name, 0x70000000 + n) for n, name in enumerate(names[:count])], bits=1))
        report.equal(f"a bucket of {count} names", {library.getpwnam(name.encode())[0] for name in names[:count]}, {wanted})
    restore()


def check_changes(report, library):
    """The file is cut, grown and replaced in place while it is read: each answer is right or no answer."""
    small, large = image(USERS, GROUPS), image(USERS + [User(f"u.{n}", 0x70001000 + n) for n in range(200)], GROUPS, generation=2)
    end = threading.Event()

    def change():
        target = os.open(FILE, os.O_RDWR)
        while not end.is_set():
            for data in (small, b"", large, small[:300], bytes(2000)):
                os.ftruncate(target, 0)
                os.pwrite(target, data, 0)
        os.close(target)
    restore()
    changer = threading.Thread(target=change)
    changer.start()
    answers = {}
    for _ in range(20000):
        for answer in (library.getpwnam(b"alice.smith"), library.getpwuid(ALICE)):
            answers[answer] = answers.get(answer, 0) + 1
        if library.getpwnam(b"nobody.here")[0] == SUCCESS:
            answers["nobody"] = 1
    end.set()
    changer.join()
    right = {(SUCCESS, 0, ("alice.smith", ALICE, ALICE, "", "/home/alice.smith", "/bin/bash")), (UNAVAIL, errno.EIO, None)}
    report.check("changed while it is read: right or UNAVAIL", set(answers) <= right, answers)
    restore()


def main():
    path, probe, static_probe = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    private_machine.enter(path)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    report = Report()
    library = Library(str(path))
    check_linking(report, path)
    check_answers(report, library, probe, static_probe)
    check_refused_files(report, library)
    check_buffers(report, library)
    check_members(report, library)
    check_reserved_names(report, library)
    check_bucket(report, library)
    check_changes(report, library)
    report.close()


if __name__ == "__main__":
    main()
