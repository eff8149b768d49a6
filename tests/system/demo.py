#!/usr/bin/env python3
"""demo.py --play | --interactive: what `./dev demo` runs inside the sandbox.

--play: plays the person, prints the transcripts; exit status 0 if every sign-in did what it should.
--interactive: explains itself and gives the person a shell on the sandboxed machine.
"""

import os
import pathlib
import pty
import subprocess
import sys
import threading
import time

import golden
import scenarios
import session_scenes
from machine import CONFIG_TEXT, LOCAL_PASSWORD, LOCAL_USER, POOL_STATE, SSH_PORT, Machine
from stage import Stage

# Commands of the sandbox's own, for who types.
COMMANDS = {
    "inbox": """\
for message in pool.admin("inbox/list")["messages"]:
    print(f"{message['medium']:6} to {message['destination']} ({message['username']}): {message['text']}")
""",
    "code": """\
if len(sys.argv) != 2:
    sys.exit("code USER: what USER's authenticator app shows now")
print(pool.admin("users/totp-code", username=sys.argv[1])["code"])
""",
}
COMMAND_START = """\
#!/usr/bin/env python3
import sys
sys.path.insert(0, "{folder}")
from pool import Pool
pool = Pool("{state}")
"""

# tests/system/interactive_test.py types what this suggests, and checks what it says.
WELCOME = """\
You are root on a copy of this machine that vanishes when you leave this shell.
Its sshd, sudo and su have pam_cognito in their PAM stacks, cognitod serves a
system bus of its own, and cognito-pool takes the place of Amazon Cognito.

  user        password           second factor
{people}

Each SMS and e-mail of the pool appears here as it arrives; `inbox` lists them.
Authenticator app: scan the QR code below, or run `code alice` before you sign
in. The app shows a new code every 30 seconds, and each is accepted once.

Try:
  ssh alice@localhost                 password and code; then, in that session:
    sudo id                             asks for the password, and for no code
    cognitoctl mfa show
    cognitoctl sessions list
  ssh bob@localhost                   a code by SMS
  ssh henry@localhost                 the first login sets up an app
  ssh ivy@localhost                   a new password, and a code by e-mail
  ssh judy@localhost                  Enter at the password: a reset by e-mail
  ssh erin@localhost                  refused after the code
  su - {local}                      asks nothing, because you are root; there:
    su - bob                            asks for bob's password and code
  cognitoctl doctor                   is this machine set up as it should be?
  cognitoctl policy test alice sudo   which rule decides
  tail -f /var/log/sandbox.log        log lines of sshd, sudo, su and cognitod
  exit                                ends the sandbox
"""

SECOND_FACTORS = {
    "alice": "authenticator app; she may use sudo",
    "bob": "SMS",
    "carol": "e-mail",
    "dave": "app or SMS: he chooses",
    "erin": "app; she is in no group that may sign in here",
    "henry": "none yet",
    "ivy": "e-mail; the password is a temporary one",
    "judy": "app",
}


def people():
    rows = [(user, scenarios.password_of(user), factor) for user, factor in SECOND_FACTORS.items()]
    rows.append((LOCAL_USER, LOCAL_PASSWORD, "none: a local user, unknown to the pool"))
    return "\n".join(f"  {user:11} {password:18} {factor}" for user, password, factor in rows)


def print_qr(user):
    secret = scenarios.totp_secret_of(user)
    uri = f"otpauth://totp/pam-cognito:{user}?secret={secret}&issuer=pam-cognito"
    print(f"{user}'s authenticator app (secret {secret}):")
    subprocess.run(["qrencode", "-t", "UTF8", uri], check=True)
    sys.stdout.flush()


def add_commands():
    for name, body in COMMANDS.items():
        path = pathlib.Path("/usr/local/bin", name)
        path.write_text(COMMAND_START.format(folder=pathlib.Path(__file__).resolve().parent,
                                             state=POOL_STATE) + body)
        path.chmod(0o755)


def show_messages(pool):
    """The person's phone: shows each SMS and e-mail on the terminal when it arrives."""
    while True:
        message = pool.admin("inbox/next", wait_ms=60000)["message"]
        if message:
            time.sleep(1)  # the prompt comes first, as in life
            os.write(1, f"\r\n[{message['medium']} to {message['destination']}] "
                        f"{message['text']}\r\n".encode())


def interactive(machine):
    add_commands()
    machine.configure(CONFIG_TEXT.format(**machine.pool.ready) + "[password]\nself_service = yes\n"
                      "[service sudo]\nreauth = password\n")
    machine.restart_daemon()  # it reads its configuration when it starts
    machine.pool.admin("settings/set", mfa_configuration="ON")
    with open("/etc/ssh/ssh_config.d/sandbox.conf", "w") as file:
        file.write(f"Host localhost 127.0.0.1\n  Port {SSH_PORT}\n  PubkeyAuthentication no\n")
    print(WELCOME.format(people=people(), local=LOCAL_USER))
    print_qr("alice")
    threading.Thread(target=show_messages, args=(machine.pool,), daemon=True).start()
    # A terminal of the sandbox's own, so that tty names are right in it, as wide as the real one.
    size = os.get_terminal_size()
    with open("/root/.sandboxrc", "w") as file:
        file.write(f"stty rows {size.lines} cols {size.columns}\nPS1='sandbox# '\ncd /root\n")
    status = pty.spawn(["/bin/bash", "--rcfile", "/root/.sandboxrc", "-i"])
    # The last command's status, which `exit` returns, is not the demo's.
    sys.exit(0 if os.WIFEXITED(status) else 1)


def play(machine):
    stage = Stage(machine, show_transcripts=True)
    for scene in (golden.first_login, golden.forced_new_password) + scenarios.DEMO + session_scenes.DEMO:
        scene(stage)
    stage.close()


def main():
    modes = {"--play": play, "--interactive": interactive}
    if len(sys.argv) != 2 or sys.argv[1] not in modes:
        sys.exit(__doc__)
    modes[sys.argv[1]](Machine())


if __name__ == "__main__":
    main()
