#!/usr/bin/env python3
"""packages_test.py: the Debian packages from installing to purging, on a booted machine.

At every step root, a local user and a local member of sudo go on as before, and passwd, chpasswd,
adduser, usermod -e, chage -E and /etc/nologin do what they always did. Closes with
`N passed, N failed`.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

from booted import INSIDE, PACKAGES, BootedMachine, MachineError
from judge import Judge
from members import add_members, restart, sign_in
from residents import (ADMIN_PASSWORD, CONFIG, LOCAL_ADMIN, LOCAL_PASSWORD, LOCAL_USER, USERS_CONF, add_local_people,
                       check_everybody, console, leave, refused_at_console, root_on_console, shell,
                       sudo_with_password)

DEBS_INSIDE = f"{INSIDE}/build/deb"
LOCAL_PASSWORD_OF_ALICE = "Break-Glass-3"
MODULE = "pam_cognito.so"
CREDENTIALS = "/etc/credstore.encrypted"
SUDOERS_OF_ADMIN = f"/etc/sudoers.d/{LOCAL_ADMIN}"

SUDO_WITHOUT_QUESTION = """
[service sudo]
reauth = none
mfa_max_age = 1h
"""


# The contents of the disk.
def digests(machine, *folders):
    """{path: what it holds} of files and links; a folder has no contents of its own."""
    listing = machine.run("find", *folders, "-xdev", "(", "-type", "f", "-o", "-type", "l", ")", "-printf",
                          "%p\\t%m %u:%g %l\\n", check=False).stdout
    found = dict(line.split("\t") for line in listing.splitlines())
    sums = machine.run("find", *folders, "-xdev", "-type", "f", "-exec", "sha256sum", "{}", "+", check=False,
                       timeout=120).stdout
    for line in sums.splitlines():
        digest, path = line.split("  ", 1)
        found[path] = found.get(path, "") + digest
    if not sums:
        raise MachineError(f"there is no file in {folders}")
    return found


def names(machine):
    """Every path of the machine's disk and /run, without what has nothing to do with packages."""
    return set(machine.run("find", "/etc", "/usr", "/var", "/run", "/home", "/root", "-xdev", check=False,
                           timeout=120).stdout.splitlines())


def difference(before, after):
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return ", ".join(paths)


ACCOUNT_FILES = {f"/etc/{name}{suffix}" for name in ("passwd", "group", "shadow", "gshadow") for suffix in ("", "-")}


def traces(machine):
    """Everything of this project, by its name: paths, units, processes, the bus name, lines of PAM's files."""
    found = [path for path in names(machine) if re.search(r"cognito", path, re.IGNORECASE)
             and not path.startswith(("/var/log/", "/var/cache/apt/", "/var/lib/cognito-pool",
                                      "/run/systemd/transient/cognito-pool", "/run/systemd/units/"))]
    found += [path for path in machine.run("grep", "-rlI", "cognito", "/etc", "/var/lib/pam",
                                           check=False).stdout.split() if path not in ACCOUNT_FILES]
    found += machine.run("systemctl", "list-unit-files", "--no-legend", "cognitod*", "pam-cognito*", check=False).stdout.split()
    found += [name for name in machine.run("busctl", "list", "--no-legend").stdout.splitlines()
              if "pamcognito" in name]
    return found


# Some of each kind.
TRACES = (CONFIG, "/usr/share/doc/cognitod", "/etc/pam.d/common-auth", "cognitod.service",
          "pam-cognito-local-users.path", "org.pamcognito.Auth1")


def accounts_of_ours(machine):
    return [line.split(":")[0] for database in ("passwd", "group")
            for line in machine.run("getent", database).stdout.splitlines() if line.startswith("cognito")]


# Steps.
def installing(judge, machine):
    judge.step("installed")
    with judge.scene("Installing"):
        machine.install_debs()
        judge.check("all three packages are installed", all(
            machine.run("dpkg-query", "-W", "-f", "${db:Status-Status}", name).stdout == "installed"
            for name in PACKAGES))
        judge.check("the next boot starts cognitod",
                    machine.run("systemctl", "is-enabled", "cognitod", check=False).stdout == "enabled\n")
        judge.check("encrypted credentials have a directory of root's alone",
                    machine.run("stat", "-c", "%U %a", CREDENTIALS, check=False).stdout.strip() == "root 700")
        judge.check("exclude= of users.conf holds the members of sudo", re.search(
            rf"(?m)^exclude\s*=.*\b{LOCAL_ADMIN}\b", machine.read(USERS_CONF)), machine.read(USERS_CONF))
        judge.check("no unit has failed", not machine.run(
            "systemctl", "--failed", "--no-legend", "--plain").stdout.strip())
        judge.check("the profile is in the stacks", all(
            MODULE in machine.read(f"/etc/pam.d/common-{phase}")
            for phase in ("auth", "account", "password", "session")))
        found = traces(machine)
        seen = {trace for trace in TRACES if any(each.startswith(trace) for each in found)}
        judge.check("its traces are found by their names", seen == set(TRACES), f"{seen} of {found}")
        check_everybody(judge, machine)


def autopkgtest(judge, machine):
    """Debian's own kind of test, run as autopkgtest would: by root, in the source tree, and a word on stderr is a
    failure too. debian_tools_test.py has the program itself."""
    judge.step("autopkgtest")
    with judge.scene("autopkgtest"):
        done = machine.run("sh", "-c", 'cd "$0" && exec debian/tests/installed', INSIDE, check=False, timeout=120)
        good = [line.removeprefix("ok ") for line in done.stdout.splitlines() if line.startswith("ok ")]
        for name in good:
            judge.check(name, True)
        judge.check("nothing else, and no error", good and done.returncode == 0 and not done.stderr,
                    done.stdout + done.stderr)
    judge.step("")


def unfinished(judge, machine):
    """The profile is on and alice is a Cognito user, but no pool has been set up yet."""
    with judge.scene("An unfinished configuration"):
        add_members(machine, "alice", password=LOCAL_PASSWORD_OF_ALICE)
        excluded = machine.read(USERS_CONF).replace("\ngroup=cognito-users\n", "\n")
        machine.write(USERS_CONF, excluded + "group=cognito-users\n")

        judge.step("daemon without a pool")
        check_everybody(judge, machine)
        judge.attempt("alice comes in with her local password", lambda: local_password_of_alice(machine))

        judge.step("cognitod.conf broken")
        machine.run("cp", "-p", CONFIG, f"{CONFIG}.kept")
        machine.write(CONFIG, "[pool\nregion = nowhere\nuser_pool = typo\n")
        machine.run("systemctl", "reset-failed", "cognitod", check=False)
        machine.run("systemctl", "restart", "cognitod", check=False)
        check_everybody(judge, machine)
        judge.attempt("alice comes in with her local password", lambda: local_password_of_alice(machine))
        judge.module_said("sign-in unavailable")
        machine.run("mv", f"{CONFIG}.kept", CONFIG)

        judge.step("cognitod stopped and masked")
        machine.run("systemctl", "mask", "--runtime", "--now", "cognitod")
        check_everybody(judge, machine)
        judge.attempt("alice comes in with her local password", lambda: local_password_of_alice(machine))
        machine.run("systemctl", "unmask", "--runtime", "cognitod")

        judge.step("users.conf malformed")
        machine.write(USERS_CONF, excluded + "grupe=cognito-users\n")
        judge.attempt("the excluded local admin still sudoes", lambda: admin_sudoes(machine))
        judge.attempt("root still logs in", lambda: root_on_console(machine))
        judge.attempt("who is neither is refused, for nobody can tell whose sign-in it is",
                      lambda: refused_at_console(machine, LOCAL_USER, LOCAL_PASSWORD))
        machine.write(USERS_CONF, excluded + "group=cognito-users\n")
        judge.step("")


def local_password_of_alice(machine):
    with console(machine, "alice", LOCAL_PASSWORD_OF_ALICE) as terminal:
        name = shell(terminal, "id -un")[0]
        leave(terminal)
    return name == "alice"


def admin_sudoes(machine):
    with console(machine, LOCAL_ADMIN, ADMIN_PASSWORD) as terminal:
        uid = sudo_with_password(terminal, ADMIN_PASSWORD)
        leave(terminal)
    return uid == "0"


def configuring(judge, machine):
    judge.step("configured")
    with judge.scene("Configured for a user pool"):
        machine.configure(users_conf=None, extra=SUDO_WITHOUT_QUESTION)
        restart(machine)
        check_everybody(judge, machine)
        with sign_in(machine, "alice") as terminal:
            judge.check("alice signs in with password and code", shell(terminal, "id -un") == ("alice", 0))
            leave(terminal)
        judge.cognitod_said(USER="alice", SERVICE="login", OUTCOME="success", CAUSE="signed-in")
        judge.check("her local password is refused now",
                    refused_at_console(machine, "alice", LOCAL_PASSWORD_OF_ALICE))
    judge.step("")


def last_admin(judge, machine):
    """The only local member of sudo would become a Cognito user."""
    with judge.scene("The last administrator who does not need Cognito"):
        before = machine.read(USERS_CONF)
        machine.run("usermod", "--append", "--groups", "cognito-users", LOCAL_ADMIN)
        try:
            judge.check("exclude= keeps the admin out of Cognito", doctor(machine, "users-admin") == "ok")
            judge.attempt("who sudoes with the local password", lambda: admin_sudoes(machine))
            machine.write(USERS_CONF, "group=cognito-users\n")
            judge.check("doctor: a fault where exclude= is gone", doctor(machine, "users-admin") == "fault")
            judge.check("the package says so by name", LOCAL_ADMIN in reconfigure(machine, "libpam-cognito"))

            machine.run("pam-auth-update", "--disable", "pam-cognito")
            text = reconfigure(machine, "libpam-cognito")
            judge.check("with the profile off it says so, and does not switch it on",
                        LOCAL_ADMIN in text and MODULE not in machine.read("/etc/pam.d/common-auth"), text)
            judge.attempt("and the admin sudoes", lambda: admin_sudoes(machine))

            machine.run("gpasswd", "--delete", LOCAL_ADMIN, "sudo")
            for rule, why in (("ALL=(ALL:ALL) ALL", "by name in sudoers"),
                              ("ALL=(ALL) NOPASSWD: ALL", "by name, without a password")):
                machine.write(SUDOERS_OF_ADMIN, f"{LOCAL_ADMIN} {rule}\n", 0o440)
                text = reconfigure(machine, "libpam-cognito")
                judge.check(f"an administrator {why} counts too",
                            LOCAL_ADMIN in text and MODULE not in machine.read("/etc/pam.d/common-auth"), text)
            machine.write(SUDOERS_OF_ADMIN, f"{LOCAL_ADMIN} ALL=(ALL:ALL) /bin/ls\n", 0o440)
            text = reconfigure(machine, "libpam-cognito")
            judge.check("who may run one command is none", LOCAL_ADMIN not in text, text)
        finally:
            machine.run("rm", "-f", SUDOERS_OF_ADMIN)
            machine.run("usermod", "--append", "--groups", "sudo", LOCAL_ADMIN)
            machine.run("gpasswd", "--delete", LOCAL_ADMIN, "cognito-users")
            machine.write(USERS_CONF, before)
            machine.run("pam-auth-update", "--enable", "pam-cognito")


def reconfigure(machine, package):
    done = machine.run("dpkg-reconfigure", package, check=False)
    return done.stdout + done.stderr


def doctor(machine, check):
    report = json.loads(machine.run("cognitoctl", "doctor", "--json", check=False).stdout)
    return next((one["state"] for one in report["checks"] if one["id"] == check), "no such check")


# A newer version, whose profile has another option in a line.
OLD_WORDS, NEW_WORDS = "cognito.so emergency", "cognito.so emergency debug"
REPACK = """\
set -e
rm -rf /tmp/next; mkdir /tmp/next; cd /tmp/next
version=$(dpkg-query -W -f '${Version}' cognitod)
for name in cognitod libpam-cognito cognitoctl; do
  dpkg-deb -R "$0"/${name}_*.deb $name
  [ $name != libpam-cognito ] || sed -i "s/$1/$2/" $name/usr/share/pam-configs/pam-cognito
  [ $name != cognitod ] || echo '# newer' >>$name/usr/share/cognitod/cognitod.conf
  sed -i "s/$(printf %s "$version" | sed 's/[.]/\\\\&/g')/$version+next/g" $name/DEBIAN/control
  dpkg-deb --root-owner-group -Znone -b $name ${name}_next.deb >/dev/null
done
"""


def upgrading(judge, machine):
    judge.step("upgraded")
    with judge.scene("Upgrading in the middle of alice's session"):
        machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL:ALL) ALL\n", 0o440)
        machine.run("sh", "-c", REPACK, DEBS_INSIDE, OLD_WORDS, NEW_WORDS, timeout=120)
        settings = {path: machine.read(path) for path in (CONFIG, USERS_CONF)}
        pam_before = stacks(machine)
        with sign_in(machine, "alice") as terminal:
            judge.check("sudo asks nothing within her sign-in", shell(terminal, "sudo -k id -u") == ("0", 0))
            sessions = session_ids(machine)
            pid = main_pid(machine)
            machine.run("dpkg", "--unpack", *next_debs(), timeout=120)
            judge.step("upgrade unpacked and not yet configured")
            check_everybody(judge, machine)
            judge.step("upgraded")
            machine.run("dpkg", "--configure", "--pending", timeout=120)
            judge.check("the new version is configured", all(
                machine.run("dpkg-query", "-W", "-f", "${Status} ${Version}", name).stdout.startswith(
                    "install ok installed") and "+next" in
                machine.run("dpkg-query", "-W", "-f", "${Version}", name).stdout for name in PACKAGES))
            judge.check("cognitod is a new process", main_pid(machine) not in ("0", pid))
            judge.check("her session is still there", sessions and session_ids(machine) == sessions,
                        f"{sessions} -> {session_ids(machine)}")
            machine.pool.reset_log()
            judge.check("sudo still asks nothing", shell(terminal, "sudo -k id -u") == ("0", 0))
            judge.check("and the pool was not asked for a sign-in", not [
                call for call in machine.pool.requests("alice") if call[1] == "USER_SRP_AUTH"])
            leave(terminal)
        judge.check("the configuration is the admin's, unchanged",
                    all(machine.read(path) == text for path, text in settings.items()))
        wanted = {path: text.replace(OLD_WORDS, NEW_WORDS) for path, text in pam_before.items()}
        judge.check("PAM's files have what the newer profile says, and are as before else",
                    wanted != pam_before and stacks(machine) == wanted, difference(wanted, stacks(machine)))
        check_everybody(judge, machine)
    judge.step("")


def stacks(machine):
    return {path: machine.read(path) for path in digests(machine, "/etc/pam.d")}


def next_debs():
    return [f"/tmp/next/{name}_next.deb" for name in PACKAGES]


def session_ids(machine):
    return sorted(one["id"] for one in json.loads(
        machine.run("cognitoctl", "sessions", "list", "--json").stdout)["sessions"])


def main_pid(machine):
    return machine.run("systemctl", "show", "-P", "MainPID", "cognitod").stdout.strip()


def reconfiguring(judge, machine):
    judge.step("reconfigured")
    with judge.scene("Reconfiguring and reinstalling"):
        watched = ("/etc/pam.d", "/etc/pam-cognito")
        before = digests(machine, *watched)
        for name in PACKAGES:
            machine.run("dpkg-reconfigure", name)
        machine.run("dpkg", "-i", *next_debs(), timeout=120)
        after = digests(machine, *watched)
        judge.check("nothing of PAM or of the configuration changes", before == after, difference(before, after))
        with sign_in(machine, "alice") as terminal:
            judge.check("alice signs in", shell(terminal, "id -un") == ("alice", 0))
            leave(terminal)
        check_everybody(judge, machine)

        machine.run("pam-auth-update", "--disable", "pam-cognito")
        machine.run("dpkg", "-i", *next_debs(), timeout=120)
        judge.check("a profile that the admin switched off stays off",
                    MODULE not in machine.read("/etc/pam.d/common-auth"))
        machine.run("pam-auth-update", "--enable", "pam-cognito")
        judge.check("and gives the same files when it is switched on again",
                    digests(machine, "/etc/pam.d") == digests_of_pam(after))
    judge.step("")


def digests_of_pam(found):
    return {path: digest for path, digest in found.items() if path.startswith("/etc/pam.d/")}


def module_deleted(judge, machine):
    judge.step("module deleted")
    with judge.scene("The module's file deleted by hand"):
        path = next(line for line in machine.run("dpkg", "-L", "libpam-cognito").stdout.splitlines()
                    if line.endswith("/" + MODULE))
        machine.run("mv", path, "/root/module.kept")
        try:
            check_everybody(judge, machine)
            judge.check("alice's local password does not let her in",
                        refused_at_console(machine, "alice", LOCAL_PASSWORD_OF_ALICE))
        finally:
            machine.run("mv", "/root/module.kept", path)
    judge.step("")


def removing(judge, machine, pam_before):
    judge.step("removed")
    with judge.scene("Removing"):
        judge.check("cognitod runs until then", runs(machine))
        machine.run("dpkg", "--remove", *PACKAGES, timeout=120)
        after = digests(machine, "/etc/pam.d")
        judge.check("/etc/pam.d is byte for byte as before installing", after == pam_before,
                    difference(pam_before, after))
        judge.check("cognitod does not run", not runs(machine))
        judge.attempt("alice comes in with her local password", lambda: local_password_of_alice(machine))
        judge.check("the configuration is kept", machine.run("test", "-s", CONFIG, check=False).returncode == 0)
        check_everybody(judge, machine)
    judge.step("")


def runs(machine):
    return machine.run("pgrep", "-x", "cognitod", check=False).stdout


def installing_again(judge, machine):
    """With the configuration that was kept, and by which nobody is left who could repair the machine."""
    judge.step("installed again")
    with judge.scene("Installing where the only administrator would be a Cognito user"):
        before = machine.read(USERS_CONF)
        machine.run("usermod", "--append", "--groups", "cognito-users", LOCAL_ADMIN)
        machine.write(USERS_CONF, "group=cognito-users\n")
        done = machine.install_debs()
        judge.check("the package says so by name, and switches nothing on",
                    LOCAL_ADMIN in done.stdout + done.stderr and
                    MODULE not in machine.read("/etc/pam.d/common-auth"), done.stdout + done.stderr)
        judge.attempt("the admin sudoes", lambda: admin_sudoes(machine))
        judge.check("the admin's users.conf is as it was", machine.read(USERS_CONF) == "group=cognito-users\n")
        machine.run("gpasswd", "--delete", LOCAL_ADMIN, "cognito-users")
        machine.write(USERS_CONF, before)
        text = reconfigure(machine, "libpam-cognito")
        judge.check("with another administrator it has nothing to say", LOCAL_ADMIN not in text, text)
        machine.run("dpkg", "--remove", *PACKAGES, timeout=120)
    judge.step("")


def purging(judge, machine, disk_before):
    judge.step("purged")
    with judge.scene("Purging"):
        machine.run("dpkg", "--purge", *PACKAGES, timeout=120)
        machine.stop_pool()
        judge.check("the directory of credentials, which was empty, is gone",
                    machine.run("test", "-e", CREDENTIALS, check=False).returncode != 0)
        judge.check("nothing of this project is left by its name", not traces(machine), traces(machine))
        after = digests(machine, *CARED_FOR)
        judge.check("files, links and units are as before installing", after == disk_before,
                    difference(disk_before, after))
        print(f"(accounts that stay, as Debian's packages do: {' '.join(accounts_of_ours(machine)) or 'none'})")
        check_everybody(judge, machine)
    judge.step("")


# Not what changes by itself: accounts, logs, dpkg's lists.
CARED_FOR = ("/etc/pam.d", "/etc/systemd", "/etc/dbus-1", "/etc/ssh", "/etc/default", "/etc/apparmor.d", "/usr",
             "/var/lib/pam", "/var/lib/systemd/deb-systemd-helper-enabled")


def main():
    with BootedMachine("packages") as machine:
        judge = Judge(machine)
        add_local_people(machine)
        pam_before = digests(machine, "/etc/pam.d")
        disk_before = digests(machine, *CARED_FOR)
        judge.step("before")
        with judge.scene("Before any package"):
            check_everybody(judge, machine)
        judge.step("")
        installing(judge, machine)
        autopkgtest(judge, machine)
        unfinished(judge, machine)
        configuring(judge, machine)
        last_admin(judge, machine)
        upgrading(judge, machine)
        reconfiguring(judge, machine)
        module_deleted(judge, machine)
        removing(judge, machine, pam_before)
        installing_again(judge, machine)
        purging(judge, machine, disk_before)
        judge.close()


if __name__ == "__main__":
    main()
