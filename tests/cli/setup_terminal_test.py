"""setup_terminal_test.py COGNITOCTL COGNITO_POOL SEED: `cognitoctl setup` on a terminal, with a person who answers, ends
the input or types Ctrl-C at any moment; with a clock and app clients that Cognito would refuse; and its templates.

The machine is a tree with programs that note their calls. Needs root; exit status 77: skipped."""

import email.utils
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))

from pool import Pool  # noqa: E402
from terminal import Terminal, WAIT_S  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

CTL, POOL, SEED = sys.argv[1:4]
QUESTION = r"Take these steps\? \[Y/n\] "
INTERRUPTED = 128 + signal.SIGINT
SSHD = """[ "$1" != -T ] || { echo usepam yes; echo kbdinteractiveauthentication yes
echo passwordauthentication no; echo logingracetime 120; }"""
# Each program that the steps run, with the first argument of the call that counts.
PROGRAMS = {"/usr/sbin/sshd": "-t", "/usr/sbin/groupadd": "--system", "/usr/libexec/pam-cognito-local-users": "",
            "/usr/sbin/pam-auth-update": "--enable", "/usr/bin/systemctl": "restart"}


def wait_until(condition, what):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.01)


class Tree:
    """A machine with the packages, sshd and one administrator."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        for folder in ("etc/pam-cognito/cognitod.conf.d", "etc/ssh/sshd_config.d", "etc/pam.d", "var/lib/pam", "run",
                       "usr/share/pam-configs"):
            (self.root / folder).mkdir(parents=True)
        self.write("/etc/passwd", "root:x:0:0::/root:/bin/bash\nlocaladmin:x:1000:1000::/:/bin/bash\n")
        self.write("/etc/group", "root:x:0:\nsudo:x:27:localadmin\n")
        self.write("/etc/pam-cognito/cognitod.conf", "# mine\n")
        self.write("/etc/pam-cognito/users.conf", "#group=cognito-users\n")
        self.write("/etc/pam.d/common-auth", "auth required pam_unix.so\n")
        self.write("/usr/share/pam-configs/pam-cognito", "Name: Cognito\n")
        group, auth = self.root / "etc/group", self.root / "etc/pam.d/common-auth"
        for path, script in {"/usr/sbin/sshd": SSHD, "/usr/bin/systemctl": "",
                             "/usr/libexec/pam-cognito-local-users": "",
                             "/usr/sbin/groupadd": f"echo \"$2:x:990:\" >>{group}",
                             "/usr/sbin/groupdel": f"sed -i \"/^$1:/d\" {group}",
                             "/usr/sbin/pam-auth-update": f"echo 'auth [success=end] pam_cognito.so' >>{auth}"}.items():
            self.program(path, script)

    def write(self, path, text):
        target = self.root / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def program(self, path, script):
        self.write(path, f"#!/bin/sh\n{script}\n").chmod(0o755)

    def state(self):
        """Mode and content of each file of /etc, /var and /run."""
        return {str(path.relative_to(self.root)): (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
                for folder in ("etc", "var", "run") for path in (self.root / folder).rglob("*")}


class SetupTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cognitoctl-setup-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        state = cls.folder / "pool"
        server = subprocess.Popen([POOL, "--state", state, "--seed", SEED], stdout=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)
        wait_until((state / "ready.json").exists, "cognito-pool")
        cls.pool = Pool(state)

    def setUp(self):
        self.tree = Tree(tempfile.mkdtemp(dir=self.folder))
        self.pool.admin("reset")
        self.before = self.tree.state()

    def arguments(self, *more, client=None, without=()):
        ready = self.pool.ready
        options = {"--pool": ready["user_pool_id"], "--client": client or ready["client_id"],
                   "--endpoint": ready["endpoint"], "--issuer": ready["issuer"], "--jwks-uri": ready["jwks_uri"],
                   "--ca-file": ready["ca_file"], "--allow-groups": "linux-users"}
        given = [word for name, value in options.items() if name not in without for word in (name, value)]
        return [CTL, "setup", "--root", str(self.tree.root), *given, *more]

    def terminal(self, *more, **others):
        return Terminal(self.arguments(*more, **others))

    def run_setup(self, *more, **others):
        return subprocess.run(self.arguments("--yes", *more, **others), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=WAIT_S)

    def expect_end(self, terminal, status, text=""):
        self.assertEqual(terminal.finish(), status, terminal.transcript)
        self.assertIn(text, terminal.transcript)

    def expect_no_change(self):
        self.assertEqual(self.tree.state(), self.before)

    # The confirmation.
    def test_no_changes_nothing(self):
        for answer in ("n", "no", "x"):
            with self.terminal() as terminal:
                terminal.answer(QUESTION, answer)
                self.expect_end(terminal, 1, "nothing was changed")
            self.expect_no_change()

    def test_yes_takes_the_steps(self):
        for answer in ("y", "Yes", ""):
            self.setUp()
            with self.terminal() as terminal:
                terminal.answer(QUESTION, answer)
                self.expect_end(terminal, 0, "Keep this shell open")
            self.assertIn("group=cognito-users\n", (self.tree.root / "etc/pam-cognito/users.conf").read_text())

    def test_the_end_of_the_input_changes_nothing(self):
        with self.terminal() as terminal:
            terminal.expect(QUESTION)
            os.write(terminal._master, b"\x04")
            self.expect_end(terminal, 1, "nothing was changed")
        self.expect_no_change()

    def test_a_hangup_at_the_question_changes_nothing(self):
        terminal = self.terminal()
        terminal.expect(QUESTION)
        terminal.kill(signal.SIGHUP)
        self.assertEqual(terminal.status, 128 + signal.SIGHUP)
        self.expect_no_change()

    # The values.
    def test_what_is_not_given_is_asked_for(self):
        ready = self.pool.ready
        with self.terminal(without=("--pool", "--client", "--allow-groups")) as terminal:
            terminal.answer("User pool id, such as eu-west-1_Example: ", ready["user_pool_id"])
            terminal.answer("App client id: ", f" {ready['client_id']} ")
            terminal.answer("Cognito groups whose members may sign in [^:]*: [^:]*: ", "linux-admins")
            terminal.answer(QUESTION, "y")
            self.expect_end(terminal, 0)
        text = (self.tree.root / "etc/pam-cognito/cognitod.conf.d/10-pool.conf").read_text()
        self.assertIn(f"region = {ready['region']}\n", text)
        self.assertIn("allow_groups = linux-admins\n", text)

    def test_a_malformed_pool_id_that_is_typed_is_named(self):
        with self.terminal(without=("--pool",)) as terminal:
            terminal.answer("User pool id", "my-pool")
            self.expect_end(terminal, 2, "my-pool is not a user pool id such as eu-west-1_Example")
        self.expect_no_change()

    # Ctrl-C.
    def test_an_interrupt_at_each_question_changes_nothing(self):
        answers = (("User pool id[^:]*: ", self.pool.ready["user_pool_id"]),
                   ("App client id: ", self.pool.ready["client_id"]),
                   ("Cognito groups [^:]*: [^:]*: ", "linux-users"), (QUESTION, ""))
        for count in range(len(answers)):
            with self.terminal(without=("--pool", "--client", "--allow-groups")) as terminal:
                for prompt, text in answers[:count]:
                    terminal.answer(prompt, text)
                terminal.expect(answers[count][0])
                terminal.interrupt()
                self.expect_end(terminal, INTERRUPTED)
            self.expect_no_change()

    def test_an_interrupt_while_the_pool_is_asked_leaves_nothing(self):
        self.pool.admin("faults/add", on="InitiateAuth", kind="delay", delay_ms=600000)
        with self.terminal() as terminal:
            self.pool.admin("log/wait", operation="InitiateAuth", wait_ms=60000)
            terminal.interrupt(reads=False)
            self.expect_end(terminal, INTERRUPTED)
        self.expect_no_change()

    def test_an_interrupt_in_each_step_takes_all_steps_back(self):
        """The program of the step is not interrupted: it ends its work, which is then taken back."""
        for path, argument in PROGRAMS.items():
            self.setUp()
            begun, go, ended = (self.tree.root / name for name in ("begun", "go", "ended"))
            os.mkfifo(go)
            script = (self.tree.root / path[1:]).read_text()
            self.tree.write(path, f"{script}\n[ -e {ended} ] || [ \"$1\" != '{argument}' ] || "
                                  f"{{ touch {begun}; read line <{go}; touch {ended}; }}\n")
            with self.subTest(path), self.terminal("--yes") as terminal:
                wait_until(begun.exists, path)
                terminal.interrupt(reads=False)
                wait_until(lambda: self.is_pending(terminal.pid, signal.SIGINT), "Ctrl-C")
                # Read and write, so that it does not wait for a program that has ended.
                pipe = os.open(go, os.O_RDWR)
                self.addCleanup(os.close, pipe)
                os.write(pipe, b"on\n")
                self.expect_end(terminal, 1, "interrupted by a signal. Every step was taken back")
                self.assertTrue(ended.exists())
                self.expect_no_change()

    @staticmethod
    def is_pending(pid, number):
        status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        masks = (int(line.split()[1], 16) for line in status if line.startswith(("SigPnd:", "ShdPnd:")))
        return any(mask & 1 << number - 1 for mask in masks)

    # The check of the pool.
    def test_a_wrong_clock_is_named(self):
        # In the middle of the minute that is shown, because time passes until setup compares.
        for seconds, word in ((-7205, "2 h ahead"), (7255, "2 h behind"), (-365, "6 min ahead")):
            self.pool.admin("faults/add", on="InitiateAuth", kind="raw", status=200,
                            body='{"ChallengeName": "PASSWORD_VERIFIER"}',
                            headers={"Date": email.utils.formatdate(time.time() + seconds, usegmt=True)})
            done = self.run_setup()
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(word, done.stdout)
            self.assertIn("Fix: set the clock: timedatectl set-ntp true", done.stdout)
            self.assertIn("Nothing was changed", done.stderr)
            self.expect_no_change()

    def test_an_app_client_without_the_flow_is_named(self):
        self.pool.admin("clients/set", client_id="5noflow", explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"])
        done = self.run_setup(client="5noflow")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("Fix: allow ALLOW_USER_SRP_AUTH in the app client's settings", done.stdout)
        self.expect_no_change()

    def test_the_flow_of_the_configuration_is_the_one_that_is_checked(self):
        self.pool.admin("clients/set", client_id="6passwordonly",
                        explicit_auth_flows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
        self.assertEqual(self.run_setup(client="6passwordonly").returncode, 1)
        self.tree.write("/etc/pam-cognito/cognitod.conf", "[pool]\nauth_flow = password\n")
        done = self.run_setup(client="6passwordonly")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class TemplateTest(unittest.TestCase):
    GIVEN = {"--pool": "eu-west-1_Example", "--client": "1example23456789", "--allow-groups": "linux-users, admins",
             "--group": "people", "--ca-file": "/etc/a b.pem"}

    @unittest.skipIf(yaml is None, "Python has no yaml here")
    def test_the_templates_are_yaml_and_hold_the_command(self):
        wanted = ["cognitoctl", "setup", *(word for pair in self.GIVEN.items() for word in pair), "--yes"]
        cloud = self.printed("cloud-init")
        self.assertTrue(cloud.startswith("#cloud-config\n"))
        document = yaml.safe_load(cloud)
        self.assertEqual(set(document), {"packages", "runcmd"})
        self.assertEqual([type(each) for each in document["runcmd"]], [str])
        self.assertEqual(shlex.split(document["runcmd"][0]), wanted)
        install, setup = yaml.safe_load(self.printed("ansible"))
        self.assertEqual(install["ansible.builtin.apt"]["name"], document["packages"])
        self.assertEqual(shlex.split(setup["ansible.builtin.command"]), wanted)
        self.assertEqual(set(setup), {"name", "ansible.builtin.command", "register", "changed_when"})

    def printed(self, form):
        return subprocess.run([CTL, "setup", "--print", form, *(word for pair in self.GIVEN.items() for word in pair)],
                              capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    if os.getuid() != 0:
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
