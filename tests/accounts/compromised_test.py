#!/usr/bin/env python3
"""compromised_test.py LIBRARY PROGRAM PROBE: a program that runs as uid cognitod tries to become root or a local user by
cognitod-accounts, with sudo in the map. The list of what it obtains is the security model's."""

import json
import os
import pathlib
import re
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests/nss"), str(REPO / "tests/packaging")]

import private_machine  # noqa: E402  (needs the path above)
from compromised_rules import CONFIGURATION, PERMITTED, document  # noqa: E402
from private_machine import CONF, DEFAULT_CONF, write  # noqa: E402
from report import Report  # noqa: E402
from service_test import COGNITOD, Service  # noqa: E402


def listed_in_the_security_model():
    page = (REPO / "docs/explanation/security-model.md").read_text()
    return " ".join(re.search(r"\*\*a compromised cognitod can(.*?)\n\n", page, re.S | re.I).group(1).split())


def main():
    library, program, probe = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    private_machine.enter(library)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"], check=True)
    with open("/etc/passwd", "a") as users:
        users.write(f"cognitod:x:{COGNITOD}:{COGNITOD}::/:/usr/sbin/nologin\n")
    with open("/etc/group", "a") as groups:
        groups.write(f"cognitod:x:{COGNITOD}:\nadm:x:4:\nshadow:x:42:\ndisk:x:6:\n")
    write(CONF, DEFAULT_CONF.replace("[groups]", CONFIGURATION + "[groups]").encode())
    write(pathlib.Path("/etc/pam-cognito/fleet.key"), b"00" * 32 + b"\n", 0o600)
    subprocess.run([probe, "/", "make"], check=True)
    subprocess.run([probe, "/", "import"], input=document(), text=True, check=True)
    # The checkout may be in a directory that cognitod cannot enter.
    attacker = pathlib.Path("/mnt/attacker")
    attacker.mkdir()
    for name in ("compromised.py", "messages.py"):
        (attacker / name).write_bytes((REPO / "tests/accounts" / name).read_bytes())
    report = Report()
    with Service(program) as service:
        done = subprocess.run(["setpriv", f"--reuid={COGNITOD}", f"--regid={COGNITOD}", "--clear-groups", "--no-new-privs", sys.executable, "-B",
                               attacker / "compromised.py"], capture_output=True, text=True, timeout=120,
                              env={key: value for key, value in os.environ.items() if not key.startswith("NSS_TEST")})
        report.check("the program ran", done.returncode == 0, done.stderr)
        result = json.loads(done.stdout)
        text = service.text()
    report.equal("as uid cognitod", result["uid"], COGNITOD)
    report.equal("it obtained what the security model lists, and nothing more", sorted(result["obtained"]), sorted(PERMITTED))
    model = listed_in_the_security_model()
    for what, words in PERMITTED.items():
        report.check(f"the security model lists: {what}", words in model, model)
    system = [path for path in result["writable"] if path.startswith(("/etc", "/usr", "/var/lib", "/run", "/home", "/root", "/boot"))]
    report.equal("it can write no file of the system", [path for path in system if path != "/run/lock"], [])
    report.equal("and of the sockets below /run it reaches one", [path for path in result["sockets"] if path.startswith("/run")],
                 ["/run/pam-cognito-accounts/socket"])
    report.check("each refusal is in the log", text.count(" refused, ") > 40, text)
    for name, reason in (("root", "name-reserved"), ("postgres", "name-reserved"), ("carol", "name-is-local"), ("eve", "name-not-permitted")):
        report.check(f"{name}: {reason}", f"sign-in of {name} refused, {reason}" in text, text)
    report.close()


if __name__ == "__main__":
    main()
