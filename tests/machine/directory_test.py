#!/usr/bin/env python3
"""directory_test.py: cognitod-directory from its package, in its unit, with a metadata service at its address. Closes with
`N passed, N failed`."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system"), str(HERE.parent / "packaging")]

from booted import INSIDE, BootedMachine  # noqa: E402  (needs the path above)
from judge import Judge  # noqa: E402
from stored_accounts_test import CONF, PROBE  # noqa: E402

CONF_TEXT = """\
[accounts]
range = 1879048192-2099999999
names = *.*
[groups]
sudo = linux-admins
[directory]
groups = linux-users linux-admins
"""
ROLE = {"access_key_id": "ASIAMETADATA", "secret_access_key": "metadata/secret+key", "session_token": "metadata/token=="}
CREDENTIALS = "/etc/credstore/cognitod-directory.aws"
SOCKET = "/run/pam-cognito-directory/socket"
CONNECT = f"import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect('{SOCKET}')"


def start(machine):
    """(whether the list was taken, the log of this run)"""
    since = machine.run("date", "+%s.%N").stdout.strip()
    done = machine.run("systemctl", "start", "cognitod-directory.service", check=False, timeout=400)
    log = machine.run("journalctl", "--no-pager", "--output=cat", f"--since=@{since}", "--unit=cognitod-directory",
                      "--unit=cognitod-directory-list").stdout
    return done.returncode == 0, log


def known(machine):
    return {one["name"]: one for one in json.loads(machine.run(PROBE, "/", "export").stdout)["accounts"]}


def shown(machine, unit, name):
    return machine.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()


def installed(judge, machine):
    with judge.scene("After the installation"):
        state = lambda *words: machine.run("systemctl", *words, check=False).stdout.strip()
        judge.check("the timer waits for the administrator", state("is-enabled", "cognitod-directory.timer") == "disabled")
        judge.check("and does not run", state("is-active", "cognitod-directory.timer") == "inactive")
        judge.check("nothing has run", shown(machine, "cognitod-directory.service", "ExecMainStartTimestamp") == "")
        judge.check("systemd listens for lists", state("is-active", "cognitod-directory-list.socket") == "active")
        judge.check("the user is a system user", 0 < int(machine.run("id", "-u", "cognitod-directory").stdout) < 1000)
        judge.check("in no group but its own", machine.run("id", "-Gn", "cognitod-directory").stdout.split() == ["cognitod-directory"])
        mode = machine.run("stat", "--format=%U %G %a", SOCKET).stdout.strip()
        judge.check("the socket is for that user", mode == "root cognitod-directory 660", mode)
        for user in ("nobody", "cognitod"):
            done = machine.run("setpriv", f"--reuid={user}", "--clear-groups", "python3", "-c", CONNECT, check=False)
            judge.check(f"{user} cannot open it", "PermissionError" in done.stdout + done.stderr, done)


def lists(judge, machine):
    with judge.scene("Lists by the role of the machine"):
        good, log = start(machine)
        judge.check("a list is taken", good and "the list was taken" in log, log)
        found = machine.run("getent", "passwd", "ann.ex", check=False).stdout
        judge.check("libc finds the members", found.startswith("ann.ex:*:"), found)
        judge.check("with the mapped group", "sudo" in machine.run("id", "-Gn", "ann.ex").stdout.split())
        machine.pool.admin("users/disable", username="bob.ex")
        good, log = start(machine)
        judge.check("a disabled user is locked", good and known(machine)["bob.ex"]["locked_by"] == "pool", log)
        shell = machine.run("getent", "passwd", "bob.ex").stdout.strip().rsplit(":", 1)[-1]
        judge.check("libc shows it", shell == "/usr/sbin/nologin", shell)
        machine.pool.admin("users/enable", username="bob.ex")
        machine.run("systemctl", "stop", "metadata.service")
        good, log = start(machine)
        judge.check("without a role there is no list", not good and "the instance metadata service" in log, log)
        judge.check("and nothing was changed", known(machine)["bob.ex"]["locked_by"] == "pool")
        machine.run("install", "-d", "-m", "0700", "/etc/credstore")
        machine.write(CREDENTIALS, f"[default]\naws_access_key_id = {ROLE['access_key_id']}\naws_secret_access_key = "
                      f"{ROLE['secret_access_key']}\naws_session_token = {ROLE['session_token']}\n", mode=0o600)
        good, log = start(machine)
        judge.check("systemd passes the file of credentials", good and known(machine)["bob.ex"]["locked_by"] == "", log)
        status = json.loads(machine.run("cognitoctl", "directory", "status", "--json").stdout)
        judge.check("cognitoctl shows the list", status["users"] == 2 and not status["held"], status)


def timer(judge, machine):
    with judge.scene("The timer"):
        machine.run("systemctl", "enable", "--now", "cognitod-directory.timer")
        verified = machine.run("systemd-analyze", "verify", "--man=no", "cognitod-directory.timer", "cognitod-directory.service",
                               "cognitod-directory-list.socket", "cognitod-directory-list.service", check=False)
        ours = [line for line in (verified.stdout + verified.stderr).splitlines() if "cognitod-directory" in line]
        judge.check("systemd finds no fault in the units", ours == [], ours)
        judge.check("it runs", shown(machine, "cognitod-directory.timer", "ActiveState") == "active")


def removed(judge, machine):
    with judge.scene("The removal"):
        machine.run("apt-get", "--yes", "--quiet", "purge", "cognitod-directory", timeout=180)
        left = machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "cognitod-directory*").stdout.strip()
        judge.check("no unit is left", "active" not in left.replace("inactive", ""), left)
        judge.check("nor the credentials", machine.run("test", "-e", CREDENTIALS, check=False).returncode != 0)
        judge.check("the accounts stay", sorted(known(machine)) == ["ann.ex", "bob.ex"])


def main():
    with BootedMachine("directory") as machine:
        judge = Judge(machine)
        machine.install_debs("cognitod", "libpam-cognito", "cognitoctl", "libnss-cognitod", "cognitod-accounts", "cognitod-directory")
        machine.write(CONF, CONF_TEXT)
        machine.write("/etc/pam-cognito/fleet.key", "0" * 64 + "\n", mode=0o600)
        machine.run(PROBE, "/", "make")
        machine.configure()
        machine.pool.admin("access-keys/set", **ROLE)
        for name, groups in (("ann.ex", ["linux-users", "linux-admins"]), ("bob.ex", ["linux-users"])):
            machine.pool.admin("users/create", username=name, password="Correct-Horse-1", groups=groups)
        machine.run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
        machine.run("systemd-run", "--quiet", "--unit=metadata", "--", "python3", "-B", f"{INSIDE}/tests/directory/metadata_service.py",
                    "--address", "169.254.169.254", "--port", "80", "--ready", "/run/metadata.ready")
        machine.wait_until(lambda: machine.run("test", "-e", "/run/metadata.ready", check=False).returncode == 0)
        for play in (installed, lists, timer, removed):
            play(judge, machine)
        judge.close()


if __name__ == "__main__":
    main()
