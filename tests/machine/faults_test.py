#!/usr/bin/env python3
"""faults_test.py: what sign-ins come to on a booted machine where something is broken: the pool, DNS, a
clock, the disk, the daemon, the bus. Each by its effect and its line in the journal. Closes with
`N passed, N failed`."""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import openssh
import tree
from booted import CONFIG_TEXT, INSIDE, POOL_STATE, BootedMachine
from judge import Judge
from members import add_members, password_of, restart, set_up, sign_in, totp
from residents import (LOCAL_PASSWORD, LOCAL_USER, PASSWORD_PROMPT, REFUSED, ROOT_PASSWORD, SHELL,
                       TOTP_PROMPT, add_local_people, console, leave, refused_at_console, root_on_console,
                       session_of, shell, user_on_console)
from waiting import wait_for

# alice has signed in, and has a local password besides; judy has none. frank was never here.
KNOWN, KNOWN_WITHOUT_LOCAL, NEVER_SEEN = "alice", "judy", "frank"
BREAK_GLASS = "Break-Glass-3"

# The module's bound for the bus and the daemon, and what a busy machine may take besides.
# The bus's own bound would be 25 s.
MODULE_BOUND_S, SLACK_S = 2.0, 15
# A step of cognitod's.
STEP_BOUND_S = 8.0
STATE = "/var/lib/cognitod"
BUS_SOCKET = "/run/dbus/system_bus_socket"


# Helpers.
def come_in(machine, user):
    """A whole sign-in on the console. True if there is a session of the user's."""
    with sign_in(machine, user) as terminal:
        name, present = shell(terminal, "id -un")[0], bool(session_of(machine, user))
        leave(terminal)
    return name == user and present


def break_glass(machine, user=KNOWN):
    """The local password, at our module's prompt and at pam_unix's own after it."""
    with machine.terminal("login", user) as terminal:
        which = 0
        while which == 0:
            which, _ = terminal.expect_any([PASSWORD_PROMPT, SHELL, REFUSED])
            if which == 0:
                terminal.send(BREAK_GLASS, hidden_as="local password")
        present = bool(session_of(machine, user))
        if which == 1:
            leave(terminal)
        return which == 1 and present


def authenticate(machine, user, password):
    """libpam's authentication by sshd's stack, where a session could not be had. The password is typed at
    each prompt for one: pam_unix, where it is asked after our module, has its own. Gives what was shown."""
    with machine.terminal("pamtester", "sshd", user, "authenticate") as terminal:
        while True:
            which, _ = terminal.expect_any([PASSWORD_PROMPT, r"pamtester: [^\n]*\n"])
            if which == 1:
                return terminal.transcript
            terminal.send(password, hidden_as="password")


def is_in(shown):
    return "successfully authenticated" in shown


def try_ssh(machine, user):
    """The real ssh, with the user's own password and code. Gives whether there was a session with a
    shell, what was shown, and how often a password was asked for."""
    machine.pool.forgive(user)
    prompts = 0
    with machine.terminal(*openssh.client(user, "echo in as $(id -un)")) as terminal:
        while True:
            which, _ = terminal.expect_any([PASSWORD_PROMPT, TOTP_PROMPT, rf"\nin as {user}\n",
                                            r"Permission denied \(|Connection closed"])
            if which >= 2:
                return which == 2, terminal.transcript, prompts
            if which == 0:
                prompts += 1
                terminal.send(password_of(user), hidden_as="password")
            else:
                terminal.send(totp(machine, user), hidden_as="code")


def comes_in_by_ssh(machine, user):
    return try_ssh(machine, user)[0]


def refused_by_ssh(judge, machine, user):
    """How often a password was asked for."""
    inside, said, prompts = try_ssh(machine, user)
    judge.check(f"sshd refuses {user}", not inside and not session_of(machine, user), said)
    return prompts


def check_bound(judge, took_s, bound_s):
    """The test types at once what it types."""
    judge.check(f"it took {took_s:.1f} s; the bound is {bound_s:.0f} s, and {SLACK_S} s more for a busy machine",
                0 < took_s <= bound_s + SLACK_S)


def check_others(judge, machine):
    judge.attempt("root logs in and sudoes", lambda: root_on_console(machine))
    judge.attempt("a local user logs in", lambda: user_on_console(machine, LOCAL_USER, LOCAL_PASSWORD))


# The pool.
def pool_down(judge, machine):
    with judge.scene("The pool is down before the sign-in"), pool_away(machine):
        # When it does: break_glass_test.py.
        judge.attempt("a local password does not let in at once: one failure proves nothing",
                      lambda: not break_glass(machine))
        judge.cognitod_said(USER=KNOWN, SERVICE="login", OUTCOME="failed", CAUSE="not-connected")
        judge.check("who has none is refused", refused_at_console(
            machine, KNOWN_WITHOUT_LOCAL, password_of(KNOWN_WITHOUT_LOCAL)))
        judge.cognitod_said(USER=KNOWN_WITHOUT_LOCAL, OUTCOME="failed")
        done = machine.run("pamtester", "sshd", KNOWN, "acct_mgmt", check=False)
        judge.check("a login by key of a known user goes on", done.returncode == 0, done.stdout + done.stderr)
        judge.cognitod_said(USER=KNOWN, SERVICE="sshd", OUTCOME="success")
        check_others(judge, machine)


@contextlib.contextmanager
def pool_away(machine):
    machine.stop_pool()
    try:
        yield
    finally:
        machine.start_pool()


def pool_lost(judge, machine):
    with judge.scene("The pool goes down while the person looks for the code"):
        with machine.terminal("login", KNOWN) as terminal:
            terminal.answer(PASSWORD_PROMPT, password_of(KNOWN), hidden_as="password")
            terminal.expect(TOTP_PROMPT)
            code = totp(machine, KNOWN)
            with pool_away(machine):
                terminal.send(code, hidden_as="code")
                which, _ = terminal.expect_any([PASSWORD_PROMPT, SHELL, REFUSED])
            judge.check("the sign-in is refused, and no local password is asked for in its place", which == 2,
                        terminal.transcript)
        judge.cognitod_said(USER=KNOWN, OUTCOME="failed")
        judge.check("there is no session", not session_of(machine, KNOWN))
        judge.attempt("with the pool back the next sign-in is good", lambda: come_in(machine, KNOWN))


# Names.
def dns(judge, machine):
    text = CONFIG_TEXT.replace("{endpoint}", "https://pool.example.net:8443")
    with judge.scene("DNS: no name server answers at all"):
        machine.write("/etc/resolv.conf", "nameserver 127.0.0.9\noptions timeout:1 attempts:1\n")
        machine.configure(text, users_conf=None)
        restart(machine)
        refused_by_ssh(judge, machine, KNOWN_WITHOUT_LOCAL)
        judge.cognitod_said(USER=KNOWN_WITHOUT_LOCAL, OUTCOME="failed", CAUSE="not-connected")
        judge.attempt("a local password does not let in", lambda: not break_glass(machine))
        check_others(judge, machine)
    with judge.scene("DNS: a name server takes questions and never answers"):
        machine.run("systemd-run", "--quiet", "--collect", "--unit=silent-dns", "--property=Type=notify",
                    "--property=NotifyAccess=all", "python3", "-c",
                    "import os, socket, time\n"
                    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.9', 53))\n"
                    "n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                    "n.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])\n"
                    "time.sleep(600)\n")
        # The resolver's own patience is longer than the step's, and than the slack.
        machine.write("/etc/resolv.conf", "nameserver 127.0.0.9\noptions timeout:30\n")
        restart(machine)
        refused_by_ssh(judge, machine, KNOWN_WITHOUT_LOCAL)
        entry = judge.cognitod_said(USER=KNOWN_WITHOUT_LOCAL, GOAL="sign-in", OUTCOME="failed")
        check_bound(judge, int(entry["PAM_COGNITO_DURATION_MS"]) / 1000 if entry else 0, STEP_BOUND_S)
        check_others(judge, machine)
    machine.run("systemctl", "stop", "silent-dns", check=False)
    machine.configure(users_conf=None)
    restart(machine)


# Clocks. A container cannot set its clock: the pool's is set instead, which is the same difference.
def clocks(judge, machine):
    for hours in (-1, 1):
        with judge.scene(f"This machine's clock is an hour {'fast' if hours < 0 else 'slow'}"):
            machine.pool.admin("clock/advance", wall_s=hours * 3600)
            prompts = refused_by_ssh(judge, machine, KNOWN_WITHOUT_LOCAL)
            judge.check("no local password is asked for in its place", prompts == 1, prompts)
            # The pool's answer to an SRP proof whose time differs from its own.
            judge.cognitod_said(USER=KNOWN_WITHOUT_LOCAL, SERVICE="sshd", OUTCOME="refused",
                                CAUSE="not-authorized")
            machine.pool.admin("clock/advance", wall_s=-hours * 3600)
    with judge.scene("The clocks agree again"):
        judge.attempt("the next sign-in is good", lambda: comes_in_by_ssh(machine, KNOWN_WITHOUT_LOCAL))


def expired_certificate(judge, machine):
    """The pool's certificate with a clock that is years fast."""
    with judge.scene("By this machine's clock the pool's certificate has expired"):
        machine.run("bash", "-c", EXPIRED_SERVER)
        machine.configure(CONFIG_TEXT.replace("{endpoint}", "https://127.0.0.1:9443").replace(
            "/pool-ca.pem", "/expired.pem"), users_conf=None)
        restart(machine)
        refused_by_ssh(judge, machine, KNOWN_WITHOUT_LOCAL)
        entry = judge.cognitod_said(USER=KNOWN_WITHOUT_LOCAL, OUTCOME="failed", CAUSE="not-connected")
        judge.check("the line says what is wrong with it",
                    entry and "certificate has expired" in entry["PAM_COGNITO_DETAIL"], entry)
        report = machine.run("cognitoctl", "doctor", "--json", check=False).stdout
        states = {one["id"]: one["state"] for one in json.loads(report)["checks"]}
        judge.check("doctor sees it", states.get("pool-certificate") == "fault", states)
        judge.attempt("a local password does not let in: another certificate is no proof",
                      lambda: not break_glass(machine))
        check_others(judge, machine)
    machine.run("systemctl", "stop", "expired-pool", check=False)
    machine.configure(users_conf=None)
    restart(machine)


EXPIRED_SERVER = """\
set -e
cd "$(mktemp -d)"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out request -subj /CN=pool
echo subjectAltName=IP:127.0.0.1 >extensions
ended=(-days -1)
# OpenSSL 3.4 and later refuse an end before the start, and take the start.
! openssl x509 -help 2>&1 | grep -q not_before || ended=(-not_before 20200101000000Z -not_after 20200102000000Z)
openssl x509 -req -in request -signkey key.pem "${ended[@]}" -extfile extensions -out expired.pem
install -m 644 expired.pem /etc/pam-cognito/expired.pem
systemd-run --quiet --collect --unit=expired-pool openssl s_server -quiet -accept 127.0.0.1:9443 \
  -cert "$PWD/expired.pem" -key "$PWD/key.pem"
until (: >/dev/tcp/127.0.0.1/9443) 2>/dev/null; do systemctl is-active --quiet expired-pool; done
"""


# The disk.
@contextlib.contextmanager
def state_on(machine, options, fill=False):
    """cognitod's state on a filesystem of its own, with what is known of people until now."""
    machine.run("systemctl", "stop", "cognitod")
    machine.run("cp", "-a", STATE, "/run/state")
    machine.run("mount", "-t", "tmpfs", "-o", options, "state", STATE)
    machine.run("sh", "-c", f"cp -a /run/state/. {STATE}/ && chown --reference=/run/state {STATE} && "
                            f"chmod --reference=/run/state {STATE}")
    if fill:
        machine.run("sh", "-c", f"cat /dev/zero >{STATE}/filler", check=False)
    try:
        yield
    finally:
        machine.run("systemctl", "stop", "cognitod")
        machine.run("umount", STATE)
        machine.run("rm", "-rf", "/run/state")
        restart(machine)


def full_disk(judge, machine):
    with judge.scene("The disk of /var/lib/cognitod is full"):
        with state_on(machine, "size=256k,mode=700", fill=True):
            restart(machine)
            judge.attempt("a known user signs in", lambda: come_in(machine, KNOWN))
            judge.cognitod_said(USER=KNOWN, SERVICE="login", OUTCOME="success")
            check_newcomer_refused(judge, machine)
            check_others(judge, machine)


# Directories in which all users may write.
PUBLIC = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")


@contextlib.contextmanager
def full(machine, *places, files=False):
    """Not a byte more fits into these places; or, with files, not even a name."""
    fill = 'for i in {1..999}; do : >"$0/$i" || break; done' if files else 'cat /dev/zero >"$0/filler"'
    with contextlib.ExitStack() as filled:
        for place in places:
            machine.run("mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=99,mode=1777", "full", place)
            filled.callback(machine.run, "umount", "--lazy", place)
            machine.run("bash", "-c", fill, place, check=False)
        yield


def full_everywhere(judge, machine):
    with judge.scene("The disk of /var/lib/cognitod is full, and so is whatever anybody may write to"), \
            full(machine, *PUBLIC), state_on(machine, "size=256k,mode=700", fill=True):
        restart(machine)
        judge.attempt("cognitod starts, and a known user signs in", lambda: comes_in_by_ssh(machine, KNOWN))
        judge.cognitod_said(USER=KNOWN, SERVICE="sshd", OUTCOME="success")
        check_others(judge, machine)
    with judge.scene("Not one file more fits anywhere"), full(machine, *PUBLIC, files=True):
        judge.attempt("a cognitod that runs goes on", lambda: comes_in_by_ssh(machine, KNOWN))
        started = machine.run("systemctl", "restart", "cognitod", check=False)
        if tree.RELEASE == "bookworm":
            # Its systemd needs a directory in /tmp for PrivateDevices=.
            judge.check("systemd cannot start another", started.returncode != 0, started)
        else:
            judge.check("systemd starts another all the same", started.returncode == 0, started)
            judge.attempt("which a known user signs in with", lambda: comes_in_by_ssh(machine, KNOWN))
        said = authenticate(machine, KNOWN, BREAK_GLASS)
        judge.check("the local password does not count: any user can bring this about", not is_in(said), said)
        check_others(judge, machine)
    with judge.scene("There is room again"):
        restart(machine)
        judge.attempt("the next sign-in is good", lambda: comes_in_by_ssh(machine, KNOWN))


def check_newcomer_refused(judge, machine):
    refused_by_ssh(judge, machine, NEVER_SEEN)
    judge.cognitod_said(USER=NEVER_SEEN, OUTCOME="failed", CAUSE="identity-not-written")
    judge.check("nothing is kept of it", NEVER_SEEN not in known_people(machine), known_people(machine))


def known_people(machine):
    listed = json.loads(machine.run("cognitoctl", "identity", "list", "--json").stdout)
    return [one["user"] for one in listed["identities"]]


def disk_again(judge, machine):
    with judge.scene("The disk can be written again"):
        judge.attempt("the first sign-in is good", lambda: come_in(machine, NEVER_SEEN))
        judge.check("and is written down", NEVER_SEEN in known_people(machine))


def full_journal(judge, machine):
    with judge.scene("The journal's disk is full"):
        place = "/var/log/journal" if machine.run("test", "-d", "/var/log/journal", check=False).returncode == 0 \
            else "/run/log/journal"
        machine.run("mount", "-t", "tmpfs", "-o", "size=64k", "journal", place)
        machine.run("sh", "-c", f"cat /dev/zero >{place}/filler", check=False)
        machine.run("systemctl", "restart", "systemd-journald")
        try:
            judge.attempt("a known user signs in", lambda: come_in(machine, KNOWN))
            judge.attempt("root logs in and sudoes", lambda: root_on_console(machine))
        finally:
            machine.run("umount", "--lazy", place)
            machine.run("systemctl", "restart", "systemd-journald")


def hung_journal(judge, machine):
    with judge.scene("journald hangs (SIGSTOP)"):
        with stopped(machine, "systemd-journald"):
            judge.attempt("a known user signs in", lambda: come_in(machine, KNOWN))
        judge.cognitod_said(USER=KNOWN, SERVICE="login", OUTCOME="success")


def read_only_root(judge, machine):
    with judge.scene("The root filesystem is read-only"), root_read_only(machine):
        judge.check("nothing can be written", machine.run("touch", "/var/x", check=False).returncode != 0)
        judge.attempt("a known user signs in", lambda: come_in(machine, KNOWN))
        judge.cognitod_said(USER=KNOWN, SERVICE="login", OUTCOME="success")
        check_newcomer_refused(judge, machine)
        check_others(judge, machine)


@contextlib.contextmanager
def root_read_only(machine):
    """Programs that write all the time get memory in place of their disk."""
    machine.run("systemctl", "stop", "cognitod")
    machine.stop_pool()
    for place in ("/var/log", POOL_STATE):
        machine.run("cp", "-a", place, "/run/kept")
        machine.run("mount", "-t", "tmpfs", "-o", "mode=755", "memory", place)
        machine.run("sh", "-c", 'cp -a /run/kept/. "$0" && rm -rf /run/kept', place)
    machine.run("systemctl", "restart", "systemd-journald")
    try:
        machine.run("mount", "-o", "remount,bind,ro", "/")
        machine.start_pool()
        restart(machine)
        yield
    finally:
        machine.run("mount", "-o", "remount,bind,rw", "/", check=False)
        machine.stop_pool()
        for place in ("/var/log", POOL_STATE):
            machine.run("umount", "--lazy", place)
        machine.run("systemctl", "restart", "systemd-journald")
        machine.start_pool()
        restart(machine)


# The daemon and the bus.
@contextlib.contextmanager
def stopped(machine, unit):
    """All processes of the unit: the main one is not always the one that serves."""
    machine.run("systemctl", "kill", "--signal=STOP", unit)
    try:
        yield
    finally:
        machine.run("systemctl", "kill", "--signal=CONT", unit)


@contextlib.contextmanager
def stopped_bus(judge, machine):
    with stopped(machine, "dbus.service"):
        judge.check("each process that serves the bus has stopped", wait_for(
            lambda: set(bus_processes(machine).values()) == {"T"}), bus_processes(machine))
        yield


def bus_processes(machine):
    """{its name and id: its state}, of each process that has the bus's listening socket, but systemd, which made it."""
    sockets = machine.run("ss", "--no-header", "--listening", "--unix", "--processes").stdout.splitlines()
    found = (process for line in sockets if f" {BUS_SOCKET} " in line
             for process in re.findall(r'\("([^"]+)",pid=(\d+)', line) if process[1] != "1")
    return {f"{name} {pid}": re.search(r"\) (\S)", machine.read(f"/proc/{pid}/stat")).group(1) for name, pid in found}


def hung_daemon(judge, machine):
    with judge.scene("cognitod hangs (SIGSTOP)"):
        with stopped(machine, "cognitod"):
            check_hang(judge, machine)
            check_others(judge, machine)
        judge.attempt("it goes on where it stopped: the next sign-in is good", lambda: come_in(machine, KNOWN))


def check_hang(judge, machine):
    began = time.time()
    said = authenticate(machine, KNOWN, BREAK_GLASS)
    judge.check("our user is refused; a hang is no proof that nobody is there, so the local password does not count",
                not is_in(said), said)
    entry = judge.module_said(f"sign-in failed cause=timeout user={KNOWN}")
    check_bound(judge, int(entry["__REALTIME_TIMESTAMP"]) / 1e6 - began if entry else 0, MODULE_BOUND_S)


def no_daemon(judge, machine):
    with judge.scene("cognitod is stopped and cannot be started"):
        machine.run("systemctl", "mask", "--runtime", "--now", "cognitod")
        judge.attempt("a local password lets in", lambda: break_glass(machine))
        judge.module_said("sign-in unavailable")
        judge.check("who has none is refused", refused_at_console(
            machine, KNOWN_WITHOUT_LOCAL, password_of(KNOWN_WITHOUT_LOCAL)))
        machine.run("systemctl", "unmask", "--runtime", "cognitod")


def su_across(machine, event):
    """A local user runs su to alice, and types her local password from the first prompt on; event happens
    while that prompt is open. Gives what was shown."""
    with machine.terminal("setpriv", f"--reuid={LOCAL_USER}", f"--regid={LOCAL_USER}", "--init-groups",
                          "su", KNOWN, "-c", "id -un") as terminal:
        terminal.expect(PASSWORD_PROMPT)
        event()
        which = 0
        while which == 0:
            terminal.send(BREAK_GLASS, hidden_as="local password")
            which, _ = terminal.expect_any([PASSWORD_PROMPT, rf"\n{KNOWN}\n", r"su: [^\n]*\n"])
        return terminal.transcript if which == 1 else ""


def lost_at_the_prompt(judge, machine):
    """A user who makes cognitod end, or waits for an upgrade, must not get in by the local password."""
    refused = "a person at the first prompt is refused; the local password does not do instead"
    with judge.scene("cognitod is restarted while a user is at the prompt"):
        said = su_across(machine, lambda: restart(machine))
        judge.check(refused, not said, said)
        judge.cognitod_said(USER=KNOWN, SERVICE="su", OUTCOME="failed", CAUSE="daemon-stops")
    with judge.scene("cognitod is killed while a user is at the prompt"):
        said = su_across(machine, lambda: machine.run("systemctl", "kill", "--signal=KILL", "cognitod"))
        judge.check(refused, not said, said)
        judge.module_said("sign-in failed cause=daemon-lost")
    with judge.scene("cognitod turns to another user pool while a user is at the prompt"):
        restart(machine)
        # configure() reloads, and comes back when that is done.
        said = su_across(machine, lambda: machine.configure(
            CONFIG_TEXT.replace("{user_pool_id}", "{region}_Another00"), users_conf=None))
        judge.check(refused, not said, said)
        judge.cognitod_said(USER=KNOWN, SERVICE="su", OUTCOME="failed", CAUSE="daemon-stops")
        machine.configure(users_conf=None)
    restart(machine)
    judge.attempt("the next sign-in is good", lambda: come_in(machine, KNOWN))


UNIT_DROP_IN = "/run/systemd/system/cognitod.service.d/hangs.conf"


def hung_start(judge, machine):
    with judge.scene("cognitod hangs as it starts"):
        judge.check("ten such starts do not fit into the time in which systemd counts them, so it always tries again",
                    not ten_hung_starts_count(machine))
        machine.run("systemctl", "stop", "cognitod")
        machine.write(UNIT_DROP_IN, "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\nNoExecPaths=\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "reset-failed", "cognitod", check=False)
        machine.run("systemctl", "start", "--no-block", "cognitod")
        said = authenticate(machine, KNOWN, BREAK_GLASS)
        judge.check("the local password does not count: a user may delay the start", not is_in(said), said)
        judge.check("the start hangs", unit_state(machine) == "activating", unit_state(machine))
        check_others(judge, machine)
        machine.run("rm", UNIT_DROP_IN)
        machine.run("systemctl", "daemon-reload")
        restart(machine)
        judge.attempt("with a cognitod that starts the next sign-in is good", lambda: come_in(machine, KNOWN))


# Opens so many connections that no other process gets one, until standard input ends.
CROWD = """
import resource, socket, sys
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
crowd = []
try:
    while True:
        crowd.append(socket.socket(socket.AF_UNIX))
        crowd[-1].setblocking(False)
        crowd[-1].connect(sys.argv[1])
except BlockingIOError:
    print("full", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def crowd(machine, socket_path):
    """As any user can."""
    with subprocess.Popen([sys.executable, "-c", CROWD, f"/proc/{machine.pid}/root{socket_path}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "full\n"
        try:
            yield
        finally:
            process.stdin.close()
            process.wait()


def crowded_bus(judge, machine):
    """A start that fails counts for the local password: who crowds the bus must not bring that about."""
    with judge.scene("The system bus is crowded while cognitod starts"):
        restart(machine)
        cursor = machine.cursor()
        with stopped_bus(judge, machine), crowd(machine, BUS_SOCKET):
            machine.run("systemctl", "restart", "--no-block", "cognitod")
            judge.check("cognitod logs that it waits", machine.wait_journal(
                lambda entry: "the system bus is busy" in str(entry.get("MESSAGE")), cursor, 60) is not None)
            said = authenticate(machine, KNOWN, BREAK_GLASS)
            judge.check("the local password does not count", not is_in(said), said)
            judge.check("no start has failed", (unit_state(machine), restarts(machine)) == ("activating", "0"),
                        (unit_state(machine), restarts(machine)))
        judge.check("with the bus it is ready", wait_for(lambda: unit_state(machine) == "active", 60))
        judge.check("by the same start", restarts(machine) == "0", restarts(machine))
        judge.attempt("the next sign-in is good", lambda: come_in(machine, KNOWN))


def restarts(machine):
    return machine.run("systemctl", "show", "-P", "NRestarts", "cognitod").stdout.strip()


def unit_state(machine):
    return machine.run("systemctl", "show", "-P", "ActiveState", "cognitod").stdout.strip()


def ten_hung_starts_count(machine):
    """The daemon takes SIGTERM only once it runs; before that systemd waits for TimeoutStopSec, and kills."""
    shown = machine.run("systemctl", "show", "cognitod", "-p", "StartLimitIntervalUSec,StartLimitBurst,"
                        "TimeoutStartUSec,TimeoutStopUSec,RestartUSec").stdout.split("\n")
    value = dict(line.split("=", 1) for line in shown if line)
    one = sum(seconds(value[name]) for name in ("TimeoutStartUSec", "TimeoutStopUSec", "RestartUSec"))
    return one * int(value["StartLimitBurst"]) < seconds(value["StartLimitIntervalUSec"])


def seconds(shown):
    """The seconds of a time as systemctl shows it: 1min 30s, 500ms."""
    units = {"ms": 0.001, "s": 1, "min": 60}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|s|min)", shown))


def bus(judge, machine):
    with judge.scene("The system bus hangs (SIGSTOP)"):
        with stopped_bus(judge, machine):
            check_hang(judge, machine)
            said = authenticate(machine, LOCAL_USER, LOCAL_PASSWORD)
            judge.check("a local user authenticates as ever", is_in(said), said)
    with judge.scene("The system bus is stopped"):
        machine.run("systemctl", "stop", "dbus.socket", "dbus.service")
        said = authenticate(machine, KNOWN, BREAK_GLASS)
        judge.check("a local password counts", is_in(said), said)
        judge.module_said("sign-in unavailable")
        said = authenticate(machine, KNOWN_WITHOUT_LOCAL, password_of(KNOWN_WITHOUT_LOCAL))
        judge.check("who has none is refused", not is_in(said), said)
        said = authenticate(machine, LOCAL_USER, LOCAL_PASSWORD)
        judge.check("a local user authenticates", is_in(said), said)
        judge.attempt("root gets a shell on the console", lambda: roots_shell(machine))
        machine.run("systemctl", "start", "dbus.socket", "dbus.service")
        # That of systemd 257 does not come to the new bus by itself.
        machine.run("systemctl", "restart", "systemd-logind")
    with judge.scene("The system bus is back"):
        judge.attempt("cognitod has found it, and the next sign-in is good", lambda: come_in(machine, KNOWN))


DENIED = "org.freedesktop.DBus.Error.AccessDenied"
# The daemon's own words for an object that there is not, and for the arguments that are not there.
REACHED = ("org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.InvalidArgs")
# Interface, member, and the callers that reach the daemon with it: all, root, none.
EVERYBODY, ROOT, NOBODY = ("root", KNOWN, LOCAL_USER), ("root",), ()
CALLS = (("org.pamcognito.Auth1", "OpenSignIn", EVERYBODY), ("org.pamcognito.Auth1", "SetUpTotp", EVERYBODY),
         ("org.freedesktop.DBus.Introspectable", "Introspect", EVERYBODY),
         ("org.freedesktop.DBus.Properties", "Get", EVERYBODY), ("org.freedesktop.DBus.Properties", "GetAll", EVERYBODY),
         ("org.freedesktop.DBus.Properties", "Set", NOBODY),
         ("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NOBODY),
         ("org.pamcognito.Host1", "OpenSignIn", ROOT), ("org.example.Other", "Anything", NOBODY))


def bus_policy(judge, machine):
    """The calls that tests/daemon/bus_policy_test.cc tries on a bus of its own. Here it is the system's, with its policy."""
    with judge.scene("The bus lets nobody but cognitod have the name, and nobody but root speak as a PAM host"):
        restart(machine)
        for user in EVERYBODY:
            judge.check(f"{user} may not own the name", probe_bus(machine, user, "own") == [DENIED])
            found = probe_bus(machine, user, "call", *(word for call in CALLS for word in call[:2]))
            for (interface, member, who), error in zip(CALLS, found, strict=True):
                reaches = user in who
                judge.check(f"{interface}.{member} of {user} {'reaches the daemon' if reaches else 'is refused'}",
                            error in REACHED if reaches else error == DENIED, error)
    with judge.scene("The bus brings cognitod no descriptor"):
        for user in EVERYBODY:
            call = CALLS[0][:2]
            found = probe_bus(machine, user, "call", "h", *call, *call)
            judge.check(f"a call of {user}'s with one is refused, and the next one without is not",
                        found[0] == DENIED and found[1] in REACHED, found)
            received = signals_received(machine, user)
            judge.check(f"of two signals of {user}'s, the one without comes to a connection of cognitod's",
                        received == ["no descriptor"], received)


def probe(user, *words):
    """The words that run bus_probe.py as the user."""
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
            "python3", f"{INSIDE}/tests/machine/bus_probe.py", *words)


def probe_bus(machine, user, *words):
    return machine.run(*probe(user, *words)).stdout.splitlines()


def signals_received(machine, sender):
    with machine.popen(*probe("cognitod", "receive"), stdout=subprocess.PIPE, text=True) as receiver:
        connection = receiver.stdout.readline().strip()
        assert probe_bus(machine, sender, "send", connection) == ["answered"]
        return receiver.stdout.read().splitlines()


def roots_shell(machine):
    """Without the bus logind makes no session."""
    with console(machine, "root", ROOT_PASSWORD) as terminal:
        uid = shell(terminal, "id -u")[0]
        leave(terminal)
    return uid == "0"


SCENES = (pool_down, pool_lost, dns, clocks, expired_certificate, full_disk, full_everywhere, full_journal,
          hung_journal, read_only_root, disk_again, hung_daemon, no_daemon, lost_at_the_prompt, hung_start, crowded_bus, bus,
          bus_policy)


def play(scenes, name, packages=()):
    """Those named on the command line, without names all, on a machine of this name."""
    with BootedMachine(name, packages) as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.install_debs()
        add_members(machine, KNOWN, password=BREAK_GLASS)
        add_members(machine, KNOWN_WITHOUT_LOCAL, NEVER_SEEN)
        set_up(machine)
        openssh.prepare(machine)
        machine.run("systemctl", "restart", "ssh.service")
        with judge.scene("The people who are known sign in once"):
            for user in (KNOWN, KNOWN_WITHOUT_LOCAL):
                judge.attempt(f"{user} signs in", lambda: come_in(machine, user))
        judge.play(scenes)
        judge.close()


if __name__ == "__main__":
    play(SCENES, "faults")
