"""Scenes with checks: prints what happens so that a person can read it, and counts what held."""

import contextlib
import sys
import traceback

from journal import as_line
from terminal import Unexpected


class Stage:
    def __init__(self, machine, show_transcripts):
        self.machine = machine
        self.passed = self.failed = 0
        self._show = show_transcripts
        self._number = 0
        self.journal_mark = 0
        self._margin = _Margin()
        self._transcript = []

    # Scenes.
    @contextlib.contextmanager
    def scene(self, title):
        """One scene: a fresh pool log and journal mark; whatever goes wrong in it is one failure."""
        self._number += 1
        print(f"\n{self._number}. {title}", flush=True)
        self._transcript.clear()
        self.journal_mark = self.machine.journal.mark()
        if self.machine.pool:
            self.machine.pool.reset_log()
        try:
            yield
        except Unexpected as error:
            self._failed(title, str(error))
        except Exception:  # a broken scene must not hide the scenes after it
            self._failed(title, traceback.format_exc())

    def watch(self, text):
        """Given to a Terminal: shows its transcript in the margin."""
        self._transcript.append(text)
        if self._show:
            self._margin.write(text)

    def command(self, text):
        """The command line as the person would have typed it in a shell."""
        self.watch(f"$ {text}\n")

    def check(self, what, holds, detail=""):
        self._margin.close_line()
        if holds:
            self.passed += 1
            print(f"   ok      {what}", flush=True)
        else:
            self._failed(what, detail)
        return holds

    def _failed(self, what, detail):
        self._margin.close_line()
        self.failed += 1
        print(f"   FAILED  {what}", flush=True)
        for line in str(detail).splitlines():
            print(f"           {line}")
        if not self._show:
            print("           transcript:", *"".join(self._transcript).splitlines(),
                  sep="\n           | ")
        print("           journal:", *self.machine.journal.text(self.journal_mark).splitlines(),
              sep="\n           | ", flush=True)

    # The logs of the pool and the daemon.
    def pool_saw(self, user, *names):
        """The pool answered exactly these calls for the user, e.g. USER_SRP_AUTH; not counted is what
        ends an older session, which goes on in the background."""
        seen = [name or operation for operation, name, _ in self.machine.pool.requests(user)
                if operation != "RevokeToken"]
        self.check(f"the pool saw for {user}: {', '.join(names) or 'nothing'}", seen == list(names),
                   f"seen: {seen}")

    def daemon_said(self, user, service, outcome, timeout=60):
        """cognitod closed a sign-in of this scene with this line."""
        def matches(entry):
            return (entry.get("PAM_COGNITO_USER") == user and
                    entry.get("PAM_COGNITO_SERVICE") == service and
                    entry.get("PAM_COGNITO_OUTCOME") == outcome)
        entry = self.machine.journal.wait(matches, self.journal_mark, timeout)
        line = entry["MESSAGE"] if entry else f"no line with {user}, {service}, {outcome}"
        self.check(f"cognitod's log: {line}", entry is not None)
        return entry

    def logged(self, what, text):
        """A line of this scene's holds the text. Lines may come later than what they are about."""
        entry = self.machine.journal.wait(lambda entry: text in as_line(entry), self.journal_mark)
        self.check(what, entry is not None, f"no line with {text}")

    def close(self):
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)


class _Margin:
    """Transcripts stand behind a bar, line by line."""

    def __init__(self):
        self._at_line_start = True

    def write(self, text):
        for line in text.splitlines(True):
            if self._at_line_start:
                sys.stdout.write("   | ")
            sys.stdout.write(line)
            self._at_line_start = line.endswith("\n")
        sys.stdout.flush()

    def close_line(self):
        if not self._at_line_start:
            sys.stdout.write("\n")
            self._at_line_start = True
