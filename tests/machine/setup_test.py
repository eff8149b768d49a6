#!/usr/bin/env python3
"""setup_test.py: from the installed packages to the first ssh login by one command, on a booted machine; then a
second run, a run that fails, the way back, and the same by Ansible. Closes with `N passed, N failed`."""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

from booted import POOL_STATE, BootedMachine
from judge import Judge
from members import add_members, password_of, totp
from residents import PASSWORD_PROMPT, SHELL, TOTP_PROMPT, leave, shell
from waiting import wait_for

ADMIN, USER = "localadmin", "alice"
POOL_CA = "/etc/ssl/pool-ca.pem"
SETUP_LOG = "/var/lib/pam-cognito-setup"
# Its module for apt needs Python's.
ANSIBLE = ("ansible-core", "python3-apt")
PLAYBOOK = """\
- name: The printed tasks, on this machine
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: All of them
      ansible.builtin.import_tasks: tasks.yml
"""
# Accounts, which this test adds, and what a boot changes.
NOT_OF_SETUP = re.compile(r"\./(?:mtab|resolv\.conf|\.pwd\.lock|(?:passwd|shadow|group|gshadow|subuid|subgid)-?)$")


def etc_of(machine):
    """Path, mode, owner and content of each file of /etc."""
    listed = machine.run("sh", "-c", "cd /etc && find . -type f -printf '%p %m %U %G ' -exec sh -c "
                         "'sha256sum <\"$1\" | cut -c 1-64' - {} \\; | LC_ALL=C sort").stdout.splitlines()
    return [line for line in listed if not NOT_OF_SETUP.match(line.split()[0])]


def setup(machine, *more, **others):
    ready = machine.pool.ready
    return machine.run("cognitoctl", "setup", "--region", ready["region"], "--pool", ready["user_pool_id"],
                       "--client", others.get("client", ready["client_id"]), "--endpoint", ready["endpoint"],
                       "--issuer", ready["issuer"], "--jwks-uri", ready["jwks_uri"], "--ca-file", POOL_CA,
                       "--allow-groups", "linux-users", *more, check=False)


def by_ansible(machine):
    """(changed tasks, failed tasks, output) of a run of the printed tasks."""
    printed = setup(machine, "--print", "ansible")
    machine.write("/root/tasks.yml", printed.stdout)
    machine.write("/root/play.yml", PLAYBOOK)
    done = machine.run("ansible-playbook", "/root/play.yml", check=False, timeout=180)
    counts = dict(re.findall(r"(changed|failed)=(\d+)", done.stdout))
    return int(counts.get("changed", -1)), int(counts.get("failed", -1)), done.stdout + done.stderr


def main():
    with BootedMachine("setup", ANSIBLE) as machine:
        judge = Judge(machine)
        machine.run("useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", ADMIN)
        machine.run("chpasswd", input=f"{ADMIN}:Local-Admin-Pass-1\n")
        machine.write(POOL_CA, machine.read(f"{POOL_STATE}/ca.pem"))
        machine.install_debs()
        before = etc_of(machine)

        with judge.scene("A wrong app client, and no confirmation: nothing is changed"):
            done = setup(machine, "--yes", client="0nosuchclient")
            judge.check("setup fails, and names the client", done.returncode == 1 and "0nosuchclient" in done.stdout
                        + done.stderr, done.stdout + done.stderr)
            done = setup(machine)
            judge.check("without a terminal it wants --yes", done.returncode == 2 and "--yes" in done.stderr, done.stderr)
            done = setup(machine, "--dry-run")
            judge.check("--dry-run shows the steps", done.returncode == 0 and "10-pool.conf" in done.stdout, done.stdout)
            judge.check("/etc is as before", etc_of(machine) == before, changed(before, etc_of(machine)))

        with judge.scene("A failed step: sshd's configuration is overridden by another file"):
            machine.write("/etc/ssh/sshd_config.d/10-other.conf", "PasswordAuthentication yes\n")
            other = etc_of(machine)
            done = setup(machine, "--yes")
            judge.check("setup fails, and takes all steps back", done.returncode == 1
                        and "Every step was taken back" in done.stderr, done.stdout + done.stderr)
            judge.check("/etc is as before", etc_of(machine) == other, changed(other, etc_of(machine)))
            machine.run("rm", "/etc/ssh/sshd_config.d/10-other.conf")

        with judge.scene("One command from the packages to the first login by ssh"):
            done = setup(machine, "--yes")
            judge.check("setup sets the machine up", done.returncode == 0, done.stdout + done.stderr)
            print(done.stdout, flush=True)
            add_members(machine, USER)
            judge.check("no fault of doctor's is left",
                        machine.run("cognitoctl", "doctor", check=False).returncode == 0,
                        machine.run("cognitoctl", "doctor", check=False).stdout)
            machine.pool.forgive(USER)
            with machine.terminal("ssh", "-o", "StrictHostKeyChecking=no", f"{USER}@localhost") as terminal:
                terminal.answer(PASSWORD_PROMPT, password_of(USER), hidden_as="password")
                terminal.answer(TOTP_PROMPT, totp(machine, USER))
                terminal.expect(SHELL)
                shown = shell(terminal, "id -un")
                judge.check("alice signs in by ssh with password and code", shown[0].endswith(USER) and shown[1] == 0,
                            shown)
                leave(terminal)
            judge.cognitod_said(USER=USER, SERVICE="sshd", OUTCOME="success")

        with judge.scene("A second run changes nothing"):
            middle = etc_of(machine)
            done = setup(machine, "--yes")
            judge.check("it says so", done.returncode == 0 and "Nothing to change" in done.stdout, done.stdout)
            judge.check("/etc is as before", etc_of(machine) == middle, changed(middle, etc_of(machine)))

        with judge.scene("setup --undo"):
            machine.run("loginctl", "terminate-user", USER, check=False)
            judge.check("alice's account goes", wait_for(
                lambda: machine.run("userdel", "--remove", USER, check=False).returncode in (0, 6)))
            done = machine.run("cognitoctl", "setup", "--undo", check=False)
            judge.check("it succeeds", done.returncode == 0, done.stdout + done.stderr)
            judge.check("cognitod has no pool any more", machine.run("cognitoctl", "status", check=False).returncode == 1)
            judge.check("/etc is as after the installation", etc_of(machine) == before,
                        changed(before, etc_of(machine)))

        with judge.scene("Ansible runs the printed tasks"):
            changed_tasks, failed, shown = by_ansible(machine)
            judge.check("one task changes the machine", (changed_tasks, failed) == (1, 0), shown)
            judge.check("cognitod has a pool", machine.run("cognitoctl", "status", check=False).returncode == 0)
            changed_tasks, failed, shown = by_ansible(machine)
            judge.check("a second run changes nothing", (changed_tasks, failed) == (0, 0), shown)
            judge.check("setup --undo succeeds", machine.run("cognitoctl", "setup", "--undo").returncode == 0)

        # Without a scene, whose end asks cognitoctl.
        judge.step("a purge of cognitoctl")
        judge.check("setup once more", setup(machine, "--yes").returncode == 0)
        machine.run("dpkg", "--purge", "cognitoctl", timeout=120)
        judge.check("the log of setup is gone", machine.run("test", "-e", SETUP_LOG, check=False).returncode == 1)
        judge.close()


def changed(before, after):
    return sorted(set(before) ^ set(after))


if __name__ == "__main__":
    main()
