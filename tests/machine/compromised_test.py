#!/usr/bin/env python3
"""compromised_test.py: a program in the place of cognitod, in the sandbox of its unit, tries to become root or a local user; and
logins by key, certificate, AuthorizedKeysCommand and host key of names without an account. Closes with `N passed, N failed`."""

import contextlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system"), str(HERE.parent / "accounts"), str(HERE.parent / "nss"),
                str(HERE.parent / "packaging")]

from booted import INSIDE, BootedMachine
from compromised_rules import CONFIGURATION, PERMITTED, document
from judge import Judge
from members import set_up
from openssh import KEY, prepare
from residents import LOCAL_USER, add_local_people
from stored_accounts_test import CONF, PROBE, cognitod_is
from unit_test import lines_that_restrict
from waiting import wait_for

CONF_TEXT = f"[accounts]\nrange = 1879048192-2099999999\n{CONFIGURATION}[groups]\nsudo = linux-admins\n"
UNIT = "/run/systemd/system/compromised.service"
RESULT = "/run/compromised-result"
# The unit's own directory, those that are private to it, and those that each user of the machine may write.
WRITABLE = {"/var/lib/cognitod", "/var/tmp", "/tmp", "/dev/shm", "/dev/mqueue", "/run/lock"}
# Every program of the machine reaches these: the bus, the journal, the user database, readiness.
FOR_ALL = {"/run/dbus/system_bus_socket", "/run/systemd/notify", "/run/systemd/userdb/io.systemd.DynamicUser",
           "/run/systemd/io.system.ManagedOOM", "/run/systemd/journal/socket", "/run/systemd/journal/stdout", "/run/systemd/journal/dev-log",
           "/run/systemd/journal/io.systemd.journal", "/run/user/0/bus",
           # Since systemd 256: varlink services that ask polkit, and sshd for local users (systemd-ssh-generator).
           "/run/systemd/io.systemd.ManagedOOM", "/run/systemd/io.systemd.Hostname", "/run/systemd/io.systemd.Import", "/run/systemd/io.systemd.Credentials",
           "/run/ssh-unix-local/socket", "/run/host/unix-export/ssh"}
LOCKED, GHOST, UID = "frank", "ghost", 1879050000


def sandbox(judge, machine):
    """The list of obtained rights is that of the security model, in the sandbox of the unit, too."""
    with judge.scene("A program in the place of cognitod"):
        machine.run("systemctl", "stop", "cognitod")
        machine.write(UNIT, "\n".join([
            "[Service]", "Type=oneshot", "TimeoutStartSec=300", f"StandardOutput=truncate:{RESULT}", "StateDirectory=cognitod",
            f"ExecStart=/usr/bin/python3 -B {INSIDE}/tests/accounts/compromised.py", *lines_that_restrict(machine), ""]))
        machine.run("systemctl", "daemon-reload")
        done = machine.run("systemctl", "start", "compromised.service", check=False, timeout=320)
        text = machine.read(RESULT)
        judge.check("the program ran", done.returncode == 0 and text.startswith("{"),
                    machine.run("journalctl", "--no-pager", "--unit=compromised").stdout)
        result = json.loads(text)
        judge.check("as uid cognitod", result["uid"] == int(machine.run("id", "-u", "cognitod").stdout), result["uid"])
        judge.check("it obtained what the security model lists, and nothing more", sorted(result["obtained"]) == sorted(PERMITTED),
                    (result["obtained"], sorted(PERMITTED)))
        judge.check("it can write its own directories, and what each user can", set(result["writable"]) <= WRITABLE, result["writable"])
        judge.check("and reaches cognitod-accounts, and what all programs reach",
                    set(result["sockets"]) - FOR_ALL == {"/run/pam-cognito-accounts/socket"}, result["sockets"])
        machine.run("systemctl", "start", "cognitod")


def groups_that_move(judge, machine):
    """The accounts file has the gid of each mapped group. A group that gets another gid keeps the former one from others until the
    next change writes the file."""
    with judge.scene("A gid that is used again"):
        machine.run("systemctl", "stop", "cognitod-accounts.service")
        gid = machine.run("getent", "group", "sudo").stdout.split(":")[2]
        groups = lambda: machine.run("id", "-G", "pinned.user").stdout.split()
        judge.check("pinned.user is in sudo", gid in groups(), groups())
        machine.run("groupmod", "--gid", "1527", "sudo")
        judge.check("groupadd refuses the former gid", machine.run("groupadd", "--gid", gid, "other", check=False).returncode == 4)
        machine.run("systemctl", "start", "cognitod-accounts.service")
        judge.check("pinned.user follows the group", wait_for(lambda: "1527" in groups() and gid not in groups()), groups())
        judge.check("and then the gid is free", machine.run("groupadd", "--gid", gid, "other", check=False).returncode == 0)
        judge.check("pinned.user is not in the new group", gid not in groups(), groups())
        machine.run("groupdel", "other")
        machine.run("groupmod", "--gid", gid, "sudo")


def early(judge, machine):
    """A sign-in before `setup --accounts`: a program that started without the directories could not write them later."""
    with judge.scene("A sign-in before the directories exist"):
        ask = f"import sys; sys.path.insert(0, '{INSIDE}/tests/accounts'); from messages import *; print(ask(request('early.user'))[0])"
        judge.check("it is refused", machine.run("python3", "-c", ask).stdout.strip() == "14")
        machine.run(PROBE, "/", "make")
        answer = machine.run("python3", "-c", ask).stdout.strip()
        judge.check("and stored when they exist", answer == "0", answer)
        machine.run("sh", "-c", "systemctl stop cognitod-accounts.service; rm -r /var/lib/pam-cognito-accounts /var/lib/pam-cognito-accounts-db")


def ssh(machine, user, *options):
    done = machine.run("ssh", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", *options, "-i", KEY, f"{user}@127.0.0.1", "id -u",
                       check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@contextlib.contextmanager
def sshd_setting(machine, text):
    # A reload returns before sshd has closed its socket and listens again.
    restart = ("sh", "-c", "systemctl reset-failed ssh; systemctl restart ssh")
    machine.write("/etc/ssh/sshd_config.d/05-test.conf", text)
    machine.run(*restart)
    try:
        yield
    finally:
        machine.run("rm", "/etc/ssh/sshd_config.d/05-test.conf")
        machine.run(*restart)


def logins_without_a_password(judge, machine):
    """E2: a key in a central directory, a certificate or AuthorizedKeysCommand opened a session without an account."""
    script = f"""
mkdir -p /etc/ssh/keys && for user in {LOCAL_USER} {LOCKED} {GHOST} zoe.new; do install -m 0644 {KEY}.pub /etc/ssh/keys/$user; done
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/user-ca
ssh-keygen -q -s /etc/ssh/user-ca -I test -n {LOCAL_USER},{LOCKED},{GHOST},zoe.new -V -1h:+1h {KEY}.pub
printf '#!/bin/sh\\ncat /etc/ssh/keys/{LOCAL_USER}\\n' >/usr/local/bin/keys && chmod 0755 /usr/local/bin/keys
echo 'localhost root' >/etc/ssh/shosts.equiv && sed -n 's/^127.0.0.1/localhost/p' /etc/ssh/ssh_known_hosts >/root/own_key
cat /root/own_key >>/etc/ssh/ssh_known_hosts && echo 'EnableSSHKeysign yes' >>/etc/ssh/ssh_config"""
    machine.run("sh", "-ec", script)
    # A cache, or another source of the name service, that has a user without a record.
    ghost = f"{GHOST}:x:{UID + 9}:{UID + 9}::/:/bin/bash\n"
    before = machine.read("/etc/passwd")
    machine.write("/etc/passwd", before + ghost)
    ways = {"a key": "AuthorizedKeysFile /etc/ssh/keys/%u\n", "a certificate": "TrustedUserCAKeys /etc/ssh/user-ca.pub\nAuthorizedKeysFile none\n",
            "AuthorizedKeysCommand": "AuthorizedKeysCommand /usr/local/bin/keys\nAuthorizedKeysCommandUser nobody\nAuthorizedKeysFile none\n",
            "hostbased": "HostbasedAuthentication yes\nHostbasedUsesNameFromPacketOnly yes\nAuthorizedKeysFile none\n"}
    try:
        for way, text in ways.items():
            options = ("-o", "PreferredAuthentications=hostbased", "-o", "HostbasedAuthentication=yes") if way == "hostbased" else ()
            with sshd_setting(machine, text):
                for state in ("running", "stopped", "masked"):
                    with judge.scene(f"E2, {way}, cognitod is {state}"), cognitod_is(machine, state):
                        for user in (LOCKED, GHOST, "zoe.new"):
                            judge.check(f"{user} is refused", ssh(machine, user, *options) == "")
                        judge.check("a local user is not", ssh(machine, LOCAL_USER, *options) == machine.run("id", "-u", LOCAL_USER).stdout.strip())
                        found = machine.run("getent", "passwd", "zoe.new", check=False).stdout
                        judge.check("and zoe.new has no account before or after", found == "", found)
    finally:
        machine.write("/etc/passwd", before)


def main():
    with BootedMachine("compromised") as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.install_debs("cognitod", "libpam-cognito", "cognitoctl", "libnss-cognitod", "cognitod-accounts")
        machine.write(CONF, CONF_TEXT)
        machine.write("/etc/pam-cognito/fleet.key", "0" * 64 + "\n", mode=0o600)
        early(judge, machine)
        machine.run(PROBE, "/", "make")
        machine.run(PROBE, "/", "import", input=document())
        machine.run(PROBE, "/", "add", LOCKED, str(UID))
        machine.run(PROBE, "/", "lock", LOCKED)
        set_up(machine)
        prepare(machine)
        machine.run("systemctl", "restart", "ssh")
        sandbox(judge, machine)
        groups_that_move(judge, machine)
        logins_without_a_password(judge, machine)
        judge.close()


if __name__ == "__main__":
    main()
