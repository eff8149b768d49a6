#!/usr/bin/env python3
"""logins_test.py [NAME…]: ssh, sudo, su, login and passwd on a booted machine, with our packages installed.

Each check is by its effect: whose session logind has, whose uid the shell has, what the journal says,
what the pool was asked, what is left over. With names of scenes as arguments: only those. Closes with
`N passed, N failed`.
"""

import contextlib
import re
import sys
import time
import urllib.parse

from logins import LoginMachine

import qr_reader
import scenarios
import session_scenes
from booted import CONFIG_TEXT
from login_checks import Logins, logged_in, logs_out, nothing_left, one_id, seen
from machine import LOCAL_PASSWORD, LOCAL_USER, OUR_USERS, ROOT_PASSWORD
from scenarios import (EMAIL_PROMPT, KEY_SHOWN, PASSWORD_PROMPT, SETUP_PROMPT, SMS_PROMPT, TOTP_CALLS, TOTP_PROMPT, password_of,
                       refused_by_ssh, ssh, ssh_with_totp, type_message_code, type_password, type_totp)
from sshd import DROPPED

# A shell that prints its user, and waits until it may end.
STAYS = "id; read -r end"
NEW_PASSWORD = "Brand-New-Pass-2"
SUDO_REAUTH = "\n[service sudo]\nreauth = {}\nmfa_max_age = 1h\n"
ONLY_TOTP = {"mfa_configuration": "ON", "mfas_can_setup": ["SOFTWARE_TOKEN_MFA"]}


# ssh with password and code.
def ssh_by_factor(stage):
    for user, factor, prompt in (("alice", "totp", TOTP_PROMPT), ("bob", "sms", SMS_PROMPT),
                                 ("carol", "email", EMAIL_PROMPT)):
        with stage.scene(f"ssh, password and a code: {factor}"), ssh(stage, user, STAYS) as terminal:
            type_password(terminal, user)
            if factor == "totp":
                type_totp(stage, terminal, user)
            else:
                type_message_code(stage, terminal, user, prompt)
            logged_in(stage, terminal, user, RemoteHost="127.0.0.1", Type="tty")
            entry = one_id(stage, user)
            stage.check("the line names the factor and the origin",
                        entry.get("PAM_COGNITO_FACTOR") == factor
                        and entry.get("PAM_COGNITO_ORIGIN") == "host:127.0.0.1/32", entry)
            logs_out(stage, terminal, user)


def restored(stage, user):
    """The account as seeded, and for this machine another one by the same name."""
    person = scenarios._PEOPLE[user]
    stage.machine.pool.admin("users/delete", username=user)
    stage.machine.pool.admin("users/create", **person)
    stage.machine.run("cognitoctl", "identity", "reset", user)


@contextlib.contextmanager
def pool_settings(stage, **settings):
    pool = stage.machine.pool
    before = pool.admin("settings/get")
    pool.admin("settings/set", **settings)
    try:
        yield
    finally:
        pool.admin("settings/set", **{name: before[name] for name in settings})


def enrolment(stage):
    pool = stage.machine.pool
    for how in ("QR code", "text"):
        with stage.scene(f"ssh, the first login sets an authenticator app up, by the {how}"), \
                pool_settings(stage, **ONLY_TOTP), ssh(stage, "henry", STAYS) as terminal:
            type_password(terminal, "henry")
            shown = terminal.expect(KEY_SHOWN).group(1).replace(" ", "")
            if how == "text":
                secret = shown
            else:
                uri = qr_reader.decode_half_blocks(terminal.transcript)
                stage.check("zbarimg reads it", uri.startswith("otpauth://totp/"), uri)
                secret = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query).get("secret", [""])[0]
                stage.check("it holds the secret that the text shows", secret == shown)
            terminal.answer(SETUP_PROMPT, pool.totp(secret))
            logged_in(stage, terminal, "henry")
            state = pool.admin("users/get", username="henry")["mfa"]
            stage.check("the pool has the factor, preferred", state["enabled"] == ["SOFTWARE_TOKEN_MFA"]
                        and state["preferred"] == "SOFTWARE_TOKEN_MFA", state)
            one_id(stage, "henry")
            logs_out(stage, terminal, "henry")
        restored(stage, "henry")


def new_password(stage):
    with stage.scene("ssh, a temporary password must be changed"):
        with ssh(stage, "ivy", STAYS) as terminal:
            type_password(terminal, "ivy")
            for prompt in (r"New password: ", r"Retype new password: "):
                terminal.answer(prompt, NEW_PASSWORD, hidden_as="new password")
            type_message_code(stage, terminal, "ivy", EMAIL_PROMPT)
            logged_in(stage, terminal, "ivy")
            one_id(stage, "ivy")
            logs_out(stage, terminal, "ivy")
        with ssh(stage, "ivy", STAYS) as terminal:
            type_password(terminal, "ivy", NEW_PASSWORD)
            type_message_code(stage, terminal, "ivy", EMAIL_PROMPT)
            logged_in(stage, terminal, "ivy")
            logs_out(stage, terminal, "ivy")
    restored(stage, "ivy")


# ssh with keys.
def keys(stage):
    machine = stage.machine
    with stage.scene("ssh by key, by a user who has signed in before"):
        ssh_with_totp(stage, "alice")
        machine.pool.reset_log()
        with ssh(stage, "alice", STAYS, methods="publickey") as terminal:
            logged_in(stage, terminal, "alice")
            stage.pool_saw("alice")
            logs_out(stage, terminal, "alice")
    with stage.scene("ssh by key, by a user who has not"):
        refused_key(stage, "frank", "account-unknown")
        stage.pool_saw("frank")
    stale = CONFIG_TEXT + "\n[session]\nrevalidate = 1s\n"
    for what, change, back, outcome in (
            ("has been disabled in the pool", ("users/disable", {}), ("users/enable", {}),
             "account-expired"),
            ("has left the group in the pool", ("users/update", {"groups": ["pool-only"]}),
             ("users/update", {"groups": ["linux-users", "linux-admins"]}), "account-denied")):
        with stage.scene(f"ssh by key, by a user who {what}"), machine.configured(stale):
            ssh_with_totp(stage, "alice")
            machine.pool.admin(change[0], username="alice", **change[1])
            try:
                time.sleep(1.1)  # an age that passes, not something that is waited for
                refused_key(stage, "alice", outcome)
            finally:
                machine.pool.admin(back[0], username="alice", **back[1])
        with stage.scene("a full sign-in makes the account good again"):
            ssh_with_totp(stage, "alice")


def refused_key(stage, user, outcome):
    with ssh(stage, user, methods="publickey") as terminal:
        refused_by_ssh(stage, terminal)
    account_phase_refuses(stage, user)
    stage.daemon_said(user, "sshd", outcome)


def account_phase_refuses(stage, user):
    stage.logged("sshd took the key; it is the account phase that refuses",
                 f"Access denied for user {user} by PAM account configuration")


@contextlib.contextmanager
def expired(machine):
    machine.run("usermod", "-e", "1", "alice")
    try:
        yield
    finally:
        machine.run("usermod", "-e", "", "alice")


@contextlib.contextmanager
def nologin(machine):
    machine.run("touch", "/etc/nologin")
    try:
        yield
    finally:
        machine.run("rm", "/etc/nologin")


def closed_by_root(stage):
    """Debian's own checks apply to Cognito users as well, whatever Cognito answers."""
    for what, closed in (("whom usermod -e 1 has expired", expired), ("while there is /etc/nologin", nologin)):
        with stage.scene(f"ssh, by a Cognito user {what}"), closed(stage.machine):
            with ssh(stage, "alice", methods="publickey") as terminal:
                refused_by_ssh(stage, terminal)
            account_phase_refuses(stage, "alice")
            with ssh(stage, "alice") as terminal:
                type_password(terminal, "alice")
                type_totp(stage, terminal, "alice")
                refused_by_ssh(stage, terminal)
            stage.daemon_said("alice", "sshd", "success")


def key_and_code(stage):
    with stage.scene("AuthenticationMethods publickey,keyboard-interactive"), \
            stage.machine.sshd_options("AuthenticationMethods publickey,keyboard-interactive"):
        with ssh(stage, "alice", STAYS, methods="publickey,keyboard-interactive") as terminal:
            type_password(terminal, "alice")
            type_totp(stage, terminal, "alice")
            logged_in(stage, terminal, "alice")
            one_id(stage, "alice")
            logs_out(stage, terminal, "alice")
        for methods in ("keyboard-interactive", "publickey"):
            with ssh(stage, "alice", methods=methods) as terminal:
                refused_by_ssh(stage, terminal)


def local_people(stage):
    with stage.scene("ssh by root's key, and by a local user's password: without pam_cognito"):
        with ssh(stage, "root", STAYS, methods="publickey") as terminal:
            logged_in(stage, terminal, "root")
            terminal.send("")
            terminal.finish()
        with ssh(stage, LOCAL_USER, STAYS) as terminal:
            type_password(terminal, LOCAL_USER, LOCAL_PASSWORD)
            logged_in(stage, terminal, LOCAL_USER)
            logs_out(stage, terminal, LOCAL_USER)
        stage.machine.journal.mark()  # the lines until now are there
        lines = [e for e in stage.machine.journal.since(stage.journal_mark)
                 if e.get("PAM_COGNITO_USER") in ("root", LOCAL_USER)]
        stage.check("cognitod was not asked about them", not lines, lines)


# Events that end an ssh login early.
def grace_time(stage):
    machine = stage.machine
    with stage.scene("LoginGraceTime runs out while the code is asked for"), \
            machine.sshd_options("LoginGraceTime 20"), ssh(stage, "alice") as terminal:
        type_password(terminal, "alice")
        terminal.expect(TOTP_PROMPT)
        stage.check("one sign-in is open", machine.status()["sign_ins_open"] == 1
                    and machine.conversations() == 1)
        nothing_left(stage)
        entry = stage.daemon_said("alice", "sshd", "conversation-broken")
        stage.check("it ended with the time that sshd gives, not with cognitod's 110 s",
                    entry is not None and int(entry["PAM_COGNITO_DURATION_MS"]) < 100_000)
        terminal.send("123456")  # the client notices when it has an answer to send
        refused_by_ssh(stage, terminal)
    with stage.scene("and with a new login all is well"):
        ssh_with_totp(stage, "alice")


def killed_clients(stage):
    machine = stage.machine
    with stage.scene("ssh clients killed at the password, at the code, and after the login"):
        with machine.ssh("grace") as at_password, machine.ssh("alice") as at_code, \
                machine.ssh("carol", STAYS) as after:
            at_password.expect(PASSWORD_PROMPT)
            type_password(at_code, "alice")
            at_code.expect(TOTP_PROMPT)
            type_password(after, "carol")
            type_message_code(stage, after, "carol", EMAIL_PROMPT)
            logged_in(stage, after, "carol")
            daemon = machine.daemon_pid()
            stage.check("two sign-ins are open", machine.status()["sign_ins_open"] == 2
                        and machine.conversations() == 2)
            for terminal in (at_password, at_code, after):
                terminal.kill()
            nothing_left(stage)
            stage.check("it is the same cognitod", machine.daemon_pid() == daemon)


def sshd_of(machine, user):
    """sshd's processes for the user's logins, until they have authenticated."""
    return machine.run("pgrep", "--full", f"^sshd(-session|-auth)?: {user} ", check=False).stdout.split()


def max_startups(stage):
    machine = stage.machine
    with stage.scene("MaxStartups 3: a fourth is refused before pam_cognito is called"), \
            machine.sshd_options("MaxStartups 3:100:3"), contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(machine.ssh(user)) for user in ("alice", "bob", "carol")]
        for terminal in waiting:
            terminal.expect(PASSWORD_PROMPT)
        with ssh(stage, "dave") as fourth:
            stage.check("it is asked for nothing", fourth.finish() == 255 and "assword" not in fourth.transcript)
        stage.logged("for sshd has dropped it", DROPPED)
        stage.check("three sign-ins are open", machine.status()["sign_ins_open"] == 3)
        stage.check("alice's has its sshd", sshd_of(machine, "alice"))
        waiting[0].kill()
        stage.check("one killed, its sshd ends", machine.wait_until(lambda: not sshd_of(machine, "alice")))
        ssh_with_totp(stage, "alice")
        for terminal in waiting:
            terminal.kill()


def stored_password(stage):
    """sshpass answers as a client with a stored password does: with the password, whatever is asked."""
    machine = stage.machine
    with stage.scene("a stored password, PasswordAuthentication yes: it is not sent as a code"), \
            machine.sshd_options("PasswordAuthentication yes"):
        stage.command("sshpass -p … ssh alice@127.0.0.1 id")
        done = machine.run("sshpass", "-p", password_of("alice"), "ssh", "-o",
                           "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1",
                           "alice@127.0.0.1", "id", check=False)
        stage.check("there was no session", done.returncode != 0 and "uid=" not in done.stdout,
                    done.stdout + done.stderr)
        stage.pool_saw("alice", "USER_SRP_AUTH", "PASSWORD_VERIFIER")
        stage.daemon_said("alice", "sshd", "conversation-broken")
    with stage.scene("the same client with keyboard-interactive: the code is echoed, so it has no answer"):
        # With -v it shows what ssh shows, as soon as it has looked for a prompt in it.
        with machine.terminal("sshpass", "-v", "-p", password_of("alice"), "ssh", "-o",
                              "PreferredAuthentications=keyboard-interactive", "-o",
                              "NumberOfPasswordPrompts=1", "alice@127.0.0.1", "id",
                              on_text=stage.watch) as terminal:
            terminal.expect(TOTP_PROMPT)
            stage.check("it waits at the code", machine.status()["sign_ins_open"] == 1)
        codes = [call for call in machine.pool.requests("alice") if call[1] == "SOFTWARE_TOKEN_MFA"]
        stage.check("no code was sent to the pool", not codes, codes)


def decoy(stage):
    """DenyUsers must not show: neither by what is asked, nor by a code that comes or does not."""
    machine = stage.machine
    with stage.scene("DenyUsers: the right password of a denied user looks like a wrong one"):
        machine.pool.admin("inbox/clear")
        seen = {}
        for user, denied, password in (("bob", True, None), ("carol", False, "not-my-password")):
            with machine.sshd_options(f"DenyUsers {user if denied else 'nobody'}"):
                with ssh(stage, user) as terminal:
                    type_password(terminal, user, password)
                    refused_by_ssh(stage, terminal)
                seen[denied] = re.sub(r" \(Ref [0-9a-f]{16}\)", " (Ref …)", terminal.transcript.replace(user, "USER"))
        stage.check("both see the same", seen[True] == seen[False], seen)
        stage.pool_saw("bob")
        messages = machine.pool.admin("inbox/list", username="bob")["messages"]
        stage.check("no code was sent", messages == [], messages)
        entry = stage.daemon_said("bob", "sshd", "refused")
        stage.check("cognitod knew it as no password",
                    (entry or {}).get("PAM_COGNITO_CAUSE") == "not-a-password", entry)
        machine.pool.forgive("carol")


# sudo.
@contextlib.contextmanager
def alice_with_sudo(stage, reauth, command):
    """alice has logged in by ssh with her second factor, and the command begins."""
    machine = stage.machine
    with machine.configured(CONFIG_TEXT + SUDO_REAUTH.format(reauth)), \
            ssh(stage, "alice", f"{command}; echo all done") as terminal:
        type_password(terminal, "alice")
        type_totp(stage, terminal, "alice")
        stage.daemon_said("alice", "sshd", "success")
        machine.pool.reset_log()
        yield terminal
        terminal.expect("all done")
        stage.check("the login ends well", terminal.finish() == 0)
        nothing_left(stage)


def sudo_in_full(stage):
    with stage.scene("sudo without a policy of its own: password and code; then its own timestamp"), \
            alice_with_sudo(stage, "full", "sudo id; sudo -n id -u; sudo -k; sudo -n id -u; "
                                           "echo -n status $?") as terminal:
        type_password(terminal, "alice")
        seen(stage, "sudo ")
        type_totp(stage, terminal, "alice")
        terminal.expect(r"uid=0\(root\)")
        terminal.expect(r"\n0\n")
        stage.check("within the timestamp sudo -n runs as root", True)
        terminal.expect(r"password is required")
        terminal.expect(r"status 1")
        stage.check("after sudo -k, sudo -n is refused and asks nothing", True)
        stage.pool_saw("alice", *TOTP_CALLS)
        one_id(stage, "alice", "sudo")


def sudo_with_grace(stage):
    with stage.scene("sudo, reauth = password: the password alone, checked here"), \
            alice_with_sudo(stage, "password", "sudo -k id") as terminal:
        session_scenes.asked_only_the_password(stage, terminal, "alice")
        session_scenes.no_sign_in_calls(stage, "alice")
        one_id(stage, "alice", "sudo")
    with stage.scene("sudo, reauth = none: nothing is asked"), \
            alice_with_sudo(stage, "none", "sudo -k id") as terminal:
        asked, _ = terminal.expect_any([r"uid=0\(root\)", PASSWORD_PROMPT])
        stage.check("sudo asked nothing, and runs as root", asked == 0)
        stage.pool_saw("alice")
        one_id(stage, "alice", "sudo")


def sudo_from_standard_input(stage):
    with stage.scene("sudo -S: password and code are read from standard input"), \
            alice_with_sudo(stage, "full", "(read -r p; read -r c; printf '%s\\n%s\\n' \"$p\" \"$c\") "
                                           "| sudo -k -S -p '' id") as terminal:
        terminal.send(password_of("alice"), hidden_as="password")
        terminal.send(stage.machine.pool.totp(scenarios.totp_secret_of("alice")))
        terminal.expect(r"uid=0\(root\)")
        stage.check("sudo runs as root", True)
        stage.pool_saw("alice", *TOTP_CALLS)
        one_id(stage, "alice", "sudo")


def sudo_under_the_user_manager(stage):
    """All of a user's logins share that manager: no factor of one of them counts there."""
    with stage.scene("systemd-run --user --pty sudo: in full, whatever the policy"), \
            alice_with_sudo(stage, "none", "systemd-run --user --pty --quiet --wait sudo -k id") as terminal:
        type_password(terminal, "alice")
        type_totp(stage, terminal, "alice")
        terminal.expect(r"uid=0\(root\)")
        stage.check("sudo runs as root", True)
        stage.pool_saw("alice", *TOTP_CALLS)
        one_id(stage, "alice", "sudo")


# su, login, passwd.
def su(stage):
    machine = stage.machine
    for form in ("su", "su -"):
        with stage.scene(f"{form} bob, by a local user"):
            stage.command(f"{form} bob -c …")
            with machine.as_user(LOCAL_USER, *form.split(), "bob", "-c", f"pwd; {STAYS}",
                                 on_text=stage.watch) as terminal:
                type_password(terminal, "bob")
                seen(stage, "su ")
                type_message_code(stage, terminal, "bob", SMS_PROMPT)
                home = terminal.expect(r"\n(/[^\n]*)\n").group(1)
                stage.check(f"it starts in {home}", (home == "/home/bob") == (form == "su -"))
                terminal.expect(r"uid=\d+\(bob\)")
                terminal.send("")
                stage.check("it ends well", terminal.finish() == 0)
            one_id(stage, "bob", "su" if form == "su" else "su-l")
    with stage.scene("su to root by a local user, and root's su to a Cognito user: neither asks Cognito"):
        with machine.as_user(LOCAL_USER, "su", "-c", "id", on_text=stage.watch) as terminal:
            type_password(terminal, LOCAL_USER, ROOT_PASSWORD)
            terminal.expect(r"uid=0\(root\)")
            stage.check("root's password counts", terminal.finish() == 0)
        with machine.terminal("su", "-", "grace", "-c", "id", on_text=stage.watch) as terminal:
            terminal.expect(r"uid=\d+\(grace\)")
            stage.check("root asks nobody", terminal.finish() == 0)
        stage.pool_saw("grace")


def roots_class(machine):
    """logind's, of a session of root's on a console: systemd 256 and later let it begin before others may."""
    version = int(machine.run("systemctl", "--version").stdout.split()[1])
    return "user-early" if version >= 256 else "user"


def console(stage):
    machine = stage.machine
    with stage.scene("login on a console"):
        stage.command("login")
        with machine.terminal("login", on_text=stage.watch) as terminal:
            terminal.answer(r"login: ", "alice")
            type_password(terminal, "alice")
            type_totp(stage, terminal, "alice")
            terminal.answer(r"alice@\w+:~\$ ", STAYS + "; exit")
            logged_in(stage, terminal, "alice", "login", Type="tty", Remote="no")
            entry = one_id(stage, "alice", "login")
            stage.check("its origin is local", entry.get("PAM_COGNITO_ORIGIN") == "local", entry)
            logs_out(stage, terminal, "alice")
    with stage.scene("login on a console, a wrong password, then root's own"):
        with machine.terminal("login", on_text=stage.watch) as terminal:
            terminal.answer(r"login: ", "alice")
            type_password(terminal, "alice", "not-my-password")
            terminal.expect("Login incorrect")
            terminal.answer(r"login: ", "root")
            type_password(terminal, "root", ROOT_PASSWORD)
            terminal.answer(r"root@\w+:~# ", STAYS + "; exit")
            logged_in(stage, terminal, "root", "login", Class=roots_class(machine))
            logs_out(stage, terminal, "root")
        stage.daemon_said("alice", "login", "refused")
        machine.pool.forgive("alice")


def passwd(stage):
    machine = stage.machine
    with stage.scene("passwd changes the password in the pool, and not the local one"):
        before = machine.run("getent", "shadow", "alice").stdout
        with machine.as_user("alice", "passwd", on_text=stage.watch) as terminal:
            terminal.answer(r"Current password: ", password_of("alice"), hidden_as="password")
            seen(stage, "passwd$")
            type_totp(stage, terminal, "alice")
            for prompt in (r"New password: ", r"Retype new password: "):
                terminal.answer(prompt, NEW_PASSWORD, hidden_as="new password")
            stage.check("passwd ends well", terminal.finish() == 0)
        stage.check("the pool changed it", ("ChangePassword", "", "ok") in machine.pool.requests())
        stage.daemon_said("alice", "passwd", "success")
        stage.check("/etc/shadow is as before", machine.run("getent", "shadow", "alice").stdout == before)
        with ssh(stage, "alice", STAYS) as terminal:
            type_password(terminal, "alice", NEW_PASSWORD)
            type_totp(stage, terminal, "alice")
            logged_in(stage, terminal, "alice")
            logs_out(stage, terminal, "alice")
        machine.pool.admin("users/set-password", username="alice", password=password_of("alice"))


# The daemon, and many at once.
def restart_in_the_middle(stage):
    machine = stage.machine
    with stage.scene("systemctl restart cognitod while the code is asked for: refused, nothing else asked"):
        with ssh(stage, "carol") as terminal:
            type_password(terminal, "carol")
            terminal.expect(EMAIL_PROMPT)
            code = machine.pool.next_message_code("carol")
            machine.run("systemctl", "restart", "cognitod.service")
            terminal.send(code)
            refused_by_ssh(stage, terminal)
            stage.check("no local password was asked for", terminal.transcript.count("assword:") == 1)
    with stage.scene("and while the password is asked for: refused too, a restart opens no other way"):
        with ssh(stage, "carol") as terminal:
            terminal.expect(PASSWORD_PROMPT)
            machine.run("systemctl", "restart", "cognitod.service")
            terminal.send(password_of("carol"), hidden_as="password")
            refused_by_ssh(stage, terminal)
            stage.check("no local password was asked for", terminal.transcript.count("assword:") == 1)
    with stage.scene("the next sign-in finds the new cognitod"):
        ssh_with_totp(stage, "alice")


def ten_at_once(stage):
    machine = stage.machine
    users = ("alice", "bob", "carol", "dave", "frank", "grace", "judy", "mallory", "alice", "frank")
    with stage.scene("ten logins at once"), machine.configured(CONFIG_TEXT), \
            machine.sshd_options("MaxStartups 50"), contextlib.ExitStack() as stack:
        started = time.monotonic()
        terminals = [(user, stack.enter_context(machine.ssh(user, STAYS))) for user in users]
        for user, terminal in terminals:
            terminal.expect(PASSWORD_PROMPT)
        stage.check("ten sign-ins are open", machine.status()["sign_ins_open"] == 10)
        for user, terminal in terminals:
            terminal.send(password_of(user), hidden_as="password")
        for user, terminal in terminals:
            if user in ("bob", "carol"):
                type_message_code(stage, terminal, user, SMS_PROMPT if user == "bob" else EMAIL_PROMPT)
            else:
                # The pool's clock moves on with each code, so each is taken before the next is made.
                type_totp(stage, terminal, user)
            terminal.expect(rf"uid=\d+\({user}\)")
        took = time.monotonic() - started
        sessions = sorted(session["Name"] for session in machine.sessions()
                          if session["Service"] == "sshd" and session["Class"] == "user")
        stage.check(f"logind has these ten sessions ({took:.1f} s)", sessions == sorted(users), sessions)
        known = machine.status()["sessions"]
        stage.check("cognitod has ten sessions", known == 10, known)
        machine.journal.mark()  # the lines until now are there
        ids = [e.get("PAM_COGNITO_ID") for e in machine.journal.since(stage.journal_mark)
               if e.get("PAM_COGNITO_OUTCOME") == "success" and e.get("PAM_COGNITO_GOAL") == "sign-in"]
        stage.check("the journal has ten sign-ins, each with an id of its own",
                    len(ids) == len(set(ids)) == 10, ids)
        for _, terminal in terminals:
            terminal.send("")
        stage.check("all ten end well", all(terminal.finish() == 0 for _, terminal in terminals))
        nothing_left(stage)


def no_secret_in_the_journal(stage):
    with stage.scene("of all this, no password is in the journal"):
        stage.machine.journal.mark()  # the lines until now are there
        entries = stage.machine.journal.since(0)
        log = "\n".join(str(entry) for entry in entries)
        secrets = [password_of(name) for name in OUR_USERS] + [NEW_PASSWORD, LOCAL_PASSWORD, ROOT_PASSWORD]
        found = [secret for secret in secrets if secret in log]
        stage.check(f"not one of {len(secrets)}", not found, found)
        silent = {"sshd", "sudo", "su", "login", "passwd", "cognitod"} - {
            str(entry.get("SYSLOG_IDENTIFIER")).removesuffix("-session") for entry in entries}
        stage.check("there are lines of each program's to look at", not silent, silent)


SCENES = (ssh_by_factor, enrolment, new_password, keys, closed_by_root, key_and_code, local_people, grace_time,
          killed_clients, max_startups, stored_password, decoy, sudo_in_full, sudo_with_grace,
          sudo_from_standard_input, sudo_under_the_user_manager, su, console, passwd,
          restart_in_the_middle, ten_at_once, no_secret_in_the_journal)


def main():
    wanted = sys.argv[1:]
    started = time.monotonic()
    with LoginMachine("logins") as machine:
        print(f"the machine is ready after {time.monotonic() - started:.0f} s", flush=True)
        stage = Logins(machine, show_transcripts=False)
        for scene in SCENES:
            if not wanted or scene.__name__ in wanted:
                scene(stage)
                print(f"   ({time.monotonic() - started:.0f} s)", flush=True)
    stage.close()


if __name__ == "__main__":
    main()
