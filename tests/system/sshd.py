"""The differences between the releases of OpenSSH.

Since 9.8 each login has a process of its own, sshd-session, with an sshd-auth until the user has authenticated.
They write to syslog under these names, too. The listener is sshd, as before."""

import re

PROGRAMS = ("sshd", "sshd-session", "sshd-auth")
# The title of a process for one login: "sshd: alice [priv]", "sshd-session: alice@pts/0".
TITLE = r"(?:sshd|sshd-session|sshd-auth): (?!.*\[listener\])"
# The listener's line about a client that it turns away before anything else.
DROPPED = "drop connection"


def no_penalties(settings):
    """The line of sshd_config by which sshd goes on answering an address that failed sign-ins came from; all
    clients of a test share one. settings: what `sshd -T` shows. Before 9.8 there is nothing to say."""
    return "PerSourcePenalties no\n" if re.search(r"(?m)^persourcepenalties ", settings) else ""
