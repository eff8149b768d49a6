#!/usr/bin/env python3
"""supervisor.py USER PROGRAM [ARG…]: plays systemd's part for a Type=notify service in the sandbox,
which has no systemd: starts it as USER, keeps the descriptors that it stores (FDSTORE=1,
sd_pid_notify_with_fds(3)), hands them to the next one (LISTEN_FDS, sd_listen_fds(3)), and starts it
again when it dies. SIGHUP: reload; SIGUSR1: restart; SIGTERM: stop.
"""

import array
import os
import pwd
import select
import signal
import socket
import sys

NOTIFY_SOCKET = "/run/cognitod-notify"
FIRST_PASSED_FD = 3
RESTART_DELAY_S = 0.05


class Supervisor:
    def __init__(self, user, argv):
        self._person = pwd.getpwnam(user)
        self._argv = argv
        self._kept = {}  # name: descriptor
        self._stopping = False
        if os.path.exists(NOTIFY_SOCKET):
            os.unlink(NOTIFY_SOCKET)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._notify.bind(NOTIFY_SOCKET)
        os.chmod(NOTIFY_SOCKET, 0o666)
        self._pid = self._pidfd = None
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGHUP, lambda *_: self._signal(signal.SIGHUP))
        signal.signal(signal.SIGUSR1, lambda *_: self._signal(signal.SIGTERM))

    def run(self):
        while not self._stopping:
            self._start()
            self._serve_until_it_ends()
            select.select([], [], [], RESTART_DELAY_S)

    def _start(self):
        names = list(self._kept)
        pid = os.fork()
        if pid == 0:
            try:
                self._become_the_service(names)
            finally:
                os._exit(127)
        self._pid, self._pidfd = pid, os.pidfd_open(pid)

    def _become_the_service(self, names):
        # Away from where they belong first, so that none is overwritten before it was copied.
        copies = [os.dup(self._kept[name]) for name in names]
        away = [os.dup2(copy, 100 + i) for i, copy in enumerate(copies)]
        for i, fd in enumerate(away):
            os.dup2(fd, FIRST_PASSED_FD + i, inheritable=True)
        os.closerange(FIRST_PASSED_FD + len(names), 4096)
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NOTIFY_SOCKET": NOTIFY_SOCKET}
        if names:
            environment |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(names)),
                            "LISTEN_FDNAMES": ":".join(names)}
        os.setsid()
        os.initgroups(self._person.pw_name, self._person.pw_gid)
        os.setgid(self._person.pw_gid)
        os.setuid(self._person.pw_uid)
        os.execve(self._argv[0], self._argv, environment)

    def _serve_until_it_ends(self):
        while True:
            ready, _, _ = select.select([self._notify, self._pidfd], [], [])
            if self._notify in ready:
                self._take_notification()
            elif self._pidfd in ready:
                os.waitpid(self._pid, 0)
                os.close(self._pidfd)
                self._pid = self._pidfd = None
                return

    def _take_notification(self):
        fds = array.array("i")
        text, ancillary, _, _ = self._notify.recvmsg(65536, socket.CMSG_LEN(16 * fds.itemsize))
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        fields = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
        name = fields.get("FDNAME", "stored")
        if fields.get("FDSTOREREMOVE") == "1" and name in self._kept:
            os.close(self._kept.pop(name))
        if fields.get("FDSTORE") == "1" and len(fds) == 1 and name not in self._kept:
            self._kept[name] = fds.pop(0)
        for fd in fds:
            os.close(fd)

    def _signal(self, number):
        if self._pid is not None:
            os.kill(self._pid, number)

    def _stop(self, *_):
        self._stopping = True
        self._signal(signal.SIGTERM)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    Supervisor(sys.argv[1], sys.argv[2:]).run()
