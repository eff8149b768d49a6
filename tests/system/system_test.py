#!/usr/bin/env python3
"""system_test.py: the real sshd, sudo and su against pam_cognito, cognitod and cognito-pool.

Runs inside sandbox.sh. Each check is by effect: whose session it is, what the pool was asked, what
cognitod logged, what is left over. Closes with `N passed, N failed`.
"""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import subprocess
import sys

import golden
import scenarios
import session_scenes
from machine import (BREAK_GLASS_PASSWORD, CONFIG, CONFIG_TEXT, LOCAL_PASSWORD, LOCAL_USER, LOCKER,
                     OUR_USERS, STATE, Machine)
from scenarios import (PASSWORD_PROMPT, TOTP_CALLS, TOTP_PROMPT, EMAIL_PROMPT, password_of,
                       refused_by_ssh, session_is, ssh, ssh_with_totp, totp_secret_of, type_password,
                       type_totp)
from sshd import PROGRAMS
from stage import Stage

WAITING_SIGN_INS = 300
PAM_SUDO = pathlib.Path("/etc/pam.d/sudo")
FORGET = pathlib.Path("/usr/local/sbin/forget")


# The account phase.
# Text that is typed while sudo runs goes to its command (use_pty).
SUDO_TWICE = "sudo id; echo ended; read -r; sudo id -u; echo status $?"


def sudo_after_a_restart(stage):
    machine = stage.machine
    with stage.scene("sudo within its timestamp, and cognitod has lost its memory, not its disk"):
        with ssh(stage, "alice", command=SUDO_TWICE) as terminal:
            type_password(terminal, "alice")
            type_totp(stage, terminal, "alice")
            type_password(terminal, "alice")
            type_totp(stage, terminal, "alice")
            terminal.expect(r"uid=0\(root\)[^\n]*\nended\n")
            machine.kill_daemon()
            terminal.send("")
            terminal.expect(r"\n0\nstatus 0")
            stage.check("sudo goes on: her groups were verified lately", terminal.finish() == 0)


def sudo_after_all_is_lost(stage):
    machine = stage.machine
    with stage.scene("sudo within its timestamp, but cognitod knows nothing of anybody any more"):
        with ssh(stage, "alice", command=SUDO_TWICE) as terminal:
            type_password(terminal, "alice")
            type_totp(stage, terminal, "alice")
            type_password(terminal, "alice")
            type_totp(stage, terminal, "alice")
            terminal.expect(r"uid=0\(root\)[^\n]*\nended\n")
            machine.forget_everything()
            terminal.send("")
            status = terminal.expect(r"status (\d+)").group(1)
            stage.check("sudo refuses", status != "0" and "\n0\n" not in terminal.transcript)
            terminal.finish()


def restart_between_the_phases(stage):
    """pam_exec, first in sudo's account phase, ends the daemon that has just signed alice in, and takes
    its disk."""
    machine = stage.machine
    with stage.scene("cognitod restarted between sudo's authentication and its account phase"):
        FORGET.write_text("#!/bin/sh\nfor p in $(pidof cognitod); do kill -9 $p; done\n"
                          "while pidof cognitod >/dev/null; do :; done\n"
                          f"rm -f {STATE}/*\n")
        FORGET.chmod(0o755)
        before = PAM_SUDO.read_text()
        PAM_SUDO.write_text(f"account optional pam_exec.so quiet seteuid {FORGET}\n{before}")
        try:
            with ssh(stage, "alice", command="sudo -k; sudo id -u; echo status $?") as terminal:
                type_password(terminal, "alice")
                type_totp(stage, terminal, "alice")
                type_password(terminal, "alice")
                type_totp(stage, terminal, "alice")
                status = terminal.expect(r"status (\d+)").group(1)
                stage.check("sudo refuses", status != "0" and "\n0\n" not in terminal.transcript)
                terminal.finish()
            stage.daemon_said("alice", "sudo", "success")
        finally:
            PAM_SUDO.write_text(before)


def key_after_a_sign_in(stage):
    with stage.scene("an SSH key before and after the first full sign-in"):
        stage.machine.forget_everything()
        with ssh(stage, "alice", methods="publickey") as terminal:
            refused_by_ssh(stage, terminal)
        ssh_with_totp(stage, "alice")
        with ssh(stage, "alice", methods="publickey") as terminal:
            session_is(stage, terminal, "alice")
        stage.pool_saw("alice", *TOTP_CALLS)


def key_and_code(stage):
    with stage.scene("AuthenticationMethods publickey,keyboard-interactive"):
        with stage.machine.sshd_options("AuthenticationMethods publickey,keyboard-interactive"):
            ssh_with_totp(stage, "alice", methods="publickey,keyboard-interactive")
            with ssh(stage, "alice") as terminal:
                refused_by_ssh(stage, terminal)


def su_by_root(stage):
    with stage.scene("root's su to a user never seen: no question, no call"):
        stage.machine.restart_daemon()
        stage.command("su - grace -c id    (by root)")
        with stage.machine.as_user("root", "su", "-", "grace", "-c", "id",
                                   on_text=stage.watch) as terminal:
            session_is(stage, terminal, "grace")
        stage.pool_saw("grace")


# Callers that answer alike.
def stored_password(stage):
    with stage.scene("sshd with PasswordAuthentication yes: the password is not sent as a code"):
        with stage.machine.sshd_options("PasswordAuthentication yes"):
            with ssh(stage, "alice", methods="password") as terminal:
                type_password(terminal, "alice")
                refused_by_ssh(stage, terminal)
        stage.pool_saw("alice", "USER_SRP_AUTH", "PASSWORD_VERIFIER")
        stage.daemon_said("alice", "sshd", "conversation-broken")


def stored_password_at_a_hidden_prompt(stage):
    machine = stage.machine
    with stage.scene("the same where the code is asked for without echo"):
        text = CONFIG_TEXT.format(**machine.pool.ready) + "\n[service sshd]\nshow_code = no\n"
        with machine.configured(text), machine.sshd_options("PasswordAuthentication yes"):
            with ssh(stage, "alice", methods="password") as terminal:
                type_password(terminal, "alice")
                refused_by_ssh(stage, terminal)
            stage.pool_saw("alice", "USER_SRP_AUTH", "PASSWORD_VERIFIER")
            stage.daemon_said("alice", "sshd", "conversation-broken")


def decoy(stage):
    with stage.scene("DenyUsers: sshd's decoy in place of the password never reaches the pool"):
        with stage.machine.sshd_options("DenyUsers grace"):
            with ssh(stage, "grace") as terminal:
                type_password(terminal, "grace")
                refused_by_ssh(stage, terminal)
        stage.pool_saw("grace")
        said = stage.daemon_said("grace", "sshd", "refused")
        stage.check("it was known as no password", (said or {}).get("PAM_COGNITO_CAUSE") ==
                    "not-a-password", said)
        account = stage.machine.pool.admin("users/get", username="grace")
        stage.check("and costs no attempt", account["failed_passwords"] == 0)


def alias_of_another(stage):
    pool = stage.machine.pool
    with stage.scene("mallory wrote preferred_username = bob, and signs in as bob"):
        pool.admin("settings/set", alias_before_username=True)
        try:
            with ssh(stage, "bob") as terminal:
                type_password(terminal, "bob", password_of("mallory"))
                terminal.expect(TOTP_PROMPT)
                terminal.send(pool.totp(totp_secret_of("mallory")))
                refused_by_ssh(stage, terminal)
        finally:
            pool.admin("settings/set", alias_before_username=False)
        results = [result for _, _, result in pool.requests()]
        stage.check("the pool itself had let mallory in", "tokens" in results, results)
        entry = stage.machine.journal.wait(
            lambda e: e.get("PAM_COGNITO_USER") == "bob" and "PAM_COGNITO_OUTCOME" in e,
            stage.journal_mark)
        stage.check("cognitod refused: " + (entry or {}).get("MESSAGE", "no line"),
                    entry is not None and entry["PAM_COGNITO_OUTCOME"] != "success")


# Processes that are left over.
def sshd_children():
    """sshd processes besides the listener."""
    count = 0
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "comm").read_text().strip() in PROGRAMS and \
                    b"[listener]" not in (folder / "cmdline").read_bytes():
                count += 1
        except OSError:
            continue
    return count


def open_files(pid):
    """The process's descriptors, by /proc's names."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/{pid}/fd/{fd}")


def sockets(table, column):
    """The sockets in this table of /proc/net, by the names that descriptors have for them."""
    rows = pathlib.Path("/proc/net", table).read_text().splitlines()[1:]
    return {f"socket:[{row.split()[column]}]" for row in rows}


def connections(pid):
    """How many sockets the process has to the pool: open or not yet closed on this side."""
    files = set(open_files(pid))
    return len(files & sockets("tcp", 9))


def own_files(pid):
    """How many descriptors it has, without sockets to the pool, which come and go by their own clock."""
    files = list(open_files(pid))
    local = sockets("unix", 6)
    return sum(1 for file in files if not file.startswith("socket:") or file in local)


def sign_ins_are_open(machine, count):
    """Waits until cognitod has so many open sign-ins."""
    return machine.wait_until(lambda: machine.status()["sign_ins_open"] == count)


def check_nothing_left(stage, daemon, files_before):
    """After clients were killed. The daemon notices when their sshd has."""
    machine = stage.machine
    stage.check("no sshd process is left", machine.wait_until(lambda: sshd_children() == 0))
    stage.check("no sign-in is open in cognitod", sign_ins_are_open(machine, 0), machine.status())
    stage.check("its files are as before", machine.wait_until(lambda: own_files(daemon) <= files_before),
                f"files {files_before} -> {own_files(daemon)}")
    stage.check("it is the same cognitod", machine.daemon_pid() == daemon)


def idle_daemon(stage):
    """cognitod's process after a sign-in, when nothing of it is open any more; and its files."""
    machine = stage.machine
    ssh_with_totp(stage, "alice")
    stage.check("before: no sshd process and no open sign-in", machine.wait_until(
        lambda: sshd_children() == 0) and sign_ins_are_open(machine, 0))
    daemon = machine.daemon_pid()
    return daemon, own_files(daemon)


def killed_clients(stage):
    machine = stage.machine
    with stage.scene("ssh clients killed at the password and at the code leave nothing behind"):
        daemon, files = idle_daemon(stage)
        at_password = [machine.ssh("grace") for _ in range(4)]
        for terminal in at_password:
            terminal.expect(PASSWORD_PROMPT)
        with machine.ssh("alice") as at_code:
            type_password(at_code, "alice")
            at_code.expect(TOTP_PROMPT)
            stage.check("five sign-ins wait", sign_ins_are_open(machine, 5), machine.status())
            stage.check("each has its sshd process", sshd_children() >= 5, sshd_children())
            stage.check("each has its files", own_files(daemon) >= files + 5,
                        f"files {files} -> {own_files(daemon)}")
            for terminal in [*at_password, at_code]:
                terminal.kill()
        check_nothing_left(stage, daemon, files)


def many_waiting(stage):
    """sshd logins from several loopback addresses: each origin has its own bound of open sign-ins."""
    machine = stage.machine
    users, per_user = ("alice", "bob", "carol", "dave"), 7
    # The first one must still be open when the last one is.
    text = CONFIG_TEXT.format(**machine.pool.ready) + "\n[service sshd]\ndeadline = 15min\n"
    with stage.scene(f"{WAITING_SIGN_INS} sign-ins wait for their person; root still uses the bus"), \
            machine.configured(text), machine.sshd_options("LoginGraceTime 900"):
        daemon, files = idle_daemon(stage)
        terminals = []
        try:
            for number in range(WAITING_SIGN_INS):
                origin = 2 + number // (len(users) * per_user)
                terminals.append(machine.ssh(users[number % len(users)],
                                             options=[f"BindAddress=127.0.0.{origin}"]))
                if len(terminals) % 10 == 0:  # not all key exchanges at once on a small machine
                    for terminal in terminals[-10:]:
                        terminal.expect(PASSWORD_PROMPT)
            stage.check(f"{WAITING_SIGN_INS} are at their password prompt, and open in cognitod",
                        sign_ins_are_open(machine, WAITING_SIGN_INS), machine.status())
            status, output = machine.bus_call("--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
                                              "org.freedesktop.DBus.ListNames")
            stage.check("root's call on the bus is answered", status == 0, output)
            ssh_with_totp(stage, "alice")
        finally:
            for terminal in terminals:
                terminal.kill()
        check_nothing_left(stage, daemon, files)


def occurrences(pid, *secrets):
    """How often each secret is in the process's memory."""
    found = dict.fromkeys(secrets, 0)
    overlap = max(len(secret) for secret in secrets) - 1
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if "r" not in line.split()[1] or "[v" in line:  # vvar and vsyscall are the kernel's
                continue
            tail = b""
            for start in range(first, last, 1 << 20):
                try:
                    memory.seek(start)
                    block = tail + memory.read(min(1 << 20, last - start))
                except OSError:
                    break
                for secret in secrets:
                    found[secret] += block.count(secret)
                tail = block[-overlap:]
    return found


def planted_secrets(stage):
    machine = stage.machine
    with stage.scene("after a sign-in neither password nor code is in cognitod's memory or a log"):
        password = "Planted-Password-7f3a91"
        machine.pool.admin("users/set-password", username="carol", password=password)
        try:
            machine.restart_daemon()
            with ssh(stage, "carol") as terminal:
                type_password(terminal, "carol", password)
                terminal.expect(EMAIL_PROMPT)
                daemon = machine.daemon_pid()
                stage.check("and it has a connection to the pool", connections(daemon) > 0)
                waiting = occurrences(daemon, password.encode())
                stage.check("while the code is asked for, the password is there (the search works)",
                            waiting[password.encode()] > 0)
                code = machine.pool.next_message_code("carol")
                terminal.send(code)
                session_is(stage, terminal, "carol")
            stage.check("the connection to the pool is closed after a while",
                        machine.wait_until(lambda: connections(daemon) == 0, timeout=120))
            stage.check("it is the same cognitod", machine.daemon_pid() == daemon)
            found = occurrences(daemon, password.encode(), code.encode())
            stage.check("neither is in its memory", not any(found.values()), found)
            logs = stage.machine.journal.text() + "".join(
                path.read_text(errors="replace") for path in pathlib.Path("/var/log").glob("*.log"))
            stage.check("neither is in a log", password not in logs and code not in logs)
            stage.check("which tells of the sign-in", "sign-in of carol by sshd" in logs)
        finally:
            machine.pool.admin("users/set-password", username="carol",
                               password=password_of("carol"))


# A process that runs as the person.
def locker(stage):
    machine = stage.machine
    with stage.scene("a screen locker that runs as alice asks for password and code, for her alone"):
        with machine.as_user("alice", "pamtester", LOCKER, "alice", "authenticate", "acct_mgmt",
                             on_text=stage.watch) as terminal:
            type_password(terminal, "alice")
            type_totp(stage, terminal, "alice")
            terminal.expect("successfully authenticated")
            terminal.expect("account management done")
            stage.check("alice unlocks", terminal.finish() == 0)
        stage.daemon_said("alice", "user", "success")  # its own claims are not believed
        machine.pool.reset_log()
        with machine.as_user("alice", "pamtester", LOCKER, "bob", "authenticate",
                             on_text=stage.watch) as terminal:
            status = terminal.finish()
            stage.check("as alice nobody can sign bob in", status != 0)
        stage.pool_saw("bob")


# Local passwords.
def local_password(user):
    """The hash in /etc/shadow."""
    return next(line.split(":")[1] for line in pathlib.Path("/etc/shadow").read_text().splitlines()
                if line.startswith(f"{user}:"))


def run_as_root(stage, what, *argv, text=""):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60)
    stage.check(f"{what} works", done.returncode == 0, done.stdout + done.stderr)


def local_passwords(stage):
    """Root sets local passwords, which are the break glass, and local users their own: with and without
    a daemon. Our own users never touch them."""
    machine = stage.machine
    with stage.scene("root's passwd, chpasswd and adduser, and a local user's passwd, with cognitod"):
        change_local_passwords(stage, "Second")
        stage.pool_saw("bob")
    with stage.scene("the same while cognitod is down"):
        with machine.daemon_away():
            change_local_passwords(stage, "Third")
            before = local_password("bob")
            with machine.as_user("bob", "passwd", on_text=stage.watch) as terminal:
                stage.check("bob's own passwd fails", terminal.finish() != 0)
            stage.check("and leaves his local password alone", local_password("bob") == before)
    run_as_root(stage, "putting back", "chpasswd", text=f"{LOCAL_USER}:{LOCAL_PASSWORD}\n")
    subprocess.run(["usermod", "--lock", "bob"], check=True)


def change_local_passwords(stage, word):
    machine = stage.machine
    before = local_password("bob")
    with machine.as_user("root", "passwd", "bob", on_text=stage.watch) as terminal:
        for prompt in ("New password: ", "Retype new password: "):
            terminal.answer(prompt, f"Root-Made-{word}-1", hidden_as="new password")
        stage.check("root's passwd bob ends well", terminal.finish() == 0)
    stage.check("bob has another local password", local_password("bob") != before)
    run_as_root(stage, "root's chpasswd for bob", "chpasswd", text=f"bob:Root-Piped-{word}-2\n")
    name = f"new{word.lower()}"
    run_as_root(stage, f"adduser {name}", "adduser", "--gecos", "", name,
                text=f"Added-User-{word}-3\nAdded-User-{word}-3\n")
    run_as_root(stage, "putting the local user's back", "chpasswd",
                text=f"{LOCAL_USER}:{LOCAL_PASSWORD}\n")
    with machine.as_user(LOCAL_USER, "passwd", on_text=stage.watch) as terminal:
        terminal.answer("Current password: ", LOCAL_PASSWORD, hidden_as="password")
        for prompt in ("New password: ", "Retype new password: "):
            terminal.answer(prompt, f"Own-Choice-{word}-4", hidden_as="new password")
        stage.check("the local user's own passwd ends well", terminal.finish() == 0)


# Bad input, and parts that are away.
def bad_configuration(stage):
    machine = stage.machine
    with stage.scene("a mistake in cognitod.conf: local passwords work, and the log names file and line"):
        text = CONFIG_TEXT.format(**machine.pool.ready).replace("[access]\n", "[access]\nbogus = 1\n")
        line = text.splitlines().index("bogus = 1") + 1
        with machine.configured(text):
            with ssh(stage, "carol") as terminal:
                type_password(terminal, "carol", BREAK_GLASS_PASSWORD)
                session_is(stage, terminal, "carol")
            where = f"{CONFIG}:{line}"
            stage.logged(f"the log names {where}", where)
            checked = subprocess.run([machine.daemon_binary(), "--check-config"],
                                     capture_output=True, text=True, timeout=60)
            stage.check("cognitod --check-config says the same, and fails",
                        checked.returncode != 0 and where in checked.stdout + checked.stderr,
                        checked.stdout + checked.stderr)
        stage.pool_saw("carol")
    with stage.scene("the right configuration again: cognitod --check-config agrees"):
        checked = subprocess.run([machine.daemon_binary(), "--check-config"], capture_output=True,
                                 text=True, timeout=60)
        stage.check("exit status 0", checked.returncode == 0, checked.stdout + checked.stderr)


def no_configuration(stage):
    machine = stage.machine
    with stage.scene("no cognitod.conf at all: local passwords work"):
        with machine.configured(""):
            CONFIG.unlink()
            machine.restart_daemon()
            with ssh(stage, "carol") as terminal:
                type_password(terminal, "carol", BREAK_GLASS_PASSWORD)
                session_is(stage, terminal, "carol")
            stage.logged(f"the log names {CONFIG}", f"{CONFIG}: does not exist")


def malformed_users_conf(stage):
    machine = stage.machine
    with stage.scene("a malformed users.conf: root and excluded people are not touched, others denied"):
        with machine.configured(users_conf=f"exclude={LOCAL_USER}\nnonsense\n"):
            with ssh(stage, "root", methods="publickey") as terminal:
                session_is(stage, terminal, "root")
            with ssh(stage, LOCAL_USER) as terminal:
                type_password(terminal, LOCAL_USER, LOCAL_PASSWORD)
                session_is(stage, terminal, LOCAL_USER)
            with ssh(stage, "alice") as terminal:
                refused_by_ssh(stage, terminal)
            with ssh(stage, "alice", methods="publickey") as terminal:
                refused_by_ssh(stage, terminal)
        stage.pool_saw("alice")
        stage.logged("the log names users.conf", "users.conf")


def pool_down(stage):
    machine = stage.machine
    with stage.scene("the pool cannot be reached: a refusal, and no local password counts at once"):
        machine.stop_pool()
        try:
            for user in ("carol", "alice"):
                with ssh(stage, user) as terminal:
                    type_password(terminal, user)
                    refused_by_ssh(stage, terminal)
        finally:
            machine.start_pool()
        stage.daemon_said("carol", "sshd", "failed")


def hangs(stage):
    """SIGSTOP instead of an end: the caller must stop waiting by itself. A missing answer does not prove
    that no daemon is there, so no local password is accepted."""
    machine = stage.machine
    for name, pid_of in (("cognitod", machine.daemon_pid), ("the system bus", machine.bus_pid)):
        with stage.scene(f"{name} hangs: root and local users are not touched, Cognito users are refused"):
            ssh_with_totp(stage, "alice")
            with machine.stopped(pid_of()):
                with ssh(stage, "root", methods="publickey") as terminal:
                    session_is(stage, terminal, "root")
                with ssh(stage, LOCAL_USER) as terminal:
                    type_password(terminal, LOCAL_USER, LOCAL_PASSWORD)
                    session_is(stage, terminal, LOCAL_USER)
                with ssh(stage, "carol") as terminal:
                    refused_by_ssh(stage, terminal)
            ssh_with_totp(stage, "alice")


def let_in(user, password, limits):
    """The limits of memory, in KiB, at which alice becomes the user by su with a local password."""
    def becomes(limit):
        script = f"ulimit -v {limit}; exec su -s /bin/sh {user} -c 'id -un'"
        done = subprocess.run(["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "sh", "-c", script],
                              input=f"{password}\n", capture_output=True, text=True, timeout=60)
        return done.stdout == f"{user}\n"
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        return [limit for limit, is_in in zip(limits, threads.map(becomes, limits)) if is_in]


def module_that_cannot_be_loaded(stage):
    """The caller of su sets its limits: some are enough for pam_unix and too little for our module."""
    machine = stage.machine
    with stage.scene("su with so little memory that the module does not load: refused"):
        # Hashes that need little memory.
        run_as_root(stage, "setting local passwords by SHA512", "chpasswd", "-c", "SHA512",
                    text=f"{LOCAL_USER}:{LOCAL_PASSWORD}\ncarol:{BREAK_GLASS_PASSWORD}\n")
        enough = min(let_in(LOCAL_USER, LOCAL_PASSWORD, range(4000, 12000, 200)), default=0)
        stage.check(f"from {enough} KiB on a local user's own password counts", enough)
        mark = machine.journal.mark()
        found = let_in("carol", BREAK_GLASS_PASSWORD, range(enough - 2000, enough + 500, 100))
        stage.check("with about as much hers does not make anybody carol", not found, found)
        stage.check("for the module was not there", machine.journal.wait(
            lambda entry: "unable to dlopen(pam_cognito.so)" in entry.get("MESSAGE", ""), mark))
        machine.pool.forgive("carol")
        machine.restart_daemon()


def daemon_killed_at_the_code(stage):
    machine = stage.machine
    with stage.scene("cognitod killed while the code is asked for: refused, no local password instead"):
        with ssh(stage, "carol") as terminal:
            type_password(terminal, "carol")
            terminal.expect(EMAIL_PROMPT)
            code = machine.pool.next_message_code("carol")
            machine.kill_daemon()
            terminal.send(code)
            refused_by_ssh(stage, terminal)
            stage.check("nothing else was asked", terminal.transcript.count("Password:") == 1)
        stage.pool_saw("carol", "USER_SRP_AUTH", "PASSWORD_VERIFIER")
    with stage.scene("and the next sign-in finds a new cognitod"):
        ssh_with_totp(stage, "alice")


def no_password_in_any_log(stage):
    with stage.scene("of all this, no password is in a log"):
        logs = stage.machine.journal.text() + "".join(
            path.read_text(errors="replace") for path in pathlib.Path("/var/log").glob("*.log"))
        people = [*OUR_USERS]
        found = [name for name in people if password_of(name) in logs]
        stage.check(f"not one of {len(people)}", not found, found)
        stage.check("nor a local one", LOCAL_PASSWORD not in logs and BREAK_GLASS_PASSWORD not in logs)
        silent = [name for name in ("sshd", "sudo", "su", "passwd", "cognitod")
                  if not re.search(rf"(?m)^{name}(-session)?: ", logs)]
        stage.check("though sshd, sudo, su, passwd and cognitod have written their lines", not silent, silent)


TESTS = (sudo_after_a_restart, sudo_after_all_is_lost, restart_between_the_phases, key_after_a_sign_in, key_and_code, su_by_root,
         locker, stored_password, stored_password_at_a_hidden_prompt, decoy, alias_of_another, killed_clients,
         planted_secrets, local_passwords, bad_configuration, no_configuration, malformed_users_conf,
         pool_down, hangs, module_that_cannot_be_loaded, daemon_killed_at_the_code, many_waiting, no_password_in_any_log)


def main():
    """With names of tests as arguments: only those."""
    stage = Stage(Machine(), show_transcripts=False)
    wanted = sys.argv[1:]
    for scene in scenarios.DEMO + golden.GOLDEN + session_scenes.ALL + TESTS:
        if not wanted or scene.__name__ in wanted:
            scene(stage)
    stage.close()


if __name__ == "__main__":
    main()
