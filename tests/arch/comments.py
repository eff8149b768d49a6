"""Comments and texts of all sources of the tree, for the rules of language.

A reader yields (line, words). It joins a comment of several lines, so that a sentence is read as a whole.
"""

import ast
import io
import os
import pathlib
import re
import tokenize

# Folders whose texts people see, too: log messages, answers, questions. Texts of tests are input.
TEXTS = ("common", "pam", "local_users", "accounts", "nss", "daemon", "directory", "cli")
NOT_READ = ("build", ".git", "node_modules", "__pycache__")
# Formats without comments, texts of others, and pages, which pages.py reads.
NO_COMMENTS = {".md", ".scd", ".txt", ".json", ".png", ".svg", ".pyc"}
NAMES_WITHOUT_COMMENTS = ("LICENSE", "debian/copyright", "debian/changelog")

QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def joined(comments):
    """(line, words) of (line, column, alone, words): lines without code that begin in the same column are one comment."""
    start, before, words = 0, None, []
    for line, column, alone, text in comments:
        if words and not (alone and before == (line - 1, column)):
            yield start, " ".join(words)
            words = []
        start = start if words else line
        words.append(text)
        before = (line, column)
    if words:
        yield start, " ".join(words)


SLASHES = re.compile(r"^(?P<code>(?:[^\"/]|/(?!/)|\"(?:[^\"\\]|\\.)*\")*)//+ ?(?P<words>.*)$")


def of_slashes(text):
    """Each comment of a C++ or JavaScript source, and each name of a cmocka test."""
    found = [(number, SLASHES.match(line)) for number, line in enumerate(text.splitlines(), 1)]
    yield from joined((number, len(each["code"]), not each["code"].strip(), each["words"]) for number, each in found if each)
    for test in re.finditer(r"^void (\w+)\(void\*\*", text, re.M):
        yield text.count("\n", 0, test.start()) + 1, test[1].replace("_", " ")


def of_cpp_with_texts(text):
    """The same, and each string literal that has a blank."""
    yield from of_slashes(text)
    for number, line in enumerate(text.splitlines(), 1):
        comment = SLASHES.match(line)
        for literal in QUOTED.findall(comment["code"] if comment else line):
            if " " in literal.strip():
                yield number, literal


def of_python(text):
    """Each comment, each paragraph of a docstring, and each name of a scene or a check."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    yield from joined((*each.start, not each.line[:each.start[1]].strip(), each.string.lstrip("#!").strip())
                      for each in tokens if each.type == tokenize.COMMENT)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(node):
            for paragraph in ast.get_docstring(node).split("\n\n"):
                yield node.body[0].lineno, " ".join(paragraph.split())
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("scene", "check") and node.args:
            yield node.lineno, " ".join(each.value for each in ast.walk(node.args[0])
                                        if isinstance(each, ast.Constant) and isinstance(each.value, str))


# A quoted text, or the sign that begins a comment.
QUOTED_OR_HASH = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|(?:^|(?<=\s))#""")


def of_hashes(text):
    """Each comment of a file in which # begins one: at the start of a line or after a blank, not in a quoted text."""
    def found():
        for number, line in enumerate(text.splitlines(), 1):
            at = next((each.start() for each in QUOTED_OR_HASH.finditer(line) if each[0] == "#"), None)
            words = "" if at is None else line[at:].lstrip("#!.,: ").strip()
            if words:
                yield number, at, not line[:at].strip(), words
    return joined(found())


def of_shell(text):
    """Each comment, each quoted text that has a blank, and each line of a here-document."""
    yield from of_hashes(text)
    end = None
    for number, line in enumerate(text.splitlines(), 1):
        if end is not None:
            end = None if line.strip() == end else end
            yield number, line
            continue
        document = re.search(r"<<-?['\"]?(\w+)", line)
        end = document[1] if document else None
        yield from ((number, literal) for literal in QUOTED.findall(line) if " " in literal.strip())


def of_control(text):
    """Each comment and each paragraph of a description of debian/control."""
    yield from of_hashes(text)
    for found in re.finditer(r"^Description: (.*\n(?: .*\n)*)", text, re.M):
        line = text.count("\n", 0, found.start()) + 1
        summary, _, rest = found[1].partition("\n")
        for paragraph in [summary, *re.split(r"^ \.\n", rest, flags=re.M)]:
            yield line, " ".join(paragraph.split())


def of_xml(text):
    """Each comment."""
    for found in re.finditer(r"<!--(.*?)-->", text, re.S):
        yield text.count("\n", 0, found.start()) + 1, " ".join(found[1].split())


def reader_of(name, text):
    path = pathlib.PurePath(name)
    if path.name == "CMakeLists.txt":
        return of_hashes
    if path.suffix in NO_COMMENTS or name in NAMES_WITHOUT_COMMENTS:
        return None
    if path.suffix in (".cc", ".h"):
        return of_cpp_with_texts if path.parts[0] in TEXTS else of_slashes
    if path.suffix == ".mjs":
        return of_slashes
    if path.suffix == ".py" or text.startswith("#!/usr/bin/env python3") or text.startswith("#!/usr/bin/python3"):
        return of_python
    if text.lstrip().startswith(("<!DOCTYPE", "<?xml", "<node", "<busconfig", "<!--")):
        return of_xml
    if name == "debian/control":
        return of_control
    if text.startswith("#!/bin/") or path.suffix == ".sh":
        return of_shell
    return of_hashes


def of_tree(root):
    """(name, line, words) of each source below root, in order of the names."""
    root = pathlib.Path(root)
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if each not in NOT_READ)
        for file in sorted(files):
            path = pathlib.Path(folder) / file
            name = path.relative_to(root).as_posix()
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            reader = reader_of(name, text)
            for line, words in reader(text) if reader else []:
                yield name, line, words
