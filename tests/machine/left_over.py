"""The remains of sign-ins on a booted machine: none after the last one has ended."""

import json
import re

from sshd import TITLE
from waiting import wait_for

# Processes that ask for a password, or hold a session open; sshd's listener does neither. A login's process of sshd has
# its path for a name until it has a title.
LOGIN_PROCESS = re.compile(rf"^({TITLE}|(\S*/)?(sshd-session|sshd-auth|su|sudo|login|passwd|pkexec|pamtester|i3lock) "
                           r"|\S*polkit-agent-helper)")


def left_over(machine, timeout=60):
    """Login processes, sessions, open sign-ins and conversations that are still there when the time is
    up. A session ends a moment after its last process."""
    last = []

    def gone():
        last[:] = _there_now(machine)
        return not last
    wait_for(gone, timeout)
    return last


def login_processes(machine):
    """The arguments of those that are there now."""
    return [line for line in machine.run("ps", "-e", "-o", "args=").stdout.splitlines()
            if LOGIN_PROCESS.match(line + " ")]


def _there_now(machine):
    there = login_processes(machine)
    # A greeter is there whenever nobody is.
    there += [f"session of {session['Name']} by {session['Service']}" for session in machine.sessions()
              if session["Class"] != "greeter"]
    daemon = daemon_pid(machine)
    if daemon:
        # Without a configuration its status is 1, and it says the same.
        status = json.loads(machine.run("cognitoctl", "status", "--json", check=False).stdout)
        there += [f"{status['sign_ins_open']} open sign-ins"] if status["sign_ins_open"] else []
        there += ["a conversation's socket in cognitod"] * conversations(machine, daemon)
    return there


def daemon_pid(machine):
    """None: it does not run."""
    return int(machine.run("systemctl", "show", "--property=MainPID", "--value",
                           "cognitod.service").stdout) or None


def conversations(machine, daemon):
    """How many sockets cognitod has to modules: those alone are of the kind SEQPACKET."""
    sockets = machine.run("cat", "/proc/net/unix").stdout.splitlines()[1:]
    packets = {line.split()[6] for line in sockets if line.split()[4] == "0005"}
    files = machine.run("ls", "-l", f"/proc/{daemon}/fd").stdout
    return len(packets & set(re.findall(r"socket:\[(\d+)\]", files)))
