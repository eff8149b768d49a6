"""The use of a sign-in afterwards: sudo by policy, second factors by cognitoctl, and the end of
a session. Played on the real sshd and sudo; the demo and the system test have them in common."""

import os
import pathlib
import re
import signal
import time

from machine import CONFIG_TEXT
from scenarios import (EMAIL_PROMPT, PASSWORD_PROMPT, SMS_PROMPT, TOTP_CALLS, TOTP_PROMPT, password_of,
                       refused_by_ssh, session_is, ssh, type_message_code, type_password, type_totp)
from sshd import PROGRAMS
from terminal import Terminal

REVALIDATE_S = 2
SESSIONS = """
[session]
revalidate = {revalidate}s

[service sudo]
reauth = {reauth}
mfa_max_age = 1h
"""
SIGN_IN_CALLS = {*TOTP_CALLS, "USER_PASSWORD_AUTH"}
# The requests of cognitod to the pool when it sets a factor up, and when it changes one.
SETUP_CALLS = {"AssociateSoftwareToken", "VerifySoftwareToken"}
CHANGING_CALLS = {*SETUP_CALLS, "SetUserMFAPreference"}


def config(machine, reauth="password", revalidate=300, extra=""):
    text = CONFIG_TEXT.format(**machine.pool.ready).replace("ask_method = yes", "ask_method = no")
    return text + SESSIONS.format(reauth=reauth, revalidate=revalidate) + extra


def signs_in(stage, terminal, user):
    type_password(terminal, user)
    type_totp(stage, terminal, user)


def asked_only_the_password(stage, terminal, user):
    """sudo asks for the password, for no code, and runs as root."""
    type_password(terminal, user)
    asked, _ = terminal.expect_any([r"uid=0\(root\)", TOTP_PROMPT])
    stage.check("sudo asked for the password only, and runs as root", asked == 0)


def no_sign_in_calls(stage, user):
    calls = [name or operation for operation, name, _ in stage.machine.pool.requests(user)]
    stage.check("Cognito was not asked to sign anybody in", not SIGN_IN_CALLS & set(calls),
                f"calls: {calls}")


def sudo_by_password(stage):
    """reauth = password."""
    machine = stage.machine
    with stage.scene("sudo within an hour of the second factor: the password is enough"), \
            machine.configured(config(machine)), \
            ssh(stage, "alice", command="read next; sudo -k id") as terminal:
        signs_in(stage, terminal, "alice")
        stage.daemon_said("alice", "sshd", "success")
        machine.pool.reset_log()
        terminal.send("next")
        asked_only_the_password(stage, terminal, "alice")
        no_sign_in_calls(stage, "alice")
        entry = stage.daemon_said("alice", "sudo", "success")
        stage.check("its line says why", "session" in (entry or {}).get("PAM_COGNITO_CAUSE", ""))
        stage.check("the login ends well", terminal.finish() == 0)


def sudo_without_a_question(stage):
    """reauth = none."""
    machine = stage.machine
    with stage.scene("sudo where policy wants nothing within the hour"), \
            machine.configured(config(machine, reauth="none")), \
            ssh(stage, "alice", command="read next; sudo -k id") as terminal:
        signs_in(stage, terminal, "alice")
        stage.daemon_said("alice", "sshd", "success")
        machine.pool.reset_log()
        terminal.send("next")
        asked, _ = terminal.expect_any([r"uid=0\(root\)", PASSWORD_PROMPT])
        stage.check("sudo asked for nothing, and runs as root", asked == 0)
        stage.pool_saw("alice")
        stage.check("the login ends well", terminal.finish() == 0)


def another_login(stage):
    """A factor is used again only in the login that it was given in."""
    machine = stage.machine
    with stage.scene("another login of alice's, by key: sudo there is a full sign-in"), \
            machine.configured(config(machine, reauth="none")), \
            ssh(stage, "alice", command="read end") as first:
        signs_in(stage, first, "alice")
        stage.daemon_said("alice", "sshd", "success")
        # The account's own key opens another login, which no factor was given in.
        with ssh(stage, "alice", command="sudo -k id", methods="publickey") as second:
            signs_in(stage, second, "alice")
            second.expect(r"uid=0\(root\)")
            stage.check("sudo asked for everything", second.finish() == 0)
        first.send("end")
        stage.check("the first login ends well", first.finish() == 0)


def daemon_restarts(stage):
    machine = stage.machine
    with stage.scene("cognitod is restarted, and killed: the session stays"), \
            machine.configured(config(machine)), machine.supervised() as supervisor, \
            ssh(stage, "alice", command="sudo -k id; for i in 1 2; do read next; sudo -k id; done") as terminal:
        signs_in(stage, terminal, "alice")
        asked_only_the_password(stage, terminal, "alice")
        for what, action in (
                ("restarted", lambda: supervisor.send_signal(signal.SIGUSR1)),
                ("killed", lambda: os.kill(machine.daemon_pid(), signal.SIGKILL))):
            stage.check(f"cognitod was {what}, and another one runs",
                        machine.after_the_next_start(action))
            terminal.send("next")
            asked_only_the_password(stage, terminal, "alice")
        stage.check("the login ends well", terminal.finish() == 0)


def disabled_in_the_pool(stage):
    machine = stage.machine
    with stage.scene("disabled in the pool: sudo ends within `revalidate`"), \
            machine.configured(config(machine, revalidate=REVALIDATE_S)), \
            ssh(stage, "alice", command="sudo -k id; read next; sudo -k id") as terminal:
        signs_in(stage, terminal, "alice")
        asked_only_the_password(stage, terminal, "alice")
        machine.pool.admin("users/disable", username="alice")
        try:
            time.sleep(REVALIDATE_S + 1)  # an age that passes, not something that is waited for
            terminal.send("next")
            type_password(terminal, "alice")
            asked, _ = terminal.expect_any([r"[Ss]orry|incorrect|failed|refused|[Pp]assword", r"uid=0"])
            stage.check("sudo is refused", asked == 0)
            entry = machine.journal.wait(
                lambda e: e.get("PAM_COGNITO_USER") == "alice" and "ended" in e.get("MESSAGE", "")
                and "user-disabled" in str(e),
                stage.journal_mark)
            stage.check("the log shows that the session ended, and why: "
                        + (entry or {}).get("MESSAGE", "nothing"), entry is not None)
        finally:
            machine.pool.admin("users/enable", username="alice")
            machine.pool.forgive("alice")


def prefer_sms(stage):
    """cognitoctl mfa prefer sms changes what the next login asks for."""
    machine = stage.machine
    before = machine.pool.admin("users/get", username="dave")["mfa"]
    with stage.scene("cognitoctl mfa: the next login asks for a code by SMS"), \
            machine.configured(config(machine)):
        try:
            machine.pool.admin("users/update", username="dave",
                               mfa={"preferred": "SOFTWARE_TOKEN_MFA"})
            with ssh(stage, "dave", command="cognitoctl mfa prefer sms; cognitoctl mfa show") as terminal:
                signs_in(stage, terminal, "dave")
                signs_in(stage, terminal, "dave")  # the change's own, in the same terminal
                terminal.expect(r"Preferred from now on: SMS\.")
                terminal.expect(r"SMS +enabled +preferred")
                stage.check("cognitoctl ends well", terminal.finish() == 0)
            stage.check("the pool was asked for the change", changes_seen(machine.pool) == {"SetUserMFAPreference"},
                        changes_seen(machine.pool))
            state = machine.pool.admin("users/get", username="dave")["mfa"]
            stage.check("the pool prefers SMS for dave", state.get("preferred") == "SMS_MFA", state)
            with ssh(stage, "dave") as terminal:
                type_password(terminal, "dave")
                type_message_code(stage, terminal, "dave", SMS_PROMPT.replace("4567", "1234"))
                terminal.expect(r"Your second factors were changed on [-0-9]+ [0-9:]+ UTC")
                session_is(stage, terminal, "dave")
            with ssh(stage, "dave") as terminal:
                type_password(terminal, "dave")
                type_message_code(stage, terminal, "dave", SMS_PROMPT.replace("4567", "1234"))
                session_is(stage, terminal, "dave")
                stage.check("dave is told once", "were changed" not in terminal.transcript)
        finally:
            machine.pool.admin("users/update", username="dave",
                               mfa={"enabled": before["enabled"],
                                    "preferred": before.get("preferred")})


def changes_seen(pool):
    """The pool's log names no user for these calls: they have an access token."""
    return CHANGING_CALLS & {operation for operation, _, _ in pool.requests()}


def factor_changes_by_the_uid_alone(stage):
    """A stolen SSH key, `sudo -u dave`, and a process with nothing but the uid, as cron and a unit
    with User=dave start it: right after a sign-in of dave's, with no credential or the password."""
    machine = stage.machine
    attempts = [change + given for change in ("mfa setup --plain", "mfa prefer sms", "mfa disable totp")
                for given in (" </dev/null", f" <<< {password_of('dave')}")]
    # In a file: sudo logs its command line, and a later scene looks for passwords in the logs.
    script = pathlib.Path("/tmp/factor-changes")
    script.write_text("".join(f"cognitoctl {attempt}; echo status $?\n" for attempt in attempts)
                      + "echo all were tried\n")

    def tries(terminal, how):
        terminal.expect("all were tried\r?\n")
        statuses = re.findall(r"status (\d+)", terminal.transcript)
        stage.check(f"{how}: no attempt succeeds", statuses == ["1"] * len(attempts), statuses)
        terminal.finish()

    with stage.scene("the uid alone changes no second factor"), machine.configured(config(machine)):
        before = machine.pool.admin("users/get", username="dave")["mfa"]
        with ssh(stage, "dave") as terminal:
            signs_in(stage, terminal, "dave")
            session_is(stage, terminal, "dave")
        machine.pool.reset_log()
        with ssh(stage, "dave", command=f"bash {script}", methods="publickey") as terminal:
            tries(terminal, "a stolen SSH key")
        with Terminal(["sudo", "-u", "dave", "bash", script], on_text=stage.watch) as terminal:
            tries(terminal, "sudo -u dave")
        with machine.as_user("dave", "bash", script, on_text=stage.watch) as terminal:
            tries(terminal, "the uid, as cron and a unit have it")
        changes = changes_seen(machine.pool)
        stage.check("the pool was asked for no change", not changes, changes)
        stage.check("dave's factors are as they were",
                    machine.pool.admin("users/get", username="dave")["mfa"] == before)
        machine.pool.forgive("dave")


def explained(stage):
    """One sign-in by its id, as an admin would ask."""
    machine = stage.machine
    with stage.scene("the ids of one sign-in: sshd's line and cognitod's are the same one's"):
        with ssh(stage, "alice") as terminal:
            signs_in(stage, terminal, "alice")
            session_is(stage, terminal, "alice")
        entry = stage.daemon_said("alice", "sshd", "success")
        log_id = (entry or {}).get("PAM_COGNITO_ID", "none")
        own = machine.journal.wait(lambda e: e.get("SYSLOG_IDENTIFIER") in PROGRAMS
                                   and f"id={log_id}" in e["MESSAGE"], stage.journal_mark)
        stage.check(f"sshd's own line has id={log_id}", own is not None)
        stage.check("cognitod's line has the pool's request ids",
                    "InitiateAuth ok" in (entry or {}).get("PAM_COGNITO_CALLS", ""))


def doctor_is_content(stage):
    machine = stage.machine
    with stage.scene("cognitoctl doctor"):
        stage.command("cognitoctl doctor")
        status, output = machine.command("cognitoctl", "doctor")
        stage.watch(output)
        stage.check("it finds no fault", status == 0, f"status {status}")


def duplicate_email(stage):
    """Each new sign-up with the same address takes the verified alias from the older account."""
    machine = stage.machine
    text = config(machine).replace("[access]\n", "[access]\nusername = %u@example.com\nidentity = email\n")
    with stage.scene("a second account takes carol's e-mail address: only the pinned one gets in"):
        machine.forget_everything()
        with machine.configured(text):
            with ssh(stage, "carol") as terminal:
                type_password(terminal, "carol")
                type_message_code(stage, terminal, "carol", EMAIL_PROMPT)
                session_is(stage, terminal, "carol")
            machine.pool.admin(
                "users/create", username="trudy", password="Trudys-Trick-1", groups=["linux-users"],
                attributes={"email": "carol@example.com", "email_verified": "true"},
                mfa={"enabled": ["EMAIL_OTP"], "preferred": "EMAIL_OTP"}, force_alias_creation=True)
            try:
                with ssh(stage, "carol") as terminal:
                    type_password(terminal, "carol", "Trudys-Trick-1")
                    type_message_code(stage, terminal, "trudy", EMAIL_PROMPT)
                    refused_by_ssh(stage, terminal)
                entry = stage.daemon_said("carol", "sshd", "not-permitted")
                stage.check("the log names the cause",
                            (entry or {}).get("PAM_COGNITO_CAUSE") == "another-account", entry)
            finally:
                machine.pool.admin("users/delete", username="trudy")
                machine.pool.admin("users/update", username="carol",
                                   attributes={"email_verified": "true"})
                machine.forget_everything()


DEMO = (sudo_by_password, sudo_without_a_question, daemon_restarts, prefer_sms,
        disabled_in_the_pool, explained, doctor_is_content)
ALL = DEMO + (another_login, factor_changes_by_the_uid_alone, duplicate_email)
