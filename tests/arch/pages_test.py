"""pages_test.py ROOT: README.md and docs/ keep to the rules of language and form, the pages that scripts make are
current, and both checks can fail."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import pages
from planted import PlantedTree

ROOT = pathlib.Path(sys.argv.pop(1))

README = "# Name\n\n```sh\n./dev demo\n```\n\n```sh install\nsshd -t\n```\n"
GOLDEN = "$ ssh alice@127.0.0.1 id -un\n(alice@127.0.0.1) Password: <password>\nalice\n"


def reference_pages(root):
    return subprocess.run([sys.executable, "-B", ROOT / "scripts/reference_pages.py", "--check", root],
                          capture_output=True, text=True)


class Tree(unittest.TestCase):
    def test_the_pages_keep_to_the_rules(self):
        self.assertEqual(pages.check(ROOT), [])

    def test_the_pages_that_are_made_of_other_files_are_current(self):
        done = reference_pages(ROOT)
        self.assertEqual((done.returncode, done.stdout), (0, "docs/reference is current\n"), done.stderr)

    def test_the_pages_were_read(self):
        text = (ROOT / "docs/how-to/ssh.md").read_text(encoding="utf-8")
        self.assertGreater(len(pages.paragraphs(text)), 20)
        self.assertGreater(len(pages.commands_of((ROOT / "README.md").read_text(encoding="utf-8"), "sh install")), 1)


class Made(unittest.TestCase):
    """A source that changed makes its page stale."""

    def copy_with(self, name, old, new):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        root = pathlib.Path(directory.name)
        for folder in ("docs", "cli/explain", "daemon/prompts"):
            shutil.copytree(ROOT / folder, root / folder)
        text = (root / name).read_text(encoding="utf-8")
        self.assertIn(old, text)
        (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return reference_pages(root)

    def test_another_text_of_a_cause(self):
        done = self.copy_with("cli/explain/cause_text.cc", '"the code was wrong"', '"the code was not right"')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("docs/reference/log-causes.md", done.stderr)

    def test_a_cause_that_is_gone_but_has_a_remedy(self):
        done = self.copy_with("cli/explain/cause_text.cc", '"local-shortage"', '"shortage"')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("local-shortage", done.stderr)

    def test_another_message(self):
        done = self.copy_with("daemon/prompts/notices.cc", '"Incorrect code."', '"That code is wrong."')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("docs/reference/messages.md", done.stderr)

    def test_another_manual_page(self):
        done = self.copy_with("docs/man/users.conf.5.scd", "# SYNTAX", "# FORM")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("docs/reference/man/users.conf.5.md", done.stderr)


class Planted(PlantedTree):
    """Each fault planted in a small tree is found, and nothing else."""

    checker = pages

    def setUp(self):
        super().setUp()
        self.write("README.md", README)
        self.write("SECURITY.md", "# Security\n\nText.\n")
        self.write("CONTRIBUTING.md", "# Contributing\n\nText.\n")
        self.write("docs/quick-start.md", "# Start\n\n**Tutorial.** Text.\n\n```sh admin\nsshd -t\n```\n")
        self.changelog("### Fixed\n\n- A fault.\n")
        self.write("tests/system/golden/totp.txt", GOLDEN)
        self.page("Text.")

    def page(self, text, purpose="**How-to.** Set up sshd."):
        self.write("docs/how-to/ssh.md", f"# SSH\n\n{purpose}\n\n{text}\n")

    def changelog(self, changes, released="## [0.1.0] - 2026-11-21"):
        self.write("CHANGELOG.md", f"# Changelog\n\n## [Unreleased]\n\n{changes}\n{released}\n\n- First.\n")

    def test_a_sound_page_has_no_problem(self):
        self.page("# Requirements\n\nsystemd starts cognitod; it waits. Where is the log? In the journal.\n\n"
                  'The message is "Somebody stands here."\n\n`somebody`\n\n```text\nours\n```\n\n| a | b |\n|---|---|\n| c | d |\n\n'
                  "```text transcript\n$ ssh alice@host\n(alice@host) Password: <password>\n```")
        self.assertEqual(pages.check(self.root), [])

    def test_an_actor_without_a_name(self):
        self.page("A stranger cannot sign in.")
        self.assert_problem("docs/how-to/ssh.md: line 5", "stranger", "name the actor")

    def test_an_actor_without_a_name_in_a_table(self):
        self.page("| a |\n|---|\n| our users |")
        self.assert_problem("our users")

    def test_a_metaphor(self):
        self.page("The setting stands in the file.")
        self.assert_problem("stands in")

    def test_a_program_that_says(self):
        self.page("doctor says it.")
        self.assert_problem("doctor says")
        self.page("`cognitoctl doctor` says it.")
        self.assert_problem("says", "programs report")

    def test_a_sentence_without_a_head(self):
        self.page("Text. Whoever comes may enter.")
        problems = pages.check(self.root)
        self.assertIn('docs/how-to/ssh.md: line 5: begins with "Whoever": subject, verb, object', problems)

    def test_a_heading_without_a_subject(self):
        self.page("## What you need\n\nText.")
        self.assert_problem("docs/how-to/ssh.md: line 5", 'begins with "What"')

    def test_a_link_that_begins_a_sentence(self):
        self.page("[What else](../quick-start.md) is here.")
        self.assert_problem('begins with "What"')

    def test_two_semicolons(self):
        self.page("One; two; three.")
        self.assert_problem("semicolon")

    def test_british_spelling(self):
        self.page("The behaviour is another one.")
        self.assert_problem("behaviour", "American spelling")

    def test_how_something_was_tested(self):
        self.page("This was seen on Debian.")
        self.assert_problem("docs/status.md")

    def test_a_comment_of_a_source(self):
        self.write("pam/entry.cc", "int one;\n// The caller waits. Whoever\n// comes is ours.\nint two;  // Mended.\n")
        self.assertEqual(sorted(pages.check(self.root)), [
            'pam/entry.cc: line 2: "Whoever": name the actor',
            'pam/entry.cc: line 2: "ours": name the actor',
            'pam/entry.cc: line 2: begins with "Whoever": subject, verb, object',
            'pam/entry.cc: line 4: "Mended": use the field\'s term'])

    def test_a_text_of_a_source(self):
        self.write("pam/entry.cc", 'constexpr auto kText = "https://host/ the pool says no";\nconstexpr auto kName = "ours";\n')
        self.assertEqual(pages.check(self.root), ['pam/entry.cc: line 1: "the pool says": programs report, people say'])

    def test_a_text_of_a_test_is_input(self):
        self.write("tests/unit/entry_test.cc", 'constexpr auto kText = "somebody stands there";\n')
        self.assertEqual(pages.check(self.root), [])

    def test_a_comment_of_each_language(self):
        for name, text in (("conf/x.conf", "# A stranger may\n# enter.\n"),
                           ("conf/x.xml", "<node>\n<!-- A stranger\n     may enter. -->\n</node>\n"),
                           ("debian/x.postinst", "#!/bin/sh\nrun 'x # y'  # a stranger may enter\n"),
                           ("dev", "#!/usr/bin/env bash\n# A stranger may enter.\n"),
                           ("systemd/x.service.in", "[Unit]\n# A stranger may enter.\n"),
                           ("debian/control", "Package: x\nDescription: one\n two\n .\n a stranger\n may enter\n"),
                           ("tests/x/CMakeLists.txt", "if(x) # a stranger may enter\n"),
                           ("tests/x/x.mjs", "one();  // A stranger may enter.\n"),
                           ("tests/x/y_test.cc", "void a_stranger_may_enter(void** /*state*/) {}\n"),
                           ("tests/x/x_test.py", "def f():\n    \"\"\"One.\n\n    A stranger\n    may enter.\"\"\"\n"),
                           ("tests/x/y_test.py", 'with judge.scene(f"{x} of a stranger"):\n    pass\n'),
                           ("scripts/x.py", "x = '# ours'\n# A stranger may enter.\n"),
                           (".ci/run", "#!/bin/sh\n# A stranger may enter.\n"),
                           (".github/workflows/x.yml", "on: push  # a stranger may enter\n"),
                           ("po/update", "#!/bin/sh\ncat <<EOF\na stranger may enter\nEOF\n"),
                           ("tests/x/README.md", "# X\n\nA stranger may enter.\n"),
                           ("CONTRIBUTING.md", "# X\n\nA stranger may enter.\n")):
            with self.subTest(name):
                before = (self.root / name).read_text(encoding="utf-8") if (self.root / name).exists() else None
                self.write(name, text)
                self.assert_problem(f"{name}: line", "stranger", "name the actor")
                if before is None:
                    (self.root / name).unlink()
                else:
                    self.write(name, before)

    def test_a_comment_of_two_lines_is_one_sentence(self):
        self.write("conf/x.conf", "key=1  # one\n# Text.\n# What\n# comes.\n")
        self.assert_problem('conf/x.conf: line 2: begins with "What"')

    def test_a_change_that_is_not_released(self):
        self.changelog("### Fixed\n\n- A stranger cannot enter.\n", "## [0.1.0] - 2026-11-21\n\n- A stranger.")
        self.assert_problem("CHANGELOG.md: [Unreleased], line", "stranger")

    def test_a_long_cell(self):
        self.page("| a |\n|---|\n| " + "word " * 16 + "|")
        self.assert_problem("more than 15 words")

    def test_a_page_without_a_purpose(self):
        self.page("Text.", purpose="Set up sshd.")
        self.assert_problem("no purpose")

    def test_a_page_that_is_too_long(self):
        self.page("word\n\n" * 160)
        self.assert_problem("too long")

    def test_a_readme_without_a_command_on_the_first_screen(self):
        self.write("README.md", "# Name\n" + "\n" * pages.SCREEN + README)
        self.assert_problem("README.md", "no command")

    def test_an_install_block_that_no_test_runs(self):
        self.write("README.md", README.replace("sshd -t", "sshd -t\nsystemctl reload ssh"))
        self.assert_problem("README.md: docs/quick-start.md does not run: systemctl reload ssh")

    def test_a_transcript_that_no_run_has_shown(self):
        self.page("```text transcript\n$ ssh alice@host\n(alice@host) Passphrase: <password>\n```")
        self.assert_problem("line 5: no transcript")

    def test_a_release_without_a_date(self):
        self.changelog("", "## [0.1.0]")
        self.assert_problem("CHANGELOG.md: [0.1.0]: no version with a date")

    def test_a_change_without_a_kind(self):
        self.changelog("- A fault.\n")
        self.assert_problem("CHANGELOG.md", "no kind")

    def test_another_kind_of_change(self):
        self.changelog("### Mended\n\n- A fault.\n")
        self.assert_problem("CHANGELOG.md: Mended")


if __name__ == "__main__":
    unittest.main()
