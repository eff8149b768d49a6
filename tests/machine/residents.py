"""The people of a test machine, and what those who have nothing to do with Cognito must always be able
to do: root on the console, a local user, a local member of sudo."""

import contextlib

from waiting import wait_for

ROOT_PASSWORD = "Root-Password-0"
LOCAL_USER, LOCAL_PASSWORD = "localuser", "Local-Password-9"
LOCAL_ADMIN, ADMIN_PASSWORD = "localadmin", "Local-Admin-8"
# The account that the tools change.
SPARE_USER = "localspare"
NEW_USER, NEW_PASSWORD = "newcomer", "New-Comer-7"
OTHER_PASSWORD = "Other-Password-6"

PASSWORD_PROMPT = r"[Pp]assword(?: for \w+)?: "
TOTP_PROMPT = r"Code from your authenticator app[^\n]*: "
# readline may erase the rest of the line behind it.
SHELL = r"[$#] (?:\x1b\[K)?$"

CONFIG = "/etc/pam-cognito/cognitod.conf"
USERS_CONF = "/etc/pam-cognito/users.conf"


def add_local_people(machine):
    """Before any package is installed: root has a password, and two people live here."""
    for name in (LOCAL_USER, SPARE_USER, LOCAL_ADMIN):
        machine.run("useradd", "--create-home", "--shell", "/bin/bash", name)
        machine.run("touch", f"/home/{name}/.hushlogin")
        # Their user managers keep running; to start one for each login would take most of the time.
        machine.run("loginctl", "enable-linger", name)
    machine.run("loginctl", "enable-linger", "root")
    machine.run("usermod", "--append", "--groups", "sudo", LOCAL_ADMIN)
    machine.run("touch", "/root/.hushlogin")
    machine.run("chpasswd", input=f"root:{ROOT_PASSWORD}\n{LOCAL_USER}:{LOCAL_PASSWORD}\n"
                                  f"{SPARE_USER}:{LOCAL_PASSWORD}\n{LOCAL_ADMIN}:{ADMIN_PASSWORD}\n")
    machine.write("/etc/sudoers.d/quiet", "Defaults !mail_badpass, lecture=never\n", 0o440)
    # Output as it is, without a terminal's escape sequences around it.
    machine.write("/etc/inputrc", "set enable-bracketed-paste off\n")


# Sessions on a console.
@contextlib.contextmanager
def console(machine, user, *answers):
    """A login on a terminal of the machine's own, up to the shell's prompt. answers: what is typed
    hidden, each with the prompt that it belongs to; or one password."""
    with machine.terminal("login", user) as terminal:
        for answer in answers:
            prompt, text = answer if isinstance(answer, tuple) else (PASSWORD_PROMPT, answer)
            terminal.expect(prompt)
            terminal.send(text() if callable(text) else text, hidden_as="hidden")
        terminal.expect(SHELL)
        yield terminal


def shell(terminal, command, timeout=60):
    """The output of a command that is typed into a shell at its prompt, without its echo."""
    terminal.send(f"{command}; echo =\"\"=$?")
    text = terminal.expect(r"(?s)\n(.*?)==(\d+)\n", timeout)
    terminal.expect(SHELL, timeout)
    return text.group(1).strip(), int(text.group(2))


def leave(terminal):
    terminal.send("exit")
    return terminal.finish()


def session_of(machine, user):
    """The user's sessions."""
    return [session for session in machine.sessions() if session["Name"] == user]


REFUSED = r"(?i)incorrect|expired|denied|failed|maximum number"


def refused_at_console(machine, user, password):
    """True if login lets no user in, however often the password is typed. A user who got in has a shell's
    prompt and a session."""
    with machine.terminal("login", user) as terminal:
        which = 0
        while which == 0:
            which, _ = terminal.expect_any([PASSWORD_PROMPT, SHELL, REFUSED])
            if which == 0:
                terminal.send(password, hidden_as="password")
        return which == 2 and not session_of(machine, user)


# Checks that hold at every step.
def check_everybody(judge, machine):
    """All of it. Those who log in and those who change the account files do so side by side: each
    waits most of the time."""
    with judge.side_by_side() as side:
        side(check_residents, machine)
        side(check_account_tools, machine)
    check_nologin(judge, machine)


def check_residents(judge, machine):
    judge.attempt("root logs in on the console, has a session and sudoes", lambda: root_on_console(machine))
    judge.attempt("a local user logs in and has a session",
                  lambda: user_on_console(machine, LOCAL_USER, LOCAL_PASSWORD))
    judge.attempt("a local member of sudo logs in, sudoes, and su's to the local user",
                  lambda: local_admin_on_console(machine))
    # cron asks for the account and for credentials, and never authenticates.
    judge.attempt("cron runs the jobs of root and of a local user", lambda: jobs_run(machine))


def check_account_tools(judge, machine):
    judge.attempt("the local user changes the password with passwd", lambda: own_passwd(machine))
    judge.attempt("root sets a password with passwd", lambda: roots_passwd(machine))
    judge.attempt("chpasswd sets a password", lambda: chpasswd_counts(machine))
    judge.attempt("adduser makes a user who can log in", lambda: adduser_works(machine))
    for command, back in ((("usermod", "-e", "1"), ("usermod", "-e", "")),
                          (("chage", "-E", "1"), ("chage", "-E", "-1"))):
        machine.run(*command, SPARE_USER)
        judge.attempt(f"{' '.join(command)} refuses a local user",
                      lambda: refused_at_console(machine, SPARE_USER, LOCAL_PASSWORD))
        machine.run(*back, SPARE_USER)


def check_nologin(judge, machine):
    machine.write("/etc/nologin", "")
    judge.attempt("/etc/nologin refuses a local user",
                  lambda: refused_at_console(machine, LOCAL_USER, LOCAL_PASSWORD))
    machine.run("rm", "/etc/nologin")


def root_on_console(machine):
    with console(machine, "root", ROOT_PASSWORD) as terminal:
        sudo = shell(terminal, "sudo -n id -u")
        session = session_of(machine, "root")
        leave(terminal)
    return sudo == ("0", 0) and bool(session)


def user_on_console(machine, user, password):
    with console(machine, user, password) as terminal:
        name = shell(terminal, "id -un")
        session = session_of(machine, user)
        leave(terminal)
    return name == (user, 0) and bool(session)


def sudo_with_password(terminal, password):
    """sudo in a shell at its prompt; the uid that it gave."""
    terminal.send("sudo -k id -u; echo =\"\"=$?")
    terminal.answer(PASSWORD_PROMPT, password, hidden_as="password")
    uid = terminal.expect(r"(?s)\n(\d*)\n?==(\d+)\n").group(1)
    terminal.expect(SHELL)
    return uid


def local_admin_on_console(machine):
    with console(machine, LOCAL_ADMIN, ADMIN_PASSWORD) as terminal:
        sudo = sudo_with_password(terminal, ADMIN_PASSWORD)
        terminal.send(f"su {LOCAL_USER} -c 'id -un'; echo =\"\"=$?")
        terminal.answer(PASSWORD_PROMPT, LOCAL_PASSWORD, hidden_as="password")
        su = terminal.expect(rf"\n({LOCAL_USER})\n==0\n").group(1)
        terminal.expect(SHELL)
        leave(terminal)
    return (sudo, su) == ("0", LOCAL_USER)


def give_job(machine, user, job):
    """The job that cron runs when it starts for the first time in a boot."""
    machine.run("crontab", "-u", user, "-", input=f"@reboot {job}\n")


def start_jobs(machine):
    machine.run("rm", "-f", "/run/crond.reboot")
    machine.run("systemctl", "restart", "cron")


def jobs_run(machine):
    users = ("root", LOCAL_USER)
    for user in users:
        machine.run("rm", "-f", f"/tmp/job-of-{user}")
        give_job(machine, user, f"id -un >/tmp/job-of-{user}")
    start_jobs(machine)
    try:
        return wait_for(lambda: all(
            machine.run("cat", f"/tmp/job-of-{user}", check=False).stdout.strip() == user for user in users))
    finally:
        for user in users:
            machine.run("crontab", "-u", user, "-r")


def hash_of(machine, user):
    return machine.run("getent", "shadow", user).stdout.split(":")[1]


def own_passwd(machine):
    before = hash_of(machine, SPARE_USER)
    with machine.terminal("setpriv", f"--reuid={SPARE_USER}", f"--regid={SPARE_USER}", "--init-groups",
                          "passwd") as terminal:
        terminal.answer(r"Current password: ", LOCAL_PASSWORD, hidden_as="password")
        terminal.answer(r"New password: ", OTHER_PASSWORD, hidden_as="new password")
        terminal.answer(r"Retype new password: ", OTHER_PASSWORD, hidden_as="new password")
        status = terminal.finish()
    return status == 0 and hash_of(machine, SPARE_USER) != before


def roots_passwd(machine):
    before = hash_of(machine, SPARE_USER)
    with machine.terminal("passwd", SPARE_USER) as terminal:
        terminal.answer(r"New password: ", LOCAL_PASSWORD, hidden_as="new password")
        terminal.answer(r"Retype new password: ", LOCAL_PASSWORD, hidden_as="new password")
        status = terminal.finish()
    return status == 0 and hash_of(machine, SPARE_USER) != before


def chpasswd_counts(machine):
    before = hash_of(machine, SPARE_USER)
    machine.run("chpasswd", input=f"{SPARE_USER}:{LOCAL_PASSWORD}\n")
    return hash_of(machine, SPARE_USER) != before


def await_list(machine, user):
    """If the module cannot be loaded, a new local user gets in as soon as systemd has had the list written."""
    if machine.run("systemctl", "is-active", "pam-cognito-local-users.path", check=False).returncode == 0:
        wait_for(lambda: user in machine.run("cat", "/etc/pam-cognito/local-users", check=False).stdout.split())


def adduser_works(machine):
    try:
        with machine.terminal("adduser", "--gecos", "", NEW_USER) as terminal:
            terminal.answer(r"New password: ", NEW_PASSWORD, hidden_as="new password")
            terminal.answer(r"Retype new password: ", NEW_PASSWORD, hidden_as="new password")
            status = terminal.finish()
        await_list(machine, NEW_USER)
        with console(machine, NEW_USER, NEW_PASSWORD) as terminal:
            name = shell(terminal, "id -un")[0]
            leave(terminal)
        return status == 0 and name == NEW_USER
    finally:
        machine.run("userdel", "--force", "--remove", NEW_USER, check=False)
