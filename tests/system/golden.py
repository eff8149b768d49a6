"""Golden transcripts: whole logins as a person sees them through the real ssh, sudo and passwd.

Each is in golden/NAME.txt, and docs/what-the-person-sees.md is made of them. A run writes its transcripts
to build/golden/. If one differs and is right, copy it to golden/.
"""

import contextlib
import difflib
import json
import pathlib
import re
import subprocess
import urllib.parse

import qr_reader
from machine import CONFIG_TEXT, POOL_STATE, REPO
from scenarios import (EMAIL_PROMPT, KEY_SHOWN, PASSWORD_PROMPT, SETUP_PROMPT, SMS_PROMPT, TOTP_PROMPT,
                       password_of, refused_by_ssh, totp_secret_of, type_password)
from session_scenes import SETUP_CALLS, changes_seen

FILES = pathlib.Path(__file__).parent / "golden"
SEEN = REPO / "build/golden"
NEW_PASSWORD = "Brand-New-Pass-2"
# The secret that AssociateSoftwareToken returns here, so that a file can contain the QR code.
FIXED_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSQ"

ONLY_TOTP = {"mfa_configuration": "ON", "mfas_can_setup": ["SOFTWARE_TOKEN_MFA"]}


class Login:
    """One login on a terminal, and the codes that were typed into it."""

    def __init__(self, stage, terminal):
        self.stage, self.terminal = stage, terminal
        self.codes = []

    def code(self, prompt, code):
        self.terminal.expect(prompt)
        self.codes.append(code)
        self.terminal.send(code)

    def message_code(self, prompt, user):
        self.terminal.expect(prompt)
        code = self.stage.machine.pool.next_message_code(user)
        self.codes.append(code)
        self.terminal.send(code)

    def totp(self, user, prompt=TOTP_PROMPT):
        self.terminal.expect(prompt)
        code = self.stage.machine.pool.totp(totp_secret_of(user))
        self.codes.append(code)
        self.terminal.send(code)

    def text(self):
        text = self.terminal.transcript
        for code in self.codes:
            text = text.replace(code, "123456")
        text = re.sub(r"[ \t]+$", "", text, flags=re.M)
        # The sign-in's id is random, and how long to wait depends on the time.
        text = re.sub(r"\(Ref [0-9a-f]{16}\)", "(Ref 4f1d9c0a77b2e358)", text)
        text = re.sub(r"again in (\d+) minutes", "again in 15 minutes", text)
        return text.replace("Connection to 127.0.0.1 closed.\n", "").strip("\n") + "\n"


@contextlib.contextmanager
def configured(stage, more="", pool_lines="", **settings):
    """Another configuration and other settings of the pool; both as they were afterwards."""
    machine = stage.machine
    text = CONFIG_TEXT.format(**machine.pool.ready).replace("[access]", f"{pool_lines}\n[access]")
    before = machine.pool.admin("settings/get")
    machine.pool.admin("settings/set", totp_secret=FIXED_SECRET, **settings)
    try:
        with machine.configured(f"{text}{more}"):
            yield
    finally:
        machine.pool.admin("settings/set", totp_secret="",
                           **{name: before[name] for name in settings})


@contextlib.contextmanager
def golden(stage, name, title, terminal, command):
    """The scene's transcript is compared with the file of its name."""
    with stage.scene(title):
        stage.command(command)
        with terminal() as opened:
            login = Login(stage, opened)
            yield login
        seen = f"$ {command}\n{login.text()}"
        SEEN.mkdir(exist_ok=True)
        (SEEN / f"{name}.txt").write_text(seen)
        path = FILES / f"{name}.txt"
        expected = path.read_text() if path.exists() else ""
        stage.check(f"the transcript is that of golden/{name}.txt", seen == expected,
                    "".join(difflib.unified_diff(expected.splitlines(True), seen.splitlines(True),
                                                 "golden", "seen"))
                    + f"\nreview build/golden/{name}.txt, and copy it to tests/system/golden/ if it "
                      "is right")


def ssh(stage, name, title, user, command="id -un", **options):
    return golden(stage, name, title,
                  lambda: stage.machine.ssh(user, command, on_text=stage.watch, **options),
                  f"ssh {user}@127.0.0.1 {command}")


def is_in(login, user):
    login.terminal.expect(rf"\n{user}\n")
    login.stage.check(f"the session is {user}'s", login.terminal.finish() == 0)


def fixed_code(login):
    """The code that the app shows for the secret of the set-up."""
    return login.stage.machine.pool.totp(FIXED_SECRET)


def restored(stage, *users):
    """Users as seeded: without what a scene set up or changed."""
    people = {person["username"]: person for person in json.loads(
        (pathlib.Path(__file__).parent / "people.json").read_text())["users"]}
    for user in users:
        stage.machine.pool.admin("users/delete", username=user)
        stage.machine.pool.admin("users/create", **people[user])
        # Another account by the same name: root lets it be the same person.
        stage.machine.command("cognitoctl", "identity", "reset", user)


# First logins.
def first_login(stage):
    machine = stage.machine
    with configured(stage, "app_label = Example\n", **ONLY_TOTP):
        with ssh(stage, "first-login", "ssh, the first login sets up an authenticator app",
                 "henry") as login:
            type_password(login.terminal, "henry")
            login.terminal.expect(KEY_SHOWN)
            uri = qr_reader.decode_half_blocks(login.terminal.transcript)
            stage.check(f"zbar reads the QR code: {uri}",
                        uri.startswith("otpauth://totp/Example:henry?"))
            secret = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query).get("secret", [""])[0]
            login.code(SETUP_PROMPT, machine.pool.totp(secret))
            is_in(login, "henry")
        stage.pool_saw("henry", "USER_SRP_AUTH", "PASSWORD_VERIFIER", "MFA_SETUP")
        stage.check("the pool was asked to set a factor up", SETUP_CALLS <= changes_seen(machine.pool),
                    changes_seen(machine.pool))
        stage.daemon_said("henry", "sshd", "success")
        factors = machine.pool.admin("users/get", username="henry")["mfa"]
        stage.check("the pool has the app as henry's factor, preferred",
                    factors.get("enabled") == ["SOFTWARE_TOKEN_MFA"] and
                    factors.get("preferred") == "SOFTWARE_TOKEN_MFA", factors)
    restored(stage, "henry")


def setup_seen_by_amplify(stage):
    """Amplify's client is an npm package, so this is a test's scene and not one of the demo's."""
    machine = stage.machine
    with configured(stage, "app_label = Example\n", **ONLY_TOTP):
        with stage.scene("Amplify's client sees the app that a login by ssh set up"):
            with machine.ssh("henry", on_text=stage.watch) as terminal:
                type_password(terminal, "henry")
                terminal.expect(SETUP_PROMPT)
                terminal.send(machine.pool.totp(FIXED_SECRET))
                terminal.expect(r"uid=\d+\(henry\)")
                stage.check("the session is henry's", terminal.finish() == 0)
            seen = mfa_state("henry", FIXED_SECRET)
            stage.check("it sees the factor, preferred", seen ==
                        {"enabled": ["SOFTWARE_TOKEN_MFA"], "preferred": "SOFTWARE_TOKEN_MFA"}, seen)
    restored(stage, "henry")


def mfa_state(user, secret=None):
    """The user's factors as amazon-cognito-identity-js reads them after a sign-in of its own."""
    argv = ["node", REPO / "tests/interop/mfa_state.mjs", f"{POOL_STATE}/ready.json", user,
            password_of(user)] + ([secret] if secret else [])
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def setup_by_amplify(stage):
    """The other way round: Amplify's client sets the app up, and we ask for its code."""
    machine = stage.machine
    with stage.scene("an app that Amplify's client set up signs in by ssh"):
        done = subprocess.run(["node", REPO / "tests/interop/set_up_totp.mjs",
                               f"{POOL_STATE}/ready.json", "henry", password_of("henry")],
                              capture_output=True, text=True, timeout=60)
        stage.check("it sets up TOTP and prefers it", done.returncode == 0, done.stderr)
        secret = json.loads(done.stdout)["secret"]
        machine.pool.admin("users/unlock", username="henry")
        with machine.ssh("henry", on_text=stage.watch) as terminal:
            type_password(terminal, "henry")
            terminal.expect(TOTP_PROMPT)
            terminal.send(machine.pool.totp(secret))
            terminal.expect(r"uid=\d+\(henry\)")
            stage.check("the session is henry's", terminal.finish() == 0)
    restored(stage, "henry")


def qr_in_letters(stage):
    """A client in the C locale: the secret can be read, and `a` gives a code that it can show."""
    with configured(stage, "app_label = Example\n", **ONLY_TOTP):
        with stage.scene("ssh in the C locale: the secret is readable, `a` draws the code in letters"):
            terminal = stage.machine.ssh("henry", on_text=stage.watch, env={"LANG": "C", "LC_ALL": "C"})
            with terminal:
                type_password(terminal, "henry")
                terminal.expect(KEY_SHOWN)
                stage.check("half blocks come as octal digits", "\\342\\226" in terminal.transcript)
                terminal.answer(SETUP_PROMPT, "a")
                terminal.expect(KEY_SHOWN)
                uri = qr_reader.decode_ascii(terminal.transcript)
                stage.check(f"zbar reads the code in letters: {uri}",
                            uri.startswith("otpauth://totp/Example:henry?"))
                terminal.answer(SETUP_PROMPT, "n")
                terminal.expect(KEY_SHOWN)
                terminal.expect(SETUP_PROMPT)
                terminal.send(stage.machine.pool.totp(FIXED_SECRET))
                terminal.expect(r"uid=\d+\(henry\)")
                stage.check("the session is henry's", terminal.finish() == 0)
    restored(stage, "henry")


def setup_choice(stage):
    with configured(stage, "app_label = Example\n", mfa_configuration="ON",
                    mfas_can_setup=["SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]):
        with ssh(stage, "setup-choice", "ssh, the first login sets up e-mail by choice",
                 "henry") as login:
            type_password(login.terminal, "henry")
            login.terminal.answer(r"number \[1\]: ", "2")
            login.terminal.answer(r"E-mail address for your codes: ", "henry@example.com")
            login.message_code(EMAIL_PROMPT, "henry")
            is_in(login, "henry")
        stage.daemon_said("henry", "sshd", "success")
    restored(stage, "henry")


def forced_new_password(stage):
    with configured(stage):
        with ssh(stage, "new-password", "ssh, a temporary password must be changed", "ivy") as login:
            terminal = login.terminal
            type_password(terminal, "ivy")
            terminal.answer(r"New password: ", "short", hidden_as="a short one")
            terminal.answer(r"Retype new password: ", "short", hidden_as="the same again")
            terminal.expect(r"not accepted")
            terminal.answer(r"New password: ", NEW_PASSWORD, hidden_as="new password")
            terminal.answer(r"Retype new password: ", NEW_PASSWORD, hidden_as="the same again")
            login.message_code(EMAIL_PROMPT, "ivy")
            is_in(login, "ivy")
        stage.daemon_said("ivy", "sshd", "success")
    restored(stage, "ivy")


# Every day.
def everyday(stage):
    with configured(stage):
        with ssh(stage, "totp", "ssh with a code from the authenticator app", "alice") as login:
            type_password(login.terminal, "alice")
            login.totp("alice")
            is_in(login, "alice")
        with ssh(stage, "sms", "ssh with a code by SMS", "bob") as login:
            type_password(login.terminal, "bob")
            login.message_code(SMS_PROMPT, "bob")
            is_in(login, "bob")
        with ssh(stage, "email", "ssh with a code by e-mail", "carol") as login:
            type_password(login.terminal, "carol")
            login.message_code(EMAIL_PROMPT, "carol")
            is_in(login, "carol")
        with ssh(stage, "choice", "ssh with a choice between app and SMS", "dave") as login:
            type_password(login.terminal, "dave")
            login.terminal.answer(r"number \[1\]: ", "1")
            login.totp("dave")
            is_in(login, "dave")
        with ssh(stage, "other-method", "ssh, a code by SMS instead of the app's", "dave") as login:
            type_password(login.terminal, "dave")
            login.terminal.answer(r"number \[1\]: ", "1")
            login.terminal.answer(TOTP_PROMPT, "o")
            login.message_code(r"Code sent to [^\n]* by SMS[^\n:]*: ", "dave")
            is_in(login, "dave")
        with ssh(stage, "wrong-code", "ssh with a wrong code and then the right one",
                 "alice") as login:
            type_password(login.terminal, "alice")
            login.terminal.answer(TOTP_PROMPT, "12345")
            login.code(TOTP_PROMPT, "000000")
            login.totp("alice")
            is_in(login, "alice")
        with ssh(stage, "send-again", "ssh, the code is sent again", "bob") as login:
            type_password(login.terminal, "bob")
            login.terminal.answer(SMS_PROMPT, "")
            stage.machine.pool.next_message_code("bob")
            login.message_code(SMS_PROMPT, "bob")
            is_in(login, "bob")


def refusals(stage):
    with configured(stage):
        with ssh(stage, "wrong-password", "ssh with a wrong password", "alice") as login:
            type_password(login.terminal, "alice", "not-my-password")
            refused_by_ssh(stage, login.terminal)
        with ssh(stage, "no-second-factor", "ssh without a second factor", "henry") as login:
            type_password(login.terminal, "henry")
            refused_by_ssh(stage, login.terminal)
        with ssh(stage, "not-permitted", "ssh by somebody who may not", "erin") as login:
            type_password(login.terminal, "erin")
            login.totp("erin")
            refused_by_ssh(stage, login.terminal)
        with ssh(stage, "too-many-tries", "ssh with three wrong codes", "frank") as login:
            type_password(login.terminal, "frank")
            for _ in range(3):
                login.code(TOTP_PROMPT, "000000")
            refused_by_ssh(stage, login.terminal)
        stage.machine.pool.forgive("frank")


# Accounts that need a step first.
def reset(stage):
    pool = stage.machine.pool
    with configured(stage):
        pool.admin("users/reset-password", username="judy")
        with ssh(stage, "reset", "ssh, an admin has reset the password", "judy") as login:
            terminal = login.terminal
            type_password(terminal, "judy")
            login.message_code(r"[Cc]ode[^\n]*: ", "judy")
            terminal.answer(r"New password: ", NEW_PASSWORD, hidden_as="new password")
            terminal.answer(r"Retype new password: ", NEW_PASSWORD, hidden_as="the same again")
            login.totp("judy")
            is_in(login, "judy")
    restored(stage, "judy")
    with configured(stage, "[password]\nself_service = yes\n"):
        with ssh(stage, "forgotten-password", "ssh, the password is forgotten", "judy") as login:
            terminal = login.terminal
            terminal.answer(PASSWORD_PROMPT, "", hidden_as="Enter")
            terminal.answer(r"Type yes[^\n]*: ", "yes")
            login.message_code(r"[Cc]ode[^\n]*: ", "judy")
            terminal.answer(r"New password: ", NEW_PASSWORD, hidden_as="new password")
            terminal.answer(r"Retype new password: ", NEW_PASSWORD, hidden_as="the same again")
            login.totp("judy")
            is_in(login, "judy")
    restored(stage, "judy")


def confirmation(stage):
    with configured(stage, "[password]\nself_service = yes\n"):
        with ssh(stage, "confirmation", "ssh, the account is not confirmed yet", "kate") as login:
            type_password(login.terminal, "kate")
            login.terminal.answer(r"Enter = send a new one[^\n]*: ", "")
            login.message_code(r"Enter = send a new one[^\n]*: ", "kate")
            login.totp("kate")
            is_in(login, "kate")
    restored(stage, "kate")


def custom_challenge(stage):
    with configured(stage, "[custom_challenge]\nprompt = prompt\nshow_answer = yes\n",
                    pool_lines="auth_flow = custom-srp"):
        with ssh(stage, "custom-challenge", "ssh, the pool asks a question of its own", "leo") as login:
            type_password(login.terminal, "leo")
            login.terminal.answer(r"Badge number: ", "4711")
            login.totp("leo")
            is_in(login, "leo")


def german(stage):
    with configured(stage, "[texts]\nlanguage = de\n"):
        with ssh(stage, "german", "ssh in German", "alice") as login:
            type_password(login.terminal, "alice")
            login.terminal.answer(r"App[^\n]*: ", "12345")
            login.code(r"App[^\n]*: ", stage.machine.pool.totp(totp_secret_of("alice")))
            is_in(login, "alice")


# Beside ssh.
def passwd(stage):
    machine = stage.machine
    with configured(stage):
        with golden(stage, "passwd", "passwd changes the password in the pool",
                    lambda: machine.as_user("alice", "passwd", on_text=stage.watch),
                    "passwd") as login:
            terminal = login.terminal
            terminal.answer(r"Current password: ", password_of("alice"), hidden_as="password")
            login.totp("alice")
            terminal.answer(r"New password: ", NEW_PASSWORD, hidden_as="new password")
            terminal.answer(r"Retype new password: ", NEW_PASSWORD, hidden_as="the same again")
            stage.check("passwd ends well", terminal.finish() == 0)
        stage.check("the pool changed it",
                    ("ChangePassword", "", "ok") in machine.pool.requests())
    restored(stage, "alice")


def sudo(stage):
    machine = stage.machine
    with configured(stage):
        with golden(stage, "sudo", "sudo asks for password and code",
                    lambda: machine.as_user("alice", "sudo", "id", "-un", on_text=stage.watch),
                    "sudo id -un") as login:
            type_password(login.terminal, "alice")
            login.totp("alice")
            is_in(login, "root")


GOLDEN = (first_login, setup_seen_by_amplify, setup_by_amplify, qr_in_letters, setup_choice, forced_new_password, everyday,
          refusals, reset, confirmation, custom_challenge, german, passwd, sudo)
