"""Scenes with checks on a booted machine: prints `ok` or `FAILED` for each, and counts them."""

import contextlib
import sys
import threading
import time
import traceback

from left_over import left_over
from terminal import Unexpected
from waiting import wait_for


class Judge:
    def __init__(self, machine):
        self.machine = machine
        self.passed = self.failed = self.skipped = 0
        self.cursor = None
        self._step = ""
        self._began = time.monotonic()

    @contextlib.contextmanager
    def scene(self, title):
        """One scene with a fresh place in the journal, at whose end nothing of it is left; whatever goes
        wrong in it is one failure, and the scenes after it are still played."""
        print(f"\n{title}  [{time.monotonic() - self._began:.0f} s]", flush=True)
        self.cursor = self.machine.cursor()
        try:
            yield
            stays = left_over(self.machine)
            self.check("no login process, session or open sign-in is left", not stays, stays)
        except Unexpected as error:
            self.check(title, False, str(error))
        except Exception:  # a broken scene must not hide the scenes after it
            self.check(title, False, traceback.format_exc())

    def play(self, scenes):
        """The scenes, functions, that the command line names; all without names."""
        for scene in scenes:
            if scene.__name__ in (sys.argv[1:] or [scene.__name__]):
                scene(self, self.machine)

    def step(self, name):
        """Names the checks that follow, if the same checks are made more than once."""
        self._step = name + ": " if name else ""

    def check(self, name, holds, why=""):
        if holds:
            self.passed += 1
            print(f"ok {self._step}{name}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED {self._step}{name}: {why or 'it is not so'}", flush=True)
        return bool(holds)

    def skip(self, name, why):
        """Counts what this release does not have, or this machine cannot show."""
        self.skipped += 1
        print(f"skipped {self._step}{name}: {why}", flush=True)

    def attempt(self, name, action):
        """A check that holds if action() returns a true value and nothing goes wrong on the way."""
        try:
            result = action()
        except Unexpected as error:
            return self.check(name, False, str(error))
        except Exception:
            return self.check(name, False, traceback.format_exc())
        return self.check(name, result, f"gave {result!r}")

    @contextlib.contextmanager
    def side_by_side(self):
        """Gives a function that starts check_function(judge, ...) in a thread of its own; all have
        ended at the end of the block."""
        threads = []

        def start(function, *arguments):
            def play():
                try:
                    function(self, *arguments)
                except Exception:
                    self.check(function.__name__, False, traceback.format_exc())
            threads.append(threading.Thread(target=play))
            threads[-1].start()

        try:
            yield start
        finally:
            for thread in threads:
                thread.join()

    # The journal.
    def line(self, timeout=60, **fields):
        """The first line of this scene whose fields are these, such as OUTCOME="success"; or None.
        MESSAGE holds if it is a part of the line."""
        found = wait_for(lambda: self._find(fields), timeout)
        return found or None

    def _find(self, fields):
        for entry in self.machine.journal(self.cursor):
            if all(_holds(entry, name, value) for name, value in fields.items()):
                return entry
        return None

    def cognitod_said(self, timeout=60, **fields):
        """cognitod wrote a line with these values of its PAM_COGNITO_ fields."""
        entry = self.line(timeout, **{f"PAM_COGNITO_{name}": value for name, value in fields.items()})
        wanted = " ".join(f"{name}={value}" for name, value in fields.items())
        self.check(f"cognitod's line: {entry['MESSAGE'] if entry else wanted}", entry, self.cognito_lines())
        return entry

    def module_said(self, text, timeout=60):
        """The module wrote a line that holds this text."""
        entry = self.line(timeout, MESSAGE=text)
        self.check(f"the module's line: {text}", entry, self.cognito_lines())
        return entry

    def cognito_lines(self):
        lines = [text for text in map(_text, self.machine.journal(self.cursor)) if "cognito" in text]
        return "the journal has:\n  | " + "\n  | ".join(lines or ["nothing of ours"])

    def close(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"\n{self.passed} passed, {self.failed} failed{skipped}", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)


def _holds(entry, name, value):
    present = str(entry.get(name, ""))
    return value in present if name == "MESSAGE" else present == value


def _text(entry):
    fields = " ".join(f"{key.removeprefix('PAM_COGNITO_')}={value}" for key, value in entry.items()
                      if key.startswith("PAM_COGNITO_"))
    return f"{entry.get('SYSLOG_IDENTIFIER', '?')}: {entry.get('MESSAGE', '')} {fields}".rstrip()
