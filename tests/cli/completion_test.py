"""completion_test.py PROGRAM FOLDER: the completions for bash, zsh and fish know every command and option that
`cognitoctl --help` shows, and no other. Bash completes; the files of zsh and fish are read."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

PROGRAM, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
SCRIPT, ZSH, FISH = FOLDER / "cognitoctl.bash-completion", FOLDER / "_cognitoctl", FOLDER / "cognitoctl.fish"
EVERYWHERE = {"-h", "--help", "--version", "--json", "--color", "--root"}


def help_of(*commands):
    return subprocess.run([PROGRAM, *commands, "--help"], capture_output=True, text=True,
                          check=True).stdout


def subcommands(text):
    blocks = re.findall(r"^(?:Subcommands|For you|For administrators):\n((?:  .*\n)+)", text, re.MULTILINE)
    return [name for block in blocks for name in re.findall(r"^  (\S+)", block, re.MULTILINE)]


def options(text):
    return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.MULTILINE))


def complete(*words):
    """Bash's offers for the last of the words."""
    line = f"""
        source {SCRIPT}
        COMP_WORDS=(cognitoctl "$@") COMP_CWORD=$#
        _cognitoctl
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", line, "bash", *words], capture_output=True,
                          text=True, check=True)
    return set(done.stdout.split())


def commands():
    for name in subcommands(help_of()):
        inner = subcommands(help_of(name))
        yield from ([name, one] for one in inner) if inner else [[name]]


def groups():
    """{the words before a command: the commands}"""
    listed = {(): set(subcommands(help_of()))}
    for name in subcommands(help_of()):
        if inner := subcommands(help_of(name)):
            listed[(name,)] = set(inner)
    return listed


def short_and_long(text):
    """The options of a help text, without those of every command."""
    found = re.findall(r"^  (?:(-\w),)?(--[a-z-]+)", text, re.MULTILINE)
    return {name for pair in found for name in pair if name} - EVERYWHERE


class Completion(unittest.TestCase):
    def test_top(self):
        self.assertEqual(complete(""), set(subcommands(help_of())))
        self.assertGreaterEqual(len(complete("")), 10)

    def test_groups(self):
        for name in subcommands(help_of()):
            inner = subcommands(help_of(name))
            if inner:
                self.assertEqual(complete(name, ""), set(inner), name)

    def test_options(self):
        everywhere = {"--json", "--color", "--root"}
        for command in commands():
            shown = options(help_of(*command)) | everywhere
            self.assertEqual(complete(*command, "--"), shown, command)

    def test_values(self):
        self.assertEqual(complete("--color", ""), {"auto", "always", "never"})
        self.assertEqual(complete("mfa", "prefer", ""), {"totp", "sms", "email", "none"})
        self.assertEqual(complete("--color", "always", "sta"), {"status"})


class Zsh(unittest.TestCase):
    def setUp(self):
        text = ZSH.read_text(encoding="utf-8")
        self.functions = dict(re.findall(r"^_cognitoctl_?(\S*)\(\) \{\n(.*?)^\}$", text, re.MULTILINE | re.DOTALL))

    def test_the_syntax_is_valid(self):
        if shutil.which("zsh") is None:
            self.skipTest("there is no zsh")
        subprocess.run(["zsh", "-n", ZSH], check=True)

    def test_commands(self):
        for words, names in groups().items():
            function = self.functions["_".join(words)]
            self.assertEqual(set(re.findall(r"^    '([a-z-]+):", function, re.MULTILINE)), names, words)

    def test_options(self):
        for command in commands():
            function = re.sub(r"\[.*?\]", "", self.functions["_".join(command)])
            self.assertIn("_arguments $common", function)
            self.assertEqual(set(re.findall(r"(?<![\w-])-{1,2}[a-z][a-z-]*", function)),
                             short_and_long(help_of(*command)), command)

    def test_the_options_of_every_command(self):
        common = re.sub(r"\[.*?\]", "", self.functions[""])
        self.assertEqual(set(re.findall(r"--[a-z]+", common)), EVERYWHERE - {"-h"})


class Fish(unittest.TestCase):
    def setUp(self):
        self.lines = re.findall(r"^complete -c cognitoctl (.*)$", FISH.read_text(encoding="utf-8"), re.MULTILINE)

    def under(self, condition):
        """The arguments of `complete` with this condition, without texts for people."""
        return [re.sub(r" -d .*", "", line) for line in self.lines if line.startswith(f"-n {condition} ")]

    def test_the_syntax_is_valid(self):
        if shutil.which("fish") is None:
            self.skipTest("there is no fish")
        subprocess.run(["fish", "--no-execute", FISH], check=True)

    def test_commands(self):
        for words, names in groups().items():
            condition = f"'__cognitoctl_at {words[0]}'" if words else "__cognitoctl_at"
            found = {name for line in self.under(condition) for name in re.findall(r" -a (\S+)", line)}
            self.assertEqual(found, names, words)

    def test_options(self):
        for command in commands():
            found = set()
            for line in self.under(f"'__cognitoctl_in {' '.join(command)}'"):
                found |= {"--" + name for name in re.findall(r" -l (\S+)", line)}
                found |= {"-" + name for name in re.findall(r" -s (\w)", line)}
            self.assertEqual(found, short_and_long(help_of(*command)), command)

    def test_the_options_of_every_command(self):
        found = {name for line in self.lines if "__cognitoctl_in" not in line for name in re.findall(r"(?:^| )-l (\S+)", line)}
        self.assertEqual({"--" + name for name in found}, EVERYWHERE - {"-h"})

    def test_the_options_with_a_value(self):
        with_value = {"--color", "--root"}
        for command in commands():
            for short, name in re.findall(r"^  (?:(-\w),)?(--[a-z-]+) [A-Z]+ ", help_of(*command), re.MULTILINE):
                with_value |= {name, short} - {""}
        skipped = re.search(r"case (--color .*)$", FISH.read_text(encoding="utf-8"), re.MULTILINE)
        self.assertEqual(set(skipped[1].split()), with_value)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
