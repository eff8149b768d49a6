#!/usr/bin/env python3
"""release_features_test.py: features of later releases of OpenSSH and systemd, and their effect here: sshd's
PerSourcePenalties, Type=notify-reload, FileDescriptorStorePreserve=, soft-reboot, logind's session classes, run0.
Features that this release does not have are counted as skipped. Names of scenes as arguments: only these. Closes with
`N passed, N failed`."""

import contextlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import openssh
from admin_pages import blocks
from booted import BOOT_TIMEOUT_S, INSIDE, BootedMachine, MachineError
from judge import Judge
from members import add_members, password_of, restart, set_up, sign_in, totp
from residents import (PASSWORD_PROMPT, ROOT_PASSWORD, SHELL, TOTP_PROMPT, add_local_people, console, leave,
                       root_on_console, shell)
from terminal import Unexpected
from waiting import wait_for

UNIT = "cognitod.service"
# grace has done nothing wrong; henry has no second factor; frank never signs in.
ADMIN, VICTIM, WITHOUT_FACTOR, NEVER_SEEN = "alice", "grace", "henry", "frank"
MISTYPE = ("bob", "judy", "leo", "mallory")
REAUTH = "\n[service sudo]\nreauth = none\nmfa_max_age = 1h\n"
SSHD_SCENE = "/etc/ssh/sshd_config.d/10-scene.conf"
PRESERVE = "/etc/systemd/system/cognitod.service.d/preserve.conf"
WINDOW = "/run/pam-cognito/break-glass"
POOL, KEPT_POOL = f"{INSIDE}/build/release/tests/pool/cognito-pool", "/root/cognito-pool"
ROUNDS = 5
ANSWER_TIMEOUT_S = 10


# The release of this machine.
def systemd_version(machine):
    return int(machine.run("systemctl", "--version").stdout.split()[1])


def sshd_settings(machine):
    return dict(line.split(" ", 1) for line in machine.run("sshd", "-T").stdout.splitlines() if " " in line)


def doctor(machine, check):
    """The verdict of doctor of one thing that it looks at."""
    found = json.loads(machine.run("cognitoctl", "doctor", "--json", check=False).stdout)["checks"]
    return next(each for each in found if each["id"] == check)


def show(machine, key):
    return machine.run("systemctl", "show", UNIT, "--value", "--property", key).stdout.strip()


# sshd's PerSourcePenalties.
def penalties(judge, machine):
    settings = sshd_settings(machine)
    if "persourcepenalties" not in settings:
        judge.skip("sshd refuses an address after failed sign-ins", "sshd has no PerSourcePenalties")
        found = doctor(machine, "sshd-source-penalties")
        judge.check("doctor reports it", found["state"] == "ok" and "no PerSourcePenalties" in found["what"], found)
        return
    with judge.scene("Failed sign-ins shut out everybody behind the same address (PerSourcePenalties)"):
        found = doctor(machine, "sshd-source-penalties")
        judge.check("doctor warns that four of them are enough",
                    found["state"] == "warning" and "after 4 failed" in found["what"], found)
        # A penalty passes with time: on a slow machine one round may not be enough.
        for rounds in range(1, ROUNDS + 1):
            mistype(machine)
            said, status = knock(machine, VICTIM)
            if status is not None:
                break
        judge.check("another user is shown no prompt, and that the connection was closed or reset",
                    "assword" not in said and re.search("Connection (closed|reset) by", said) and status == 255, (status, said))
        dropped = judge.line(MESSAGE="drop connection")
        judge.check("sshd's line has why", dropped and "penalty: failed authentication" in dropped["MESSAGE"], dropped)
        judge.check("cognitod was not asked for that user", not lines_about(judge, machine, VICTIM))
    with judge.scene("An address that is exempt (PerSourcePenaltyExemptList)"), \
            sshd_options(machine, "PerSourcePenaltyExemptList 127.0.0.1"):
        for _ in range(rounds):
            mistype(machine)
        with ssh_signed_in(machine, VICTIM) as terminal:
            judge.check("the user signs in", shell(terminal, "id -un") == (VICTIM, 0))
            leave(terminal)
        judge.cognitod_said(USER=VICTIM, SERVICE="sshd", OUTCOME="success")
        found = doctor(machine, "sshd-source-penalties")
        judge.check("doctor names it", found["state"] == "ok" and "127.0.0.1" in found["what"], found)


def mistype(machine):
    """Each of these types one wrong password; all at once, because penalties pass with time."""
    with contextlib.ExitStack() as stack:
        terminals = [stack.enter_context(ssh(machine, user)) for user in MISTYPE]
        at_prompt = [terminal for terminal in terminals if asks_password(terminal)]
        for terminal in at_prompt:
            terminal.send("Wrong-Password-1", hidden_as="password")
        for terminal in at_prompt:
            terminal.finish()
    for user in MISTYPE:
        machine.pool.forgive(user)


def ssh(machine, user, command="bash"):
    """Whatever key sshd shows is believed: to scan it would be a connection that sshd counts, too."""
    return machine.terminal(*openssh.client(user, command, options=(
        "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null")))


def asks_password(terminal):
    """False: ssh has ended without a prompt."""
    try:
        return terminal.expect(PASSWORD_PROMPT)
    except Unexpected:
        return False


def knock(machine, user):
    """The text that ssh shows until there is a prompt, or to its end; and its status then."""
    with ssh(machine, user) as terminal:
        status = None if asks_password(terminal) else terminal.finish()
        return terminal.transcript, status


@contextlib.contextmanager
def ssh_signed_in(machine, user):
    machine.pool.forgive(user)
    with ssh(machine, user) as terminal:
        terminal.answer(PASSWORD_PROMPT, password_of(user), hidden_as="password")
        if user != WITHOUT_FACTOR:
            terminal.answer(TOTP_PROMPT, totp(machine, user))
        terminal.expect(SHELL)
        yield terminal


def lines_about(judge, machine, user):
    return [entry["MESSAGE"] for entry in machine.journal(judge.cursor) if entry.get("PAM_COGNITO_USER") == user]


@contextlib.contextmanager
def sshd_options(machine, *lines):
    machine.write(SSHD_SCENE, "".join(line + "\n" for line in lines))
    restart_sshd(machine)
    try:
        yield
    finally:
        machine.run("rm", SSHD_SCENE)
        restart_sshd(machine)


def restart_sshd(machine):
    """Type=notify: it is there when systemctl comes back."""
    machine.run("sshd", "-t")
    machine.run("systemctl", "restart", "ssh.service")


# Type=notify-reload.
def reload(judge, machine):
    with judge.scene("systemctl reload and the configuration in force"):
        config = machine.read("/etc/pam-cognito/cognitod.conf")

        def write(age):
            machine.write("/etc/pam-cognito/cognitod.conf", config.replace("mfa_max_age = 1h", f"mfa_max_age = {age}"))
            machine.run("systemctl", "reload", UNIT)
        if show(machine, "Type") == "notify-reload":
            in_force = []
            for minutes in range(11, 16):
                write(f"{minutes}min")
                in_force.append(mfa_max_age(machine) == 60 * minutes)
            judge.check("the new one is in force when it comes back, five times", all(in_force), in_force)
        else:
            judge.skip("the new one is in force when systemctl reload comes back",
                       f"systemd {systemd_version(machine)} has no Type=notify-reload")
            write("15min")
        judge.check("the new one comes into force", wait_for(lambda: mfa_max_age(machine) == 900))
        pid = show(machine, "MainPID")
        write("1h\nno_such_key = 1")
        judge.check("of a broken one the unit's status has the fault", wait_for(
            lambda: "not reloaded, the configuration in force stays" in show(machine, "StatusText")),
            show(machine, "StatusText"))
        judge.check("and the one before stays in force", mfa_max_age(machine) == 900, mfa_max_age(machine))
        judge.check("the daemon goes on", (show(machine, "MainPID"), show(machine, "ActiveState")) == (pid, "active"))
        write("1h")
        judge.check("a right one is taken again", wait_for(lambda: mfa_max_age(machine) == 3600))


def mfa_max_age(machine):
    """In seconds."""
    return json.loads(machine.run("cognitoctl", "policy", "test", ADMIN, "sudo", "--json").stdout)["reauth_for_s"]


# LoadCredentialEncrypted= of a secret that there is not.
def no_client_secret(judge, machine):
    with judge.scene("A start without a client secret, and what systemd logs of it"):
        restart(machine)
        judge.check("the daemon runs", show(machine, "ActiveState") == "active")
        shown = next(block.text for block in blocks("reference/log-fields", "text") if "client_secret" in block.text)
        line = judge.line(timeout=1, MESSAGE="credential 'cognitod.client_secret'")
        if line:
            judge.check("its line is the one of docs/reference/log-fields.md, at priority info",
                        line["MESSAGE"] in shown and line["PRIORITY"] == "6", line)
        else:
            judge.skip("a line about the absent secret", f"systemd {systemd_version(machine)} logs none")


# FileDescriptorStorePreserve=.
def stop(judge, machine):
    with judge.scene("systemctl stop ends the sessions"), sign_in(machine, ADMIN) as terminal:
        judge.check("there is a session", sessions_of(machine, ADMIN))
        stop_and_start(machine)
        judge.check("after stop and start there is none", not sessions_of(machine, ADMIN), sessions_of(machine, ADMIN))
        terminal.send("sudo -k id -u")
        judge.check("and sudo asks", terminal.expect(PASSWORD_PROMPT))
        terminal.interrupt()
        terminal.expect(SHELL)
        found = doctor(machine, "unit-fd-store")
        judge.check("doctor promises nothing of a stop", found["state"] == "ok" and "stop" not in found["title"], found)
        leave(terminal)
    with judge.scene("A drop-in with FileDescriptorStorePreserve=yes"), preserved(machine):
        found = doctor(machine, "unit-fd-store")
        if not preserves(machine):
            judge.skip("sessions outlive systemctl stop", f"systemd {systemd_version(machine)} does not know it")
            judge.check("doctor warns that it has no effect", found["state"] == "warning" and
                        f"systemd {systemd_version(machine)} does not know" in found["what"], found)
            return
        judge.check("doctor reports that sessions outlive systemctl stop, too",
                    found["state"] == "ok" and "systemctl stop" in found["title"], found)
        with sign_in(machine, ADMIN) as terminal:
            before = sessions_of(machine, ADMIN)
            machine.run("systemctl", "stop", UNIT)
            judge.check("the daemon is stopped, and its descriptor is kept", before and
                        (show(machine, "MainPID"), show(machine, "NFileDescriptorStore")) == ("0", "1"))
            machine.run("systemctl", "start", UNIT)
            judge.check("after start the sessions are the same", sessions_of(machine, ADMIN) == before,
                        sessions_of(machine, ADMIN))
            judge.check("sudo asks nothing", shell(terminal, "sudo -k id -u </dev/null") == ("0", 0))
            machine.run("systemctl", "stop", UNIT)
            machine.run("systemctl", "clean", "--what=fdstore", UNIT)
            machine.run("systemctl", "start", UNIT)
            judge.check("systemctl clean --what=fdstore ends them", not sessions_of(machine, ADMIN),
                        sessions_of(machine, ADMIN))
            leave(terminal)


def sessions_of(machine, user):
    """Their ids."""
    listed = json.loads(machine.run("cognitoctl", "sessions", "list", "--json", "--user", user).stdout)
    return sorted(session["id"] for session in listed["sessions"])


def stop_and_start(machine):
    machine.run("systemctl", "stop", UNIT)
    machine.run("systemctl", "start", UNIT)


def preserves(machine):
    return show(machine, "FileDescriptorStorePreserve") == "yes"


@contextlib.contextmanager
def preserved(machine):
    machine.write(PRESERVE, "[Service]\nFileDescriptorStorePreserve=yes\n")
    machine.run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        machine.run("rm", "-f", PRESERVE)
        machine.run("systemctl", "daemon-reload")
        restart(machine)


# systemctl soft-reboot.
def soft_reboots(judge, machine):
    if systemd_version(machine) < 254:
        judge.skip("systemctl soft-reboot", f"systemd {systemd_version(machine)} has none")
        return
    with judge.scene("systemctl soft-reboot: /run stays, sessions and the window of the break glass do not"):
        boot = machine.read("/proc/sys/kernel/random/boot_id")
        with sign_in(machine, ADMIN) as terminal:
            judge.check("there is a session", sessions_of(machine, ADMIN))
            leave(terminal)
        machine.run("cognitoctl", "break-glass", "open", "--for", "1h", "--all")
        machine.write("/run/left-by-the-scene", "")
        pid = show(machine, "MainPID")
        soft_reboot(machine)
        judge.check("no unit has failed", not machine.failed_units(), machine.failed_units())
        judge.check("it is the same boot, with the same /run",
                    machine.read("/proc/sys/kernel/random/boot_id") == boot
                    and machine.run("test", "-e", "/run/left-by-the-scene", check=False).returncode == 0)
        judge.check("another daemon runs", show(machine, "MainPID") not in ("0", pid)
                    and show(machine, "ActiveState") == "active")
        judge.check("the sessions have ended", not sessions_of(machine, ADMIN), sessions_of(machine, ADMIN))
        status = json.loads(machine.run("cognitoctl", "break-glass", "status", "--json").stdout)
        judge.check("so has the window", status["window"] is None and not status.get("fault") and
                    machine.run("test", "-e", WINDOW, check=False).returncode != 0, status)
        with sign_in(machine, ADMIN) as terminal:
            judge.check("the next sign-in is good", shell(terminal, "id -un") == (ADMIN, 0))
            leave(terminal)
        judge.attempt("root logs in on the console", lambda: root_on_console(machine))
    with judge.scene("soft-reboot with FileDescriptorStorePreserve=yes"), preserved(machine):
        with sign_in(machine, ADMIN) as terminal:
            leave(terminal)
        before = sessions_of(machine, ADMIN)
        soft_reboot(machine)
        judge.check("sessions outlive it, as they outlive a stop", before and sessions_of(machine, ADMIN) == before,
                    sessions_of(machine, ADMIN))
        with sign_in(machine, ADMIN) as terminal:
            judge.check("a login after it is another one: sudo in it counts its own sign-in",
                        shell(terminal, "sudo -k id -u </dev/null") == ("0", 0)
                        and len(sessions_of(machine, ADMIN)) == len(before) + 1, sessions_of(machine, ADMIN))
            leave(terminal)
        machine.run("cognitoctl", "sign-out", ADMIN)


def soft_reboot(machine):
    """All of userspace starts again; the pool does so with the accounts as seeded."""
    def systemctl(*argv):
        """Empty without an answer: the call can begin before the end of the former systemd, which never answers it."""
        with contextlib.suppress(MachineError):
            return machine.run("systemctl", *argv, check=False, timeout=ANSWER_TIMEOUT_S).stdout.strip()
        return ""

    def began():
        return systemctl("show", "--value", "--property=UserspaceTimestampMonotonic")

    before = began()
    if not before:
        raise MachineError("systemd does not answer")
    # The checkout is mounted there, and is not when the machine is back.
    machine.run("cp", POOL, KEPT_POOL)
    machine.run("systemctl", "soft-reboot", "--no-block", check=False)
    if not wait_for(lambda: began() not in ("", before), BOOT_TIMEOUT_S):
        raise MachineError("userspace did not start again")
    if not wait_for(lambda: systemctl("is-system-running") in ("running", "degraded"), BOOT_TIMEOUT_S):
        raise MachineError("userspace did not start completely")
    machine.run("install", "-D", KEPT_POOL, POOL)
    machine.start_pool()


# The classes of logind's sessions.
def session_classes(judge, machine):
    with judge.scene("A process of the user's manager is in no login, whatever class logind has for the manager"):
        configured(machine, "require = no\nenroll = anywhere\n")
        with ssh_signed_in(machine, WITHOUT_FACTOR) as terminal:
            uid = machine.run("id", "-u", WITHOUT_FACTOR).stdout.strip()
            classes = {session["Class"] for session in sessions_of_uid(machine, uid)}
            wanted = {"user", "manager"} if systemd_version(machine) >= 256 else {"user"}
            judge.check(f"logind has sessions of the classes {', '.join(sorted(wanted))}", classes == wanted, classes)
            said = first_factor(terminal, "systemd-run --user --quiet --pty cognitoctl mfa setup --plain")
            judge.check("there the first factor is refused", "only in a login of yours" in said, said)
            said = first_factor(terminal, "cognitoctl mfa setup --plain")
            judge.check("in the login itself it is not", "otpauth://totp/" in said, said)
            leave(terminal)
        configured(machine)
    with judge.scene("root's own login"), console(machine, "root", ROOT_PASSWORD) as terminal:
        wanted = "user-early" if systemd_version(machine) >= 256 else "user"
        found = {session["Class"] for session in sessions_of_uid(machine, "0") if session["Service"] == "login"}
        judge.check(f"it is of the class {wanted}", found == {wanted}, found)
        judge.check("root sees the sessions of all", shell(terminal, "cognitoctl sessions list")[1] == 0)
        leave(terminal)


def sessions_of_uid(machine, uid):
    """All of logind's, those of managers too."""
    listed = machine.run("loginctl", "list-sessions", "--no-legend", "--no-pager").stdout.splitlines()
    return [shown for number, owner in (line.split()[:2] for line in listed)
            if owner == uid and (shown := machine.session(number))]


def first_factor(terminal, command):
    """Begins to set one up, with the password; what is shown: the secret, or why not."""
    terminal.send(f"{command}; echo =\"\"=$?")
    terminal.answer(PASSWORD_PROMPT, password_of(WITHOUT_FACTOR), hidden_as="password")
    which, match = terminal.expect_any([r"(?s).*otpauth://totp/\S+issuer=Cognito", r"(?s).*==\d+\n"])
    if which == 0:
        terminal.interrupt()
    terminal.expect(SHELL)
    return match.group()


def configured(machine, mfa="", service=""):
    """mfa: more lines of the section that the configuration ends with. service: more sections."""
    machine.configure(users_conf=None, extra=mfa + REAUTH + service)
    restart(machine)


# run0.
def run0(judge, machine):
    if machine.run("sh", "-c", "command -v run0", check=False).returncode != 0:
        judge.skip("run0", f"systemd {systemd_version(machine)} has none")
        return
    with judge.scene("run0: polkit asks a Cognito user who may use sudo for password and code"):
        machine.run("usermod", "--append", "--groups", "sudo", ADMIN)
        with sign_in(machine, ADMIN) as terminal:
            machine.pool.forgive(ADMIN)
            terminal.send("run0 --pipe id -u; echo =\"\"=$?")
            number = terminal.expect(rf"(\d+)\.\s+{ADMIN}\n").group(1)
            terminal.answer(r"Choose identity[^\n]*: ", number, in_read=True)
            terminal.answer(PASSWORD_PROMPT, password_of(ADMIN), hidden_as="password", in_read=True)
            terminal.answer(TOTP_PROMPT, totp(machine, ADMIN), in_read=True)
            judge.check("the program runs as root", terminal.expect(r"(\d+)\n==0\n").group(1) == "0")
            terminal.expect(SHELL)
            leave(terminal)
        judge.cognitod_said(USER=ADMIN, SERVICE="polkit-1", OUTCOME="success", FACTOR="totp")
        machine.run("gpasswd", "--delete", ADMIN, "sudo")
    with judge.scene("run0 --user: the account of that user is asked about, as systemd-run0"):
        done = machine.run("run0", f"--user={ADMIN}", "--pipe", "id", "-un", check=False)
        judge.check("root becomes a user who is known", done.stdout.strip() == ADMIN, done.stdout + done.stderr)
        judge.cognitod_said(USER=ADMIN, SERVICE="systemd-run0", OUTCOME="success")
        done = machine.run("run0", f"--user={NEVER_SEEN}", "--pipe", "id", "-un", check=False)
        judge.check("but none who has never signed in here", NEVER_SEEN not in done.stdout, done.stdout + done.stderr)
        judge.cognitod_said(USER=NEVER_SEEN, SERVICE="systemd-run0", OUTCOME="account-unknown")
        configured(machine, service="\n[service systemd-run0]\nnever_signed_in = allow\n")
        done = machine.run("run0", f"--user={NEVER_SEEN}", "--pipe", "id", "-un", check=False)
        judge.check("unless never_signed_in = allow", done.stdout.strip() == NEVER_SEEN, done.stdout + done.stderr)
        configured(machine)


SCENES = (penalties, reload, no_client_secret, stop, session_classes, run0, soft_reboots)


def main():
    with BootedMachine("release-features") as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.install_debs()
        add_members(machine, ADMIN, *MISTYPE, VICTIM, WITHOUT_FACTOR, NEVER_SEEN)
        machine.write("/etc/sudoers.d/scene", f"{ADMIN} ALL=(ALL:ALL) ALL\n", 0o440)
        set_up(machine, extra=REAUTH)
        machine.run("cp", openssh.SHIPPED, openssh.DROP_IN)
        restart_sshd(machine)
        judge.play(SCENES)
        judge.close()


if __name__ == "__main__":
    main()
