#!/usr/bin/env python3
"""The pages for administrators, followed word for word on a booted machine that has never seen the
project: from the packages to a login, ssh, a screen locker, sudo, and the way back. Then the text for
cloud-init, on a second machine.
"""

import json
import re
import sys
import traceback

from admin_pages import Failed, Reader, blocks
from aws import HOST, PASSWORD, POOL_ID, SEED, Aws
from booted import INSIDE, BootedMachine
from cloud_init import CloudInit
from sshd import DROPPED, PROGRAMS, no_penalties

PERSON = "localadmin"
LOCAL_PASSWORDS = {PERSON: "Local-Admin-Pass-1", "alice": "Break-Glass-Pass-2"}
CLIENT_SECRET = "2secret0of0an0app0client"
CREDENTIAL = "/etc/credstore.encrypted/cognitod.client_secret"
DROP_INS = "/etc/pam-cognito/cognitod.conf.d"
# Values that the pages use as examples.
EXAMPLE_POOL, EXAMPLE_CLIENT, EXAMPLE_ID = "eu-west-1_Example", "1example23456789", "4f1d9c0a77b2e358"
EXAMPLE_HOST, EXAMPLE_NAME = "linux1.example.com", "linux1"
EXAMPLE_NETWORKS, OWN_NETWORKS = "192.0.2.0/24,2001:db8::/32", "127.0.0.0/8,::1/128"
PENALTIES = "sshd-source-penalties"  # a check of doctor's


class Test:
    def __init__(self, machine, person):
        self.machine, self.person = machine, person
        self.aws = Aws(machine)
        self.passed = self.failed = 0
        self.local = False  # alice types her local password
        self.reader = Reader(machine, f"{INSIDE}/build/deb", person,
                             {EXAMPLE_POOL: POOL_ID, EXAMPLE_CLIENT: self.aws.ready["client_id"],
                              EXAMPLE_HOST: "localhost", f"NAME@{EXAMPLE_NAME}": "NAME@machine"},
                             self.answers(), [("systemd-creds", CLIENT_SECRET)])

    def answers(self):
        return [
            (r"\(yes/no/\[fingerprint\]\)\? $", lambda *_: "yes"),
            (r"Take these steps\? \[Y/n\] $", lambda *_: "y"),
            (r"(?:Your password must be changed\. New|New|Retype new) password(?: again)?: $",
             self.new_password),
            (r"Code \(i = [^)]*\): $", self.aws.set_up_app),
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

    def signed_in(self, service, since=None):
        """cognitod's lines of alice's good sign-ins."""
        return [entry for entry in self.machine.journal(since, "PAM_COGNITO_USER=alice", "PAM_COGNITO_GOAL=sign-in",
                                                        f"PAM_COGNITO_SERVICE={service}")
                if entry.get("PAM_COGNITO_OUTCOME") == "success"]

    def causes(self, service, since):
        """Why cognitod let alice in since then: once it has said so, which may be after the program that
        asked has ended."""
        def found():
            return [entry["PAM_COGNITO_CAUSE"] for entry in self.signed_in(service, since)]
        self.machine.wait_until(found)
        return found()

    def doctor(self):
        """doctor's findings, by the id of the check."""
        done = self.machine.run("cognitoctl", "doctor", "--json", check=False)
        return {each["id"]: each for each in json.loads(done.stdout)["checks"]}

    def finds_nothing(self, doctor, but=()):
        """but: the checks that have a warning."""
        of_state = {state: {each["id"] for each in doctor.values() if each["state"] == state}
                    for state in ("fault", "warning", "skipped")}
        self.check("doctor finds no fault", not of_state["fault"],
                   [each for each in doctor.values() if each["state"] == "fault"])
        self.check(f"it warns of {', '.join(but) or 'nothing'}, and has looked at all",
                   of_state["warning"] | of_state["skipped"] == set(but), doctor)

    def penalties(self):
        """The checks that warn of an sshd as Debian sets it up."""
        return {PENALTIES} if no_penalties(self.machine.run("sshd", "-T").stdout) else set()

    # The pages.
    def connect(self):
        self.administrator_of_the_machine()
        done = self.follow("quick-start", before=[(EXAMPLE_HOST, self.sshd_answers)])
        commands = [each for each in done if each.block.info.startswith("sh ")]
        setup, test = (next(each for each in done if words in each.block.text) for words in ("cognitoctl setup", "login-test"))
        login = next(each for each in done if each.block.info == "sh person")
        account = next(each for each in done if "useradd" in each.block.text)
        self.check("from the packages to the first login it is install, setup, the account",
                   [each.block.text.split()[0] for each in commands[:commands.index(login)]]
                   == ["apt-get", "cognitoctl", "useradd"], [each.block.text for each in commands])
        for number, command in enumerate((setup, test)):
            example = [line.strip() for line in self.reader.own(blocks("quick-start", "console")[number].text).splitlines()]
            if example[0].startswith("# "):
                self.check("it is the example's command", example.pop(0) == "# " + command.block.text.strip(), command.block.text)
            self.check("it shows what the page shows", follow_each_other([line for line in example if line != "…"], command.shown),
                       command.shown)
        self.check("setup prints the command for alice's account, and who keeps a local password",
                   account.block.text.strip().replace("alice", "NAME") in setup.shown
                   and f"(exclude= in users.conf): {PERSON}." in setup.shown, setup.shown)
        self.follow("how-to/client-secret", before=[("systemd-creds", self.client_gets_a_secret)],
                    after=[("systemd-creds", self.secret_counts)])
        self.check("alice logged in, with a new password and an app", "(alice)" in login.shown
                   and "Authenticator app set up." in login.shown and self.aws.password == PASSWORD, login.shown)
        self.check("nothing else was asked", asked(login) == ["host key"] + 3 * ["password"] + ["code"], login.prompts)
        # Besides how it ended, there is a line for the app that was set up.
        ids = dict.fromkeys(line["PAM_COGNITO_ID"] for line in self.signed_in("sshd"))
        ends = [(event["outcome"], event["cause"]) for log_id in ids for event in self.explained(log_id)
                if event.get("outcome") == "success"]
        self.check("in the log there are a sign-in and a test", list(dict.fromkeys(ends)) ==
                   [("success", "signed-in"), ("success", "tested")], ends)
        logins = self.signed_in("su-l")
        self.check("cognitod's log has the login with the secret", len(logins) == 1, logins)
        identities = json.loads(self.machine.run("cognitoctl", "identity", "list", "--json").stdout)
        self.check("alice is tied to the account in the pool",
                   [each["user"] for each in identities["identities"]] == ["alice"], identities)
        text = self.machine.read("/etc/pam-cognito/users.conf")
        self.check("the local administrator is excluded", f"exclude={PERSON}" in text, text)

    def administrator_of_the_machine(self):
        """The user who existed before the project, and may use sudo."""
        self.machine.run("useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", PERSON)
        self.machine.run("chpasswd", input=f"{PERSON}:{LOCAL_PASSWORDS[PERSON]}\n")

    def setup_again(self):
        return self.machine.run("cognitoctl", "setup", "--pool", POOL_ID, "--client", self.aws.ready["client_id"],
                                "--allow-groups", "linux-users", "--yes", check=False)

    def client_gets_a_secret(self):
        self.aws.client_secret(CLIENT_SECRET)
        done = self.setup_again()
        self.check("setup reports that the app client has a secret, and prints the page's command",
                   done.returncode == 1 and blocks("how-to/client-secret", "sh admin asks")[0].text.splitlines()[0]
                   in done.stderr, done.stdout + done.stderr)
        done = self.reader.type("su - alice -c id")
        self.check("without it alice does not get in", "(alice)" not in done.shown, done.shown)

    def secret_counts(self):
        done = self.reader.type("su - alice -c id")
        self.check("with it she does, by password and code",
                   "(alice)" in done.shown and asked(done) == ["password", "code"], done.shown)
        done = self.setup_again()
        self.check("setup has nothing more to say", done.returncode == 0 and "secret" not in done.stdout
                   and "Nothing to change" in done.stdout, done.stdout + done.stderr)
        self.check("what is on the disk is not the secret", CLIENT_SECRET not in self.machine.read(CREDENTIAL))
        doctor = self.doctor()
        found = [doctor[name] for name in ("credential-decrypts", "credential-permissions")]
        self.check("doctor finds that it can be decrypted, and read by nobody",
                   all(each["state"] == "ok" for each in found), found)
        self.aws.client_secret(None)
        self.machine.run("rm", CREDENTIAL)
        self.machine.run("systemctl", "restart", "cognitod")

    def ssh(self):
        self.exempt()
        self.give_keys("alice", "bob")
        done = self.follow("how-to/ssh", before=[("ssh alice@localhost", self.sshd_answers),
                                          ("AuthenticationMethods", self.keys)],
                           after=[("AuthenticationMethods", self.key_and_code)])
        login = next(each for each in done if each.block.info == "sh person")
        self.check("alice logged in over ssh", "(alice)" in login.shown, login.shown)
        self.check("by password and code", asked(login)[-2:] == ["password", "code"], login.prompts)
        lines = self.signed_in("sshd")
        self.check("cognitod's log has the login", lines)
        log_id = lines[-1]["PAM_COGNITO_ID"]
        told = self.machine.run("cognitoctl", "explain", log_id, check=False).stdout
        self.check("cognitoctl explain reports it", all(word in told for word in (
            f"Sign-in {log_id}, ", "sign-in of alice by sshd from ::/64\n", "user pool: InitiateAuth ok, ",
            "user pool: RespondToAuthChallenge ok, ", "success: all questions were answered correctly",
            "second factor totp")), told)
        self.check("and nothing secret", PASSWORD not in told and self.aws.secret not in told, told)
        events = self.explained(log_id)
        calls = [call for event in events for call in event.get("calls", ())]
        self.check("each call has the pool's request id",
                   len(calls) >= 3 and all(call.get("request_id") for call in calls), calls)
        self.check("sshd's own line is among the events",
                   any(event["who"] in PROGRAMS and f"id={log_id}" in event.get("message", "")
                       for event in events), events)
        self.finds_nothing(self.doctor())

    def exempt(self):
        """The page's way to go on answering the addresses of one's own network."""
        found = self.doctor()[PENALTIES]
        self.check(f"doctor about sshd's penalties: {found['state']}",
                   found["state"] == ("warning" if self.penalties() else "ok"), found)
        text = next(block.text for block in blocks("how-to/ssh", "text") if EXAMPLE_NETWORKS in block.text)
        if self.penalties():
            self.machine.write("/etc/ssh/sshd_config.d/70-exempt.conf", text.replace(EXAMPLE_NETWORKS, OWN_NETWORKS))
            self.machine.run("systemctl", "reload", "ssh")
            self.sshd_answers()
            found = self.doctor()[PENALTIES]
            self.check("with the page's line it is content", found["state"] == "ok", found)

    def explained(self, log_id):
        told = self.machine.run("cognitoctl", "explain", log_id, "--json", check=False).stdout
        return json.loads(told)["events"]

    def give_keys(self, *names):
        """The key of the one who reads opens these accounts."""
        script = f"su - {self.person} -c 'mkdir -p -m 700 ~/.ssh; ssh-keygen -q -t ed25519 -N \"\" -f {self.key}'\n"
        for name in names:
            script += (f"id {name} || useradd --create-home --shell /bin/bash --groups cognito-users {name}\n"
                       f"install -d -m 700 -o {name} /home/{name}/.ssh\n"
                       f"install -m 600 -o {name} {self.key}.pub /home/{name}/.ssh/authorized_keys\n")
        self.machine.run("bash", "-euc", script)

    @property
    def key(self):
        return f"/home/{self.person}/login_key"

    def by_key(self, name, *lines):
        return self.reader.type(f"ssh -i {self.key} {name}@localhost", *lines)

    def keys(self):
        known = self.by_key("alice", "id", "exit")
        self.check("by key alice, who is known, is asked nothing",
                   "(alice)" in known.shown and not known.prompts, known.shown)
        unknown = self.by_key("bob", "id")
        self.check("by key bob, who has never signed in here, does not get in",
                   self.refused(unknown, "bob") and not unknown.prompts, unknown.shown)

    def key_and_code(self):
        self.sshd_answers()
        both = self.by_key("alice", "id", "exit")
        self.check("with both asked for: the key, then password and code",
                   "(alice)" in both.shown and asked(both) == ["password", "code"], both.shown)
        keyless = self.reader.type("ssh alice@localhost", "id")
        self.check("without the key nobody gets to a prompt",
                   self.refused(keyless, "alice") and not keyless.prompts, keyless.shown)

    def refused(self, done, user):
        """sshd has answered the client, and in the end refused the user."""
        dropped = [entry for entry in self.machine.journal() if DROPPED in str(entry.get("MESSAGE"))]
        return re.search(r"Permission denied \(|Connection closed", done.shown) and f"({user})" not in done.shown \
            and not dropped

    def sshd_answers(self):
        """A reload closes sshd's port for a moment."""
        self.machine.wait_until(lambda: self.machine.run(
            "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22 && head -c 3 <&3", check=False).stdout == "SSH",
            timeout=60)

    def desktop(self):
        self.machine.write("/etc/pam.d/locker", "@include common-auth\n@include common-account\n")
        self.follow("how-to/screen-lockers", before=[("[service locker]", self.locker_by_default)],
                    after=[("[service locker]", self.locker_by_password)])

    def unlock(self, *lines):
        """A program that runs as alice, as a locker does, in a login of hers: does it open, for which
        answers, and by what sign-in?"""
        since = self.machine.cursor()
        done, prompts = self.by_code(*lines, "pamtester locker alice authenticate")
        return "successfully authenticated" in done.shown, prompts, self.causes("user", since)

    def locker_by_default(self):
        found = self.unlock()
        self.check("by default a locker asks for a whole sign-in",
                   found == (True, ["password", "code"], ["signed-in"]), found)

    def locker_by_password(self):
        self.aws.reset_log()
        found = self.unlock()
        self.check("now the password of the live session unlocks",
                   found == (True, ["password"], ["session-password"]), found)
        calls = [operation for operation, *_ in self.aws.requests("alice")]
        self.check("and the pool was not asked, except for the login", calls.count("InitiateAuth") == 1, calls)
        self.machine.run("cognitoctl", "sign-out", "alice")
        done = self.by_key("alice", "pamtester locker alice authenticate", "exit")
        self.check("without a session it is a whole sign-in",
                   "successfully authenticated" in done.shown and asked(done) == ["password", "code"], done.shown)
        answers = self.policy("alice", "user")
        self.check("cognitod goes by the page's mfa_max_age",
                   answers["reauth_for_s"] == 43200, answers)
        self.other_age("12h", "1s")
        found = self.unlock("sleep 2")
        self.check("when the second factor is older than mfa_max_age, it is a whole sign-in again",
                   found == (True, ["password", "code"], ["signed-in"]), found)
        self.other_age("1s", "12h")

    def other_age(self, old, new):
        self.machine.run("sed", "-i", f"s/^mfa_max_age = {old}$/mfa_max_age = {new}/", f"{DROP_INS}/50-lockers.conf")
        self.machine.run("systemctl", "reload", "cognitod")

    def policy(self, user, service):
        shown = self.machine.run("cognitoctl", "policy", "test", user, service, "--json").stdout
        return json.loads(shown)

    def sudo(self):
        done = self.follow("how-to/sudo", before=[("ssh alice@localhost", self.sshd_answers),
                                                  ("sign-out", self.sudo_options), ("sign-out", self.has_sessions)])
        login = next(each for each in done if each.block.info == "sh person")
        self.check("sudo made alice root twice", roots(login) == 2, login.shown)
        self.check("each time for the password alone",
                   asked(login)[-4:] == ["password", "code", "password", "password"], login.prompts)
        self.check("sign-out left no session", self.sessions() == [], self.sessions())

    def sessions(self):
        return json.loads(self.machine.run("cognitoctl", "sessions", "list", "--json").stdout)["sessions"]

    def has_sessions(self):
        self.check("alice has sessions before she is signed out", self.sessions())

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
        self.sudo_as_another()
        self.sudo_of_a_service()
        self.sudo_by_groups()
        drop_in = f"{DROP_INS}/90-none.conf"
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

    def sudo_as_another(self):
        since = self.machine.cursor()
        self.aws.reset_log()
        done, prompts = self.by_code("sudo -K; sudo -u bob id")
        self.check("sudo -u bob asks for alice's password, and is bob",
                   "(bob)" in done.shown and prompts == ["password"], done.shown)
        causes = self.causes("sudo", since)
        users = {entry["PAM_COGNITO_USER"] for entry in self.machine.journal(since, "PAM_COGNITO_SERVICE=sudo")}
        self.check("it signs alice in, not bob", causes == ["session-password"] and users == {"alice"}
                   and self.aws.requests("bob") == [], (causes, users))

    def sudo_of_a_service(self):
        since = self.machine.cursor()
        done, prompts = self.by_code("sudo -K; sudo -i", "id -u", "exit")
        self.check("sudo -i asks for the password, and gives a shell of root's",
                   roots(done) == 1 and "root@" in done.shown and prompts == ["password"], done.shown)
        causes = self.causes("sudo-i", since)
        self.check("in cognitod's log its service is sudo-i", causes == ["session-password"], causes)
        drop_in = f"{DROP_INS}/90-full.conf"
        self.machine.write(drop_in, "[service sudo-i]\nreauth = full\n")
        self.machine.run("systemctl", "reload", "cognitod")
        done, prompts = self.by_code("sudo -K; sudo -i id -u", "sudo -K; sudo id -u")
        self.check("[service sudo-i] decides for sudo -i, and not for sudo",
                   roots(done) == 2 and prompts == ["password", "code", "password"], done.shown)
        self.machine.run("rm", drop_in)
        self.machine.run("systemctl", "reload", "cognitod")

    def sudo_by_groups(self):
        self.aws.admin("users/update", username="alice", groups=["linux-users"])
        # After each refusal there is a pause.
        self.machine.write("/etc/sudoers.d/once", "Defaults passwd_tries=1\n", mode=0o440)
        done, _ = self.by_code("sudo id -u", "sudo -i id -u")
        self.check("who is not in linux-admins becomes root by neither",
                   roots(done) == 0 and done.shown.count("1 incorrect password attempt") == 2, done.shown)
        self.machine.run("rm", "/etc/sudoers.d/once")
        self.aws.admin("users/update", username="alice", groups=SEED["users"][0]["groups"])

    def break_glass(self):
        before = self.machine.run("sh", "-c", "sha256sum /etc/pam.d/common-*").stdout
        done = self.follow("how-to/emergency-access", before=[("systemctl mask", self.window_is_open)])
        login = next(each for each in done if each.block.info == "sh person")
        self.check("with cognitod away alice logged in by the local password alone",
                   "(alice)" in login.shown and asked(login) == ["password"], login.shown)
        self.follow("how-to/locked-out-users", before=[("identity reset", self.new_account)],
                    after=[("identity reset", self.pinned_anew)])
        self.follow("how-to/add-and-remove-users", after=[("gpasswd", self.taken_out)])
        self.follow("how-to/uninstall", after=[("pam-auth-update --disable", self.switched_off)])
        self.follow("how-to/recovery", before=[("PrivateUsers", self.own_users)],
                    after=[("PrivateUsers", self.users_of_the_machine)])
        after = self.machine.run("sh", "-c", "sha256sum /etc/pam.d/common-*").stdout
        self.check("PAM's files are as before the drill", before == after)
        groups = self.machine.run("id", "-nG", "alice").stdout.split()
        self.check("alice is Cognito's again", "cognito-users" in groups, groups)
        locked = self.machine.run("passwd", "--status", "alice").stdout
        self.check("the local password is locked again", locked.split()[1] == "L", locked)

    def window_is_open(self):
        self.machine.run("cognitoctl", "break-glass", "open", "--for", "10min", "--user", "alice")
        self.local = True
        try:
            done = self.reader.type("su - alice", "id", "exit")
            self.check("in a window she logs in by the local password alone, and is told so",
                       "(alice)" in done.shown and asked(done) == ["password"]
                       and "Emergency access is open" in done.shown, done.shown)
            self.machine.run("usermod", "--expiredate", "1", "alice")
            done = self.reader.type("su - alice")
            self.check("not if her account has expired here", "expired" in done.shown, done.shown)
        finally:
            self.local = False
            self.machine.run("usermod", "--expiredate", "", "alice")
            self.machine.run("cognitoctl", "break-glass", "close")

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

    def user_namespaces(self):
        """The log lines of cognitod, and those of the machine."""
        pid = self.machine.run("systemctl", "show", "cognitod", "--value", "--property=MainPID").stdout.strip()
        return [self.machine.run("readlink", f"/proc/{each}/ns/user").stdout for each in (pid, "1")]

    def own_users(self):
        daemon, machine = self.user_namespaces()
        self.check("cognitod has a user namespace of its own", daemon != machine, daemon)

    def users_of_the_machine(self):
        daemon, machine = self.user_namespaces()
        self.check("without PrivateUsers it has the machine's", daemon == machine, daemon)
        done, _ = self.by_code("id")
        self.check("alice logs in", "(alice)" in done.shown, done.shown)
        found = self.doctor()["unit-sandbox"]
        self.check("doctor warns of that line", (found["state"], found.get("what"))
                   == ("warning", "the unit does not say: PrivateUsers=yes"), found)

    def logs(self):
        log_id = self.signed_in("sshd")[-1]["PAM_COGNITO_ID"]
        self.reader.examples[EXAMPLE_ID] = log_id
        shown = self.follow("how-to/troubleshooting")[0].shown
        self.check("explain finds a sign-in by its id, and the journal has its line",
                   f"Sign-in {log_id}, " in shown and re.search(r" cognitod\[\d+\]: sign-in of alice ", shown), shown)

    def fleet(self):
        """A machine that cloud-init sets up, with the reader's own values for the pool's."""
        text = CloudInit(self.reader.own(blocks("how-to/deploy-many-machines", "yaml cloud-init")[0].text))
        *_, doctor = text.play(self.machine)
        self.check("the last command is doctor's", doctor.args[:2] == ["cognitoctl", "doctor"], doctor.args)
        self.finds_nothing({each["id"]: each for each in json.loads(doctor.stdout)["checks"]}, self.penalties())
        for path, content in text.files.items():
            self.check(f"{path} is as cloud-init wrote it", self.machine.read(path) == content)
        self.follow("how-to/deploy-many-machines")
        self.sshd_goes_by(text.files["/etc/ssh/sshd_config.d/50-pam-cognito.conf"])
        self.sshd_answers()
        done = self.reader.type("ssh alice@localhost id")
        self.check("alice's first login sets up password and app, and lets her in",
                   "(alice)" in done.shown and self.aws.secret and self.aws.password == PASSWORD, done.shown)
        answers = self.policy("alice", "sshd")
        self.check("by the groups of the text", "linux-users" in answers["groups"] and answers["allowed"] is True
                   and answers["rules"]["allowed"] == {"section": "access", "key": "allow_groups"}, answers)
        self.give_keys(self.person, "bob")
        # Without the line exclude= the default user would be a Cognito user now, and a Cognito user who has never
        # signed in here does not get in by key.
        self.machine.run("usermod", "--append", "--groups", "cognito-users", self.person)
        done = self.reader.type(f"ssh -i {self.key} {self.person}@localhost id")
        self.check("the default user gets in by key", "(cognito-users)" in done.shown and not asked(done), done.shown)
        done = self.reader.type(f"ssh -i {self.key} bob@localhost id")
        self.check("bob, who is not excluded, does not", self.refused(done, "bob"), done.shown)

    def sshd_goes_by(self, text):
        said = self.machine.run("sshd", "-T").stdout.splitlines()
        wanted = [re.sub(r"^\w+", lambda key: key.group().lower(), line) for line in text.splitlines()]
        self.check(f"sshd goes by {', '.join(wanted)}", len(wanted) == 4 and set(wanted) <= set(said), said)
        example = self.machine.read("/usr/share/doc/libpam-cognito/examples/sshd-pam-cognito.conf")
        self.check("which is what the package's example says",
                   re.findall(r"^[A-Z].*$", example, re.M) == text.splitlines(), example)


def follow_each_other(lines, text):
    place = 0
    for line in lines:
        place = text.find(line, place) + len(line)
        if place < len(line):
            return False
    return True


def roots(done):
    """How often `id -u` printed 0."""
    return len(re.findall(r"^0$", done.shown, re.M))


def asked(done):
    """The prompts as words."""
    kinds = (("code", "Code"), ("password", "assword"), ("host key", "yes/no"))
    return [next(kind for kind, word in kinds if word in prompt) for prompt in done.prompts]


def follow_pages(name, person, pages):
    """On a new machine; how many checks held, and how many did not."""
    with BootedMachine(name) as machine:
        test = Test(machine, person)
        try:
            for page in pages:
                page(test)
        except Failed:
            pass  # it was counted
        except Exception:
            test.check("the pages were checked", False, traceback.format_exc())
    return test.passed, test.failed


def main():
    counts = [follow_pages("admin-pages", PERSON, (Test.connect, Test.ssh, Test.desktop, Test.sudo,
                                                   Test.break_glass, Test.logs)),
              follow_pages("fleet", "admin", (Test.fleet,))]
    passed, failed = map(sum, zip(*counts))
    print(f"\n{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
