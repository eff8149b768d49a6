#!/usr/bin/env python3
"""reference_pages.py [--check] [ROOT]: writes the pages of docs/reference that are made of other files:
log-causes.md (cli/explain/cause_text.cc), messages.md (daemon/prompts/notices.cc) and man/ (docs/man/*.scd).
With --check it writes nothing, and fails if a page is not as it would be written."""

import pathlib
import re
import sys

ORIGIN = "<!-- Made by scripts/reference_pages.py of {}. Do not edit. -->"

# The remedies of causes that need one. The code has the meaning.
REMEDIES = {
    "not-authorized": "check name and password; the pool does not report which is wrong",
    "user-disabled": "enable the account in the pool",
    "disabled": "enable the account in the pool",
    "temporary-password-expired": "`admin-create-user … --message-action RESEND`",
    "password-attempts-exceeded": "wait; look for the source of the attempts",
    "imported-user": "reset the password, or allow `self_service` of `[password]`",
    "mfa-method-not-found": "add a phone number or an address, or another second factor",
    "identity": "compare `cognito_username`, `identity` and `case_sensitive` of `[access]` with `PAM_COGNITO_DETAIL`",
    "another-account": "`cognitoctl identity list`; reset the pin if it is out of date",
    "account-taken": "`cognitoctl identity pin`, if both users may use the account",
    "not-pinned": "`cognitoctl identity pin USER SUB`",
    "access": "add the user to a group of `allow_groups`",
    "too-many-requests": "request a higher quota from AWS",
    "local-shortage": "look at the machine's load and memory",
    "undecided": "look at the line before in `journalctl -u cognitod`",
    "failure-budget": "wait for 15 minutes (`failure_window` of `[limits]`)",
    "first-login-limit": "try again after a minute; look for the source of the attempts",
    "message-budget": "wait for 15 minutes (`message_window` of `[limits]`)",
    "unknown": "the user signs in once with password and code",
    "no-second-factor": "set up a second factor, or require MFA in the pool",
    "set-up-not-allowed": "change `enroll` of `[mfa]`, or set the factor up elsewhere",
    "invalid-parameter": "`cognitoctl doctor`: add `ALLOW_USER_SRP_AUTH` to the app client",
    "resource-not-found": "`cognitoctl doctor`: compare pool id and client id",
    "unconfigured": "`cognitoctl setup`",
    "answer-is-the-password": "the program cannot ask twice: `single_prompt = yes`, or sshd without `PasswordAuthentication`",
    "password-as-code": "the program cannot ask twice: `single_prompt = yes`, or sshd without `PasswordAuthentication`",
    "deadline": "try again; for sshd, raise `LoginGraceTime` and `sign_in_timeout`",
}

# Advice for a user after a message, by the function of notices.cc that makes the message.
ADVICE = {
    "wrong_code": "type the code that the app shows now; check the phone's clock",
    "code_already_used": "wait for the next code",
    "code_expired": "ask for a new code",
    "refused": "check name and password, then ask the administrator",
    "too_many_tries": "wait 15 minutes",
    "too_many_wrong_codes": "wait until then",
    "too_many_failures": "wait until then",
    "with_reference": "tell the administrator the reference: `cognitoctl explain` takes it",
    "too_many_messages": "wait 15 minutes, then use the newest code",
    "time_is_up": "start again",
    "pool_not_connected": "try again in a minute",
    "pool_unreachable": "type the local password, if there is one",
    "pool_failed": "try again; then ask the administrator",
    "busy": "try again in a moment",
    "machine_busy": "try again in a moment",
    "no_address_for_codes": "ask the administrator",
    "second_factor_needed": "ask the administrator",
    "factor_not_accepted": "set up one of the accepted factors",
    "not_permitted": "ask the administrator for access to this machine",
    "cannot_set_up": "sign in by ssh or at another machine, or ask the administrator",
    "ask_administrator": "ask the administrator",
    "no_session": "sign in first, for example with sudo",
    "no_factor_to_change": "`cognitoctl mfa setup`",
    "factor_was_changed": "if you did not make the change, tell the administrator",
}


def literals(text):
    """The adjacent string literals of C++ as one string."""
    joined = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))
    return joined.replace('\\"', '"').replace("\\n", " ")


def cell(text):
    return re.sub(r"\{\d\}", "…", text).replace("|", "\\|").strip()


def log_causes(root):
    text = (root / "cli/explain/cause_text.cc").read_text(encoding="utf-8")
    rows = [(cause, literals(words)) for cause, words in
            re.findall(r'Sentence\{\s*"([a-z-]+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}', text)]
    if len(rows) != text.count("Sentence{"):
        sys.exit("cli/explain/cause_text.cc: a row cannot be read")
    if unknown := REMEDIES.keys() - dict(rows):
        sys.exit(f"remedies of causes that there are not: {sorted(unknown)}")
    lines = ["# Causes", "", "**Reference.** The values of `PAM_COGNITO_CAUSE` in the log, as `cognitoctl explain` shows them.", "",
             ORIGIN.format("cli/explain/cause_text.cc"), "",
             "Values are stable. [Log fields](log-fields.md) has the other fields. A cause that is not listed is the pool's own error.", "",
             "| cause | meaning | remedy |", "|---|---|---|"]
    lines += [f"| `{cause}` | {cell(words)} | {REMEDIES.get(cause, '')} |" for cause, words in sorted(rows)]
    return "\n".join(lines) + "\n"


def messages(root):
    text = (root / "daemon/prompts/notices.cc").read_text(encoding="utf-8")
    functions = re.findall(r"^std::string (\w+)\([^)]*\) \{\n(.*?)^\}", text, re.M | re.S)
    if unknown := ADVICE.keys() - dict(functions):
        sys.exit(f"advice for functions that notices.cc does not have: {sorted(unknown)}")
    rows = []
    for name, body in functions:
        for words in re.findall(r'\btr\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', body):
            rows.append((cell(literals(words)), ADVICE.get(name, "")))
    lines = ["# Messages", "", "**Reference.** The notices of cognitod that a user can see, and what to do.", "",
             ORIGIN.format("daemon/prompts/notices.cc"), "",
             "`…` stands for a value. The [user guide](../user-guide.md) explains the frequent ones.", "",
             "| message | what to do |", "|---|---|"]
    lines += [f"| {words} | {advice} |" for words, advice in sorted(set(rows))]
    return "\n".join(lines) + "\n"


class ManPage:
    """A page of scdoc as Markdown: headings, terms with their text, literal blocks, bold and italic."""

    def __init__(self, name, text, names):
        self._names, self._name = names, name
        self._lines = text.splitlines()

    def markdown(self):
        title = re.match(r"([\w.-]+)\((\d)\)", self._lines[0])
        out = [f"# {title.group(1)}({title.group(2)})", "",
               f"**Reference.** The manual page {title.group(1)}({title.group(2)}).", "",
               ORIGIN.format(f"docs/man/{self._name}.scd"), ""]
        literal = False
        for number, line in enumerate(self._lines[1:], 1):
            if line.strip() == "```":
                literal = not literal
                out.append(re.sub(r"^\t", "  ", line) + ("text" if literal else ""))
            elif literal:
                out.append(re.sub(r"^\t", "  ", line))
            elif line.startswith("#"):
                out.append("#" + re.sub(r"\\(.)", r"\1", line))
            elif line.startswith("\t"):
                out.append("  " + self._inline(line[1:]))
            elif line and self._is_term(number):
                out += ["- " + self._inline(line), ""]
            else:
                out.append(self._inline(line))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(out)) .rstrip("\n") + "\n"

    def _is_term(self, number):
        """Is the next line text that belongs to this one?"""
        following = self._lines[number + 1] if number + 1 < len(self._lines) else ""
        return following.startswith("\t")

    def _inline(self, line):
        escaped = []

        def keep(found):
            escaped.append("\\" + found.group(1))
            return f"\0{len(escaped) - 1}\0"
        line = re.sub(r"\\(.)", keep, line)
        line = re.sub(r"(?<!\w)_([^_\s](?:.*?[^_\s])?)_(?!\w)", "\1\\1\1", line)
        line = re.sub(r"\*([\w.-]+)\*\((\d)\)", self._reference, line)
        line = re.sub(r"\*(?!\*)([^*]+?)\*", r"**\1**", line)
        line = line.replace("\1", "*").replace("<", "&lt;")
        return re.sub("\0(\\d+)\0", lambda found: escaped[int(found.group(1))], line)

    def _reference(self, found):
        name = f"{found.group(1)}.{found.group(2)}"
        shown = f"{found.group(1)}({found.group(2)})"
        return f"[{shown}]({name}.md)" if name in self._names else shown


def pages(root):
    """{path below docs/reference: text}"""
    sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted((root / "docs/man").glob("*.scd"))}
    made = {"log-causes.md": log_causes(root), "messages.md": messages(root)}
    for name, text in sources.items():
        made[f"man/{name}.md"] = ManPage(name, text, sources).markdown()
    return made


def main():
    arguments = sys.argv[1:]
    check = "--check" in arguments
    arguments = [each for each in arguments if each != "--check"]
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent.parent
    folder = root / "docs/reference"
    stale = []
    for name, text in pages(root).items():
        path = folder / name
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(f"docs/reference/{name}")
        elif not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.exit("not current: run scripts/reference_pages.py for " + ", ".join(stale))
    if check:
        print("docs/reference is current")


if __name__ == "__main__":
    main()
