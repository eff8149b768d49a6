#!/usr/bin/env python3
"""unit_test.py: cognitod.service as systemd runs it on a booted machine: what it denies, and what the
daemon outlives. Closes with `N passed, N failed`."""

import json
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

from booted import INSIDE, BootedMachine
from judge import Judge
from members import add_members, password_of, set_up, sign_in, totp
from residents import PASSWORD_PROMPT, SHELL, add_local_people, leave, root_on_console, shell
from waiting import wait_for

UNIT = "cognitod.service"
PROGRAM = "/usr/libexec/cognitod"
DROP_IN = "/etc/systemd/system/cognitod.service.d/scene.conf"
USER, OTHER, LOCAL_PASSWORD = "alice", "grace", "Break-Glass-3"
REAUTH = "\n[service sudo]\nreauth = none\nmfa_max_age = 1h\n"
MAX_SCORE = 1.1
MAX_DIRTY_KIB, MAX_PSS_KIB = 4096, 10240
SECRET, SECRET_CLIENT = "2secret0of0an0app0client", "9client0with0a0secret99"
CREDENTIAL = "/etc/credstore.encrypted/cognitod.client_secret"

# Lines of [Service] that run the daemon; all others restrict it.
RUNNING = {"Type", "ExecStart", "ExecReload", "BusName", "WatchdogSec", "FileDescriptorStoreMax", "Restart",
           "RestartSec", "TimeoutStartSec", "TimeoutStopSec", "LoadCredentialEncrypted"}
# Directives that a probe inside cannot observe, each with the manager's value for it.
PROPERTIES = {"MemoryMax": "268435456", "MemorySwapMax": "0", "TasksMax": "256", "LimitMEMLOCK": "67108864",
              "LimitNOFILE": "16384", "LimitCORE": "0", "FileDescriptorStoreMax": "2",
              "WatchdogUSec": "2min", "StateDirectoryMode": "0700", "RemoveIPC": "yes", "Restart": "on-failure"}
NOT_PROBED = {"Environment", "StateDirectory", "RemoveIPC", *PROPERTIES} - {"LimitNOFILE", "LimitCORE"}
# Other lines deny the same: these are a second lock, if a drop-in takes the first off.
DENIED_TWICE = {"NoNewPrivileges", "PrivateMounts", "ProtectKernelLogs", "ProtectKernelTunables", "ProtectClock",
                "RestrictRealtime"}
# A line that has its effect together with another one only.
TOGETHER = {"NoExecPaths": ["ExecPaths"], "SystemCallFilter": ["SystemCallErrorNumber"]}
NOT_ALONE = {"ExecPaths", "SystemCallErrorNumber"}
# Effects of many lines: a mount namespace, and NoNewPrivileges for an unprivileged service.
BY_THE_WAY = {"share mounts", "gain privileges by exec"}


# The lines of the unit, each tried.
class Probes:
    """Short services that run unit_probe.py, each with lines of its own; all run at once."""

    def __init__(self, machine):
        self._machine = machine
        self._lines = {}
        self._outside = {"alice": int(machine.run("id", "-u", USER).stdout)}
        for kind in ("mnt", "uts"):
            self._outside[kind] = machine.run("readlink", f"/proc/1/ns/{kind}").stdout.strip()
        unified = machine.run("stat", "-f", "-c", "%T", "/sys/fs/cgroup").stdout.strip() == "cgroup2fs"
        self._outside["cgroup"] = "/sys/fs/cgroup" + ("" if unified else "/systemd")

    def add(self, name, lines):
        self._lines[name] = lines

    def run(self):
        """{name: {probe: result}}; empty where the service could not even start."""
        units = []
        for number, lines in enumerate(self._lines.values()):
            units.append(f"unit-probe-{number}.service")
            self._machine.write(f"/run/systemd/system/{units[-1]}", "\n".join([
                "[Service]", "Type=oneshot", "TimeoutStartSec=60",
                f"StandardOutput=truncate:/run/unit-probe-{number}",
                f"ExecStart=/usr/bin/python3 {INSIDE}/tests/machine/unit_probe.py '{json.dumps(self._outside)}'",
                *lines, ""]))
        self._machine.run("systemctl", "daemon-reload")
        self._machine.run("systemctl", "start", *units, check=False, timeout=180)
        return {name: self._result(number) for number, name in enumerate(self._lines)}

    def _result(self, number):
        shown = self._machine.run("cat", f"/run/unit-probe-{number}", check=False).stdout
        return json.loads(shown) if shown.startswith("{") else {}


def lines_that_restrict(machine):
    text = machine.run("systemctl", "cat", UNIT).stdout
    lines = re.search(r"(?s)\[Service\]\n(.*?)(?=\n\[|\Z)", text).group(1).splitlines()
    lines = [line for line in lines if "=" in line and not line.startswith("#")]
    python = pathlib.Path(machine.run("readlink", "-f", "/usr/bin/python3").stdout.strip())
    # Python is the program here, and maps what it imports from beside its own modules.
    may_run = f"{python} /usr/lib/{python.name}"
    return [f"{line} {may_run}" if line.startswith("ExecPaths=") else line for line in lines
            if key_of(line) not in RUNNING]


def key_of(line):
    return line.partition("=")[0]


def complaints(machine):
    said = machine.run("systemd-analyze", "verify", UNIT, check=False)
    # This machine has no man.
    return [line for line in said.stderr.splitlines() if "cognitod" in line and "'man " not in line]


def score(judge, machine):
    with judge.scene("systemd reads every line, and scores the unit"):
        ours = complaints(machine)
        judge.check("systemd-analyze verify has nothing to say", not ours, "\n".join(ours))
        drop_in(machine, "[Service]\nNoSuchLine=yes\n")
        judge.check("but of a line that systemd does not know", complaints(machine))
        no_drop_in(machine)
        shown = machine.run("systemd-analyze", "security", UNIT, "--no-pager").stdout
        value = float(re.search(r"exposure level for \S+: ([\d.]+)", shown).group(1))
        judge.check(f"its score is {value}, at most {MAX_SCORE}", value <= MAX_SCORE, shown)
        for key, wanted in PROPERTIES.items():
            value = machine.run("systemctl", "show", UNIT, "--value", "--property", key).stdout.strip()
            judge.check(f"{key} is {wanted}", value == wanted, value)


# nspawn has made it read-only, as a real machine has not. /sys is not tried: nspawn puts a tmpfs with parts of a
# read-only sysfs there.
WRITABLE_AS_ELSEWHERE = "mount -o remount,rw,bind /proc/sys"


def prepare_probes(machine):
    """Calls that a process without the sandbox can make."""
    machine.run("sh", "-ec", f"touch /etc/probe-of-alice /tmp/probe-outside /dev/probe-outside; "
                f"chown {USER} /etc/probe-of-alice; mkdir -p /usr/lib/modules/probe; "
                f"ip address add 169.254.169.254/32 dev lo; {WRITABLE_AS_ELSEWHERE}")


def denials(judge, machine):
    with judge.scene("each line of the unit denies something"):
        prepare_probes(machine)
        whole = lines_that_restrict(machine)
        keys = list(dict.fromkeys(key_of(line) for line in whole))
        own = lambda key: [line for line in whole if key_of(line) in (key, *TOGETHER.get(key, ()))]
        # One of its own for each: systemd gives it to the user of the unit.
        state = ["StateDirectory=%N"]
        probes = Probes(machine)
        probes.add("root", state)
        probes.add("user", ["User=cognitod", *state])
        probes.add("whole", whole)
        for key in keys:
            probes.add(("root", key), own(key) + state)
            probes.add(("user", key), ["User=cognitod", *own(key), *state])
            probes.add(("without", key), [line for line in whole if key_of(line) != key])
        seen = probes.run()

        unseen = [name for name in ("root", "user", "whole") if not seen[name]]
        judge.check("the probes gave their results without the sandbox and in it", not unseen, unseen)
        judge.check("root without the sandbox can do all that is tried", all(
            value is True for value in seen["root"].values()), str(seen["root"]))
        for name, value in seen["whole"].items():
            judge.check(f"cognitod cannot {name}", value is False, str(value))
        for key in keys:
            if key in NOT_PROBED:
                continue
            is_needed = seen["without", key] != seen["whole"]
            judge.check(f"{key} is {'needed' if is_needed else 'a second lock'} in the unit",
                        is_needed == (key not in DENIED_TWICE))
            if key in NOT_ALONE:
                continue
            alone = {name for base in ("root", "user") for name, value in seen[base].items()
                     if value and not seen[base, key].get(name)}
            shown = ", ".join(sorted(alone - BY_THE_WAY or alone))
            judge.check(f"{key} alone denies: {shown}", alone)


def running_daemon(judge, machine):
    with judge.scene("the daemon that runs is in that sandbox"):
        machine.run("systemctl", "restart", UNIT)
        pid = main_pid(machine)
        status = dict(line.split(":\t", 1) for line in machine.read(f"/proc/{pid}/status").splitlines())
        judge.check("it has no capability", all(int(status[f"Cap{kind}"], 16) == 0
                                                for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")))
        judge.check("system calls are filtered", status["Seccomp"] == "2")
        judge.check("it gets no new privileges", status["NoNewPrivs"] == "1")
        uid = machine.run("id", "-u", "cognitod").stdout.strip()
        judge.check("it runs as cognitod", status["Uid"].split() == [uid] * 4, status["Uid"])
        mapped = [line.split() for line in machine.read(f"/proc/{pid}/uid_map").splitlines()]
        judge.check("root and it are the only users in its namespace",
                    mapped == [["0", "0", "1"], [uid, uid, "1"]], str(mapped))
        for kind in ("mnt", "uts", "user"):
            judge.check(f"its {kind} namespace is its own",
                        machine.run("readlink", f"/proc/{pid}/ns/{kind}").stdout
                        != machine.run("readlink", f"/proc/1/ns/{kind}").stdout)
        boot = machine.read("/proc/sys/kernel/random/boot_id").strip().replace("-", "")
        environment = machine.run("cat", f"/proc/{pid}/environ").stdout.split("\0")
        judge.check("it knows which boot this is", f"PAM_COGNITO_BOOT_ID={boot}" in environment)
        limits = machine.read(f"/proc/{pid}/limits")
        judge.check("it dumps no core", re.search(r"Max core file size +0 +0 ", limits), limits)


def shared_memory(judge, machine):
    """RemoveIPC, which no probe inside can tell: it acts when the daemon has ended."""
    left = "/dev/shm/left-by-cognitod"

    def stays():
        machine.run("systemctl", "restart", UNIT)
        machine.run("setpriv", "--reuid=cognitod", "--regid=cognitod", "--clear-groups", "touch", left)
        machine.run("systemctl", "stop", UNIT)
        return machine.run("test", "-e", left, check=False).returncode == 0

    with judge.scene("what the daemon leaves in shared memory goes with it"):
        judge.check("with the unit as it is", not stays())
        drop_in(machine, "[Service]\nRemoveIPC=no\n")
        judge.check("and by RemoveIPC: without it, it stays", stays())
        machine.run("rm", left)
        no_drop_in(machine)


# Events that the daemon survives.
def show(machine, key):
    return machine.run("systemctl", "show", UNIT, "--value", "--property", key).stdout.strip()


def main_pid(machine):
    return int(show(machine, "MainPID"))


def another_daemon(machine, before, timeout=60):
    """Waits until systemd reports that a daemon with another pid is ready."""
    return wait_for(lambda: main_pid(machine) not in (0, before) and show(machine, "ActiveState") == "active",
                    timeout)


def sessions_of(machine, user=USER):
    listed = json.loads(machine.run("cognitoctl", "sessions", "list", "--json", "--user", user).stdout)
    return sorted(listed["sessions"], key=lambda session: session["id"])


def without_clocks(sessions):
    """How long ago something was changes from one look to the next."""
    return [{key: value for key, value in session.items() if isinstance(value, (str, bool, list))}
            for session in sessions]


def sudo_asks_nothing(terminal):
    """sudo -n would not even ask PAM. With nobody at the prompt, a question ends as a failure."""
    return shell(terminal, "sudo -k id -u </dev/null") == ("0", 0)


def drop_in(machine, text):
    machine.write(DROP_IN, text)
    machine.run("systemctl", "daemon-reload")


def no_drop_in(machine):
    machine.run("rm", "-f", DROP_IN)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "reset-failed", UNIT, check=False)
    machine.run("systemctl", "restart", UNIT)


def survival(judge, machine):
    with judge.scene("sessions outlive the daemon in systemd's hands"), sign_in(machine, USER) as terminal:
        judge.check("sudo asks nothing after the login", sudo_asks_nothing(terminal))
        before = sessions_of(machine)
        judge.check("there is a session", len(before) >= 1)
        judge.check("systemd keeps the daemon's memory file", show(machine, "NFileDescriptorStore") == "1")

        def outlives(name, action, replaced=True):
            pid = main_pid(machine)
            action(pid)
            ready = another_daemon(machine, pid) if replaced else main_pid(machine) == pid
            judge.check(f"{name}: {'another' if replaced else 'the same'} daemon serves", ready)
            judge.check(f"{name}: the sessions are the same", without_clocks(sessions_of(machine)) == without_clocks(before))
            judge.check(f"{name}: sudo asks nothing", sudo_asks_nothing(terminal))

        outlives("systemctl restart", lambda _: machine.run("systemctl", "restart", UNIT))
        outlives("SIGKILL", lambda pid: machine.run("kill", "-KILL", pid))
        outlives("systemctl reload", lambda _: machine.run("systemctl", "reload", UNIT), replaced=False)
        judge.check("it says that it is reloaded", judge.line(MESSAGE="reloaded: ready, user pool"))
        outlives("daemon-reexec", lambda _: machine.run("systemctl", "daemon-reexec"), replaced=False)

        # Seconds enough that a busy host does not make a daemon miss it that is well.
        drop_in(machine, "[Service]\nWatchdogSec=5\n")
        machine.run("systemctl", "restart", UNIT)
        outlives("a daemon that hangs", lambda pid: machine.run("kill", "-STOP", pid))
        judge.check("the watchdog ended it", judge.line(MESSAGE="Watchdog timeout", _PID="1"))
        no_drop_in(machine)
        judge.check("after that, still: sudo asks nothing", sudo_asks_nothing(terminal))

        machine.run("systemctl", "stop", UNIT)
        machine.run("systemctl", "start", UNIT)
        judge.check("systemctl stop ends the sessions", sessions_of(machine) == [])
        terminal.send("sudo -k id -u")
        judge.check("sudo asks for the password then", terminal.expect(PASSWORD_PROMPT))
        terminal.kill()


def activation(judge, machine):
    with judge.scene("the first login starts the daemon"):
        machine.run("systemctl", "stop", UNIT)
        with sign_in(machine, USER) as terminal:
            judge.check("alice is logged in", shell(terminal, "id -un")[0] == USER)
            judge.check("the daemon runs", show(machine, "ActiveState") == "active")
            judge.cognitod_said(USER=USER, SERVICE="login", OUTCOME="success", FACTOR="totp")
            own = shell(terminal, "cognitoctl sessions list --json")[0]
            judge.check("the bus tells the daemon who calls, whose user namespace is its own",
                        len(json.loads(own)["sessions"]) >= 1, own)
            leave(terminal)


def reboot(judge, machine):
    with judge.scene("a boot without network: the daemon runs, and the first login works"):
        machine.reboot()
        judge.check("no unit has failed", machine.state == "running", str(machine.failed_units()))
        judge.check("the daemon runs", show(machine, "ActiveState") == "active")
        with sign_in(machine, USER) as terminal:
            judge.check("alice is logged in", shell(terminal, "id -un")[0] == USER)
            leave(terminal)


def idle_memory(judge, machine):
    """It closes what it does not use after 20 s, and gives the memory back."""
    with judge.scene("the idle daemon is small after a sign-in"):
        with sign_in(machine, USER) as terminal:
            leave(terminal)
        kept = {}

        def is_small():
            lines = machine.read(f"/proc/{main_pid(machine)}/smaps_rollup").splitlines()[1:]
            kept.update((name, int(value.split()[0])) for name, value in (line.split(":") for line in lines))
            return kept["Private_Dirty"] <= MAX_DIRTY_KIB and kept["Pss"] <= MAX_PSS_KIB
        judge.check(f"private dirty at most {MAX_DIRTY_KIB} KiB, PSS at most {MAX_PSS_KIB} KiB", wait_for(is_small), kept)
        print(f"({kept['Private_Dirty']} and {kept['Pss']} KiB)")


def cannot_start(judge, machine):
    """The daemon ends at once, whenever it is started; the boot is done with it."""
    with judge.scene("a daemon that cannot start holds up no boot, and local passwords count"):
        drop_in(machine, "[Service]\nExecStart=\nExecStart=/usr/libexec/cognitod --no-such-argument\n")
        machine.reboot()
        failed = wait_for(lambda: show(machine, "ActiveState") == "failed", 60)
        judge.check("the unit has failed", failed and judge.line(MESSAGE="Start request repeated too quickly"))
        judge.check("it had tried ten times", show(machine, "NRestarts") == "10", show(machine, "NRestarts"))
        judge.check("nothing else failed", machine.failed_units() == [UNIT], str(machine.failed_units()))
        judge.check("multi-user.target is reached",
                    machine.run("systemctl", "is-active", "multi-user.target", check=False).stdout.strip() == "active")
        judge.attempt("root logs in on the console", lambda: root_on_console(machine))
        # systemd does not report a failed start to the bus. The module asks systemd after its two seconds
        # whether the unit has failed. The user's manager waits longer, and goes on without the daemon.
        with machine.terminal("login", OTHER) as terminal:
            terminal.answer(PASSWORD_PROMPT, LOCAL_PASSWORD, hidden_as="password")
            terminal.expect(SHELL)
            judge.check("the local password lets a Cognito user in", shell(terminal, "id -un")[0] == OTHER)
            leave(terminal)
        no_drop_in(machine)
        with sign_in(machine, USER) as terminal:
            judge.check("after the repair, sign-ins work again", shell(terminal, "id -un")[0] == USER)
            leave(terminal)


def given_up(machine):
    """After ten tries that came to nothing. Each scene's tries are counted anew."""
    machine.run("systemctl", "reset-failed", UNIT, check=False)
    machine.run("systemctl", "restart", UNIT, check=False)
    return (wait_for(lambda: show(machine, "ActiveState") == "failed", 60),
            show(machine, "Result"), show(machine, "ExecMainStatus"))


def program_gone(judge, machine):
    with judge.scene("a program that is gone: local passwords count"):
        machine.run("mv", PROGRAM, f"{PROGRAM}.kept")
        found = given_up(machine)
        judge.check("systemd cannot execute it, and the unit fails", found == (True, "exit-code", "203"), found)
        with machine.terminal("login", OTHER) as terminal:
            terminal.answer(PASSWORD_PROMPT, LOCAL_PASSWORD, hidden_as="password")
            terminal.expect(SHELL)
            judge.check("the local password lets a Cognito user in", shell(terminal, "id -un")[0] == OTHER)
            leave(terminal)
        machine.run("mv", f"{PROGRAM}.kept", PROGRAM)
        mended(judge, machine)


def no_proof(judge, machine):
    """systemd reports the same if there is no account as if there is no process."""
    with judge.scene("an account that is gone: local passwords do not count, until root masks the unit"):
        drop_in(machine, "[Service]\nUser=nobody-of-that-name\n")
        found = given_up(machine)
        judge.check("systemd does not get as far as cognitod", found == (True, "exit-code", "217"), found)
        judge.check("the local password lets no Cognito user in",
                    refused(machine, OTHER, LOCAL_PASSWORD))
        machine.run("systemctl", "mask", UNIT)
        with machine.terminal("login", OTHER) as terminal:
            terminal.answer(PASSWORD_PROMPT, LOCAL_PASSWORD, hidden_as="password")
            terminal.expect(SHELL)
            judge.check("it does once root says so", shell(terminal, "id -un")[0] == OTHER)
            leave(terminal)
        machine.run("systemctl", "unmask", UNIT)
        no_drop_in(machine)
        mended(judge, machine)


def restarted_too_often(judge, machine):
    with judge.scene("restarted too often: a refusal"):
        for _ in range(11):
            machine.run("systemctl", "restart", UNIT, check=False)
        found = (show(machine, "ActiveState"), show(machine, "Result"))
        judge.check("systemd starts it no more", found == ("failed", "start-limit-hit"), found)
        judge.check("the local password lets no Cognito user in",
                    refused(machine, OTHER, LOCAL_PASSWORD))
        mended(judge, machine)


def refused(machine, user, password):
    done = machine.run("pamtester", "login", user, "authenticate", input=f"{password}\n", check=False)
    shown = done.stdout + done.stderr
    return done.returncode != 0 and re.search(r"^pamtester: Auth", shown, re.M) and "successfully" not in shown


def mended(judge, machine):
    machine.run("systemctl", "reset-failed", UNIT, check=False)
    machine.run("systemctl", "start", UNIT)
    with sign_in(machine, USER) as terminal:
        judge.check("after the repair, sign-ins work again", shell(terminal, "id -un")[0] == USER)
        leave(terminal)


def client_secret(judge, machine):
    with judge.scene("the app client's secret comes as an encrypted credential"):
        machine.pool.admin("clients/set", client_id=SECRET_CLIENT, client_secret=SECRET)
        with_client(machine, SECRET_CLIENT)
        with machine.terminal("login", USER) as terminal:
            terminal.answer(r"Password: ", password_of(USER), hidden_as="password")
            which, _ = terminal.expect_any([r"Code from", r"(?i)incorrect|fail"])
            judge.check("without it the pool lets nobody in", which == 1)
        machine.run("sh", "-c", f"printf %s {SECRET} | systemd-creds encrypt --name=client_secret - {CREDENTIAL}")
        judge.check("what is on the disk is not the secret", SECRET not in machine.read(CREDENTIAL))
        machine.run("systemctl", "restart", UNIT)
        with sign_in(machine, USER) as terminal:
            judge.check("with it alice is logged in", shell(terminal, "id -un")[0] == USER)
            decrypted = f"/run/credentials/{UNIT}/client_secret"
            judge.check("nobody else can read it", shell(terminal, f"cat {decrypted}")[1] != 0)
            judge.check("and root can", machine.run("cat", decrypted, check=False).stdout == SECRET)
            leave(terminal)
        judge.cognitod_said(USER=USER, OUTCOME="success")
        machine.write(CREDENTIAL, "of another machine")
        found = given_up(machine)
        judge.check("one that cannot be decrypted keeps it from starting", found == (True, "exit-code", "243"), found)
        judge.check("the local password lets no Cognito user in", refused(machine, OTHER, LOCAL_PASSWORD))
        machine.run("rm", CREDENTIAL)
        machine.run("systemctl", "reset-failed", UNIT)
        with_client(machine, machine.pool.ready["client_id"])
        machine.run("systemctl", "restart", UNIT)


def with_client(machine, client_id):
    config = machine.read("/etc/pam-cognito/cognitod.conf")
    machine.write("/etc/pam-cognito/cognitod.conf", re.sub(r"(?m)^client_id = .*", f"client_id = {client_id}", config))
    machine.run("systemctl", "reload-or-restart", UNIT)


def metrics_directory(judge, machine):
    with judge.scene("a directory for the metrics, by ReadWritePaths="):
        machine.run("install", "-d", "-o", "cognitod", "/var/lib/metrics")
        before = machine.read("/etc/pam-cognito/cognitod.conf")
        machine.write("/etc/pam-cognito/cognitod.conf", before + "\n[metrics]\ntextfile = /var/lib/metrics/x.prom\n")
        drop_in(machine, "[Service]\nReadWritePaths=/var/lib/metrics\n")
        machine.run("systemctl", "restart", UNIT)
        with sign_in(machine, USER) as terminal:
            leave(terminal)
        judge.check("the file is written", wait_for(
            lambda: "pam_cognito_" in machine.run("cat", "/var/lib/metrics/x.prom", check=False).stdout))
        machine.write("/etc/pam-cognito/cognitod.conf", before)
        no_drop_in(machine)


SCENES = (score, denials, running_daemon, shared_memory, activation, survival, client_secret, metrics_directory,
          program_gone, no_proof, restarted_too_often, reboot, idle_memory,
          cannot_start)


def main():
    with BootedMachine("unit") as machine:
        add_local_people(machine)
        machine.install_debs()
        add_members(machine, USER)
        add_members(machine, OTHER, password=LOCAL_PASSWORD)
        machine.write("/etc/sudoers.d/scene", f"{USER} ALL=(ALL:ALL) ALL\n", 0o440)
        set_up(machine, extra=REAUTH)
        judge = Judge(machine)
        judge.play(SCENES)
    judge.close()


if __name__ == "__main__":
    main()
