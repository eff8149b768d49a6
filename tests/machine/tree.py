"""Debian trees to boot, of this machine's release, made by debootstrap once and kept in build/machine.

`base` has what every machine of the tests needs. A tree with more packages is a copy of it with these
added; another has what apt downloads to upgrade it to a newer release. A stamp names the packages, so that
another list makes the tree anew.
"""

import contextlib
import fcntl
import pathlib
import shutil
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPO / "scripts"))

import releases  # noqa: E402  (needs the path above)

TREES = REPO / "build/machine"
RELEASE = releases.host_release()

# The packages that the project's packages and cognito-pool depend on, by the names of the release.
LIBRARIES = ("libcurl", "libjsoncpp", "libssl", "libmicrohttpd")
BASE_PACKAGES = (
    # a machine that boots, the systemd-nspawn that boots it, and the programs that people log in with
    "systemd", "systemd-sysv", "systemd-container", "dbus", "dbus-user-session", "libpam-systemd",
    "libnss-systemd", "openssh-server", "openssh-client", "sudo", "passwd", "login", "adduser",
    "util-linux", "polkitd", "pkexec", "cron", "bash-completion", "iproute2", "procps", "acl",
    # what our packages and cognito-pool depend on, so that apt needs no network
    *(releases.release_value(RELEASE, name) for name in LIBRARIES),
    "libqrencode4", "libsystemd0", "libsqlite3-0", "libpam-runtime", "libpam-modules", "ca-certificates", "openssl",
    # what the scenes use
    "python3", "oathtool", "pamtester", "sshpass",
)


class UpgradeTo:
    """In place of packages: what apt downloads to upgrade the base tree to this release, so that the machine
    needs no network for it. The tree's sources are still those of its own release."""

    def __init__(self, release):
        self.release = release
        self.libraries = [releases.release_value(release, name) for name in LIBRARIES]

    def __str__(self):
        return f"upgrade to {self.release} with {' '.join(self.libraries)}"

    def download(self, base, tree):
        _copy_and_run(base, tree, """
            cp /etc/apt/sources.list /root/sources.list
            echo "deb $1 $2 main" >/etc/apt/sources.list
            shift 2
            apt-get --quiet update
            apt-get --quiet --yes --download-only full-upgrade
            apt-get --quiet --yes --download-only --no-install-recommends install "$@"
            mv /root/sources.list /etc/apt/sources.list""", _mirror(), self.release, *self.libraries)


def ensure(name, packages=()):
    """The tree `name`: the base tree, and `packages` (or an UpgradeTo). Returns its path."""
    TREES.mkdir(parents=True, exist_ok=True)
    with _only_one():
        base = _ensure(TREES / "base", " ".join(BASE_PACKAGES), _debootstrap)
        if not packages:
            return base
        made = (base / ".made").read_text()
        if isinstance(packages, UpgradeTo):
            return _ensure(TREES / name, f"{made} {packages}", lambda tree: packages.download(base, tree))
        return _ensure(TREES / name, made + " ".join(packages), lambda tree: _add_packages(base, tree, packages))


@contextlib.contextmanager
def _only_one():
    with open(TREES / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ensure(tree, stamp, make):
    made = tree / ".made"
    if made.exists() and made.read_text() == stamp:
        return tree
    print(f"machine: making the Debian tree {tree.relative_to(REPO)} (once; it is kept)", flush=True)
    new = tree.with_name(tree.name + ".new")
    for old in (new, tree):
        shutil.rmtree(old, ignore_errors=True)
    make(new)
    (new / ".made").write_text(stamp)
    new.rename(tree)
    return tree


def _debootstrap(tree):
    _logged(tree, "debootstrap", "--variant=minbase", "--include=" + ",".join(BASE_PACKAGES), RELEASE,
            tree, _mirror())
    # The packages that debootstrap downloaded are installed.
    for deb in (tree / "var/cache/apt/archives").glob("*.deb"):
        deb.unlink()
    (tree / "etc/hostname").write_text("machine\n")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 machine\n::1 localhost\n")


def _mirror():
    """The host's own mirror."""
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"],
                          capture_output=True, text=True)
    for line in done.stdout.splitlines():
        uri, _, suite = line.partition(" ")
        if suite == RELEASE:
            return uri
    return "http://deb.debian.org/debian"


def _add_packages(base, tree, packages):
    _copy_and_run(base, tree, """
        apt-get --quiet update
        apt-get --quiet --yes --no-install-recommends install "$@"
        apt-get clean""", *packages)


def _copy_and_run(base, tree, script, *argv):
    """A copy of the base tree, and in it the script, as root, on the host's network. No service starts."""
    _logged(tree, "cp", "--archive", base, tree)
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    resolv = tree / "etc/resolv.conf"
    before = resolv.read_bytes() if resolv.exists() else None
    resolv.unlink(missing_ok=True)
    resolv.write_bytes(pathlib.Path("/etc/resolv.conf").read_bytes())
    _logged(tree, "unshare", "--mount", "--propagation", "private", "env", "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "sh", "-c",
            'mount -t proc proc "$0/proc" && exec chroot "$0" sh -ec "$@"', tree, script, "sh", *argv)
    policy.unlink()
    resolv.unlink()
    if before is not None:
        resolv.write_bytes(before)


def _logged(tree, *argv):
    log = TREES / (tree.name.removesuffix(".new") + ".log")
    with open(log, "ab") as output:
        done = subprocess.run([str(part) for part in argv], stdin=subprocess.DEVNULL, stdout=output,
                              stderr=output)
    if done.returncode != 0:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{argv[0]} failed (the first run needs the network); {log}:\n{last}")
