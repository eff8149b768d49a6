#!/usr/bin/env python3
"""stored_accounts_test.py [SCENE…]: users whom no local file names, on a booted machine. pam_cognito decides by the stored
record in each way to log in, with cognitod running, stopped, masked, hanging and gone; cognitod-accounts runs in its unit.
Closes with `N passed, N failed`."""

import contextlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

from booted import INSIDE, BootedMachine
from judge import Judge
from members import password_and_code, restart, set_up, sign_in
from openssh import KEY, prepare
from residents import add_local_people, leave, shell
from waiting import wait_for

PROBE = f"{INSIDE}/build/release/tests/accounts/accounts_probe"
CONF = "/etc/pam-cognito/accounts.conf"
FILE = "/var/lib/pam-cognito-accounts/accounts.v1"
HEADER = 128
UIDS = {"alice": 1879050001, "frank": 1879050002, "grace": 1879050003}
CONF_TEXT = "[accounts]\nrange = 1879048192-2099999999\nnames = *.*\n[groups]\nops = linux-admins\n"
STATES = ("running", "stopped", "masked", "hanging", "gone")


@contextlib.contextmanager
def cognitod_is(machine, state):
    """In this state, as far as its unit and its process are concerned."""
    if state == "running":
        yield
        return
    undo = []
    if state in ("stopped", "masked", "gone"):
        machine.run("systemctl", "stop", "cognitod")
    if state == "masked":
        machine.run("systemctl", "mask", "--runtime", "cognitod")
        undo = ["systemctl", "unmask", "--runtime", "cognitod"]
    if state == "gone":
        machine.run("mv", "/usr/libexec/cognitod", "/usr/libexec/cognitod.away")
        undo = ["mv", "/usr/libexec/cognitod.away", "/usr/libexec/cognitod"]
    if state == "hanging":
        machine.run("systemctl", "kill", "--signal=STOP", "cognitod")
        undo = ["systemctl", "kill", "--signal=CONT", "cognitod"]
    try:
        yield
    finally:
        if undo:
            machine.run(*undo)
        restart(machine)


def pamtester(machine, service, user, phase):
    done = machine.run("pamtester", service, user, phase, input="x\n", check=False)
    return done.returncode == 0


def ssh_by_key(machine, user):
    done = machine.run("ssh", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", KEY, f"{user}@127.0.0.1", "id -u",
                       check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


# Scenes.
def sign_ins(judge, machine):
    with judge.scene("A user whom no local file names signs in"):
        with sign_in(machine, "alice") as terminal:
            judge.check("alice has her uid", shell(terminal, "id -u") == (str(UIDS["alice"]), 0))
            judge.check("and the mapped local group", "ops" in shell(terminal, "id -Gn")[0].split(),
                        shell(terminal, "id -Gn"))
            leave(terminal)
        text = journal(machine, "cognitod-accounts")
        judge.check("cognitod-accounts stored the sign-in", f"sign-in of alice stored, uid {UIDS['alice']}" in text, text)
        judge.check("a login by key counts", ssh_by_key(machine, "alice") == str(UIDS["alice"]))
        judge.check("the unit is sandboxed", machine.run("systemctl", "show", "--property=CapabilityBoundingSet",
                                                         "--value", "cognitod-accounts").stdout.strip() == "")


def journal(machine, unit):
    return machine.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout


WAYS = (("sshd", "acct_mgmt"), ("sshd", "authenticate"), ("login", "authenticate"), ("su", "acct_mgmt"),
        ("sudo", "acct_mgmt"), ("sudo", "authenticate"), ("cron", "acct_mgmt"), ("systemd-user", "acct_mgmt"),
        ("polkit-1", "authenticate"))


def refusals(judge, machine):
    """A locked record; no record, but a cache or another source of the name service that still has the user."""
    machine.run(PROBE, "/", "lock", "frank")
    line = f"ghost:x:{UIDS['grace'] + 7}:{UIDS['grace'] + 7}::/home/grace:/bin/bash\n"
    for state in STATES:
        with judge.scene(f"Refused while cognitod is {state}"), cognitod_is(machine, state):
            for service, phase in WAYS:
                judge.check(f"frank, locked: {service} {phase}", not pamtester(machine, service, "frank", phase))
            judge.check("frank, locked: ssh by key", ssh_by_key(machine, "frank") == "")
            said = [entry.get("MESSAGE", "") for entry in machine.journal(judge.cursor)]
            judge.check("and the record is the reason", any("refused cause=account-record user=frank: the account is locked" in line
                                                            for line in said), said)
            before = machine.read("/etc/passwd")
            machine.write("/etc/passwd", before + line)
            try:
                for service, phase in WAYS:
                    judge.check(f"ghost, without a record: {service} {phase}", not pamtester(machine, service, "ghost", phase))
                judge.check("ghost is not in local-users", wait_for(lambda: "ghost" not in machine.read("/etc/pam-cognito/local-users").split()))
            finally:
                machine.write("/etc/passwd", before)
    machine.run(PROBE, "/", "unlock", "frank")


def damage(judge, machine):
    """A damaged file refuses, and cognitod-accounts repairs it at its next start."""
    with judge.scene("A damaged file"):
        with sign_in(machine, "alice") as terminal:
            leave(terminal)
        machine.run("systemctl", "stop", "cognitod-accounts.service")
        # All records: the order of the users is by chance, and a reader checks those that it uses.
        machine.run("python3", "-c", f"file = open('{FILE}', 'r+b'); data = file.read()[{HEADER}:]; file.seek({HEADER});"
                    "file.write(bytes(byte ^ 1 for byte in data))")
        judge.check("alice: sshd acct_mgmt is refused", not pamtester(machine, "sshd", "alice", "acct_mgmt"))
        judge.check("root and local users are not", pamtester(machine, "su", "root", "acct_mgmt"))
        machine.run("systemctl", "start", "cognitod-accounts.service")
        judge.check("cognitod-accounts repairs the file", wait_for(
            lambda: machine.run("getent", "passwd", "alice", check=False).returncode == 0))
        judge.check("alice: a login by key counts again", ssh_by_key(machine, "alice") == str(UIDS["alice"]))


def unavailable(judge, machine):
    """No local password and no pam_unix, whatever is said of the pool."""
    with judge.scene("cognitod is gone, and an active account"), cognitod_is(machine, "gone"):
        before = machine.read("/etc/shadow")
        password = machine.run("openssl", "passwd", "-6", "Break-Glass-3").stdout.strip()
        machine.write("/etc/shadow", before + f"alice:{password}:20000:0:99999:7:::\n", mode=0o640)
        try:
            for service, phase in WAYS:
                done = machine.run("pamtester", service, "alice", phase, input="Break-Glass-3\n", check=False)
                judge.check(f"alice: {service} {phase} is refused", done.returncode != 0, done)
            judge.check("ssh by key is refused", ssh_by_key(machine, "alice") == "")
        finally:
            machine.write("/etc/shadow", before, mode=0o640)


def terminated(judge, machine):
    """on_disable = terminate: an open session ends with the lock of the pool."""
    machine.write(CONF, CONF_TEXT.replace("names", "on_disable = terminate\nnames"))
    with judge.scene("A lock ends an open session"):
        with sign_in(machine, "alice") as terminal:
            shell(terminal, "id -u")
            script = ("import socket,struct; s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
                      "s.connect('/run/pam-cognito-accounts/socket');"
                      "s.send(struct.pack('=IHH32s', 0x71726361, 2, 2, b'alice').ljust(53488, b'\\0'));"
                      "print(struct.unpack('=IHHII', s.recv(16)))")
            answer = machine.run("python3", "-c", script).stdout
            judge.check("the lock is stored", f", 0, {UIDS['alice']}, 1)" in answer, answer)
            judge.check("logind has no session of the user any more", wait_for(
                lambda: str(UIDS["alice"]) not in machine.run("loginctl", "list-sessions", "--no-legend").stdout),
                journal(machine, "cognitod-accounts"))
        judge.check("the next login is refused", not pamtester(machine, "sshd", "alice", "acct_mgmt"))
        machine.run(PROBE, "/", "unlock", "alice")
    machine.write(CONF, CONF_TEXT)


SCENES = [sign_ins, refusals, damage, unavailable, terminated]


def main():
    with BootedMachine("stored") as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.install_debs("cognitod", "libpam-cognito", "cognitoctl", "libnss-cognitod", "cognitod-accounts")
        machine.run("groupadd", "--system", "ops")
        machine.write(CONF, CONF_TEXT)
        machine.write("/etc/pam-cognito/fleet.key", "0" * 64 + "\n", mode=0o600)
        machine.run(PROBE, "/", "make")
        for name, uid in UIDS.items():
            machine.run(PROBE, "/", "add", name, str(uid))
            machine.run("install", "-d", "-m", "0700", "-o", str(uid), "-g", str(uid), f"/home/{name}")
        set_up(machine)
        prepare(machine, *UIDS)
        machine.run("systemctl", "restart", "ssh")
        judge.check("systemd listens for cognitod-accounts",
                    machine.run("systemctl", "is-active", "cognitod-accounts.socket", check=False).stdout.strip() == "active")
        judge.check("its socket is cognitod's", machine.run("stat", "-c", "%U:%G %a", "/run/pam-cognito-accounts/socket").stdout.strip() == "root:cognitod 660")
        judge.play(SCENES)
        judge.close()


if __name__ == "__main__":
    main()
