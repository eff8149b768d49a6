#!/usr/bin/env python3
"""break_glass_test.py: when a local password may do instead of Cognito, on a booted machine. A local user
crowds the resolver; the pool is away in each way it can be; root opens and closes windows. Names of
scenes as arguments: only these. Closes with `N passed, N failed`."""

import concurrent.futures
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

from booted import CONFIG_TEXT, BootedMachine
from judge import Judge
from members import add_members, password_of, restart, set_up, totp
from residents import LOCAL_USER, PASSWORD_PROMPT, TOTP_PROMPT, add_local_people
from waiting import wait_for

USER, WITHOUT_LOCAL, BREAK_GLASS = "alice", "judy", "Break-Glass-3"
PACKAGES = ("dnsmasq-base", "nftables", "systemd-resolved")
NAME, ADDRESS, PORT = "pool.example.net", "10.99.0.1", 443
POLICY, WINDOW = "/etc/pam-cognito/break-glass.conf", "/run/pam-cognito/break-glass"
ADDRESSES = "/var/lib/cognitod/pool-addresses"
# unreachable_after, then up to two rounds of 27.5 s; and what a busy machine may take besides.
PROOF_S = 60 + 2 * 27.5 + 60
CONFIG = CONFIG_TEXT.replace("{endpoint}", f"https://{NAME}").replace("pool-ca.pem", "front-ca.pem") + """
[break_glass]
unreachable_after = 1min

[limits]
failures = 20
failures_unknown_origin = 20
failure_window = 1min
"""

# The pool under a name and an address of its own, so that both can fail.
FRONT = """
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/front.pem", sys.argv[1] + "/front.key")
inner = ssl.create_default_context(cafile="/var/lib/cognito-pool/ca.pem")
listener = socket.create_server((sys.argv[2], int(sys.argv[3])), backlog=64)
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for end in (a, b):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
def serve(plain):
    try:
        plain.settimeout(20)
        client = context.wrap_socket(plain, server_side=True)
        pool = inner.wrap_socket(socket.create_connection(("127.0.0.1", 8443)), server_hostname="localhost")
    except OSError:
        return
    threading.Thread(target=pump, args=(client, pool), daemon=True).start()
    pump(pool, client)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
MAKE_CERTIFICATE = """
set -e
mkdir -p "$1" && cd "$1"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout front.key -out front.pem -days 30 \
  -subj "/CN=$2" -addext "subjectAltName=DNS:$2" 2>/dev/null
"""

# The address that systemd-resolved listens on.
RESOLVED = "127.0.0.53"

# A local user keeps look-ups of a silent domain open: each is sent again before the resolver forgets it.
CROWD = """
import itertools, os, socket, struct, sys, time
server, count = sys.argv[1], int(sys.argv[2])
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(min(count, 900))]
def ask(number):
    name = b"".join(bytes([len(p)]) + p for p in (b"x%d" % number, b"silent", b"test")) + b"\\0"
    question = struct.pack(">6H", number & 0xffff, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)
    sockets[number % len(sockets)].sendto(question, (server, 53))
for round in itertools.count():
    for number in range(count):
        ask(round * count + number)
        if number % 50 == 49:
            time.sleep(0.002)
    if round == 0:
        print("full", flush=True)
    time.sleep(1)
"""
SILENT = ("import socket,time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
          "s.bind(('127.0.0.9', 53))\ntime.sleep(3600)\n")


class Stage:
    """The machine with its front, its resolvers and its users."""

    def __init__(self, machine):
        self.machine = machine

    def prepare(self):
        run = self.machine.run
        run("bash", "-c", MAKE_CERTIFICATE, "-", "/run/front", NAME)
        run("bash", "-c", MAKE_CERTIFICATE, "-", "/run/foreign", NAME)
        run("cp", "/run/front/front.pem", "/etc/pam-cognito/front-ca.pem")
        run("sh", "-c", "cat /var/lib/cognito-pool/ca.pem >>/etc/pam-cognito/front-ca.pem")
        self.network_up()
        self.start_front()
        self.service("silent", "python3", "-c", SILENT)
        self.resolve_by_dnsmasq()
        self.configure()

    def configure(self, extra=""):
        self.machine.configure(CONFIG + extra, users_conf=None)
        restart(self.machine)

    def service(self, name, *argv):
        self.machine.run("systemctl", "stop", name, check=False)
        self.machine.run("systemd-run", "--quiet", "--collect", f"--unit={name}", "--", *argv)

    def network_up(self):
        run = self.machine.run
        run("ip", "link", "add", "net0", "type", "veth", "peer", "name", "net1")
        run("ip", "addr", "add", f"{ADDRESS}/24", "dev", "net0")
        for link in ("net0", "net1"):
            run("ip", "link", "set", link, "up")
        run("ip", "route", "add", "default", "via", "10.99.0.2", "dev", "net0")

    def network_down(self):
        self.machine.run("ip", "link", "del", "net0")

    def start_front(self, certificate="/run/front"):
        self.service("front", "python3", "-c", FRONT, certificate, ADDRESS, str(PORT))
        self.machine.wait_until(lambda: not self.machine.run(
            "bash", "-c", f": >/dev/tcp/{ADDRESS}/{PORT}", check=False).returncode)

    def stop_front(self):
        self.machine.run("systemctl", "stop", "front", check=False)

    def resolve_by_dnsmasq(self, more=()):
        self.machine.run("systemctl", "stop", "systemd-resolved", check=False)
        self.service("dnsmasq", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts",
                     "--listen-address=127.0.0.1", "--bind-interfaces", "--cache-size=0",
                     "--server=127.0.0.1#5353", *more)
        # The name server of the network, which all look-ups go to.
        self.service("names", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--port=5353",
                     "--listen-address=127.0.0.1", "--bind-interfaces", f"--address=/{NAME}/{ADDRESS}",
                     "--server=/silent.test/127.0.0.9", "--dns-forward-max=20000", "--pid-file=/run/names.pid")
        self.machine.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        assert self.machine.wait_until(self.resolves), "the resolver does not start"

    def resolve_by_resolved(self):
        self.resolve_by_dnsmasq(("--dns-forward-max=20000",))
        self.machine.write("/etc/systemd/resolved.conf",
                           "[Resolve]\nDNS=127.0.0.1\nDomains=~.\nDNSSEC=no\nCache=no\n")
        self.machine.run("systemctl", "restart", "systemd-resolved")
        self.machine.write("/etc/resolv.conf", "nameserver 127.0.0.53\n")
        assert self.machine.wait_until(self.resolves), "systemd-resolved does not answer"

    def resolves(self):
        return self.machine.run("timeout", "2", "getent", "ahosts", NAME, check=False).returncode == 0

    @contextlib.contextmanager
    def crowd(self, judge, server, count):
        """As any user can. The check: the pool's name is not resolved meanwhile."""
        self.machine.run("systemd-run", "--quiet", "--collect", "--unit=crowd", f"--uid={LOCAL_USER}", "--",
                         "python3", "-c", CROWD, server, str(count))
        try:
            full = self.machine.wait_until(lambda: not self.resolves(), 30)
            judge.check(f"a local user keeps {count} look-ups open, and the pool's name is not resolved", full)
            yield
        finally:
            self.machine.run("systemctl", "stop", "crowd", check=False)
            # It keeps the look-ups of those who are gone: systemd-resolved for two minutes.
            if server == RESOLVED:
                self.machine.run("systemctl", "restart", "systemd-resolved")
            judge.check("the name is resolved again", self.machine.wait_until(self.resolves, 150))

    @contextlib.contextmanager
    def firewall(self, rule):
        self.machine.run("nft", "add", "table", "inet", "test")
        self.machine.run("nft", "add", "chain", "inet", "test", "in", "{ type filter hook input priority 0; }")
        self.machine.run("nft", "add", "rule", "inet", "test", "in", *rule.split())
        try:
            yield
        finally:
            self.machine.run("nft", "delete", "table", "inet", "test")

    # Sign-ins.
    def local(self, user=USER):
        """su by a local user: the local password at each prompt. True: in."""
        self.machine.pool.forgive(user)
        with self.machine.terminal(*self.machine.as_user(LOCAL_USER), "su", user, "-s", "/bin/sh", "-c",
                                   "echo in as $(id -un)") as terminal:
            while True:
                which, _ = terminal.expect_any([PASSWORD_PROMPT, rf"in as {user}\s", r"su: [^\n]*\n",
                                                TOTP_PROMPT])
                if which != 0:
                    self.shown = terminal.transcript
                    return which == 1
                terminal.send(BREAK_GLASS, hidden_as="local password")

    def cognito(self, user=USER):
        """The same with the password of Cognito and a code."""
        self.machine.pool.forgive(user)
        with self.machine.terminal(*self.machine.as_user(LOCAL_USER), "su", user, "-s", "/bin/sh", "-c",
                                   "echo in as $(id -un)") as terminal:
            while True:
                which, _ = terminal.expect_any([PASSWORD_PROMPT, TOTP_PROMPT, rf"in as {user}\s",
                                                r"su: [^\n]*\n"])
                self.shown = terminal.transcript
                if which >= 2:
                    return which == 2
                terminal.send(password_of(user) if which == 0 else totp(self.machine, user), hidden_as="it")

    def status(self):
        return json.loads(self.machine.run("cognitoctl", "status", "--json", check=False).stdout)

    def state(self):
        return self.status().get("pool_state")

    def wait_state(self, state, timeout=PROOF_S):
        return wait_for(lambda: self.state() == state, timeout, pause=0.5)

    def reachable(self, judge):
        """One contact ends the doubt: a sign-in's, without waiting for the background."""
        judge.check("alice signs in with Cognito again", self.cognito(), self.shown)
        judge.check("the pool is reachable", self.state() == "reachable", self.status())

    def refused(self, judge, why):
        judge.check(f"the local password is refused: {why}", not self.local(), self.shown)

    def accepted(self, judge, why):
        judge.check(f"the local password is accepted: {why}", self.local(), self.shown)

    def policy(self, word=None):
        if word:
            self.machine.write(POLICY, f"local_password = {word}\n")
        else:
            self.machine.run("rm", "-f", POLICY)

    def make_addresses_old(self):
        self.machine.run("systemctl", "stop", "cognitod")
        self.machine.run("sed", "-i", "-E", "s/^(address [^ ]+) [0-9]+/\\1 1000000000/", ADDRESSES)


# A local user crowds the resolver.
def dnsmasq_crowded(judge, stage):
    with judge.scene("dnsmasq is crowded: 150 look-ups of a silent domain"):
        with stage.crowd(judge, "127.0.0.1", 150):
            stage.refused(judge, "the pool is up")
            judge.check("alice signs in with Cognito by a remembered address", stage.cognito(), stage.shown)
    with judge.scene("dnsmasq is crowded, and the addresses are old"):
        with stage.crowd(judge, "127.0.0.1", 150):
            stage.make_addresses_old()
            restart(stage.machine)
            stage.refused(judge, "an old address still leads to the pool")
            judge.check("alice signs in with Cognito", stage.cognito(), stage.shown)


def resolved_crowded(judge, stage):
    with judge.scene("systemd-resolved is crowded: 2048 look-ups of a silent domain"):
        stage.resolve_by_resolved()
        with stage.crowd(judge, RESOLVED, 2048):
            stage.refused(judge, "the pool is up")
            judge.check("alice signs in with Cognito by a remembered address", stage.cognito(), stage.shown)
        stage.resolve_by_dnsmasq()


def old_addresses_prove_nothing(judge, stage):
    with judge.scene("dnsmasq is crowded for longer than unreachable_after, and the pool has moved meanwhile"):
        with stage.crowd(judge, "127.0.0.1", 150):
            stage.make_addresses_old()
            stage.machine.run("sed", "-i", "s/^address [^ ]*/address 10.99.0.77/", ADDRESSES)
            restart(stage.machine)
            began = time.monotonic()
            stage.refused(judge, "the address is old")
            time.sleep(max(0, 90 - (time.monotonic() - began)))  # what is not to happen takes its time
            judge.check("it is in doubt, and not unreachable", stage.state() == "in-doubt", stage.status())
            stage.refused(judge, "after 90 s too")
        stage.reachable(judge)


# The pool is away.
def host_down(judge, stage):
    with judge.scene("The pool's host refuses connections for minutes"):
        stage.stop_front()
        stage.refused(judge, "a single failure proves nothing")
        judge.check("the user is told what to do", "open emergency access" in stage.shown, stage.shown)
        judge.attempt("after a minute of failed probes the pool is unreachable",
                      lambda: stage.wait_state("unreachable"))
        stage.accepted(judge, "no policy, which is when-unreachable")
        judge.module_said(f"break-glass permitted cause=unreachable user={USER}")
        for word in ("window", "never"):
            stage.policy(word)
            stage.refused(judge, f"the policy is {word}")
            judge.module_said(f"break-glass refused cause=policy-{word} user={USER}")
        stage.policy("window")
        open_window(stage)
        stage.accepted(judge, "the policy is window, and one is open")
        stage.machine.run("cognitoctl", "break-glass", "close")
        stage.policy()
        stage.start_front()
        judge.attempt("the background finds the host when it is back",
                      lambda: stage.wait_state("reachable", 60))
        stage.refused(judge, "the pool is reachable")


def packets_dropped(judge, stage):
    with judge.scene("Packets to the pool are dropped"), stage.firewall(f"tcp dport {PORT} drop"):
        stage.refused(judge, "a single failure proves nothing")
        judge.attempt("after a minute the pool is unreachable", lambda: stage.wait_state("unreachable"))
        stage.accepted(judge, "when-unreachable")
    stage.reachable(judge)


def no_route(judge, stage):
    with judge.scene("The machine has no route to the pool"):
        stage.network_down()
        stage.refused(judge, "a single failure proves nothing")
        judge.attempt("after three looks the pool is unreachable", lambda: stage.wait_state("unreachable"))
        stage.accepted(judge, "when-unreachable")
        stage.network_up()
        stage.start_front()
        stage.reachable(judge)


def captive_portal(judge, stage):
    with judge.scene("A captive portal answers in the pool's place"):
        stage.start_front("/run/foreign")
        stage.refused(judge, "something answers")
        judge.attempt("cognitod says that the address presented another certificate", lambda: judge.line(
            MESSAGE="presented another certificate"))
        time.sleep(1)
        stage.refused(judge, "a foreign certificate proves nothing")
        judge.check("it is in doubt", stage.state() == "in-doubt", stage.status())
        stage.start_front()
        stage.reachable(judge)


def proxy_limit(judge, stage):
    with judge.scene("The pool is behind a proxy, which refuses"):
        stage.configure("\n[pool]\nproxy = http://127.0.0.1:3128\n")
        stage.refused(judge, "behind a proxy nothing proves anything")
        judge.check("status says so", stage.state() == "by-proxy", stage.status())
        open_window(stage)
        stage.accepted(judge, "a window is open")
        stage.machine.run("cognitoctl", "break-glass", "close")
        stage.configure()
        stage.reachable(judge)


def nat_limit(judge, stage):
    """A NAT in front of the machine, of which a local user takes all connections."""
    with judge.scene("A local user takes all connections of a NAT"), \
            stage.firewall(f"tcp dport {PORT} ct state new ct count over 4 reject with tcp reset"):
        stage.machine.run("systemd-run", "--quiet", "--collect", "--unit=greedy", f"--uid={LOCAL_USER}", "--",
                          "python3", "-c", "import socket,time\nkept = []\nwhile True:\n"
                          f"  try: kept.append(socket.create_connection(('{ADDRESS}', {PORT}), 1))\n"
                          "  except OSError: time.sleep(0.05)\n")
        full = lambda: stage.machine.run("timeout", "1", "bash", "-c", f": >/dev/tcp/{ADDRESS}/{PORT}",
                                         check=False).returncode != 0
        judge.attempt("no connection is to be had", lambda: wait_for(full, 30))
        stage.machine.run("systemctl", "reset-failed", "cognitod", check=False)
        restart(stage.machine)
        stage.refused(judge, "what lasts for one sign-in proves nothing")
        judge.check("it is in doubt", stage.state() == "in-doubt", stage.status())
        stage.machine.run("systemctl", "stop", "greedy")
    stage.reachable(judge)


def first_boot(judge, stage):
    with judge.scene("A machine that has never reached a pool boots without a network"):
        stage.network_down()
        stage.machine.run("systemctl", "stop", "cognitod")
        stage.machine.run("sh", "-c", "mkdir /run/kept && mv /var/lib/cognitod/* /run/kept")
        restart(stage.machine)
        stage.refused(judge, "the first failure proves nothing")
        judge.attempt("after three looks the pool is unreachable", lambda: stage.wait_state("unreachable"))
        stage.accepted(judge, "when-unreachable")
        stage.machine.run("systemctl", "stop", "cognitod")
        stage.machine.run("sh", "-c", "rm -f /var/lib/cognitod/*; mv /run/kept/* /var/lib/cognitod; rmdir /run/kept")
        stage.network_up()
        stage.start_front()
        restart(stage.machine)
        stage.reachable(judge)


# cognitod is away; root's windows.
def daemon_dead(judge, stage):
    with judge.scene("cognitod is masked"):
        stage.machine.run("systemctl", "mask", "--runtime", "--now", "cognitod")
        stage.accepted(judge, "no policy, which is when-unreachable")
        for word in ("window", "never", "nonsense"):
            stage.policy(word)
            stage.refused(judge, f"the policy is {word}")
        judge.module_said("break-glass policy not used")
        stage.policy("window")
        open_window(stage)
        stage.accepted(judge, "the policy is window, and one is open")
        stage.machine.run("cognitoctl", "break-glass", "close")
        stage.policy()
        stage.machine.run("systemctl", "unmask", "--runtime", "cognitod")
        restart(stage.machine)


def open_window(stage, *users):
    stage.machine.run("cognitoctl", "break-glass", "open", "--for", "10min",
                      *(f"--user={user}" for user in users or (USER,)))


def windows(judge, stage):
    with judge.scene("Root opens a window while everything works"):
        open_window(stage, WITHOUT_LOCAL)
        stage.refused(judge, "the window is for another user")
        judge.check("a user without a local password signs in with Cognito", stage.cognito(WITHOUT_LOCAL),
                    stage.shown)
        open_window(stage)
        stage.accepted(judge, "the window is for alice")
        judge.check("the user is told until when", "Emergency access is open" in stage.shown, stage.shown)
        judge.module_said(f"break-glass permitted cause=window user={USER}")
        shown = json.loads(stage.machine.run("cognitoctl", "break-glass", "status", "--json").stdout)
        judge.check("status shows it", shown["window"] and shown["window"]["users"] == [USER], shown)
        end = int(float(stage.machine.read("/proc/uptime").split()[0])) - 1
        stage.machine.run("sed", "-i", f"s/^end=.*/end={end}/", WINDOW)
        stage.refused(judge, "the window's time has passed")
        open_window(stage)
        stage.machine.run("sed", "-i", "s/^boot_id=.*/boot_id=00000000-0000-0000-0000-000000000000/", WINDOW)
        stage.refused(judge, "the window is of another boot")
        open_window(stage)
        stage.machine.run("chmod", "o+w", WINDOW)
        stage.refused(judge, "the window's file can be written by others")
        open_window(stage)
        done = stage.machine.run("setpriv", f"--reuid={LOCAL_USER}", "--clear-groups", "cognitoctl", "break-glass",
                                 "open", "--for", "2h", "--all", check=False)
        judge.check("nobody but root opens one", done.returncode == 1 and "run it as root" in done.stderr, done)
        stage.machine.run("cognitoctl", "break-glass", "close")
        stage.refused(judge, "the window is closed")


# Most of the time goes by in waiting, so each half is played on a machine of its own, both at once.
HALVES = ((dnsmasq_crowded, captive_portal, host_down, daemon_dead, packets_dropped),
          (windows, proxy_limit, nat_limit, no_route, first_boot, resolved_crowded, old_addresses_prove_nothing))


def play(scenes):
    with BootedMachine("break-glass", PACKAGES) as machine:
        judge, stage = Judge(machine), Stage(machine)
        add_local_people(machine)
        machine.install_debs()
        add_members(machine, USER, password=BREAK_GLASS)
        add_members(machine, WITHOUT_LOCAL)
        set_up(machine)
        stage.prepare()
        with judge.scene("The people who are known sign in once"):
            for user in (USER, WITHOUT_LOCAL):
                judge.check(f"{user} signs in", stage.cognito(user), stage.shown)
            judge.check("the pool is reachable, and its address known",
                        (stage.state(), stage.status()["pool_addresses"]) == ("reachable", 1), stage.status())
            kept = wait_for(lambda: machine.run("cat", ADDRESSES, check=False).stdout)
            judge.check("in the unit's sandbox cognitod sees on which network it is", f"{ADDRESS} " in kept
                        and "net0" in kept, kept)
        for scene in scenes:
            scene(judge, stage)
        judge.close()


def play_both_halves():
    """Each by this program; their figures are added up."""
    halves = [subprocess.Popen(["setpriv", "--pdeathsig", "KILL", sys.executable, __file__,
                                *(scene.__name__ for scene in half)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True) for half in HALVES]
    with concurrent.futures.ThreadPoolExecutor() as readers:
        texts = list(readers.map(lambda half: half.communicate()[0], halves))
    passed = failed = 0
    for half, text in zip(halves, texts):
        closing = re.search(r"(\d+) passed, (\d+) failed\n$", text)
        print(text[:closing.start()] if closing else text, flush=True)
        more, less = map(int, closing.groups()) if closing else (0, 0)
        if half.returncode != (1 if less else 0) or not closing:
            print(f"FAILED a half did not get to its end; it ended with {half.returncode}", flush=True)
            less += 1
        passed, failed = passed + more, failed + less
    print(f"\n{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not passed else 0)


def main():
    if not sys.argv[1:]:
        play_both_halves()
    play([scene for half in HALVES for scene in half if scene.__name__ in sys.argv[1:]])


if __name__ == "__main__":
    main()
