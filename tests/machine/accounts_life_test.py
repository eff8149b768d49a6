#!/usr/bin/env python3
"""accounts_life_test.py [SCENE…]: the life of accounts that no local file names, on a booted machine: the first sign-in,
users who are disabled, deleted, made again, renamed and locked; homes; programs that act for a user; an upgrade, a
restored backup and the removal of the packages. Closes with `N passed, N failed`."""

import contextlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import openssh
from booted import BootedMachine
from judge import Judge
from members import password_and_code, restart, set_up
from residents import LOCAL_PASSWORD, LOCAL_USER, SHELL, add_local_people, leave, shell, start_jobs, user_on_console
from waiting import wait_for

CONF = "/etc/pam-cognito/accounts.conf"
CONF_TEXT = "[accounts]\nrange = 1879048192-2099999999\nnames = *.*\n"
FLEET_KEY = "/etc/pam-cognito/fleet.key"
DATABASE = "/var/lib/pam-cognito-accounts-db"
FILE = "/var/lib/pam-cognito-accounts/accounts.v1"
DEBS = ("cognitod", "libpam-cognito", "cognitoctl", "libnss-cognitod", "cognitod-accounts")
USERS = ("alice", "frank", "grace", "judy")
# The code is judy's, too: the pool keeps used codes by user.
TOTP = {"enabled": ["SOFTWARE_TOKEN_MFA"], "preferred": "SOFTWARE_TOKEN_MFA", "totp_secret": "JFXGKZLEJFXGKZLEJFXGKZLEJFXGKZLE"}


# The machine.
def cognitoctl(machine, *words, check=True):
    return machine.run("cognitoctl", *words, check=check)


def account(machine, name):
    return json.loads(cognitoctl(machine, "users", "show", name, "--json").stdout)["account"]


def uid_of(machine, name):
    return machine.run("id", "-u", name).stdout.strip()


def conf(machine, more=""):
    machine.write(CONF, CONF_TEXT + more)


def make_home(machine, name):
    machine.run("install", "-d", "-m", "0700", "-o", name, "-g", name, f"/home/{name}")
    machine.run("install", "-m", "0600", "-o", name, "-g", name, "/dev/null", f"/home/{name}/.hushlogin")


def allow_key(machine, name):
    machine.run("install", "-d", "-m", "0700", "-o", name, "-g", name, f"/home/{name}/.ssh")
    machine.run("install", "-m", "0600", "-o", name, "-g", name, f"{openssh.KEY}.pub", f"/home/{name}/.ssh/authorized_keys")


@contextlib.contextmanager
def ssh(machine, user, answers=None):
    """A shell by ssh, with password and code."""
    machine.pool.forgive(user)
    with machine.terminal(*openssh.client(user, command="")) as terminal:
        for prompt, answer in answers or password_and_code(machine, user):
            terminal.expect(prompt)
            terminal.send(answer() if callable(answer) else answer, hidden_as="hidden")
        terminal.expect(SHELL)
        yield terminal


def refused_by_ssh(machine, user, answers=None):
    """The answers are given as long as they are asked for."""
    machine.pool.forgive(user)
    with machine.terminal(*openssh.client(user, command="echo the-shell")) as terminal:
        for prompt, answer in answers or password_and_code(machine, user):
            which, _ = terminal.expect_any([prompt, r"Permission denied", r"the-shell", r"closed"])
            if which:
                return which != 2
            terminal.send(answer() if callable(answer) else answer, hidden_as="hidden")
        return terminal.expect_any([r"Permission denied|closed", r"the-shell"])[0] == 0


def by_key(machine, user):
    """The uid that a login by key gives; empty: refused."""
    done = machine.run("ssh", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", openssh.KEY, f"{user}@127.0.0.1", "id -u",
                       check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def accounts_said(judge, text):
    entry = judge.line(_SYSTEMD_UNIT="cognitod-accounts.service", MESSAGE=text)
    judge.check(f"cognitod-accounts' line: {text}", entry, judge.cognito_lines())


def record_refuses(judge, machine, user):
    """The module does, by the record, whatever cognitod would say."""
    judge.check(f"{user}: a login by key is refused", by_key(machine, user) == "")
    judge.module_said(f"refused cause=account-record user={user}: the account is locked")


# Scenes.
def first_sign_in(judge, machine):
    with judge.scene("A user without a local account signs in by ssh"):
        judge.check("no local file names alice", machine.run("grep", "-rs", "^alice:", "/etc/passwd", "/etc/group", "/etc/shadow",
                                                             check=False).returncode == 1)
        judge.check("the account has no person yet", account(machine, "alice")["sub"] == "")
        with ssh(machine, "alice") as terminal:
            judge.check("the shell has the uid", shell(terminal, "id -u") == (uid_of(machine, "alice"), 0))
            judge.check("and is in the home", shell(terminal, "pwd") == ("/home/alice", 0))
            leave(terminal)
        accounts_said(judge, f"sign-in of alice stored, uid {uid_of(machine, 'alice')}")
        judge.check("the account is pinned to the person", account(machine, "alice")["sub"] != "")
        judge.check("a login by key counts then", by_key(machine, "alice") == uid_of(machine, "alice"))


def disabled(judge, machine):
    with judge.scene("A user whom the pool has disabled"):
        with ssh(machine, "frank") as terminal:
            leave(terminal)
        judge.check("before: a login by key counts", by_key(machine, "frank") != "")
        machine.pool.admin("users/disable", username="frank")
        judge.check("the sign-in is refused", refused_by_ssh(machine, "frank"))
        judge.cognitod_said(USER="frank", SERVICE="sshd", OUTCOME="refused", CAUSE="user-disabled")
        accounts_said(judge, "lock of frank stored")
        judge.check("the account is locked by the pool", wait_for(lambda: account(machine, "frank")["locked_by"] == "pool"),
                    account(machine, "frank"))
        record_refuses(judge, machine, "frank")
        machine.pool.admin("users/enable", username="frank")
        judge.check("enabled again: refused until an administrator unlocks", refused_by_ssh(machine, "frank"))
        cognitoctl(machine, "users", "unlock", "frank")
        with ssh(machine, "frank") as terminal:
            judge.check("then the user signs in", shell(terminal, "id -un") == ("frank", 0))
            leave(terminal)


def terminated(judge, machine):
    conf(machine, "on_disable = terminate\n")
    with judge.scene("on_disable = terminate: an open shell ends"):
        with ssh(machine, "grace") as terminal:
            shell(terminal, "(sleep infinity & )")
            judge.check("the shell and its process run", wait_for(lambda: "sleep" in processes(machine, "grace")))
            machine.pool.admin("users/disable", username="grace")
            # The pool is asked for the account of the session.
            judge.check("a login by key is refused", by_key(machine, "grace") == "")
            judge.cognitod_said(USER="grace", SERVICE="sshd", OUTCOME="account-expired")
            accounts_said(judge, "lock of grace stored")
            terminal.expect(r"(?i)closed")
        judge.check("no process of the user is left", wait_for(lambda: not processes(machine, "grace")), processes(machine, "grace"))
        record_refuses(judge, machine, "grace")
        machine.pool.admin("users/enable", username="grace")
        cognitoctl(machine, "users", "unlock", "grace")
    conf(machine)


def processes(machine, user):
    return machine.run("ps", "-o", "comm=", "-u", user, check=False).stdout.split()


def made_again(judge, machine):
    """Deleted in the pool, then the same name for another person."""
    with judge.scene("A user who is deleted, and made again with another sub"):
        with ssh(machine, "judy") as terminal:
            leave(terminal)
        former = account(machine, "judy")
        answers = password_and_code(machine, "judy")
        machine.pool.admin("users/delete", username="judy")
        judge.check("deleted: the sign-in is refused", refused_by_ssh_unknown(machine, "judy"))
        judge.cognitod_said(USER="judy", SERVICE="sshd", OUTCOME="refused")
        create(machine, "judy")
        judge.check("made again: the sign-in is refused", refused_by_ssh(machine, "judy", answers))
        judge.cognitod_said(USER="judy", SERVICE="sshd", CAUSE="another-account")
        # cognitod's own pin is the first of two.
        cognitoctl(machine, "identity", "reset", "judy")
        judge.check("also if cognitod forgets its pin", refused_by_ssh(machine, "judy", answers))
        judge.cognitod_said(USER="judy", SERVICE="sshd", CAUSE="account-of-another-person")
        accounts_said(judge, "sign-in of judy refused, sub-differs")
        judge.check("the account is as before", account(machine, "judy")["sub"] == former["sub"])
        cognitoctl(machine, "users", "rebind", "judy")
        with ssh(machine, "judy", answers) as terminal:
            judge.check("after users rebind, the new person has the account", shell(terminal, "id -u") == (str(former["uid"]), 0))
            leave(terminal)
        judge.check("the other sub is pinned", account(machine, "judy")["sub"] not in ("", former["sub"]))


def create(machine, name, **more):
    return machine.pool.admin("users/create", username=name, password="Jumping-Jack-11", groups=["linux-users"],
                              attributes={"email": f"{name}@example.com", "email_verified": "true"}, mfa=TOTP, **more)


def refused_by_ssh_unknown(machine, user):
    """forgive() needs a user of the pool."""
    with machine.terminal(*openssh.client(user, command="echo the-shell")) as terminal:
        terminal.answer(r"[Pp]assword", "Jumping-Jack-11", hidden_as="password")
        return terminal.expect_any([r"Permission denied|closed", r"the-shell"])[0] == 0


def renamed(judge, machine):
    with judge.scene("A user who gets a new name"):
        former = account(machine, "judy")
        answers = password_and_code(machine, "judy")
        with ssh(machine, "judy", answers) as terminal:
            done = cognitoctl(machine, "users", "rename", "judy", "judy.new", check=False)
            judge.check("not while the user has processes", done.returncode != 0 and "has processes" in done.stderr, done.stderr)
            leave(terminal)
        machine.run("loginctl", "terminate-user", "judy", check=False)
        judge.check("all processes end", wait_for(lambda: not processes(machine, "judy")))
        cognitoctl(machine, "users", "rename", "judy", "judy.new")
        machine.run("mv", "/home/judy", "/home/judy.new")
        judge.check("the former name is nobody's", machine.run("getent", "passwd", "judy", check=False).returncode == 2)
        judge.check("and is refused", refused_by_ssh(machine, "judy", answers) and by_key(machine, "judy") == "")
        machine.pool.admin("users/delete", username="judy")
        create(machine, "judy.new", sub=former["sub"])
        with ssh(machine, "judy.new", answers) as terminal:
            judge.check("the new name has the uid", shell(terminal, "id -u") == (str(former["uid"]), 0))
            judge.check("and the files", shell(terminal, "stat -c %U .") == ("judy.new", 0))
            leave(terminal)
        done = cognitoctl(machine, "users", "add", "judy", check=False)
        judge.check("the former name gets no account", done.returncode != 0 and "is the former name of judy.new" in done.stderr,
                    done.stderr)


def locked(judge, machine):
    with judge.scene("A user whom the administrator locks"):
        with ssh(machine, "frank") as terminal:
            done = cognitoctl(machine, "users", "lock", "frank", "--terminate")
            judge.check("the open shell ends", terminal.expect(r"(?i)closed"), done.stdout)
        record_refuses(judge, machine, "frank")
        judge.check("the sign-in is refused", refused_by_ssh(machine, "frank"))
        judge.check("the owner of files keeps a name", machine.run("stat", "-c", "%U", "/home/frank").stdout.strip() == "frank")
        machine.pool.admin("users/disable", username="frank")
        machine.pool.admin("users/enable", username="frank")
        cognitoctl(machine, "users", "unlock", "frank")
        judge.check("unlocked: a login by key counts", by_key(machine, "frank") != "")


# Programs that act for a user; cognitod up, stopped (the bus starts it) and masked.
def ways(judge, machine):
    uid = uid_of(machine, "alice")
    machine.run("loginctl", "terminate-user", "alice", check=False)
    with ssh(machine, "alice") as terminal:  # known to cognitod
        leave(terminal)
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
    machine.run("crontab", "-u", "alice", "-", input="@reboot id -u >/home/alice/of-cron\n")
    for state in ("running", "stopped", "masked"):
        with judge.scene(f"cron, at, systemd --user, su and sudo while cognitod is {state}"), cognitod_is(machine, state):
            found = {name: way(machine) for name, way in WAYS.items()}
            for name, value in found.items():
                # PAM is asked for the account of the one who runs sudo, which is root's.
                runs = state != "masked" or name == "sudo -u by root"
                judge.check(f"{name}: {'runs as the user' if runs else 'refused'}", value == (uid if runs else ""), value)
            judge.attempt("a local user logs in", lambda: user_on_console(machine, LOCAL_USER, LOCAL_PASSWORD))
            machine.run("systemctl", "stop", f"user@{uid}.service")


@contextlib.contextmanager
def cognitod_is(machine, state):
    if state != "running":
        machine.run("systemctl", "stop", "cognitod")
    if state == "masked":
        machine.run("systemctl", "mask", "--runtime", "cognitod")
    try:
        yield
    finally:
        if state == "masked":
            machine.run("systemctl", "unmask", "--runtime", "cognitod")
        restart(machine)


def of_cron(machine):
    machine.run("rm", "-f", "/home/alice/of-cron", "/root/of-cron")
    machine.run("crontab", "-u", "root", "-", input="@reboot id -u >/root/of-cron\n")
    start_jobs(machine)
    # Both are decided at the same time, and cron starts root's as well.
    if not wait_for(lambda: machine.run("cat", "/root/of-cron", check=False).stdout):
        return "root's job did not run"
    return wait_for(lambda: machine.run("cat", "/home/alice/of-cron", check=False).stdout.strip(), timeout=5)


def of_at(machine):
    """atd asks for the account alone, and leaves a refused job in the queue."""
    machine.run("rm", "-f", "/home/alice/of-at")
    cursor = machine.cursor()
    machine.run(*machine.as_user("alice", "sh", "-c", "cd && echo 'id -u >/home/alice/of-at' | at now"))
    result = lambda: machine.run("cat", "/home/alice/of-at", check=False).stdout.strip()
    if not wait_for(lambda: result() or any("pam_cognito(atd:account)" in entry.get("MESSAGE", "") and "success" not in
                                            entry["MESSAGE"] for entry in machine.journal(cursor))):
        return "atd has not asked"
    machine.run("sh", "-c", "atrm $(atq | cut -f1)", check=False)
    return result()


def of_manager(machine):
    uid = uid_of(machine, "alice")
    machine.run("systemctl", "stop", f"user@{uid}.service")
    machine.run("systemctl", "reset-failed", f"user@{uid}.service", check=False)
    machine.run("systemctl", "start", f"user@{uid}.service", check=False)
    active = machine.run("systemctl", "is-active", f"user@{uid}.service", check=False).stdout.strip()
    return uid if active == "active" else ""


def of(*argv):
    return lambda machine: machine.run(*argv, check=False).stdout.strip()


def of_own_sudo(machine):
    """sudo by the user asks for the account of both."""
    done = machine.run(*machine.as_user("alice", "sudo", "-n", "id", "-u"), check=False)
    return uid_of(machine, "alice") if done.stdout.strip() == "0" else done.stdout.strip()


WAYS = {"cron": of_cron, "at": of_at, "systemd --user": of_manager, "su by root": of("su", "alice", "-c", "id -u"),
        "sudo -u by root": of("sudo", "-n", "-u", "alice", "id", "-u"), "sudo by the user": of_own_sudo}


def homes(judge, machine):
    with judge.scene("A home directory that the first login makes"):
        cognitoctl(machine, "users", "add", "erin.new")
        create(machine, "erin.new")
        machine.run("pam-auth-update", "--enable", "pam-cognito-mkhomedir")
        answers = password_and_code(machine, "judy")
        judge.check("there is none before", machine.run("test", "-e", "/home/erin.new", check=False).returncode == 1)
        with ssh(machine, "erin.new", answers) as terminal:
            judge.check("the shell is in it", shell(terminal, "pwd") == ("/home/erin.new", 0))
            leave(terminal)
        judge.check("it is the user's alone", machine.run("stat", "-c", "%U:%G %a", "/home/erin.new").stdout.strip()
                    == "erin.new:erin.new 700")
        judge.check("with the files of /etc/skel", machine.run("stat", "-c", "%U %a", "/home/erin.new/.bashrc").stdout.strip()
                    == "erin.new 600")
        judge.check("doctor agrees", doctor(machine, "accounts-homes")["state"] == "ok", doctor(machine, "accounts-homes"))
        machine.run("chown", LOCAL_USER, "/home/erin.new")
        found = doctor(machine, "accounts-homes")
        judge.check("doctor reports another owner", found["state"] == "fault" and "erin.new" in found["what"], found)
        machine.run("rm", "-r", "/home/erin.new")
        machine.run("loginctl", "terminate-user", "erin.new", check=False)
        judge.check("its processes end", wait_for(lambda: not processes(machine, "erin.new")))
        cognitoctl(machine, "users", "remove", "erin.new", "--yes")
        machine.run("pam-auth-update", "--disable", "pam-cognito-mkhomedir")


def doctor(machine, check):
    report = json.loads(cognitoctl(machine, "doctor", "--only", check, "--json", check=False).stdout)
    return report["checks"][0]


def lastlog(judge, machine):
    """Debian 12 has 292 bytes for each uid up to the largest."""
    with judge.scene("The file of last logins"):
        found = doctor(machine, "accounts-lastlog")
        judge.check("doctor has nothing to correct", found["state"] == "ok", found)
        shown = machine.run("stat", "-c", "%s %b %B", "/var/log/lastlog", check=False)
        if shown.returncode != 0 or int(shown.stdout.split()[0]) == 0:
            judge.skip("its size", "this release writes no such file at logins")
            return
        size, blocks, unit = map(int, shown.stdout.split())
        judge.check("it is as large as the uids demand", size > 500e9, size)
        judge.check("and takes next to nothing on the disk", blocks * unit < 1 << 20, blocks * unit)
        judge.check("doctor names the size", "GiB" in found["what"], found)


def upgraded(judge, machine):
    """The same packages once more: an installation over the present one."""
    with judge.scene("The packages are upgraded while a user is logged in"), ssh(machine, "alice") as terminal:
        uid = uid_of(machine, "alice")
        # A process that keeps the old library, and asks again when it is told.
        script = "import pwd,sys\nfor line in sys.stdin: print('found', pwd.getpwnam(line.strip()).pw_uid, flush=True)\n"
        machine.write("/root/asks.py", script)
        with machine.terminal("python3", "/root/asks.py") as asks:
            asks.send("alice")
            asks.expect(rf"found {uid}\n")
            sessions = session_ids(machine)
            debs = sorted(str(path) for path in machine_debs(machine))
            machine.run("apt-get", "--yes", "--quiet", "--reinstall", "install", *debs, timeout=300)
            # Whichever of both units is restarted first.
            accounts = [deb for deb in debs if "cognitod-accounts_" in deb]
            for _ in range(5):
                machine.run("apt-get", "--yes", "--quiet", "--reinstall", "install", *accounts, timeout=300)
                judge.check("systemd listens for cognitod-accounts", machine.run(
                    "systemctl", "is-active", "cognitod-accounts.socket", check=False).stdout.strip() == "active")
                machine.run("systemctl", "start", "cognitod-accounts.service")
            # systemd's default is 5 starts in 10 s: a fast machine reaches it in the loop above.
            units = "cognitod-accounts.socket cognitod-accounts.service"
            machine.run("sh", "-c", f"for i in 1 2 3 4 5 6 7 8; do systemctl stop {units} && systemctl start {units} || exit 1;"
                                    " done")
            judge.check("the session has stayed", sessions and session_ids(machine) == sessions, session_ids(machine))
            judge.check("the shell has its uid", shell(terminal, "id -u; id -un") == (f"{uid}\nalice", 0))
            before = machine.run("sha256sum", FILE).stdout
            cognitoctl(machine, "users", "add", "late.user")
            judge.check("the file is a new one", machine.run("sha256sum", FILE).stdout != before)
            asks.send("late.user")
            asks.expect(rf"found {uid_of(machine, 'late.user')}\n")
            judge.check("the old library reads the new file", True)
            asks.kill()
        judge.check("the service still is in nsswitch.conf", re.search(r"(?m)^passwd:\s+files cognitod",
                                                                      machine.read("/etc/nsswitch.conf")))
        with ssh(machine, "alice") as another:
            judge.check("the user signs in again", shell(another, "id -u") == (uid, 0))
            leave(another)
        leave(terminal)


def session_ids(machine):
    return sorted(one["id"] for one in json.loads(cognitoctl(machine, "sessions", "list", "--json").stdout)["sessions"])


def machine_debs(machine):
    return machine.run("sh", "-c", "ls /opt/pam-cognito/build/deb/*.deb").stdout.split()


def restored(judge, machine):
    with judge.scene("The database is restored from an older backup"):
        machine.run("systemctl", "stop", "cognitod-accounts.service")
        machine.run("cp", "-a", DATABASE, "/root/backup")
        cognitoctl(machine, "users", "add", "made.later")
        later, removed_uid = uid_of(machine, "made.later"), uid_of(machine, "frank")
        make_home(machine, "made.later")
        cognitoctl(machine, "users", "remove", "frank", "--yes")
        judge.check("frank is removed", machine.run("id", "frank", check=False).returncode != 0)
        machine.run("sh", "-c", f"rm -rf {DATABASE} && mv /root/backup {DATABASE}")
        # The first program that opens the database corrects it, and reports that.
        done = cognitoctl(machine, "users", "list")
        machine.run("systemctl", "start", "cognitod-accounts.service")
        judge.check("cognitoctl reports that the database is older than the file",
                    "older than the accounts file" in done.stderr, done.stderr)
        judge.check("a removed account stays removed", machine.run("id", "frank", check=False).returncode != 0)
        judge.check("an account of which the database has no person is retired",
                    machine.run("id", "made.later", check=False).returncode != 0)
        found = doctor(machine, "accounts-homes")
        judge.check("doctor reports the home without an account", found["state"] == "warning" and later in found["what"]
                    and "backup" in found["what"], found)
        refused = cognitoctl(machine, "users", "add", "made.later", check=False)
        judge.check("its name is given to nobody by itself", refused.returncode == 7 and f"--uid {later}" in refused.stderr,
                    refused.stderr)
        cognitoctl(machine, "users", "add", "made.later", "--uid", later)
        judge.check("the account gets the same uid", uid_of(machine, "made.later") == later)
        cognitoctl(machine, "users", "add", "frank", "--uid", removed_uid)
        judge.check("root can bring the removed account back, too", uid_of(machine, "frank") == removed_uid)
        judge.check("doctor has nothing to report then", doctor(machine, "accounts-homes")["state"] == "ok")
        with ssh(machine, "alice") as terminal:
            leave(terminal)


def removed(judge, machine):
    """Last: the packages go."""
    with judge.scene("The removal of the packages"):
        uids = {name: uid_of(machine, name) for name in ("alice", "frank")}
        before = machine.read("/etc/nsswitch.conf")
        with ssh(machine, "alice") as terminal:
            done = machine.run("apt-get", "--yes", "--quiet", "remove", "libnss-cognitod", check=False, timeout=180)
            judge.check("refused while the user has processes", done.returncode != 0 and f"of uid {uids['alice']}" in done.stderr
                        + done.stdout, done.stdout + done.stderr)
            judge.check("the library stays", machine.run("id", "alice", check=False).returncode == 0)
            judge.check("nsswitch.conf is as before", machine.read("/etc/nsswitch.conf") == before)
            leave(terminal)
        for user in uids:
            machine.run("loginctl", "terminate-user", user, check=False)
        judge.check("all processes end", wait_for(lambda: not processes(machine, "alice") + processes(machine, "frank")))
    judge.step("a purge")  # without a scene, whose end asks cognitoctl
    database = machine.run("sha256sum", f"{DATABASE}/accounts.db").stdout
    key = machine.read(FLEET_KEY)
    machine.run("apt-get", "--yes", "--quiet", "purge", *DEBS, timeout=300)
    judge.check("accounts and fleet key stay", machine.run("sha256sum", f"{DATABASE}/accounts.db").stdout == database
                and machine.read(FLEET_KEY) == key)
    judge.check("nsswitch.conf has no service cognitod", "cognitod" not in machine.read("/etc/nsswitch.conf"))
    judge.check("no user is known", machine.run("id", "alice", check=False).returncode != 0)
    judge.attempt("a local user logs in", lambda: user_on_console(machine, LOCAL_USER, LOCAL_PASSWORD))
    judge.step("")
    machine.install_debs(*DEBS)
    conf(machine)
    set_up(machine, extra=EXTRA)
    cognitoctl(machine, "users", "list")
    with judge.scene("The packages come back"):
        for user, uid in uids.items():
            judge.check(f"{user} has the same uid", uid_of(machine, user) == uid)
        with ssh(machine, "alice") as terminal:
            judge.check("and signs in", shell(terminal, "id -u") == (uids["alice"], 0))
            leave(terminal)


SCENES = [first_sign_in, disabled, terminated, made_again, renamed, locked, ways, homes, lastlog, upgraded, restored, removed]
# Every account question but those of cron and systemd-user goes to the pool.
EXTRA = "\n[session]\nrevalidate = 0\n"


def main():
    with BootedMachine("life", ("at",)) as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.install_debs(*DEBS)
        conf(machine)
        machine.write(FLEET_KEY, "0" * 64 + "\n", mode=0o600)
        set_up(machine, extra=EXTRA)
        machine.run("systemctl", "start", "cognitod-accounts.socket")
        for name in USERS:
            cognitoctl(machine, "users", "add", name)
            make_home(machine, name)
        openssh.prepare(machine)
        for name in USERS:
            allow_key(machine, name)
        machine.run("systemctl", "restart", "ssh")
        judge.play(SCENES)
        judge.close()


if __name__ == "__main__":
    main()
