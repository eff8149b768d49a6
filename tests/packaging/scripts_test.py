#!/usr/bin/env python3
"""scripts_test.py PAM-COGNITO-LOCAL-USERS: the decisions of the packages' scripts: whom the first users.conf excludes, and when the PAM profile
is not enabled because nobody would be left to repair the machine.

The scripts run as they are shipped, except for the paths of the files that they touch. The test's own programs answer
for the machine's (getent, id, pam-auth-update and so on). pam-cognito-local-users, which knows the rule of users.conf,
is the real one: it classifies users in a mount namespace that has the test's /etc.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from report import Report

REPO = pathlib.Path(__file__).resolve().parents[2]
DEBIAN = REPO / "debian"
CLASSIFIER = pathlib.Path(sys.argv[1]).resolve()

# Accounts: name, uid, primary group, other groups.
ACCOUNTS = {"root": (0, "root", []), "boss": (1000, "boss", ["sudo"]), "deputy": (1001, "deputy", ["sudo"]),
            "alice": (1002, "alice", ["cognito-users"]), "primary": (1003, "sudo", []),
            "service": (150, "service", ["sudo"]), "cognitod": (990, "cognitod", []), "wheeler": (1004, "wheeler", ["wheel"]),
            "deploy": (1005, "deploy", []), "odd$": (1006, "odd", [])}

FAKES = {
    "getent": """\
case "$1 ${2:-}" in
  "group sudo") grep ^sudo: "$FAKES/group" ;;
  "group "?*) grep "^$2:" "$FAKES/group" ;;
  "passwd ") cat "$FAKES/passwd" ;;
esac""",
    "id": """\
case $1 in
  -u) awk -F: -v name="$3" '$1 == name {print $3; found=1} END {exit !found}' "$FAKES/passwd" ;;
  -Gn) awk -F: -v name="$3" '$1 == name {print $2}' "$FAKES/memberships" ;;
esac""",
    "pam-auth-update": 'echo "$@" >>"$FAKES/pam-auth-update.calls"',
    # Debian's rules for root and the group sudo, and a user who is permitted by a rule of the test.
    "sudo": """\
[ "$1 $2 $3 $5 $6 $7" = "-n -l -U -u root /bin/sh" ] || exit 2
[ ! -e "$FAKES/sudo-hangs" ] || exec sleep infinity
[ "$4" = root ] || [ -e "$FAKES/sudo.$4" ] ||
  awk -F: -v name="$4" '$1 == name {print $2}' "$FAKES/memberships" | grep -qw sudo""",
    # Nobody waits in a test.
    "timeout": 'shift; if [ -e "$FAKES/sudo-hangs" ]; then exit 124; fi; exec "$@"',
    "systemd-sysusers": ":",
    "deb-systemd-invoke": ":",
}


class Machine:
    """The files and programs that a script meets."""

    def __init__(self, folder, people, daemon_uid=990):
        self.root = pathlib.Path(folder)
        for name in ("bin", "fakes", "etc/pam-cognito", "etc/pam.d", "usr/share/cognitod"):
            (self.root / name).mkdir(parents=True)
        groups = {}
        passwd, memberships = [], []
        gids = {"sudo": 27}
        for name in ["root", "cognitod", *people]:
            uid, primary, others = ACCOUNTS[name]
            if name == "cognitod":
                uid = daemon_uid
            gid = gids.setdefault(primary, uid)
            passwd.append(f"{name}:x:{uid}:{gid}::/:/bin/sh")
            memberships.append(f"{name}:{' '.join([primary, *others])}")
            for group in others:
                groups.setdefault(group, []).append(name)
        for group in ("sudo", "cognito-users"):
            groups.setdefault(group, [])
        self._fake("passwd", "\n".join(passwd) + "\n")
        (self.root / "etc/passwd").write_text("\n".join(passwd) + "\n")
        self._fake("memberships", "\n".join(memberships) + "\n")
        entries = "".join(f"{group}:x:{gids.get(group, 60)}:{','.join(members)}\n" for group, members in groups.items())
        self._fake("group", entries)
        (self.root / "etc/group").write_text(entries)
        for name, body in FAKES.items():
            self._program(self.root / "bin" / name, body)
        self.local_users_is('echo "local-users" >>"$FAKES/pam-auth-update.calls"')
        for name in ("users.conf", "cognitod.conf"):
            (self.root / "usr/share/cognitod" / name).write_text((REPO / "conf" / name).read_text())

    @staticmethod
    def _program(path, body):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + body + "\n")
        path.chmod(0o755)

    def local_users_is(self, body):
        """The program that writes the list of local users, and classifies a user."""
        classify = f'''[ "${{1:-}}" != --class ] ||
  exec unshare --mount sh -c 'mount --bind "$0/etc" /etc && exec "$@"' "{self.root}" "{CLASSIFIER}" "$@"
'''
        self._program(self.root / "usr/libexec/pam-cognito-local-users", classify + body)

    def add_to_sudo(self, *names):
        path = self.root / "fakes/group"
        path.write_text(re.sub(r"^(sudo:.*)$", lambda line: ",".join([line[1], *names]), path.read_text(), flags=re.M))

    def permit_a_root_shell(self, name):
        self._fake(f"sudo.{name}", "")

    def sudo_hangs(self):
        self._fake("sudo-hangs", "")

    def _fake(self, name, text):
        (self.root / "fakes" / name).write_text(text)

    def run(self, script, *arguments):
        text = (DEBIAN / script).read_text()
        text = re.sub(r"(?<![\w.])/(etc|usr|run)/", rf"{self.root}/\1/", text)
        return subprocess.run(["sh", "-c", text, script, *arguments], capture_output=True, text=True,
                              env={"PATH": f"{self.root}/bin:{os.environ['PATH']}",
                                   "FAKES": str(self.root / "fakes"), "LC_ALL": "C"}, timeout=60)

    def users_conf(self, text=None):
        path = self.root / "etc/pam-cognito/users.conf"
        if text is not None:
            path.write_text(text)
        return path.read_text()

    def enable_profile(self):
        (self.root / "etc/pam.d/common-auth").write_text("auth [success=end] pam_cognito.so\n")

    def pam_auth_update_calls(self):
        return [line for line in self.calls() if line != "local-users"]

    def calls(self):
        """The commands of the scripts that change the machine, in order."""
        path = self.root / "fakes/pam-auth-update.calls"
        return path.read_text().splitlines() if path.exists() else []


# The users of the machine, and the users that the first users.conf excludes; None: none.
SEEDS = [
    ("a member of sudo is excluded", ["boss", "alice"], "boss"),
    ("so is each of several", ["boss", "deputy", "alice"], "boss deputy"),
    ("also one whose primary group it is", ["primary", "alice"], "primary"),
    ("without a member of sudo every line is a comment", ["alice"], None),
]

# The users of the machine, users.conf (None: absent), and the administrator who keeps the profile off.
REFUSALS = [
    ("nobody is ours", ["boss"], "# group=cognito-users\n", None),
    ("no users.conf", ["boss"], None, None),
    ("the only administrator by name", ["boss"], "users=boss\n", "boss"),
    ("by name, with blanks", ["boss"], "  users =\talice  boss \n", "boss"),
    ("by a range of uids", ["boss"], "uid_range=1000-2000\n", "boss"),
    ("outside the range", ["boss"], "uid_range=1001-2000\n", None),
    ("by a range that is none", ["boss"], "uid_range=1000 2000\n", "boss"),
    ("by a range with one end", ["boss"], "uid_range=1500\n", "boss"),
    ("by a range with words", ["boss"], "uid_range=1001-many\n", "boss"),
    ("by a range with too many ends", ["boss"], "uid_range=1001-1002-1003\n", "boss"),
    ("by a min_uid that is no number", ["boss"], "min_uid=many\n", "boss"),
    ("by a min_uid that is too low", ["boss"], "min_uid=999\n", "boss"),
    ("by a key that is none", ["boss"], "grup=x\n", "boss"),
    ("by a line without a key", ["boss"], "users=alice\nboss\n", "boss"),
    ("by a key that stands twice", ["boss"], "users=alice\nusers=alice\n", "boss"),
    ("by names with commas", ["boss"], "users=alice,bob\n", "boss"),
    ("by a line that ends as on Windows", ["boss"], "users=alice\r\n", "boss"),
    ("by a group of two words", ["boss"], "group=cognito users\n", "boss"),
    ("by a range that ends before it begins", ["boss"], "uid_range=3000-2000\n", "boss"),
    ("by a range beyond all uids", ["boss"], "uid_range=2000-9999999999\n", "boss"),
    ("by a range that is none, below min_uid", ["boss"], "min_uid=1001\nuid_range=zzz\n", "boss"),
    ("by a line that excludes, and is none", ["boss"], "exclude=boss bad!\n", "boss"),
    ("excluded where there is a fault", ["boss"], "grup=x\nexclude = boss\n", None),
    ("a system user where there is a fault", ["boss", "service"], "grup=x\n", None),
    ("below min_uid", ["boss"], "uid_range=1000-2000\nmin_uid=1001\n", None),
    ("by the group that is named", ["boss"], "group=sudo\n", "boss"),
    ("by the primary group", ["primary"], "group=sudo\n", "primary"),
    ("no group without a line for it", ["boss"], "min_uid=1000\n", None),
    ("by a group that does not exist", ["boss"], "group=gone\n", "boss"),
    ("excluded where the group does not exist", ["boss"], "group=gone\nexclude=boss\n", None),
    ("an empty group is no group", ["boss"], "group=\n", None),
    ("excluded", ["boss"], "users=boss\nexclude=boss\n", None),
    ("one of two is left", ["boss", "deputy"], "users=boss\n", None),
    ("both are ours", ["boss", "deputy"], "users=boss deputy\n", "boss deputy"),
    ("a system user is never ours", ["boss", "service"], "users=boss service\n", None),
    ("a member of wheel, for which sudo has no rule", ["wheeler"], "users=wheeler\n", None),
    ("nobody may use sudo", ["alice"], "group=cognito-users\n", None),
    ("a name that only begins like it", ["boss"], "users=bossy\n", None),
]


# cloud-init's rule for its default user, with the name alice.
CLOUD_SUDOERS = "# Created by cloud-init v. 22.4.2\n\n# User rules for alice\nalice ALL=(ALL) NOPASSWD:ALL\n"


def check_seeds(report):
    for people, wanted in ((["alice"], "alice"), (["boss", "alice"], "alice boss")):
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, people)
            (machine.root / "etc/sudoers.d").mkdir()
            (machine.root / "etc/sudoers.d/90-cloud-init-users").write_text(CLOUD_SUDOERS)
            machine.run("cognitod.postinst", "configure")
            report.equal(f"first users.conf: cloud-init's own user is excluded, of {people}",
                         re.findall(r"^exclude=(.*)$", machine.users_conf(), re.M), [wanted])
    for name, people, wanted in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, people)
            done = machine.run("cognitod.postinst", "configure")
            found = re.findall(r"^exclude=(.*)$", machine.users_conf(), re.M)
            report.equal(f"first users.conf: {name}", (done.returncode, found),
                         (0, [wanted] if wanted else []))
            lines = [line for line in machine.users_conf().splitlines() if line and line[0] != "#"]
            report.equal(f"first users.conf: {name}, and nothing else but the group is set", sorted(lines),
                         [f"exclude={wanted}", "group=cognito-users"] if wanted else [])
            report.equal(f"first users.conf: {name}, and the installation names them",
                         f"keep their local passwords: {wanted}\n" in done.stderr, wanted is not None)
    for uid, wanted in ((999, 0), (1000, 1), (0, 1)):
        with tempfile.TemporaryDirectory() as folder:
            done = Machine(folder, ["boss"], daemon_uid=uid).run("cognitod.postinst", "configure")
            report.equal(f"a user cognitod with uid {uid}", (done.returncode, "system user" in done.stderr),
                         (wanted, bool(wanted)))
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        machine.users_conf("users=alice\n")
        for version in ("", "0.3.0"):
            machine.run("cognitod.postinst", "configure", version)
            report.equal(f"a users.conf that is there stays, after {version or 'no version'}", machine.users_conf(),
                         "users=alice\n")
        (machine.root / "etc/pam-cognito/users.conf").unlink()
        machine.run("cognitod.postinst", "configure", "0.0.9")
        report.check("one that was taken away does not come back with an upgrade",
                     not (machine.root / "etc/pam-cognito/users.conf").exists())
    check_former_group(report)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        machine.run("cognitod.postinst", "configure")
        mode = (machine.root / "etc/pam-cognito/users.conf").stat().st_mode & 0o777
        report.equal("everybody may read users.conf, only its owner write", oct(mode), oct(0o644))
        left = sorted(path.name for path in (machine.root / "etc/pam-cognito").iterdir())
        report.equal("no temporary file is left", left, ["cognitod.conf", "users.conf"])
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        conf = machine.root / "etc/pam-cognito/cognitod.conf"
        conf.write_text("[pool]\n")
        machine.run("cognitod.postinst", "configure", "")
        report.equal("a cognitod.conf that is there stays", conf.read_text(), "[pool]\n")
        conf.unlink()
        machine.run("cognitod.postinst", "configure", "")
        report.equal("the first one is as shipped, for everybody to read", (conf.read_text(), oct(conf.stat().st_mode & 0o777)),
                     ((REPO / "conf/cognitod.conf").read_text(), oct(0o644)))


# A users.conf of 0.2.0, and whether that version counted the group without a line.
FORMER = [
    ("names", "users=alice\n", True),
    ("a line without its end", "exclude=boss", True),
    ("a fault", "grup=x\n", True),
    ("another group", "users=alice\n  group = staff\n", False),
    ("no group", "group=\nusers=alice\n", False),
    ("comments", "# group=cognito-users\n\n#users=alice\n", False),
    ("nothing", "", False),
]


def check_former_group(report):
    for name, text, counted in FORMER:
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, ["boss"])
            machine.users_conf(text)
            (machine.root / "etc/pam-cognito/users.conf").chmod(0o640)
            done = machine.run("cognitod.postinst", "configure", "0.2.0")
            found = machine.users_conf()
            report.equal(f"users.conf of 0.2.0 with {name}: the group is kept in writing",
                         (found.startswith(text), found.endswith("\ngroup=cognito-users\n") and found != text,
                          "The line was added" in done.stderr, done.returncode), (True, counted, counted, 0))
            mode = (machine.root / "etc/pam-cognito/users.conf").stat().st_mode & 0o777
            report.equal(f"users.conf of 0.2.0 with {name}: its mode stays", oct(mode), oct(0o640))
            left = sorted(path.name for path in (machine.root / "etc/pam-cognito").iterdir())
            report.equal(f"users.conf of 0.2.0 with {name}: no temporary file is left", left, ["users.conf"])
            machine.run("cognitod.postinst", "configure", "0.2.0")
            report.equal(f"users.conf of 0.2.0 with {name}: once", machine.users_conf(), found)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        path = machine.root / "etc/pam-cognito/users.conf"
        (machine.root / "elsewhere").write_text("users=alice\n")
        path.symlink_to(machine.root / "elsewhere")
        done = machine.run("cognitod.postinst", "configure", "0.2.0")
        report.equal("users.conf of 0.2.0 that is a link stays, with a report",
                     (path.is_symlink(), path.read_text(), "is a link" in done.stderr), (True, "users=alice\n", True))


def check_refusals(report):
    for name, people, conf, refused in REFUSALS:
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, people)
            # Neither one whose account is gone nor root is an administrator with a login of their own.
            machine.add_to_sudo("gone", "root")
            if conf is not None:
                machine.users_conf(conf)
            done = machine.run("libpam-cognito.postinst", "configure", "")
            wanted = ["--package --disable pam-cognito"] if refused else ["--package"]
            told = f"would sign in with Cognito: {refused}\n" in done.stderr if refused else True
            report.check(f"profile: {name}", done.returncode == 0 and told
                         and machine.pam_auth_update_calls() == wanted,
                         f"status {done.returncode}, {machine.pam_auth_update_calls()}, {done.stderr!r}")
    # deploy is in no group; boss, the other administrator, would be a Cognito user.
    for permitted in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, ["boss", "deploy"])
            machine.users_conf("users=boss\n")
            if permitted:
                machine.permit_a_root_shell("deploy")
            machine.run("libpam-cognito.postinst", "configure", "")
            report.equal(f"profile: sudo permits another user a root shell: {permitted}", machine.pam_auth_update_calls(),
                         ["--package"] if permitted else ["--package --disable pam-cognito"])
    for people, wanted in ((["boss"], ["--package --disable pam-cognito"]), (["boss", "deputy"], ["--package"]),
                           (["boss", "wheeler"], ["--package"])):
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, people)
            machine.users_conf("users=boss\n")
            machine.add_to_sudo("gone", "root")
            machine.sudo_hangs()
            machine.run("libpam-cognito.postinst", "configure", "")
            report.equal(f"profile: sudo hangs, and the groups have {' and '.join(people)}",
                         machine.pam_auth_update_calls(), wanted)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        machine.users_conf("# exclude=boss\n")
        (machine.root / "etc/pam-cognito/users.conf").chmod(0o664)
        done = machine.run("libpam-cognito.postinst", "configure", "")
        report.check("profile: not with a users.conf that others may write, with a word",
                     machine.pam_auth_update_calls() == ["--package --disable pam-cognito"]
                     and "written by others than root" in done.stderr and "everybody is refused" in done.stderr, done.stderr)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss", "odd$"])
        machine.users_conf("users=boss\nuid_range=1006-1006\n")
        done = machine.run("libpam-cognito.postinst", "configure", "")
        report.check("profile: the name of one user that pam_cognito refuses is no fault for all users",
                     machine.pam_auth_update_calls() == ["--package --disable pam-cognito"]
                     and "everybody is refused" not in done.stderr, done.stderr)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        machine.users_conf("users=alice\n")
        (machine.root / "usr/libexec/pam-cognito-local-users").unlink()
        done = machine.run("libpam-cognito.postinst", "configure", "")
        report.check("profile: not if the program that classifies users does not run",
                     machine.pam_auth_update_calls() == ["--package --disable pam-cognito"]
                     and "does not run" in done.stderr, done.stderr)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        (machine.root / "etc/pam-cognito").mkdir(parents=True, exist_ok=True)
        (machine.root / "etc/pam-cognito/users.conf").symlink_to("gone")
        machine.run("libpam-cognito.postinst", "configure", "")
        report.equal("profile: not with a users.conf that is a link to nothing",
                     machine.pam_auth_update_calls(), ["--package --disable pam-cognito"])
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        machine.users_conf("users=boss\n")
        machine.enable_profile()
        done = machine.run("libpam-cognito.postinst", "configure", "0.0.9")
        report.check("profile: what was enabled stays so, with a word",
                     machine.pam_auth_update_calls() == ["--package"] and "stays so" in done.stderr, done.stderr)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        machine.run("libpam-cognito.postinst", "configure", "")
        report.equal("the list of local users is written before the lines that read it", machine.calls(),
                     ["local-users", "--package"])
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, ["boss"])
        machine.local_users_is("echo 'a directory is away' >&2; exit 1")
        done = machine.run("libpam-cognito.postinst", "configure", "")
        report.check("a list that cannot be brought up to date stops no installation, and is said",
                     done.returncode == 0 and machine.pam_auth_update_calls() == ["--package"]
                     and "/etc/pam-cognito/local-users" in done.stderr, done.stderr)
    for argument, wanted in (("remove", ["--package --remove pam-cognito"]), ("upgrade", [])):
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(folder, ["boss"])
            machine.run("libpam-cognito.prerm", argument)
            report.equal(f"prerm {argument}", machine.pam_auth_update_calls(), wanted)


def main():
    report = Report()
    check_seeds(report)
    check_refusals(report)
    report.close()


if __name__ == "__main__":
    main()
