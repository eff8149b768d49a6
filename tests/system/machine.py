"""The sandbox as a machine: its people, PAM stacks, sshd, system bus, local pool and cognitod.

Runs as root inside sandbox.sh, and nowhere else: it writes to /etc and adds users.
"""

import contextlib
import glob
import json
import os
import pathlib
import pwd
import select
import signal
import subprocess
import sys
import time

from journal import Journal
from pool import Pool
from sshd import no_penalties
from terminal import Terminal

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
RELEASE = REPO / "build/release"
POOL_STATE = "/var/lib/cognito-pool"
SSH_PORT = 2222
SSHD_CONFIG = "/etc/ssh/sshd_config.pam-cognito"
BUS_SOCKET = "/run/dbus/system_bus_socket"
CONFIG = pathlib.Path("/etc/pam-cognito/cognitod.conf")
USERS_CONF = pathlib.Path("/etc/pam-cognito/users.conf")
STATE = pathlib.Path("/var/lib/cognitod")
DAEMON = "cognitod"
LOCKER = "locker"
START_TIMEOUT_S = 60

# The users who sign in with Cognito, in the pool as in people.json; and one who exists only on the machine.
OUR_USERS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "mallory", "henry", "ivy", "judy",
             "kate", "leo")
LOCAL_USER, LOCAL_PASSWORD = "localuser", "Local-Password-9"
ROOT_PASSWORD = "Root-Password-0"
BREAK_GLASS_PASSWORD = "Break-Glass-3"  # carol's local password

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
ask_method = yes
"""

SSHD_CONFIG_TEXT = """\
Port {port}
ListenAddress 127.0.0.1
HostKey /etc/ssh/ssh_host_ed25519_key
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
PermitRootLogin prohibit-password
LoginGraceTime 120
PrintMotd no
PrintLastLog no
PidFile none
LogLevel VERBOSE
MaxStartups 400
"""


def run(*argv, **options):
    options = {"timeout": 300} | options
    return subprocess.run(argv, check=True, text=True, capture_output=True, **options).stdout


class Machine:
    """with_cognito=False leaves pam_cognito out of the stacks: a plain machine with pam_unix."""

    def __init__(self, with_cognito=True):
        if not os.environ.get("PAM_COGNITO_SANDBOXED"):
            sys.exit("this runs inside tests/system/sandbox.sh only: it changes /etc")
        self.with_cognito = with_cognito
        self.journal = Journal()
        self.pool = None
        self._services = {}
        self._add_people()
        self._write_pam_files()
        self._write_ssh_files()
        if with_cognito:
            self._start_pool()
            self.configure()
            self._start_bus()
            self.start_daemon()
        self.start_sshd()

    # Set-up.
    def _add_people(self):
        run("groupadd", "--force", "cognito-users")
        for name in OUR_USERS + (LOCAL_USER,):
            # A namesake on the real machine is of no use here.
            subprocess.run(["userdel", "--force", name], capture_output=True)
            run("useradd", "--create-home", "--shell", "/bin/bash", name)
            pathlib.Path(f"/home/{name}/.hushlogin").touch()
        for name in OUR_USERS:
            run("usermod", "--append", "--groups", "cognito-users", name)
        run("chpasswd", input=f"{LOCAL_USER}:{LOCAL_PASSWORD}\nroot:{ROOT_PASSWORD}\n"
                              f"carol:{BREAK_GLASS_PASSWORD}\n")
        if DAEMON not in (entry.pw_name for entry in pwd.getpwall()):
            run("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell",
                "/usr/sbin/nologin", DAEMON)
        # As StateDirectory= of the unit makes it.
        STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
        daemon = pwd.getpwnam(DAEMON)
        os.chown(STATE, daemon.pw_uid, daemon.pw_gid)
        rules = pathlib.Path("/etc/sudoers.d/sandbox")
        rules.write_text(f"Defaults !mail_badpass, lecture=never\n"
                         f"alice,{LOCAL_USER} ALL=(ALL:ALL) ALL\n")
        rules.chmod(0o440)

    def _write_pam_files(self):
        """The stacks as Debian's own pam-auth-update makes them, of pam_unix and our profile alone."""
        profiles = ["unix"] + (["pam-cognito"] if self.with_cognito else [])
        for path in pathlib.Path("/usr/share/pam-configs").iterdir():
            if path.name not in profiles:
                path.unlink()
        run("pam-auth-update", "--package", "--force", "--enable", *profiles)
        # A screen locker's stack: its process runs as the person.
        pathlib.Path("/etc/pam.d", LOCKER).write_text(
            "@include common-auth\n@include common-account\n")

    def _write_ssh_files(self):
        for stale in glob.glob("/etc/ssh/ssh_host_*"):
            os.unlink(stale)
        # As an admin would; the sandbox's own sshd reads SSHD_CONFIG.
        pathlib.Path("/etc/ssh/sshd_config.d/pam-cognito.conf").write_text(
            (REPO / "conf/sshd-pam-cognito.conf").read_text())
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/login_key")
        key = pathlib.Path("/root/login_key.pub").read_text()
        host_key = pathlib.Path("/etc/ssh/ssh_host_ed25519_key.pub").read_text()
        pathlib.Path("/etc/ssh/ssh_known_hosts").write_text(
            f"[127.0.0.1]:{SSH_PORT} {host_key}[localhost]:{SSH_PORT} {host_key}")
        for name in ("root",) + OUR_USERS + (LOCAL_USER,):
            person = pwd.getpwnam(name)
            folder = pathlib.Path(person.pw_dir, ".ssh")
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / "authorized_keys").write_text(key)
            for path in (folder, folder / "authorized_keys"):
                os.chown(path, person.pw_uid, person.pw_gid)

    # Services.
    def _start(self, name, argv, env=None):
        log = open(f"/var/log/{name}.log", "ab")
        self._services[name] = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                env=env, start_new_session=True)

    def _await(self, name, is_ready):
        """Services say nothing when they are ready; each shows it by a file or a socket."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            if self._services[name].poll() is not None or time.monotonic() > deadline:
                log = pathlib.Path(f"/var/log/{name}.log").read_text(errors="replace")
                raise RuntimeError(f"{name} did not start:\n{log}")
            time.sleep(0.02)

    def stop(self, name):
        service = self._services.pop(name)
        service.terminate()
        service.wait(START_TIMEOUT_S)

    def _start_pool(self):
        binary = RELEASE / "tests/pool/cognito-pool"
        self._start("cognito-pool", [binary, "--state", POOL_STATE, "--seed", HERE / "people.json",
                                     "--port", "8443"])
        self._await("cognito-pool", lambda: os.path.exists(f"{POOL_STATE}/ready.json"))
        self.pool = Pool(POOL_STATE)

    def stop_pool(self):
        self.stop("cognito-pool")

    def start_pool(self):
        """The pool as seeded; its people are new accounts by the same names."""
        self._start_pool()
        self.forget_everything()

    def _start_bus(self):
        self._start("system-bus", ["dbus-daemon", "--system", "--nofork", "--nopidfile"])
        self._await("system-bus", lambda: os.path.exists(BUS_SOCKET))

    def start_sshd(self, extra=""):
        """extra: lines that replace those of SSHD_CONFIG_TEXT, e.g. PasswordAuthentication yes."""
        if "sshd" in self._services:
            self.stop("sshd")
        pathlib.Path(SSHD_CONFIG).write_text(SSHD_CONFIG_TEXT.format(port=SSH_PORT))
        settings = run("/usr/sbin/sshd", "-T", "-f", SSHD_CONFIG)
        text = SSHD_CONFIG_TEXT.format(port=SSH_PORT) + no_penalties(settings)
        for line in extra.splitlines():
            key = line.split()[0]
            text = "".join(old for old in text.splitlines(True) if not old.startswith(key + " "))
            text += line + "\n"
        pathlib.Path(SSHD_CONFIG).write_text(text)
        self._start("sshd", ["/usr/sbin/sshd", "-D", "-f", SSHD_CONFIG])
        self._await("sshd", lambda: _port_listens(SSH_PORT))

    # Cognitod.
    def configure(self, text=None, users_conf="group=cognito-users\n"):
        """Writes cognitod's configuration; text None: the right one for the local pool."""
        ready = self.pool.ready
        CONFIG.parent.mkdir(mode=0o755, exist_ok=True)
        certificate = CONFIG.parent / "pool-ca.pem"
        certificate.write_text(pathlib.Path(ready["ca_file"]).read_text())
        CONFIG.write_text(CONFIG_TEXT.format(**ready) if text is None else text)
        USERS_CONF.write_text(users_conf)
        for path in (certificate, CONFIG, USERS_CONF):
            path.chmod(0o644)
        # systemd does it on a machine. With a users.conf that has a fault it can add nobody.
        subprocess.run(["/usr/libexec/pam-cognito-local-users"], capture_output=True)

    def daemon_pid(self):
        """cognitod's process, None if it does not run. The bus activates it; nobody else starts it."""
        for folder in pathlib.Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and (folder / "comm").read_text().strip() == DAEMON \
                        and (folder / "cmdline").read_bytes():
                    return int(folder.name)
            except OSError:
                continue
        return None

    def kill_daemon(self, number=signal.SIGKILL):
        """Ends cognitod and with it its memory; the next sign-in activates a new one."""
        pid = self.daemon_pid()
        if pid is not None:
            fd = os.pidfd_open(pid)
            try:
                os.kill(pid, number)
                if not select.select([fd], [], [], START_TIMEOUT_S)[0]:
                    raise RuntimeError(f"cognitod does not end on signal {number}")
            finally:
                os.close(fd)
        # A user whose session ends may start another one at once; it is a new one, too.
        if not self.wait_until(lambda: self.daemon_pid() not in (None, pid) or not self.bus_has_owner()):
            raise RuntimeError("the bus does not notice that cognitod has ended")

    def start_daemon(self):
        """As a sign-in does it, but that the module waits for two seconds only: what a scene shows does not
        depend on how long a start takes. Scenes about a cold start kill the daemon instead."""
        status, output = self.bus_call("--reply-timeout=60000", "--dest=org.freedesktop.DBus",
                                       "/org/freedesktop/DBus", "org.freedesktop.DBus.StartServiceByName",
                                       "string:org.pamcognito.Auth1", "uint32:0")
        if status != 0:
            raise RuntimeError(f"the bus does not start cognitod: {output}")

    def restart_daemon(self):
        """A fresh cognitod, which has read the configuration and remembers nothing."""
        self.kill_daemon()
        self.start_daemon()

    def status(self):
        return json.loads(run("cognitoctl", "status", "--json", timeout=60))

    def forget_everything(self):
        """As if nobody had ever signed in here: no memory, and nothing on the disk."""
        self.kill_daemon()
        for path in STATE.iterdir():
            path.unlink()
        self.start_daemon()

    @contextlib.contextmanager
    def stopped(self, pid):
        """The process hangs: alive, but it does nothing."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def bus_pid(self):
        return self._services["system-bus"].pid

    def bus_call(self, *arguments, user=None, timeout=90):
        """dbus-send on the system bus; (exit status, output)."""
        argv = ["dbus-send", "--system", "--print-reply", *arguments]
        if user:
            argv = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *argv]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout + done.stderr

    @staticmethod
    def command(*argv, timeout=60):
        """A program of root's without a terminal; (exit status, output)."""
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)
        return done.returncode, done.stdout

    def bus_has_owner(self):
        status, output = self.bus_call("--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus.NameHasOwner",
                                       "string:org.pamcognito.Auth1")
        return status == 0 and "boolean true" in output

    def forbid_activation(self):
        """The daemon is down and stays down: its activation file points nowhere."""
        binary = self.daemon_binary()
        os.rename(binary, f"{binary}.away")
        self.kill_daemon()

    def allow_activation(self):
        binary = self.daemon_binary()
        if os.path.exists(f"{binary}.away"):
            os.rename(f"{binary}.away", binary)

    @staticmethod
    def daemon_binary():
        service = pathlib.Path("/usr/share/dbus-1/system-services/org.pamcognito.Auth1.service")
        for line in service.read_text().splitlines():
            if line.startswith("Exec="):
                return line.removeprefix("Exec=").split()[0]
        raise RuntimeError(f"no Exec= in {service}")

    @contextlib.contextmanager
    def configured(self, text=None, users_conf="group=cognito-users\n"):
        """Another configuration, read by a fresh cognitod; the right one again afterwards."""
        self.configure(text, users_conf)
        self.restart_daemon()
        try:
            yield
        finally:
            self.configure()
            self.restart_daemon()

    @contextlib.contextmanager
    def daemon_away(self):
        """cognitod is down and cannot be activated."""
        self.forbid_activation()
        try:
            yield
        finally:
            self.allow_activation()
            self.start_daemon()

    @contextlib.contextmanager
    def supervised(self):
        """cognitod as systemd runs it: it keeps its descriptors, and comes back when it dies. Gives
        the signals' receiver: SIGUSR1 restarts, SIGHUP reloads."""
        self.kill_daemon()
        self._start("supervisor", [HERE / "supervisor.py", DAEMON, self.daemon_binary()])
        self._await("supervisor", self.bus_has_owner)
        try:
            yield self._services["supervisor"]
        finally:
            self.stop("supervisor")  # it ends after its cognitod

    def after_the_next_start(self, action):
        """Does what ends cognitod under the supervisor, and waits for the new one."""
        before = self.daemon_pid()
        action()
        return self.wait_until(
            lambda: self.daemon_pid() not in (None, before) and self.bus_has_owner())

    @contextlib.contextmanager
    def sshd_options(self, *lines):
        self.start_sshd("\n".join(lines))
        try:
            yield
        finally:
            self.start_sshd()

    @staticmethod
    def wait_until(condition, timeout=60):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    # People's programs.
    def ssh(self, user, command="id", methods="keyboard-interactive", options=(), on_text=None,
            env=None):
        """The real ssh client on a terminal of its own."""
        argv = ["ssh", "-tt", "-p", str(SSH_PORT), "-o", f"PreferredAuthentications={methods}",
                "-o", "IdentitiesOnly=yes", "-o", "NumberOfPasswordPrompts=1"]
        argv += ["-i", "/root/login_key"] if "publickey" in methods else []
        for option in options:
            argv += ["-o", option]
        return Terminal([*argv, f"{user}@127.0.0.1", command], env=env, on_text=on_text)

    def as_user(self, user, *argv, on_text=None):
        """A program in a terminal of a local person's own."""
        person = pwd.getpwnam(user)
        return Terminal(["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *argv],
                        env={"HOME": person.pw_dir, "USER": user, "LOGNAME": user}, on_text=on_text)


def _port_listens(port):
    listening = f":{port:04X} 00000000:0000 0A"
    return listening in pathlib.Path("/proc/net/tcp").read_text()
