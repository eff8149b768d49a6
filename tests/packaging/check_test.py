#!/usr/bin/env python3
"""scripts/build_debs --check-built: the packages in build/deb come out the same, byte for byte, where they are
built once more from nothing; lintian has no error and no warning."""

import os
import pathlib
import signal
import subprocess

from report import Report

REPO = pathlib.Path(__file__).resolve().parents[2]
# Other tests run meanwhile and have deadlines. Linux weighs sessions first (autogroup), then processes.
BEHIND_ALL_ELSE = """
renice --priority 19 $$ >/dev/null
[[ ! -e /proc/self/autogroup ]] || echo 19 >/proc/self/autogroup
exec "$0" "$@"
"""
SAID = ("lintian: no error, no warning.", "Both builds gave the same bytes.")


def main():
    report = Report()
    # A session of its own, to be ended as a whole.
    process = subprocess.Popen(["bash", "-c", BEHIND_ALL_ELSE, REPO / "scripts/build_debs", "--check-built"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True)
    try:
        shown = process.communicate()[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    lines = shown.splitlines()
    report.check("the packages are reproducible, and lintian finds nothing",
                 process.returncode == 0 and all(line in lines for line in SAID), f"{process.returncode}\n{shown}")
    report.close()


if __name__ == "__main__":
    main()
