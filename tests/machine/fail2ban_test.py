#!/usr/bin/env python3
"""fail2ban_test.py: what the release's own fail2ban reads of logins by ssh. Its fail2ban-regex has the real journal of
the machine, and the same lines as a file. Closes with `N passed, N failed`."""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import openssh
from booted import BootedMachine
from judge import Judge
from members import add_members, password_of, set_up, totp
from residents import LOCAL_PASSWORD, LOCAL_USER, PASSWORD_PROMPT, TOTP_PROMPT, add_local_people

PACKAGES = ("fail2ban", "python3-systemd")
OURS, STOCK = "/etc/fail2ban/filter.d/pam-cognito.conf", "/etc/fail2ban/filter.d/sshd.conf"
USER = "alice"
# As pam_cognito writes it (tests/module/log_test.cc), and sshd about the same login.
SCANNED = "scan.ex"
LINE = ("pam_cognito(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
        f"rhost=198.51.100.7  user={SCANNED}")
LINE_V6 = LINE.replace("198.51.100.7", "2001:db8::7")
OF_SSHD = f"error: PAM: Authentication failure for {SCANNED} from 198.51.100.7"
# A name of a host that looks like fields, as the module makes it printable.
FORGED = LINE.replace("198.51.100.7", "a.example?rhost=203.0.113.9??user=x")
# A program by the name of sshd writes lines to syslog, and waits until journald has seen who it is.
WRITER = "/root/sshd"
SCRIPT = """
import sys, syslog
syslog.openlog('sshd', syslog.LOG_PID, syslog.LOG_AUTHPRIV)
for line in sys.argv[1:]:
    syslog.syslog(syslog.LOG_NOTICE, line)
sys.stdin.read()
"""


def regex(machine, log, filter_file):
    """The result of fail2ban-regex: the lines that count as failures, and how many lines its expressions match."""
    shown = machine.run("fail2ban-regex", "--print-all-matched", log, filter_file).stdout
    matched = re.search(r"^\|- Matched line\(s\):\n((?:\|  .*\n)*)", shown, re.MULTILINE)
    hits = re.search(r"^Failregex: (\d+) total", shown, re.MULTILINE)
    return [line[3:] for line in matched.group(1).splitlines()] if matched else [], int(hits.group(1)) if hits else 0


def login(machine, user, *answers):
    with machine.terminal(*openssh.client(user)) as terminal:
        for prompt, answer in answers:
            terminal.answer(prompt, answer, hidden_as="password" if prompt == PASSWORD_PROMPT else None)
        return terminal.finish()


def lines_of_sshd(machine):
    machine.run("journalctl", "--sync")
    return machine.run("journalctl", "--output=short", "--no-pager", "--no-hostname", "SYSLOG_IDENTIFIER=sshd", "+",
                       "SYSLOG_IDENTIFIER=sshd-session").stdout


def write(machine, *lines):
    """To syslog, as sshd."""
    process = machine.popen(WRITER, "-c", SCRIPT, *lines, stdin=-1)
    try:
        if not machine.wait_until(lambda: lines[-1] in lines_of_sshd(machine)):
            raise AssertionError("journald has no line of the program")
    finally:
        process.communicate()


def of_users(judge, machine):
    with judge.scene("Users with accounts and local users"):
        machine.pool.forgive(USER)
        judge.check("a member signs in", login(machine, USER, (PASSWORD_PROMPT, password_of(USER)),
                                               (TOTP_PROMPT, totp(machine, USER))) == 0)
        judge.check("a local user logs in", login(machine, LOCAL_USER, (PASSWORD_PROMPT, LOCAL_PASSWORD)) == 0)
        log = lines_of_sshd(machine)
        judge.check("both are in the log", log.count("Accepted keyboard-interactive") == 2, log)
        machine.write("/root/accepted.log", log)
        for name, file in (("pam-cognito", OURS), ("sshd", STOCK)):
            judge.check(f"{name}: no failure in the file", regex(machine, "/root/accepted.log", file)[0] == [])
            judge.check(f"{name}: no failure in the journal", regex(machine, "systemd-journal", file)[0] == [])
        judge.check("a wrong password of the member", login(machine, USER, (PASSWORD_PROMPT, "Wrong-1")) != 0)
        judge.check("and of the local user", login(machine, LOCAL_USER, (PASSWORD_PROMPT, "Wrong-1")) != 0)
        log = lines_of_sshd(machine)
        machine.write("/root/refused.log", log)
        judge.check("pam-cognito: no line matches in the file", regex(machine, "/root/refused.log", OURS) == ([], 0), log)
        judge.check("pam-cognito: nor in the journal", regex(machine, "systemd-journal", OURS) == ([], 0), log)
        # The member's client has closed the connection after the text of the refusal, within the two seconds of delay:
        # sshd has no line about a failure then.
        failures = regex(machine, "/root/refused.log", STOCK)[0]
        judge.check("sshd: the local user's is a failure", any(LOCAL_USER in line for line in failures), log)


def of_names(judge, machine):
    with judge.scene("A refused name without an account"):
        write(machine, LINE, LINE_V6, OF_SSHD, FORGED)
        log = lines_of_sshd(machine)
        machine.write("/root/names.log", log)
        for source in ("/root/names.log", "systemd-journal"):
            failures, hits = regex(machine, source, OURS)
            judge.check(f"pam-cognito, {source}: two failures", [line.endswith(wanted) for line, wanted in
                                                         zip(failures, (LINE, LINE_V6))] == [True, True]
                        and len(failures) == hits == 2, failures)
            failures, _ = regex(machine, source, STOCK)
            judge.check(f"sshd, {source}: the login is a failure",
                        any(SCANNED in line and "198.51.100.7" in line for line in failures), failures)
            judge.check(f"sshd, {source}: the forged address is in none",
                        not any("203.0.113.9" in line for line in failures), failures)
        line = next(line for line in log.splitlines() if line.endswith(LINE))
        failures, hits = regex(machine, line, STOCK)
        # It names address and user for sshd's own lines of the same process, and is no second failure.
        judge.check("sshd: reads the line, and counts it with sshd's own", (failures, hits) == ([], 1), failures)


SCENES = (of_users, of_names)


def main():
    with BootedMachine("fail2ban", PACKAGES) as machine:
        judge = Judge(machine)
        machine.run("systemctl", "disable", "--now", "fail2ban.service", check=False)
        add_local_people(machine)
        machine.install_debs()
        add_members(machine, USER)
        set_up(machine)
        openssh.prepare(machine)
        machine.run("systemctl", "restart", "ssh.service")
        machine.run("ln", "--symbolic", "/usr/bin/python3", WRITER)
        judge.play(SCENES)
        judge.close()


if __name__ == "__main__":
    main()
