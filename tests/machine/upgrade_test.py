#!/usr/bin/env python3
"""upgrade_test.py: a booted machine is upgraded to the next Debian release while alice is signed in.

First with the packages of this release, which stay; then those of the next one are installed over them, if
`./dev deb --release NAME` has built them from this state of the checkout; then the machine is booted again.
Only on the older release of scripts/releases. Closes with `N passed, N failed`.
"""

import contextlib
import hashlib
import json
import pathlib
import re
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system"), str(HERE.parent.parent / "scripts")]

import openssh
import releases
import tree
from booted import DEBS, INSIDE, PACKAGES, REPO, BootedMachine
from judge import Judge
from members import add_members, password_and_code, set_up
from residents import (LOCAL_PASSWORD, LOCAL_USER, ROOT_PASSWORD, SHELL, add_local_people, console, leave, shell,
                       user_on_console)

SUDO_WITHOUT_QUESTION = "\n[service sudo]\nreauth = none\nmfa_max_age = 1h\n"
APT = ("apt-get", "--yes", "--quiet", "--option=Dpkg::Options::=--force-confdef",
       "--option=Dpkg::Options::=--force-confold")


def next_release():
    """None: this machine has the newest one."""
    known = releases.known_releases()
    later = known[known.index(tree.RELEASE) + 1:] if tree.RELEASE in known else ()
    return later[0] if later else None


def prepare(machine):
    """As before any upgrade: our packages of this release, set up, and local people."""
    machine.write("/etc/dpkg/dpkg.cfg.d/machine", "force-unsafe-io\n")
    add_local_people(machine)
    machine.install_debs()
    add_members(machine, "alice")
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL:ALL) ALL\n", 0o440)
    set_up(machine, extra=SUDO_WITHOUT_QUESTION)
    openssh.prepare(machine)
    machine.run("systemctl", "restart", "ssh.service")


@contextlib.contextmanager
def ssh(machine, user):
    """A shell by ssh, with password and code."""
    machine.pool.forgive(user)  # a code counts once
    with machine.terminal(*openssh.client(user, command="")) as terminal:
        for prompt, answer in password_and_code(machine, user):
            terminal.expect(prompt)
            terminal.send(answer() if callable(answer) else answer, hidden_as="hidden")
        terminal.expect(SHELL)
        yield terminal


# This must hold all along.
def signed_in(judge, machine, terminal):
    machine.pool.reset_log()
    judge.attempt("sudo asks alice nothing", lambda: shell(terminal, "sudo -k id -u") == ("0", 0))
    signed = [call for call in machine.pool.requests("alice") if call[1] == "USER_SRP_AUTH"]
    judge.check("and the pool saw no sign-in of hers", not signed, signed)


def in_place(judge, machine, sessions=None):
    """sessions: those that were there before."""
    states = states_of_packages(machine)
    judge.check("our packages are installed", all(state == "installed" for state, _ in states.values()), states)
    judge.check("the profile is in all four PAM stacks", all(
        "pam_cognito.so" in machine.read(f"/etc/pam.d/common-{phase}")
        for phase in ("auth", "account", "password", "session")))
    if sessions is not None:
        judge.check("cognitod has kept alice's session", sessions and session_ids(machine) == sessions,
                    f"{sessions} -> {session_ids(machine)}")
    judge.attempt("root logs in on the console, and sudoes", lambda: root_on_console(machine))
    judge.attempt("a local user logs in", lambda: user_on_console(machine, LOCAL_USER, LOCAL_PASSWORD))


def root_on_console(machine):
    """Without a look at the session: a logind that runs since before the upgrade knows no class user-early, which
    pam_systemd has for root since systemd 256."""
    with console(machine, "root", ROOT_PASSWORD) as terminal:
        sudo = shell(terminal, "sudo -n id -u")
        leave(terminal)
    return sudo == ("0", 0)


def states_of_packages(machine):
    """{name: (state, version)}"""
    shown = machine.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\\n", *PACKAGES).stdout
    return {name: (state, version) for name, state, version in map(str.split, shown.splitlines())}


def session_ids(machine):
    return sorted(one["id"] for one in json.loads(
        machine.run("cognitoctl", "sessions", "list", "--json").stdout)["sessions"])


def version_suffix(release):
    return f"+deb{releases.release_value(release, 'version')}u"


def of_release(machine, release):
    """All packages have a version of that release's."""
    return all(version_suffix(release) in version for _, version in states_of_packages(machine).values())


# Steps.
def upgrade_debian(judge, machine, terminal, release):
    judge.step("Debian upgraded")
    sessions = session_ids(machine)
    before = machine.run("systemctl", "show", "--property=Version", "--value").stdout
    machine.run("sed", "-i", f"s/{tree.RELEASE}/{release}/g", "/etc/apt/sources.list")
    machine.run(*APT, "full-upgrade", timeout=1200)
    judge.check(f"the machine is Debian {releases.release_value(release, 'version')}",
                f"VERSION_CODENAME={release}\n" in machine.read("/etc/os-release"))
    after = machine.run("systemctl", "show", "--property=Version", "--value").stdout
    judge.check("its first process is the new systemd", before != after, f"{before} -> {after}")
    judge.check("our packages are the old release's still", of_release(machine, tree.RELEASE),
                states_of_packages(machine))
    in_place(judge, machine, sessions)
    signed_in(judge, machine, terminal)
    machine.run("systemctl", "restart", "cognitod")
    judge.step("Debian upgraded and cognitod restarted")
    judge.check("cognitod has kept alice's session", session_ids(machine) == sessions)
    signed_in(judge, machine, terminal)
    judge.step("Debian upgraded")
    with ssh(machine, "alice") as another:
        judge.check("alice signs in by ssh once more", shell(another, "id -un") == ("alice", 0))
        leave(another)


def upgrade_packages(judge, machine, terminal, release):
    judge.step("our packages upgraded")
    sessions = session_ids(machine)
    debs = [f"{INSIDE}/{path.relative_to(REPO)}" for path in packages_of(release)]
    done = machine.run(*APT, "install", *debs, timeout=300)
    judge.check("for apt it is an upgrade", re.search(rf"(?m)^{len(PACKAGES)} upgraded, .* 0 to remove ", done.stdout),
                done.stdout)
    judge.check("they are the new release's", of_release(machine, release), states_of_packages(machine))
    in_place(judge, machine, sessions)
    signed_in(judge, machine, terminal)
    kind = machine.run("systemctl", "show", "--property=Type", "--value", "cognitod").stdout.strip()
    judge.check("the unit is of the type notify-reload", kind == "notify-reload", kind)
    reloaded = machine.run("systemctl", "reload", "cognitod", check=False)
    judge.check("and is reloaded", reloaded.returncode == 0, reloaded.stderr)
    verified = machine.run("dpkg", "--verify", *PACKAGES, check=False)
    judge.check("dpkg --verify is silent", verified.returncode == 0 and not verified.stdout, verified.stdout)


def boot_again(judge, machine):
    judge.step("booted again")
    with judge.scene("Booted again"):
        machine.reboot()
        judge.check("no unit has failed", machine.state == "running", machine.failed_units())
        status = machine.run("systemctl", "show", "--property=StatusText", "--value", "cognitod").stdout
        judge.check("cognitod is ready", status.startswith("ready, user pool "), status)
        in_place(judge, machine)
        with ssh(machine, "alice") as terminal:
            judge.check("alice signs in by ssh", shell(terminal, "id -un") == ("alice", 0))
            signed_in(judge, machine, terminal)
            leave(terminal)
        report = json.loads(machine.run("cognitoctl", "doctor", "--json", check=False).stdout)
        faults = [one for one in report["checks"] if one["state"] == "fault"]
        judge.check("doctor finds no fault", report["checks"] and not faults, faults)
    judge.step("")


# The next release's packages.
def folder_of(release):
    return REPO / "build/releases" / release / "deb"


def packages_of(release):
    return [next(folder_of(release).glob(f"{name}_*.deb")) for name in PACKAGES]


def why_no_packages(release):
    """None: they are there, and of the same source as those of this release."""
    if not all(list(folder_of(release).glob(f"{name}_*.deb")) for name in PACKAGES):
        return f"{folder_of(release).relative_to(REPO)} has none: ./dev deb --release {release}"
    if source_of(folder_of(release)) != source_of(DEBS):
        return f"those in {folder_of(release).relative_to(REPO)} are of another source: ./dev deb --release {release}"
    return None


def source_of(folder):
    """{file: digest} of what the packages in it were built from."""
    with tarfile.open(folder / "work/source.tar") as source:
        return {member.name: (member.mode, member.linkname, hashlib.sha256(
            source.extractfile(member).read()).hexdigest() if member.isreg() else "") for member in source}


def main():
    release = next_release()
    if not release:
        print(f"skipped: scripts/releases has no release after this machine's ({tree.RELEASE})")
        print("0 passed, 0 failed, 1 skipped")
        return
    missing = why_no_packages(release)
    with BootedMachine("upgrade", packages=tree.UpgradeTo(release), on_disk=True) as machine:
        judge = Judge(machine)
        prepare(machine)
        with judge.scene("Debian is upgraded in the middle of alice's session"), ssh(machine, "alice") as terminal:
            signed_in(judge, machine, terminal)
            upgrade_debian(judge, machine, terminal, release)
            if missing:
                judge.skip("our packages of the next release over these", missing)
            else:
                upgrade_packages(judge, machine, terminal, release)
            leave(terminal)
        boot_again(judge, machine)
        judge.close()


if __name__ == "__main__":
    main()
