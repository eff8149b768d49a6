"""The bash completion knows every command and option that `cognitoctl --help` shows, and no other."""

import re
import subprocess
import sys
import unittest

PROGRAM, SCRIPT = sys.argv[1:3]


def help_of(*commands):
    return subprocess.run([PROGRAM, *commands, "--help"], capture_output=True, text=True,
                          check=True).stdout


def subcommands(text):
    blocks = re.findall(r"^(?:Subcommands|For you|For administrators):\n((?:  .*\n)+)", text, re.MULTILINE)
    return [name for block in blocks for name in re.findall(r"^  (\S+)", block, re.MULTILINE)]


def options(text):
    return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.MULTILINE))


def complete(*words):
    """What bash offers for the last of the words."""
    line = f"""
        source {SCRIPT}
        COMP_WORDS=(cognitoctl "$@") COMP_CWORD=$#
        _cognitoctl
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", line, "bash", *words], capture_output=True,
                          text=True, check=True)
    return set(done.stdout.split())


class Completion(unittest.TestCase):
    def commands(self):
        for name in subcommands(help_of()):
            inner = subcommands(help_of(name))
            yield from ([name, one] for one in inner) if inner else [[name]]

    def test_top(self):
        self.assertEqual(complete(""), set(subcommands(help_of())))
        self.assertGreaterEqual(len(complete("")), 10)

    def test_groups(self):
        for name in subcommands(help_of()):
            inner = subcommands(help_of(name))
            if inner:
                self.assertEqual(complete(name, ""), set(inner), name)

    def test_options(self):
        everywhere = {"--json", "--color"}
        for command in self.commands():
            shown = options(help_of(*command)) | everywhere
            self.assertEqual(complete(*command, "--"), shown, command)

    def test_values(self):
        self.assertEqual(complete("--color", ""), {"auto", "always", "never"})
        self.assertEqual(complete("mfa", "prefer", ""), {"totp", "sms", "email", "none"})
        self.assertEqual(complete("--color", "always", "sta"), {"status"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
