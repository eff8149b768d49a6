"""The machine of the table test: cognitod, the pool, and the PAM stacks that Debian's own
pam-auth-update makes of our profile and the other packages' profiles.

Each stack is kept as a folder of its common-* files. A world (world.py) uses one of them.
"""

import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
sys.path.insert(0, str(REPO / "tests/system"))

from machine import CONFIG_TEXT, POOL_STATE, RELEASE, Machine  # noqa: E402  (needs the path above)
from pool import Pool  # noqa: E402

BUILT = RELEASE / "tests/profile"
WORK = pathlib.Path("/var/lib/profile-table")
SECURITY = pathlib.Path("/usr/lib", f"{os.uname().machine}-linux-gnu", "security")
PAM_CONFIGS = pathlib.Path("/usr/share/pam-configs")
SPY_LOG = pathlib.Path("/var/log/pam-spy.log")
COMMON = ("common-auth", "common-account", "common-password", "common-session",
          "common-session-noninteractive")

LOCAL, POOL, OTHER = "Local-Password-9", "Pool-Password-7", "Other-Pass-1"
FRESH = "Fresh-Window-Cedar-84"
FIRST_UID = 20000

# The other packages of each stack.
STACKS = {
    "plain": (), "krb5": ("krb5",), "sss": ("sss",), "winbind": ("winbind",), "winbind13": ("winbind13",),
    "fprintd": ("fprintd",), "u2f": ("u2f",), "faillock": ("faillock", "faillock_notify"),
    "pwquality": ("pwquality",), "mkhomedir": ("mkhomedir",),
    "many": ("krb5", "sss", "winbind", "fprintd", "u2f", "faillock", "faillock_notify", "pwquality",
             "mkhomedir"),
}
WITH_OTHER_PASSWORD = ("krb5", "sss", "winbind", "winbind13", "fprintd", "u2f", "many")

# Debian's cron is not installed in the sandbox; this is its service file.
CRON_SERVICE = """\
@include common-auth
session required pam_loginuid.so
session required pam_env.so
session required pam_env.so envfile=/etc/default/locale
@include common-account
@include common-session-noninteractive
session required pam_limits.so
"""

ASKPASS = """\
#!/bin/sh
echo "$1" >>"$PROMPTS"
case $1 in
*[Nn]ew*) echo "$FRESH" ;;
*) echo "$OFFERED" ;;
esac
"""


class Host(Machine):
    """people: names of the Cognito users, all with the same password and without a second factor:
    which prompts a sign-in has is no matter of the stack."""

    def __init__(self, people):
        self._people = people
        super().__init__()

    def _add_people(self):
        # The worlds have accounts of their own. Here are those that cognitod looks up.
        subprocess.run(["groupadd", "--force", "cognito-users"], check=True)
        if "cognitod" not in (entry.pw_name for entry in pwd.getpwall()):
            subprocess.run(["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent",
                            "--shell", "/usr/sbin/nologin", "cognitod"], check=True)
        daemon = pwd.getpwnam("cognitod")
        state = pathlib.Path("/var/lib/cognitod")
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(state, daemon.pw_uid, daemon.pw_gid)
        with open("/etc/passwd", "a") as file:
            for name, uid in self._people.items():
                file.write(f"{name}:x:{uid}:{uid}::/home/{name}:/bin/sh\n")
        _replace_line("/etc/group", "cognito-users:", lambda line: line + ",".join(self._people))

    def _write_pam_files(self):
        WORK.mkdir(mode=0o755, exist_ok=True)
        for path in PAM_CONFIGS.iterdir():
            if path.name not in ("unix", "pam-cognito", "mkhomedir"):
                path.unlink()
        self.profile = (PAM_CONFIGS / "pam-cognito").read_text()
        (PAM_CONFIGS / "pam-cognito").unlink()
        shutil.move(PAM_CONFIGS / "mkhomedir", WORK / "mkhomedir")
        _auth_update("--force")
        for module in BUILT.glob("pam_*.so"):
            shutil.copy(module, SECURITY)
        SPY_LOG.touch()
        SPY_LOG.chmod(0o666)
        pathlib.Path("/etc/pam.d/cron").write_text(CRON_SERVICE)
        shutil.copy(BUILT / "profile_caller", WORK / "caller")
        (WORK / "askpass").write_text(ASKPASS)
        (WORK / "askpass").chmod(0o755)
        without = WORK / "security-without-module"
        shutil.copytree(SECURITY, without, symlinks=True)
        (without / "pam_cognito.so").unlink()
        (WORK / "empty").mkdir()

    def _write_ssh_files(self):
        run = lambda *argv: subprocess.run(argv, check=True, capture_output=True)  # noqa: E731
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", WORK / "host_key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", WORK / "login_key")
        (WORK / "login_key.pub").chmod(0o644)

    def start_sshd(self, extra=""):
        """Each world has an sshd of its own."""

    def _start_pool(self):
        seed = {"users": [{"username": name, "password": POOL, "groups": ["linux-users"],
                           "attributes": {"email": f"{name}@example.com", "email_verified": "true"}}
                          for name in self._people]}
        (WORK / "seed.json").write_text(json.dumps(seed))
        self._start("cognito-pool", [RELEASE / "tests/pool/cognito-pool", "--state", POOL_STATE,
                                     "--seed", WORK / "seed.json", "--port", "8443"])
        self._await("cognito-pool", lambda: os.path.exists(f"{POOL_STATE}/ready.json"))
        self.pool = Pool(POOL_STATE)

    def configure(self, text=None, users_conf="group=cognito-users\n"):
        super().configure((text or CONFIG_TEXT).format(**self.pool.ready) + "require = no\n",
                          users_conf)

    # Stacks.
    def make_stack(self, name, folder, profile, ours_first):
        """The common-* files after the packages of the stack `name` and this project's were installed one
        after the other."""
        folder.mkdir(parents=True)
        texts = {package: WORK / package if package == "mkhomedir" else HERE / "pam-configs" / package
                 for package in STACKS[name]}

        def install_ours():
            (PAM_CONFIGS / "pam-cognito").write_text(profile)
            _auth_update("--enable", "pam-cognito")

        if ours_first:
            install_ours()
        if texts:
            for package, text in texts.items():
                shutil.copy(text, PAM_CONFIGS / package)
            _auth_update("--enable", *texts)
        if not ours_first:
            install_ours()
        for common in COMMON:
            shutil.copy(pathlib.Path("/etc/pam.d", common), folder)
        _auth_update("--remove", *texts, "pam-cognito")
        for package in (*texts, "pam-cognito"):
            (PAM_CONFIGS / package).unlink()


def _auth_update(*options):
    done = subprocess.run(["pam-auth-update", "--package", *options], text=True, stdin=subprocess.DEVNULL,
                          capture_output=True)
    if done.returncode or "ocal modifications" in done.stdout + done.stderr:
        raise RuntimeError(f"pam-auth-update {options}: {done.stdout}{done.stderr}")


def _replace_line(path, start, change):
    lines = pathlib.Path(path).read_text().splitlines()
    lines = [change(line) if line.startswith(start) else line for line in lines]
    pathlib.Path(path).write_text("\n".join(lines) + "\n")
