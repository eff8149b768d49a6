"""Follows a page of docs/ as an administrator would: block by block, word for word.

The fence of a block names its kind (tests/arch/docs.py has the list):
  sh admin         run by bash -eu as root, in the folder with the packages
  sh admin asks    the same, but each line on a terminal, where it asks
  sh admin values  NAME=value lines: the reader's own values, for the blocks after it
  sh person        lines typed into a shell of a local person's, one after the other

The reader replaces the examples of a page, such as the id of a pool, by the values of the test.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "arch"), str(HERE.parent / "system")]

from docs import RUN, blocks_of  # noqa: E402
from terminal import Unexpected  # noqa: E402

PROMPT = "person> "
# Bracketed paste and the window's title, which a shell writes around its prompt.
ESCAPES = re.compile(r"\x1b\[\?2004[hl]|\x1b\]0;[^\x07]*\x07")
# The test's own, and that of a login shell of Debian.
SHELL_PROMPTS = rf"(?:{PROMPT}|\w+@[\w.-]+:\S+[$#] )$"
CTRL_D = "\x04"


def blocks(page, *kinds):
    """The blocks of docs/PAGE.md that are of these kinds, in order."""
    text = (REPO / f"docs/{page}.md").read_text(encoding="utf-8")
    return [block for block in blocks_of(text) if block.info in kinds]


class Failed(Exception):
    """A block did not do what the page promises; the message has the output."""


class Done:
    """A block that was run: what it showed, and which prompts were answered."""

    def __init__(self, block, shown, prompts=()):
        self.block, self.shown, self.prompts = block, ESCAPES.sub("", shown), list(prompts)


class Reader:
    """Follows pages on a machine.

    examples: the page's, each with what the reader puts in its place. answers: (regular expression, function)
    pairs; the function gets the match and the line that was typed, and gives the answer. typed: (words of a
    line, text) pairs, for a program that shows no prompt and reads the keyboard until Ctrl-D."""

    def __init__(self, machine, folder, person, examples, answers, typed=()):
        self._machine, self._folder, self._person = machine, folder, person
        self.examples, self._answers, self._typed = examples, answers, typed
        self._settings = ""

    def own(self, text):
        """Without examples."""
        for example, here in self.examples.items():
            text = text.replace(example, here)
        return text

    def follow(self, page, before=lambda block: None):
        """Runs the blocks of the page one by one; before(block) is called ahead of each."""
        for block in blocks(page, *RUN):
            before(block)
            try:
                yield self._run(block)
            except Failed as error:
                raise Failed(f"docs/{page}.md, line {block.line}: {error}") from None

    def _run(self, block):
        text = self.own(block.text)
        if block.info == "sh admin values":
            if same := set(text.splitlines()) & set(block.text.splitlines()):
                raise Failed(f"no value of the reader's own: {', '.join(sorted(same))}")
            self._settings = text
            return Done(block, "")
        if block.info == "sh admin":
            script = f"cd {self._folder}\n{self._settings}{text}"
            done = self._machine.run("bash", "-euo", "pipefail", "-c", script, check=False, timeout=180)
            if done.returncode != 0:
                raise Failed(f"status {done.returncode}\n{done.stdout}{done.stderr}")
            return Done(block, done.stdout + done.stderr)
        try:
            if block.info == "sh admin asks":
                return self._asks(block, text)
            return self.type(*text.strip().splitlines(), block=block)
        except Unexpected as error:
            raise Failed(str(error)) from None

    def _asks(self, block, text):
        shown, prompts = "", []
        for line in text.strip().splitlines():
            with self._machine.terminal("bash", "-euc", f"cd {self._folder}\n{self._settings}{line}\nprintf 'the end\\n'") as terminal:
                for typed in (typed for words, typed in self._typed if words in line):
                    terminal.send(typed, in_read=True)
                    terminal.send(CTRL_D, in_read=True)
                self._answer(terminal, line, r"the end\n", prompts)
                status = terminal.finish()
                shown += terminal.transcript
                if status != 0:
                    raise Failed(f"{line}: status {status}\n{terminal.transcript}")
        return Done(block, shown, prompts)

    def type(self, *lines, block=None):
        """Each line into the shell that the line before has left; the first one into a shell of the
        local person's."""
        prompts = []
        shell = self._machine.as_user(self._person, "env", f"PS1={PROMPT}", "bash", "--norc", "-i")
        with self._machine.terminal(*shell) as terminal:
            terminal.expect(SHELL_PROMPTS)
            for line in lines:
                terminal.send(line)
                self._answer(terminal, line, SHELL_PROMPTS, prompts)
            terminal.send("exit")
            terminal.finish()
            return Done(block, terminal.transcript, prompts)

    def _answer(self, terminal, line, end, prompts, timeout=60):
        """Answers what is asked until `end` is shown."""
        patterns = [end] + [pattern for pattern, _ in self._answers]
        while True:
            index, match = terminal.expect_any(patterns, timeout)
            if index == 0:
                return
            prompts.append(match.group())
            terminal.send(self._answers[index - 1][1](match, line, terminal.transcript))
