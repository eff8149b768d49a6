#!/usr/bin/env python3
"""profile_test.py [--seed N] [--profile FILE] [--only PART…]: the table test of the PAM profile.

Tries cells of (stack, group size, limit, shadow entry, user, program, state) with the real programs
and compares what happens with expected.py. See README.md.
"""

import argparse
import collections
import itertools
import json
import os
import re
import select
import sys
import time

import cells as parts
import mutants
from expected import DIMENSIONS, expected, rows_of
from host import FIRST_UID, STACKS, WITH_OTHER_PASSWORD, WORK, Host
from world import LOCAL_CHANGED, World, run_in_child

SEED = 12
# Most of an attempt is libpam's delay after a refusal. Below cognitod's limit of open sign-ins.
CELLS_AT_ONCE = 60
CELLS_OF_A_WORLD = 20
FIRST_PORT = 2300
DEADLINE_S = 900
WORLD = ("stack", "size", "state", "account", "tweak")
# Modules that every account phase calls, in the Additional block, whichever module has decided before.
CALLED_FOR_ALL = {"pam_krb5 account", "pam_sss account"}
PROMPT = re.compile(r"password[^:\n]*: ", re.I)
NEW_PASSWORD = re.compile(r"new password[^:\n]*: ", re.I)


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, problem):
        if problem:
            self.failed += 1
            print(f"   FAILED  {what}\n           {problem}", flush=True)
        else:
            self.passed += 1


def describe(cell):
    kind, value = cell["limit"]
    limit = "no limit" if kind == "none" else f"{kind} {value}"
    tweaks = "".join(f", {name} {cell[name]}" for name in ("tweak", "unseen", "disabled", "shell")
                     if cell.get(name))
    return (f"{cell['part']}: {cell['program']}, {cell['user']}, shadow {cell['shadow']}, {cell['state']}, "
            f"stack {cell['stack']}, group {cell['size']}, {limit}, account {cell['account']}{tweaks}")


def judge(cell, answers, control):
    """The fault, or an empty text."""
    if "error" in answers:
        return answers["error"]
    lets_in, demands = map(set, cell["expect"]) if "expect" in cell else expected(cell)
    if cell["stack"] not in WITH_OTHER_PASSWORD or cell["user"] in ("root", "system"):
        lets_in, demands = lets_in - {"other"}, demands - ({"other"} if cell["shadow"] == "fine" else set())
    limited = tuple(cell["limit"]) != parts.NONE and tuple(cell["limit"]) not in parts.AMPLE
    problems = []
    if not control and not limited and not cell.get("tweak") and not cell.get("shell"):
        problems.append("the control user did not get in")
    for password, (is_in, demanded, spied, text) in answers.items():
        wanted = password in lets_in
        if is_in and not wanted:
            problems.append(f"LET IN by the password '{password}'")
        if wanted and not is_in and not limited:
            problems.append(f"refused the password '{password}'")
        if wanted and password == "pool" and cell["program"] in ("su", "sudo", "ssh") and is_in and \
                len(PROMPT.findall(text)) != 1:
            problems.append("did not ask for exactly one password")
        if wanted and is_in and cell["program"] == "passwd" and len(NEW_PASSWORD.findall(text)) != 2:
            problems.append("did not ask twice for the new password")
        if not cell["program"].startswith("passwd"):
            if demanded and password not in demands:
                problems.append(f"demanded a new local password after '{password}'")
            if not demanded and password in demands and not limited and is_in:
                problems.append(f"demanded no new local password after '{password}'")
        if LOCAL_CHANGED in spied:
            problems.append("the local password was changed")
        if cell["user"] in ("cognito", "both") and cell["program"] != "passwd-root" and \
                set(spied) - CALLED_FOR_ALL - {"pam_pwquality password", LOCAL_CHANGED}:
            problems.append(f"other modules were called: {', '.join(spied)}")
        if problems and problems[-1]:
            problems[-1] += f"; shown: {text[-300:]!r}"
    return "; ".join(problems)


def number_cells(cells):
    """Each cell has a user, a caller and a control user of its own."""
    for number, cell in enumerate(cells):
        cell |= {"name": f"u{number:04}", "caller": f"m{number:04}", "control": f"k{number:04}",
                 "uid": FIRST_UID + number, "tweak": cell.get("tweak", ""),
                 "stack folder": str(WORK / "stacks" / cell.get("mutant", cell["stack"]))}


def make_worlds(cells):
    groups = collections.defaultdict(list)
    for cell in cells:
        groups[tuple(cell[name] for name in (*WORLD, "stack folder"))].append(cell)
    worlds = []
    for key, members in groups.items():
        setting = dict(zip((*WORLD, "stack folder"), key))
        for start in range(0, len(members), CELLS_OF_A_WORLD):
            worlds.append((setting, members[start:start + CELLS_OF_A_WORLD]))
    return sorted(worlds, key=lambda world: -len(world[1]))  # the longest first


class Runner:
    """Runs worlds, as many at the same time as CELLS_AT_ONCE allows, and calls report(results)."""

    def __init__(self, report):
        self._report = report
        self._running = {}
        self._port = FIRST_PORT

    def run(self, worlds):
        waiting = list(worlds)
        deadline = time.monotonic() + DEADLINE_S
        while waiting or self._running:
            while waiting and self._cells() < CELLS_AT_ONCE:
                setting, members = waiting.pop(0)
                self._port += 1
                sys.stdout.flush()
                pid, descriptor = run_in_child(World(setting, members, self._port).run)
                self._running[descriptor] = pid, members, []
            ready, _, _ = select.select(list(self._running), [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise RuntimeError(f"{len(self._running)} worlds did not end within {DEADLINE_S} s")
            for descriptor in ready:
                self._read(descriptor)

    def _cells(self):
        return sum(len(members) for _, members, _ in self._running.values())

    def _read(self, descriptor):
        pid, members, pieces = self._running[descriptor]
        data = os.read(descriptor, 1 << 20)
        pieces.append(data)
        if data:
            return
        os.close(descriptor)
        os.waitpid(pid, 0)
        del self._running[descriptor]
        text = b"".join(pieces)
        self._report(json.loads(text) if text else
                     [(cell, {"error": "the world ended without results"}, True) for cell in members])


def check_table(tally):
    """Exactly one row for each cell that there can be."""
    problems = []
    for values in itertools.product(*(parts.DIMENSIONS[name] for name in DIMENSIONS)):
        cell = dict(zip(DIMENSIONS, values))
        if parts.is_permitted(cell) and len(rows_of(cell)) != 1:
            problems.append(f"{len(rows_of(cell))} rows for {cell}")
    tally.check("the table has exactly one row for each cell", "; ".join(problems[:5]))


def make_stacks(host, profile, names, broken):
    """{name: the files that differ with the order of installing}"""
    differing = {}
    folder = WORK / "stacks"
    for name in names:
        host.make_stack(name, folder / name, profile, ours_first=False)
        if STACKS[name]:
            first = folder / f"{name}-first"
            host.make_stack(name, first, profile, ours_first=True)
            differing[name] = [path.name for path in (folder / name).iterdir()
                               if path.read_text() != (first / path.name).read_text()]
    for name in broken:
        host.make_stack(mutants.MUTANTS[name][1], folder / name, mutants.text_of(name, profile), ours_first=False)
    return differing


class Results:
    """The reports of the worlds."""

    def __init__(self, tally):
        self.tally = tally
        self.attempts = self.let_in = self.unverified = 0
        self.red = dict.fromkeys(mutants.MUTANTS, 0)
        self._controls = collections.defaultdict(dict)  # of each memory sweep: {limit: got in}

    def add(self, results):
        for cell, answers, control in results:
            problem = judge(cell, answers, control)
            if "mutant" in cell:
                self.red[cell["mutant"]] += "error" not in answers and bool(problem)
                continue
            self.tally.check(describe(cell), problem)
            self.unverified += not control
            kind, value = cell["limit"]
            if cell["part"] == "sweep" and kind in ("AS", "DATA"):
                self._controls[cell["program"], cell["stack"], cell["size"], cell["account"], kind][value] = control
            self.attempts += len(answers)
            self.let_in += sum(answer[0] is True for answer in answers.values())

    def check_sweeps(self):
        """The steps reach from too little for the control user to enough."""
        for sweep, controls in self._controls.items():
            good = not controls[min(controls)] and controls[max(controls)]
            self.tally.check(f"sweep {', '.join(sweep)}: from too little to enough for the control user",
                             "" if good else f"control user: {sorted(controls.items())}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=SEED)
    arguments.add_argument("--profile", type=argparse.FileType())
    arguments.add_argument("--only", nargs="*", default=list(PARTS), choices=PARTS)
    options = arguments.parse_args()
    started = time.monotonic()
    print(f"seed {options.seed} (--seed {options.seed} tries the same cells)")

    tally = Tally()
    check_table(tally)
    cells = [cell | {"part": part} for part in options.only for cell in PARTS[part](options.seed)]
    counts = collections.Counter(cell["part"] for cell in cells)
    print("cells: " + ", ".join(f"{count} {part}" for part, count in counts.items()), flush=True)
    number_cells(cells)

    host = Host({cell["name"]: cell["uid"] for cell in cells if cell["user"] in ("cognito", "both")})
    for cell in cells:
        if cell.get("disabled"):
            host.pool.admin("users/disable", username=cell["name"])
    profile = options.profile.read() if options.profile else host.profile
    results = Results(tally)
    runner = Runner(results.add)

    # pam-auth-update takes a while: meanwhile the cells of the first stack are tried.
    make_stacks(host, profile, ["plain"], [])
    others = sorted({cell["stack"] for cell in cells} - {"plain"})
    broken = list(mutants.MUTANTS) if "mutants" in options.only else []
    pid, descriptor = run_in_child(lambda: make_stacks(host, profile, others, broken))
    is_ready = lambda cell: cell["stack"] == "plain" and "mutant" not in cell  # noqa: E731
    runner.run(make_worlds(filter(is_ready, cells)))
    with os.fdopen(descriptor) as file:
        for name, differing in json.load(file).items():
            tally.check(f"stack {name}: the same files whichever package came first",
                        f"{differing} differ" if differing else "")
    os.waitpid(pid, 0)
    runner.run(make_worlds(cell for cell in cells if not is_ready(cell)))

    results.check_sweeps()
    if broken:
        for name, red in results.red.items():
            print(f"   mutant {name}: {red} of {len(mutants.MUTANTS[name][2])} cells noticed it")
            tally.check(f"the table notices the mutant {name}", "" if red else "no cell did")
    print(f"{len(cells)} cells, {results.attempts} attempts of which {results.let_in} got in; "
          f"{time.monotonic() - started:.0f} s")
    print(f"cells whose control user did not get in: {results.unverified}")
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    sys.exit(1 if tally.failed or not tally.passed else 0)


PARTS = {"pairs": parts.pairs, "whole": lambda _: parts.whole(), "sweep": lambda _: parts.sweep(),
         "fixed": lambda _: parts.fixed(),
         "mutants": lambda _: mutants.cells(), "unbroken": lambda _: mutants.unbroken_cells()}

if __name__ == "__main__":
    main()
