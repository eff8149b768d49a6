"""Holds the tree against docs/architecture.md: which layer may include which.

The page's ```layers block has a line for each layer, "sign_in: prompts limits common". A word is a
layer. A layer's files are in its folder: common/,
pam/ and cli/ at the top, that of any other layer in daemon/; main is daemon/main.cc.
"""

import pathlib
import re

from standard_headers import headers_of

MAX_LINES = 600

# Headers that a layer must not reach, directly or through headers of the project. The login process stays light, and
# sign-ins and sessions are tested without a socket. Sessions check passwords by OpenSSL's scrypt.
FOREIGN = {
    "pam": ("curl/", "openssl/", "json/", "thread", "microhttpd.h"),
    "nss": ("curl/", "openssl/", "json/", "systemd/", "thread", "microhttpd.h"),
    "common": ("curl/", "openssl/", "json/", "systemd/", "microhttpd.h"),
    "sessions": ("curl/", "json/", "systemd/sd-bus.h"),
    "sign_in": ("curl/", "openssl/", "json/", "systemd/sd-bus.h"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
# A name of the standard library, in code. Fixed widths are used with and without std::.
STANDARD_NAME = re.compile(r"\bstd::(\w+)|(?<![\w:])(u?int(?:8|16|32|64)_t)\b")
COMMENT = re.compile(r"//.*")
TOP_LAYERS = ("common", "pam", "local_users", "nss", "accounts", "directory", "cli")


def sources(root, *folders, suffixes=(".cc", ".h")):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and "node_modules" not in path.parts:
                yield path.relative_to(root)


def includes_of(root, path):
    """Pairs of (quoted, angled) includes, one of each pair empty."""
    return INCLUDE.findall((root / path).read_text(encoding="utf-8"))


def layer_of(path):
    parts = pathlib.PurePath(path).parts
    if parts[0] in TOP_LAYERS:
        return parts[0]
    if parts[0] == "daemon":
        return "main" if len(parts) == 2 else parts[1]
    return None


def read_layers(root):
    """The table of the page: layer -> set of words."""
    page = (root / "docs/architecture.md").read_text(encoding="utf-8")
    block = re.search(r"^```layers\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    if block is None:
        raise ValueError("docs/architecture.md has no ```layers block")
    layers = {}
    for line in block.group(1).splitlines():
        if not line.strip():
            continue
        layer, colon, words = line.partition(":")
        if not colon or layer in layers:
            raise ValueError(f"docs/architecture.md: not a line of the layers block: {line}")
        layers[layer] = set(words.split())
    return layers


def table_problems(layers):
    """Words that mean nothing, and layers that include each other in a circle."""
    problems = []
    for layer, words in layers.items():
        for word in words:
            if word not in layers:
                problems.append(f"architecture.md: {layer} names {word}, which is no layer")
    done, open_ = set(), []

    def visit(layer):
        if layer in done:
            return
        if layer in open_:
            problems.append("architecture.md: a circle: " + " > ".join(open_ + [layer]))
            return
        open_.append(layer)
        for word in sorted(layers.get(layer, ())):
            visit(word)
        open_.pop()
        done.add(layer)

    for layer in layers:
        visit(layer)
    return problems


def permitted(layers, layer, included):
    target = layer_of(included)
    return target == layer or target in layers[layer]


def include_problems(root, layers):
    problems = []
    for path in sources(root, *TOP_LAYERS, "daemon"):
        layer = layer_of(path)
        if layer not in layers:
            problems.append(f"{path}: its layer {layer} is not in architecture.md")
            continue
        for quoted, _ in includes_of(root, path):
            if quoted and not (root / quoted).is_file():
                problems.append(f"{path}: {quoted} is not a path from the top of the tree")
            elif quoted and not permitted(layers, layer, quoted):
                problems.append(f"{path}: {layer} must not include {quoted}")
    return problems


def reached(root, path, seen):
    """Foreign headers that `path` brings in, each with the project's file that names it."""
    seen.add(str(path))
    for quoted, angled in includes_of(root, path):
        if angled:
            yield angled, path
        elif quoted not in seen and (root / quoted).is_file():
            yield from reached(root, pathlib.PurePath(quoted), seen)


def foreign_problems(root):
    problems = []
    for path in sources(root, *TOP_LAYERS, "daemon"):
        for header, via in reached(root, path, set()):
            if header.startswith(FOREIGN.get(layer_of(path), ())):
                problems.append(f"{path}: reaches <{header}> through {via}")
    return problems


def pool_problems(root):
    """cognito-pool judges the daemon, so it shares no code with it."""
    return [
        f"{path}: the pool must not include {quoted}"
        for path in sources(root, "tests/pool")
        for quoted, _ in includes_of(root, path)
        if quoted.startswith(("daemon/", "pam/", "common/")) and quoted != "common/fd.h"
    ]


def standard_problems(root):
    """Other headers bring in what they need themselves, and the next release's need less: a file names the standard
    headers that it uses, or its own header (x.h of x.cc) does."""
    problems = []
    for path in sources(root, *TOP_LAYERS, "daemon", "tests"):
        included = {angled for own in {path, path.with_suffix(".h")} if (root / own).is_file()
                    for _, angled in includes_of(root, own)}
        text = COMMENT.sub("", (root / path).read_text(encoding="utf-8"))
        for name in sorted({one or other for one, other in STANDARD_NAME.findall(text)}):
            headers = headers_of(name)
            if not headers:
                problems.append(f"{path}: std::{name} has no header in tests/arch/standard_headers.py")
            elif not headers & included:
                problems.append(f"{path}: std::{name} without " + " or ".join(f"<{one}>" for one in sorted(headers)))
    return problems


def length_problems(root):
    problems = []
    for path in sources(root, *TOP_LAYERS, "daemon", "tests"):
        lines = len((root / path).read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            problems.append(f"{path}: {lines} lines; a file is one concept, {MAX_LINES} at most")
    return problems


def check(root):
    """Everything that is wrong with the tree at `root`, one sentence each."""
    layers = read_layers(root)
    return (
        table_problems(layers)
        + include_problems(root, layers)
        + foreign_problems(root)
        + pool_problems(root)
        + standard_problems(root)
        + length_problems(root)
    )
