#!/usr/bin/env python3
"""demo.py --play | --interactive: what `./dev demo` runs inside the sandbox.

--play: plays the person, prints the transcripts; exit status 0 if every sign-in did what it should.
--interactive: explains itself and gives the person a shell on the sandboxed machine.
"""

import os
import pty
import shutil
import subprocess
import sys
import threading
import time

import golden
import scenarios
import session_scenes
from machine import (BREAK_GLASS_PASSWORD, CONFIG_TEXT, LOCAL_PASSWORD, LOCAL_USER, POOL_STATE, SSH_PORT,
                     Machine)
from stage import Stage

INBOX = "/usr/local/bin/inbox"
INBOX_SCRIPT = """\
#!/bin/sh
# The SMS and e-mails that the local pool has sent.
exec python3 - <<'END'
import sys
sys.path.insert(0, "{folder}")
from pool import Pool
for message in Pool("{state}").admin("inbox/list")["messages"]:
    print(f"{{message['medium']:6}} to {{message['destination']}} ({{message['username']}}): {{message['text']}}")
END
"""

WELCOME = """\
You are root on a copy of this machine that vanishes when you leave this shell: its sshd, sudo and su
have pam_cognito in their PAM stacks, cognitod runs behind a system bus of its own, and cognito-pool
plays Amazon Cognito.

  person   password           second factor
  alice    {alice:18} authenticator app (the QR below); may use sudo
  bob      {bob:18} SMS
  carol    {carol:18} e-mail; her local password is {break_glass}
  dave     {dave:18} chooses between app and SMS
  erin     {erin:18} app; is in no group that may sign in here
  henry    {henry:18} none yet: the first login sets up an app
  ivy      {ivy:18} e-mail; the password is a temporary one
  judy     {judy:18} app; Enter at the password resets it by e-mail
  {local}                   no Cognito user; the local password is {local_password}

An SMS or e-mail that the pool sends is shown here as it arrives, as a phone would; `inbox` lists them.

Try:  ssh alice@localhost               then, in that session:  sudo id    (the password is enough)
                                        and:  cognitoctl mfa show     cognitoctl sessions list
      ssh bob@localhost
      ssh henry@localhost             a first login
      su - {local}                    and from there:  su - bob
      cognitoctl doctor                 is this machine set up as it should be?
      cognitoctl policy test alice sudo    which rule decides what
      tail -f /var/log/sandbox.log      what sshd, sudo, su and cognitod say
      exit                              and everything is gone
"""


def print_qr(user):
    secret = scenarios.totp_secret_of(user)
    uri = f"otpauth://totp/pam-cognito:{user}?secret={secret}&issuer=pam-cognito"
    print(f"{user}'s authenticator app (secret {secret}):")
    if shutil.which("qrencode"):
        subprocess.run(["qrencode", "-t", "UTF8", uri], check=False)
    print(f"Without a phone: oathtool --totp -b {secret}\n", flush=True)


def show_messages(pool):
    """The person's phone: shows each SMS and e-mail on the terminal when it arrives."""
    while True:
        message = pool.admin("inbox/next", wait_ms=60000)["message"]
        if message:
            time.sleep(1)  # the prompt comes first, as in life
            os.write(1, f"\r\n[{message['medium']} to {message['destination']}] "
                        f"{message['text']}\r\n".encode())


def interactive(machine):
    with open(INBOX, "w") as file:
        file.write(INBOX_SCRIPT.format(folder=os.path.dirname(os.path.abspath(__file__)),
                                       state=POOL_STATE))
    os.chmod(INBOX, 0o755)
    machine.configure(CONFIG_TEXT.format(**machine.pool.ready) + "[password]\nself_service = yes\n"
                      "[service sudo]\nreauth = password\n")
    machine.pool.admin("settings/set", mfa_configuration="ON")
    with open("/etc/ssh/ssh_config.d/sandbox.conf", "w") as file:
        file.write(f"Host localhost 127.0.0.1\n  Port {SSH_PORT}\n  PubkeyAuthentication no\n")
    print(WELCOME.format(local=LOCAL_USER, local_password=LOCAL_PASSWORD,
                         break_glass=BREAK_GLASS_PASSWORD,
                         **{name: scenarios.password_of(name)
                            for name in ("alice", "bob", "carol", "dave", "erin", "henry", "ivy",
                                          "judy")}))
    print_qr("alice")
    threading.Thread(target=show_messages, args=(machine.pool,), daemon=True).start()
    # A terminal of the sandbox's own, so that tty names are right in it, as wide as the real one.
    size = os.get_terminal_size()
    with open("/root/.sandboxrc", "w") as file:
        file.write(f"stty rows {size.lines} cols {size.columns}\nPS1='sandbox# '\ncd /root\n")
    status = pty.spawn(["/bin/bash", "--rcfile", "/root/.sandboxrc", "-i"])
    sys.exit(os.waitstatus_to_exitcode(status))


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
