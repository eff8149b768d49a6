#!/usr/bin/env python3
"""reserved_names.py: writes nss/reserved_names_list.h, the names that no account has because packages create a user or
group of that name.

The names come from the indexes of Debian's releases, which `apt-get update` gets into a directory of its own, and from
scripts/reserved_names.txt:
  - packages that depend on adduser or systemd-sysusers, without an ending such as -server;
  - files in sysusers.d, and service units, by their names: DynamicUser= takes that of the unit. This needs the index of
    files (Contents), which a mirror may not have at times: the header of the list says of which releases it was;
  - users and groups of base-passwd: its lists, and the static ids of its README;
  - names of the text file, which are those that differ from all of these.
Names that nss/reserved_names.h refuses by their beginning are left out. It runs on Debian, as any user."""

import datetime
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUT = ROOT / "nss/reserved_names_list.h"
TEXT = ROOT / "scripts/reserved_names.txt"
SUITES = ("bookworm", "trixie")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MAKERS = {"adduser", "default-systemd-sysusers", "opensysusers", "systemd-sysusers", "systemd-standalone-sysusers"}
ENDING = re.compile(r"-(api|base|common|core|daemon|server|service|system|worker)$")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")  # none of them has a '.'
BY_BEGINNING = ("systemd-",)
WIDTH = 100


class Apt:
    """apt-get with its own state, so that the machine's is as it was."""

    def __init__(self, directory, suite, contents):
        for name in ("state/lists/partial", "cache/archives/partial", "debs"):
            (directory / name).mkdir(parents=True)
        (directory / "state/status").touch()
        (directory / "sources.list").write_text(f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {suite} main\n")
        target = ('Acquire::IndexTargets::deb::Contents { MetaKey "$(COMPONENT)/Contents-$(ARCHITECTURE)"; '
                  'ShortDescription "Contents"; Description "Contents"; };\n') if contents else ""
        (directory / "apt.conf").write_text(
            f'Dir::State "{directory}/state";\nDir::State::status "{directory}/state/status";\n'
            f'Dir::Cache "{directory}/cache";\nDir::Etc::sourcelist "{directory}/sources.list";\n'
            f'Dir::Etc::sourceparts "-";\nAPT::Architecture "amd64";\nAcquire::Languages "none";\n'
            f'APT::Sandbox::User "root";\n{target}')
        self.directory, self.environment = directory, os.environ | {"APT_CONFIG": str(directory / "apt.conf")}

    def run(self, *argv):
        return subprocess.run(argv, env=self.environment, cwd=self.directory / "debs", text=True, capture_output=True)

    def update(self):
        return self.run("apt-get", "update").returncode == 0

    def index(self, pattern):
        files = sorted(glob.glob(f"{self.directory}/state/lists/*{pattern}*"))
        return subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", *files], text=True, capture_output=True,
                              check=True).stdout if files else ""


def of_packages(packages):
    for stanza in packages.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", stanza, re.MULTILINE))
        needs = f"{fields.get('Pre-Depends', '')},{fields.get('Depends', '')}"
        if MAKERS & set(re.findall(r"[a-z0-9][a-z0-9.+-]+", re.sub(r"\([^)]*\)", "", needs))):
            yield ENDING.sub("", fields["Package"])


def of_files(contents):
    for name in re.findall(r"^(?:usr/)?lib/(?:sysusers\.d/([^/\s]+)\.conf|systemd/system/([^/@\s]+)\.service)\s", contents,
                           re.MULTILINE):
        yield name[0] or name[1]


def of_base_passwd(apt):
    if apt.run("apt-get", "download", "base-passwd").returncode != 0:
        sys.exit("reserved_names.py: apt-get download base-passwd failed")
    apt.run("sh", "-c", "dpkg-deb -x base-passwd_*.deb tree")
    tree = apt.directory / "debs/tree/usr/share"
    for master in ("passwd.master", "group.master"):
        for line in (tree / "base-passwd" / master).read_text().splitlines():
            yield line.split(":")[0]
    yield from re.findall(r"^\s+6\d{4} \| (\S+)", (tree / "doc/base-passwd/README").read_text(), re.MULTILINE)


def of_text():
    for line in TEXT.read_text().splitlines():
        if line and not line.startswith("#"):
            yield from line.partition(":")[2].split()


def of_suite(directory, suite):
    """The suite's names, and whether they contain those of its files."""
    for contents in (True, False):
        apt = Apt(directory / f"{suite}-{contents}", suite, contents)
        if apt.update():
            return {*of_packages(apt.index("_Packages")), *of_files(apt.index("_Contents")), *of_base_passwd(apt)}, contents
    sys.exit(f"reserved_names.py: apt-get update fails for {suite}")


def main():
    names, read = set(of_text()), []
    with tempfile.TemporaryDirectory() as temporary:
        for suite in SUITES:
            found, with_files = of_suite(pathlib.Path(temporary), suite)
            names |= found
            read.append(f"{suite} ({'packages and their files' if with_files else 'packages alone'})")
    names = sorted(name for name in names if NAME.fullmatch(name) and not name.startswith(BY_BEGINNING))
    if len(names) < 500:
        sys.exit(f"reserved_names.py: {len(names)} names are too few")
    lines, line = [], ""
    for name in names:
        if len(line) + len(name) + 2 > WIDTH - 6:
            lines.append(line)
            line = ""
        line += name + ":"
    lines.append(line)
    text = "\n".join(f'    "{one}"' for one in lines)
    OUT.write_text(f"""\
#pragma once

#include <cstddef>

// Written by scripts/reserved_names.py on {datetime.date.today()}: names of users and groups that packages of
// {" and ".join(read)} create,
// and those of scripts/reserved_names.txt. Sorted by byte; each name ends with a ':'.
namespace pamcognito::accounts {{

inline constexpr std::size_t kReservedCount = {len(names)};
inline constexpr char kReservedText[] =
{text};

}}  // namespace pamcognito::accounts
""")
    shutil.which("clang-format-19") and subprocess.run(["clang-format-19", "-i", str(OUT)], check=True)
    print(f"{len(names)} names, {sum(len(name) + 1 for name in names)} bytes")


if __name__ == "__main__":
    main()
