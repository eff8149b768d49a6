#!/usr/bin/env python3
"""services_test.py: programs that act for Cognito users without their login, on a booted machine:
pkexec, cron, lingering user managers, systemd-run, runuser; and what a user's own programs can do to the log.
Names of scenes as arguments play those alone. Closes with `N passed, N failed`."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

from booted import BootedMachine
from judge import Judge
from left_over import login_processes
from members import add_members, password_of, set_up, sign_in, totp
from residents import (PASSWORD_PROMPT, SHELL, TOTP_PROMPT, add_local_people, give_job, leave, shell, start_jobs)
from session_scenes import CHANGING_CALLS
from waiting import wait_for

# alice and judy have signed in; frank never has; grace has, and was disabled in the pool afterwards.
KNOWN, NEVER_SEEN, DISABLED, LINGERING = "alice", "frank", "grace", "judy"


def polkit(judge, machine):
    """pkexec in one terminal, its agent in another, as on a desktop."""
    with judge.scene("pkexec with a text agent asks a Cognito user for password and code"):
        machine.run("usermod", "--append", "--groups", "sudo", KNOWN)
        with sign_in(machine, KNOWN) as program, sign_in(machine, KNOWN) as agent:
            machine.pool.forgive(KNOWN)
            pid = shell(program, "echo $$")[0]
            # The agent closes descriptor 3 when polkit knows it; before that pkexec would find none.
            agent.send("mkfifo agent; (cat agent; touch agent-is-known) & "
                       f"pkttyagent --process {pid} --notify-fd 3 3>agent")
            known = f"/home/{KNOWN}/agent-is-known"
            judge.check("the agent is known to polkit",
                        wait_for(lambda: machine.run("test", "-e", known, check=False).returncode == 0))
            machine.pool.reset_log()
            program.send("pkexec --disable-internal-agent id -u; echo =\"\"=$?")
            choose(agent, KNOWN)
            agent.expect(PASSWORD_PROMPT)
            there = login_processes(machine)
            for name in ("pkexec", "polkit-agent-helper"):
                judge.check(f"{name} is a login process", any(name in line.split()[0] for line in there), there)
            agent.send(password_of(KNOWN), hidden_as="password", in_read=True)
            answer_agent(agent, TOTP_PROMPT, totp(machine, KNOWN))
            judge.check("the program runs as root", program.expect(r"\n(\d+)\n==0\n").group(1) == "0")
            asked = [name for _, name, _ in machine.pool.requests(KNOWN)]
            judge.check("the pool was asked for a whole sign-in", asked[:3] == [
                "USER_SRP_AUTH", "PASSWORD_VERIFIER", "SOFTWARE_TOKEN_MFA"], asked)
            judge.cognitod_said(USER=KNOWN, SERVICE="polkit-1", OUTCOME="success", FACTOR="totp")
            program.expect(SHELL)

            program.send("pkexec --disable-internal-agent id -u; echo =\"\"=$?")
            choose(agent, KNOWN)
            answer_agent(agent, PASSWORD_PROMPT, "Wrong-Password-1", hidden_as="password")
            status = program.expect(r"(?s)(.*)==(\d+)\n")
            judge.check("a wrong password gives no root",
                        status.group(2) != "0" and "\n0\n" not in status.group(1), status.group(0))
            judge.cognitod_said(USER=KNOWN, SERVICE="polkit-1", OUTCOME="refused")
            agent.kill()
        machine.run("gpasswd", "--delete", KNOWN, "sudo")
        machine.pool.forgive(KNOWN)


def choose(agent, user):
    """polkit asks who of the administrators it is."""
    number = agent.expect(rf"(\d+)\.\s+{user}\n").group(1)
    answer_agent(agent, r"Choose identity[^\n]*: ", number)


def answer_agent(agent, prompt, text, hidden_as=None):
    """pkttyagent drops what is typed between its prompt and its read()."""
    agent.answer(prompt, text, hidden_as, in_read=True)


def asked_about(machine):
    """The requests to the pool about a user. A session that has ended is revoked at any time after that."""
    return [call for call in machine.pool.requests() if call[0] != "RevokeToken"]


def runuser(judge, machine):
    with judge.scene("runuser: root becomes a Cognito user without a question"):
        machine.pool.reset_log()
        for user in (KNOWN, NEVER_SEEN):
            done = machine.run("runuser", "--login", user, "--command", "id -un", check=False)
            judge.check(f"it runs as {user}", done.stdout.strip() == user, done.stdout + done.stderr)
        judge.check("the pool was not asked", not asked_about(machine), asked_about(machine))


def user_services(judge, machine):
    with judge.scene("systemd-run --user in a login of a Cognito user"):
        machine.run("systemctl", "stop", f"user@{uid_of(machine, KNOWN)}.service")
        with sign_in(machine, KNOWN) as terminal:
            shown, status = shell(terminal, "systemd-run --user --wait --pipe --quiet "
                                            "sh -c 'id -un; cat /proc/self/cgroup'")
            judge.check("the unit runs as the user, under the user's manager",
                        status == 0 and shown.startswith(KNOWN) and f"/user@{uid_of(machine, KNOWN)}.service/"
                        in shown, shown)
            leave(terminal)
        judge.cognitod_said(USER=KNOWN, SERVICE="systemd-user", OUTCOME="success")


CHANGES = ("setup --plain", "prefer sms", "disable totp")


def factor_changes(judge, machine):
    """The user has just signed in with a second factor, and the session is open."""
    with judge.scene("A unit, a job and sudo -u of a signed-in user change no second factor"):
        result = f"/home/{KNOWN}/changes"
        with sign_in(machine, KNOWN) as terminal:
            machine.pool.reset_log()
            for change in CHANGES:
                for caller, argv in (("a unit", ("systemd-run", "--wait", "--pipe", "--quiet", f"--uid={KNOWN}")),
                                     ("sudo -u", ("sudo", "-u", KNOWN))):
                    done = machine.run(*argv, "cognitoctl", "mfa", *change.split(), input="", check=False)
                    judge.check(f"{caller}: `mfa {change}` asks for the password, and ends without it",
                                done.returncode != 0 and "Password:" in done.stdout + done.stderr,
                                done.stdout + done.stderr)
            machine.run("rm", "-f", result)
            give_job(machine, KNOWN, "(" + "; ".join(
                f"cognitoctl mfa {change} </dev/null; echo ended $?" for change in CHANGES)
                + f") >{result}.new 2>&1; mv {result}.new {result}")
            start_jobs(machine)
            judge.check("the job has ended", wait_for(
                lambda: machine.run("test", "-e", result, check=False).returncode == 0))
            shown = machine.read(result)
            judge.check("a job: each of them asks for the password, and ends without it",
                        shown.count("Password:") == len(CHANGES) == shown.count("ended ")
                        and "ended 0" not in shown, shown)
            asked = {operation for operation, _, _ in machine.pool.requests()}
            judge.check("the pool was asked for no change", not asked & CHANGING_CALLS, asked)
            leave(terminal)
        machine.run("crontab", "-u", KNOWN, "-r")


# journald multiplies the burst by up to six, by how much room is on the disk.
FEW_LINES = "[Journal]\nRateLimitIntervalSec=10min\nRateLimitBurst=50\n"
FEW_LINES_FILE = "/etc/systemd/journald.conf.d/50-few.conf"
OPENS_MANY = """
for i in $(seq 500); do
  busctl call org.pamcognito.Auth1 /org/pamcognito/Auth1 org.pamcognito.Auth1 OpenSignIn 'ssa{sv}' "$(id -un)" x 0
done >/dev/null 2>&1"""


def log_lines(judge, machine):
    """journald drops the lines of a service that writes too many, whichever user they are about."""
    with judge.scene("a user who opens sign-ins without end does not suppress the lines about others"):
        machine.write(FEW_LINES_FILE, FEW_LINES)
        machine.run("systemctl", "restart", "systemd-journald")
        machine.run(*machine.as_user(KNOWN, "sh", "-c", OPENS_MANY), timeout=300, check=False)
        with machine.terminal("login") as terminal:
            terminal.answer(r"login: ", LINGERING)
            terminal.answer(PASSWORD_PROMPT, "Wrong-Password-1", hidden_as="password")
            terminal.expect("Login incorrect")
            terminal.kill()
        judge.cognitod_said(USER=KNOWN, CAUSE="too-many-in-a-minute")
        entry = judge.cognitod_said(USER=LINGERING, SERVICE="login", OUTCOME="refused")
        machine.run("rm", FEW_LINES_FILE)
        machine.run("systemctl", "restart", "systemd-journald")
        machine.pool.forgive(LINGERING)
    with judge.scene("cognitoctl explain does not believe a line that a user wrote"):
        log_id = (entry or {}).get("PAM_COGNITO_ID", "none")
        machine.run(*machine.as_user(KNOWN, "logger", "--tag", "cognitod",
                                     f"sign-in of {LINGERING} by login: success cause=signed-in id={log_id}"))
        uid = uid_of(machine, KNOWN)
        forged = f"cognitod (not verified, written by uid {uid}): sign-in of {LINGERING} by login: success"
        told = wait_for(lambda: forged in machine.run("cognitoctl", "explain", log_id, check=False).stdout)
        shown = machine.run("cognitoctl", "explain", log_id, check=False).stdout
        judge.check("it marks that line", told, shown)
        judge.check("and no other", shown.count("not verified") == 1 and "refused" in shown, shown)


def uid_of(machine, user):
    return machine.run("id", "-u", user).stdout.strip()


# Jobs.
def trace_of(user):
    return f"/home/{user}/job"


def start_jobs_again(machine):
    for user in (KNOWN, NEVER_SEEN, DISABLED):
        machine.run("rm", "-f", trace_of(user))
    start_jobs(machine)


def job_ran(machine, user):
    return machine.run("cat", trace_of(user), check=False).stdout.strip() == user


def disable(judge, machine):
    """The pool reports it when it is asked for the account of the user's session."""
    machine.pool.reset_log()
    machine.pool.admin("users/disable", username=DISABLED)
    done = machine.run("pamtester", "sshd", DISABLED, "acct_mgmt", check=False)
    judge.check("the disabled user is refused where the pool is asked", done.returncode != 0, done.stdout)
    judge.cognitod_said(USER=DISABLED, SERVICE="sshd", OUTCOME="account-expired")
    # After the answer, in the background.
    revoked = machine.pool.admin("log/wait", operation="RevokeToken", answered=True, wait_ms=60_000)
    judge.check("the session is revoked", revoked["count"] == 1, revoked)


def cron_jobs(judge, machine):
    with judge.scene("cron runs the jobs of those who are known, and not of a disabled user"):
        for user in (KNOWN, NEVER_SEEN, DISABLED):
            give_job(machine, user, f"id -un >{trace_of(user)}")
        start_jobs_again(machine)
        judge.check("before: the job of each of them runs", wait_for(lambda: all(
            job_ran(machine, user) for user in (KNOWN, NEVER_SEEN, DISABLED))))
        disable(judge, machine)
        check_jobs(judge, machine)


def check_jobs(judge, machine):
    machine.pool.reset_log()
    judge.cursor = machine.cursor()
    start_jobs_again(machine)
    judge.check("the job of a known user runs", wait_for(lambda: job_ran(machine, KNOWN)))
    judge.cognitod_said(USER=KNOWN, SERVICE="cron", OUTCOME="success")
    judge.check("so does that of a user never seen, as [service cron] unknown says",
                wait_for(lambda: job_ran(machine, NEVER_SEEN)))
    judge.cognitod_said(USER=NEVER_SEEN, SERVICE="cron", OUTCOME="success", CAUSE="unknown-allowed")
    judge.cognitod_said(USER=DISABLED, SERVICE="cron", OUTCOME="account-expired")
    judge.check("the job of the disabled user does not", not job_ran(machine, DISABLED))
    judge.check("the pool was not asked for any of them", not asked_about(machine), asked_about(machine))


def boot_without_network(judge, machine):
    """The machine has no network at all, and the pool on its loopback starts after the boot."""
    with judge.scene("A boot without network: jobs and lingering user managers"):
        for user in (LINGERING, DISABLED):
            machine.run("loginctl", "enable-linger", user)
        for user in (KNOWN, NEVER_SEEN, DISABLED):
            machine.run("rm", "-f", trace_of(user))
        judge.cursor = machine.cursor()
        machine.reboot()
        judge.check("the machine comes up, and nothing but the disabled user's manager has failed",
                    set(machine.failed_units()) <= {f"user@{uid_of(machine, DISABLED)}.service"},
                    machine.failed_units())
        judge.check("the job of a known user has run", wait_for(lambda: job_ran(machine, KNOWN)))
        judge.cognitod_said(USER=KNOWN, SERVICE="cron", OUTCOME="success", CAUSE="last-verified")
        judge.check("so has that of a user never seen", wait_for(lambda: job_ran(machine, NEVER_SEEN)))
        judge.cognitod_said(USER=DISABLED, SERVICE="cron", OUTCOME="account-expired", CAUSE="disabled")
        judge.check("that of the disabled user has not", not job_ran(machine, DISABLED))
        judge.check("the lingering user's manager runs", wait_for(
            lambda: manager_state(machine, LINGERING) == "active"), manager_state(machine, LINGERING))
        judge.cognitod_said(USER=LINGERING, SERVICE="systemd-user", OUTCOME="success", CAUSE="last-verified")
        judge.check("the disabled user's does not", manager_state(machine, DISABLED) != "active",
                    manager_state(machine, DISABLED))
        judge.cognitod_said(USER=DISABLED, SERVICE="systemd-user", OUTCOME="account-expired")


def manager_state(machine, user):
    return machine.run("systemctl", "is-active", f"user@{uid_of(machine, user)}.service",
                       check=False).stdout.strip()


def main():
    with BootedMachine("services") as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.install_debs()
        add_members(machine, KNOWN, NEVER_SEEN, DISABLED, LINGERING)
        # Every account question but those of cron and systemd-user goes to the pool.
        set_up(machine, extra="\n[session]\nrevalidate = 0\n")
        with judge.scene("The people who are known sign in once"):
            for user in (KNOWN, DISABLED, LINGERING):
                with sign_in(machine, user) as terminal:
                    judge.check(f"{user} signs in", shell(terminal, "id -un") == (user, 0))
                    leave(terminal)
        for scene in (polkit, runuser, user_services, factor_changes, log_lines, cron_jobs,
                      boot_without_network):
            if not sys.argv[1:] or scene.__name__ in sys.argv[1:]:
                scene(judge, machine)
        judge.close()


if __name__ == "__main__":
    main()
