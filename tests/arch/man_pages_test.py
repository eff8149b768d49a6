"""man_pages_test.py ROOT: the manual pages say what the code says, and the check can fail."""

import pathlib
import subprocess
import sys
import unittest

import man_pages

ROOT = pathlib.Path(sys.argv.pop(1))


def page(name):
    return f"docs/man/{name}.scd"


class Pages(unittest.TestCase):
    def test_the_pages_say_what_the_code_says(self):
        self.assertEqual(man_pages.check(man_pages.Tree(ROOT)), [])

    def test_the_formatter_has_nothing_to_say(self):
        # The command behind `man --warnings`; lintian goes by its output.
        groff = ["groff", "-man", "-t", "-ww", "-z", "-Kutf8", "-Tutf8"]
        for name in man_pages.PAGES:
            with self.subTest(page=name):
                roff = subprocess.run(["scdoc"], input=(ROOT / page(name)).read_bytes(),
                                      capture_output=True, timeout=10, check=False)
                self.assertEqual((roff.returncode, roff.stderr), (0, b""))
                shown = subprocess.run(groff, input=roff.stdout, capture_output=True, timeout=10,
                                       check=False)
                self.assertEqual((shown.returncode, shown.stdout + shown.stderr), (0, b""))


class Planted(unittest.TestCase):
    """Each fault planted in a page or in the code is found."""

    def assert_found(self, check, file, old, new, *parts):
        text = (ROOT / file).read_text(encoding="utf-8")
        self.assertTrue(old in text, f"{file} has no {old!r} to plant a fault in")
        tree = man_pages.Tree(ROOT, {file: text.replace(old, new, 1)})
        problems = check(tree)
        self.assertTrue(problems)
        for part in parts:
            self.assertIn(part, "\n".join(problems))

    def test_cognitod_conf(self):
        check, file = man_pages.check_cognitod_conf, page("cognitod.conf.5")
        settings, config = "daemon/policy/settings.cc", "daemon/policy/config.h"
        for changed, old, new, *parts in (
                (file, "\n*revalidate* =", "\n*revalidates* =", "[session] revalidate is missing",
                 "revalidates is not in the code"),
                (file, "# SECTION [keys]", "# SECTION [key]", "SECTION [keys] is missing"),
                (file, "Default: *12h*.", "Default: *11h*.", "lifetime", "12h"),
                (file, "Default: *totp email sms*.", "", "methods", "totp email sms"),
                (file, "From *0* to *30d*", "From *0* to *31d*", "lifetime", "30d"),
                (file, "*never* | *when-required*", "*never*", "enroll", "when-required"),
                (file, "*failures* = _NUMBER_", "*failures* = _DURATION_", "_NUMBER_"),
                (file, "and *atd* it is *allow*", "it is *allow*", "('atd', 'allow') is missing"),
                (file, "login          50s", "login          60s", "'login', '50s'"),
                (settings, '"mfa", "enroll"', '"mfa", "enrols"', "enrols is missing"),
                (settings, '{"email", Identity::email}', '{"mail", Identity::email}', "identity"),
                (config, "lifetime{12 * 3600}", "lifetime{8 * 3600}", "lifetime", "8h"),
                (config, "unsigned messages = 5", "unsigned messages = 6", "messages", "6"),
                (config, "bool require = true", "bool require = false", "require"),
                ("daemon/policy/service_profile.cc", 'Row{"sudo-i",', 'Row{"sudo-x",', "sudo-x"),
        ):
            with self.subTest(new=new):
                self.assert_found(check, changed, old, new, *parts)

    def test_users_conf(self):
        check = man_pages.check_users_conf
        self.assert_found(check, page("users.conf.5"), "\n*exclude*=", "\n*except*=",
                          "exclude is missing", "except is not in the code")
        self.assert_found(check, "common/users_conf.h", "min_uid = 1000", "min_uid = 500", "min_uid")

    def test_accounts_conf(self):
        check = man_pages.check_accounts_conf
        self.assert_found(check, page("accounts.conf.5"), "\n*shells* =", "\n*shell* =",
                          "shells is missing", "shell is not in the code")
        self.assert_found(check, "nss/accounts_conf.h", "last = 2099999999", "last = 2100000000", "range")

    def test_the_module(self):
        check, file = man_pages.check_module, page("pam_cognito.8")
        self.assert_found(check, file, "\n*debug*\n", "\n*verbose*\n", "option debug is missing")
        self.assert_found(check, file, "refused              PAM_AUTH_ERR ",
                          "refused              PAM_PERM_DENIED ", "refused of authenticate")
        self.assert_found(check, "common/protocol_limits.h", "kModuleCallTime{2}", "kModuleCallTime{3}",
                          "time 3 s")
        self.assert_found(check, "pam/result.cc", "return PAM_ACCT_EXPIRED", "return PAM_CRED_EXPIRED",
                          "PAM_CRED_EXPIRED is missing")

    def test_the_interface(self):
        check, file = man_pages.check_interface, page("org.pamcognito.Auth1.5")
        for old, new, part in (
                ("*EndSession*(s id)", "*EndSession*(s user)", "*EndSession*(s id) -> () is missing"),
                ("*Configured* b", "*Configured* s", "*Configured* b is missing"),
                ("*org.pamcognito.Error.Refused*", "*org.pamcognito.Error.No*", "Error.Refused"),
                ("\n*rhost* s\n", "\n*host* s\n", "fact rhost is missing"),
                ("*age_s* t", "*age_s* u", "age_s t is missing"),
                ("\nack         18", "\nack         20", "('ack', 18) is missing"),
                ("\nchoice              5", "", "('choice', 5) is missing"),
                ("\nrefused               2", "\nrefuse                2", "('refused', 2)")):
            with self.subTest(new=new):
                self.assert_found(check, file, old, new, part)

    def test_cognitoctl(self):
        check, file = man_pages.check_cognitoctl, page("cognitoctl.1")
        for old, new, part in (
                ("\n*sign-out* ", "\n*signout* ", "command sign-out is missing"),
                (" [*--refresh*]", "", "option of mfa show --refresh is missing"),
                ("*--refresh* asks", "It asks", "--refresh is not described"),
                ("\n*--json*\n", "\n*--jason*\n", "option --json is missing"),
                ("*5*\n\tdoctor found", "*7*\n\tdoctor found", "exit status ('5'"),
                ("*cause_text*,", "", "JSON member cause_text is missing"),
                ("\n*NO_COLOR*\n", "\n*NO_COLOUR*\n", "variable NO_COLOR is missing")):
            with self.subTest(new=new):
                self.assert_found(check, file, old, new, part)

    def test_cognitod(self):
        check, file = man_pages.check_cognitod, page("cognitod.8")
        for old, new, part in (
                ("\n*--state* ", "\n*--stat* ", "option --state is missing"),
                ("\n*STATE_DIRECTORY*\n", "\n*STATE_DIR*\n", "variable STATE_DIRECTORY is missing"),
                ("*SIGTERM*, *SIGINT*", "*SIGTERM*", "signal SIGINT is missing"),
                ("\n*PAM_COGNITO_CALLS*\n", "\n*PAM_COGNITO_CALL*\n", "journal field"),
                ("One user from one place: 8.", "", "limit 8 is missing"),
                ("{operation, result}", "{operation}", "pam_cognito_calls_total"),
                ("\n*pam_cognito_messages_total*", "\n*pam_cognito_message_total*", "metric")):
            with self.subTest(new=new):
                self.assert_found(check, file, old, new, part)

    def test_references(self):
        check = man_pages.check_references
        self.assert_found(check, page("cognitod.8"), "*users.conf*(5)", "*users.conf*(8)",
                          "there is no users.conf(8)")
        self.assert_found(check, page("users.conf.5"), "# EXAMPLES", "# EXAMPLE", "no section EXAMPLES")
        self.assert_found(check, page("pam_cognito.8"), "*reset_services* of", "*resets* of", "no resets")
        self.assert_found(check, "docs/man/CMakeLists.txt", "  users.conf.5\n", "",
                          "users.conf.5 is missing")


if __name__ == "__main__":
    unittest.main()
