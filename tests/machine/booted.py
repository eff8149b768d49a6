"""A whole Debian machine: booted by systemd-nspawn, with its own systemd, D-Bus, logind, journal and
sshd, and cognito-pool inside. See README.md.

    with BootedMachine("example") as machine:
        machine.install_debs()
        machine.configure()
        print(machine.run("id", "alice").stdout)
"""

import contextlib
import ctypes
import fcntl
import functools
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import ssl
import struct
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

import tree  # noqa: E402
from pool import Pool  # noqa: E402
from terminal import WAIT_S, Terminal  # noqa: E402

REPO = tree.REPO
INSIDE = "/opt/pam-cognito"  # the checkout, read-only
DEBS = REPO / "build/deb"
PACKAGES = ("cognitod", "libpam-cognito", "cognitoctl")
PEOPLE = HERE.parent / "system/people.json"
POOL_STATE = "/var/lib/cognito-pool"
# Folders of control groups below /sys/fs/cgroup, by the names of their controllers in /proc/PID/cgroup.
HIERARCHIES = {"": ("/unified", ""), "name=systemd": ("/systemd",)}
# systemd 256 and later count a user's manager as a session, too.
MANAGERS = ("manager", "manager-early")
BOOT_TIMEOUT_S, START_TIMEOUT_S, STOP_TIMEOUT_S, END_TIMEOUT_S = 180, 60, 90, 10
CLONE_NEWNET = 0x40000000
TIOCSPTLCK, TIOCGPTPEER = 0x40045431, 0x5441  # not in Python's termios
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "LANG": "C.UTF-8",
               "TERM": "xterm", "DEBIAN_FRONTEND": "noninteractive"}

CONFIG = "/etc/pam-cognito/cognitod.conf"
CONFIG_TEXT = """\
[pool]
region = {region}
user_pool_id = {user_pool_id}
client_id = {client_id}
endpoint = {endpoint}
issuer = {issuer}
jwks_uri = {jwks_uri}
ca_file = /etc/pam-cognito/pool-ca.pem

[access]
allow_groups = linux-users

[mfa]
methods = totp sms email
"""


class MachineError(Exception):
    """A program inside failed, or the machine did. The message holds what was shown."""


class BootedMachine:
    """Once entered it has booted, and the pool runs. `packages`: Debian packages that this machine has
    besides those of every machine; their tree is kept as build/machine/NAME. `network`: the host's
    network instead of a loopback of its own. `on_disk`: what it writes goes to a disk, not to memory."""

    def __init__(self, name, packages=(), network=False, on_disk=False):
        if os.getuid() != 0:
            sys.exit("a booted machine needs root")
        self.name = name
        self.pool = None
        self.pid = None  # of the machine's first process, as seen from here
        self._packages = packages
        self._network = network
        self._disk = tree.TREES / f"{name}.disk" if on_disk else None
        self._launcher = None
        self._console = tree.TREES / f"{name}.console"

    def __enter__(self):
        try:
            self._boot()
            self.start_pool()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind in (None, SystemExit):
            self.power_off()
        else:
            self.kill()
        if self._disk:
            shutil.rmtree(self._disk, ignore_errors=True)

    # Boot and end.
    def _boot(self):
        root = tree.ensure(self.name, self._packages)
        options = [f"--bind-ro={REPO}:{INSIDE}"]
        if self._network:
            options.append("--bind-ro=/etc/resolv.conf")
        else:
            options.append("--private-network")
        with open(self._console, "wb") as console:
            self._launcher = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private",
                 HERE / "boot.sh", self.name, root, *options],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
                env=os.environ | ({"MACHINE_DISK": str(self._disk)} if self._disk else {}))
        self._wait_for_boot()

    def _wait_for_boot(self):
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        self.pid = None
        state = "no first process"
        while state not in ("running", "degraded"):
            if self._launcher.poll() is not None or time.monotonic() > deadline:
                raise MachineError(f"the machine {self.name} did not boot ({state}):\n"
                                   + self._console.read_text(errors="replace")[-4000:])
            self.pid = self.pid or self._find_first_process()
            if self.pid:
                done = self.run("systemctl", "is-system-running", check=False)
                state = done.stdout.strip() or done.stderr.strip()
            time.sleep(0.05)
        self.state = state
        if state == "degraded":
            print("machine: degraded; failed: " + ", ".join(self.failed_units()), flush=True)

    def _find_first_process(self):
        """It is the systemd that has the id 1 in the namespace below the launcher's."""
        waiting = [self._launcher.pid]
        while waiting:
            pid = waiting.pop()
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except OSError:
                continue
            ids = re.search(r"^NSpid:\s+(.*)$", status, re.MULTILINE).group(1).split()
            if len(ids) >= 3 and ids[-1] == "1" and status.startswith("Name:\tsystemd\n"):
                return pid
            waiting += [int(child) for child in children.split()]
        return None

    def failed_units(self):
        shown = self.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", check=False)
        return [line.split()[0] for line in shown.stdout.splitlines() if line.strip()]

    def reboot(self):
        """The machine boots again, with its disk; the pool starts again, with the accounts as seeded."""
        first = os.pidfd_open(self.pid)
        try:
            self.run("systemctl", "reboot", "--no-block")
            if not select.select([first], [], [], STOP_TIMEOUT_S)[0]:
                raise MachineError(f"the machine {self.name} does not go down")
        finally:
            os.close(first)
        self._wait_for_boot()
        self.start_pool()

    def power_off(self):
        if self._launcher is None or self._launcher.poll() is not None:
            return
        with contextlib.suppress(MachineError):
            self.run("systemctl", "poweroff", "--no-block")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._launcher.wait(STOP_TIMEOUT_S)
                return
        print(f"machine: {self.name} does not power off, it is killed; it waits for:\n"
              + self._waits_for(), flush=True)
        self.kill()

    def _waits_for(self):
        with contextlib.suppress(MachineError):
            return "".join(self.run(*argv, check=False, timeout=10).stdout for argv in (
                ("systemctl", "list-jobs", "--no-pager"), ("ps", "-eo", "pid,ppid,stat,wchan,args")))
        return "(it does not say)"

    def kill(self):
        """As if the power failed."""
        if self._launcher and self._launcher.poll() is None:
            if self.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._launcher.wait(10)
            self._launcher.kill()
            self._launcher.wait()

    # Programs inside.
    def _enter(self, env=None):
        """In the control group of the machine's first process: logind 257 refuses a caller from outside."""
        environment = ENVIRONMENT | (env or {})
        return ["sh", "-c", 'for group in $0; do echo $$ >"$group"; done; exec "$@"', " ".join(self._groups()),
                "nsenter", "--target", str(self.pid), "--all", "--root", "env", "--ignore-environment",
                *(f"{key}={value}" for key, value in environment.items())]

    def _groups(self):
        """The cgroup.procs files of the first process, in boot.sh's own mounts; none before it has gone to init.scope,
        and after its end."""
        mounts = f"/proc/{self._launcher.pid}/root/sys/fs/cgroup"
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{self.pid}/cgroup").read_text().splitlines():
                _, controllers, group = line.split(":", 2)
                files = [f"{mounts}{hierarchy}{group}/cgroup.procs" for hierarchy in HIERARCHIES.get(controllers, ())]
                if group.endswith("/init.scope"):
                    yield from [file for file in files if os.path.exists(file)][:1]

    def run(self, *argv, check=True, input=None, timeout=60, env=None):
        """A program of root's without a terminal; what it shows is text. check: its failure raises."""
        argv = [str(part) for part in argv]
        process = subprocess.Popen([*self._enter(env), *argv], text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL if input is None else subprocess.PIPE)
        try:
            shown, errors = process.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            shown = _end(process)
            raise MachineError(f"{' '.join(argv)} did not end within {timeout} s:\n{shown}") from None
        except BaseException:
            _end(process)
            raise
        done = subprocess.CompletedProcess(argv, process.returncode, shown, errors)
        if check and done.returncode != 0:
            raise MachineError(f"{' '.join(argv)} ended with {done.returncode}:\n{shown}{errors}")
        return done

    def popen(self, *argv, env=None, **options):
        """A program of root's that goes on."""
        return subprocess.Popen([*self._enter(env), *(str(part) for part in argv)], **options)

    def terminal(self, *argv, on_text=None, env=None):
        """A program of root's on a terminal of the machine's."""
        return MachineTerminal(self, [str(part) for part in argv], env, on_text)

    def as_user(self, user, *argv):
        """The words to be put before a program so that it runs as the user, without any login."""
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "env",
                f"HOME=/home/{user}", f"USER={user}", f"LOGNAME={user}", *argv]

    def write(self, path, text, mode=0o644):
        self.run("sh", "-c", 'mkdir -p "$(dirname "$0")" && rm -f "$0" && umask 077 && cat >"$0" && '
                 'chmod "$1" "$0"', path, f"{mode:o}", input=text)

    def read(self, path):
        return self.run("cat", path).stdout

    def wait_until(self, condition, timeout=60):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    # Our packages.
    def install_debs(self, *names):
        """As an admin would, by apt-get; all three without names."""
        names = names or PACKAGES
        paths = []
        for name in names:
            found = sorted(DEBS.glob(f"{name}_*.deb"))
            if not found:
                raise MachineError(f"{DEBS} has no {name}_*.deb: ./dev deb")
            paths.append(f"{INSIDE}/build/deb/{found[-1].name}")
        return self.run("apt-get", "--yes", "--quiet", "install", *paths, timeout=180)

    def configure(self, text=CONFIG_TEXT, users_conf="group=cognito-users\n", extra=""):
        """Writes cognitod.conf for the pool inside, and users.conf; cognitod reads them if it runs.
        {region}, {endpoint} and so on in the text stand for the pool's own values."""
        self.write("/etc/pam-cognito/pool-ca.pem", self.read(f"{POOL_STATE}/ca.pem"))
        self.write(CONFIG, (text + extra).format(**self.pool.ready))
        if users_conf is not None:
            self.write("/etc/pam-cognito/users.conf", users_conf)
        self.run("systemctl", "try-reload-or-restart", "cognitod.service")

    # The pool.
    def start_pool(self):
        """The pool as seeded. The accounts are the same ones after each start."""
        seed = json.loads(PEOPLE.read_text())
        for person in seed["users"]:
            person.setdefault("sub", str(uuid.uuid5(uuid.NAMESPACE_DNS, person["username"])))
        self.write(f"{POOL_STATE}/seed.json", json.dumps(seed))
        self.run("rm", "-f", f"{POOL_STATE}/ready.json")
        self.run("systemd-run", "--quiet", "--collect", "--unit=cognito-pool", "--",
                 f"{INSIDE}/build/release/tests/pool/cognito-pool", "--state", POOL_STATE,
                 "--seed", f"{POOL_STATE}/seed.json", "--port", "8443")
        ready = lambda: self.run("test", "-e", f"{POOL_STATE}/ready.json", check=False).returncode == 0
        if not self.wait_until(ready, START_TIMEOUT_S):
            log = self.run("journalctl", "--unit=cognito-pool", "--no-pager", check=False).stdout
            raise MachineError(f"cognito-pool did not start; is the release build complete?\n{log}")
        self.pool = MachinePool(self)

    def stop_pool(self):
        self.run("systemctl", "stop", "cognito-pool.service")

    # The journal.
    def cursor(self):
        """A place in the journal: its end."""
        self.run("journalctl", "--sync")
        shown = self.run("journalctl", "--lines=0", "--show-cursor", "--no-pager").stdout
        return re.search(r"-- cursor: (.*)", shown).group(1)

    def journal(self, since_cursor=None, *matches):
        """The entries after the place, each a dictionary. matches as journalctl takes them, e.g.
        PAM_COGNITO_USER=alice."""
        self.run("journalctl", "--sync")
        # After a cursor, journalctl of Debian 12 passes over the first entry that matches.
        place = [f"--after-cursor={since_cursor}"] if since_cursor else matches
        shown = self.run("journalctl", "--output=json", "--all", "--no-pager", *place).stdout
        wanted = dict(match.split("=", 1) for match in matches)
        return [entry for entry in map(json.loads, shown.splitlines())
                if all(str(entry.get(name)) == value for name, value in wanted.items())]

    def wait_journal(self, matches, since_cursor=None, timeout=60):
        """The first entry after the place for which matches(entry) is true; None if none came."""
        deadline = time.monotonic() + timeout
        while True:
            for entry in self.journal(since_cursor):
                if matches(entry):
                    return entry
            if time.monotonic() > deadline:
                return None
            time.sleep(0.1)

    # Logins.
    def sessions(self):
        """logind's, without user managers: dictionaries by loginctl's names, such as Id, User, Name, Service,
        Class, Type, TTY, Leader, RemoteHost, State."""
        listed = self.run("loginctl", "list-sessions", "--no-legend", "--no-pager").stdout
        return [session for line in listed.splitlines() if line.strip()
                if (session := self.session(line.split()[0])) and session["Class"] not in MANAGERS]

    def session(self, number):
        done = self.run("loginctl", "show-session", number, check=False)
        return dict(line.split("=", 1) for line in done.stdout.splitlines()) if not done.returncode else None


class MachineTerminal(Terminal):
    """A program inside, on a terminal that is the machine's own: it has a name there, and the program
    is the leader of its session."""

    def __init__(self, machine, argv, env, on_text):
        self._machine = machine
        super().__init__(argv, env, on_text)

    def _start(self, argv, env):
        master = os.open(f"/proc/{self._machine.pid}/root/dev/pts/ptmx",
                         os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
        slave = fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
        # The program makes the terminal its own inside, where it is the leader of a session.
        self._process = subprocess.Popen([*self._machine._enter(env), "setsid", "--ctty", *argv],
                                         stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        return self._process.pid, master

    def kill(self, number=signal.SIGKILL):
        """Ends the program inside; nsenter, which waits for it, ends with it."""
        if self.status is None:
            _kill_inside(self.pid, number)
            self._reap()

    def _reap(self):
        if self.status is None:
            # A program that has closed its terminal ends, or is ended.
            try:
                self._process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                _kill_inside(self.pid)
                self._process.kill()
            self.status = self._process.wait()
            if self.status < 0:
                self.status = 128 - self.status
            os.close(self._master)
        return self.status


def _kill_inside(nsenter, number=signal.SIGKILL):
    """Ends the program that nsenter waits for, and so nsenter. nsenter stops itself if that program is stopped, and
    systemd stops all programs before it kills them (soft-reboot)."""
    with contextlib.suppress(OSError):
        children = pathlib.Path(f"/proc/{nsenter}/task/{nsenter}/children").read_text().split()
        for pid in [int(child) for child in children] or [nsenter]:
            os.kill(pid, number)
        os.kill(nsenter, signal.SIGCONT)


def _end(process):
    """Ends a program inside that is not waited for any longer. Returns the end of its output, as far as it can be read:
    a process that the program left behind can hold the pipes."""
    _kill_inside(process.pid)
    try:
        shown, errors = process.communicate(timeout=END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        shown, errors = "", "its output stayed open after it was killed\n"
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()
    return shown + errors


class MachinePool(Pool):
    """cognito-pool's admin API, over the machine's own loopback."""

    def __init__(self, machine):
        self.ready = json.loads(machine.read(f"{POOL_STATE}/ready.json"))
        self._tls = ssl.create_default_context(cadata=machine.read(f"{POOL_STATE}/ca.pem"))
        self._totp_offset_s = 0
        self._machine = machine

    def admin(self, call, **members):
        connection = http.client.HTTPSConnection("127.0.0.1", self.ready["port"], timeout=70,
                                                 context=self._tls)
        with network(f"/proc/{self._machine.pid}/ns/net"):
            connection.connect()
        try:
            connection.request("POST", "/_admin/" + call, json.dumps(members),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise MachineError(f"cognito-pool: {call} {members}: {answer.status} {body!r}")
            return json.loads(body)
        finally:
            connection.close()


@contextlib.contextmanager
def network(namespace):
    """In the network namespace that the file names. A socket belongs to the network that its thread was in when it was
    made."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(namespace, os.O_RDONLY)
    try:
        _setns(other)
        yield
    finally:
        _setns(own)
        os.close(own)
        os.close(other)


@functools.cache
def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc().setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
