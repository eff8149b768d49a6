"""The sandbox's journal and syslog: receives what programs log, keeps it, lets tests wait for a line.

There is no systemd in the sandbox. This takes the place of journald's native socket and of /dev/log.
"""

import os
import socket
import struct
import threading
import time

NATIVE = "/run/systemd/journal/socket"
SYSLOG = "/dev/log"
LOG_FILE = "/var/log/sandbox.log"


class Entries:
    """The lines of the log, in order."""

    def __init__(self):
        self.entries = []
        self._changed = threading.Condition()

    def _add(self, entry):
        with self._changed:
            self.entries.append(entry)
            self._changed.notify_all()

    def count(self):
        with self._changed:
            return len(self.entries)

    def since(self, mark):
        with self._changed:
            return self.entries[mark:]

    def wait(self, matches, mark=0, timeout=60):
        """The first entry since `mark` for which matches(entry) is true; None after `timeout`."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for entry in self.entries[mark:]:
                    if matches(entry):
                        return entry
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def text(self, mark=0):
        return "\n".join(as_line(entry) for entry in self.since(mark))


class Journal(Entries):
    def __init__(self):
        super().__init__()
        self._log = open(LOG_FILE, "a", buffering=1)
        os.makedirs(os.path.dirname(NATIVE), exist_ok=True)
        for path, parse in ((NATIVE, _parse_native), (SYSLOG, _parse_syslog)):
            receiver = _bind(path)
            threading.Thread(target=self._receive, args=(receiver, parse), daemon=True).start()

    def _receive(self, receiver, parse):
        while True:
            data, ancillary, _, _ = receiver.recvmsg(256 * 1024, 1024)
            entry = parse(data or _sealed_memory(ancillary))
            with self._changed:  # one line at a time
                self._log.write(as_line(entry) + "\n")
            self._add(entry)

    def mark(self):
        """A place in the journal; what comes later is 'since' it."""
        return self.count()


def _bind(path):
    if os.path.lexists(path):
        os.unlink(path)
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(path)
    os.chmod(path, 0o666)
    return receiver


def _sealed_memory(ancillary):
    """A long entry comes as a memory file instead of a datagram."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            (fd,) = struct.unpack("i", data[:4])
            with open(fd, "rb") as file:
                return file.read()
    return b""


def _parse_native(data):
    """KEY=value lines, or KEY, newline, a little-endian 64-bit length, bytes, newline."""
    entry = {}
    while data:
        line, _, rest = data.partition(b"\n")
        key, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8:8 + length], rest[9 + length:]
        entry[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        data = rest
    return entry


def _parse_syslog(data):
    """<priority>Mon dd hh:mm:ss identifier[pid]: message"""
    text = data.decode("utf-8", "replace").rstrip("\n\0")
    body = text.partition(">")[2][len("Nov 21 17:55:40 "):]
    identifier, _, message = body.partition(": ")
    return {"SYSLOG_IDENTIFIER": identifier.partition("[")[0], "MESSAGE": message}


def as_line(entry):
    """As a person would read it, with our fields behind it."""
    fields = " ".join(f"{key.removeprefix('PAM_COGNITO_')}={value}" for key, value in entry.items()
                      if key.startswith("PAM_COGNITO_"))
    line = f"{entry.get('SYSLOG_IDENTIFIER', '?')}: {entry.get('MESSAGE', '')}"
    return f"{line} [{fields}]" if fields else line
