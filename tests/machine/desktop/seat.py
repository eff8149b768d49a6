"""The machine's one seat: LightDM with its GTK greeter on Xvfb, and what a person does there."""

import contextlib
import re

from booted import INSIDE, MachineError
from screen import Screen
from waiting import wait_for

FILES = f"{INSIDE}/tests/machine/desktop"
GREETER, DESKTOP = "greeter", "user"  # logind's classes of sessions


class Seat:
    def __init__(self, machine):
        self.machine = machine
        self.screen = None

    def set_up(self, keys_for=()):
        """keys_for: people whose desktop has the lockers on keys."""
        machine = self.machine
        for source, target in (("lightdm.conf", "/etc/lightdm/lightdm.conf.d/50-test.conf"),
                               ("lightdm-gtk-greeter.conf", "/etc/lightdm/lightdm-gtk-greeter.conf"),
                               ("gtk-settings.ini", "/etc/gtk-3.0/settings.ini")):
            machine.run("install", "-D", "-m", "644", f"{FILES}/{source}", target)
        # Xvfb has no virtual terminal. LightDM names one all the same, and logind refuses a session on it.
        machine.write("/etc/environment", "XDG_VTNR=0\n")
        for user in keys_for:
            for source, target in (("openbox.xml", "openbox/rc.xml"), ("autostart", "openbox/autostart")):
                machine.run("install", "-D", "-m", "644", f"{FILES}/{source}", f"/home/{user}/.config/{target}")
            machine.run("chown", "-R", f"{user}:", f"/home/{user}")
        machine.run("systemctl", "reset-failed", "lightdm.service", check=False)
        machine.run("systemctl", "restart", "lightdm.service")
        self.wait_for_greeter()

    # Which session has the seat.
    def session(self, kind, user=None, timeout=60):
        """logind's session of this class on the X server, once it is there; None."""
        def found():
            return next((session for session in self.machine.sessions()
                         if session["Class"] == kind and session["Type"] == "x11"
                         and session["State"] != "closing" and (user is None or session["Name"] == user)), None)
        return wait_for(found, timeout, pause=0.2)

    def wait_for_greeter(self):
        if not self.session(GREETER):
            raise MachineError("the greeter does not come")
        self.screen = self._screen()
        self.screen.wait_text("Log In")

    def _screen(self):
        """LightDM's X server says in its arguments which display it is, and where the cookie lies."""
        def server():
            shown = self.machine.run("pgrep", "--list-full", "--oldest", "Xvfb", check=False).stdout
            return re.search(r"Xvfb (:\d+) -auth (\S+)", shown)
        found = wait_for(server)
        if not found:
            raise MachineError("LightDM has started no X server")
        return Screen(self.machine, *found.groups())

    # The actions of a person at the greeter.
    def name(self, user):
        """Types the user name, and waits until the password's field has the keyboard."""
        self.screen.type(user)
        before = self.screen.look()
        self.screen.key("Return")
        if not self.screen.changed(before):
            raise MachineError("the greeter does not ask for a password")

    def sign_in(self, user, *answers):
        """Types the name, then each answer as the screen asks for it: (text on the screen, answer). The first answer is the
        password; the greeter shows no prompt of cognitod there."""
        password, *others = answers
        self.name(user)
        self.screen.enter(password)
        for prompt, answer in others:
            self.screen.wait_text(prompt)
            self.screen.enter(answer() if callable(answer) else answer)

    # The desktop.
    def desktop_of(self, user):
        """True once the user's window manager runs as that user, in a session of logind's."""
        session = self.session(DESKTOP, user)
        return session and wait_for(lambda: self.programs_of(user, "openbox")) and session

    def programs_of(self, user, name):
        """The process ids of the user's programs of that name."""
        return self.machine.run("pgrep", "--uid", user, "--exact", name, check=False).stdout.split()

    def log_out(self, user):
        """As by the desktop's menu: the window manager ends, and with it the session."""
        for pid in self.programs_of(user, "openbox"):
            self.machine.run("kill", pid, check=False)
        gone = wait_for(lambda: not any(session["Class"] == DESKTOP and session["Name"] == user and
                                        session["Type"] == "x11" for session in self.machine.sessions()))
        self.wait_for_greeter()
        return gone

    def start_again(self):
        """A fresh greeter, whatever was open on the seat."""
        with contextlib.suppress(MachineError):
            self.machine.run("systemctl", "restart", "lightdm.service")
        self.wait_for_greeter()
