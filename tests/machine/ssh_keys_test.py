#!/usr/bin/env python3
"""ssh_keys_test.py [SCENE…]: SSH keys of the user pool, on a booted machine with the real sshd: written by a full sign-in,
replaced, expired, locked, removed; a local user who gets the name; AuthorizedKeysCommand beside them. Closes with
`N passed, N failed`."""

import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import openssh
from accounts_life_test import DEBS, FLEET_KEY, account, accounts_said, allow_key, cognitod_is, conf, doctor, make_home, \
    processes, record_refuses, ssh, uid_of
from booted import BootedMachine
from judge import Judge
from members import set_up
from residents import LOCAL_USER, add_local_people, leave, shell
from waiting import wait_for

USERS = ("alice", "frank", "grace")
SETTING = "ssh_keys_attribute = custom:ssh_keys\n"
KEYS = "/var/lib/pam-cognito-accounts/keys"
SHIPPED = "/usr/share/doc/libpam-cognito/examples/sshd-pam-cognito-keys.conf"
DROP_IN = "/etc/ssh/sshd_config.d/51-pam-cognito-keys.conf"
COMMAND_DROP_IN = "/etc/ssh/sshd_config.d/52-command.conf"
COMMENT = "# Written by cognitod-accounts from the user pool at each full sign-in.\n"
# In the pool, with options in front, of EC2 Instance Connect.
POOL_KEY, OPTION_KEY, EC2_KEY = "/root/pool_key", "/root/option_key", "/root/ec2_key"


def by_key(machine, user, key=POOL_KEY):
    """The uid that a login by this key gives; empty: refused."""
    done = machine.run("ssh", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey", "-i", key,
                       f"{user}@127.0.0.1", "id -u", check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def public(machine, key):
    return " ".join(machine.read(f"{key}.pub").split()[:2])


def set_keys(machine, user, text):
    machine.pool.admin("users/update", username=user, attributes={"custom:ssh_keys": text})


def full_sign_in(machine, user):
    with ssh(machine, user) as terminal:
        shell(terminal, "id -u")
        leave(terminal)


def file_of(machine, user):
    return f"{KEYS}/{account(machine, user)['uid']}"


def has_file(machine, path):
    return machine.run("test", "-e", path, check=False).returncode == 0


def shown_keys(machine, user):
    return json.loads(machine.run("cognitoctl", "users", "show", user, "--json").stdout)["ssh_keys"]


def when(seconds, suffix="Z"):
    return time.strftime(f"%Y%m%d%H%M%S{suffix}", time.gmtime(seconds))


# Scenes.
def written(judge, machine):
    with judge.scene("A key of the user pool"):
        uid, path = uid_of(machine, "alice"), file_of(machine, "alice")
        set_keys(machine, "alice", f"{public(machine, POOL_KEY)} alice@laptop, command=\"id\" {public(machine, OPTION_KEY)}")
        judge.check("does not count before a full sign-in", by_key(machine, "alice") == "" and not has_file(machine, path))
        full_sign_in(machine, "alice")
        judge.check("counts after it", by_key(machine, "alice") == uid)
        judge.check("an entry with options does not", by_key(machine, "alice", OPTION_KEY) == "")
        accounts_said(judge, "custom:ssh_keys of alice: entry 2 has options or no permitted type")
        judge.check("the file is root's", machine.run("stat", "-c", "%U:%G %a", path, KEYS).stdout.split("\n")[:2]
                    == ["root:root 644", "root:root 755"])
        keys = shown_keys(machine, "alice")
        fingerprint = machine.run("ssh-keygen", "-lf", f"{POOL_KEY}.pub").stdout.split()[1]
        judge.check("users show has its fingerprint", [key["fingerprint"] for key in keys] == [fingerprint], keys)
        judge.check("and until when it counts", keys and keys[0]["ends_at"] == account(machine, "alice")["verified_at"] + 86400, keys)
        judge.check("doctor finds no fault", doctor(machine, "accounts-keys")["state"] == "ok", doctor(machine, "accounts-keys"))
        judge.check("keys of authorized_keys count as before", by_key(machine, "alice", openssh.KEY) == uid)
        judge.check("also a local user's", by_key(machine, LOCAL_USER, openssh.KEY) == uid_of(machine, LOCAL_USER))
        judge.check("a local user has none of the pool", by_key(machine, LOCAL_USER) == "" and by_key(machine, "root") == "")


def replaced(judge, machine):
    with judge.scene("A key that is removed in the pool"):
        path = file_of(machine, "alice")
        set_keys(machine, "alice", public(machine, OPTION_KEY))
        judge.check("counts until the next full sign-in", by_key(machine, "alice") != "")
        full_sign_in(machine, "alice")
        judge.check("and not after it", by_key(machine, "alice") == "")
        judge.check("the key in its place counts", by_key(machine, "alice", OPTION_KEY) != "")
        set_keys(machine, "alice", "")
        full_sign_in(machine, "alice")
        judge.check("without a key there is no file", not has_file(machine, path) and by_key(machine, "alice", OPTION_KEY) == "")
        set_keys(machine, "alice", public(machine, POOL_KEY))
        full_sign_in(machine, "alice")
        judge.check("and with one again", by_key(machine, "alice") != "")


def expired(judge, machine):
    """sshd's own clock, in any time zone; then the keeper's."""
    with judge.scene("A key that has expired"):
        path = file_of(machine, "alice")
        kept, key = machine.read(path), public(machine, POOL_KEY)
        for zone in ("Etc/GMT-14", "Etc/UTC", "Etc/GMT+12"):
            machine.run("ln", "-sfn", f"/usr/share/zoneinfo/{zone}", "/etc/localtime")
            judge.check(f"{zone}: the time zone is there", has_file(machine, "/etc/localtime"))
            machine.run("systemctl", "restart", "ssh")
            for hours, counts in ((-1, False), (1, True)):
                machine.write(path, f"{COMMENT}expiry-time=\"{when(time.time() + 3600 * hours)}\" {key}\n")
                judge.check(f"{zone}: a key until {hours} h from now {'counts' if counts else 'does not count'}",
                            (by_key(machine, "alice") != "") == counts)
        machine.run("ln", "-sfn", "/usr/share/zoneinfo/Etc/UTC", "/etc/localtime")
        machine.run("systemctl", "restart", "ssh")
        machine.run("rm", path)
        full_sign_in(machine, "alice")
        judge.check("a full sign-in writes it again", has_file(machine, path) and kept.split()[-1] == machine.read(path).split()[-1])
        script = "import sqlite3; base = sqlite3.connect('/var/lib/pam-cognito-accounts-db/accounts.db');" \
                 "base.execute('UPDATE account SET verified_at = verified_at - 86400'); base.commit()"
        machine.run("systemctl", "stop", "cognitod-accounts.service")
        machine.run("python3", "-c", script)
        machine.run("systemctl", "start", "cognitod-accounts.service")
        judge.check("cognitod-accounts removes the file of a user who was verified a day ago", wait_for(lambda: not has_file(machine, path)))
        judge.check("and the login is refused", by_key(machine, "alice") == "")
        full_sign_in(machine, "alice")
        judge.check("until the next full sign-in", by_key(machine, "alice") != "")


def locked(judge, machine):
    with judge.scene("A user who is locked"):
        set_keys(machine, "frank", public(machine, POOL_KEY))
        full_sign_in(machine, "frank")
        path = file_of(machine, "frank")
        judge.check("before: the key counts", by_key(machine, "frank") != "")
        kept = machine.read(path)
        machine.run("cognitoctl", "users", "lock", "frank")
        judge.check("the file is removed", not has_file(machine, path))
        judge.check("the login is refused", by_key(machine, "frank") == "" and not shown_keys(machine, "frank"))
        machine.write(path, kept)
        judge.check("also with the file put back", by_key(machine, "frank") == "")
        record_refuses(judge, machine, "frank")
        machine.run("cognitoctl", "users", "unlock", "frank")
        judge.check("the file that was put back is removed", not has_file(machine, path))
        full_sign_in(machine, "frank")
        judge.check("unlocked, and after a full sign-in, the key counts", by_key(machine, "frank") != "")
        machine.pool.admin("users/disable", username="frank")
        machine.pool.forgive("frank")
        judge.check("disabled in the pool: the login is refused", by_key(machine, "frank") == "")
        judge.check("and the file is removed", wait_for(lambda: not has_file(machine, path)))
        machine.pool.admin("users/enable", username="frank")
        machine.run("cognitoctl", "users", "unlock", "frank")
        full_sign_in(machine, "frank")


def without_cognitod(judge, machine):
    uid = uid_of(machine, "alice")
    for state in ("running", "stopped", "masked"):
        with judge.scene(f"A key login while cognitod is {state}"), cognitod_is(machine, state):
            found = by_key(machine, "alice")
            judge.check("is decided as that of another key", found == by_key(machine, "alice", openssh.KEY), found)
            judge.check("by the account phase", found == ("" if state == "masked" else uid), found)


def command(judge, machine):
    with judge.scene("AuthorizedKeysCommand beside it, as of EC2 Instance Connect"):
        machine.write("/usr/local/sbin/instance-connect", f"#!/bin/sh\n[ \"$1\" != alice ] || echo '{public(machine, EC2_KEY)}'\n", mode=0o755)
        machine.write(COMMAND_DROP_IN, "AuthorizedKeysCommand /usr/local/sbin/instance-connect %u\nAuthorizedKeysCommandUser nobody\n")
        machine.run("systemctl", "restart", "ssh")
        uid = uid_of(machine, "alice")
        for name, key in (("the command's key", EC2_KEY), ("the pool's key", POOL_KEY), ("authorized_keys", openssh.KEY)):
            judge.check(f"{name} counts", by_key(machine, "alice", key) == uid)
        judge.check("another key does not", by_key(machine, "alice", OPTION_KEY) == "")
        machine.run("rm", COMMAND_DROP_IN)
        machine.run("systemctl", "restart", "ssh")


def local_name(judge, machine):
    """libc answers with the local user first."""
    with judge.scene("A local user who gets the name of an account"):
        path, before = file_of(machine, "frank"), {name: machine.read(f"/etc/{name}") for name in ("passwd", "shadow")}
        judge.check("before: the key counts", by_key(machine, "frank") == uid_of(machine, "frank"))
        machine.write("/etc/passwd", before["passwd"] + "frank:x:1099:1099::/srv:/bin/bash\n")
        machine.write("/etc/shadow", before["shadow"] + "frank:!:20000:0:99999:7:::\n", mode=0o640)
        judge.check("frank is the local user", uid_of(machine, "frank") == "1099")
        judge.check("who has no key of the pool", by_key(machine, "frank") == "")
        machine.run("cognitoctl", "users", "list")
        judge.check("the keeper removes the file", not has_file(machine, path))
        machine.write("/etc/passwd", before["passwd"])
        machine.write("/etc/shadow", before["shadow"], mode=0o640)
        machine.write(f"{KEYS}/carol", "")
        judge.check("doctor reports a file of another name", doctor(machine, "accounts-keys")["state"] == "fault",
                    doctor(machine, "accounts-keys"))
        machine.run("rm", f"{KEYS}/carol")


def removed(judge, machine):
    with judge.scene("A user who is removed"):
        full_sign_in(machine, "frank")
        path = file_of(machine, "frank")
        judge.check("before: the key counts", by_key(machine, "frank") != "")
        machine.run("loginctl", "terminate-user", "frank", check=False)
        judge.check("all processes end", wait_for(lambda: not processes(machine, "frank")))
        machine.run("cognitoctl", "users", "remove", "frank", "--yes")
        judge.check("the file is removed", not has_file(machine, path))
        judge.check("the login is refused", by_key(machine, "frank") == "")
    with judge.scene("The setting is turned off"):
        path = file_of(machine, "alice")
        judge.check("before: the key counts", by_key(machine, "alice") != "")
        conf(machine)
        machine.run("cognitoctl", "users", "list")
        judge.check("all files are removed", not machine.run("ls", "-A", KEYS).stdout and not has_file(machine, path))
        judge.check("the login is refused", by_key(machine, "alice") == "")
        full_sign_in(machine, "alice")
        judge.check("also after a full sign-in", by_key(machine, "alice") == "")


SCENES = [written, replaced, expired, locked, without_cognitod, command, local_name, removed]
# Every account question of sshd goes to the pool.
EXTRA = "\n[session]\nrevalidate = 0\n"


def main():
    with BootedMachine("keys") as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.install_debs(*DEBS)
        conf(machine, SETTING)
        machine.write(FLEET_KEY, "0" * 64 + "\n", mode=0o600)
        set_up(machine, extra=EXTRA)
        machine.run("systemctl", "start", "cognitod-accounts.socket")
        for name in USERS:
            machine.run("cognitoctl", "users", "add", name)
            make_home(machine, name)
        for key in (POOL_KEY, OPTION_KEY, EC2_KEY):
            machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        openssh.prepare(machine, LOCAL_USER)
        allow_key(machine, "alice")
        machine.run("cp", SHIPPED, DROP_IN)
        machine.run("sshd", "-t")
        machine.run("systemctl", "restart", "ssh")
        judge.play(SCENES)
        judge.close()


if __name__ == "__main__":
    main()
