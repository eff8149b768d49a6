#!/usr/bin/env python3
"""debian_tools_test.py: Debian's own programs judge the packages, on a booted machine: autopkgtest, and the parser
of AppArmor profiles. Closes with `N passed, N failed`.

The machine's kernel may be one without AppArmor: the profile is compiled for one that has it, and not loaded.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

from apparmor_profile import SEEN, Profile, needs, newest_abi, parse
from booted import DEBS, INSIDE, PACKAGES, BootedMachine
from judge import Judge
from members import add_members, restart, set_up, sign_in
from residents import CONFIG, add_local_people, leave, shell

# autopkgtest asks for dpkg-dev where the source is not built.
PROGRAMS = ("autopkgtest", "dpkg-dev", "apparmor", "strace")

SOURCE, SUMMARY = "/root/pam-cognito", "/root/autopkgtest.summary"
PROFILE = "/etc/apparmor.d/usr.libexec.cognitod"
LOCAL_RULES = "/etc/apparmor.d/local/usr.libexec.cognitod"
# The unit as it is, except that strace records the calls of the daemon.
DROP_IN = "/run/systemd/system/cognitod.service.d/traced.conf"
STATE = "/var/lib/cognitod"
TRACE = f"{STATE}/trace"
TRACED = f"""\
[Service]
ExecStart=
ExecStart=/usr/bin/strace --daemonize --follow-forks --output-separately --output={TRACE} --quiet=all \\
  --string-limit=4096 --trace={SEEN} /usr/libexec/cognitod
ExecPaths=/usr/bin/strace
SystemCallFilter=@debug setreuid
# Without it, no process may look into cognitod's memory.
CapabilityBoundingSet=CAP_SYS_PTRACE
AmbientCapabilities=CAP_SYS_PTRACE
"""


def autopkgtest(machine):
    """Runs debian/tests of the source that the packages were built of. Gives its exit status, {test: verdict}, and
    what it showed."""
    debs = [f"{INSIDE}/build/deb/{path.name}" for name in PACKAGES for path in DEBS.glob(f"{name}_*.deb")]
    machine.run("rm", "-f", SUMMARY)
    # From 5.48 on the testbed null does not pass for a machine of its own, and the test would be left out.
    done = machine.run("autopkgtest", f"--summary={SUMMARY}", "--ignore-restrictions=isolation-machine", *debs,
                       f"{SOURCE}/", "--", "null", check=False, timeout=300)
    summary = machine.run("cat", SUMMARY, check=False).stdout
    return (done.returncode, dict(line.split(maxsplit=1) for line in summary.splitlines()),
            summary + done.stdout + done.stderr)


def packages_are_judged(judge, machine):
    with judge.scene("autopkgtest, with the machine as its testbed"):
        # There is no network, and apt would look for it long.
        machine.write("/etc/apt/sources.list", "")
        machine.run("mkdir", SOURCE)
        machine.run("tar", "--extract", f"--file={INSIDE}/build/deb/work/source.tar", "-C", SOURCE)
        status, verdicts, shown = autopkgtest(machine)
        judge.check("installs the packages, and its one test passes", verdicts == {"installed": "PASS"}, shown)
        judge.check("and says so by its status", status == 0, shown)
        judge.check("all three packages are installed", all(
            machine.run("dpkg-query", "-W", "-f", "${db:Status-Status}", name, check=False).stdout == "installed"
            for name in PACKAGES))

        machine.run("pam-auth-update", "--disable", "pam-cognito")
        status, verdicts, shown = autopkgtest(machine)
        judge.check("where the profile is off the test fails", status == 4 and
                    verdicts.get("installed", "").startswith("FAIL") and
                    "FAILED the profile is enabled" in shown, shown)
        machine.run("pam-auth-update", "--enable", "pam-cognito")


def profile_is_compiled(judge, machine):
    with judge.scene("AppArmor's parser, with the profile as installed"):
        done = parse(machine, PROFILE)
        judge.check("the profile compiles, without a warning", done.returncode == 0 and not done.stderr, done.stderr)
        text, abi = machine.read(PROFILE), newest_abi(machine)
        judge.check(f"it is written for the release's AppArmor, {abi}", f"\nabi <abi/{abi}>,\n" in text, text)
        for name, right, wrong in (("a rule without its end", " mr,\n", " mr\n"),
                                   ("a permission that is none", " mr,\n", " mq,\n"),
                                   ("an abstraction that is not there", "abstractions/openssl", "abstractions/opensl"),
                                   ("a rule of D-Bus that has no such key", "interface=", "interfaces=")):
            machine.write("/root/broken", text.replace(right, wrong))
            done = parse(machine, "/root/broken")
            judge.check(f"{name}: it does not compile", text.count(right) and done.returncode != 0 and
                        "/root/broken" in done.stderr, done.stderr)


# The rights of cognitod to these files if it owns them. It has no further right if another user does.
PERMITTED = {"/etc/pam-cognito/users.conf": "r", f"{STATE}/known-users.db": "rwak", f"{STATE}/": "r",
             "/run/credentials/cognitod.service/client_secret": "r", "/run/systemd/notify": "wa",
             "/usr/libexec/cognitod": "rm", "/usr/bin/sh": "", "/etc/passwd": "r", "/etc/shadow": "",
             "/etc/pam.d/sshd": "", "/etc/ssh/ssh_host_ed25519_key": "", "/root/.ssh/authorized_keys": "",
             "/home/alice/.profile": "", "/opt/ca.pem": "r"}


def profile_means_what_it_should(judge, machine):
    with judge.scene("The rules of the compiled profile"):
        machine.write(LOCAL_RULES, "/opt/ca.pem r,\n")
        profile = Profile(machine, PROFILE)
        started = machine.run("systemctl", "show", "-P", "ExecStart", "cognitod").stdout
        judge.check("it is for the program that the unit starts", f"path={profile.program} " in started,
                    profile.program)
        for path, letters in PERMITTED.items():
            found = profile.permits(path, own=True)
            judge.check(f"{path}: {letters or 'nothing'}", profile.modes and found == set(letters), sorted(found))
        judge.check("nothing with state of another program",
                    profile.modes and not profile.permits(f"{STATE}/known-users.db", own=False))
        rules = [line for line in profile.shown.splitlines() if line.startswith("dbus ")]
        for rule in ('dbus ( bind ) bus="system" name="org.pamcognito.Auth1",',
                     'dbus ( send receive ) bus="system" path="/org/pamcognito/Auth1{,/**}",'):
            judge.check(rule, rule in rules, rules)


def profile_permits_the_daemon(judge, machine):
    with judge.scene("The profile permits what cognitod does"):
        add_members(machine, "alice")
        machine.write(DROP_IN, TRACED)
        machine.run("systemctl", "daemon-reload")
        set_up(machine)
        for _ in range(2):
            with sign_in(machine, "alice") as terminal:
                judge.check("alice signs in", shell(terminal, "id -un") == ("alice", 0))
                leave(terminal)
            machine.run("systemctl", "reload", "cognitod")
            restart(machine)
        machine.run("systemctl", "stop", "cognitod")
        files = machine.run("sh", "-c", 'ls "$0".*', TRACE).stdout.split()
        wanted = needs(machine, [machine.read(path) for path in files])
        for path, letters in ((CONFIG, "r"), ("/var/lib/cognitod/", "r"), ("/run/dbus/system_bus_socket", "w")):
            judge.check(f"it was seen: {letters} {path}", letters in wanted.get(path, ""), sorted(wanted))
        profile = Profile(machine, PROFILE)
        refused = {path: "".join(sorted(letters - profile.permits(path, own=path.startswith(STATE))))
                   for path, letters in wanted.items()}
        judge.check("every file that it opens, maps, writes or locks", not any(refused.values()),
                    {path: letters for path, letters in refused.items() if letters})


def main():
    with BootedMachine("debian-tools", packages=PROGRAMS) as machine:
        judge = Judge(machine)
        add_local_people(machine)
        packages_are_judged(judge, machine)
        profile_is_compiled(judge, machine)
        profile_means_what_it_should(judge, machine)
        profile_permits_the_daemon(judge, machine)
        judge.close()


if __name__ == "__main__":
    main()
