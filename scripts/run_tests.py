#!/usr/bin/env python3
"""run_tests.py [--also RELEASE[:SUITE,…]] [--release-build] [SUITE… | --all]

Builds what the suites need, runs them, and closes with `N passed, N failed`. --release-build: of the
suites only those that the release build serves. --also: those once more, or the suites that it names, in a tree
of another Debian release, beside all the rest.

A suite is a ctest label. The suites of the parts (PARTS) run under the sanitizers of clang 19. The suite `release`
runs them as they are shipped, in the release build of the release's g++, and `sanitize-gcc` under the sanitizers of
g++. Real programs (sshd, sudo, su) load the release build only. The count is of single test cases, as cmocka and the
test scripts report them; a program that fails without naming a case counts as one failure.

While the tests of one stage run (STAGES), the programs of the next are compiled at a low priority.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/system"), str(ROOT / "scripts")]

from host_unchanged import HostGuard  # noqa: E402  (needs the path above)
from releases import release_value  # noqa: E402

PARTS = ("unit", "flows", "module", "daemon", "accounts", "pool", "cli", "arch")
RELEASED = ("nss", "golden", "interop", "system", "profile")
# Some suites once more, as on machines with other clocks.
CLOCKS = "clocks"
CLOCKED = ("unit", "flows", "module", "daemon")
# An upgrade to the next Debian release. It takes that release's packages if they are there.
UPGRADE = "upgrade"
# The parts in one more build. Each is a preset, too.
RELEASE = "release"
SANITIZE_GCC = "sanitize-gcc"
ONE_MORE_BUILD = (RELEASE, SANITIZE_GCC)
# Suites of the release build that run only if they are named, because each takes minutes: packages, unit, pages,
# break glass and outages on machines; a machine of a gigabyte; the other bus; packages that are compiled from
# nothing; a release to download.
LONG = ("machines", "desktop", "broker", "packages", UPGRADE)
ON_REQUEST = (*LONG, CLOCKS, *ONE_MORE_BUILD)
# A preset and its suites, in the order in which they run: the machines of the first stage mostly wait, so the
# programs of the second are compiled meanwhile.
STAGES = ((RELEASE, RELEASED + LONG), ("sanitize-clang", (*PARTS, CLOCKS)), (RELEASE, PARTS), (SANITIZE_GCC, PARTS))
# The suites of the release build.
SHIPPED = tuple(suite for preset, served in STAGES if preset == RELEASE for suite in served)
# Suites whose tests are scripts.
NO_PROGRAMS = ("arch", "golden", "system", *LONG)
# Each case of it is a row of what the pool may say, and what must come of it: so it is named.
NAMED_SUITE = "flows"
# Tests have deadlines, compilers have none. Linux weighs sessions first (autogroup), then processes.
COMPILE = """
renice --priority 19 $$ >/dev/null
[[ ! -e /proc/self/autogroup ]] || echo 19 >/proc/self/autogroup
cmake --preset "$0" --log-level=WARNING -Wno-dev &&
  exec cmake --build --preset "$0" --target "$@" -- -j "$(nproc)"
"""
WHOLE_OUTPUT = str(64 * 1024 * 1024)  # ctest cuts outputs at 1 KiB unless told otherwise


class Count:
    def __init__(self, failed=0):
        self.passed = self.skipped = 0
        self.failed = failed

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def count_cases(output, status):
    """The cases of one test program, from what it printed and from ctest's word about it."""
    count = Count()
    if status == "disabled" or status == "notrun":
        count.skipped = 1
        return count
    closing = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", output, re.M)
    if closing:
        count.passed, count.failed, count.skipped = (int(number or 0) for number in closing[-1])
    else:
        count.passed = len(re.findall(r"^\[       OK \]", output, re.M))
        for what, number in re.findall(r"^\[  (FAILED|SKIPPED) +\] (?:\S+: )?(\d+) test\(s\)",
                                       output, re.M):
            if what == "FAILED":
                count.failed += int(number)
            else:
                count.skipped += int(number)
    if status == "fail" and count.failed == 0:
        count.failed = 1
    if status == "run" and count.passed + count.failed + count.skipped == 0:
        count.passed = 1
    return count


class Build:
    """A build of the programs that these suites run, and of the products. The parts in the release build bring the benchmarks."""

    def __init__(self, preset, suites):
        wanted = set(suites) - {CLOCKS} | set(CLOCKED if CLOCKS in suites else ())
        targets = ["products", "cognito-pool"] + [f"suite_{suite}" for suite in sorted(wanted)
                                                  if suite not in NO_PROGRAMS]
        targets += ["bench"] if preset == RELEASE and set(suites) & set(PARTS) else []
        self.preset, self.suites = preset, suites
        self._log = ROOT / "build" / f"{preset}.log"
        self._log.parent.mkdir(exist_ok=True)
        with open(self._log, "wb") as log:
            # A session of its own, to be ended as a whole.
            self._process = subprocess.Popen(["bash", "-c", COMPILE, preset, *targets], cwd=ROOT,
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             start_new_session=True)

    def succeeds(self):
        """Waits for it; a build that fails is shown."""
        good = self._process.wait() == 0
        if not good:
            print(f"{self._log.read_text(errors='replace')}\nthe build of {self.preset} failed")
        return good

    def end(self):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def start_next(waiting):
    return Build(*waiting.pop(0)) if waiting else None


def tests_of(preset, suite):
    listing = subprocess.run(["ctest", "--preset", preset, "-N", "-L", f"^{suite}$"], cwd=ROOT,
                             text=True, capture_output=True).stdout
    return re.findall(r"^  Test +#\d+: (\S+)$", listing, re.M)


def at_once(suites):
    """Two machines (tests/machine/CMakeLists.txt) and something smaller; without machines, single programs, which
    often wait."""
    return 3 if set(suites) & set(STAGES[0][1]) else 2 * (os.cpu_count() or 1)


def run_ctest(preset, suites, before=(), environment=None):
    """before: a command in front of ctest's."""
    count = Count()
    for suite in suites:
        if not tests_of(preset, suite):
            print(f"  {suite}: there is no such test in {preset}")
            count.failed += 1
    report = ROOT / "build" / preset / "ctest.xml"
    report.unlink(missing_ok=True)
    labels = "^(" + "|".join(suites) + ")$"
    done = subprocess.run([*before, "ctest", "--preset", preset, "-L", labels, "-j",
                           str(at_once(suites)), "--output-junit", report,
                           "--test-output-size-passed", WHOLE_OUTPUT, "--test-output-size-failed",
                           WHOLE_OUTPUT, "--no-tests=error"], cwd=ROOT,
                          env=os.environ | (environment or {}))
    if not report.exists():
        count.failed += 1
        return count
    named = tests_of(preset, NAMED_SUITE) if NAMED_SUITE in suites else []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        found = count_cases(output, case.get("status"))
        print(f"  {case.get('name')}: {found}", flush=True)
        if case.get("name") in named:
            for name in re.findall(r"^\[       OK \] (.*)$", output, re.M):
                print(f"    ok  {name.replace('_', ' ')}")
        count.add(found)
    if done.returncode != 0 and count.failed == 0:
        count.failed = 1
    return count


def with_clocks(monotonic, boot_time):
    """The start of a command in a time namespace (time_namespaces(7)) whose clocks are at these seconds.
    --fork: the clocks change for children only."""
    def offset(clock, wanted):
        return str(wanted - int(time.clock_gettime(clock)))
    return ["unshare", "--time", "--monotonic", offset(time.CLOCK_MONOTONIC, monotonic), "--boottime",
            offset(time.CLOCK_BOOTTIME, boot_time), "--fork", "--kill-child=KILL"]


def run_with_other_clocks(preset):
    """A machine that has just booted, and one that has been up for 400 days and slept in between; each
    at one end of the time zones."""
    day = 24 * 3600
    count = Count()
    for name, monotonic, boot_time, zone in (("a machine that has just booted", 1, 1, "<+14>-14"),
                                             ("400 days after a boot", 400 * day, 430 * day, "<-12>12")):
        before = with_clocks(monotonic, boot_time)
        probe = subprocess.run([*before, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        print(f"\n== {preset}, {name}: {' '.join(CLOCKED)}", flush=True)
        if probe.returncode != 0:
            print(f"skipped, no time namespace: {probe.stderr.strip()}")
            count.skipped += 1
            continue
        started = time.monotonic()
        found = run_ctest(preset, CLOCKED, before, {"TZ": zone, "LC_ALL": "C"})
        print(f"== {preset}, {name}: {found} ({time.monotonic() - started:.0f} s)", flush=True)
        count.add(found)
    return count


class OtherRelease:
    """These suites in a tree of another Debian release, beside what goes on here. The last line that it prints has
    the count."""

    def __init__(self, release, suites):
        self._title = f"Debian {release_value(release, 'version')} ({release})"
        self._log = ROOT / "build/releases" / f"{release}.log"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._started = time.monotonic()
        print(f"\n== {self._title}: {' '.join(suites)}; it is shown when it has ended", flush=True)
        with open(self._log, "wb") as log:
            # The end of its first process is the end of its PID namespace.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", ROOT / "dev", "test", "--release", release, *suites], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def count(self):
        """Waits for it and shows all that it printed."""
        status = self._process.wait()
        output = self._log.read_text(errors="replace")
        print(f"\n== {self._title}:\n{output}", end="")
        counted = re.search(r"^(\d+) passed, (\d+) failed\n\Z", output, re.MULTILINE)
        count = Count()
        if counted:
            count.passed, count.failed = map(int, counted.groups())
        if status != 0 and count.failed == 0:
            count.failed = 1
        print(f"== {self._title}: {count} ({time.monotonic() - self._started:.0f} s)", flush=True)
        return count


def chosen(arguments):
    """The suites of each release besides this machine's, this machine's suites, and whether only the release build's
    are wanted."""
    known = PARTS + RELEASED + ON_REQUEST
    arguments, also, only_release = list(arguments), {}, False
    while arguments and arguments[0] in ("--also", "--release-build"):
        if arguments.pop(0) == "--also":
            release, _, named = arguments.pop(0).partition(":")
            also[release] = tuple(named.split(",")) if named else ()
        else:
            only_release = True
    suites = known if arguments == ["--all"] else tuple(arguments) or PARTS + RELEASED
    unknown = [suite for suite in sum(also.values(), suites) if suite not in known]
    if unknown:
        sys.exit(f"unknown suite: {' '.join(unknown)}; there are: {' '.join(known)}")
    if only_release:
        suites = tuple(suite for suite in suites if suite in SHIPPED)
    if not suites:
        sys.exit("another release runs the suites of the release build only: " + " ".join(SHIPPED))
    usual = tuple(suite for suite in suites if suite in SHIPPED and suite != UPGRADE)
    return {release: named or usual for release, named in also.items()}, suites, only_release


def stages_of(suites, only_release):
    """The stages that run these suites, each with those that it runs."""
    stages = []
    for preset, served in STAGES:
        if only_release and preset != RELEASE:
            continue
        wanted = [suite for suite in served if suite in suites]
        if served == PARTS and not only_release:
            wanted = (wanted or list(served)) if preset in suites else []
        if wanted:
            stages.append((preset, wanted))
    return stages


def main():
    also, suites, only_release = chosen(sys.argv[1:])

    guard = HostGuard()
    total = Count()
    # The runs of the other releases build their packages: the upgrade waits for them.
    last = [suite for suite in suites if suite == UPGRADE and also]
    released = False
    waiting = stages_of(suites, only_release)
    building = start_next(waiting)
    # Beside all the rest, because the machines that they boot mostly wait.
    others = [OtherRelease(release, named) for release, named in also.items() if named]
    try:
        while building:
            started = time.monotonic()
            built = building
            print(f"\n== {built.preset}: {' '.join(built.suites)}", flush=True)
            good = built.succeeds()
            building = start_next(waiting)
            usual = [suite for suite in built.suites if suite != CLOCKS and suite not in last]
            released |= good and built.preset == RELEASE
            count = Count(failed=0 if good else 1)
            if good and usual:
                count.add(run_ctest(built.preset, usual))
            if good and CLOCKS in built.suites:
                count.add(run_with_other_clocks(built.preset))
            print(f"== {built.preset}: {count} ({time.monotonic() - started:.0f} s)", flush=True)
            total.add(count)
        for other in others:
            total.add(other.count())
        if last and released:
            print(f"\n== release: {' '.join(last)}", flush=True)
            total.add(run_ctest(RELEASE, last))
    finally:
        if building:
            building.end()

    left_behind = guard.report()
    if left_behind:
        total.failed += 1
        print("\nThe host is NOT as it was before:", *left_behind, sep="\n  ")
    else:
        total.passed += 1
        print("\nThe host is as it was: packages, /etc, mounts, listening sockets and processes.")

    if total.skipped:
        print(f"{total.skipped} skipped")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == "__main__":
    main()
