#!/usr/bin/env python3
"""experiments_test.py LIBRARY PROBE NSS-PROBE: experiments that succeeded against prototypes of users without local accounts
(docs/reviews/accounts-reader-writer.md, "Experiments"), each with the refused outcome. The other experiments are in the tests
that the page names."""

import ctypes
import json
import os
import pathlib
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests/nss"), str(REPO / "tests/packaging")]

import private_machine  # noqa: E402  (needs the path above)
from library import Library  # noqa: E402
from private_machine import CONF, DEFAULT_CONF, FILE, write  # noqa: E402
from report import Report  # noqa: E402

NOTFOUND, UNAVAIL, SUCCESS = 0, -1, 1
PAM_SUCCESS, PAM_SILENT = 0, 0x8000
FIRST = 0x70000000
SERVICE = pathlib.Path("/etc/pam.d/local-administrators")


class Conversation(ctypes.Structure):
    _fields_ = [("converse", ctypes.c_void_p), ("data", ctypes.c_void_p)]


def authenticates(user, line):
    """Whether a PAM stack of one line accepts the user. In a process of its own, as each sudo is."""
    SERVICE.write_text(f"auth {line}\n")
    child = os.fork()
    if child == 0:
        pam = ctypes.CDLL("libpam.so.0")
        handle, conversation = ctypes.c_void_p(), Conversation()
        if pam.pam_start(SERVICE.name.encode(), user.encode(), ctypes.byref(conversation), ctypes.byref(handle)) != PAM_SUCCESS:
            os._exit(2)
        os._exit(0 if pam.pam_authenticate(handle, PAM_SILENT) == PAM_SUCCESS else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def shown(*argv):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True).stdout.strip()


def store(probe, count):
    """Accounts user.0 to user.COUNT, all of them in the Cognito group that is mapped to sudo."""
    for directory in (FILE.parent, pathlib.Path("/var/lib/pam-cognito-accounts-db")):
        for path in directory.iterdir() if directory.exists() else ():
            path.unlink()
    subprocess.run([probe, "/", "make"], check=True)
    accounts = [{"name": f"user.{n}", "uid": FIRST + n, "state": "active", "pool": "eu-west-1_AbCdEfGhI", "sub": f"s{n}", "shell": "",
                 "locked_by": "", "created_at": 1, "verified_at": 1, "cognito_groups": ["linux-admins"]} for n in range(count)]
    document = {"format": "pam-cognito-accounts", "version": 1, "accounts": accounts, "tombstones": []}
    subprocess.run([probe, "/", "import"], input=json.dumps(document), text=True, check=True)


def e1_a_program_that_calls_itself_sshd(report, nss_probe, library):
    """`exec -a sshd su zoe.new` got the uid of a name that has no record."""
    copy = pathlib.Path("/mnt/probe")
    copy.write_bytes(nss_probe.read_bytes())
    copy.chmod(0o4755)
    for who, words in (("root", []), ("a local user, by a set-uid program", ["setpriv", "--reuid=1000", "--clear-groups"])):
        done = subprocess.run([*words, "bash", "-c", f"exec -a sshd {copy} none zoe.new"], capture_output=True, text=True)
        report.equal(f"E1, {who}: no such user", (done.returncode, done.stdout), (2, ""))
        done = subprocess.run([*words, "bash", "-c", f"exec -a /usr/sbin/sshd {copy} none user.1"], capture_output=True, text=True)
        report.equal(f"E1, {who}: a user with a record", (done.returncode, done.stdout.split(":")[0]), (0, "user.1"))
    done = subprocess.run(["setpriv", "--reuid=1000", "--clear-groups", "bash", "-c", "exec -a sshd su zoe.new -c id"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    report.check("E1: su knows no such user", done.returncode != 0 and "zoe.new does not exist" in done.stderr, done)
    report.equal("E1: nor does the library", library.getpwnam(b"zoe.new")[0], NOTFOUND)


def e15_many_mapped_people(report, probe):
    """20,000 people in the mapped group sudo made PAM lines for carol, a local administrator, fail."""
    for count in (0, 64, 20000):
        store(probe, count)
        listed = shown("getent", "group", "sudo").split(":")[3].split(",")
        report.equal(f"E15, {count} people: members that are listed", len(listed), min(count, 64) + 1)
        for line in ("required pam_succeed_if.so quiet user ingroup sudo", "required pam_succeed_if.so quiet user notingroup docker"):
            report.check(f"E15, {count} people: {line}", authenticates("carol", line))
        report.check(f"E15, {count} people: carol is not in docker", not authenticates("carol", "required pam_succeed_if.so quiet user ingroup docker"))
    report.check("E15: the last of them is in sudo, too", "27" in shown("id", "-G", "user.19999").split())


def e20_the_local_groups(report):
    """A merged local group stays whole when our part of it is absent, torn, refused or has no module."""
    good = FILE.read_bytes()
    module = pathlib.Path("/mnt/lib/libnss_cognitod.so.2")
    cases = {"absent": FILE.unlink, "empty": lambda: write(FILE, b""), "torn": lambda: write(FILE, good[:len(good) // 2]),
             "zeros": lambda: write(FILE, bytes(len(good))), "of another owner": lambda: os.chown(FILE, 1000, 0),
             "the module is gone": module.unlink, "the module is no library": lambda: module.write_bytes(b"junk")}
    library = module.read_bytes()
    for name, make in cases.items():
        make()
        report.equal(f"E20, {name}: sudo has its local member", shown("getent", "group", "sudo"), "sudo:x:27:carol")
        report.equal(f"E20, {name}: carol has her groups", shown("id", "-Gn", "carol"), "carol sudo")
        report.equal(f"E20, {name}: root is root", shown("id", "-u", "root"), "0")
        write(FILE, good)
        module.unlink(missing_ok=True)
        module.write_bytes(library)
        module.chmod(0o755)
    report.check("E20: and all is back", "user.1" in shown("getent", "group", "sudo"))


def e22_a_damaged_name(report, library):
    """One damaged byte of a stored name made the name unknown, and so new: it got another uid."""
    good = FILE.read_bytes()
    at = good.index(b"user.1\0")
    for offset in range(7):
        bad = bytearray(good)
        bad[at + offset] ^= 1
        write(FILE, bytes(bad))
        report.equal(f"E22, byte {offset} of the name: no answer, and not \"unknown\"",
                     (library.getpwnam(b"user.1")[0], library.getpwuid(FIRST + 1)[0]), (UNAVAIL, UNAVAIL))
    bad = bytearray(good)
    bad[at + 32] ^= 1
    write(FILE, bytes(bad))
    report.equal("E22, the uid: no answer", library.getpwnam(b"user.1")[0], UNAVAIL)
    write(FILE, good)
    report.equal("E22: repaired", library.getpwnam(b"user.1")[2][1], FIRST + 1)


def main():
    path, probe, nss_probe = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    private_machine.enter(path)
    write(CONF, DEFAULT_CONF.replace("[groups]", "names = *.*\nmax = 30000\n[groups]").encode())
    report = Report()
    library = Library(str(path))
    store(probe, 3)
    e1_a_program_that_calls_itself_sshd(report, nss_probe, library)
    e20_the_local_groups(report)
    e22_a_damaged_name(report, library)
    e15_many_mapped_people(report, probe)
    report.close()


if __name__ == "__main__":
    main()
