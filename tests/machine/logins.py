"""A booted machine as the scenes of tests/system know one: its people, its journal as it grows, the real
ssh and the programs of people who are logged in. Installed and configured as an admin would do it."""

import contextlib
import json
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))

import left_over  # noqa: E402  (needs the path above)
import openssh  # noqa: E402
from booted import CONFIG_TEXT, BootedMachine, MachineError  # noqa: E402
from journal import Entries  # noqa: E402
from machine import BREAK_GLASS_PASSWORD, LOCAL_PASSWORD, LOCAL_USER, OUR_USERS, ROOT_PASSWORD  # noqa: E402

# Read before the drop-in: sshd takes the first value that it finds.
SSH_SCENE = "/etc/ssh/sshd_config.d/10-scene.conf"


class Journal(Entries):
    """The lines of journald. It has the same interface as the sandbox's journal."""

    def __init__(self, machine):
        super().__init__()
        self._machine = machine
        self._process = machine.popen("journalctl", "--follow", "--lines=0", "--output=json", "--all",
                                      stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        for line in self._process.stdout:
            self._add(json.loads(line))

    def mark(self):
        """A place in the journal; what was logged until now stands before it."""
        tag = f"mark {time.monotonic_ns()}"
        self._machine.run("logger", "--tag", "test", tag)
        if not self.wait(lambda entry: entry.get("MESSAGE") == tag):
            raise MachineError("journalctl does not tell what was logged")
        return self.count()

    def close(self):
        self._process.kill()
        self._process.wait()


class LoginMachine:
    """A booted machine with people in it, our packages installed and configured, and sshd ready."""

    def __init__(self, name):
        self.booted = BootedMachine(name)
        self.journal = None
        for method in ("run", "terminal", "read", "write", "sessions", "wait_until"):
            setattr(self, method, getattr(self.booted, method))

    @property
    def pool(self):
        return self.booted.pool

    def __enter__(self):
        self.booted.__enter__()
        try:
            self.journal = Journal(self.booted)
            self._add_people()
            self.booted.install_debs()
            self.run("pam-auth-update", "--enable", "pam-cognito")
            self._start_with(CONFIG_TEXT)
            openssh.prepare(self.booted, "root", *OUR_USERS, LOCAL_USER)
            self.reload_sshd()
        except BaseException:
            self.booted.kill()
            raise
        return self

    def __exit__(self, *error):
        self.journal.close()
        return self.booted.__exit__(*error)

    def _add_people(self):
        script = ["groupadd --force cognito-users"]
        for name in OUR_USERS + (LOCAL_USER,):
            group = "--groups cognito-users" if name in OUR_USERS else ""
            script.append(f"useradd --create-home --shell /bin/bash {group} {name}; "
                          f"touch /home/{name}/.hushlogin")
        self.run("sh", "-ec", "\n".join(script))
        self.run("chpasswd", input=f"{LOCAL_USER}:{LOCAL_PASSWORD}\nroot:{ROOT_PASSWORD}\n"
                                   f"carol:{BREAK_GLASS_PASSWORD}\n")
        self.write("/etc/sudoers.d/people", "Defaults !mail_badpass, lecture=never\n"
                   f"alice,{LOCAL_USER} ALL=(ALL:ALL) ALL\n", mode=0o440)

    def reload_sshd(self):
        """systemctl returns when sshd has received the signal. sshd then closes its socket, and opens it again."""
        self.run("sshd", "-t")
        mark = self.journal.mark()
        self.run("systemctl", "reload", "ssh.service")
        if not self.journal.wait(lambda e: "Server listening on ::" in str(e.get("MESSAGE")), mark):
            raise MachineError("sshd does not come back")

    @contextlib.contextmanager
    def sshd_options(self, *lines):
        """sshd takes the first value that it finds, so the scene's come before the drop-in's."""
        self.write(SSH_SCENE, "".join(line + "\n" for line in lines))
        self.reload_sshd()
        try:
            yield
        finally:
            self.run("rm", SSH_SCENE)
            self.reload_sshd()

    # Cognitod.
    @contextlib.contextmanager
    def configured(self, text):
        """Another configuration, read by a fresh cognitod; the right one again afterwards."""
        self._start_with(text)
        try:
            yield
        finally:
            self._start_with(CONFIG_TEXT)

    def _start_with(self, text):
        """Makes the state after a boot: no session, no count of failures. Verifications stay. The daemon is started
        here, so that a scene does not depend on how long that takes on a busy host."""
        self.run("systemctl", "stop", "cognitod.service")
        self.booted.configure(text)
        self.run("systemctl", "reset-failed", "cognitod.service")  # and the count of its starts
        self.run("systemctl", "start", "cognitod.service")

    def daemon_pid(self):
        return left_over.daemon_pid(self.booted)

    def conversations(self):
        return left_over.conversations(self.booted, self.daemon_pid())

    def status(self):
        return json.loads(self.run("cognitoctl", "status", "--json").stdout)

    # People's programs.
    def ssh(self, user, command="id", methods="keyboard-interactive", options=(), on_text=None, env=None):
        """The real ssh client on a terminal of its own."""
        return self.terminal(*openssh.client(user, command, methods, options), on_text=on_text, env=env)

    def as_user(self, user, *argv, on_text=None):
        """A program in a terminal of a local person's own, without a login."""
        return self.terminal(*self.booted.as_user(user, *argv), on_text=on_text)

    # logind's.
    def session_of(self, user, service, timeout=60):
        """logind's session, once it is there; None if it does not come."""
        found = []

        def there():
            found[:] = [session for session in self.sessions()
                        if session["Name"] == user and session["Service"] == service]
            return found
        return found[0] if self.wait_until(there, timeout) else None
