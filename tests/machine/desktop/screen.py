"""A person in front of an X display: presses keys, and reads the screen."""

import re
import subprocess

from booted import MachineError
from waiting import wait_for

# Small letters on a screen are read better when they are larger; grey is enough, and one thread is faster than
# several that share two processors.
READ = ("import -silent -window root png:- | convert png:- -crop 1024x740+0+26 +repage -bordercolor black -trim "
        "+repage -colorspace Gray -resize 200% png:- | OMP_THREAD_LIMIT=1 tesseract --psm 6 - - 2>/dev/null")
LOOK = "import -silent -window root -depth 8 rgb:- | md5sum"


class Screen:
    def __init__(self, machine, display, authority):
        self.machine = machine
        self.display = display
        self.env = {"DISPLAY": display, "XAUTHORITY": authority}

    # Keys.
    def type(self, text):
        self.machine.run("xdotool", "type", "--delay", "15", "--", text, env=self.env)

    def key(self, name):
        self.machine.run("xdotool", "key", "--", name, env=self.env)

    def enter(self, text):
        self.type(text)
        self.key("Return")

    # Pictures.
    def look(self):
        """A value that is the same for two pictures that are the same."""
        return self.machine.run("sh", "-c", LOOK, env=self.env).stdout

    def changed(self, before, timeout=60):
        """Waits until the picture is another one, and no longer changes."""
        def is_still():
            now = self.look()
            return now != before and now == self.look()
        return wait_for(is_still, timeout)

    def text(self):
        return self.machine.run("sh", "-c", READ, env=self.env).stdout

    def wait_text(self, pattern, timeout=60):
        """Waits until the regular expression can be read on the screen, whatever the line breaks;
        returns the text on the screen."""
        seen = ""

        def is_there():
            nonlocal seen
            seen = self.text()
            return re.search(pattern, " ".join(seen.split()))
        if not wait_for(is_there, timeout):
            raise MachineError(f"the screen does not show {pattern!r}; read was:\n{seen}")
        return seen

    def save(self, path):
        """The picture as a file of the host's, in few colours and without the empty screen around it."""
        argv = ("import -silent -window root png:- | convert png:- -crop 1024x740+0+26 +repage -bordercolor black "
                "-trim +repage -border 24 -strip +dither -colors 64 png8:-")
        with open(path, "wb") as file:
            done = self.machine.popen("sh", "-c", argv, env=self.env, stdout=file, stdin=subprocess.DEVNULL)
            if done.wait(60) != 0:
                raise MachineError("no picture could be made")
