"""report.py ROOT: lists places in the sources that a reader may stumble over. Its exit status is always 0.

It lists comments that begin with a headless clause ("What the daemon sends", "Whoever runs su"), files with fewer
than 30 or more than 500 lines, and functions with more than 60 lines. None of these is an error by itself: a long
table may be right, and a small header may be all that is needed. includes_test.py holds the one hard limit.
"""

import pathlib
import re
import sys

from includes import sources

FOLDERS = ("common", "pam", "local_users", "daemon", "cli", "tests")
SHORT_FILE, LONG_FILE, LONG_FUNCTION = 30, 500, 60

HEADLESS = re.compile(r"(What|Whatever|Whoever|Who|Whom|Whose|Where|Wherever|Of|Else)\b")


def comment_in(line, suffix):
    """The code before a comment and the comment's text, or None."""
    if suffix == ".py":
        found = re.match(r"^(?P<code>[^#\"']*)# ?(?P<text>.*)$", line)
    else:
        found = re.match(r"^(?P<code>(?:[^\"/]|/(?!/)|\"(?:[^\"\\]|\\.)*\")*)// ?(?P<text>.*)$", line)
    return (found["code"].strip(), found["text"]) if found else None


def headless_comments(text, suffix):
    """(line, text) of every comment that begins with a headless clause, and of such sentences inside a comment."""
    previous_ended = True  # whether the text so far ends with a full stop
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        comment = comment_in(line, suffix)
        if comment is None:
            inside = False
            continue
        code, words = comment
        begins = bool(code) or not inside
        if HEADLESS.match(words) and (begins or previous_ended):
            yield number, words
        else:
            for sentence in re.findall(r"[.:] (?=[A-Z])([^.]*)", words):
                if HEADLESS.match(sentence) and not sentence.endswith("?"):
                    yield number, sentence
        inside = not code
        previous_ended = words.rstrip().endswith((".", ":"))


def without_comments_and_strings(text):
    """The text with the same lines, in which comments and literals hold no brace."""
    def blank(found):
        return re.sub(r"[^\n]", " ", found.group(0)) if found.group(0)[0] == "/" else '""'
    text = re.sub(r'R"(\w*)\((?:.|\n)*?\)\1"', lambda found: '""' + "\n" * found.group(0).count("\n"), text)
    return re.sub(r"//[^\n]*|/\*(?:.|\n)*?\*/|\"(?:[^\"\\\n]|\\.)*\"|(?<!\w)'(?:[^'\\\n]|\\.)+'", blank, text)


NAMED_BLOCK = re.compile(r"\b(namespace|class|struct|enum|union|extern)\b[^()=]*$")
FUNCTION = re.compile(r"\b(~?\w+|operator\S+)\s*\((?:.|\n)*\)[^;={}]*$")
INITIALIZER = re.compile(r"\)\s*(noexcept)?\s*:[^:](?:.|\n)*\w\s*$")


def functions_of(text):
    """(name, first line, lines) of the functions at the level of namespaces and classes."""
    text = without_comments_and_strings(text)
    stack, head_start, line = [], 0, 1
    for position, character in enumerate(text):
        if character == "\n":
            line += 1
        elif character == "{":
            head = text[head_start:position]
            outer = not stack or stack[-1][0] == "block"
            if outer and INITIALIZER.search(head):
                stack.append(("initializer", None, line))
                continue
            named = outer and NAMED_BLOCK.search(head.split("template")[-1])
            function = None if named or not outer else FUNCTION.search(head)
            kind = "block" if named else "function" if function else "other"
            first = line - head.lstrip().count("\n")
            stack.append((kind, function.group(1) if function else None, first))
            head_start = position + 1
        elif character == "}" and stack:
            kind, name, first = stack.pop()
            if kind == "function":
                yield name, first, line - first + 1
            if kind != "initializer":
                head_start = position + 1
        elif character == ";" and (not stack or stack[-1][0] == "block"):
            head_start = position + 1
        elif character == "#" and text[text.rfind("\n", 0, position) + 1:position].strip() == "":
            head_start = text.find("\n", position) if "\n" in text[position:] else len(text)


def report(root):
    """The lists: title -> lines."""
    comments, short, long, functions = [], [], [], []
    for name in sources(root, *FOLDERS, suffixes=(".cc", ".h", ".py")):
        path, text = root / name, (root / name).read_text(encoding="utf-8")
        lines = len(text.splitlines())
        comments += [f"{name}:{number}: {words}" for number, words in headless_comments(text, path.suffix)]
        if lines < SHORT_FILE:
            short.append(f"{name}: {lines}")
        if lines > LONG_FILE:
            long.append(f"{name}: {lines}")
        if path.suffix != ".py":
            functions += [f"{name}:{first}: {function}: {size}" for function, first, size in functions_of(text)
                          if size > LONG_FUNCTION]
    return {
        "comments that begin with a headless clause": comments,
        f"files with fewer than {SHORT_FILE} lines": short,
        f"files with more than {LONG_FILE} lines": long,
        f"functions with more than {LONG_FUNCTION} lines": functions,
    }


def main():
    for title, lines in report(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")).items():
        print(f"{len(lines)} {title}")
        for line in lines:
            print(f"  {line}")


if __name__ == "__main__":
    main()
