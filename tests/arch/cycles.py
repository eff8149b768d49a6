"""Finds cycles of #include: between folders, and between headers.

The layers block of docs/architecture.md says what a layer may include, and includes.py holds the tree to it. A line
of the block may name a single header of another layer. Two such lines can permit a cycle that the block itself does
not show, so this file looks at the includes that are there.

Folders below a layer belong to it: cli/doctor is cli. A folder of tests/ is a folder of its own.
"""

import pathlib

from includes import TOP_LAYERS, includes_of, layer_of, sources

# Cycles that the tree still has. An entry goes when its cycle is resolved.
KNOWN = {("cognito", "policy")}


def folder_of(path):
    """The layer of a source file, or its folder in tests/."""
    parts = pathlib.PurePath(path).parts
    return "/".join(parts[:-1][:2]) if parts[0] == "tests" else layer_of(path)


def files_of(root):
    return list(sources(root, *TOP_LAYERS, "daemon", "tests"))


def folder_graph(root):
    graph = {}
    for path in files_of(root):
        folder = folder_of(path)
        targets = {folder_of(quoted) for quoted, _ in includes_of(root, path) if (root / quoted).is_file() and quoted}
        graph.setdefault(folder, set()).update(targets - {folder, None})
    return graph


def header_graph(root):
    return {str(path): {quoted for quoted, _ in includes_of(root, path) if quoted.endswith(".h")}
            for path in files_of(root) if path.suffix == ".h"}


def cycles_in(graph):
    """Every cycle that a depth-first search meets, each as a sorted tuple of its members."""
    found, done, open_ = set(), set(), []

    def visit(node):
        if node in open_:
            found.add(tuple(sorted(open_[open_.index(node):])))
            return
        if node in done:
            return
        open_.append(node)
        for target in sorted(graph.get(node, ())):
            visit(target)
        open_.pop()
        done.add(node)

    for node in sorted(graph):
        visit(node)
    return found


def check(root):
    """One sentence for each cycle that is not known."""
    root = pathlib.Path(root)
    problems = [f"these folders include each other: {', '.join(cycle)}"
                for cycle in sorted(cycles_in(folder_graph(root)) - KNOWN)]
    return problems + [f"these headers include each other: {', '.join(cycle)}"
                       for cycle in sorted(cycles_in(header_graph(root)))]
