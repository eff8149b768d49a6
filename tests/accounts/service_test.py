#!/usr/bin/env python3
"""service_test.py LIBRARY PROGRAM PROBE: cognitod-accounts as it is shipped, on a socket that this test passes to it. The
messages are made by hand, from the comments in accounts/message.h."""

import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests/nss"), str(REPO / "tests/packaging")]

import private_machine  # noqa: E402  (needs the path above)
from library import Library  # noqa: E402
from messages import (BAD_CONFIGURATION, DAMAGED, HEAD, LOCK, LOCKED, MALFORMED, PATIENCE, SIZE, SOCKET, SUB_DIFFERS,  # noqa: E402
                      UNKNOWN, UNLOCK, MAGIC, ask, connect, received, request)
from private_machine import CONF, DEFAULT_CONF, FILE, write  # noqa: E402
from report import Report  # noqa: E402

COGNITOD, NOBODY = 990, 65534
KEYS = pathlib.Path("/var/lib/pam-cognito-accounts/keys")

class Service:
    """The program, as systemd starts it: the listening socket is descriptor 3."""

    def __init__(self, program, *options, idle=60, path=SOCKET):
        path = pathlib.Path(path)
        path.parent.mkdir(mode=0o755, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        os.chmod(path, 0o666)  # the program checks the peer, whatever the mode is
        self._listener.listen(300)
        self.log = open(f"/run/{path.parent.name}.log", "w+")
        number = self._listener.fileno()
        self.process = subprocess.Popen(
            ["sh", "-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@"', str(program), "--idle", str(idle), *options],
            pass_fds=(3,), preexec_fn=lambda: os.dup2(number, 3), stderr=self.log, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin"})

    def text(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def wait_for(self, text):
        until = time.monotonic() + PATIENCE
        while text not in self.text():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self._listener.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def as_uid(uid, data):
    """The same in a process of another uid."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.write(writer, repr(ask(data)).encode())
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 200).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    return answer


def check_changes(report, program, library):
    with Service(program) as service:
        first = ask(request(groups=["linux-admins"]))
        report.check("a first sign-in makes the account, with its local group", first[0] == 0 and first[2] == 3, first)
        uid = first[1]
        found = library.getpwnam(b"zoe.new")
        report.check("libnss_cognitod finds it", found[0] == 1 and str(uid) in str(found), (uid, found))
        report.equal("the next sign-in changes nothing", ask(request(groups=["linux-admins"])), (0, uid, 0))
        report.equal("lost groups are reported", ask(request()), (0, uid, 3))
        report.equal("another sub is refused", ask(request(sub="sub-2")), (SUB_DIFFERS, 0, 0))
        report.equal("another pool is refused", ask(request(pool="eu-west-1_Other")), (SUB_DIFFERS, 0, 0))
        report.equal("an unknown account cannot be locked", ask(request("bob.new", LOCK)), (UNKNOWN, 0, 0))
        report.equal("a lock is stored", ask(request(change=LOCK)), (0, uid, 1))
        report.equal("the same lock changes nothing", ask(request(change=LOCK)), (0, uid, 0))
        report.equal("a locked account is refused", ask(request()), (LOCKED, 0, 0))
        report.equal("the pool takes its lock back", ask(request(change=UNLOCK)), (0, uid, 1))
        # As cognitod reports a disabled user.
        with connect() as peer:
            peer.send(request(change=LOCK))
        report.equal("a sender that has gone has its request stored before the next one", ask(request()), (LOCKED, 0, 0))
        report.equal("and taken back", ask(request(change=UNLOCK)), (0, uid, 1))
        report.equal("and the user signs in", ask(request()), (0, uid, 0))
        text = service.text()
        report.equal("each refusal is one line", text.count("<3>"), 4)
        report.check("with the account and the reason", "<3>sign-in of zoe.new refused, sub-differs: zoe.new belongs" in text, text)


def check_keys(report, program):
    key, keys = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr", CONF.read_bytes()
    with Service(program):
        report.equal("without the setting, keys are no reason to refuse", ask(request("keys.user", sub="sub-k", keys=key))[0], 0)
        report.check("and are not written", not KEYS.exists(), "")
    write(CONF, keys.replace(b"[groups]", b"ssh_keys_attribute = custom:ssh_keys\n[groups]"))
    with Service(program) as service:
        _, uid, _ = ask(request("keys.user", sub="sub-k", keys=key + b" laptop\ncommand=\"id\" " + key))
        path = KEYS / str(uid)
        text = path.read_text().splitlines()
        report.check("with it, a sign-in writes them", len(text) == 2 and text[1].endswith(key.decode()), text)
        report.equal("whatever the umask is", [oct(one.stat().st_mode & 0o7777) for one in (KEYS, path)], ["0o755", "0o644"])
        report.check("the log has the fingerprint and the fault", "<5>SSH keys of keys.user: SHA256:" in service.text()
                     and "custom:ssh_keys of keys.user: entry 2 has options" in service.text(), service.text())
        report.equal("a lock removes them", (ask(request("keys.user", LOCK))[0], path.exists()), (0, False))
        ask(request("keys.user", UNLOCK))
        ask(request("keys.user", sub="sub-k", keys=key))
    os.chmod(KEYS, 0o777)
    with Service(program) as service:
        report.equal("a directory that others can write refuses no sign-in", ask(request("other.user", sub="sub-o", keys=key))[0], 0)
        report.check("and the log reports it", f"<3>{KEYS} can be written by others than root" in service.text(), service.text())
        report.equal("and no file is written to it", os.listdir(KEYS), [str(uid)])
    os.chmod(KEYS, 0o755)
    write(CONF, keys)
    with Service(program) as service:
        report.check("the start removes what does not count", ended(lambda: not os.listdir(KEYS)), os.listdir(KEYS))


def check_batch(report, program):
    """Requests that are sent at once are one image: its generation grows by one."""
    with Service(program) as service:
        report.equal("the program runs", ask(request())[0], 0)
        before = generation()
        peers = [connect() for _ in range(200)]
        for number, peer in enumerate(peers):
            peer.send(request(f"user.{number}", sub=f"batch-{number}"))
        answers = [received(peer) for peer in peers]
        for peer in peers:
            peer.close()
        report.equal("200 sign-ins at once are stored", [answer for answer in answers if answer is None or answer[0]], [])
        report.equal("with a uid each", len({answer[1] for answer in answers}), 200)
        # The first of them may be a batch of its own on a slow machine.
        report.check("in a few images", generation() - before <= 20, generation() - before)
        ordered = [connect() for _ in range(3)]
        for peer, data in zip(ordered, (request("user.1", sub="batch-1"), request("user.1", LOCK), request("user.1", sub="batch-1"))):
            peer.send(data)
        report.equal("the order counts", [received(peer)[0] for peer in ordered], [0, 0, LOCKED])
        service.stop()


def generation():
    return struct.unpack_from("=Q", FILE.read_bytes(), 16)[0]


def check_hostile(report, program):
    before = None
    with Service(program) as service:
        report.equal("a good request first", ask(request())[0], 0)
        before = FILE.read_bytes()
        good = request(groups=["ops"])
        for name, data in {
            "one byte": good[:1],
            "a head alone": good[:HEAD.size],
            "one byte too few": good[:-1],
            "one byte too many": good + b"\0",
            "three times the size": good * 3,
            "NULs": bytes(SIZE),
            "0xff": b"\xff" * SIZE,
            "another magic number": request(magic=MAGIC + 1),
            "version 0": request(version=0),
            "version 1": request(version=1),
            "version 3": request(version=3),
            "keys with a NUL inside": request(keys=b"ssh-ed25519\0x"),
            "a lock with keys": request(change=LOCK, keys=b"ssh-ed25519 AAAA"),
            "a message of version 1": request(version=1)[:-2048],
            "change 0": request(change=0),
            "change 4": request(change=4),
            "no name": request(""),
            "a name with a NUL inside": request("zoe\0new"),
            "a pool with a NUL inside": request(pool="eu\0x"),
            "a sub with a NUL inside": request(sub="s\0x"),
            "has_uid 2": request(has_uid=2, uid=1),
            "a uid without has_uid": request(uid=70000),
            "101 groups": request(count=101),
            "4294967295 groups": request(count=0xFFFFFFFF),
            "a group less than counted": request(groups=["ops"], count=2),
            "a group more than counted": request(groups=["ops"], count=0),
            "zero is not zero": request(zero=1),
            "a lock with a group": request(change=LOCK, groups=["ops"]),
            # These have the right form, and the keeper refuses them.
            "a name in upper case": request("Zoe.New"),
            "a name with a slash": request("../zoe.new"),
            "a name with a newline": request("zoe.new\n"),
            "no pool": request(pool=""),
            "no sub": request(sub=""),
            "a pool with a slash": request(pool="../x"),
            "a sub with a blank": request(sub="a b"),
            "a group with a newline": request(groups=["a\nb"]),
        }.items():
            answer = ask(data)
            report.check(f"refused: {name}", answer == (MALFORMED, 0, 0), answer)
        for name in ("root", "carol", "sudo", "zoe", "www-data", "systemd-network"):
            answer = ask(request(name, sub=f"of-{name}"))
            report.check(f"no account for {name}", answer[0] not in (0, MALFORMED), answer)
        report.equal("root cannot be locked", ask(request("root", LOCK))[0], UNKNOWN)
        with connect() as peer:
            read_end, write_end = os.pipe()
            socket.send_fds(peer, [request()], [read_end] * 10)
            report.equal("descriptors are not taken", received(peer)[0], 0)
            os.close(write_end)
            os.close(read_end)
        held = [name for name in os.listdir(f"/proc/{service.process.pid}/fd")]
        report.check("and none is left", len(held) <= 12, held)
        report.equal("none of that changed the file", FILE.read_bytes() == before, True)
        lines = service.text().splitlines()
        report.check("no line of the log is forged", all(line.startswith("<") for line in lines), lines)


def check_peers(report, program):
    with Service(program) as service:
        report.equal("root may connect", ask(request())[0], 0)
        report.check("cognitod may connect", as_uid(COGNITOD, request()).startswith("(0, "), as_uid(COGNITOD, request()))
        for uid in (NOBODY, 1000, 1):
            answer = as_uid(uid, request())
            report.check(f"uid {uid} gets no answer", answer == "None" or "BrokenPipe" in answer or "ConnectionReset" in answer, answer)
            report.check("and a line in the log", service.wait_for(f"Refused a connection of uid {uid}"), service.text())


def check_crowd(report, program):
    """More connections than the program takes, most of them silent."""
    with Service(program) as service:
        silent = [connect() for _ in range(300)]
        late = connect()
        late.send(request())
        report.equal("a request behind 300 silent connections is answered", received(late)[0], 0)
        report.check("the silent ones were closed", service.wait_for("sent no request in time"), "")
        report.equal("without an answer", received(silent[0]), None)
        for peer in (*silent, late):
            peer.close()
        report.equal("and the program goes on", ask(request())[0], 0)
        gone = connect()
        gone.send(request("gone.user", sub="sub-gone"))
        gone.close()
        report.equal("a peer that does not wait for its reply harms nobody", ask(request())[0], 0)


def check_faults(report, program, probe):
    good = CONF.read_bytes()
    with Service(program):
        report.equal("the accounts are open", ask(request())[0], 0)
        write(CONF, good + b"[accounts]\nrange = 5\n")
        report.equal("a fault in accounts.conf refuses", ask(request())[0], BAD_CONFIGURATION)
        write(CONF, good)
        report.equal("and after its correction the same program accepts", ask(request())[0], 0)
    write(CONF, good + b"[accounts]\nrange = 5\n")
    with Service(program) as service:
        report.equal("the same at its start", ask(request())[0], BAD_CONFIGURATION)
        report.equal("and it ends, so that the next start has directories that setup has made", service.process.wait(PATIENCE), 0)
        report.check("the log names the line", "accounts.conf" in service.text(), service.text())
    write(CONF, good)
    with Service(program):
        report.equal("accepted after the correction", ask(request())[0], 0)
    image = bytearray(FILE.read_bytes())
    image[200] ^= 1
    write(FILE, bytes(image))
    with Service(program):
        report.equal("a damaged file is repaired", (ask(request())[0], FILE.read_bytes()[200] ^ 1), (0, image[200]))
    database = pathlib.Path("/var/lib/pam-cognito-accounts-db/accounts.db")
    kept = database.read_bytes()
    database.write_bytes(b"no database" * 1000)
    with Service(program):
        report.equal("a damaged database refuses", ask(request())[0], DAMAGED)
    database.write_bytes(kept)


def check_nscd(report, program):
    """A program in nscd's place notes its arguments."""
    pathlib.Path("/run/nscd").mkdir()
    pathlib.Path("/run/nscd/socket").touch()
    pathlib.Path("/usr/sbin/nscd").write_text('#!/bin/sh\necho "$*" >>/run/nscd/calls\n')
    os.chmod("/usr/sbin/nscd", 0o755)
    with Service(program) as service:
        ask(request("cached.user", sub="sub-c"))
        calls = pathlib.Path("/run/nscd/calls")
        report.check("nscd forgets users and groups", ended(lambda: calls.exists() and calls.read_text() == "-i passwd\n-i group\n"),
                     service.text())
        ask(request("cached.user", sub="sub-c"))
        ask(request())
        report.equal("and only after a change", calls.read_text(), "-i passwd\n-i group\n")
    pathlib.Path("/usr/sbin/nscd").write_text("#!/bin/sh\nexec sleep 1000\n")
    with Service(program) as service:
        report.equal("nscd hangs: the account is stored", ask(request("hanging.user", sub="sub-h"))[0], 0)
        report.check("and the log reports it", service.wait_for("/usr/sbin/nscd did not end in time"), service.text())
    shutil.rmtree("/run/nscd")


def ended(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def check_terminate(report, program):
    write(CONF, CONF.read_bytes() + b"\n[accounts]\non_disable = terminate\n")
    with Service(program) as service:
        ask(request("left.user", sub="sub-l"))
        report.equal("a lock is stored although there is no logind", ask(request("left.user", LOCK))[0], 0)
        report.check("and the log reports it", service.wait_for("were not ended: the system bus"), service.text())


def check_start(report, program):
    with Service(program, idle=0) as service:
        report.equal("without a connection it ends", service.process.wait(PATIENCE), 0)
    for words, status in (((), 1), (("--idle",), 2), (("--idle", "x"), 2), (("--idle", "3601"), 2), (("x", "y"), 2)):
        done = subprocess.run([program, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        report.equal(f"without a socket: {' '.join(words)}", done.returncode, status)
    if not shutil.which("systemd-socket-activate"):
        print("systemd is not installed here, so systemd-socket-activate starts nothing")
        return
    started = subprocess.Popen(["systemd-socket-activate", "--seqpacket", f"--listen={SOCKET}.other", str(program), "--idle", "0"],
                               stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    report.check("systemd-socket-activate listens", ended(lambda: pathlib.Path(f"{SOCKET}.other").exists()), "")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.settimeout(PATIENCE)
        report.check("and is ready", ended(lambda: connects(peer)), "")
        peer.send(request())
        report.equal("systemd passes the socket", received(peer)[0], 0)
    report.equal("and it ends", started.wait(PATIENCE), 0)


def connects(peer):
    try:
        peer.connect(f"{SOCKET}.other")
    except OSError:
        return False
    return True


def main(library_path, program, probe):
    private_machine.enter(library_path)
    script = "mount -t tmpfs -o mode=0755 tmpfs /run && mkdir /mnt/sbin && cp -a /usr/sbin/. /mnt/sbin && mount --bind /mnt/sbin /usr/sbin"
    subprocess.run(["sh", "-c", script], check=True)
    with open("/etc/passwd", "a") as users:
        users.write(f"cognitod:x:{COGNITOD}:{COGNITOD}::/:/usr/sbin/nologin\n")
    write(CONF, DEFAULT_CONF.replace("[groups]", "names = *.*\n[groups]").encode())
    write(pathlib.Path("/etc/pam-cognito/fleet.key"), b"00" * 32 + b"\n", 0o600)
    report = Report()
    report.equal("an empty database is made", subprocess.run([probe, "/", "make"]).returncode, 0)
    check_changes(report, program, Library(str(library_path)))
    check_keys(report, program)
    check_batch(report, program)
    check_hostile(report, program)
    check_peers(report, program)
    check_crowd(report, program)
    check_faults(report, program, probe)
    check_nscd(report, program)
    check_start(report, program)
    check_terminate(report, program)
    report.close()


if __name__ == "__main__":
    main(*(pathlib.Path(part).resolve() for part in sys.argv[1:4]))
