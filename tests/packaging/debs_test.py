#!/usr/bin/env python3
"""The contents of the built packages in build/deb: files, owners, what is configuration, how the programs are
linked, and how much of a disk they take."""

import json
import pathlib
import re
import stat
import subprocess
import sys
import tarfile
import tempfile

from report import Report

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "scripts"))

import releases  # noqa: E402  (needs the path above)

DEBS = REPO / "build/deb"
PACKAGES = ("cognitod", "libpam-cognito", "cognitoctl", "libnss-cognitod", "cognitod-accounts", "cognitod-directory")
RELEASE = releases.host_release()
MOST_KIB = int(releases.release_value(RELEASE, "most_kib"))
LIB = releases.release_value(RELEASE, "lib")

# The files that people and other programs expect under these names.
WANTED = {
    "cognitod": ["usr/libexec/cognitod", f"{LIB}/systemd/system/cognitod.service", "usr/lib/sysusers.d/pam-cognito.conf",
                 "usr/libexec/pam-cognito-local-users", f"{LIB}/systemd/system/pam-cognito-local-users.path",
                 f"{LIB}/systemd/system/pam-cognito-local-users.service",
                 f"{LIB}/systemd/system/pam-cognito-local-users-again.service",
                 "usr/lib/tmpfiles.d/pam-cognito.conf",
                 "usr/share/dbus-1/system.d/org.pamcognito.Auth1.conf",
                 "usr/share/dbus-1/system-services/org.pamcognito.Auth1.service",
                 "usr/share/dbus-1/interfaces/org.pamcognito.Auth1.xml",
                 "usr/share/cognitod/cognitod.conf", "etc/pam-cognito/cognitod.conf.d", "usr/share/cognitod/users.conf",
                 "usr/share/doc/cognitod/examples/cognitod.conf",
                 "usr/share/locale/de/LC_MESSAGES/pam-cognito.mo", "usr/share/man/man8/cognitod.8.gz",
                 "usr/share/man/man8/pam-cognito-local-users.8.gz",
                 "usr/share/man/man5/cognitod.conf.5.gz", "usr/share/man/man5/users.conf.5.gz",
                 "usr/share/man/man5/accounts.conf.5.gz"],
    "libpam-cognito": ["usr/share/pam-configs/pam-cognito", "usr/share/man/man8/pam_cognito.8.gz",
                       "usr/share/doc/libpam-cognito/examples/sshd-pam-cognito.conf",
                       "usr/share/doc/libpam-cognito/examples/sshd-pam-cognito-keys.conf"],
    "cognitoctl": ["usr/bin/cognitoctl", "usr/share/bash-completion/completions/cognitoctl",
                   "usr/share/fish/vendor_completions.d/cognitoctl.fish",
                   "usr/share/zsh/vendor-completions/_cognitoctl", "usr/share/man/man1/cognitoctl.1.gz"],
    "libnss-cognitod": ["usr/share/doc/libnss-cognitod/copyright"],
    "cognitod-accounts": ["usr/libexec/cognitod-accounts", f"{LIB}/systemd/system/cognitod-accounts.service",
                          f"{LIB}/systemd/system/cognitod-accounts.socket", "usr/share/man/man8/cognitod-accounts.8.gz",
                          "usr/share/pam-configs/pam-cognito-mkhomedir"],
    "cognitod-directory": ["usr/libexec/cognitod-directory", f"{LIB}/systemd/system/cognitod-directory.service",
                           f"{LIB}/systemd/system/cognitod-directory.timer",
                           f"{LIB}/systemd/system/cognitod-directory-list.service",
                           f"{LIB}/systemd/system/cognitod-directory-list.socket", "usr/lib/sysusers.d/cognitod-directory.conf",
                           "usr/share/man/man8/cognitod-directory.8.gz"],
}

# The only files that dpkg asks about. Those of /etc/pam-cognito are the machine's own: the postinst makes them.
CONFFILES = {"cognitod": {"/etc/apparmor.d/usr.libexec.cognitod"},
             "libpam-cognito": {"/etc/fail2ban/filter.d/pam-cognito.conf"},
             "cognitoctl": set(), "libnss-cognitod": set(), "cognitod-accounts": set(), "cognitod-directory": set()}
# The library of the name service switch is loaded into each process: what it takes, and what it needs.
READER = "libnss_cognitod.so.2"
READER_MOST_KIB = 64
LIBC = {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
READER_SYMBOL = re.compile(r"_nss_cognitod_(getpwnam_r|getpwuid_r|setpwent|getpwent_r|endpwent|getgrnam_r|getgrgid_r|"
                           r"setgrent|getgrent_r|endgrent|initgroups_dyn|seen_by_sshd)")

MODULE_LIBRARIES = {"libpam.so.0", "libsystemd.so.0", "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
MODULE_SYMBOL = re.compile(r"pam_sm_(authenticate|setcred|acct_mgmt|open_session|close_session|chauthtok)")


def shown(*argv):
    return subprocess.run([str(part) for part in argv], capture_output=True, text=True, check=True).stdout


def deb_of(package):
    found = sorted(DEBS.glob(f"{package}_*.deb"))
    if len(found) != 1:
        sys.exit(f"{DEBS} has {len(found)} packages {package}: ./dev deb")
    return found[0]


def check_files(report, package, tree, members):
    names = {member.name.removeprefix("./") for member in members}
    report.equal(f"{package}: has what is looked for", sorted(set(WANTED[package]) - names), [])
    report.equal(f"{package}: everything is root's",
                 [member.name for member in members if (member.uid, member.gid) != (0, 0)], [])
    report.equal(f"{package}: nobody else may write, nothing is set-uid",
                 [member.name for member in members
                  if not member.issym() and member.mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID)], [])
    conffiles = tree / "DEBIAN/conffiles"
    found = set(conffiles.read_text().split()) if conffiles.exists() else set()
    report.equal(f"{package}: conffiles", found, CONFFILES[package])


def programs(tree):
    return [path for path in sorted(tree.rglob("*"))
            if path.is_file() and not path.is_symlink() and path.open("rb").read(4) == b"\x7fELF"]


def check_program(report, path):
    name = path.name
    dynamic = shown("readelf", "--dynamic", "--wide", path)
    segments = shown("readelf", "--program-headers", "--wide", path)
    sections = shown("readelf", "--sections", "--wide", path)
    report.check(f"{name}: bound at load, then read-only", "NOW" in dynamic and "GNU_RELRO" in segments, dynamic)
    report.check(f"{name}: no executable stack", re.search(r"GNU_STACK .* RW ", segments), segments)
    report.check(f"{name}: no search path of its own", "RPATH" not in dynamic and "RUNPATH" not in dynamic, dynamic)
    report.check(f"{name}: stripped", ".symtab" not in sections and ".debug_info" not in sections, sections)
    report.check(f"{name}: does not name the place where it was built", str(REPO).encode() not in path.read_bytes())
    if not name.endswith((".so", ".so.2")):
        report.check(f"{name}: loaded at any address", "PIE" in dynamic, dynamic)


def check_module(report, path):
    dynamic = shown("readelf", "--dynamic", "--wide", path)
    libraries = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    report.equal("the module: brings no other library", sorted(libraries - MODULE_LIBRARIES), [])
    report.check("the module: stays loaded", "NODELETE" in dynamic, dynamic)
    symbols = [line.split()[-1].split("@")[0]
               for line in shown("nm", "--dynamic", "--defined-only", path).splitlines()]
    report.check("the module: its entry points, and no other symbol",
                 len(symbols) == 6 and all(MODULE_SYMBOL.fullmatch(symbol) for symbol in symbols), symbols)


def check_reader(report, path):
    dynamic = shown("readelf", "--dynamic", "--wide", path)
    report.equal("the reader: needs libc alone", sorted(set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)) - LIBC), [])
    symbols = [line.split()[-1].split("@")[0]
               for line in shown("nm", "--dynamic", "--defined-only", path).splitlines()]
    report.check("the reader: its functions, and no other symbol",
                 len(symbols) == 12 and all(READER_SYMBOL.fullmatch(symbol) for symbol in symbols), symbols)
    report.check(f"the reader: at most {READER_MOST_KIB} KiB", path.stat().st_size <= READER_MOST_KIB * 1024, path.stat().st_size)


def check_optional(report, package, deb):
    """Only cognitod-accounts installs libnss-cognitod. apt-get does not install suggested packages."""
    fields = shown("dpkg-deb", "--field", deb, "Pre-Depends", "Depends", "Recommends", "Enhances")
    if package == "cognitod-accounts":
        report.check(f"{package}: comes with the reader", "libnss-cognitod" in fields, fields)
        return
    report.check(f"{package}: brings no reader of accounts", "libnss-cognitod" not in fields, fields)
    if package == "libnss-cognitod":
        report.equal(f"{package}: may be there for each architecture", shown("dpkg-deb", "--field", deb, "Multi-Arch").strip(), "same")
        report.check(f"{package}: needs libc alone", re.fullmatch(r"Depends: libc6 \([^)]*\)\n", fields), fields)


def commands(tree, build):
    listed = json.loads((tree / build / "compile_commands.json").read_text())
    return {one["command"].replace(str(tree), "") for one in listed}


def main():
    report = Report()
    # The sandboxes then sign in with the code that a machine installs, and ccache compiles it once.
    report.equal("every file: compiled as in the release build",
                 sorted(commands(DEBS / "work/src", "build/debian") - commands(REPO, "build/release")), [])
    sizes = {}
    for package in PACKAGES:
        deb = deb_of(package)
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            shown("dpkg-deb", "--raw-extract", deb, tree)
            data = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True).stdout
            archive = tree / "data.tar"
            archive.write_bytes(data)
            with tarfile.open(archive) as members:
                check_files(report, package, tree, members.getmembers())
            archive.unlink()
            check_optional(report, package, deb)
            for path in programs(tree):
                check_program(report, path)
                if path.name == READER:
                    check_reader(report, path)
                    report.check("the reader: where libc looks",
                                 re.fullmatch(r"usr/lib/[a-z0-9_]+-linux-gnu\w*", str(path.parent.relative_to(tree))), path)
                if path.name == "pam_cognito.so":
                    check_module(report, path)
                    report.check("the module: where libpam looks",
                                 re.fullmatch(LIB + r"/[a-z0-9_]+-linux-gnu\w*/security", str(path.parent.relative_to(tree))),
                                 path)
        sizes[package] = int(shown("dpkg-deb", "--field", deb, "Installed-Size"))
    report.check(f"together at most {MOST_KIB} KiB", sum(sizes.values()) <= MOST_KIB, sizes)
    report.close()


if __name__ == "__main__":
    main()
