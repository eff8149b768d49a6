"""The language and the form of README.md, SECURITY.md and docs/, and the language of all other pages, comments and texts of the tree:
a list of words, the purpose and the size of each page, tables that can be read, transcripts and commands that are those of a run.

check(root) gives the problems, a line each.
"""

import pathlib
import re

import comments
from docs import RUN, blocks_of, pages_of_docs, prose_of

# Made by scripts: their words are checked, their form is not. The words of log-causes.md are those of cognitoctl explain.
GENERATED = ("docs/reference/man/", "docs/reference/log-causes.md", "docs/reference/messages.md",
             "docs/what-the-person-sees.md")
# Pages for developers have a form of their own.
DEVELOPERS = ("docs/architecture.md", "docs/glossary.md", "docs/decisions/")

PURPOSES = ("Tutorial", "How-to", "Reference", "Explanation")
MOST_WORDS = 1800
MOST_LINES = 300
# README: lines before the first command to type, and in all.
SCREEN, README_LINES = 45, 160
MOST_CELL_WORDS = 15
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")

# Each rule: what a hit means, and an expression.
WORDS = (
    ("name the actor", r"\b(?:ours|our users|somebody|whoever|strangers?|the others|nobody of)\b"),
    ("use the field's term", r"\b(?:mend(?:ed|s)?|for want of|but for|look(?:s|ed)? away|as kind as|a clear word|"
                             r"by a word|the words? (?:is|says?|stands?)|stands? (?:in|there|still|under|below|beside)|stood|"
                             r"still stands?|giv(?:es?|en) (?:it )?up|gave up)\b"),
    ("programs report, people say", r"(?:\b|(?=`))(?:cognitod|cognitoctl|pam_cognito|doctor|explain|setup|sshd|systemd|the log|the file|"
                                    r"the page|the pool|Cognito|journald|`…)`?\*{0,2} (?:says?|said|tells?|told)\b"),
    ("American spelling", r"\b(?:organis|recognis|authoris|initialis|behaviour|neighbour|colour|favour|catalogue|enrolment|licence|cancelled)"),
    ("say it in docs/status.md", r"\b(?:was|were) (?:seen|run by)\b|\b(?:not|were) tried\b|tests/machine/\w+\.py"),
)
# The rules that comments of all sources, texts for users and log messages keep, too. Comments name the tests that guard them.
SOURCE_RULES = WORDS[:3]
RULES_OF_STATUS = WORDS[:4]
MAY_NAME_TESTS = ("docs/status.md", "docs/reference/supported-systems.md", "docs/performance.md")
FIRST = re.compile(r"^(?:What|Whoever|Whose|Whom|Where|Of|Else|Who)\b")
# A heading names its subject. "How-to" is a kind of page.
FIRST_OF_HEADING = re.compile(r"^(?:What|Whoever|Whose|Whom|Where|Of|Else|Who|Which|When|How)\b(?!-)")


def is_one_of(name, list_of_names):
    return any(name == each or (each.endswith("/") and name.startswith(each)) for each in list_of_names)


def paragraphs(text):
    """(line, text) of each paragraph, item and table row, without blocks, headings, comments and code spans."""
    found, lines, start, fenced = [], [], 0, False

    def end():
        if lines:
            found.append((start, " ".join(lines)))
            lines.clear()
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"^ *```", line):
            fenced = not fenced
            end()
        elif fenced or re.match(r"^    \S", line) and not lines:
            continue
        elif not line.strip() or line.startswith(("#", "<")):
            end()
        else:
            if re.match(r"^ *(?:[-*>] |\d+\. |\|)", line):
                end()
            if not lines:
                start = number
            lines.append(line.strip())
    end()
    return [(line, re.sub(r"`[^`]*`", "`…`", re.sub(r"\]\([^)]*\)", "]", each))) for line, each in found]


def sentences(paragraph):
    plain = re.sub(r"^(?:[-*>] |\d+\. )", "", paragraph).replace("**", "").replace("[", "").replace("]", "")
    return [each.strip() for each in re.split(r"(?<=[.!?:])\s+", plain) if each.strip()]


def wrong_words(text, rules=WORDS):
    for line, paragraph in paragraphs(text):
        quoted = re.sub(r'"[^"]*"', '"…"', paragraph)
        for rule, expression in rules:
            for hit in re.finditer(expression, quoted, re.IGNORECASE):
                yield f'line {line}: "{hit.group()}": {rule}'
        if not paragraph.startswith("|"):
            for sentence in sentences(quoted):
                if FIRST.match(sentence) and not sentence.endswith("?"):
                    yield f'line {line}: begins with "{sentence.split()[0]}": subject, verb, object'


def many_semicolons(text):
    for line, paragraph in paragraphs(text):
        if not paragraph.startswith("|") and re.sub(r'"[^"]*"', '"…"', paragraph).count(";") > 1:
            yield f"line {line}: more than one semicolon"


def headless_headings(text):
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        fenced ^= bool(re.match(r"^ *```", line))
        heading = re.match(r"^#+ +(.*)$", line)
        if heading and not fenced and FIRST_OF_HEADING.match(heading[1]):
            yield f'line {number}: the heading begins with "{heading[1].split()[0]}": name its subject'


def long_cells(text):
    for line, paragraph in paragraphs(text):
        if paragraph.startswith("|"):
            for cell in re.split(r"(?<!\\)\|", paragraph.strip("|")):
                if len(re.findall(r"\w[\w'’.-]*", cell.replace("`…`", ""))) > MOST_CELL_WORDS:
                    yield f"line {line}: a table cell of more than {MOST_CELL_WORDS} words"


def wrong_purpose(text):
    near = [line for line in text.splitlines()[:6] if line]
    if not (len(near) > 1 and re.match(rf"\*\*(?:{'|'.join(PURPOSES)})\.\*\* \S", near[1])):
        yield f"the second line is no purpose (one of {', '.join(PURPOSES)}: **How-to.** …)"


def wrong_size(text):
    words, lines = len(prose_of(text).split()), text.count("\n")
    if words > MOST_WORDS or lines > MOST_LINES:
        yield f"too long for one page: {words} words ({MOST_WORDS}), {lines} lines ({MOST_LINES})"


def wrong_readme(text):
    lines = text.splitlines()
    if len(lines) > README_LINES:
        yield f"{len(lines)} lines, at most {README_LINES}"
    commands = [number for number, line in enumerate(lines, 1) if line.startswith("```sh")]
    if not commands or commands[0] > SCREEN:
        yield f"no command on the first screen ({SCREEN} lines)"


def commands_of(text, *kinds):
    return [line.strip() for block in blocks_of(text) if block.info in kinds for line in block.text.splitlines() if line.strip()]


def untested_install(root, text):
    """The lines of README's block `sh install` are in the quick start, which is run."""
    tested = commands_of((root / "docs/quick-start.md").read_text(encoding="utf-8"), *RUN)
    lines = commands_of(text, "sh install")
    if not lines:
        yield "it has no block of the kind \"sh install\""
    for line in lines:
        if line not in tested:
            yield f"docs/quick-start.md does not run: {line}"


def shown_to_users(text):
    """A transcript as the pages show it: the host has a name, and there is no command behind it."""
    return text.replace("127.0.0.1", "host").replace(" id -un", "")


def invented_transcripts(root, text):
    """A block `text transcript` is a part of a transcript that the tests compare with the real programs."""
    golden = [shown_to_users(path.read_text(encoding="utf-8")) for path in (root / "tests/system/golden").glob("*.txt")]
    for block in blocks_of(text):
        if block.info == "text transcript" and not any(block.text.rstrip("\n") + "\n" in each for each in golden):
            yield f"line {block.line}: no transcript in tests/system/golden has this"


def wrong_changelog(text):
    """The form of Keep a Changelog 1.1.0. Releases before 0.3.0 were made without kinds of changes."""
    versions = re.findall(r"^## (.*)$", text, re.M)
    if versions[:1] != ["[Unreleased]"]:
        yield "the first heading is not [Unreleased]"
    for version in versions[1:]:
        if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version):
            yield f"{version}: no version with a date"
    for kind in re.findall(r"^### (.*)$", text, re.M):
        if kind not in KINDS:
            yield f"{kind}: no kind of change ({', '.join(KINDS)})"
    unreleased = text.partition("## [Unreleased]")[2].partition("\n## ")[0]
    if re.search(r"^- ", unreleased.partition("\n### ")[0], re.M):
        yield "a change of [Unreleased] has no kind"
    # The texts of released versions stay as they are.
    for problem in wrong_words(unreleased, RULES_OF_STATUS):
        yield f"[Unreleased], {problem}"


def wrong_comments(root):
    for name, line, words in comments.of_tree(root):
        words = re.sub(r"`[^`]*`", "`…`", words)
        if name.split("/")[0] not in comments.TEXTS:
            words = re.sub(r'"[^"]*"', '"…"', words)
        for rule, expression in SOURCE_RULES:
            for hit in re.finditer(expression, words, re.IGNORECASE):
                yield f'{name}: line {line}: "{hit.group()}": {rule}'
        for sentence in sentences(words):
            if FIRST.match(sentence) and not sentence.endswith("?"):
                yield f'{name}: line {line}: begins with "{sentence.split()[0]}": subject, verb, object'


def check(root):
    root = pathlib.Path(root)
    found = [f"CHANGELOG.md: {each}" for each in wrong_changelog((root / "CHANGELOG.md").read_text(encoding="utf-8"))]
    for path in [root / "CONTRIBUTING.md", *sorted((root / "tests").rglob("*.md"))]:
        if "node_modules" not in path.parts:
            text = path.read_text(encoding="utf-8")
            found += [f"{path.relative_to(root).as_posix()}: {each}"
                      for each in [*headless_headings(text), *wrong_words(text, SOURCE_RULES)]]
    for path in [root / "README.md", root / "SECURITY.md", *pages_of_docs(root)]:
        name, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        problems = [*invented_transcripts(root, text), *headless_headings(text), *many_semicolons(text)]
        if name == "README.md":
            problems += [*wrong_readme(text), *untested_install(root, text)]
        elif name.startswith("docs/") and not is_one_of(name, DEVELOPERS):
            problems += wrong_purpose(text)
        problems += wrong_words(text, RULES_OF_STATUS if is_one_of(name, MAY_NAME_TESTS) else WORDS)
        if not is_one_of(name, GENERATED + DEVELOPERS):
            problems += [*long_cells(text), *wrong_size(text)]
        found += [f"{name}: {each}" for each in problems]
    return [*found, *wrong_comments(root)]
