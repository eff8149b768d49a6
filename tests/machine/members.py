"""The people of cognito-pool on a test machine, and cognitod set up for it."""

import json
import pathlib

from residents import PASSWORD_PROMPT, TOTP_PROMPT, USERS_CONF, console

PEOPLE = {person["username"]: person for person in json.loads(
    (pathlib.Path(__file__).resolve().parent.parent / "system/people.json").read_text())["users"]}


def set_up(machine, extra=""):
    """As an administrator would after installing: the profile is on, and cognitod serves the pool of
    this machine. extra: more sections of cognitod.conf."""
    machine.run("pam-auth-update", "--enable", "pam-cognito")
    claim_members(machine)
    machine.configure(users_conf=None, extra=extra)
    restart(machine)


def restart(machine):
    """However often: tests do so more than ten times a minute, which is all that the unit allows."""
    machine.run("systemctl", "reset-failed", "cognitod", check=False)
    machine.run("systemctl", "restart", "cognitod")


def claim_members(machine):
    """users.conf names the group; what the package wrote there stays."""
    text = machine.read(USERS_CONF)
    if "\ngroup=" not in text:
        machine.write(USERS_CONF, f"{text}\ngroup=cognito-users\n")


def add_members(machine, *names, password=None):
    """People whose sign-ins are Cognito's, by their group; password: a local one, the break glass."""
    for name in names:
        machine.run("useradd", "--create-home", "--shell", "/bin/bash", "--groups", "cognito-users", name)
        machine.run("touch", f"/home/{name}/.hushlogin")
        if password:
            machine.run("chpasswd", input=f"{name}:{password}\n")


def password_of(user):
    return PEOPLE[user]["password"]


def totp(machine, user):
    return machine.pool.totp(PEOPLE[user]["mfa"]["totp_secret"])


def password_and_code(machine, user):
    """The answers of `user`, for console()."""
    return ((PASSWORD_PROMPT, password_of(user)), (TOTP_PROMPT, lambda: totp(machine, user)))


def sign_in(machine, user):
    """A login on a console with password and code, up to the shell's prompt."""
    machine.pool.forgive(user)  # a code counts once, and tests sign in faster than codes change
    return console(machine, user, *password_and_code(machine, user))
