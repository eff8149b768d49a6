"""One world: a process in a mount namespace of its own with an /etc of its own, in which cells that
share a stack, a group size and a state are tried at the same time.
"""

import concurrent.futures
import ctypes
import json
import os
import pathlib
import re
import resource
import select
import shutil
import subprocess
import threading
import time
import traceback

from host import COMMON, FRESH, LOCAL, OTHER, POOL, SECURITY, SPY_LOG, WORK
from sshd import no_penalties

THREADS = 20
DEADLINE_S = 120  # generous: an attempt ends with its program
CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_REC, MS_BIND, MS_PRIVATE = 2, 16384, 4096, 1 << 18
SIZES = {"small": 0, "1000": 1000, "20000": 20000}
DAY_S = 86400
# sha512crypt, as cloud-init and Ansible write it: it needs little memory, so that pam_unix works
# below limits at which larger modules cannot be loaded.
HASH = subprocess.run(["openssl", "passwd", "-6", "-salt", "Table", LOCAL], check=True, text=True,
                      capture_output=True).stdout.strip()
SSHD_CONFIG = """\
ListenAddress 127.0.0.1
HostKey {work}/host_key
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
AuthorizedKeysFile {work}/login_key.pub
LoginGraceTime 120
PrintMotd no
PrintLastLog no
PidFile none
MaxStartups 400
"""
DEMAND = re.compile(r"new password|current password|change your password|password has expired|"
                    r"password change required|reset your password", re.I)
# Messages of sudo and su come in pieces, too: "sudo: " is no prompt.
PROMPT = re.compile(r"password[^\n]*: $", re.I)
CELL_USER = re.compile(r"u\d{4}:")
LET_IN = "LET-42-IN"
LOCAL_CHANGED = "local password changed"
# Programs that ask for no password.
WITHOUT_PASSWORD = ("key", "key-after", "cron", "sudo-n", "su-root", "passwd-root")
_libc = ctypes.CDLL(None, use_errno=True)


def _mount(source, target, kind, flags, data=None):
    names = [None if name is None else os.fsencode(name) for name in (source, target, kind)]
    if _libc.mount(*names, flags, data and data.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {source} on {target}")


def _bind(source, target):
    _mount(source, target, None, MS_BIND)


class World:
    """setting: `stack folder`, size, state, account and tweak. cells: dicts with the keys of
    expected.py, `limit` (kind, value), and the names `name`, `caller`, `control`."""

    def __init__(self, setting, cells, port):
        self.setting, self.cells, self.port = setting, cells, port
        self._controls = {}
        self._control_lock = threading.Lock()

    def run(self):
        """[(cell, {password: answer}, control got in)]; an answer is (in, new password demanded,
        other modules' calls, text)."""
        if _libc.unshare(CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        _mount("none", "/", None, MS_REC | MS_PRIVATE)
        self._lay_etc()
        if self.setting["state"] == "away":
            _bind(WORK / "empty", "/run/dbus")
        if self.setting["state"] == "missing":
            _bind(WORK / "security-without-module", SECURITY)
        self._sshd = self._start_sshd()
        try:
            with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
                return list(threads.map(self._try_cell, self.cells))
        finally:
            if self._sshd:
                self._sshd.kill()
                self._sshd.wait()

    # The world's files.
    def _lay_etc(self):
        etc = WORK / "etc"
        etc.mkdir(exist_ok=True)
        _mount("etc", etc, "tmpfs", MS_NOSUID, "mode=755")
        shutil.copytree("/etc", etc, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("ssl", "fonts", "apt", "perl", "common-*"))
        for common in COMMON:
            shutil.copy(pathlib.Path(self.setting["stack folder"], common), etc / "pam.d" / common)
        if self.setting["account"] == "permitted":
            (etc / "pam.d/common-account").write_text("account required pam_permit.so\n")
            for common in ("common-session", "common-session-noninteractive"):
                (etc / "pam.d" / common).write_text("session required pam_permit.so\n")
            for service in ("su", "sudo"):
                file = etc / "pam.d" / service
                file.write_text("".join(line for line in file.read_text().splitlines(True)
                                        if not line.startswith("session")))
        (etc / "login.defs").write_text((etc / "login.defs").read_text() + "\nFAIL_DELAY 0\n")
        (etc / "sudoers.d/table").write_text(
            "Defaults !mail_badpass, lecture=never, timestamp_timeout=0, passwd_tries=1, !use_pty\n"
            "ALL ALL=(ALL:ALL) ALL\n" +
            "".join(f"{cell['name']},{cell['control']} ALL=(ALL:ALL) NOPASSWD: ALL\n"
                    for cell in self.cells if cell["program"] == "sudo-n"))
        self._write_accounts(etc)
        _bind(etc, "/etc")

    def _write_accounts(self, etc):
        today = int(time.time()) // DAY_S
        entries = {
            "fine": f"{HASH}:{today}:0:99999:7:::",
            "locked": f"!{HASH}:{today}:0:99999:7:::",
            "aged": f"{HASH}:{today - 400}:0:365:7:::",
            "zero": f"{HASH}:0:0:99999:7:::",
            "expired": f"{HASH}:{today}:0:99999:7::1:",
            "inactive": f"{HASH}:{today - 800}:0:365:7:30::",
            "none": f"*:{today}:0:99999:7:::",
            "empty": f":{today}:0:99999:7:::",
        }
        passwd, shadow, group, listed = [], [], [], []

        def add(name, uid, entry, is_listed=False, shell="/bin/sh"):
            passwd.append(f"{name}:x:{uid}:{uid}::/tmp:{shell}")
            if entry:
                shadow.append(f"{name}:{entry}")
            if uid:
                group.append(f"{name}:x:{uid}:")
            if is_listed:
                listed.append(name)

        members = []
        for number, cell in enumerate(self.cells):
            entry = entries.get(cell["shadow"], "")
            if cell["user"] == "cognito":
                # No hash, and the ages all the same.
                entry = entry and "*" + entry.removeprefix("!").removeprefix(HASH)
            uid = {"root": 0, "system": 300 + number}.get(cell["user"], cell["uid"])
            add(cell["name"], uid, entry, cell["user"] == "listed",
                cell.get("shell", "/bin/sh"))
            add(cell["caller"], cell["uid"] + 10000, entries["none"], True)
            add(cell["control"], cell["uid"] + 20000, entries["fine"], True)
            if cell["user"] in ("cognito", "both"):
                members.append(cell["name"])
        fillers = [f"member{number:05}" for number in range(SIZES[self.setting["size"]])]
        for file, lines in (("passwd", passwd), ("shadow", shadow)):
            # The host's file has the Cognito users of all worlds.
            old = [line for line in (etc / file).read_text().splitlines() if not CELL_USER.match(line)]
            (etc / file).write_text("\n".join(old + lines) + "\n")
        old = [line for line in (etc / "group").read_text().splitlines()
               if not line.startswith("cognito-users:")]
        ours = [f"cognito-users:x:64000:{','.join(fillers + members)}"]
        (etc / "group").write_text("\n".join(old + ours + group) + "\n")
        (etc / "pam-cognito").mkdir(exist_ok=True)
        self._write_list(etc / "pam-cognito/local-users", listed)
        if self.setting["tweak"] == "no-groups":
            (etc / "group").unlink()
            (etc / "group").symlink_to("group")  # ELOOP

    def _write_list(self, path, listed):
        tweak = self.setting["tweak"]
        path.unlink(missing_ok=True)
        if tweak == "no-list":
            return
        if tweak == "linked-list":
            path.symlink_to("local-users.real")
            path = path.with_name("local-users.real")
        if tweak == "all-listed":
            listed = [*listed, *(cell["name"] for cell in self.cells)]
        path.write_text("" if tweak == "empty-list" else "\n".join(listed) + "\n")
        path.chmod(0o666 if tweak == "writable-list" else 0o644)

    def _start_sshd(self):
        if not any(cell["program"] in ("ssh", "key", "key-after") for cell in self.cells):
            return None
        config = pathlib.Path("/etc/ssh/table_config")
        config.write_text(SSHD_CONFIG.format(work=WORK) + f"Port {self.port}\n")
        settings = subprocess.run(["/usr/sbin/sshd", "-T", "-f", config], check=True, text=True,
                                  capture_output=True).stdout
        config.write_text(config.read_text() + no_penalties(settings))
        log = open(f"/var/log/table-sshd-{self.port}.log", "ab")
        sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", config], stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log)
        deadline = time.monotonic() + DEADLINE_S
        while f":{self.port:04X} 00000000:0000 0A" not in pathlib.Path("/proc/net/tcp").read_text():
            if sshd.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("sshd did not start")
            time.sleep(0.02)
        return sshd

    # Attempts.
    def _try_cell(self, cell):
        try:
            answers = {password: self._attempt(cell, cell["name"], password)
                       for password in passwords_of(cell)}
            return cell, answers, self._control(cell)
        except Exception:  # reported as a failure of the cell
            return cell, {"error": traceback.format_exc()}, True

    def _control(self, cell):
        key = cell["program"], tuple(cell["limit"])
        with self._control_lock:
            first = key not in self._controls
            if first:
                self._controls[key] = threading.Event(), []
        event, result = self._controls[key]
        if first:
            try:
                password = "key" if cell["program"] in WITHOUT_PASSWORD else "local"
                result.append(self._attempt(cell, cell["control"], password)[0])
            finally:
                event.set()
        event.wait()
        return bool(result) and result[0]

    def _attempt(self, cell, user, password):
        offered = {"pool": POOL, "local": LOCAL, "other": OTHER, "empty": ""}.get(password)
        if cell["program"] in WITHOUT_PASSWORD and cell["user"] in ("cognito", "both") and \
                user == cell["name"] and self.setting["state"] == "up" and not cell.get("unseen"):
            # The account phase knows those who have signed in here; sudo's service asks for nothing else.
            self._run(["/usr/bin/pamtester", "sudo", user, "authenticate"], POOL)
        if cell["program"] == "ssh":
            text, is_in = self._ssh(user, offered)
        elif cell["program"] == "key":
            text, is_in = self._ssh(user, None)
        elif cell["program"] == "key-after":
            text, is_in = self._ssh(user, "wrong", "keyboard-interactive,publickey")
        else:
            argv, mark = self._command(cell, user)
            text, status = self._run(argv, offered)
            is_in = status == 0 if mark is None else mark in text
        if cell["program"].startswith("passwd"):
            changes_pool = cell["program"] == "passwd" and cell["user"] in ("cognito", "both") and \
                user == cell["name"]
            is_in = is_in and (self._pool_changed(user) if changes_pool else _has_new_hash(user))
            if changes_pool and _has_new_hash(user):
                return is_in, False, [*_spied(user), LOCAL_CHANGED], text
        return is_in, bool(DEMAND.search(text)), _spied(user), text

    def _pool_changed(self, user):
        return self._run(["/usr/bin/pamtester", "sudo", user, "authenticate"], FRESH)[1] == 0

    def _command(self, cell, user):
        """(argv, the text that only a success prints; None: the exit status says it)"""
        kind, value = cell["limit"]
        who = user if cell["program"] in ("sudo", "sudo-n", "passwd") else cell["caller"]
        uid = "0" if cell["program"].endswith("-root") else _line_of("/etc/passwd", who).split(":")[2]
        caller = [str(WORK / "caller"), uid, kind, str(value)]
        shell = ["-c", "echo LET-$((6*7))-IN"]
        sudo = ["/usr/bin/sudo", "-n" if cell["program"] == "sudo-n" else "-S", "-k", "/bin/sh"]
        if cell["program"] in ("su", "su-root"):
            return [*caller, "/usr/bin/su", "-s", "/bin/sh", user, *shell], LET_IN
        if cell["program"] == "sh-login":
            return [*caller, "/usr/bin/su", user, *shell], LET_IN
        if cell["program"] in ("sudo", "sudo-n"):
            return [*caller, *sudo, *shell], LET_IN
        if cell["program"] == "passwd":
            return [*caller, "/usr/bin/passwd"], None
        if cell["program"] == "passwd-root":
            return [*caller, "/usr/bin/passwd", user], None
        return ["/usr/bin/pamtester", "cron", user, "acct_mgmt", "setcred(PAM_ESTABLISH_CRED)",
                "open_session", "close_session"], None

    def _run(self, argv, offered):
        """(output, exit status). Each prompt is answered: a new password with FRESH, others with
        `offered`."""
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}) as process:
            text, answered, deadline = "", 0, time.monotonic() + DEADLINE_S
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    process.kill()
                    raise RuntimeError(f"{argv} did not end; shown:\n{text}")
                if not select.select([process.stdout], [], [], left)[0]:
                    continue
                data = os.read(process.stdout.fileno(), 4096)
                if not data:
                    break
                text += data.decode(errors="replace")
                if PROMPT.search(text[answered:]):
                    prompt, answered = text[answered:].splitlines()[-1], len(text)
                    answer = FRESH if "new" in prompt.lower() else offered or ""
                    text += "\n"
                    try:
                        os.write(process.stdin.fileno(), answer.encode() + b"\n")
                    except BrokenPipeError:
                        pass
            return text, process.wait()

    def _ssh(self, user, offered, methods=None):
        prompts = pathlib.Path(f"/tmp/prompts-{user}-{time.monotonic_ns()}")
        prompts.touch()
        methods = methods or ("publickey" if offered is None else "keyboard-interactive")
        done = subprocess.run(
            ["setsid", "ssh", "-F", "none", "-T", "-p", str(self.port), "-i", WORK / "login_key",
             "-o", f"PreferredAuthentications={methods}", "-o", "NumberOfPasswordPrompts=1",
             "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
             "-o", "UserKnownHostsFile=/dev/null", f"{user}@127.0.0.1", "echo LET-$((6*7))-IN"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=DEADLINE_S,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SSH_ASKPASS": WORK / "askpass", "HOME": "/root",
                 "SSH_ASKPASS_REQUIRE": "force", "PROMPTS": prompts, "OFFERED": offered or "", "FRESH": FRESH})
        text = prompts.read_text() + done.stdout
        prompts.unlink()
        return text, LET_IN in done.stdout


def passwords_of(cell):
    if "passwords" in cell:
        return cell["passwords"]
    if cell["program"] in WITHOUT_PASSWORD:
        return ["key"]
    ours = cell["user"] in ("cognito", "both")
    return ([] if cell["program"] == "passwd" else ["other"]) + \
        (["local"] if cell["user"] != "cognito" else []) + (["pool"] if ours else [])


def _line_of(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(name + ":"):
            return line
    return "::::"


def _has_new_hash(user):
    line = _line_of("/etc/shadow", user)
    return HASH not in line and "$" in line


def _spied(user):
    """The calls of other modules for the user, {"pam_krb5 authenticate", …}."""
    return sorted({line.rpartition(" ")[0] for line in SPY_LOG.read_text().splitlines()
                   if line.endswith(" " + user)})


def run_in_child(work):
    """Calls `work` in a child; gives (pid, descriptor that its result comes from, as JSON)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    status = 1
    try:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with os.fdopen(writing, "w") as out:
            json.dump(work(), out)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
