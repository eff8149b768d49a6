#!/usr/bin/env python3
"""desktop_test.py [SCENE…]: people at LightDM's greeter and at screen lockers, by keys, on a booted machine.

Each prompt is read off the screen by OCR, as the person reads it, and each sign-in is judged by its session. The
pictures are in build/desktop; those of docs/images were copied from there.
"""

import difflib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "desktop"), str(HERE.parent / "system")]

from booted import REPO, BootedMachine  # noqa: E402
from judge import Judge  # noqa: E402
from members import add_members, password_of, set_up, totp  # noqa: E402
from packages import PACKAGES  # noqa: E402
from seat import DESKTOP, Seat  # noqa: E402
from waiting import wait_for  # noqa: E402

PICTURES = REPO / "build/desktop"
LOCAL_USER, LOCAL_PASSWORD = "localuser", "Local-Password-9"
MEMBERS = ("alice", "bob", "carol", "henry", "ivy")
APP_CODE = "Code from your authenticator app"
# As long as Cognito's, of letters that OCR does not take for others.
SECRET = "ACDEFHJKMNPRTUVWXY347" * 2 + "ACDEFHJKMN"
NEW_PASSWORD = "Fresh-Flower-77"


class Desk:
    """The machine, its judge, its seat: what a scene needs."""

    def __init__(self, machine):
        self.machine = machine
        self.judge = Judge(machine)
        self.seat = Seat(machine)

    @property
    def screen(self):
        return self.seat.screen

    def picture(self, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.screen.save(PICTURES / f"{name}.png")

    def app_code(self, user):
        self.machine.pool.forgive(user)
        return totp(self.machine, user)

    def reads(self, what, pattern, timeout=60):
        """The person can read it on the screen."""
        return self.judge.attempt(f"the screen says {what}", lambda: self.screen.wait_text(pattern, timeout))

    def configure(self, extra=""):
        """Another configuration, and no count of earlier failures; sessions stay."""
        self.machine.configure(users_conf=None, extra=extra)
        self.machine.run("systemctl", "restart", "cognitod.service")

    def is_in(self, user, service="lightdm"):
        """The person's desktop is there, and cognitod logs why."""
        session = self.seat.desktop_of(user)
        uid = self.machine.run("id", "-u", user).stdout.strip()
        self.judge.check(f"{user} has a desktop: a session of logind's with the right uid",
                         session and session["User"] == uid and session["Service"] == service, f"{session}")
        return session

    def leaves(self, user):
        self.judge.check(f"{user} logs out, and the greeter comes back", self.seat.log_out(user))

    def nobody_is_in(self):
        self.judge.check("there is no desktop session", not self.seat.session(DESKTOP, timeout=0))


# The greeter.
def app(desk):
    desk.picture("greeter")
    desk.seat.name("alice")
    desk.picture("password")
    desk.screen.enter(password_of("alice"))
    if desk.reads("what code it wants", APP_CODE):
        desk.picture("code")
    desk.screen.enter(desk.app_code("alice"))
    desk.is_in("alice")
    desk.judge.cognitod_said(USER="alice", SERVICE="lightdm", OUTCOME="success")
    desk.leaves("alice")


def wrong_code(desk):
    desk.seat.sign_in("alice", password_of("alice"), (APP_CODE, "000000"))
    if desk.reads("that the code was wrong, and asks again", f"Incorrect code.*{APP_CODE}"):
        desk.picture("wrong-code")
    desk.nobody_is_in()
    desk.screen.enter(desk.app_code("alice"))
    desk.is_in("alice")
    desk.leaves("alice")


def wrong_password(desk):
    desk.seat.sign_in("alice", "not-my-password")
    desk.reads("that it was wrong", r"(?i)incorrect|failed")
    desk.picture("wrong-password")
    desk.judge.cognitod_said(USER="alice", SERVICE="lightdm", OUTCOME="refused")
    desk.nobody_is_in()
    desk.machine.pool.forgive("alice")
    desk.seat.start_again()


def sms(desk):
    message(desk, "bob", r"Code sent to \+\*+4567 by SMS", "sms")


def email(desk):
    message(desk, "carol", r"Code sent to \w\*+@\S+ by e-mail", "email")


def message(desk, user, prompt, picture):
    desk.seat.sign_in(user, password_of(user))
    if desk.reads("where the code went", prompt):
        desk.picture(picture)
    desk.screen.enter(desk.machine.pool.next_message_code(user))
    desk.is_in(user)
    desk.judge.cognitod_said(USER=user, SERVICE="lightdm", OUTCOME="success")
    desk.leaves(user)


def enrolment(desk):
    """An authenticator app is set up: the whole secret can be read, and its code is right."""
    pool = desk.machine.pool
    pool.admin("settings/set", mfa_configuration="ON", mfas_can_setup=["SOFTWARE_TOKEN_MFA"], totp_secret=SECRET)
    try:
        desk.seat.sign_in("henry", password_of("henry"))
        shows_the_secret(desk, "account henry, shown as .* Code")
        desk.picture("enrolment")
        desk.screen.enter("00")
        desk.reads("that a code has six digits, and asks again", "six digits.*show the key again")
        desk.picture("enrolment-again")
        desk.screen.enter("s")
        shows_the_secret(desk, "account henry")
        desk.screen.enter(pool.totp(SECRET))
        desk.is_in("henry")
        desk.judge.cognitod_said(USER="henry", SERVICE="lightdm", OUTCOME="success")
        desk.leaves("henry")
    finally:
        pool.admin("settings/set", mfa_configuration="OPTIONAL", mfas_can_setup=[], totp_secret="")


def shows_the_secret(desk, more):
    seen = " ".join(desk.screen.wait_text(f"Enter this key in the app: .* .{more}").split())
    shown = re.search(r"in the app: (.*?) .account", seen).group(1)
    wanted = " ".join(SECRET[i:i + 4] for i in range(0, len(SECRET), 4))
    # A letter or two may be read wrongly; a line that is cut off lacks whole groups.
    alike = difflib.SequenceMatcher(None, shown, wanted).ratio()
    desk.judge.check("the screen shows the whole secret, from the first group to the last",
                     alike > 0.94 and shown.count(" ") == wanted.count(" "), f"{shown}\nis not {wanted}")


def new_password(desk):
    desk.seat.sign_in("ivy", password_of("ivy"))
    desk.reads("that a new password is wanted", "must be changed. New password")
    desk.picture("new-password")
    desk.screen.enter(NEW_PASSWORD)
    desk.reads("that it is wanted again", "Retype new password")
    desk.picture("new-password-again")
    desk.screen.enter(NEW_PASSWORD + "x")
    desk.reads("that the two differ, and asks again", "two passwords differ.*New password")
    desk.picture("new-passwords-differ")
    desk.screen.enter(NEW_PASSWORD)
    desk.screen.wait_text("Retype new password")
    desk.screen.enter(NEW_PASSWORD)
    desk.reads("that the code was sent", "by e-mail")
    desk.picture("code-after-new-password")
    desk.screen.enter(desk.machine.pool.next_message_code("ivy"))
    desk.is_in("ivy")
    desk.judge.cognitod_said(USER="ivy", SERVICE="lightdm", OUTCOME="success")
    desk.leaves("ivy")


def local_user(desk):
    """pam_unix as before, whatever becomes of cognitod."""
    desk.machine.run("systemctl", "mask", "--now", "--runtime", "cognitod.service")
    try:
        desk.seat.sign_in(LOCAL_USER, LOCAL_PASSWORD)
        desk.is_in(LOCAL_USER)
        desk.leaves(LOCAL_USER)
    finally:
        desk.machine.run("systemctl", "unmask", "--runtime", "cognitod.service")


# The lockers.
def at_a_locker(desk, reauth, key, is_locked):
    """alice at her desktop, which she then locks."""
    desk.configure(f"[service locker]\nreauth = {reauth}\n")
    desk.seat.sign_in("alice", password_of("alice"), (APP_CODE, lambda: desk.app_code("alice")))
    desk.is_in("alice")
    # Openbox starts it when it has taken its keys.
    wait_for(program_runs(desk, "xprop"))
    before = desk.screen.look()
    desk.screen.key(key)
    desk.judge.check("the screen is locked", wait_for(is_locked) and desk.screen.changed(before))


def unlocks(desk, is_locked, cause):
    """It is open, and cognitod let the person in for this cause."""
    desk.judge.check("and it opens", wait_for(lambda: not is_locked()), desk.judge.cognito_lines())
    desk.judge.cognitod_said(USER="alice", SERVICE="user", OUTCOME="success", CAUSE=cause)
    desk.leaves("alice")


def stays_locked(desk, is_locked, cause, outcome="refused"):
    desk.judge.cognitod_said(USER="alice", SERVICE="user", OUTCOME=outcome, CAUSE=cause)
    desk.judge.check("it stays locked", is_locked())


def program_runs(desk, name):
    return lambda: bool(desk.seat.programs_of("alice", name))


def i3lock(desk):
    """i3lock, reauth = password: the password of the live session, and nothing else."""
    locked = program_runs(desk, "i3lock")
    at_a_locker(desk, "password", "ctrl+alt+i", locked)
    desk.screen.enter("not-my-password")
    stays_locked(desk, locked, "session-wrong-password")
    calls = len(desk.machine.pool.requests("alice"))
    desk.screen.enter(password_of("alice"))
    unlocks(desk, locked, "session-password")
    desk.judge.check("the pool was not asked", len(desk.machine.pool.requests("alice")) == calls)


def i3lock_full(desk):
    """i3lock, reauth = full: it asks once, so the person types password+code."""
    locked = program_runs(desk, "i3lock")
    at_a_locker(desk, "full", "ctrl+alt+i", locked)
    calls = len(desk.machine.pool.requests("alice"))
    desk.screen.enter(password_of("alice"))
    stays_locked(desk, locked, "no-code-after-password")
    desk.judge.check("no attempt went to the pool", len(desk.machine.pool.requests("alice")) == calls)
    desk.screen.enter(password_of("alice") + "+" + desk.app_code("alice"))
    unlocks(desk, locked, "signed-in")


SCENES = (app, wrong_code, wrong_password, sms, email, enrolment, new_password, local_user,
          i3lock, i3lock_full)


def main():
    wanted = sys.argv[1:]
    scenes = [scene for scene in SCENES if not wanted or scene.__name__ in wanted]
    with BootedMachine("desktop", PACKAGES) as machine:
        desk = Desk(machine)
        machine.run("useradd", "--create-home", "--shell", "/bin/bash", LOCAL_USER)
        machine.run("chpasswd", input=f"{LOCAL_USER}:{LOCAL_PASSWORD}\n")
        machine.install_debs()
        add_members(machine, *MEMBERS)
        set_up(machine)
        desk.seat.set_up(keys_for=("alice",))
        for scene in scenes:
            title = (scene.__doc__ or scene.__name__).splitlines()[0]
            with desk.judge.scene(f"{scene.__name__}: {title}"):
                broken = True
                scene(desk)
                broken = False
            if broken:
                desk.picture(f"failed-{scene.__name__}")
                desk.seat.start_again()
        desk.judge.close()


if __name__ == "__main__":
    main()
