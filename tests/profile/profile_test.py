#!/usr/bin/env python3
"""profile_test.py [--seed N] [--profile FILE] [--only PART…]: the table test of the PAM profile.

Tries cells of (stack, group size, limit, shadow entry, user, program, state) with the real programs
and compares what happens with expected.py. See README.md.
"""

import argparse
import collections
import json
import os
import select
import sys
import time

import cells as parts
from expected import expected, rows_of
from host import FIRST_UID, STACKS, WITH_OTHER_PASSWORD, Host, WORK
from world import World, run_in_child

SEED = 12
WORLDS_AT_ONCE = 8
CELLS_OF_A_WORLD = 40
FIRST_PORT = 2300
DEADLINE_S = 900
WORLD = ("stack", "size", "state", "account")
# Modules that every account phase calls, in the Additional block, whoever has decided before.
CALLED_FOR_ALL = {"pam_krb5 account", "pam_sss account"}


class Tally:
    def __init__(self):
        self.passed = self.failed = self.unverified = 0

    def check(self, what, problem):
        if problem:
            self.failed += 1
            print(f"   FAILED  {what}\n           {problem}", flush=True)
        else:
            self.passed += 1


def describe(cell):
    kind, value = cell["limit"]
    limit = "no limit" if kind == "none" else f"{kind} {value}"
    return (f"{cell['part']}: {cell['program']}, {cell['user']}, shadow {cell['shadow']}, {cell['state']}, "
            f"stack {cell['stack']}, group {cell['size']}, {limit}, account {cell['account']}")


def judge(cell, answers, control):
    """What is wrong, or an empty text."""
    if "error" in answers:
        return answers["error"]
    lets_in, demands = expected(cell)
    if cell["stack"] not in WITH_OTHER_PASSWORD or cell["user"] in ("root", "system"):
        lets_in, demands = lets_in - {"other"}, demands - ({"other"} if cell["shadow"] == "fine" else set())
    limited = tuple(cell["limit"]) != parts.NONE and tuple(cell["limit"]) not in parts.AMPLE
    problems = []
    if not control and not limited:
        problems.append("the control user did not get in")
    for password, (is_in, demanded, spied, text) in answers.items():
        wanted = password in lets_in
        if is_in and not wanted:
            problems.append(f"LET IN by the password '{password}'")
        if wanted and not is_in and not limited:
            problems.append(f"refused the password '{password}'")
        if cell["program"] != "passwd":
            if demanded and password not in demands:
                problems.append(f"demanded a new local password after '{password}'")
            if not demanded and password in demands and not limited and is_in:
                problems.append(f"demanded no new local password after '{password}'")
        if cell["user"] in ("cognito", "both") and set(spied) - CALLED_FOR_ALL - {"pam_pwquality password"}:
            problems.append(f"other modules were called: {', '.join(spied)}")
        if problems and problems[-1]:
            problems[-1] += f"; shown: {text[-300:]!r}"
    return "; ".join(problems)


def make_worlds(cells, stacks):
    groups = collections.defaultdict(list)
    for number, cell in enumerate(cells):
        cell |= {"name": f"u{number:04}", "caller": f"m{number:04}", "control": f"k{number:04}",
                 "uid": FIRST_UID + number}
        groups[tuple(cell[name] for name in WORLD)].append(cell)
    worlds = []
    for key, members in groups.items():
        setting = dict(zip(WORLD, key)) | {"stack": stacks[key[0]]}
        for start in range(0, len(members), CELLS_OF_A_WORLD):
            worlds.append((setting, members[start:start + CELLS_OF_A_WORLD]))
    # The longest first.
    return sorted(worlds, key=lambda world: -len(world[1]))


def run_worlds(worlds, report):
    """Calls report(results) for each world; at most WORLDS_AT_ONCE run at the same time."""
    waiting = list(enumerate(worlds))
    running = {}
    deadline = time.monotonic() + DEADLINE_S
    while waiting or running:
        while waiting and len(running) < WORLDS_AT_ONCE:
            number, (setting, members) = waiting.pop(0)
            sys.stdout.flush()
            pid, descriptor = run_in_child(World(setting, members, FIRST_PORT + number))
            running[descriptor] = pid, members, []
        ready, _, _ = select.select(list(running), [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise RuntimeError(f"{len(running)} worlds did not end within {DEADLINE_S} s")
        for descriptor in ready:
            pid, members, pieces = running[descriptor]
            data = os.read(descriptor, 1 << 20)
            pieces.append(data)
            if data:
                continue
            os.close(descriptor)
            os.waitpid(pid, 0)
            del running[descriptor]
            text = b"".join(pieces)
            report(json.loads(text) if text else
                   [(cell, {"error": "the world ended without results"}, True) for cell in members])


def check_table(tally):
    """Exactly one row for each cell that there can be."""
    names = list(parts.DIMENSIONS)
    problems = []
    import itertools
    for values in itertools.product(*(parts.DIMENSIONS[name] for name in ("account", "user", "shadow", "program", "state"))):
        cell = dict(zip(("account", "user", "shadow", "program", "state"), values))
        if parts.is_permitted(cell) and len(rows_of(cell)) != 1:
            problems.append(f"{len(rows_of(cell))} rows for {cell}")
    tally.check("the table has exactly one row for each cell", "; ".join(problems[:5]))


def make_stacks(host, profile, wanted, tally):
    stacks = {}
    for name in wanted:
        first = host.make_stack(name, profile, ours_first=True)
        stacks[name] = host.make_stack(name, profile, ours_first=False) if STACKS[name] else first
        differing = [path.name for path in first.iterdir()
                     if path.read_text() != (stacks[name] / path.name).read_text()]
        tally.check(f"stack {name}: the same files whichever package came first",
                    f"{differing} differ" if differing else "")
    return stacks


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=SEED)
    arguments.add_argument("--profile", type=argparse.FileType())
    arguments.add_argument("--only", nargs="*", default=["pairs", "whole", "sweep"])
    options = arguments.parse_args()
    started = time.monotonic()
    print(f"seed {options.seed} (--seed {options.seed} tries the same cells)")

    tally = Tally()
    check_table(tally)
    made = {"pairs": lambda: parts.pairs(options.seed), "whole": parts.whole, "sweep": parts.sweep}
    cells = [cell | {"part": part} for part in options.only for cell in made[part]()]
    counts = collections.Counter(cell["part"] for cell in cells)
    print("cells: " + ", ".join(f"{count} {part}" for part, count in counts.items()), flush=True)

    stacks_wanted = sorted({cell["stack"] for cell in cells})
    people = {f"u{number:04}": FIRST_UID + number for number, cell in enumerate(cells)
              if cell["user"] in ("cognito", "both")}
    host = Host(people)
    print(f"the machine: {time.monotonic() - started:.0f} s", flush=True)
    profile = options.profile.read() if options.profile else host.profile
    stacks = make_stacks(host, profile, stacks_wanted, tally)
    print(f"the stacks: {time.monotonic() - started:.0f} s", flush=True)
    worlds = make_worlds(cells, stacks)
    attempts = collections.Counter()

    def report(results):
        for cell, answers, control in results:
            tally.check(describe(cell), judge(cell, answers, control))
            tally.unverified += not control
            attempts["all"] += len(answers)
            attempts["in"] += sum(answer[0] is True for answer in answers.values())

    run_worlds(worlds, report)
    print(f"{len(cells)} cells in {len(worlds)} worlds, {attempts['all']} attempts of which {attempts['in']} got in; "
          f"{time.monotonic() - started:.0f} s")
    print(f"cells with a limit below which the control user did not get in either: {tally.unverified}")
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    sys.exit(1 if tally.failed or not tally.passed else 0)


if __name__ == "__main__":
    main()
