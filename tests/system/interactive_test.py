#!/usr/bin/env python3
"""interactive_test.py: `./dev demo` at a terminal, as a new user meets it.

Runs inside sandbox.sh. It starts demo.py --interactive on a PTY, types each thing that the demo's text
suggests, and checks what the text says about it. Closes with `N passed, N failed`.
"""

import os
import pathlib
import re
import sys
import types

import demo
from machine import HERE, LOCAL_PASSWORD, LOCAL_USER, POOL_STATE
from pool import Pool
from scenarios import (EMAIL_PROMPT, KEY_SHOWN, PASSWORD_PROMPT, SETUP_PROMPT, SMS_PROMPT, TOTP_PROMPT,
                       password_of)
from stage import Stage
from terminal import Terminal

LOG = pathlib.Path("/var/log/sandbox.log")
PROMPT = r"sandbox# "
START_S = 120
NEW_PASSWORD = "Brand-New-Pass-2"
COLUMNS = 80


class LogFile:
    """The demo's process keeps the journal; this is the file that it writes of it."""

    def mark(self):
        return LOG.stat().st_size if LOG.exists() else 0

    def text(self, mark=0):
        return LOG.read_bytes()[mark:].decode(errors="replace") if LOG.exists() else ""


class Visitor:
    """The user who types at the demo's shell."""

    def __init__(self, stage, terminal):
        self.stage, self.terminal = stage, terminal
        self.pool = None

    def check(self, what, holds, detail=""):
        self.stage.check(what, holds, detail or self.terminal.transcript[-2000:])

    def type(self, line):
        """At a shell's prompt, which has been waited for."""
        self.terminal.send(line)

    def answer(self, prompt, text, hidden_as=None):
        self.terminal.answer(prompt, text, hidden_as, in_read=True)

    def password(self, user):
        self.answer(PASSWORD_PROMPT, password_of(user), hidden_as="password")

    def new_password(self):
        self.answer(r"New password: ", NEW_PASSWORD, hidden_as="new password")
        self.answer(r"Retype new password: ", NEW_PASSWORD, hidden_as="the same again")

    def app_code(self, user):
        """A code that was not typed before: the pool, like Cognito, takes each one once."""
        self.pool.admin("clock/advance", totp_s=30)
        return self.pool.admin("users/totp-code", username=user)["code"]

    def code_on_the_screen(self, prompt, medium):
        """The demo shows the message while the prompt waits."""
        self.terminal.expect(prompt)
        code = self.terminal.expect(rf"\[{medium} to [^\]]*\] [^\n]*?(\d{{6,8}})\.").group(1)
        self.terminal.send(code, in_read=True)

    def session_of(self, user):
        self.terminal.expect(rf"{user}@[^\n]*\$ ")

    def leave(self, prompt=PROMPT):
        self.type("exit")
        self.terminal.expect(prompt)

    def at_the_shell(self, command, timeout=60):
        """The output of a command at the demo's own shell."""
        self.type(command)
        shown = self.terminal.expect(rf"(?s)(.*?){PROMPT}", timeout).group(1)
        return shown.partition("\n")[2]


def commands_suggested(welcome):
    """The first column of the text's list."""
    lines = welcome.partition("Try:\n")[2].splitlines()
    return [re.split(r"   +", line.strip())[0] for line in lines if line.strip()]


def the_text(visitor):
    stage, terminal = visitor.stage, visitor.terminal
    with stage.scene("the demo explains itself"):
        terminal.expect(PROMPT, START_S)
        visitor.pool = Pool(POOL_STATE)
        welcome = demo.WELCOME.format(people=demo.people(), local=LOCAL_USER)
        visitor.check("its text is shown", welcome in terminal.transcript)
        wide = [line for line in welcome.splitlines() if len(line) > COLUMNS]
        visitor.check(f"and fits {COLUMNS} columns", not wide, wide)
        played = set(PLAYED) | {"exit"}
        suggested = commands_suggested(welcome)
        visitor.check("this test types each of its suggestions",
                      suggested and set(suggested) <= played, set(suggested) ^ played)
        for user in demo.SECOND_FACTORS:
            visitor.check(f"{user}'s password is shown", password_of(user) in welcome)


def alice(visitor):
    stage, terminal = visitor.stage, visitor.terminal
    with stage.scene("ssh alice@localhost, with the code of `code alice`"):
        code = visitor.at_the_shell("code alice").strip()
        visitor.check("`code` prints six digits", re.fullmatch(r"\d{6}", code) is not None, code)
        visitor.type("ssh alice@localhost")
        visitor.password("alice")
        visitor.answer(TOTP_PROMPT, code)
        visitor.session_of("alice")
        visitor.check("alice is in", True)
    with stage.scene("sudo id in that session: the password, and no code"):
        visitor.type("sudo id")
        visitor.password("alice")
        asked, _ = terminal.expect_any([r"uid=0\(root\)", TOTP_PROMPT, PASSWORD_PROMPT])
        visitor.check("sudo asked for the password alone, and ran as root", asked == 0)
        visitor.session_of("alice")
    with stage.scene("cognitoctl mfa show, cognitoctl sessions list"):
        visitor.type("cognitoctl mfa show")
        terminal.expect(r"authenticator app +enabled +preferred")
        visitor.session_of("alice")
        visitor.type("cognitoctl sessions list")
        table = terminal.expect(r"(?s)(ID +USER .*?)alice@").group(1)
        visitor.check("the session by sshd is listed", re.search(r"alice +sshd ", table), table)
        visitor.check(f"the table fits {COLUMNS} columns",
                      all(len(line) <= COLUMNS for line in table.splitlines()), table)
        visitor.leave()


def messages(visitor):
    stage = visitor.stage
    with stage.scene("ssh bob@localhost: the SMS appears on the screen"):
        visitor.type("ssh bob@localhost")
        visitor.password("bob")
        visitor.code_on_the_screen(SMS_PROMPT, "SMS")
        visitor.session_of("bob")
        visitor.leave()
    with stage.scene("carol, whom the text names with e-mail"):
        visitor.type("ssh carol@localhost")
        visitor.password("carol")
        visitor.code_on_the_screen(EMAIL_PROMPT, "EMAIL")
        visitor.session_of("carol")
        visitor.leave()
    with stage.scene("inbox lists both messages"):
        shown = visitor.at_the_shell("inbox")
        visitor.check("each with its person", "(bob)" in shown and "(carol)" in shown, shown)


def app_or_sms(visitor):
    stage, terminal = visitor.stage, visitor.terminal
    with stage.scene("dave, whom the text names with a choice"):
        visitor.type("ssh dave@localhost")
        visitor.password("dave")
        number = terminal.expect(r"(\d)  authenticator app\n[^?]*number \[1\]: ").group(1)
        terminal.send(number, in_read=True)
        visitor.answer(TOTP_PROMPT, visitor.app_code("dave"))
        visitor.session_of("dave")
        visitor.leave()


def first_login(visitor):
    stage, terminal = visitor.stage, visitor.terminal
    with stage.scene("ssh henry@localhost: the first login sets up an app"):
        visitor.type("ssh henry@localhost")
        visitor.password("henry")
        number = terminal.expect(r"(\d)  [^\n]*app[^?]*number \[1\]: ").group(1)
        terminal.send(number, in_read=True)
        secret = terminal.expect(KEY_SHOWN).group(1).replace(" ", "")
        terminal.expect(SETUP_PROMPT)
        terminal.send(visitor.pool.totp(secret), in_read=True)
        visitor.session_of("henry")
        visitor.leave()


def passwords(visitor):
    stage, terminal = visitor.stage, visitor.terminal
    with stage.scene("ssh ivy@localhost: a new password, and a code by e-mail"):
        visitor.type("ssh ivy@localhost")
        visitor.password("ivy")
        visitor.new_password()
        visitor.code_on_the_screen(EMAIL_PROMPT, "EMAIL")
        visitor.session_of("ivy")
        visitor.leave()
    with stage.scene("ssh judy@localhost: Enter at the password resets it by e-mail"):
        visitor.type("ssh judy@localhost")
        visitor.answer(PASSWORD_PROMPT, "", hidden_as="Enter")
        visitor.answer(r"Type yes[^\n]*: ", "yes")
        visitor.code_on_the_screen(r"[Cc]ode[^\n]*: ", "EMAIL")
        visitor.new_password()
        visitor.answer(TOTP_PROMPT, visitor.app_code("judy"))
        visitor.session_of("judy")
        visitor.leave()


def refused(visitor):
    stage, terminal = visitor.stage, visitor.terminal
    with stage.scene("ssh erin@localhost: refused after the code"):
        visitor.type("ssh erin@localhost")
        visitor.password("erin")
        visitor.answer(TOTP_PROMPT, visitor.app_code("erin"))
        # ssh asks three times; Ctrl-C ends it.
        asked, _ = terminal.expect_any([PASSWORD_PROMPT, PROMPT, r"erin@[^\n]*\$ "])
        visitor.check("there is no session", asked != 2)
        if asked == 0:
            terminal.interrupt(in_read=True)
            terminal.expect(PROMPT)


def local_user(visitor):
    stage, terminal = visitor.stage, visitor.terminal
    with stage.scene(f"su - {LOCAL_USER}, and su - bob from there"):
        visitor.type(f"su - {LOCAL_USER}")
        asked, _ = terminal.expect_any([rf"{LOCAL_USER}@[^\n]*\$ ", PASSWORD_PROMPT])
        visitor.check("su asks root nothing", asked == 0)
        visitor.type("su - bob")
        visitor.password("bob")
        visitor.code_on_the_screen(SMS_PROMPT, "SMS")
        visitor.session_of("bob")
        visitor.check("su asked for bob's password and code", True)
        visitor.leave(rf"{LOCAL_USER}@[^\n]*\$ ")
        visitor.leave()
    with stage.scene(f"{LOCAL_USER}'s local password, which the text names"):
        visitor.type(f"ssh {LOCAL_USER}@localhost")
        visitor.answer(PASSWORD_PROMPT, LOCAL_PASSWORD, hidden_as="password")
        visitor.session_of(LOCAL_USER)
        visitor.leave()


def look_around(visitor):
    stage, terminal = visitor.stage, visitor.terminal
    with stage.scene("cognitoctl doctor, cognitoctl policy test alice sudo"):
        shown = visitor.at_the_shell("cognitoctl doctor; echo status $?")
        visitor.check("doctor finds no fault", "status 0" in shown, shown)
        shown = visitor.at_the_shell("cognitoctl policy test alice sudo")
        visitor.check("the rule for sudo is named", "reauth of [service" in shown, shown)
        visitor.check(f"the table fits {COLUMNS} columns",
                      all(len(line) <= COLUMNS for line in shown.splitlines()), shown)
    with stage.scene("tail -f /var/log/sandbox.log"):
        visitor.type("tail -f /var/log/sandbox.log")
        terminal.expect(r"sshd(-session)?: ")
        terminal.interrupt(reads=False)
        terminal.expect(PROMPT)
        log = stage.machine.journal.text()
        visitor.check("sshd, sudo, su and cognitod are in it",
                      all(re.search(rf"(?m)^{name}(-session)?: ", log)
                          for name in ("sshd", "sudo", "su", "cognitod")))


def the_end(visitor):
    with visitor.stage.scene("exit"):
        visitor.type("exit")
        visitor.check("the demo ends well", visitor.terminal.finish() == 0)


# Each suggestion of the text, and the function that types it.
PLAYED = {
    "ssh alice@localhost": alice, "sudo id": alice, "cognitoctl mfa show": alice,
    "cognitoctl sessions list": alice, "ssh bob@localhost": messages,
    "ssh henry@localhost": first_login, "ssh ivy@localhost": passwords,
    "ssh judy@localhost": passwords, "ssh erin@localhost": refused,
    f"su - {LOCAL_USER}": local_user, "su - bob": local_user, "cognitoctl doctor": look_around,
    "cognitoctl policy test alice sudo": look_around,
    "tail -f /var/log/sandbox.log": look_around,
}


SCENES = (the_text, alice, messages, app_or_sms, first_login, passwords, refused, local_user,
          look_around, the_end)


def main():
    stage = Stage(types.SimpleNamespace(journal=LogFile(), pool=None), show_transcripts=False)
    # A dumb terminal: no escape sequences among the text.
    with Terminal([sys.executable, str(HERE / "demo.py"), "--interactive"],
                  env=os.environ | {"TERM": "dumb"}, on_text=stage.watch) as terminal:
        visitor = Visitor(stage, terminal)
        for scene in SCENES:
            scene(visitor)
            if stage.failed:  # nobody knows who reads what would be typed next
                break
    stage.close()


if __name__ == "__main__":
    main()
