#!/usr/bin/env python3
"""origin_test.py: `reauth_from = origin` with the real sshd of a booted machine. The client is in another network
namespace, behind a network interface that leads out of the machine, so its address counts. Closes with
`N passed, N failed`."""

import contextlib
import errno
import fcntl
import os
import pathlib
import select
import stat
import struct
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import openssh
from booted import BootedMachine, network
from judge import Judge
from members import add_members, password_of, set_up, totp
from residents import PASSWORD_PROMPT, SHELL, TOTP_PROMPT, add_local_people, leave, shell

CONFIG = "\n[service sshd]\nreauth = password\nreauth_from = origin\nmfa_max_age = 1h\n"
# Addresses for documentation (RFC 5737).
MACHINE, CLIENT, OTHER = "192.0.2.1", "192.0.2.7", "192.0.2.8"
FAR = "/run/netns/far"
# /dev/net/tun of Linux's list of devices. A tree of debootstrap lacks the file, so the test makes one of its own for a moment.
TUN, TUN_NUMBER = "/dev/pam-cognito-tun", os.makedev(10, 200)
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PACKET = 65536
USER, SECOND, THIRD = "alice", "frank", "grace"


# The network.
def open_tun():
    os.mknod(TUN, 0o600 | stat.S_IFCHR, TUN_NUMBER)
    try:
        return os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.unlink(TUN)


def has_tun():
    try:
        os.close(open_tun())
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENXIO):
            return False
        raise
    return True


def tun(namespace, name):
    """The descriptor of an interface in a network namespace: what is written to it arrives there (tun.rst of Linux)."""
    with network(namespace):
        fd = open_tun()
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def forward(one, other, end):
    """Packets of both directions, until `end` is readable. A full queue drops one, as any network may."""
    ways = {one: other, other: one}
    while True:
        ready, _, _ = select.select([one, other, end], [], [])
        if end in ready:
            return
        for fd in ready:
            with contextlib.suppress(OSError):
                os.write(ways[fd], os.read(fd, PACKET))


@contextlib.contextmanager
def client_network(machine):
    """A network namespace with two addresses from which this machine can be reached."""
    machine.run("ip", "netns", "add", "far")
    near = tun(f"/proc/{machine.pid}/ns/net", "lan0")
    far = tun(f"/proc/{machine.pid}/root{FAR}", "lan0")
    machine.run("ip", "address", "add", f"{MACHINE}/24", "dev", "lan0")
    machine.run("ip", "link", "set", "lan0", "up")
    for words in (("address", "add", f"{CLIENT}/24", "dev", "lan0"), ("address", "add", f"{OTHER}/24", "dev", "lan0"),
                  ("link", "set", "lan0", "up")):
        machine.run("nsenter", f"--net={FAR}", "ip", *words)
    end, ended = os.pipe()
    thread = threading.Thread(target=forward, args=(near, far, end))
    thread.start()
    try:
        yield
    finally:
        os.close(ended)
        thread.join()
        for fd in (near, far, end):
            os.close(fd)


# Logins.
def ssh(machine, user, address):
    """From one of the client's addresses; `None`: from this machine to its own address."""
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", f"HostName={MACHINE}")
    argv = openssh.client(user, "bash", options=options + ((f"BindAddress={address}",) if address else ()))
    return machine.terminal(*(("nsenter", f"--net={FAR}") if address else ()), *argv)


@contextlib.contextmanager
def full_login(machine, user, address):
    """With password and code. The sign-in fails if no code is asked for."""
    machine.pool.forgive(user)
    with ssh(machine, user, address) as terminal:
        terminal.answer(PASSWORD_PROMPT, password_of(user), hidden_as="password")
        terminal.answer(TOTP_PROMPT, totp(machine, user))
        terminal.expect(SHELL)
        yield terminal


def asked_for(machine, user, address):
    """The questions of a login, which is left at its end."""
    machine.pool.forgive(user)
    with ssh(machine, user, address) as terminal:
        terminal.answer(PASSWORD_PROMPT, password_of(user), hidden_as="password")
        asked = ["password"]
        if terminal.expect_any([TOTP_PROMPT, SHELL])[0] == 0:
            asked.append("code")
            terminal.send(totp(machine, user))
            terminal.expect(SHELL)
        if shell(terminal, "id -un") != (user, 0):
            asked.append("not signed in")
        leave(terminal)
        return asked


# Scenes.
def one_code(judge, machine):
    with judge.scene("One code for many SSH logins from one address"), full_login(machine, USER, CLIENT) as terminal:
        judge.check("a second login from there asks for the password only",
                    asked_for(machine, USER, CLIENT) == ["password"])
        judge.check("and a third one", asked_for(machine, USER, CLIENT) == ["password"])
        judge.check("one from another address asks for the code, too",
                    asked_for(machine, USER, OTHER) == ["password", "code"])
        judge.check("so does one from this machine itself", asked_for(machine, USER, None) == ["password", "code"])
        judge.check("and again", asked_for(machine, USER, None) == ["password", "code"])
        judge.check("another user's session does not count", asked_for(machine, SECOND, CLIENT) == ["password", "code"])
        listed = machine.run("cognitoctl", "sessions", "list").stdout
        judge.check("`sessions list` names the address that counts",
                    f"A login of {USER} by sshd from {CLIENT} asks for the password only." in listed, listed)
        leave(terminal)


def wrong_password(judge, machine):
    with judge.scene("The password is still proved"), full_login(machine, USER, CLIENT) as terminal:
        with ssh(machine, USER, CLIENT) as another:
            another.answer(PASSWORD_PROMPT, "Wrong-Password-1", hidden_as="password")
            judge.check("a wrong one is refused", another.finish() == 255, another.transcript)
        leave(terminal)


def ends(judge, machine):
    with judge.scene("The address counts while a login from there is open, and until sign-out"):
        with full_login(machine, USER, CLIENT) as terminal:
            leave(terminal)
        judge.check("after the logout it does not count", asked_for(machine, USER, CLIENT) == ["password", "code"])
        with full_login(machine, USER, CLIENT) as terminal:
            machine.run("cognitoctl", "sign-out", USER)
            judge.check("after sign-out it does not count", asked_for(machine, USER, CLIENT) == ["password", "code"])
            leave(terminal)


def shared(judge, machine):
    with judge.scene("An address from which more than two users sign in is shared, and does not count"), \
            contextlib.ExitStack() as logins:
        terminals = [logins.enter_context(full_login(machine, user, CLIENT)) for user in (USER, SECOND, THIRD)]
        judge.check("the next login asks for the code", asked_for(machine, USER, CLIENT) == ["password", "code"])
        for terminal in terminals:
            leave(terminal)


SCENES = (one_code, wrong_password, ends, shared)


def main():
    with BootedMachine("origin") as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.install_debs()
        add_members(machine, USER, SECOND, THIRD)
        set_up(machine, extra=CONFIG)
        openssh.prepare(machine)
        machine.run("systemctl", "restart", "ssh.service")
        if not has_tun():
            judge.skip("logins from another network", "this kernel has no TUN device")
            print("0 passed, 0 failed, 1 skipped")
            return
        with client_network(machine):
            judge.play(SCENES)
        judge.close()


if __name__ == "__main__":
    main()
