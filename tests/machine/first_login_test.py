#!/usr/bin/env python3
"""first_login_test.py [SCENE…]: users whom no file of the machine names sign in for the first time, on a booted machine: by ssh in
one connection, on a console; sshd's rules by groups; other programs, keys, races and a damaged file. Closes with
`N passed, N failed`."""

import contextlib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system"), str(HERE.parent / "nss")]

import openssh
from accounts_life_test import CONF, DATABASE, DEBS, FILE, FLEET_KEY, TOTP, account, cognitoctl, doctor, processes, uid_of
from booted import POOL_STATE, BootedMachine
from compromised_test import sshd_setting
from judge import Judge
from residents import LOCAL_PASSWORD, LOCAL_USER, PASSWORD_PROMPT, SHELL, TOTP_PROMPT, add_local_people, console, leave, shell, user_on_console
from setup_test import POOL_CA, setup
from waiting import wait_for

PASSWORD = "Jumping-Jack-11"
READY = r"Your account is ready\. Connect again\."
SSHD = ("/usr/sbin/sshd", "/usr/lib/openssh/sshd-session")


# The pool and the machine.
def create(machine, name, *groups, **attributes):
    named = {f"custom:{key}": value for key, value in attributes.items()}
    return machine.pool.admin("users/create", username=name, password=PASSWORD, groups=["linux-users", *groups], mfa=TOTP,
                              attributes={"email": f"{name}@example.com", "email_verified": "true", **named})


def code(machine):
    return machine.pool.totp(TOTP["totp_secret"])


def forget_codes(machine, user):
    """A code counts once, and tests sign in faster than codes change."""
    machine.pool.forgive(user)


@contextlib.contextmanager
def ssh(machine, user, command="", options=(), between=None):
    """A sign-in by ssh; `between` is called when the code is asked for."""
    forget_codes(machine, user)
    with machine.terminal(*openssh.client(user, command, options=options)) as terminal:
        terminal.answer(PASSWORD_PROMPT, PASSWORD, hidden_as="password")
        terminal.expect(TOTP_PROMPT)
        if between:
            between()
        terminal.send(code(machine), hidden_as="code")
        yield terminal


def signs_in(machine, user, command="id -u; id -nG; pwd", **more):
    """The output of a command in the session, or None if there is no session."""
    with ssh(machine, user, f"echo begin=; {command}; echo =end", **more) as terminal:
        which, match = terminal.expect_any([r"(?s)begin=\r?\n(.*?)=end", READY, r"Permission denied|closed|not allowed"])
        return match.group(1).replace("\r", "").strip() if which == 0 else ("ready" if which == 1 else None)


def is_known(machine, user):
    return machine.run("id", user, check=False).returncode == 0


def records(machine):
    return cognitoctl(machine, "users", "list").stdout


def set_rates(machine, text):
    """The scenes play more first logins than cognitod permits in a minute; only `scanned_names` has the default rates."""
    machine.write("/etc/pam-cognito/cognitod.conf.d/60-rates.conf", text)
    machine.run("systemctl", "reload", "cognitod")


HIGH_RATES = "[limits]\nfirst_logins = 600\nfirst_logins_per_source = 600\n"


# Scenes.
def one_connection(judge, machine):
    with judge.scene("A user whom no file names: password and code, and a shell in the same connection"):
        create(machine, "zoe.new", "linux-admins")
        judge.check("the user is not known before", not is_known(machine, "zoe.new"))
        with machine.terminal(*openssh.client("zoe.new", "echo the-shell")) as terminal:
            terminal.answer(PASSWORD_PROMPT, "wrong", hidden_as="password")
            judge.check("a wrong password is refused", terminal.expect_any([r"Permission denied", r"the-shell"])[0] == 0)
        judge.check("it leaves no trace", not is_known(machine, "zoe.new") and "zoe.new" not in records(machine))
        with ssh(machine, "zoe.new") as terminal:
            terminal.expect(SHELL)
            uid = shell(terminal, "id -u")[0]
            judge.check("the uid is in the range", 1879048192 <= int(uid) <= 2099999999, uid)
            judge.check("the home is made, and the shell is in it", shell(terminal, "pwd; stat -c '%u %a' .")
                        == (f"/home/zoe.new\n{uid} 700", 0), shell(terminal, "pwd; stat -c '%u %a' ."))
            judge.check("the mapped groups count", shell(terminal, "id -nG")[0].split() == ["zoe.new", "sudo", "cognito-users"],
                        shell(terminal, "id -nG"))
            judge.check("sudo through the mapped group", shell(terminal, "sudo -n id -u || sudo -k; true")[1] == 0)
            judge.check("the audit login is the user's", shell(terminal, "cat /proc/self/loginuid")[0] == uid)
            judge.check("the user's service manager runs", wait_for(
                lambda: "active" in machine.run("systemctl", "is-active", f"user@{uid}.service", check=False).stdout))
            leave(terminal)
        judge.check("all programs see the account now", uid_of(machine, "zoe.new") == uid)
        judge.check("it is pinned to the person", account(machine, "zoe.new")["sub"] != "")
        judge.check("the second login is the same", (signs_in(machine, "zoe.new") or "").splitlines()[0] == uid)


def by_console(judge, machine):
    with judge.scene("The first login on a console"):
        create(machine, "carl.new", "linux-admins")
        forget_codes(machine, "carl.new")
        with console(machine, "carl.new", (PASSWORD_PROMPT, PASSWORD), (TOTP_PROMPT, lambda: code(machine))) as terminal:
            judge.check("the shell has the stored uid", shell(terminal, "id -u")[0] == uid_of(machine, "carl.new"))
            judge.check("and the mapped groups", "sudo" in shell(terminal, "id -nG")[0].split())
            judge.check("and is in the home", shell(terminal, "pwd")[0] == "/home/carl.new")
            leave(terminal)


def nobody_else_sees_it(judge, machine):
    """E1: a set-uid program with argv[0] of sshd saw the answer of a prototype."""
    with judge.scene("Other programs get no answer about a name without an account"):
        name = "never.seen"
        script = r"""find / -xdev -type f \( -perm -4000 -o -perm -2000 \) -not -path '/opt/*' 2>/dev/null | sort"""
        programs = machine.run("sh", "-c", script).stdout.split()
        judge.check("the machine has set-uid programs", len(programs) >= 8, programs)
        for program in programs:
            for argv0 in ("sshd", "/usr/sbin/sshd"):
                trial = f"exec -a {argv0} {program} {name} </dev/null"
                done = machine.run("runuser", "-u", LOCAL_USER, "--", "timeout", "5", "bash", "-c", trial, check=False, timeout=20)
                judge.check(f"{argv0} as argv[0] of {program}", "uid=" not in done.stdout, done.stdout)
        asks = f"import os,pwd\ntry: print(pwd.getpwnam('{name}'))\nexcept KeyError: print('absent')"
        for who, argv in (("root", ()), ("a user", ("runuser", "-u", LOCAL_USER, "--"))):
            for argv0 in ("sshd", "/usr/sbin/sshd", "sshd-session"):
                done = machine.run(*argv, "bash", "-c", f"exec -a {argv0} python3 -c \"{asks}\"")
                judge.check(f"python3 of {who} as {argv0}", done.stdout.strip() == "absent", done.stdout)
        done = machine.run("runuser", "-u", LOCAL_USER, "--", "/usr/sbin/sshd", "-T", "-C",
                           f"user={name},host=h,addr=192.0.2.7", check=False)
        judge.check("sshd that a user starts", not is_known(machine, name))
        for program in ("/usr/sbin/unix_chkpwd", "/usr/sbin/mkhomedir_helper"):
            done = machine.run("bash", "-c", f"exec -a sshd {program} {name} nullok </dev/null", check=False)
            judge.check(f"{program}, sshd's child", done.returncode != 0 and not machine.run(
                "test", "-e", f"/home/{name}", check=False).returncode == 0)
        seen = machine.run("/usr/sbin/sshd", "-T", "-C", f"user={name},host=h,addr=192.0.2.7", check=False)
        judge.check("sshd -T by root changes nothing", seen.returncode == 0 and name not in records(machine), seen.stderr)


def keys(judge, machine):
    """E2: a key of a central directory, or a certificate, opened a session without an account."""
    with judge.scene("The first login accepts no key"):
        create(machine, "kim.new")
        machine.run("sh", "-ec", f"mkdir -p /etc/ssh/keys; install -m 0644 {openssh.KEY}.pub /etc/ssh/keys/kim.new; "
                    f"ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/first-ca; "
                    f"ssh-keygen -q -s /etc/ssh/first-ca -I test -n kim.new -V -1h:+1h {openssh.KEY}.pub")
        key = ("ssh", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", openssh.KEY, "kim.new@127.0.0.1", "id -u")
        for name, text in (("a key of a central directory", "AuthorizedKeysFile /etc/ssh/keys/%u\n"),
                           ("a certificate", "TrustedUserCAKeys /etc/ssh/first-ca.pub\n")):
            for state in ("running", "stopped"):
                machine.run("systemctl", "stop" if state == "stopped" else "start", "cognitod")
                with sshd_setting(machine, text):
                    done = machine.run(*key, check=False)
                judge.check(f"{name}, cognitod {state}: refused", done.returncode == 255 and not is_known(machine, "kim.new"),
                            done.stdout + done.stderr)
        machine.run("systemctl", "start", "cognitod")
        with sshd_setting(machine, "UsePAM no\nAuthorizedKeysFile /etc/ssh/keys/%u\n"):
            done = machine.run(*key, check=False)
        judge.check("a key, sshd does not ask PAM: refused", done.returncode == 255 and not is_known(machine, "kim.new"),
                    done.stdout + done.stderr)
        with sshd_setting(machine, "AuthorizedKeysFile /etc/ssh/keys/%u\n"):
            judge.check("the person signs in", (signs_in(machine, "kim.new") or "").endswith("/home/kim.new"))
            done = machine.run(*key, check=False)
            judge.check("then the key counts", done.stdout.strip() == uid_of(machine, "kim.new"), done.stderr)


def rules_by_group(judge, machine):
    """E3: sshd evaluates Match and AllowGroups before the sign-in brings the groups."""
    with judge.scene("sshd decides by groups"):
        machine.run("groupadd", "--force", "sftponly")
        text = machine.read(CONF)
        machine.write(CONF, text.replace("[groups]\n", "[groups]\nsftponly = linux-sftp\n"))
        rules = "Match Group sftponly\n  ForceCommand echo only-files\n"
        create(machine, "sam.files", "linux-sftp")
        create(machine, "pat.plain")
        with sshd_setting(machine, rules):
            first = signs_in(machine, "sam.files")
            judge.check("first login, with a mapped group: connect again", first == "ready", first)
            judge.check("the account is stored", is_known(machine, "sam.files"))
            with ssh(machine, "sam.files", "echo the-shell") as terminal:
                judge.check("then the rule counts", terminal.expect_any([r"only-files", r"the-shell"])[0] == 0)
            judge.check("first login without a mapped group: one connection", (signs_in(machine, "pat.plain") or "").endswith("/home/pat.plain"))
            machine.pool.admin("users/update", username="pat.plain", groups=["linux-users", "linux-sftp"])
            gained = signs_in(machine, "pat.plain")
            judge.check("a gained group: connect again", gained == "ready", gained)
            with ssh(machine, "pat.plain", "echo the-shell") as terminal:
                judge.check("then the rule counts", terminal.expect_any([r"only-files", r"the-shell"])[0] == 0)
            machine.pool.admin("users/update", username="pat.plain", groups=["linux-users"])
            lost = signs_in(machine, "pat.plain")
            judge.check("a lost group: connect again", lost == "ready", lost)
            judge.check("then no rule counts", (signs_in(machine, "pat.plain") or "").endswith("/home/pat.plain"))
            judge.check("a refusal after a right sign-in is no failure for fail2ban", not any(
                "authentication failure" in str(line.get("MESSAGE")) and "pat.plain" in line["MESSAGE"] for line in machine.journal(judge.cursor)))
            # The library answers in each process, but does not know this one as sshd.
            with_map = machine.read(CONF)
            machine.write(CONF, with_map.replace("[accounts]\n", "[accounts]\nsshd = /nowhere/sshd\n"))
            machine.pool.admin("users/update", username="pat.plain", groups=["linux-users", "linux-sftp"])
            gained = signs_in(machine, "pat.plain")
            judge.check("a gained group in another sshd: connect again", gained == "ready", gained)
            machine.pool.admin("users/update", username="pat.plain", groups=["linux-users"])
            signs_in(machine, "pat.plain")
            machine.write(CONF, with_map)
            # The person opens a connection, gains the group by another, and goes on in the first one.
            machine.pool.admin("users/update", username="pat.plain", groups=["linux-users", "linux-sftp"])
            second = []
            with ssh(machine, "pat.plain", "echo the-shell", between=lambda: second.append(signs_in(machine, "pat.plain"))) as terminal:
                which = terminal.expect_any([READY, r"the-shell", r"Permission denied|closed"])[0]
            judge.check("a connection from before the change gets no shell", second == ["ready"] and which != 1, (second, which))
        machine.write(CONF, text)
        create(machine, "max.mapped", "linux-admins")
        judge.check("a member of a mapped group signs in", (signs_in(machine, "max.mapped") or "").endswith("/home/max.mapped"))
        with sshd_setting(machine, rules):
            # The positions of the groups in the accounts file stay the same.
            exchanged = text.replace("sudo = linux-admins", "sftponly = linux-admins")
            exchange = lambda: (machine.write(CONF, exchanged), cognitoctl(machine, "users", "add", "ex.change"))
            got = signs_in(machine, "max.mapped", between=exchange)
            judge.check("another mapping of groups while the code is asked for: connect again", got == "ready", got)
        machine.write(CONF, text.replace("[groups]\n", "[groups]\nsftponly = linux-sftp\n"))
        machine.run("mkdir", "-p", "/etc/ssh/more rules")
        machine.write("/etc/ssh/more rules/one.conf", rules)
        create(machine, "quinn.quoted", "linux-sftp")
        with sshd_setting(machine, 'Include "/etc/ssh/more rules/*.conf"\n'):
            got = signs_in(machine, "quinn.quoted")
            judge.check("a rule of a file that is included with quotes: connect again", got == "ready", got)
        create(machine, "ann.allowed")
        with sshd_setting(machine, "AllowGroups cognito-users root\n"):
            judge.check("AllowGroups of the group of every user: one connection",
                        (signs_in(machine, "ann.allowed") or "").endswith("/home/ann.allowed"))
        create(machine, "den.denied", "linux-sftp")
        with sshd_setting(machine, "DenyGroups sftponly\n"):
            judge.check("DenyGroups: the first login is no session", signs_in(machine, "den.denied") == "ready")
            judge.check("and the second is refused", refused(machine, "den.denied"))
        create(machine, "pri.vate")
        with sshd_setting(machine, "AllowGroups pri.vate\n"):
            judge.check("AllowGroups of the private group: one connection", (signs_in(machine, "pri.vate") or "").endswith("/home/pri.vate"))
        machine.write(CONF, text)


def refused(machine, user):
    """sshd refuses the user before the sign-in, so no code is asked for."""
    with machine.terminal(*openssh.client(user, "echo the-shell")) as terminal:
        terminal.answer(PASSWORD_PROMPT, PASSWORD, hidden_as="password")
        return terminal.expect_any([r"Permission denied|closed", r"the-shell", TOTP_PROMPT])[0] == 0


def by_program(machine, user, *argv):
    """The first login by a program that starts ssh itself; its exit status."""
    forget_codes(machine, user)
    with machine.terminal("env", "GIT_SSH_COMMAND=ssh " + " ".join(SSH_OPTIONS), *argv) as terminal:
        terminal.answer(PASSWORD_PROMPT, PASSWORD, hidden_as="password")
        terminal.answer(TOTP_PROMPT, code(machine), hidden_as="code")
        return terminal.finish()


SSH_OPTIONS = ("-o", "PreferredAuthentications=keyboard-interactive", "-o", "NumberOfPasswordPrompts=1")


def other_programs(judge, machine):
    with judge.scene("The first login by scp, sftp, rsync and git"):
        machine.write("/root/file", "content\n")
        machine.write("/root/batch", "put /root/file\n")
        host = "@127.0.0.1"
        for name, argv in (
                ("scp", ("scp", *SSH_OPTIONS, "/root/file", "copy.scp" + host + ":")),
                ("sftp", ("sftp", *SSH_OPTIONS, "-o", "BatchMode=no", "-b", "/root/batch", "copy.sftp" + host)),
                ("rsync", ("rsync", "-e", "ssh " + " ".join(SSH_OPTIONS), "/root/file", "copy.rsync" + host + ":"))):
            user = f"copy.{name}"
            create(machine, user)
            judge.check(f"{name} ends well", by_program(machine, user, *argv) == 0)
            judge.check("the file is in the new home", machine.run("cat", f"/home/{user}/file", check=False).stdout == "content\n")
            judge.check("and is the user's", machine.run("stat", "-c", "%U %a", f"/home/{user}").stdout.split() == [user, "700"])
        create(machine, "git.user")
        machine.run("sh", "-ec", "git init --quiet --bare /srv/project && chmod -R a+rX /srv/project && git config --system safe.directory '*'")
        judge.check("git clone ends well", by_program(machine, "git.user", "git", "clone", f"ssh://git.user{host}/srv/project", "/root/clone") == 0)

    with judge.scene("Many sessions in one connection, and many connections"):
        create(machine, "editor.user")
        control = ("-o", "ControlPath=/root/control")
        with ssh(machine, "editor.user", options=("ControlMaster=yes", "ControlPath=/root/control")) as terminal:
            terminal.expect(SHELL)
            uid = shell(terminal, "id -u")[0]
            with judge.side_by_side() as start:
                def one_more(judge, number):
                    done = machine.run("ssh", *control, "editor.user@127.0.0.1", "id -u", check=False)
                    judge.check(f"session {number} of the connection", done.stdout.strip() == uid, done.stderr)
                for number in range(8):
                    start(one_more, number)
            cognitoctl(machine, "users", "lock", "editor.user", "--terminate")
            judge.check("users lock --terminate ends the shells", wait_for(lambda: not processes(machine, "editor.user")))
            done = machine.run("ssh", *control, "-o", "BatchMode=yes", "editor.user@127.0.0.1", "id -u", check=False)
            judge.check("and opens no more session in the connection", done.returncode != 0 and uid not in done.stdout, done.stdout)
        cognitoctl(machine, "users", "unlock", "editor.user")


def races(judge, machine):
    with judge.scene("The account changes while the code is asked for"):
        create(machine, "ron.race")
        other = "1999999999"
        got = signs_in(machine, "ron.race", between=lambda: cognitoctl(machine, "users", "add", "ron.race", "--uid", other))
        judge.check("another uid: no session", got is None or got == "ready", got)
        judge.check("no process has the uid that sshd had", not processes(machine, "ron.race"))
        judge.check("the next login has the stored one", (signs_in(machine, "ron.race") or "").splitlines()[:1] == [other])
        create(machine, "rex.race")
        saved = machine.run("sha256sum", FILE).stdout
        damage = lambda: machine.run("sh", "-c", f"cp -p {FILE} /root/good && printf X | dd of={FILE} bs=1 seek=9 conv=notrunc status=none")
        got = signs_in(machine, "rex.race", between=damage)
        judge.check("a file that is damaged meanwhile: repaired by the sign-in, or refused",
                    got is None or got.splitlines()[0] == uid_of(machine, "rex.race"), got)
        machine.run("systemctl", "restart", "cognitod-accounts.service")
        create(machine, "tom.twice")
        second = []
        with ssh(machine, "tom.twice", "id -u", between=lambda: second.append(signs_in(machine, "tom.twice", "id -u"))) as terminal:
            # The code of the other connection was used.
            which, match = terminal.expect_any([r"\n(\d+)\r?\n", r"Permission denied|closed"])
        judge.check("two first logins at once: one uid", second == [uid_of(machine, "tom.twice")] and
                    (which == 1 or match.group(1) == second[0]), (second, which))
        judge.check("the file is in order", is_known(machine, "zoe.new") and saved)


def uids_of_the_pool(judge, machine):
    """The uid is known after the sign-in only, so sshd has another one in the first connection."""
    with judge.scene("uid_attribute"):
        text = machine.read(CONF)
        machine.write(CONF, text.replace("[accounts]\n", "[accounts]\nuid_attribute = custom:uid\n"))
        create(machine, "una.pool", "linux-admins", uid="1900000001")
        create(machine, "nil.pool")
        create(machine, "low.pool", uid="1000")
        create(machine, "two.pool", uid="1900000001")
        first = signs_in(machine, "una.pool")
        judge.check("the first login ends: connect again", first == "ready", first)
        judge.check("the account has the uid of the pool", uid_of(machine, "una.pool") == "1900000001")
        judge.check("no home of another uid was made", machine.run("test", "-e", "/home/una.pool", check=False).returncode == 1)
        second = signs_in(machine, "una.pool") or ""
        judge.check("the second login has it", second.splitlines()[:1] == ["1900000001"], second)
        for name, why in (("nil.pool", "no uid"), ("low.pool", "a uid outside the range"), ("two.pool", "another user's uid")):
            judge.check(f"{why}: no account", signs_in(machine, name) is None and not is_known(machine, name))
        create(machine, "con.pool", uid="1900000002")
        forget_codes(machine, "con.pool")
        with console(machine, "con.pool", (PASSWORD_PROMPT, PASSWORD), (TOTP_PROMPT, lambda: code(machine))) as terminal:
            judge.check("a console has it at once", shell(terminal, "id -u")[0] == "1900000002")
            leave(terminal)
        machine.write(CONF, text)


def damaged_record(judge, machine):
    """E22: with one byte of a record damaged, the name was unknown, and got another uid."""
    with judge.scene("A damaged file proves no absence"):
        uid = uid_of(machine, "zoe.new")
        machine.run("systemctl", "stop", "cognitod-accounts.service", "cognitod-accounts.socket")
        machine.run("cp", "-p", FILE, "/root/good")
        machine.run("python3", "-c", f"f=open('{FILE}','r+b'); d=f.read(); i=d.index(b'zoe.new'); f.seek(i); f.write(b'zoE')")
        judge.check("the user is not known", not is_known(machine, "zoe.new"))
        judge.check("and gets no other account", refused(machine, "zoe.new"))
        create(machine, "new.comer")
        machine.run("rm", FILE)
        judge.check("without the file nobody gets one", refused(machine, "new.comer"))
        machine.run("sh", "-c", f"cp -p /root/good {FILE}")
        machine.run("systemctl", "start", "cognitod-accounts.socket")
        judge.check("with the file back the uid is the same", uid_of(machine, "zoe.new") == uid)


def refused_names(judge, machine):
    with judge.scene("Names that get no account"):
        for name in ("postgres", "plain", "www-data", LOCAL_USER):
            judge.check(f"{name} is refused", refused(machine, name))
        create(machine, "gone.user")
        judge.check("gone.user signs in", (signs_in(machine, "gone.user") or "").endswith("gone.user"))
        uid = uid_of(machine, "gone.user")
        machine.run("loginctl", "terminate-user", "gone.user", check=False)
        wait_for(lambda: not processes(machine, "gone.user"))
        cognitoctl(machine, "users", "remove", "gone.user", "--yes")
        judge.check("a removed name gets no account by itself", signs_in(machine, "gone.user") is None and not is_known(machine, "gone.user"))
        cognitoctl(machine, "users", "add", "gone.user", "--uid", uid)
        create(machine, "out.sider")
        machine.pool.admin("users/update", username="out.sider", groups=[])
        judge.check("a person outside allow_groups leaves no trace", signs_in(machine, "out.sider") is None
                    and not is_known(machine, "out.sider"))


def scanned_names(judge, machine):
    with judge.scene("A scan of names that match"):
        set_rates(machine, "")
        names = [f"scan.name{number}" for number in range(30)]
        before = machine.run("sha256sum", FILE, "/etc/passwd", "/etc/group").stdout

        def scan(_, some):
            for name in some:
                with machine.terminal(*openssh.client(name, "echo the-shell")) as terminal:
                    terminal.answer(PASSWORD_PROMPT, "wrong", hidden_as="password")
                    judge.check(f"{name} is refused", terminal.expect_any([r"Permission denied", r"the-shell"])[0] == 0)

        with judge.side_by_side() as start:
            for part in range(5):
                start(scan, names[part::5])
            judge.check("a user with an account signs in meanwhile", (signs_in(machine, "zoe.new") or "").endswith("/home/zoe.new"))
        lines = [line["MESSAGE"] for line in machine.journal(judge.cursor, "_SYSTEMD_UNIT=cognitod.service") if "scan.name" in line["MESSAGE"]]
        refused_here = [line for line in lines if "(first-login-limit)" in line]
        judge.check("the pool is asked for 20 names in a minute at most", len(lines) == 30 and len(refused_here) >= 10, lines)
        judge.check("no name leaves a trace", machine.run("sha256sum", FILE, "/etc/passwd", "/etc/group").stdout == before
                    and "scan.name" not in records(machine))
        set_rates(machine, HIGH_RATES)
        own = [line["MESSAGE"] for line in machine.journal(judge.cursor) if "pam_cognito(sshd:auth)" in str(line.get("MESSAGE"))]
        for name in names:
            line = f"pam_cognito(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=127.0.0.1  user={name}"
            judge.check(f"the line for fail2ban about {name}", own.count(line) == 1, own)


def local_users(judge, machine):
    with judge.scene("Local users and root"):
        judge.check("a local user logs in", user_on_console(machine, LOCAL_USER, LOCAL_PASSWORD))


SCENES = [one_connection, by_console, nobody_else_sees_it, keys, rules_by_group, other_programs, races, uids_of_the_pool, damaged_record, refused_names, scanned_names, local_users]


def main():
    with BootedMachine("first-login", ("git", "rsync")) as machine:
        judge = Judge(machine)
        add_local_people(machine)
        machine.write(POOL_CA, machine.read(f"{POOL_STATE}/ca.pem"))
        machine.install_debs(*DEBS)
        openssh.prepare(machine)
        done = setup(machine, "--accounts", "*.*", "--sudo-group", "linux-admins", "--yes")
        judge.check("one command sets the machine up", done.returncode == 0, done.stdout + done.stderr)
        machine.run("systemctl", "restart", "ssh")
        set_rates(machine, HIGH_RATES)
        judge.play(SCENES)
        judge.close()


if __name__ == "__main__":
    main()
