"""A person at a terminal: a program on a PTY of its own, what it shows, and what is typed to it.

Every wait has a deadline. A prompt is answered only when its program really reads (see send), as a
person would: libpam_misc drops what was typed before.
"""

import codecs
import errno
import os
import platform
import pty
import re
import select
import signal
import struct
import fcntl
import termios
import time

READ_SYSCALL = {"x86_64": "0", "aarch64": "63"}.get(platform.machine())
# If the kernel does not tell what a process waits for, text is typed at once.
SEES_WAITING = READ_SYSCALL is not None and os.path.exists("/proc/self/syscall")
# Generous: a wait ends with its event, and only a red test waits in full.
WAIT_S = 60
COLUMNS, ROWS = 100, 50


class Unexpected(Exception):
    """The program did not show what it should have; the message holds the transcript."""


class Terminal:
    def __init__(self, argv, env=None, on_text=None):
        """on_text: called with each piece of transcript, as it comes."""
        self.argv = argv
        self._on_text = on_text
        self._unread = ""
        self._pieces = []
        # A piece may end within a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.status = None
        self.pid, self._master = self._start(argv, env or {})
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def _start(self, argv, env):
        """(process, its terminal's master side)"""
        environment = {"PATH": os.environ["PATH"], "HOME": "/root", "TERM": "xterm",
                       "LANG": "C.UTF-8"} | env
        pid, master = pty.fork()
        if pid == 0:
            try:
                os.execvpe(argv[0], argv, environment)
            finally:
                os._exit(127)
        os.set_inheritable(master, False)
        return pid, master

    # The text on the screen.
    @property
    def transcript(self):
        return "".join(self._pieces)

    def _note(self, text):
        self._pieces.append(text)
        if self._on_text:
            self._on_text(text)

    def _read(self, timeout):
        """Reads what is there within `timeout` seconds; False at the end of the program's output."""
        ready, _, _ = select.select([self._master], [], [], max(0, timeout))
        if not ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        if not data:
            return False
        text = self._decoder.decode(data).replace("\r\n", "\n").replace("\r", "")
        self._unread += text
        self._note(text)
        return True

    def expect(self, pattern, timeout=WAIT_S):
        """Waits for the regular expression and returns its match; what stands before it is consumed."""
        return self.expect_any([pattern], timeout)[1]

    def expect_any(self, patterns, timeout=WAIT_S):
        """(index, match) of the first pattern that matches."""
        deadline = time.monotonic() + timeout
        open_ = True
        while True:
            for index, pattern in enumerate(patterns):
                match = re.search(pattern, self._unread)
                if match:
                    self._unread = self._unread[match.end():]
                    return index, match
            left = deadline - time.monotonic()
            if not open_ or left <= 0:
                why = "within %d s" % timeout if open_ else "before the program ended"
                raise Unexpected(f"{' '.join(self.argv)}: {patterns} did not come {why}; shown:\n"
                                 + self.transcript)
            open_ = self._read(left)

    # Typing.
    def send(self, text, hidden_as=None, in_read=False):
        """Types text and Enter. hidden_as: what the transcript says, for what is not echoed. in_read: to a
        program whose waiting in poll() does not mean that it reads this terminal."""
        self._wait_until_it_reads(in_read)
        if hidden_as:
            self._note(f"<{hidden_as}>")
        os.write(self._master, text.encode() + b"\r")

    def interrupt(self, reads=True, in_read=False):
        """Ctrl-C, as soon as the program reads: sudo and ssh lose a signal that comes between their prompt and the
        read(). reads=False: to a program that need not read. in_read: as for send(); needed if a program in the
        foreground relays to another terminal, because it always waits in poll()."""
        if reads:
            self._wait_until_it_reads(in_read)
        os.write(self._master, b"\x03")

    def answer(self, prompt, text, hidden_as=None, timeout=WAIT_S, in_read=False):
        self.expect(prompt, timeout)
        self.send(text, hidden_as, in_read)

    def _wait_until_it_reads(self, in_read, timeout=WAIT_S):
        """Until a process in the terminal's foreground is blocked in read() or (not in_read) waits in poll();
        or until the program has ended, which will show where the next text is waited for.

        A shell at the other end of ssh cannot be looked at from here; ssh itself then waits in poll.
        """
        deadline = time.monotonic() + timeout
        open_ = True
        while SEES_WAITING and open_:
            group = struct.unpack("i", fcntl.ioctl(self._master, termios.TIOCGPGRP, b"\0\0\0\0"))[0]
            if _somebody_reads(self.pid, group, in_read):
                return
            if time.monotonic() > deadline:
                raise Unexpected(f"{' '.join(self.argv)}: nobody reads what would be typed, within "
                                 f"{timeout} s; shown:\n{self.transcript}")
            open_ = self._read(0.01)

    # The end.
    def finish(self, timeout=WAIT_S):
        """Waits for the program's end and returns its exit status (128 + signal if it was killed)."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            if time.monotonic() >= deadline:
                self.kill()
                raise Unexpected(f"{' '.join(self.argv)} did not end within {timeout} s; shown:\n"
                                 + self.transcript)
        return self._reap()

    def kill(self, number=signal.SIGKILL):
        if self.status is None:
            os.kill(self.pid, number)
            self._reap()

    def _reap(self):
        if self.status is None:
            # A program that has closed its terminal ends, or is ended.
            fd = os.pidfd_open(self.pid)
            if not select.select([fd], [], [], WAIT_S)[0]:
                os.kill(self.pid, signal.SIGKILL)
            os.close(fd)
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
            if self.status < 0:
                self.status = 128 - self.status
            os.close(self._master)
        return self.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def _somebody_reads(program, group, in_read):
    processes = _processes()
    if any(own == group and _is_waiting_for_input(pid, in_read) for pid, (_, own) in processes.items()):
        return True
    # A command of su -c runs in a session of its own, in no group of the terminal, and reads the terminal all the
    # same.
    return any(_descends(pid, program, processes) and _is_waiting_for_input(pid, True) for pid in processes)


def _processes():
    """{process: (parent, group)}"""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent, group = file.read().rpartition(")")[2].split()[1:3]
                found[int(name)] = int(parent), int(group)
            except (OSError, ValueError):
                continue
    return found


def _descends(pid, ancestor, processes):
    while pid in processes and pid != ancestor:
        pid = processes[pid][0]
    return pid == ancestor


def _is_waiting_for_input(pid, in_read):
    # pkttyagent reads in a thread that is not its first.
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return False
    calls = {int(thread): _system_call(pid, thread) for thread in threads}
    # ppoll, poll and pselect: a program that serves several inputs, such as ssh in a session.
    return any(_is_read_from_terminal(pid, call) for call in calls.values()) or \
        not in_read and calls.get(pid, ["none"])[0] in {"7", "271", "270", "23", "73", "72"}


def _system_call(pid, thread):
    """The words of /proc/PID/task/THREAD/syscall."""
    try:
        with open(f"/proc/{pid}/task/{thread}/syscall") as file:
            return file.read().split() or ["none"]
    except OSError:
        return ["none"]


def _is_read_from_terminal(pid, call):
    try:
        return call[0] == READ_SYSCALL and os.readlink(f"/proc/{pid}/fd/{int(call[1], 16)}").startswith(
            ("/dev/pts/", "/dev/tty"))
    except (OSError, ValueError):
        return False
