"""Reads scripts/releases: what differs between the Debian releases."""

import pathlib
import platform

TABLE = pathlib.Path(__file__).resolve().with_name("releases")


def host_release():
    """This machine's release by its codename, whether or not the table has it."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")


def known_releases():
    """The oldest first."""
    return tuple(_rows()["name"])


def release_value(release, name):
    rows = _rows()
    if release not in rows["name"]:
        raise SystemExit(f"scripts/releases does not have the release {release!r}; it has: {' '.join(rows['name'])}")
    return rows[name][rows["name"].index(release)]


def _rows():
    rows = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            rows[words[0]] = words[1:]
    return rows
