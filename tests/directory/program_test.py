#!/usr/bin/env python3
"""program_test.py LIBRARY ACCOUNTS DIRECTORY PROBE COGNITOCTL: cognitod-directory and cognitod-accounts --lists as they are
shipped, against a user pool and a metadata service of the test, which check each signature."""

import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests/nss"), str(REPO / "tests/packaging"), str(REPO / "tests/accounts"), str(REPO / "tests/directory")]

import cloud  # noqa: E402  (needs the path above)
import private_machine  # noqa: E402
import signature  # noqa: E402
from cloud import error, good, user  # noqa: E402
from private_machine import CONF, DEFAULT_CONF, write  # noqa: E402
from report import Report  # noqa: E402
from service_test import Service  # noqa: E402

COGNITOD, DIRECTORY, NOBODY = 990, 991, 65534
SOCKET = pathlib.Path("/run/pam-cognito-directory/socket")
PATIENCE = 60  # seconds; only a failing test waits so long
PART = struct.Struct("=IHH32s56s128sIIIIII512s")
BEGIN, GROUP, USER, END = 1, 2, 3, 4
TAKEN, FAILED, USAGE, HELD = 0, 1, 2, 3


class Lists(Service):
    """cognitod-accounts --lists."""

    def __init__(self, program):
        super().__init__(program, "--lists", idle=600, path=SOCKET)

    def has_lines(self, count):
        until = time.monotonic() + PATIENCE
        while self.text().count("\n") < count:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return "malformed" in self.text().splitlines()[count - 1]


class Machine:
    def __init__(self, programs):
        self.accounts, self.directory, self.probe, self.cognitoctl = programs
        self.pool = cloud.UserPool()
        self.metadata = cloud.Metadata()
        self.configure()

    def configure(self, extra="", pool_extra="", access=""):
        conf = DEFAULT_CONF.replace("[groups]", "names = *.*\n[groups]")
        write(CONF, f"{conf}{extra}[directory]\ngroups = linux-users linux-admins\nmetadata = {self.metadata.url}\n".encode())
        write(CONF.with_name("cognitod.conf"), f"[pool]\nregion = {cloud.REGION}\nuser_pool_id = {cloud.POOL}\nclient_id = abc\n"
              f"endpoint = {self.pool.url}\n{pool_extra}[access]\nallow_groups = linux-users\n{access}".encode())

    def run(self, *options, uid=DIRECTORY, credentials=None, environment=None):
        """(exit status, log) of the program as its own user."""
        values = {"PATH": "/usr/bin", **(environment or {})}
        if credentials:
            values["CREDENTIALS_DIRECTORY"] = credentials

        def become():
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)

        done = subprocess.run([self.directory, *options], stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                              preexec_fn=become, env=values, timeout=PATIENCE * 2)
        return done.returncode, done.stderr

    def known(self):
        done = subprocess.run([self.probe, "/", "export"], capture_output=True, text=True, check=True)
        return {one["name"]: one for one in json.loads(done.stdout)["accounts"]}

    def calls_of(self, function):
        self.pool.calls.clear()
        function()
        return self.pool.calls


def members(*names, **options):
    return [user(name, email=f"{name}@example.com", email_verified="true", **options) for name in names]


def check_first_list(report, machine):
    pool = machine.pool
    pool.groups = {"linux-users": members("ann.ex", "bob.ex", "cyd.ex", "dan.ex", "eve.ex"),
                   "linux-admins": members("ann.ex") + [user("off.ex", enabled=False)]}
    with Lists(machine.accounts) as lists:
        status, log = machine.run()
        report.equal("the first list is taken", (status, log.count("<6>")), (TAKEN, 1))
        report.equal("each request is signed", pool.faults, [])
        report.equal("the service is asked for a session, the role and its credentials", machine.metadata.calls,
                     ["PUT /latest/api/token", "GET /latest/meta-data/iam/security-credentials/",
                      f"GET /latest/meta-data/iam/security-credentials/{cloud.ROLE}"])
        report.equal("each page is read", [call.get("NextToken") for call in pool.calls], [None, "2", "4", None])
        report.check("with the pool's largest page", all(call["Limit"] == 60 for call in pool.calls), pool.calls)
        known = machine.known()
        report.equal("each enabled member has an account", sorted(known), ["ann.ex", "bob.ex", "cyd.ex", "dan.ex", "eve.ex"])
        report.equal("pinned to the person", (known["ann.ex"]["sub"], known["ann.ex"]["pool"]), ("sub-of-ann.ex", cloud.POOL))
        report.equal("with the groups", known["ann.ex"]["cognito_groups"], ["linux-admins", "linux-users"])
        found = subprocess.run(["getent", "passwd", "ann.ex"], capture_output=True, text=True)
        report.check("libnss_cognitod finds the user", found.stdout.startswith("ann.ex:*:"), found)
        status, log = machine.run()
        report.check("the next list changes nothing", status == TAKEN and lists.wait_for("was taken, 0 accounts changed"), log)
        pool.groups["linux-users"] = members("ann.ex", "bob.ex", "cyd.ex") + [user("dan.ex", enabled=False)]
        report.equal("a user is disabled, one leaves", machine.run()[0], TAKEN)
        known = machine.known()
        report.equal("both are locked", [name for name, one in known.items() if one["locked_by"] == "pool"], ["dan.ex", "eve.ex"])
        pool.groups["linux-users"] = members("ann.ex", "bob.ex", "cyd.ex", "dan.ex", "eve.ex")
        report.equal("both return", (machine.run()[0], [one for one in machine.known().values() if one["locked_by"]]), (TAKEN, []))
        report.check("no e-mail address is stored", b"example.com" not in pathlib.Path("/var/lib/pam-cognito-accounts-db/accounts.db").read_bytes(), "")


def check_credentials(report, machine):
    folder = pathlib.Path("/run/credentials-of-test")
    folder.mkdir(mode=0o755)
    key_id = "AKIAEXAMPLEKEYOFFILE"
    (folder / "aws").write_text(f"# of the file\n[other]\naws_access_key_id = X\n[default]\naws_access_key_id = {key_id}\n"
                                f"aws_secret_access_key={cloud.KEYS[key_id]}\n")
    machine.metadata.calls.clear()
    with Lists(machine.accounts):
        report.equal("the credentials of a file count", machine.run(credentials=str(folder))[0], TAKEN)
        report.equal("and the service is not asked", machine.metadata.calls, [])
        report.equal("without a token the request is signed, too", machine.pool.faults, [])
        for name, text in {"an empty file": "", "no key": f"[default]\naws_access_key_id = {key_id}\n",
                           "a line without =": "[default]\nx\n", "a key with a blank": f"[default]\naws_access_key_id = {key_id}\n"
                           "aws_secret_access_key = a b\n", "too large a file": "#" * 70000}.items():
            (folder / "aws").write_text(text)
            status, log = machine.run(credentials=str(folder))
            report.check(f"no list with {name}", status == FAILED and "nothing was changed" in log, log)
        metadata = machine.metadata
        whole = metadata.credentials()

        def without(**values):
            return 200, json.dumps(whole | values).encode(), {}

        for name, broken in {
            "no service": {"token": (403, b"", {})},
            "a session with a line end": {"token": (200, b"a\r\nX: y", {})},
            "no role": {"security-credentials/": (404, b"", {})},
            "two roles": {"security-credentials/": (200, b"a\nb", {})},
            "a role with a slash": {"security-credentials/": (200, b"../x", {})},
            "no JSON": {cloud.ROLE: (200, b"<html>", {})},
            "a failed role": {cloud.ROLE: without(Code="Failed")},
            "expired credentials": {cloud.ROLE: without(Expiration="2020-01-01T00:00:00Z")},
            "a malformed time": {cloud.ROLE: without(Expiration="tomorrow")},
            "no token": {cloud.ROLE: without(Token="")},
            "a token with a line end": {cloud.ROLE: without(Token="a\r\nX-Evil: 1")},
            "a key's id with a slash": {cloud.ROLE: without(AccessKeyId="A/B")},
            "a huge answer": {cloud.ROLE: (200, b" " * 100_000, {})},
            "a redirection": {"token": (302, b"", {"Location": machine.pool.url})},
        }.items():
            metadata.broken = broken
            calls = machine.calls_of(lambda: report.check(f"no list with {name}", machine.run()[0] == FAILED, ""))
            report.equal("and the pool is not asked", calls, [])
        metadata.broken = {}
        for url in ("http://192.0.2.1", "http://example.com", "https://127.0.0.1", "http://169.254.169.254:81", "nonsense"):
            write(CONF, CONF.read_bytes() + f"[directory]\nmetadata = {url}\n".encode())
            status, log = machine.run()
            report.check(f"{url} is no metadata service", status == FAILED and "`metadata`" in log, log)
        machine.configure()
        report.equal("no proxy of the environment counts", machine.run(environment={"http_proxy": "http://127.0.0.1:9"})[0], TAKEN)


def check_faults(report, machine):
    pool = machine.pool
    with Lists(machine.accounts) as lists:
        before = machine.known()
        pool.answers = [error("TooManyRequestsException")] * 2
        report.equal("throttled twice, then a list", machine.run()[0], TAKEN)
        pool.always = lambda *_: error("TooManyRequestsException")
        status, log = machine.run("--time", "2")
        report.check("throttled for ever: no list", status == FAILED and "TooManyRequestsException" in log, log)
        pool.groups["linux-admins"] = []
        pool.always = None
        ok = [good({"Users": members("ann.ex", "bob.ex"), "NextToken": "2"})]
        for name, answers in {
            "refused": [error("AccessDeniedException")],
            "an expired token": [error("ExpiredTokenException")],
            "no such group": [error("ResourceNotFoundException")],
            "the second page refused": ok + [error("InvalidParameterException")],
            "no JSON": [good(b"<html>")],
            "an array": [good(b"[]")],
            "no users": [good({})],
            "users that are no list": [good({"Users": {}})],
            "a user that is no object": [good({"Users": [1]})],
            "a repeated key": [good(b'{"Users":[],"Users":[]}')],
            "JSON that is cut": [good(b'{"Users":[')],
            "a deep page": [good(b'{"Users":' + b"[" * 100_000)],
            "61 users": [good({"Users": members(*(f"u{i}.ex" for i in range(61)))})],
            "no sub": [good({"Users": [{"Username": "x.ex", "Enabled": True, "Attributes": []}]})],
            "a sub with a blank": [good({"Users": [user("x.ex", sub="a b")]})],
            "a long sub": [good({"Users": [user("x.ex", sub="a" * 129)]})],
            "no username": [good({"Users": [{"Enabled": True, "Attributes": [{"Name": "sub", "Value": "s"}]}]})],
            "enabled as a text": [good({"Users": [user("x.ex", enabled="false")]})],
            "no enabled": [good({"Users": [{"Username": "x.ex", "Attributes": [{"Name": "sub", "Value": "s"}]}]})],
            "one sub, two names": [good({"Users": [user("x.ex", sub="s"), user("y.ex", sub="s")]})],
            "the same NextToken": ok + ok,
            "a huge NextToken": [good({"Users": [], "NextToken": "x" * 200_000})],
            "a huge page": [good(b" " * (17 << 20))],
            "a redirection": [(302, b"", {"Location": machine.metadata.url})],
            "malformed UTF-8": [good(b'{"Users":[{"Username":"\xff"}]}')],
        }.items():
            pool.answers = list(answers)
            status, log = machine.run()
            report.check(f"no list: {name}", status == FAILED and log.startswith("<3>No list") and log.count("\n") == 1, log)
        pool.answers = []
        pool.always = lambda call, number: good({"Users": members(f"n{number}.ex"), "NextToken": str(number)})
        report.equal("endless pages: no list", machine.run("--time", "2")[0], FAILED)
        pool.always = None
        report.equal("none of that changed an account", machine.known(), before)
        report.equal("or reached cognitod-accounts", lists.text().count("\n"), 1)
    report.equal("without cognitod-accounts no list", machine.run()[0], FAILED)
    report.equal("root does not run it", machine.run(uid=0)[0], FAILED)
    for options in (["x"], ["--time"], ["--time", "0"], ["--time", "3601"], ["--time", "x"]):
        report.equal(f"usage: {options}", machine.run(*options)[0], USAGE)
    machine.configure(access="identity = pinned\n")
    report.equal("identity = pinned has no list", machine.run()[0], FAILED)
    machine.configure()


def check_names(report, machine):
    pool = machine.pool
    keep = members("ann.ex", "bob.ex", "cyd.ex", "dan.ex", "eve.ex")
    odd = ["root", "docker", "Fay.Ex", "gil ex", "../x", "hal.ex\n", "ina.ex:x", "jo\u0308rg.ex", "x" * 128, "-kim.ex", "sudo", "plain",
           "\u212am.ex", "$(id).ex"]
    pool.groups = {"linux-users": keep + [user(name, sub=f"odd-{i}") for i, name in enumerate(odd)], "linux-admins": []}
    with Lists(machine.accounts) as lists:
        status, log = machine.run()
        report.equal("odd names do not keep the others out", status, TAKEN)
        report.equal("and get no account", sorted(machine.known()), [one["Username"] for one in keep])
        report.check("the number is logged", "10 others without a Linux name" in log, log)
        report.check("as are the names of packages", "name-not-permitted: docker" in lists.text(), lists.text())
        machine.configure(access="cognito_username = %u@example.com\nidentity = email\ncase_sensitive = no\n")
        by_mail = [user(f"uuid-{name}", sub=f"sub-of-{name}", email=f"{name}@Example.com", email_verified="true")
                   for name in ("ann.ex", "Bob.ex", "cyd.ex", "dan.ex", "eve.ex")]
        by_mail[1] = user("uuid-2", sub="sub-of-bob.ex", email="Bob.Ex@example.com", email_verified="true")
        by_mail += [user("uuid-3", email="new.ex@example.com", email_verified="false"), user("uuid-4", email="new2.ex@evil.com",
                    email_verified="true"), user("uuid-5")]
        pool.groups["linux-users"] = by_mail
        status, log = machine.run()
        report.check("names follow from verified addresses", status == TAKEN and "5 users in" in log and "3 others" in log, log)
        report.equal("and are the same accounts", sorted(machine.known()), ["ann.ex", "bob.ex", "cyd.ex", "dan.ex", "eve.ex"])
        report.check("no address is stored", b"example.com" not in pathlib.Path("/var/lib/pam-cognito-accounts-db/accounts.db").read_bytes(), "")
        machine.configure()


def check_held(report, machine):
    pool = machine.pool
    names = [f"m{i}.ex" for i in range(20)]
    pool.groups = {"linux-users": members("ann.ex", "bob.ex", "cyd.ex", "dan.ex", "eve.ex", *names), "linux-admins": []}

    def directory(*words):
        done = subprocess.run([machine.cognitoctl, "--json", "directory", *words], capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout or "null")

    with Lists(machine.accounts) as lists:
        report.equal("25 users", machine.run()[0], TAKEN)
        status, found = directory("status")
        report.equal("status: nothing is held", (status, found["users"], found["held"], found["groups"]),
                     (0, 25, False, ["linux-users", "linux-admins"]))
        pool.groups["linux-users"] = members("ann.ex", "bob.ex") + [user("m1.ex", enabled=False)]
        status, log = machine.run()
        report.check("22 of 25 leave: the list is held back", status == HELD and "directory status" in log, (status, log))
        report.check("with a line for the administrator", "<3>The list is held back: 22 of 25" in lists.text(), lists.text())
        locked = [name for name, one in machine.known().items() if one["locked_by"]]
        report.equal("the disabled user alone is locked", locked, ["m1.ex"])
        status, found = directory("status")
        report.equal("status shows who would be locked", (found["held"], len(found["gone"])), (True, 22))
        status, found = directory("accept")
        report.equal("accepted", (status, found["changed"], len(found["locked"])), (0, True, 22))
        report.equal("22 are locked now", sum(1 for one in machine.known().values() if one["locked_by"]), 23)
        report.equal("once", directory("accept")[1]["changed"], False)
        report.equal("and the next list is taken", machine.run()[0], TAKEN)


def part(kind, name="", pool="", sub="", has_uid=0, uid=0, enabled=0, groups=0, count=0, zero=0, group="", magic=0x736c6361, version=1):
    return PART.pack(magic, version, kind, name.encode(), pool.encode(), sub.encode(), has_uid, uid, enabled, groups, count, zero,
                     group.encode())


def list_of(*users, pool=cloud.POOL, groups=("linux-users", "linux-admins"), count=None):
    return [part(BEGIN, pool=pool), *(part(GROUP, group=group) for group in groups), *users,
            part(END, count=len(users) if count is None else count)]


def listed(name, sub=None, enabled=1, groups=1, **values):
    return part(USER, name=name, sub=sub or f"sub-of-{name}", enabled=enabled, groups=groups, **values)


def as_directory(parts, uid=DIRECTORY, path=SOCKET):
    """The answer to raw parts, sent by a process of that uid: (refusal, held), or None."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer = "None"
        try:
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
                peer.settimeout(PATIENCE)
                peer.connect(str(path))
                try:
                    for data in parts:
                        if data is None:
                            os._exit(os.write(writer, b"None") and 0)
                        peer.send(data)
                except OSError:
                    pass
                data = peer.recv(100)
                if data:
                    _, _, refusal, held, _ = struct.unpack("=IHHII", data)
                    answer = repr((refusal, held))
        except OSError as fault:
            answer = "None"
            del fault
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 200).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    return None if answer == "None" else tuple(int(one) for one in answer.strip("()").split(","))


def check_compromised(report, machine):
    """All that a program with the uid of cognitod-directory can do."""
    malformed, bad_configuration = 1, 14
    names = ["ann.ex", "bob.ex"]
    with Lists(machine.accounts) as lists:
        before = machine.known()
        good_user = listed("ann.ex")
        whole = list_of(good_user)
        for name, parts in {
            "an empty message": [b"\0"],
            "0xff": [b"\xff" * PART.size],
            "one byte too many": [whole[0] + b"\0"],
            "one byte too few": [whole[0][:-1]],
            "a user first": [good_user],
            "no groups": [whole[0], good_user],
            "two begins": [whole[0], whole[0]],
            "another number of users": list_of(good_user, count=2),
            "another version": [part(BEGIN, pool=cloud.POOL, version=2)],
            "a name with a NUL inside": list_of(listed("ann\0ex")),
            "a user in no group": list_of(listed("ann.ex", groups=0)),
            "a group that is not there": list_of(listed("ann.ex", groups=4)),
            "enabled 2": list_of(listed("ann.ex", enabled=2)),
            "a uid without has_uid": list_of(listed("ann.ex", uid=1)),
            "a name in upper case": list_of(listed("Ann.Ex")),
            "a name with a slash": list_of(listed("../ann.ex")),
            "a name with a newline": list_of(listed("ann.ex\n")),
            "a person twice": list_of(listed("ann.ex"), listed("ann.ex")),
            "a sub with a blank": list_of(listed("ann.ex", sub="a b")),
            "a pool with a slash": list_of(good_user, pool="../x"),
            "a sign-in of cognitod": [struct.pack("=IHH", 0x71726361, 1, 1).ljust(51440, b"\0")],
        }.items():
            count = lists.text().count("\n")
            # The answer is lost if parts follow that nobody reads.
            report.check(f"refused: {name}", as_directory(parts) in ((malformed, 0), None), "")
            report.check("with a line in the log", lists.has_lines(count + 1), lists.text())
        for name, groups in {"other groups": ["sudo"], "another order": ["linux-admins", "linux-users"],
                             "one more": ["linux-users", "linux-admins", "sudo"]}.items():
            report.equal(f"refused: {name}", as_directory(list_of(good_user, groups=groups)), (bad_configuration, 0))
        report.equal("a list without its end is none", as_directory([*whole[:-1], None]), None)
        report.equal("none of that changed an account", machine.known(), before)
        everybody = [listed(name) for name in names]
        reserved = [listed(name, sub=f"x-{name}") for name in ("root", "sudo", "docker", "postgres", "carol", "libvirt-qemu", "_x.ex",
                                                               "systemd-network", "plain")]
        report.equal("a list with names of others is taken", as_directory(list_of(*everybody, *reserved)), (0, 0))
        report.equal("but for them", sorted(set(machine.known()) - set(before)), [])
        report.equal("a uid of its choice", as_directory(list_of(*everybody, listed("own.ex", has_uid=1, uid=0))), (0, 0))
        made = machine.known()["own.ex"]["uid"]
        report.check("is not used", 1879048192 <= made <= 2099999999, made)
        report.equal("another sub for ann", as_directory(list_of(listed("ann.ex", sub="evil"), listed("bob.ex"))), (0, 0))
        ann = machine.known()["ann.ex"]
        report.equal("does not bind the account", (ann["sub"], ann["locked_by"]), ("sub-of-ann.ex", "pool"))
        report.equal("ann returns", (as_directory(list_of(*everybody)), machine.known()["ann.ex"]["locked_by"]), ((0, 0), ""))
        subprocess.run([machine.probe, "/", "lock", "ann.ex"], check=True)
        report.equal("the administrator's lock", (as_directory(list_of(*everybody)), machine.known()["ann.ex"]["locked_by"]),
                     ((0, 0), "administrator"))
        subprocess.run([machine.probe, "/", "unlock", "ann.ex"], check=True)
        many = [listed(f"c{i}.ex", sub=f"many-{i}") for i in range(500)]
        report.equal("500 users", as_directory(list_of(*everybody, *many)), (0, 0))
        report.equal("all leave at once: held back", as_directory(list_of(listed("ann.ex"))), (0, 1))
        report.check("nobody is locked", not any(one["locked_by"] for name, one in machine.known().items() if name[1].isdigit() and name[0] == "c"), "")
        for uid in (COGNITOD, NOBODY, 1000):
            report.equal(f"uid {uid} gets no answer", as_directory(list_of(*everybody), uid=uid), None)
            report.check("with a line in the log", lists.wait_for(f"Refused a connection of uid {uid}"), lists.text())
        report.check("root may send", as_directory(list_of(*everybody, *many), uid=0) == (0, 0), "")
        report.check("no line of the log is forged", all(line.startswith("<") for line in lists.text().splitlines()), lists.text())
        held = os.listdir(f"/proc/{lists.process.pid}/fd")
        report.check("no descriptor is left", len(held) <= 12, held)


def check_other_socket(report, machine):
    """cognitod-accounts without --lists: the directory's user cannot report a sign-in, nor cognitod a list."""
    import messages
    import service_test
    with service_test.Service(machine.accounts) as service:
        answer = service_test.as_uid(DIRECTORY, messages.request())
        report.check("the directory cannot report a sign-in", answer == "None" or "Broken" in answer or "Reset" in answer, answer)
        report.check("and the log has it", service.wait_for(f"Refused a connection of uid {DIRECTORY}"), service.text())
        # The rest of the list is unread when the service closes the connection, which may take the answer with it.
        before = machine.known()
        answer = as_directory(list_of(listed("own.ex")), uid=COGNITOD, path=messages.SOCKET)
        report.check("cognitod cannot send a list", answer in (None, (1, 0)) and service.wait_for("Refused a malformed request"), answer)
        report.check("and changes no account", machine.known() == before, "")


def prepare():
    """Within the namespace: users, fleet key, and a report."""
    subprocess.run(["sh", "-c", "mount -t tmpfs -o mode=0755 tmpfs /run"], check=True)
    with open("/etc/passwd", "a") as users:
        users.write(f"cognitod:x:{COGNITOD}:{COGNITOD}::/:/usr/sbin/nologin\n"
                    f"cognitod-directory:x:{DIRECTORY}:{DIRECTORY}::/:/usr/sbin/nologin\n")
    write(pathlib.Path("/etc/pam-cognito/fleet.key"), b"00" * 32 + b"\n", 0o600)
    report = Report()
    return report


def main(library_path, *programs):
    private_machine.enter(library_path)
    report = prepare()
    report.equal("the published example of a signature", signature.published_example(), signature.PUBLISHED)
    machine = Machine(programs)
    report.equal("an empty database is made", subprocess.run([machine.probe, "/", "make"]).returncode, 0)
    for check in (check_first_list, check_credentials, check_faults, check_names, check_held, check_compromised, check_other_socket):
        check(report, machine)
    report.close()


if __name__ == "__main__":
    main(*(pathlib.Path(part).resolve() for part in sys.argv[1:6]))
