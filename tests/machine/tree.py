"""Debian trees to boot, of this machine's release, made by debootstrap once and kept in build/machine.

`base` has what every machine of the tests needs. A tree with more packages is a copy of it with these
added. A stamp names the packages, so that another list makes the tree anew.
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

BASE_PACKAGES = (
    # a machine that boots, the systemd-nspawn that boots it, and the programs that people log in with
    "systemd", "systemd-sysv", "systemd-container", "dbus", "dbus-user-session", "libpam-systemd",
    "libnss-systemd", "openssh-server", "openssh-client", "sudo", "passwd", "login", "adduser",
    "util-linux", "polkitd", "pkexec", "cron", "bash-completion", "iproute2", "procps", "acl",
    # what our packages and cognito-pool depend on, so that apt needs no network
    *(releases.release_value(RELEASE, name) for name in ("libcurl", "libjsoncpp", "libssl", "libmicrohttpd")),
    "libinih1", "libqrencode4", "libsystemd0", "libsqlite3-0", "libpam-runtime", "libpam-modules", "ca-certificates", "openssl",
    # what the scenes use
    "python3", "oathtool", "pamtester", "sshpass",
)


def ensure(name, packages=()):
    """The tree `name`: the base tree, and `packages`. Returns its path."""
    TREES.mkdir(parents=True, exist_ok=True)
    with _only_one():
        base = _ensure(TREES / "base", " ".join(BASE_PACKAGES), _debootstrap)
        if not packages:
            return base
        stamp = (base / ".made").read_text() + " ".join(packages)
        return _ensure(TREES / name, stamp, lambda tree: _add_packages(base, tree, packages))


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
    # What debootstrap downloaded is installed.
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
    _logged(tree, "cp", "--archive", base, tree)
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    resolv = tree / "etc/resolv.conf"
    before = resolv.read_bytes() if resolv.exists() else None
    resolv.unlink(missing_ok=True)
    resolv.write_bytes(pathlib.Path("/etc/resolv.conf").read_bytes())
    script = ('mount -t proc proc "$1/proc" && chroot "$1" apt-get --quiet update && shift && '
              'chroot "$0" apt-get --quiet --yes --no-install-recommends install "$@" && '
              'chroot "$0" apt-get clean')
    _logged(tree, "unshare", "--mount", "--propagation", "private", "env", "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
            "sh", "-c", script, tree, tree, *packages)
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
