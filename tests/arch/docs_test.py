"""docs_test.py ROOT: the pages tell of what is there, and the check can fail."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import docs
from planted import PlantedTree

ROOT = pathlib.Path(sys.argv.pop(1))

SETTINGS = """
constexpr std::string_view kService = "service";
constexpr std::array kRows = {
    Row{"pool", "region",
        [](Target t) {}},
    Row{"session", "lifetime", [](Target t) {}},
    Row{kService, "reauth", [](Target t) {}},
};
"""
ARGUMENTS = """
    CLI::App* status = app_.add_subcommand("status", "text");
    status->add_flag("--all", x);
    app_.add_flag("--json", x);
    CLI::App* mfa = group_of(app_, "mfa", "text");
    CLI::App* show = mfa->add_subcommand("show", "text");
"""


RECORD = "# X\n\n## Context\n\nText.\n\n## Decision\n\nText.\n\n## Consequences\n\nText.\n"


class Tree(unittest.TestCase):
    def test_the_pages_tell_of_what_is_there(self):
        self.assertEqual(docs.check(ROOT), [])

    def test_the_list_of_dependencies_is_current(self):
        done = subprocess.run([sys.executable, "-B", ROOT / "scripts/dependencies.py", "--check", ROOT],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "docs/dependencies.json is current\n"))

    def test_the_code_was_read(self):
        keys = docs.known_keys(ROOT)
        self.assertIn("reauth", keys["service"])
        self.assertGreater(sum(map(len, keys.values())), 30)
        commands, options = docs.known_commands(ROOT)
        self.assertIn("reset", commands["identity"])
        self.assertIn("doctor", commands)
        self.assertIn("--allow-groups", options)


class Dependencies(unittest.TestCase):
    """scripts/dependencies.py finds what the list does not say."""

    FILES = ("CMakeLists.txt", "cmake/dependencies.cmake", "debian/control", "docs/dependencies.json",
             "tests/interop/package-lock.json")

    def problems_with(self, name, old, new):
        with tempfile.TemporaryDirectory() as root:
            for file in self.FILES:
                text = (ROOT / file).read_text(encoding="utf-8")
                if file == name:
                    self.assertIn(old, text)
                    text = text.replace(old, new, 1)
                (pathlib.Path(root) / file).parent.mkdir(parents=True, exist_ok=True)
                (pathlib.Path(root) / file).write_text(text, encoding="utf-8")
            return subprocess.run([sys.executable, "-B", ROOT / "scripts/dependencies.py", "--check", root],
                                  capture_output=True, text=True).stdout

    def test_a_library_that_cmake_looks_for(self):
        self.assertIn("differ in zlib", self.problems_with(
            "cmake/dependencies.cmake", "find_library(",
            "pkg_check_modules(Z REQUIRED IMPORTED_TARGET zlib)\nfind_library("))

    def test_a_package_that_debian_builds_with(self):
        self.assertIn("differ in libz-dev", self.problems_with(
            "debian/control", " libssl-dev", " libz-dev,\n libssl-dev"))

    def test_a_licence_that_changed(self):
        self.assertIn("not current", self.problems_with("docs/dependencies.json", '"Apache-2.0"', '"MIT"'))

    def test_a_version_that_changed(self):
        self.assertIn("not current", self.problems_with("CMakeLists.txt", "VERSION 0.", "VERSION 9."))


class Planted(PlantedTree):
    """Each fault planted in a small tree is found, and nothing else."""

    checker = docs

    def setUp(self):
        super().setUp()
        self.write("daemon/policy/settings.cc", SETTINGS)
        self.write("daemon/policy/setting_names.cc", 'Renaming{"session", "length", "session", "lifetime"},')
        self.write("nss/accounts_conf.h", "if (key == \"range\") return parse_range(value, conf);\n")
        self.write("accounts/settings.cc", "if (key == \"max\") return true;\n")
        self.write("cli/arguments.cc", ARGUMENTS)
        self.write("docs/README.md", "[ssh](ssh.md)\n")
        self.write(docs.FOLLOWER, 'self.follow("ssh")\n')
        self.page("Text.")

    def page(self, text):
        self.write("docs/ssh.md", "# SSH\n\n## Keys and codes\n\n" + text + "\n\n```sh admin\nsshd -t\n```\n")

    def test_a_sound_page_has_no_problem(self):
        self.page("[here](#keys-and-codes) [there](README.md) [out](https://example.com/x)\n"
                  "`[service sshd]` `[session] lifetime` `reauth = none` `cognitoctl mfa show`\n"
                  "`cognitoctl status --json --all`\n"
                  "```sh admin\ncat > x <<'END'\n[service sudo]\nreauth = full\nEND\ncognitoctl status\n```")
        self.assertEqual(docs.check(self.root), [])

    def test_a_link_to_nowhere(self):
        self.page("[x](gone.md)")
        self.assert_problem("docs/ssh.md", "gone.md")

    def test_a_link_to_no_heading(self):
        self.page("[x](#gone)")
        self.assert_problem("#gone")

    def test_a_page_that_nobody_finds(self):
        self.write("docs/other.md", "Text.\n")
        self.assert_problem("docs/README.md does not list other.md")

    def test_a_decision_that_its_index_does_not_list(self):
        self.write("docs/decisions/0001-x.md", RECORD)
        self.assert_problem("docs/decisions/index.md does not list 0001-x.md")

    def record(self, text):
        self.write("docs/decisions/index.md", "[x](0001-x.md)\n")
        self.write("docs/README.md", "[ssh](ssh.md) [decisions](decisions/index.md)\n")
        self.write("docs/decisions/0001-x.md", text)

    def test_a_sound_record_has_no_problem(self):
        self.record(RECORD)
        self.assertEqual(docs.check(self.root), [])

    def test_a_record_without_a_heading(self):
        self.record(RECORD.replace("## Context", "Context"))
        self.assert_problem("docs/decisions/0001-x.md", "headings are not Context, Decision, Consequences")

    def test_a_record_with_headings_in_another_order(self):
        self.record("# X\n\n## Decision\n\nText.\n\n## Context\n\nText.\n\n## Consequences\n\nText.\n")
        self.assert_problem("docs/decisions/0001-x.md", "headings")

    def test_an_architecture_that_is_too_long(self):
        self.write("docs/README.md", "[ssh](ssh.md) [architecture](architecture.md)\n")
        self.write("docs/architecture.md", "Text.\n" * 120)
        self.assertEqual(docs.check(self.root), [])
        self.write("docs/architecture.md", "Text.\n" * 121)
        self.assert_problem("docs/architecture.md has 121 lines, more than 120")

    def test_a_page_for_reference_that_nobody_finds(self):
        self.write("docs/reference/other.md", "Text.\n")
        self.assert_problem("docs/README.md does not list reference/other.md")

    def test_a_link_to_nowhere_in_a_page_for_reference(self):
        self.write("docs/README.md", "[ssh](ssh.md) [other](reference/other.md)\n")
        self.write("docs/reference/other.md", "[ssh](ssh.md)\n")
        self.assert_problem("docs/reference/other.md", "ssh.md")

    def test_a_test_that_is_gone(self):
        self.page("Tested by `tests/module/gone_test.cc`.")
        self.assert_problem("docs/ssh.md", "tests/module/gone_test.cc")

    def test_an_unknown_section_in_prose(self):
        self.page("`[sesion] lifetime`")
        self.assert_problem("[sesion] is no section")

    def test_an_unknown_key_in_prose(self):
        self.page("`[session] lifetim`")
        self.assert_problem("[session] has no key lifetim")

    def test_an_unknown_setting_in_prose(self):
        self.page("`reauthh = none`")
        self.assert_problem("reauthh")

    def test_an_unknown_key_in_a_block(self):
        self.page("```text\n[service sudo]\nreautj = full\n```")
        self.assert_problem("[service] has no key reautj")

    def test_an_unknown_section_in_a_block(self):
        self.page("```text\n[sessions]\nlifetime = 1h\n```")
        self.assert_problem("[sessions] is no section")

    def test_an_unknown_command(self):
        self.page("`cognitoctl statos`")
        self.assert_problem("cognitoctl statos")

    def test_an_unknown_subcommand(self):
        self.page("```sh admin\ncognitoctl mfa shaw\n```")
        self.assert_problem("cognitoctl mfa shaw")

    def test_an_unknown_option(self):
        self.page("```sh admin\ncognitoctl status --metric\n```")
        self.assert_problem("--metric: no such option")

    def test_a_block_of_json_that_is_none(self):
        self.write("README.md", "```json\n{\"a\": 1,}\n```\n")
        self.assert_problem("README.md: line 1: no json")

    @unittest.skipUnless(docs.yaml, "needs python3-yaml")
    def test_a_block_of_yaml_that_is_none(self):
        self.page("```yaml cloud-init\nusers: [alice\n```")
        self.assert_problem("line 5: no yaml")

    @unittest.skipUnless(docs.yaml, "needs python3-yaml")
    def test_yaml_with_tags_of_others(self):
        self.page("```yaml cloudformation\nId: !Ref Pool\n```")
        self.assertEqual(docs.check(self.root), [])

    @unittest.skipUnless(docs.yaml, "needs python3-yaml")
    def test_a_workflow_that_is_no_yaml(self):
        self.write(".github/workflows/ci.yml", "on: [push\n")
        self.assert_problem(".github/workflows/ci.yml: no yaml")

    def test_a_page_that_the_test_does_not_follow(self):
        self.write("docs/README.md", "[ssh](ssh.md) [sudo](sudo.md)\n")
        self.write("docs/sudo.md", "```sh person\nsudo id\n```\n")
        self.assert_problem("docs/sudo.md", "does not follow it")

    def test_a_page_that_is_followed_and_has_nothing_to_run(self):
        self.write("docs/ssh.md", "Text.\n")
        self.assert_problem("docs/ssh.md", "finds nothing to run")

    def test_a_block_of_no_kind(self):
        self.page("```sh\nls\n```")
        self.assert_problem('a block of the kind "sh"')


if __name__ == "__main__":
    unittest.main()
