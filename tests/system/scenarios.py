"""The sign-ins that demo and system test have in common, played on the real sshd, sudo and su."""

import json
import pathlib

from machine import BREAK_GLASS_PASSWORD, LOCAL_PASSWORD, LOCAL_USER, ROOT_PASSWORD
from sshd import DROPPED

_PEOPLE = {person["username"]: person for person in json.loads(
    (pathlib.Path(__file__).parent / "people.json").read_text())["users"]}

TOTP_PROMPT = r"Code from your authenticator app[^\n]*: "
SMS_PROMPT = r"Code sent to [^\n]*4567 by SMS[^\n:]*: "
EMAIL_PROMPT = r"Code sent to [^\n]*@[^\n]* by e-mail[^\n:]*: "
# The key of an authenticator app, in groups of four.
KEY_SHOWN = r"key[^\n:]*:\n +([A-Z2-7 ]+)\n"
# After it, and again after a wrong code.
SETUP_PROMPT = r"Code(?: \([^\n]*\))?: "
# sudo shows its own text where a module asks exactly "Password: ".
PASSWORD_PROMPT = r"[Pp]assword(?: for \w+)?: "

TOTP_CALLS = ("USER_SRP_AUTH", "PASSWORD_VERIFIER", "SOFTWARE_TOKEN_MFA")


def password_of(user):
    return _PEOPLE[user]["password"]


def totp_secret_of(user):
    return _PEOPLE[user]["mfa"]["totp_secret"]


# The actions of a user.
def type_password(terminal, user, password=None):
    terminal.answer(PASSWORD_PROMPT, password or password_of(user), hidden_as="password")


def type_totp(stage, terminal, user):
    terminal.expect(TOTP_PROMPT)
    terminal.send(stage.machine.pool.totp(totp_secret_of(user)))


def type_message_code(stage, terminal, user, prompt):
    terminal.expect(prompt)
    terminal.send(stage.machine.pool.next_message_code(user))


def session_is(stage, terminal, user):
    """The shell at the other end says whose it is, and everything ends well."""
    terminal.expect(rf"uid=\d+\({user}\)")
    stage.check(f"the session is {user}'s", terminal.finish() == 0)


def ssh(stage, user, command="id", **options):
    stage.command(f"ssh {user}@127.0.0.1 '{command}'")
    return stage.machine.ssh(user, command, on_text=stage.watch, **options)


def refused_by_ssh(stage, terminal):
    """ssh ends without a session. `id` would have shown one. A client that sshd has turned away at once is none
    that was refused."""
    status = terminal.finish()
    stage.check("ssh ends with 255, there was no session", status == 255 and "uid=" not in terminal.transcript
                and DROPPED not in stage.machine.journal.text(stage.journal_mark), f"status {status}")


def ssh_with_totp(stage, user, **options):
    """A whole sign-in, where a scene needs one and looks at something else."""
    with ssh(stage, user, **options) as terminal:
        type_password(terminal, user)
        type_totp(stage, terminal, user)
        session_is(stage, terminal, user)


# Scenes.
def totp(stage):
    with stage.scene("ssh with a code from the authenticator app"):
        ssh_with_totp(stage, "alice")
        stage.pool_saw("alice", *TOTP_CALLS)
        stage.daemon_said("alice", "sshd", "success")


def sms(stage):
    with stage.scene("ssh with a code by SMS"):
        with ssh(stage, "bob") as terminal:
            type_password(terminal, "bob")
            type_message_code(stage, terminal, "bob", SMS_PROMPT)
            session_is(stage, terminal, "bob")
        stage.pool_saw("bob", "USER_SRP_AUTH", "PASSWORD_VERIFIER", "SMS_MFA")
        stage.daemon_said("bob", "sshd", "success")


def email(stage):
    with stage.scene("ssh with a code by e-mail"):
        with ssh(stage, "carol") as terminal:
            type_password(terminal, "carol")
            type_message_code(stage, terminal, "carol", EMAIL_PROMPT)
            session_is(stage, terminal, "carol")
        stage.pool_saw("carol", "USER_SRP_AUTH", "PASSWORD_VERIFIER", "EMAIL_OTP")
        stage.daemon_said("carol", "sshd", "success")


def choice(stage):
    with stage.scene("ssh, the person chooses between app and SMS"):
        with ssh(stage, "dave") as terminal:
            type_password(terminal, "dave")
            number = terminal.expect(r"(\d)  authenticator app\n[^?]*number \[1\]: ").group(1)
            terminal.send(number)
            type_totp(stage, terminal, "dave")
            session_is(stage, terminal, "dave")
        stage.pool_saw("dave", "USER_SRP_AUTH", "PASSWORD_VERIFIER", "SELECT_MFA_TYPE",
                       "SOFTWARE_TOKEN_MFA")
        messages = stage.machine.pool.admin("inbox/list", username="dave")["messages"]
        stage.check("no SMS was caused before the choice, nor after it", messages == [])
        stage.daemon_said("dave", "sshd", "success")


def wrong_code_then_right(stage):
    with stage.scene("ssh, a wrong code and then the right one"):
        with ssh(stage, "alice") as terminal:
            type_password(terminal, "alice")
            terminal.answer(TOTP_PROMPT, "000000")
            terminal.expect("Incorrect code")
            type_totp(stage, terminal, "alice")
            session_is(stage, terminal, "alice")
        stage.pool_saw("alice", *TOTP_CALLS, "SOFTWARE_TOKEN_MFA")
        stage.daemon_said("alice", "sshd", "success")


def wrong_password(stage):
    with stage.scene("ssh, a wrong password"):
        with ssh(stage, "alice") as terminal:
            type_password(terminal, "alice", "not-my-password")
            refused_by_ssh(stage, terminal)
        stage.pool_saw("alice", "USER_SRP_AUTH", "PASSWORD_VERIFIER")
        stage.daemon_said("alice", "sshd", "refused")
        stage.machine.pool.forgive("alice")


def sudo_twice(stage):
    with stage.scene("sudo twice: the second within its timestamp"):
        with ssh(stage, "alice", command="sudo id; echo first done; sudo id -u; id -un") as terminal:
            type_password(terminal, "alice")
            type_totp(stage, terminal, "alice")
            terminal.expect(PASSWORD_PROMPT)
            terminal.send(password_of("alice"), hidden_as="password")
            type_totp(stage, terminal, "alice")
            terminal.expect(r"uid=0\(root\)")
            terminal.expect(r"first done")
            asked, _ = terminal.expect_any([r"\n0\n", PASSWORD_PROMPT])
            stage.check("the second sudo asks nothing and runs as root", asked == 0)
            terminal.expect(r"alice\n")
            stage.check("the session ends well", terminal.finish() == 0)
        stage.pool_saw("alice", *TOTP_CALLS, *TOTP_CALLS)
        stage.daemon_said("alice", "sudo", "success")


def su(stage):
    with stage.scene("su to another user"):
        stage.command("su bob -c id        (by localuser)")
        with stage.machine.as_user(LOCAL_USER, "su", "bob", "-c", "id",
                                   on_text=stage.watch) as terminal:
            type_password(terminal, "bob")
            type_message_code(stage, terminal, "bob", SMS_PROMPT)
            session_is(stage, terminal, "bob")
        stage.pool_saw("bob", "USER_SRP_AUTH", "PASSWORD_VERIFIER", "SMS_MFA")
        stage.daemon_said("bob", "su", "success")


def outside_the_group(stage):
    with stage.scene("a user of the pool who is in no allowed group"):
        with ssh(stage, "erin") as terminal:
            type_password(terminal, "erin")
            type_totp(stage, terminal, "erin")
            refused_by_ssh(stage, terminal)
        stage.daemon_said("erin", "sshd", "not-permitted")
        revoked = stage.machine.pool.admin("log/wait", operation="RevokeToken", answered=True,
                                           wait_ms=60000)["count"]
        stage.check("her tokens were revoked", revoked >= 1)


def key_of_a_stranger(stage):
    with stage.scene("an SSH key of a user whom cognitod has never seen"):
        with ssh(stage, "frank", methods="publickey") as terminal:
            refused_by_ssh(stage, terminal)
        stage.logged("the key itself was good: it is the account phase that refuses", "Accepted key")
        stage.daemon_said("frank", "sshd", "account-unknown")
        stage.pool_saw("frank")


def daemon_down(stage):
    machine = stage.machine
    with stage.scene("cognitod is down: root and local people do not notice"):
        with machine.daemon_away():
            with ssh(stage, "root", methods="publickey") as terminal:
                session_is(stage, terminal, "root")
            with ssh(stage, LOCAL_USER, command="id; sudo id -u") as terminal:
                type_password(terminal, LOCAL_USER, LOCAL_PASSWORD)
                terminal.expect(rf"uid=\d+\({LOCAL_USER}\)")
                type_password(terminal, LOCAL_USER, LOCAL_PASSWORD)
                terminal.expect(r"\n0\n")
                stage.check("the local user logs in and uses sudo with the local password",
                            terminal.finish() == 0)
            stage.command("su -c id            (by localuser)")
            with machine.as_user(LOCAL_USER, "su", "-c", "id", on_text=stage.watch) as terminal:
                terminal.answer(PASSWORD_PROMPT, ROOT_PASSWORD, hidden_as="root's password")
                session_is(stage, terminal, "root")
            with ssh(stage, "alice") as terminal:
                terminal.answer(PASSWORD_PROMPT, password_of("alice"), hidden_as="password")
                refused_by_ssh(stage, terminal)
            stage.check("cognitod did not run meanwhile", machine.daemon_pid() is None)
            stage.pool_saw("alice")


def break_glass(stage):
    machine = stage.machine
    with stage.scene("cognitod is down: a local password is the way in, where one exists"):
        with machine.daemon_away():
            with ssh(stage, "carol") as terminal:
                type_password(terminal, "carol", BREAK_GLASS_PASSWORD)
                session_is(stage, terminal, "carol")


DEMO = (totp, sms, email, choice, wrong_code_then_right, wrong_password, sudo_twice, su,
        outside_the_group, key_of_a_stranger, daemon_down, break_glass)
