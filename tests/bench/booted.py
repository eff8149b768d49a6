#!/usr/bin/env python3
"""booted.py [--json FILE]: figures of a booted machine, on which nothing but cognitod itself shares its
libraries: memory of the idle daemon after a sign-in, and the first sign-in after a boot. Root only."""

import argparse
import json
import pathlib
import re
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "machine"), str(HERE.parent / "system")]

from booted import CONFIG, POOL_STATE, BootedMachine
from members import add_members, password_of, set_up, totp

USER, SERVICE, UNIT = "alice", "bench", "cognitod.service"
UNTIL_IDLE_S = 22  # cognitod closes what it does not use after 20 s
BOOTS = 3
MIB = 1024


def prepare(machine):
    machine.install_debs()
    add_members(machine, USER)
    set_up(machine)
    # The system's certificates and the pool's in one file, as with a pool that has a public one.
    machine.run("sh", "-c", f"cat /etc/ssl/certs/ca-certificates.crt {POOL_STATE}/ca.pem >/etc/pam-cognito/all-ca.pem")
    machine.write(CONFIG, machine.read(CONFIG).replace("pool-ca.pem", "all-ca.pem"))
    machine.write(f"/etc/pam.d/{SERVICE}", "auth required pam_cognito.so\naccount required pam_cognito.so\n")
    # The bus, not the boot, is to start the daemon.
    machine.run("systemctl", "disable", "--now", UNIT)


def main_pid(machine):
    return machine.run("systemctl", "show", UNIT, "--value", "--property", "MainPID").stdout.strip()


def pool_cpu_s(machine):
    pid = machine.run("systemctl", "show", "cognito-pool.service", "--value", "--property", "MainPID").stdout.strip()
    ran_ns = sum(int(line.split()[0]) for line in machine.run(
        "sh", "-c", f"cat /proc/{pid}/task/*/schedstat").stdout.splitlines())
    return ran_ns / 1e9


def sign_in_s(machine):
    """A whole sign-in by somebody who types at once, and the pool's part of it. The clock runs inside."""
    machine.pool.forgive(USER)
    answers = f"{password_of(USER)}\n{totp(machine, USER)}\n"
    before = pool_cpu_s(machine)
    script = ('import subprocess, sys, time; a = sys.stdin.read(); t = time.monotonic(); '
              f'd = subprocess.run(["pamtester", "{SERVICE}", "{USER}", "authenticate"], input=a, text=True, '
              'stdout=subprocess.PIPE, stderr=subprocess.STDOUT); print(time.monotonic() - t, d.returncode, d.stdout)')
    shown = machine.run("python3", "-c", script, input=answers).stdout
    took, status, _ = shown.split(maxsplit=2)
    if status != "0":
        raise RuntimeError(f"the sign-in failed: {shown}")
    return float(took), pool_cpu_s(machine) - before


def memory_mib(machine):
    text = machine.read(f"/proc/{main_pid(machine)}/smaps_rollup")
    return {key: int(re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE).group(1)) / MIB
            for key in ("Pss", "Private_Dirty", "Rss")}


def row(rows, identifier, what, figure, unit, limit=None, note=""):
    verdict = "" if limit is None else "ok" if figure <= limit else "MISSED"
    budget = "" if limit is None else f"≤ {limit:g} {unit}"
    print(f"{what:<52} {figure:8.1f} {unit:<4} {budget:<10} {verdict} {note}".rstrip(), flush=True)
    rows.append({"id": identifier, "figure": figure, "unit": unit, "limit": limit, "verdict": verdict, "note": note})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    options = parser.parse_args()
    rows, firsts, warm = [], [], []
    with BootedMachine("bench") as machine:
        prepare(machine)
        for _ in range(BOOTS):
            machine.reboot()
            if main_pid(machine) != "0":
                raise RuntimeError("cognitod runs before anybody has signed in")
            firsts.append(sign_in_s(machine))
            warm.append(sign_in_s(machine))
        time.sleep(UNTIL_IDLE_S)
        memory = memory_mib(machine)
    beyond = statistics.median(took - pool for took, pool in firsts) * 1000
    warm_beyond = statistics.median(took - pool for took, pool in warm) * 1000
    row(rows, "booted_private_dirty", "idle daemon after a sign-in: private dirty", memory["Private_Dirty"], "MiB", 4)
    row(rows, "booted_pss", "idle daemon after a sign-in: PSS", memory["Pss"], "MiB", 10)
    row(rows, "booted_first_login", "first sign-in after a boot, beyond the pool's time", beyond, "ms", 80,
        f"activation, CA bundle; median of {BOOTS} boots, with a start of pamtester; "
        f"pool {statistics.median(pool for _, pool in firsts) * 1000:.0f} ms")
    row(rows, "booted_next_login", "the next one", warm_beyond, "ms")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
