#!/usr/bin/env python3
"""what_the_person_sees.py [--check]: writes docs/what-the-person-sees.md from the golden transcripts of
tests/system/golden/; with --check it only says whether the page is as it would be written."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/system/golden"
PAGE = ROOT / "docs/what-the-person-sees.md"

INTRODUCTION = """\
# What the person sees

Whole logins as they look in a terminal. Each was typed into the real `ssh`, `sudo` or `passwd` by
`./dev test system`, which compares them with the files in `tests/system/golden/`; this page is made
of those files (`scripts/what_the_person_sees.py`). What is typed without being shown stands in
angle brackets. Codes are replaced by 123456. `(alice@127.0.0.1)` is put there by the ssh client.
"""

SECTIONS = (
    ("Every day", (
        ("totp", "Password, then the code from the authenticator app."),
        ("sms", "The code comes by SMS. It is sent only after the password was right."),
        ("email", "The code comes by e-mail."),
        ("choice", "Several factors, none preferred, and `choose = ask`: the person chooses, and only "
                   "then a message is sent."),
        ("wrong-code", "What is no code is never sent to the pool. A wrong code may be typed again, "
                       "three times in all."),
        ("send-again", "An empty answer has the message sent again, once."),
        ("sudo", "sudo shows its own words for the password."),
        ("german", "The same in German (`[texts] language = de`). The password's prompt stays as it "
                   "is: it is the one that people without Cognito see."),
    )),
    ("The first login", (
        ("first-login", "The pool demands a second factor (MFA_SETUP). The QR code is for the app; "
                        "where a terminal cannot show it, the secret can be typed, and `a` or `n` "
                        "gives another form."),
        ("setup-choice", "The pool offers app and e-mail, and `choose = ask`."),
        ("new-password", "A temporary password must be changed. What the pool's policy refuses is "
                         "asked for again, with the reason."),
        ("confirmation", "The account was never confirmed. With `[password] self_service = yes` an "
                         "empty answer has the code sent again."),
        ("custom-challenge", "A question of the pool's own (`auth_flow = custom-srp`)."),
    )),
    ("A new password", (
        ("passwd", "`passwd` changes the password in the pool, after a full sign-in."),
        ("reset", "An admin has reset the password: the code came with that."),
        ("forgotten-password", "`[password] self_service = yes`, and Enter at the password. The words "
                               "are the same whether the account exists or not."),
    )),
    ("Refusals", (
        ("wrong-password", "A wrong password, an unknown and a disabled account read the same."),
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
