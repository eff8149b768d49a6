"""The references of the pages: links have a target, keys and commands exist in the code, and a block
names its kind, so that a test knows whether to run it.

check(root) gives the problems, a line each. YAML is read only if Python has a parser for it.
"""

import json
import pathlib
import re

try:
    import yaml
except ImportError:
    yaml = None

RECORD_HEADINGS = ["Context", "Decision", "Consequences"]
MAX_ARCHITECTURE_LINES = 120

# The folders of pages. docs/man has the sources of the manual pages, docs/reviews dated reports.
FOLDERS = ("docs", "docs/how-to", "docs/reference", "docs/reference/man", "docs/explanation", "docs/decisions")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")

# The kinds of blocks in docs/. A reader types the first four, and FOLLOWER runs them; the other commands for
# administrators are for AWS.
RUN = ("sh admin", "sh admin asks", "sh admin values", "sh person")
NOT_RUN = ("sh aws", "console", "text", "text transcript", "layers", "yaml cloudformation", "yaml cloud-init", "hcl terraform")
FOLLOWER = "tests/machine/admin_pages_test.py"

CONFIG_BLOCKS = re.compile(r"^ *\[(?P<section>[a-z_]+)(?: (?P<service>[A-Za-z0-9_.-]+))?\] *$")
# Sections of systemd's and other programs' files, which blocks contain as well, and the groups of accounts.conf.
FOREIGN_SECTIONS = {"Service", "Unit", "Install", "Seat", "LightDM", "groups", "directory", "default", "Timer", "pam-cognito"}


def pages(root):
    found = [root / name for name in PAGES if (root / name).exists()]
    return found + pages_of_docs(root)


def pages_of_docs(root):
    return [page for folder in FOLDERS for page in sorted((root / folder).glob("*.md"))]


class Block:
    def __init__(self, info, text, line):
        self.info, self.text, self.line = info, text, line


def blocks_of(text):
    """The fenced blocks of a page, in order. One that is not closed reaches to the end."""
    blocks, info, lines, start = [], None, [], 0
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"^ *```(.*)$", line)
        if not fence:
            if info is not None:
                lines.append(line)
        elif info is None:
            info, lines, start = fence.group(1).strip(), [], number
        else:
            blocks.append(Block(info, "\n".join(lines) + "\n", start))
            info = None
    if info is not None:
        blocks.append(Block(info, "\n".join(lines) + "\n", start))
    return blocks


def prose_of(text):
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)


def missing_tests(root, text):
    """A page that names a test names one that is there."""
    for name in sorted(set(re.findall(r"`(tests/[\w./-]+)`", prose_of(text)))):
        if not (root / name).exists():
            yield f"names {name}, which does not exist"


# Links.
def anchors_of(text):
    """As the common forges make them of headings."""
    anchors = set()
    for heading in re.findall(r"^#+ +(.*)$", prose_of(text), re.M):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchors.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return anchors


def broken_links(root, path, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists():
            yield f"links to {target}, which does not exist"
        elif anchor and there.suffix == ".md":
            if anchor not in anchors_of(there.read_text(encoding="utf-8")):
                yield f"links to {target}: no such heading"


# Configuration.
def known_keys(root):
    """{section: {key, …}} of cognitod.conf and accounts.conf; [service NAME] is "service"."""
    text = (root / "daemon/policy/settings.cc").read_text(encoding="utf-8")
    constants = dict(re.findall(r'string_view (k\w+) = "([a-z_]+)"', text))
    keys = {}
    for section, key in re.findall(r'Row\{(\w+|"[a-z_]+"), "([a-z_]+)"', text):
        keys.setdefault(constants.get(section, section.strip('"')), set()).add(key)
    for reader in ("nss/accounts_conf.h", "accounts/settings.cc"):
        accounts = (root / reader).read_text(encoding="utf-8")
        keys.setdefault("accounts", set()).update(re.findall(r'\bkey == "([a-z_]+)"', accounts))
    return keys


def former_keys(root):
    """The same of the names of 0.2.0, which the changelog has."""
    text = (root / "daemon/policy/setting_names.cc").read_text(encoding="utf-8")
    keys = {}
    for section, key in re.findall(r'Renaming{\s*(\w+|"[a-z_]+"),\s*"([a-z_]+)"', text):
        keys.setdefault({"kService": "service"}.get(section, section.strip('"')), set()).add(key)
    return keys


def users_conf_keys(root):
    text = (root / "common/users_conf.cc").read_text(encoding="utf-8")
    return set(re.findall(r'"([a-z_]+)"', text))


def wrong_settings(keys, text):
    """Lines of configuration in blocks, and `[section] key` in prose."""
    for block in blocks_of(text):
        section = None
        for line in block.text.splitlines():
            opened = CONFIG_BLOCKS.match(line)
            if opened:
                section = opened.group("section")
                if section not in keys and section not in FOREIGN_SECTIONS:
                    yield f"[{section}] is no section"
                continue
            if re.match(r"^ *\[", line) or line.strip() in ("END", ""):
                section = None if line.strip() != "" else section
                continue
            key = re.match(r"^ *#?([a-z_]+) += ", line)
            if key and section in keys and key.group(1) not in keys[section] \
                    and section != "client_metadata":
                yield f"[{section}] has no key {key.group(1)}"
    every = set().union(*keys.values())
    for section, key in re.findall(r"`\[([a-z_]+)(?: [^\]`]+)?\](?: ([a-z_]+))?[^`]*`", prose_of(text)):
        if section not in keys:
            yield f"[{section}] is no section"
        elif key and key not in keys[section]:
            yield f"[{section}] has no key {key}"
    for key in re.findall(r"`([a-z_]+) = [^`]+`", prose_of(text)):
        if key not in every:
            yield f"{key} is no key of the configuration"


# Commands.
def known_commands(root):
    """{command: {subcommand, …}}, and all long options of cognitoctl."""
    text = (root / "cli/arguments.cc").read_text(encoding="utf-8")
    commands, groups = {}, {}
    for variable, name in re.findall(r'CLI::App\* (\w+) =\s*group_of\(app_, "([a-z-]+)"', text):
        groups[variable] = name
        commands[name] = set()
    for parent, name in re.findall(r'(\w+)(?:->|\.)add_subcommand\(\s*"([a-z-]+)"', text):
        if parent == "app_":
            commands.setdefault(name, set())
        elif parent in groups:
            commands[groups[parent]].add(name)
    options = set(re.findall(r'"(--[a-z-]+)"', text)) | {"--help"}
    return commands, options


def wrong_commands(commands, options, text):
    code = "\n".join(block.text for block in blocks_of(text) if not block.info.startswith("layers"))
    code += "\n" + "\n".join(re.findall(r"`([^`\n]+)`", prose_of(text)))
    for line in re.findall(r"\bcognitoctl ([^\n|&;)`]*)", code):
        words = line.replace(":", " ").split()
        while words and words[0] in ("--json",):
            words.pop(0)
        if not words or not re.fullmatch(r"[a-z][a-z-]*", words[0]):
            continue
        command = words[0]
        if command not in commands:
            if command == "COMMAND":
                continue
            yield f"cognitoctl {command}: no such command"
            continue
        if commands[command] and len(words) > 1 and re.fullmatch(r"[a-z][a-z-]*", words[1]) \
                and words[1] not in commands[command]:
            yield f"cognitoctl {command} {words[1]}: no such command"
        for option in re.findall(r"(?<!\S)--[a-z-]+", line):
            if option not in options:
                yield f"cognitoctl {command} {option}: no such option"


def wrong_blocks(path, text):
    if path.parent.name not in ("docs", "how-to", "reference", "explanation"):
        return
    for block in blocks_of(text):
        if block.info not in RUN + NOT_RUN:
            yield (f"line {block.line}: a block of the kind \"{block.info}\"; there are "
                   + ", ".join(RUN + NOT_RUN))


def unfollowed_pages(root):
    """Those with blocks that the test of the pages does not run."""
    followed = set(re.findall(r'\.follow\("([a-z/-]+)"', (root / FOLLOWER).read_text(encoding="utf-8")))
    for page in pages_of_docs(root):
        has_commands = any(block.info in RUN for block in blocks_of(page.read_text(encoding="utf-8")))
        name = page.relative_to(root / "docs").with_suffix("").as_posix()
        if has_commands and name not in followed:
            yield f"docs/{name}.md: {FOLLOWER} does not follow it"
        if name in followed and not has_commands:
            yield f"docs/{name}.md: {FOLLOWER} finds nothing to run"


# Data that is for other programs.
def parse_yaml(text):
    """With the tags of CloudFormation and others, whose meaning does not matter here."""
    loader = type("AnyTag", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", lambda *_: None)
    yaml.load(text, loader)


def unparsable(text, parse, wrong):
    try:
        parse(text)
    except wrong as error:
        return " ".join(str(error).split())
    return None


def broken_data(text):
    for block in blocks_of(text):
        kind, problem = (block.info.split() or [""])[0], None
        if kind == "json":
            problem = unparsable(block.text, json.loads, ValueError)
        elif kind == "yaml" and yaml:
            problem = unparsable(block.text, parse_yaml, yaml.YAMLError)
        if problem:
            yield f"line {block.line}: no {kind}: {problem}"


def broken_workflows(root):
    for path in sorted((root / ".github").rglob("*.yml")) if yaml else ():
        problem = unparsable(path.read_text(encoding="utf-8"), parse_yaml, yaml.YAMLError)
        if problem:
            yield f"{path.relative_to(root)}: no yaml: {problem}"


def unlisted_pages(root):
    """docs/README.md lists all pages but the decisions, which have an index of their own."""
    listed = {}
    for index in (root / "docs/README.md", root / "docs/decisions/index.md"):
        if index.exists():
            links = re.findall(r"\]\(([\w./-]+\.md)", index.read_text(encoding="utf-8"))
            listed[index] = {(index.parent / link).resolve() for link in links}
    for page in pages_of_docs(root):
        is_record = page.parent.name == "decisions" and page.name != "index.md"
        index = root / ("docs/decisions/index.md" if is_record else "docs/README.md")
        if page != index and page.resolve() not in listed.get(index, ()):
            yield f"{index.relative_to(root)} does not list {page.name if is_record else page.relative_to(root / 'docs')}"


def malformed_records(root):
    """A record of a decision has three headings: context, decision and consequences."""
    for page in sorted((root / "docs/decisions").glob("*.md")):
        headings = re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        if page.name != "index.md" and headings != RECORD_HEADINGS:
            yield f"{page.relative_to(root)}: its headings are not {', '.join(RECORD_HEADINGS)}"


def long_pages(root):
    """The architecture is one page that a new reader reads at once."""
    page = root / "docs/architecture.md"
    lines = len(page.read_text(encoding="utf-8").splitlines()) if page.exists() else 0
    if lines > MAX_ARCHITECTURE_LINES:
        yield f"docs/architecture.md has {lines} lines, more than {MAX_ARCHITECTURE_LINES}"


def check(root):
    root = pathlib.Path(root)
    keys = known_keys(root)
    former = former_keys(root)
    of_changelog = {section: keys.get(section, set()) | former.get(section, set()) for section in keys | former}
    commands, options = known_commands(root)
    found = [*unlisted_pages(root), *unfollowed_pages(root), *broken_workflows(root), *malformed_records(root),
             *long_pages(root)]
    for path in pages(root):
        text = path.read_text(encoding="utf-8")
        for problem in (*broken_links(root, path, text), *wrong_settings(of_changelog if path.name == "CHANGELOG.md" else keys, text),
                        *wrong_commands(commands, options, text), *wrong_blocks(path, text),
                        *broken_data(text), *([] if path.name == "CHANGELOG.md" else missing_tests(root, text))):
            found.append(f"{path.relative_to(root)}: {problem}")
    return found
