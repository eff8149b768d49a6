#!/usr/bin/env python3
"""The scripts of libnss-cognitod on /etc/nsswitch.conf: as shipped, with another root directory (DPKG_ROOT)."""

import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests/packaging"))

from report import Report  # noqa: E402  (needs the path above)

DEBIAN_12 = """\
# /etc/nsswitch.conf
#
# Example configuration of GNU Name Service Switch functionality. passwd: cognitod

passwd:         files systemd
group:          files systemd
shadow:         files systemd
gshadow:        files systemd

hosts:          files dns
"""
# Before, after the installation. None: left alone. The removal restores each. The editor of `cognitoctl setup`
# (tests/cli/nsswitch_test.cc) is tested with the same lines.
LINES = json.loads((REPO / "tests/data/nsswitch-lines.json").read_text(encoding="utf-8"))
# dh_installnss appends its word; removal takes it and an action behind it.
FOREIGN = ("systemd", "sss", "winbind")


class Machine:
    def __init__(self, folder, text):
        self.root = pathlib.Path(folder)
        (self.root / "etc").mkdir(exist_ok=True)
        self.path = self.root / "etc/nsswitch.conf"
        if text is not None:
            self.path.write_text(text)

    def _try(self, script, *arguments, **environment):
        return subprocess.run(["sh", REPO / f"debian/libnss-cognitod.{script}", *arguments], text=True,
                              capture_output=True, env=os.environ | {"DPKG_ROOT": str(self.root)} | environment)

    def _run(self, script, *arguments, **environment):
        done = self._try(script, *arguments, **environment)
        if done.returncode:
            raise SystemExit(f"{script} {arguments} failed: {done.stderr}")
        return done.stderr

    def install(self):
        return self._run("postinst", "configure", "")

    def upgrade(self):
        return self._run("postinst", "configure", "0.2.0")

    def remove(self, count="1"):
        return self._run("prerm", "remove", DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=count)

    def try_to_remove(self, count="1"):
        return self._try("prerm", "remove", DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=count)

    def processes(self, *uids):
        """One process for each four uids; None: /proc is not mounted."""
        shutil.rmtree(self.root / "proc", ignore_errors=True)
        for pid, four in enumerate(uids, 100):
            folder = self.root / f"proc/{pid}"
            folder.mkdir(parents=True)
            folder.joinpath("status").write_text(f"Name:\tUid: 1\nPid:\t{pid}\nPPid:\t1\nUid:\t" + "\t".join(map(str, four))
                                                 + "\nGid:\t1879048192\t0\t0\t0\n")

    def accounts_conf(self, text):
        path = self.root / "etc/pam-cognito/accounts.conf"
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)

    def install_foreign(self, word):
        text = self.path.read_text()
        if not re.search(rf"^group:[^#]*\s{word}(\s|$)", text, re.M):
            self.path.write_text(re.sub(r"^((?:passwd|group):\s[^#\n]*)$", rf"\1 {word}", text, flags=re.M))

    def remove_foreign(self, word):
        text = re.sub(rf"\s{word}\s+\[!?[A-Za-z]+=[A-Za-z]+\](?=\s|$)", "", self.path.read_text(), flags=re.M)
        self.path.write_text(re.sub(rf"[ \t]{word}(?=\s|$)", "", text, flags=re.M))

    def words(self, line):
        return re.search(rf"^{line}:(.*)$", self.path.read_text(), re.M).group(1).split()

    def names(self):
        return sorted(path.name for path in (self.root / "etc").iterdir())


def check_lines(report, folder):
    for before, after in LINES:
        machine = Machine(folder, before + "\n")
        said = machine.install()
        report.equal(f"{before!r}: installed", machine.path.read_text(), (after or before) + "\n")
        if after is None and re.match(r"(passwd|group):", before):
            report.check(f"{before!r}: reported", "was not changed" in said, said)
        installed = machine.path.read_text()
        machine.install()
        report.equal(f"{before!r}: twice", machine.path.read_text(), installed)
        machine.remove()
        report.equal(f"{before!r}: restored", machine.path.read_text(), before + "\n")


def check_file(report, folder):
    machine = Machine(folder, DEBIAN_12)
    machine.path.chmod(0o640)
    os.chown(machine.path, 1, 2)
    report.equal("Debian's file: nothing is reported", machine.install(), "")
    status = machine.path.stat()
    report.equal("Debian's file: the same mode and owner", (status.st_mode & 0o777, status.st_uid, status.st_gid),
                 (0o640, 1, 2))
    report.equal("Debian's file: both lines", (machine.words("passwd"), machine.words("group")),
                 (["files", "cognitod", "systemd"], ["files", "[SUCCESS=merge]", "cognitod", "systemd"]))
    report.equal("Debian's file: nothing is left beside it", machine.names(), ["nsswitch.conf"])
    before = machine.path.read_bytes()
    machine.remove(count="2")
    report.equal("the other architecture's library stays: no change", machine.path.read_bytes(), before)
    machine.remove()
    report.equal("Debian's file: restored byte by byte", machine.path.read_text(), DEBIAN_12)
    machine.upgrade()
    report.equal("an upgrade does not add the service again", machine.path.read_text(), DEBIAN_12)
    for text in ("passwd: files\ngroup: files", "group: files\n\n\npasswd: files\n\n\n"):
        machine = Machine(folder, text)
        machine.install()
        machine.remove()
        report.equal(f"{text!r}: restored with its end", machine.path.read_text(), text)


# accounts.conf, the uids of a process, and whether the removal is refused.
RANGE = "[accounts]\nrange = 1900000000-1900000009\n"
REMOVALS = [
    (None, (1879048192,) * 4, False),
    ("", (1879048192,) * 4, True), ("", (2099999999,) * 4, True), ("", (1879048191,) * 4, False),
    ("", (2100000000,) * 4, False), ("", (0,) * 4, False), ("", (1000, 1000, 1879048192, 1000), True),
    (RANGE, (1900000009,) * 4, True), (RANGE, (1900000010,) * 4, False), (RANGE, (0, 0, 0, 1900000000), True),
    ("[groups]\nrange = 1900000000-1900000009\n", (1879048192,) * 4, True),
    (RANGE + "range=1950000000 - 1950000001", (1950000001,) * 4, True), ("# range = 1-2\n", (1879048192,) * 4, True),
    ("[accounts]\nrange = none\n", (1879048192,) * 4, True),
]


def check_processes(report, folder):
    machine = Machine(folder, DEBIAN_12)
    machine.install()
    installed = machine.path.read_text()
    for conf, uids, refused in REMOVALS:
        name = f"{conf!r}, a process of {uids}"
        machine.path.write_text(installed)
        machine.accounts_conf(conf)
        machine.processes((0, 0, 0, 0), uids, (1000,) * 4)
        done = machine.try_to_remove()
        report.equal(f"{name}: the removal is refused: {refused}",
                     (done.returncode, machine.path.read_text()), (1, installed) if refused else (0, DEBIAN_12))
        if refused:
            uid = next(uid for uid in uids if uid > 1000)
            report.check(f"{name}: the report names it", f"such as 101 of uid {uid}" in done.stderr, done.stderr)
    machine.accounts_conf("")
    machine.processes((1879048192,) * 4)
    report.equal("the other architecture's library stays: not refused", machine.try_to_remove("2").returncode, 0)
    report.equal("an upgrade is not refused", machine._try("prerm", "upgrade", "0.3.0").returncode, 0)
    machine.processes()
    report.equal("without processes: not refused", machine.try_to_remove().returncode, 0)
    shutil.rmtree(machine.root / "etc/pam-cognito")


def check_edited(report, folder):
    """An administrator has moved the service or written an action behind it."""
    for installed, removed in (("passwd: cognitod files", "passwd: files"), ("passwd:cognitod files", "passwd: files"),
                               ("passwd: files  cognitod [NOTFOUND=return] sss", "passwd: files  sss"),
                               ("group: files [SUCCESS=merge] cognitod [UNAVAIL=return] sss", "group: files sss"),
                               ("group: sss cognitod", "group: sss"), ("passwd: files cognitod2", "passwd: files cognitod2")):
        machine = Machine(folder, installed + "\n")
        machine.remove()
        report.equal(f"{installed!r}: removed", machine.path.read_text().split(), removed.split())


def check_orders(report, folder):
    for order in itertools.permutations(("cognitod", *FOREIGN)):
        machine = Machine(folder, "passwd: files\ngroup: files\n")
        for word in order:
            machine.install() if word == "cognitod" else machine.install_foreign(word)
        others = [word for word in order if word != "cognitod"]
        report.equal(f"{' '.join(order)}: installed", (machine.words("passwd"), machine.words("group")),
                     (["files", "cognitod", *others], ["files", "[SUCCESS=merge]", "cognitod", *others]))
        for removed in itertools.permutations(order):
            again = Machine(folder, machine.path.read_text())
            text = again.path.read_text()
            for word in removed:
                again.remove() if word == "cognitod" else again.remove_foreign(word)
            if again.path.read_text() != "passwd: files\ngroup: files\n":
                report.check(f"{' '.join(order)}, removed {' '.join(removed)}", False, again.path.read_text())
            again.path.write_text(text)


def check_unusual(report, folder):
    real = pathlib.Path(folder) / "managed"
    real.write_text(DEBIAN_12)
    machine = Machine(folder, "x")
    machine.path.unlink()
    machine.path.symlink_to(real)
    report.check("a symbolic link: reported", "symbolic link" in machine.install())
    report.check("a symbolic link: left alone", machine.path.is_symlink() and real.read_text() == DEBIAN_12)
    real.write_text(DEBIAN_12.replace("files systemd", "files cognitod systemd", 1))
    report.check("a symbolic link at removal: reported", "symbolic link" in machine.remove())
    report.check("a symbolic link at removal: left alone", machine.path.is_symlink() and "cognitod systemd" in real.read_text())
    machine.path.unlink()
    report.check("no file: reported", "does not exist" in machine.install())
    report.equal("no file: none is made", machine.names(), [])
    machine.remove()

    machine = Machine(folder, DEBIAN_12)
    mount = ["mount", "--bind", machine.root / "etc", machine.root / "etc"]
    subprocess.run(mount, check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", machine.root / "etc"], check=True)
        report.check("read-only: reported", "cannot be written" in machine.install())
        report.equal("read-only: left alone", (machine.path.read_text(), machine.names()), (DEBIAN_12, ["nsswitch.conf"]))
    finally:
        subprocess.run(["umount", machine.root / "etc"], check=True)
    machine.install()
    installed = machine.path.read_text()
    subprocess.run(["mount", "--bind", machine.path, machine.path], check=True)
    try:
        report.check("a file that is a mount: reported", "cannot be written" in machine.remove())
        report.equal("a file that is a mount: left alone", (machine.path.read_text(), machine.names()),
                     (installed, ["nsswitch.conf"]))
    finally:
        subprocess.run(["umount", machine.path], check=True)


def main():
    if os.environ.get("NSS_TEST_NAMESPACE") != "yes":
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv],
                   os.environ | {"NSS_TEST_NAMESPACE": "yes"})
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        for part in (check_lines, check_file, check_processes, check_edited, check_orders, check_unusual):
            part(report, folder)
    report.close()


if __name__ == "__main__":
    main()
