"""Every text of the sources is in the template and translated in each language of po/LINGUAS.

Usage: translations_test.py SOURCE_TREE
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
PO = ROOT / "po"
# pam_unix asks this too: another text would tell an ssh client which users are Cognito users.
NEVER_TRANSLATED = "Password: "


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def unquoted(lines):
    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', lines))
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def entries(text):
    """(flags, msgid, msgstr) of each entry but the header."""
    found = []
    for block in re.split(r"\n\s*\n", text):
        match = re.search(r"^msgid ((?:\".*\"\n?)+)^msgstr ((?:\".*\"\n?)+)", block, re.MULTILINE)
        if match is None or unquoted(match[1]) == "":
            continue
        flags = "".join(re.findall(r"^#,(.*)$", block, re.MULTILINE))
        found.append((flags, unquoted(match[1]), unquoted(match[2])))
    return found


def texts_of_sources():
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "daemon/prompts").glob("*.cc"))
    return entries(run("xgettext", "--language=C++", "--from-code=UTF-8", "--keyword",
                       "--keyword=tr", "--no-location", "--output=-", *sources, cwd=ROOT))


def languages():
    lines = (PO / "LINGUAS").read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


def placeholders(text):
    return sorted(re.findall(r"\{[1-9]\}", text))


class Translations(unittest.TestCase):
    def test_every_text_is_seen_by_xgettext(self):
        """A text that is put together, or given by a variable, would never be translated."""
        calls = 0
        for path in (ROOT / "daemon/prompts").glob("*.cc"):
            if path.name == "catalogue.cc":  # defines tr
                continue
            source = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
            for match in re.finditer(r"\btr\(\s*(.)", source):
                self.assertEqual(match[1], '"', f"{path}: {source[match.start():][:60]}")
                calls += 1
        self.assertGreaterEqual(calls, len(texts_of_sources()))
        self.assertGreater(calls, 50)

    def test_the_template_is_up_to_date(self):
        template = entries((PO / "pam-cognito.pot").read_text(encoding="utf-8"))
        self.assertEqual(sorted(text for _, text, _ in texts_of_sources()),
                         sorted(text for _, text, _ in template), "run po/update")

    def test_each_language_is_complete(self):
        self.assertIn("de", languages())
        wanted = {text for _, text, _ in texts_of_sources()}
        for language in languages():
            po = entries((PO / f"{language}.po").read_text(encoding="utf-8"))
            self.assertEqual({text for _, text, _ in po}, wanted, f"{language}: run po/update")
            for flags, english, translation in po:
                with self.subTest(language=language, text=english):
                    self.assertNotIn("fuzzy", flags)
                    self.assertTrue(translation)
                    self.assertEqual(placeholders(english), placeholders(translation))
                    # A question ends where the answer is typed.
                    self.assertEqual(english.endswith(": "), translation.endswith(": "))
                    self.assertEqual(translation, translation.strip("\n"))

    def test_letters_to_type_are_the_same(self):
        """Flows compare them with what was typed."""
        for language in languages():
            for _, english, translation in entries(
                    (PO / f"{language}.po").read_text(encoding="utf-8")):
                letters = re.compile(r"\b([ans]): ")
                self.assertEqual(letters.findall(english), letters.findall(translation), english)

    def test_msgfmt_has_nothing_to_say(self):
        for language in languages():
            said = run("msgfmt", "--check", "--statistics", "--output-file=/dev/null",
                       PO / f"{language}.po")
            self.assertRegex(said, r"^\d+ translated messages\.$")

    def test_the_first_prompt_is_never_translated(self):
        self.assertNotIn(NEVER_TRANSLATED, [text for _, text, _ in texts_of_sources()])
        for path in PO.glob("*.po*"):
            self.assertNotIn(f'msgid "{NEVER_TRANSLATED}"', path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
