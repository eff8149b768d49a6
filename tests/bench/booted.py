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


def unmount_what_only_a_container_has(machine):
    """systemd reads the list of all mounts about 150 times when it starts the unit. systemd-nspawn has
    put some twenty into it that no other machine has."""
    mounts = [line.split()[4] for line in machine.read("/proc/self/mountinfo").splitlines()]
    needed = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
    for path in reversed(mounts):
        if path.startswith(("/proc/", "/run/host/", "/sys/fs/cgroup/")) and path not in needed:
            machine.run("umount", path, check=False)
    return len(machine.read("/proc/self/mountinfo").splitlines())


def main_pid(machine):
    return machine.run("systemctl", "show", UNIT, "--value", "--property", "MainPID").stdout.strip()


def pool_cpu_s(machine):
    pid = machine.run("systemctl", "show", "cognito-pool.service", "--value", "--property", "MainPID").stdout.strip()
    ran_ns = sum(int(line.split()[0]) for line in machine.run(
        "sh", "-c", f"cat /proc/{pid}/task/*/schedstat").stdout.splitlines())
    return ran_ns / 1e9


def sign_in_s(machine):
    """A whole sign-in by a user who types at once, and the pool's part of it. The clock runs inside."""
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


def boots(machine, starts_at_boot):
    """First and second sign-in after each boot, with how many mounts."""
    machine.run("systemctl", "enable" if starts_at_boot else "disable", UNIT)
    firsts, seconds, mounts = [], [], 0
    for _ in range(BOOTS):
        machine.reboot()
        mounts = unmount_what_only_a_container_has(machine)
        if (main_pid(machine) != "0") != starts_at_boot:
            raise RuntimeError(f"cognitod runs: {not starts_at_boot}, before anybody has signed in")
        firsts.append(sign_in_s(machine))
        seconds.append(sign_in_s(machine))
    return firsts, seconds, mounts


def memory_mib(machine):
    # Pages of a file that was just written count as dirty.
    machine.run("sync")
    text = machine.read(f"/proc/{main_pid(machine)}/smaps_rollup")
    return {key: int(re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE).group(1)) / MIB
            for key in ("Pss", "Private_Dirty", "Rss")}


def beyond_ms(figures):
    return statistics.median(took - pool for took, pool in figures) * 1000


def row(rows, identifier, what, figure, unit, limit=None, note=""):
    verdict = "" if limit is None else "ok" if figure <= limit else "MISSED"
    budget = "" if limit is None else f"≤ {limit:g} {unit}"
    print(f"{what:<52} {figure:8.1f} {unit:<4} {budget:<10} {verdict} {note}".rstrip(), flush=True)
    rows.append({"id": identifier, "figure": figure, "unit": unit, "limit": limit, "verdict": verdict, "note": note})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    options = parser.parse_args()
    rows = []
    # On a disk: the pages of a program that lies in memory would count as the process' own.
    with BootedMachine("bench", on_disk=True) as machine:
        prepare(machine)
        activated, _, mounts = boots(machine, starts_at_boot=False)
        shipped, warm, _ = boots(machine, starts_at_boot=True)
        time.sleep(UNTIL_IDLE_S)
        memory = memory_mib(machine)
    row(rows, "booted_private_dirty", "idle daemon after a sign-in: private dirty", memory["Private_Dirty"], "MiB", 4)
    row(rows, "booted_pss", "idle daemon after a sign-in: PSS", memory["Pss"], "MiB", 10)
    row(rows, "booted_first_login", "first sign-in after a boot, beyond the pool's time", beyond_ms(shipped), "ms", 80,
        f"the boot has started the daemon; median of {BOOTS}, with a start of pamtester")
    row(rows, "booted_activated_login", "the same where it starts the daemon", beyond_ms(activated), "ms", 80,
        f"activation by the bus, sandbox, CA bundle; {mounts} mounts")
    row(rows, "booted_next_login", "the next one", beyond_ms(warm), "ms")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
