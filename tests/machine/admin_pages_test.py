#!/usr/bin/env python3
"""The pages for administrators, followed word for word on a booted machine that has never seen the
project: from the packages to a login, ssh, sudo, and the way back.

The user pool answers under AWS's own name: cognito-pool on port 443, with a certificate that the
machine trusts. So no word of the pages has to be another one here.
"""

import json
import re
import ssl
import sys
import traceback

from admin_pages import Failed, Reader
from booted import INSIDE, BootedMachine, MachineError, MachinePool

POOL = f"{INSIDE}/build/release/tests/pool/cognito-pool"
STATE = "/var/lib/aws"
REGION = "eu-west-1"
HOST = f"cognito-idp.{REGION}.amazonaws.com"
POOL_ID = f"{REGION}_CogPool01"
PERSON = "localadmin"
KEY = f"/home/{PERSON}/login_key"
LOCAL_PASSWORDS = {PERSON: "Local-Admin-Pass-1", "alice": "Break-Glass-Pass-2"}
TEMPORARY_PASSWORD, PASSWORD = "Temporary-Alice-1", "Correct-Horse-2"
SEED = {
    "pool": {"id": POOL_ID, "mfa_configuration": "ON", "mfa_types": ["SOFTWARE_TOKEN_MFA"]},
    "users": [{"username": "alice", "password": TEMPORARY_PASSWORD, "status": "FORCE_CHANGE_PASSWORD",
               "groups": ["linux-users", "linux-admins"],
               "attributes": {"email": "alice@example.com", "email_verified": "true"}}],
}
# What doctor has to say of a machine that was set up by the pages.
EXPECTED_OF_DOCTOR = set()
CERTIFICATES = f"""
mkdir -p {STATE}
cd {STATE}
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $key -days 30 -subj '/CN=test authority' -keyout ca.key -out ca.pem
openssl req $key -subj '/CN={HOST}' -keyout server.key -out server.csr
printf 'subjectAltName=DNS:{HOST},IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \\
  -extfile server.ext -out server.pem
cat ca.pem >>/etc/ssl/certs/ca-certificates.crt
echo '127.0.0.1 {HOST}' >>/etc/hosts
"""


class Aws(MachinePool):
    """The pool under AWS's name, and the phone of the one who has an account there."""

    def __init__(self, machine):
        machine.run("bash", "-euc", CERTIFICATES)
        machine.write(f"{STATE}/seed.json", json.dumps(SEED))
        machine.run("systemd-run", "--quiet", "--collect", "--unit=aws", "--", POOL,
                    "--state", STATE, "--seed", f"{STATE}/seed.json", "--port", "443",
                    "--cert", f"{STATE}/server.pem", "--key", f"{STATE}/server.key",
                    "--ca", f"{STATE}/ca.pem", "--issuer", f"https://{HOST}/{POOL_ID}")
        if not machine.wait_until(lambda: machine.run("test", "-e", f"{STATE}/ready.json",
                                                      check=False).returncode == 0, timeout=60):
            raise MachineError(machine.run("journalctl", "--unit=aws", "--no-pager").stdout)
        self.ready = json.loads(machine.read(f"{STATE}/ready.json"))
        self._tls = ssl.create_default_context(cadata=machine.read(f"{STATE}/ca.pem"))
        self._machine = machine
        self._totp_offset_s = 0
        self.password = TEMPORARY_PASSWORD
        self.secret = None

    def choose_password(self, *_):
        self.password = PASSWORD
        return PASSWORD

    def set_up_app(self, _match, _line, shown):
        self.secret = re.findall(r"Secret: ([A-Z2-7 ]+)", shown)[-1].replace(" ", "")
        return self.totp(self.secret)

    def code(self, *_):
        return self.totp(self.secret)


class Test:
    def __init__(self, machine):
        self.machine = machine
        self.aws = Aws(machine)
        self.passed = self.failed = 0
        self.local = False  # alice types her local password
        self.reader = Reader(machine, f"{INSIDE}/build/deb", PERSON,
                             {"USER_POOL_ID": POOL_ID, "CLIENT_ID": self.aws.ready["client_id"]},
                             self.answers())

    def answers(self):
        return [
            (r"\(yes/no/\[fingerprint\]\)\? $", lambda *_: "yes"),
            (r"(?:Your password must be changed\. New|New|Retype new) password(?: again)?: $",
             self.new_password),
            (r"Code from the app \([^)]*\): $", self.aws.set_up_app),
            (r"Code from your authenticator app(?: \([^)]*\))?: $", self.aws.code),
            (r"(?:Password: |\[sudo\] password for alice: )$", self.old_password),
        ]

    def new_password(self, _match, line, _shown):
        """passwd by root sets a local one."""
        words = line.split()
        return LOCAL_PASSWORDS[words[1]] if words[0] == "passwd" else self.aws.choose_password()

    def old_password(self, *_):
        masked = self.machine.run("systemctl", "is-enabled", "cognitod", check=False).stdout
        local = self.local or masked.strip() == "masked"
        return LOCAL_PASSWORDS["alice"] if local else self.aws.password

    # What held.
    def check(self, what, holds, detail=""):
        if holds:
            self.passed += 1
            print(f"ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {what}: {detail}", flush=True)

    def follow(self, name, before=(), after=()):
        """The blocks of the page that were run. A page that cannot be followed is a failure, and ends
        the test: the pages after it build on it. before, after: (words of a block, function) pairs, for
        what can be seen at that place only."""
        print(f"\ndocs/{name}.md", flush=True)
        done = []

        def ahead(block):
            for words, function in before:
                if words in block.text:
                    function()
        try:
            for block in self.reader.follow(name, ahead):
                done.append(block)
                first = block.block.text.strip().splitlines()[0]
                self.check(f"line {block.block.line}: {first}", True)
                for words, function in after:
                    if words in block.block.text:
                        function()
        except Failed as error:
            self.check(f"docs/{name}.md can be followed", False, error)
            self.show_journal()
            raise
        return done

    def show_journal(self):
        for entry in self.machine.journal()[-25:]:
            print(f"        {entry.get('SYSLOG_IDENTIFIER', '?')}: {entry.get('MESSAGE', '')}")

    def signed_in(self, service):
        return [entry for entry in self.machine.journal(None, "PAM_COGNITO_USER=alice",
                                                        f"PAM_COGNITO_SERVICE={service}")
                if entry.get("PAM_COGNITO_OUTCOME") == "success"]

    # The pages.
    def connect(self):
        done = self.follow("connect-your-pool")
        test = next(each for each in done if "login-test" in each.block.text)
        login = done[-1]
        self.check("login-test set a new password and an app, and says success",
                   "success" in test.shown and self.aws.secret, test.shown)
        tested = [event for line in self.signed_in("sshd")[:1] for event in self.explained(line["PAM_COGNITO_ID"])]
        self.check("in the log it is a success by a test",
                   [(event["outcome"], event["cause"]) for event in tested] == [("success", "tested")], tested)
        self.check("alice logged in", "(alice)" in login.shown, login.shown)
        self.check("by password and code", asked(login) == ["password", "code"], login.prompts)
        self.check("cognitod's log has the login", self.signed_in("su-l"))
        identities = json.loads(self.machine.run("cognitoctl", "identity", "list", "--json").stdout)
        self.check("alice is tied to the account in the pool",
                   [each["user"] for each in identities["identities"]] == ["alice"], identities)
        text = self.machine.read("/etc/pam-cognito/users.conf")
        self.check("the local administrator is excluded", f"exclude={PERSON}" in text, text)

    def ssh(self):
        self.give_keys("alice", "bob")
        done = self.follow("ssh", before=[("ssh alice@localhost", self.sshd_answers),
                                   ("AuthenticationMethods", self.keys)],
                           after=[("AuthenticationMethods", self.key_and_code)])
        login = next(each for each in done if each.block.info == "sh person")
        self.check("alice logged in over ssh", "(alice)" in login.shown, login.shown)
        self.check("by password and code", asked(login)[-2:] == ["password", "code"], login.prompts)
        lines = self.signed_in("sshd")
        self.check("cognitod's log has the login", lines)
        log_id = lines[-1]["PAM_COGNITO_ID"]
        told = self.machine.run("cognitoctl", "explain", log_id, check=False).stdout
        self.check("cognitoctl explain tells it", all(word in told for word in (
            f"Sign-in {log_id}, ", "sign-in of alice by sshd from host:", "user pool: InitiateAuth ok, ",
            "user pool: RespondToAuthChallenge ok, ", "success: every question was answered rightly",
            "second factor totp")), told)
        self.check("and nothing secret", PASSWORD not in told and self.aws.secret not in told, told)
        events = self.explained(log_id)
        calls = [call for event in events for call in event.get("calls", ())]
        self.check("each call has the pool's request id",
                   len(calls) >= 3 and all(call.get("request_id") for call in calls), calls)
        self.check("sshd's own line is among the events",
                   any(event["who"] == "sshd" and f"id={log_id}" in event.get("message", "")
                       for event in events), events)
        doctor = json.loads(self.machine.run("cognitoctl", "doctor", "--json", check=False).stdout)
        of_state = {state: {each["id"] for each in doctor["checks"] if each["state"] == state}
                    for state in ("fault", "warning", "skipped")}
        self.check("doctor finds no fault", not of_state["fault"],
                   [each for each in doctor["checks"] if each["state"] == "fault"])
        self.check("it warns of nothing, and has looked at all", of_state["warning"] | of_state["skipped"]
                   == EXPECTED_OF_DOCTOR, doctor["checks"])

    def explained(self, log_id):
        told = self.machine.run("cognitoctl", "explain", log_id, "--json", check=False).stdout
        return json.loads(told)["events"]

    def give_keys(self, *names):
        """The local administrator's key opens these accounts."""
        script = f"su - {PERSON} -c 'mkdir -p -m 700 ~/.ssh; ssh-keygen -q -t ed25519 -N \"\" -f {KEY}'\n"
        for name in names:
            script += (f"id {name} || useradd --create-home --shell /bin/bash --groups cognito-users {name}\n"
                       f"install -d -m 700 -o {name} /home/{name}/.ssh\n"
                       f"install -m 600 -o {name} {KEY}.pub /home/{name}/.ssh/authorized_keys\n")
        self.machine.run("bash", "-euc", script)

    def by_key(self, name, *lines):
        return self.reader.type(f"ssh -i {KEY} {name}@localhost", *lines)

    def keys(self):
        known = self.by_key("alice", "id", "exit")
        self.check("by key alice, who is known, is asked nothing",
                   "(alice)" in known.shown and not known.prompts, known.shown)
        unknown = self.by_key("bob", "id")
        self.check("by key bob, who has never signed in here, does not get in",
                   "(bob)" not in unknown.shown and not unknown.prompts, unknown.shown)

    def key_and_code(self):
        self.sshd_answers()
        both = self.by_key("alice", "id", "exit")
        self.check("with both asked for: the key, then password and code",
                   "(alice)" in both.shown and asked(both) == ["password", "code"], both.shown)
        keyless = self.reader.type("ssh alice@localhost", "id")
        self.check("without the key nobody gets to a prompt",
                   "(alice)" not in keyless.shown and not keyless.prompts, keyless.shown)

    def sshd_answers(self):
        """A reload closes sshd's port for a moment."""
        self.machine.wait_until(lambda: self.machine.run(
            "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22 && head -c 3 <&3", check=False).stdout == "SSH",
            timeout=60)

    def sudo(self):
        done = self.follow("sudo", before=[("ssh alice@localhost", self.sshd_answers),
                                           ("sign-out", self.sudo_options)])
        login = next(each for each in done if each.block.info == "sh person")
        self.check("sudo made alice root twice", roots(login) == 2, login.shown)
        self.check("each time for the password alone",
                   asked(login)[-4:] == ["password", "code", "password", "password"], login.prompts)
        sessions = json.loads(self.machine.run("cognitoctl", "sessions", "list", "--json").stdout)
        self.check("sign-out left no session", sessions["sessions"] == [], sessions)

    def by_code(self, *lines):
        """Typed by alice in a login with password and code; what was asked after these two."""
        done = self.reader.type("ssh -o PubkeyAuthentication=no alice@localhost", *lines, "exit")
        return done, asked(done)[2:]

    def sudo_options(self):
        done, prompts = self.by_code("sudo -K; sudo -n id -u", "sudo id -u", "sudo -n id -u")
        self.check("sudo -n is refused, and goes through within sudo's own memory",
                   roots(done) == 2 and "a password is required" in done.shown, done.shown)
        done, prompts = self.by_code("sudo -K; systemd-run --user --pty --quiet sudo id -u")
        self.check("under user@.service sudo asks for everything",
                   roots(done) == 1 and prompts == ["password", "code"], done.shown)
        done, prompts = self.by_code(f"sudo -K; echo {PASSWORD} | sudo -S -p '' id -u")
        self.check("sudo -S reads the password", roots(done) == 1 and not prompts, done.shown)
        drop_in = "/etc/pam-cognito/cognitod.conf.d/90-none.conf"
        self.machine.write(drop_in, "[service sudo]\nreauth = none\n")
        self.machine.run("systemctl", "reload", "cognitod")
        done, prompts = self.by_code("sudo -K; sudo -n id -u", "sudo id -u")
        self.check("with reauth = none sudo asks nothing, and sudo -n is refused all the same",
                   roots(done) == 1 and not prompts and "a password is required" in done.shown, done.shown)
        self.machine.write("/etc/sudoers.d/noninteractive", "Defaults noninteractive_auth\n", mode=0o440)
        done, prompts = self.by_code("sudo -K; sudo -n id -u")
        self.check("unless sudoers has noninteractive_auth", roots(done) == 1 and not prompts, done.shown)
        self.machine.run("rm", drop_in, "/etc/sudoers.d/noninteractive")
        self.machine.run("systemctl", "reload", "cognitod")

    def break_glass(self):
        before = self.machine.run("sh", "-c", "sha256sum /etc/pam.d/common-*").stdout
        done = self.follow("break-glass-and-recovery",
                           before=[("systemctl mask", self.pool_is_away), ("identity reset", self.new_account)],
                           after=[("identity reset", self.pinned_anew), ("gpasswd", self.taken_out),
                                  ("pam-auth-update --disable", self.switched_off)])
        login = next(each for each in done if each.block.info == "sh person")
        self.check("with cognitod away alice logged in by the local password alone",
                   "(alice)" in login.shown and asked(login) == ["password"], login.shown)
        after = self.machine.run("sh", "-c", "sha256sum /etc/pam.d/common-*").stdout
        self.check("PAM's files are as before the drill", before == after)
        groups = self.machine.run("id", "-nG", "alice").stdout.split()
        self.check("alice is Cognito's again", "cognito-users" in groups, groups)
        locked = self.machine.run("passwd", "--status", "alice").stdout
        self.check("the local password is locked again", locked.split()[1] == "L", locked)

    def pool_is_away(self):
        self.turn_the_name("127.0.0.1", "127.0.0.2")
        self.local = True
        try:
            done = self.reader.type("su - alice", "id", "exit")
            self.check("with the pool away she is asked again, and logs in by the local password",
                       "(alice)" in done.shown and asked(done) == ["password"] * 2, done.shown)
            self.machine.run("usermod", "--expiredate", "1", "alice")
            done = self.reader.type("su - alice")
            self.check("not if her account has expired here", "expired" in done.shown, done.shown)
        finally:
            self.local = False
            self.machine.run("usermod", "--expiredate", "", "alice")
            self.turn_the_name("127.0.0.2", "127.0.0.1")

    def turn_the_name(self, old, new):
        """AWS's name leads elsewhere, where nobody listens; cognitod starts anew, without a connection."""
        hosts = self.machine.read("/etc/hosts").replace(f"{old} {HOST}", f"{new} {HOST}")
        self.machine.run("sh", "-c", "cat >/etc/hosts", input=hosts)
        self.machine.run("systemctl", "restart", "cognitod")

    def new_account(self):
        """Lost phone first; then the account is deleted, and made again by the same name."""
        self.aws.admin("users/update", username="alice", mfa={"enabled": [], "preferred": None})
        secret = self.aws.secret
        done, _ = self.by_code("id")
        self.check("a lost phone: the next login sets up a new app",
                   "(alice)" in done.shown and self.aws.secret != secret, done.shown)
        self.aws.admin("users/delete", username="alice")
        account = {**SEED["users"][0], "password": PASSWORD, "status": "CONFIRMED",
                   "mfa": {"enabled": ["SOFTWARE_TOKEN_MFA"], "preferred": "SOFTWARE_TOKEN_MFA",
                           "totp_secret": self.aws.secret}}
        self.aws.admin("users/create", **account)
        done = self.reader.type("ssh -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 alice@localhost")
        self.check("another account by the same name does not get in", "denied" in done.shown, done.shown)

    def pinned_anew(self):
        done, _ = self.by_code("id")
        self.check("after the reset it does", "(alice)" in done.shown, done.shown)

    def taken_out(self):
        self.aws.reset_log()
        done = self.reader.type("su - alice")
        self.check("taken out, she is asked for the local password alone, and Cognito is not asked",
                   asked(done) == ["password"] and self.aws.requests("alice") == [], done.shown)

    def switched_off(self):
        found = self.machine.run("grep", "-l", "pam_cognito", "-r", "/etc/pam.d", check=False).stdout
        self.check("no line of pam_cognito is left", not found, found)

    def fleet(self):
        self.follow("fleet")
        for path, text in written_by_cloud_init():
            self.machine.write(f"/tmp/fleet{path}", text)
        for name in ("10-pool", "50-sshd"):
            self.machine.run("grep", "-q", ".", f"/tmp/fleet/etc/pam-cognito/cognitod.conf.d/{name}.conf")
        self.machine.write("/tmp/fleet/etc/pam-cognito/cognitod.conf", "# the package's\n")
        valid = self.machine.run("/usr/libexec/cognitod", "--check-config", "--config",
                                 "/tmp/fleet/etc/pam-cognito/cognitod.conf", check=False)
        self.check("what cloud-init would write is a valid configuration", valid.returncode == 0,
                   valid.stdout + valid.stderr)


def roots(done):
    """How often `id -u` said root."""
    return len(re.findall(r"^0$", done.shown, re.M))


def asked(done):
    """The prompts as words."""
    kinds = (("code", "Code"), ("password", "assword"), ("host key", "yes/no"))
    return [next(kind for kind, word in kinds if word in prompt) for prompt in done.prompts]


def written_by_cloud_init():
    """(path, content) of the write_files on the page "Fleet"."""
    from admin_pages import REPO, blocks_of
    page = (REPO / "docs/fleet.md").read_text(encoding="utf-8")
    block = next(block for block in blocks_of(page) if block.info == "yaml cloud-init")
    files = []
    for path, content in re.findall(r"^  - path: (\S+)\n    content: \|\n((?:      .*\n|\n)+)", block.text,
                                    re.M):
        files.append((path, re.sub(r"^      ", "", content, flags=re.M)))
    return files


def main():
    with BootedMachine("admin-pages") as machine:
        test = Test(machine)
        try:
            for page in (test.connect, test.ssh, test.sudo, test.break_glass, test.fleet):
                page()
        except Failed:
            pass  # it was counted
        except Exception:
            test.check("the pages were checked", False, traceback.format_exc())
    print(f"\n{test.passed} passed, {test.failed} failed", flush=True)
    sys.exit(1 if test.failed or not test.passed else 0)


if __name__ == "__main__":
    main()
