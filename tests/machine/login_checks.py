"""The checks of every login on a booted machine, by its effect."""

import contextlib
import re

from left_over import left_over, login_processes
from sshd import TITLE
from stage import Stage


class Logins(Stage):
    """Scenes at whose end nothing is left of them."""

    @contextlib.contextmanager
    def scene(self, title):
        with super().scene(title):
            yield
            nothing_left(self)


def nothing_left(stage):
    stays = left_over(stage.machine)
    stage.check("no login process, session or open sign-in is left", not stays, stays)


def seen(stage, pattern):
    """A process that nothing_left() looks for is found by its name while it is there."""
    processes = login_processes(stage.machine)
    stage.check(f"there is a process {pattern}", any(re.match(pattern, line) for line in processes), processes)


def logged_in(stage, terminal, user, service="sshd", **expected):
    """The shell is the user's, and logind has a session of the service for the same uid, which a process holds."""
    uid = terminal.expect(rf"uid=(\d+)\({user}\)").group(1)
    session = stage.machine.session_of(user, service)
    expected = {"User": uid, "Class": "user", "Active": "yes"} | expected
    stage.check(f"logind has {user}'s session: " + ", ".join(f"{k} {v}" for k, v in expected.items()),
                session is not None and all(session[k] == v for k, v in expected.items()), session)
    seen(stage, rf"{TITLE}{user}\b" if service == "sshd" else rf"(\S*/)?{service}\b")
    return session


def logs_out(stage, terminal, user):
    terminal.send("")
    status = terminal.finish()
    machine = stage.machine
    ended = machine.wait_until(lambda: user not in [session["Name"] for session in machine.sessions()])
    stage.check(f"{user}'s login ends well, and the session with it", status == 0 and ended,
                f"status {status}; {machine.sessions()}")


def one_id(stage, user, service="sshd"):
    """The line of sshd's own process and cognitod's are told to be of one sign-in."""
    entry = stage.daemon_said(user, service, "success") or {}
    log_id = entry.get("PAM_COGNITO_ID", "none")
    # It comes another way than cognitod's, by /dev/log, and maybe later.
    mine = stage.machine.journal.wait(
        lambda e: f"id={log_id}" in str(e.get("MESSAGE")) and f"({service}:auth)" in e["MESSAGE"],
        stage.journal_mark)
    stage.check(f"{service} logged the same id, {log_id}", mine is not None)
    stage.check("journald itself says that the line is the unit's",
                entry.get("_SYSTEMD_UNIT") == "cognitod.service", entry.get("_SYSTEMD_UNIT"))
    return entry
