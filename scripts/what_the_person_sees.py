#!/usr/bin/env python3
"""what_the_person_sees.py [--check]: writes docs/what-the-person-sees.md from the golden transcripts of
tests/system/golden/; with --check it only says whether the page is as it would be written."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/system/golden"
PAGE = ROOT / "docs/what-the-person-sees.md"

INTRODUCTION = """\
# Transcripts

**Reference.** Whole logins as they look in a terminal, with the settings that cause them. Users read the [user guide](user-guide.md).

Text that is typed and not shown is in angle brackets. Codes are replaced by 123456. The ssh client writes `(alice@127.0.0.1)`.

<!-- Made by scripts/what_the_person_sees.py of tests/system/golden/, which ./dev test system compares with the real programs. -->
"""

SECTIONS = (
    ("Every day", (
        ("totp", "Password, then the code from the authenticator app."),
        ("sms", "The code comes by SMS. It is sent only after the password was right."),
        ("email", "The code comes by e-mail."),
        ("choice", "Several factors, none preferred, and `ask_method = yes`: the user chooses, and only "
                   "then a message is sent."),
        ("other-method", "`o` asks for the other factor: a new sign-in at Cognito, without another password prompt."),
        ("wrong-code", "An answer that cannot be a code is never sent to the pool. A wrong code may be typed again, "
                       "three times in all."),
        ("send-again", "An empty answer has the message sent again, once."),
        ("sudo", "sudo has its own prompt for the password."),
        ("german", "The same in German (`[texts] language = de`). The password prompt is the same for "
                   "all users, so it is not translated."),
    )),
    ("The first login", (
        ("first-login", "The pool demands a second factor (MFA_SETUP). If the terminal "
                        "cannot show the QR code, the user types the secret. `a` or `n` gives another form."),
        ("setup-choice", "The pool offers app and e-mail, and `ask_method = yes`."),
        ("new-password", "A temporary password must be changed. If the pool's policy refuses the new "
                         "one, cognitod asks again and shows the reason."),
        ("confirmation", "The account was never confirmed. With `[password] self_service = yes` an "
                         "empty answer has the code sent again."),
        ("custom-challenge", "A custom challenge of the pool (`auth_flow = custom-srp`)."),
    )),
    ("A new password", (
        ("passwd", "`passwd` changes the password in the pool, after a full sign-in."),
        ("reset", "An administrator has reset the password, and Cognito has sent the code."),
        ("forgotten-password", "`[password] self_service = yes`, and Enter at the password. The texts "
                               "are the same whether the account exists or not."),
    )),
    ("Refusals", (
        ("wrong-password", "A wrong password, an unknown and a disabled account show the same text."),
        ("too-many-tries", "Three wrong codes."),
        ("no-second-factor", "The account has no second factor, and none may be set up here."),
        ("not-permitted", "The account is in no group that may sign in here."),
    )),
)


def page():
    parts = [INTRODUCTION]
    for heading, logins in SECTIONS:
        parts.append(f"## {heading}\n")
        for name, words in logins:
            transcript = (GOLDEN / f"{name}.txt").read_text()
            parts.append(f"{words}\n\n```text\n{transcript}```\n")
    return "\n".join(parts)


def main():
    shown = {name for _, logins in SECTIONS for name, _ in logins}
    files = {path.stem for path in GOLDEN.glob("*.txt")}
    if shown != files:
        sys.exit(f"golden transcripts and page differ: {sorted(shown ^ files)}")
    if sys.argv[1:] == ["--check"]:
        if PAGE.read_text() != page():
            sys.exit(f"{PAGE.relative_to(ROOT)} is not what the golden transcripts make: run "
                     "scripts/what_the_person_sees.py")
    elif not sys.argv[1:]:
        PAGE.write_text(page())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
