"""The output of the test programs here: a line for each check, and the sum."""

import sys


class Report:
    def __init__(self):
        self._passed = self._failed = 0

    def check(self, name, good, why=""):
        if good:
            self._passed += 1
            print(f"ok {name}")
        else:
            self._failed += 1
            print(f"FAILED {name}: {why}")

    def equal(self, name, found, wanted):
        self.check(name, found == wanted, f"found {found!r}, wanted {wanted!r}")

    def close(self):
        print(f"{self._passed} passed, {self._failed} failed")
        sys.exit(1 if self._failed else 0)
