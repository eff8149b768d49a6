"""The real sshd and ssh of a booted machine, set up as docs/how-to/ssh.md says."""

from sshd import no_penalties

KEY = "/root/login_key"
SHIPPED = "/usr/share/doc/libpam-cognito/examples/sshd-pam-cognito.conf"
DROP_IN = "/etc/ssh/sshd_config.d/50-pam-cognito.conf"
PENALTIES = "/etc/ssh/sshd_config.d/60-penalties.conf"


def prepare(machine, *users):
    """Our example is sshd's drop-in, sshd's key is known, and root's key opens the users' accounts. The address
    of the clients is never shut out. sshd has not read the drop-ins yet."""
    machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY)
    script = "ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null >/etc/ssh/ssh_known_hosts"
    for name in users:
        script += (f"; install -d -m 700 -o {name} ~{name}/.ssh"
                   f"; install -m 600 -o {name} {KEY}.pub ~{name}/.ssh/authorized_keys")
    machine.run("bash", "-ec", script)
    # Scenes restart sshd more often than systemd permits by default: 5 times in 10 s.
    machine.run("mkdir", "-p", "/etc/systemd/system/ssh.service.d")
    machine.write("/etc/systemd/system/ssh.service.d/test.conf", "[Unit]\nStartLimitIntervalSec=0\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("cp", SHIPPED, DROP_IN)
    machine.write(PENALTIES, no_penalties(machine.run("sshd", "-T").stdout))


def client(user, command="id", methods="keyboard-interactive", options=()):
    """The words of an ssh client that needs a terminal of its own."""
    argv = ["ssh", "-tt", "-o", f"PreferredAuthentications={methods}", "-o", "IdentitiesOnly=yes",
            "-o", "NumberOfPasswordPrompts=1"]
    argv += ["-i", KEY] if "publickey" in methods else []
    for option in options:
        argv += ["-o", option]
    return [*argv, f"{user}@127.0.0.1", command]
