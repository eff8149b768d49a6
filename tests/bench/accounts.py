#!/usr/bin/env python3
"""accounts.py LIBRARY LOOK-UPS [USERS…]: the time of a look-up of users that libnss_cognitod, /etc/passwd (`files`), and drop-ins of
nss-systemd have, each with the same users, in a mount namespace; and the time that the service adds to logins of root and of
a local user. Called by `./dev bench --accounts`."""

import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "nss"))

import private_machine  # noqa: E402  (needs the path above)
from accounts_image import User, image  # noqa: E402

FIRST = 0x70000000
GROUPS = (("sudo", 27), ("docker", 995))
BUDGET = {"known": 15, "unknown": 15, "groups": 60}
LOCAL = "root:x:0:0:root:/root:/bin/bash\n"
DROP_INS = pathlib.Path("/etc/userdb")
TURNS = 3
LOGINS, LOGIN_BUDGET_MS = 200, 1.0


def of_cognitod(users):
    private_machine.write(private_machine.FILE, image([User(f"user.{n}", FIRST + n, groups=["sudo", "docker"])
                                                       for n in range(users)], GROUPS))


def of_files(users):
    names = [f"user.{n}" for n in range(users)]
    pathlib.Path("/etc/passwd").write_text(
        LOCAL + "".join(f"{name}:x:{FIRST + n}:{FIRST + n}::/home/{name}:/bin/bash\n" for n, name in enumerate(names)))
    pathlib.Path("/etc/group").write_text(
        "root:x:0:\n" + "".join(f"{group}:x:{gid}:{','.join(names)}\n" for group, gid in GROUPS))


def of_systemd(users):
    DROP_INS.mkdir(exist_ok=True)
    for n in range(users):
        name = f"user.{n}"
        (DROP_INS / f"{name}.user").write_text(json.dumps(
            {"userName": name, "uid": FIRST + n, "gid": FIRST + n, "disposition": "regular", "homeDirectory": f"/home/{name}"}))
        (DROP_INS / f"{FIRST + n}.user").symlink_to(f"{name}.user")
        for group, _ in GROUPS:
            (DROP_INS / f"{name}:{group}.membership").write_text("{}")  # an empty file would hide it
    for group, gid in GROUPS:
        (DROP_INS / f"{group}.group").write_text(json.dumps({"groupName": group, "gid": gid}))
        (DROP_INS / f"{gid}.group").symlink_to(f"{group}.group")


def set_services(services):
    pathlib.Path("/etc/nsswitch.conf").write_text(f"passwd: {services}\ngroup: {services}\n")


def added_to_login(user):
    """(median without the service, what it adds), in milliseconds, of `su USER -c true` as root. By turns, so that both have
    the same load; a login that fails ends the program. cognitod does not run here."""
    times = {"files": [], "files cognitod": []}
    for _ in range(LOGINS):
        for services, taken in times.items():
            set_services(services)
            start = time.monotonic()
            subprocess.run(["su", user, "-c", "true"], check=True)
            taken.append(1000 * (time.monotonic() - start))
    without, with_service = (statistics.median(taken) for taken in times.values())
    return without, with_service - without


def has_systemd():
    """Debian's package libnss-systemd would change nsswitch.conf of the host, so it is not installed for this."""
    return any(pathlib.Path("/usr/lib").glob("*/libnss_systemd.so.2"))


def main():
    library, look_ups = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    counts = [int(word) for word in sys.argv[3:]] or [10_000, 100_000]
    private_machine.enter(library)
    missed = 0
    for users in counts:
        of_cognitod(users)
        pathlib.Path("/etc/passwd").write_text(LOCAL)
        pathlib.Path("/etc/group").write_text("root:x:0:\nsudo:x:27:\ndocker:x:995:\n")
        # (row, services, what makes the users of the row)
        rows = [("files cognitod", "files cognitod", None), ("files cognitod systemd", "files cognitod systemd", None),
                ("files", "files", of_files)]
        if users <= 10_000:  # a drop-in is four files
            rows.append(("files systemd", "files systemd", of_systemd))
        for row, services, make in rows:
            if "systemd" in services and not has_systemd():
                print(f"{users:7} users, {row:23}: skipped, libnss-systemd is not installed")
                continue
            set_services(services)
            if make is of_systemd:
                pathlib.Path("/etc/passwd").write_text(LOCAL)
                pathlib.Path("/etc/group").write_text("root:x:0:\n")
            if make:
                make(users)
            seen = [subprocess.run([look_ups, str(users)], check=True, text=True, capture_output=True).stdout.split()
                    for _ in range(TURNS)]
            best = {name: min(float(one[place]) for one in seen) for place, name in enumerate(BUDGET)}
            shown = []
            for name, figure in best.items():
                late = row == "files cognitod" and figure > BUDGET[name] and (users <= 10_000 or name != "groups")
                missed += late
                shown.append(f"{name} {figure:.1f} µs{' MISSED' if late else ''}")
            print(f"{users:7} users, {row:23}: {', '.join(shown)}", flush=True)
        shutil.rmtree(DROP_INS, ignore_errors=True)  # the next rows are without them
        pathlib.Path("/etc/passwd").write_text(LOCAL + "carol:x:1000:1000::/:/bin/sh\n")
        pathlib.Path("/etc/group").write_text("root:x:0:\nsudo:x:27:carol\ndocker:x:995:\ncarol:x:1000:\n")
        pathlib.Path("/etc/shadow").write_text("root:*:20000:0:99999:7:::\ncarol:*:20000:0:99999:7:::\n")
        for user in ("root", "carol"):
            without, added = added_to_login(user)
            late = added > LOGIN_BUDGET_MS
            missed += late
            print(f"{users:7} users, a login of {user}: {without:.2f} ms, and {added:+.2f} ms with cognitod in nsswitch.conf"
                  f"{' MISSED' if late else ''}", flush=True)
    print(f"{missed} of the budgets missed")


if __name__ == "__main__":
    main()
