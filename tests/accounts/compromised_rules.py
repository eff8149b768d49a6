"""A machine for compromised.py, and the list of what a compromised cognitod may obtain."""

import json

from compromised import PREPARED

# The prefixes make names such as root and carol reach the checks behind that of `names`.
CONFIGURATION = "names = *\nprefixes = ro ca su po\nmax = 40\nssh_keys_attribute = custom:ssh_keys\n"
POOL = "eu-central-1_AbCdEfGhI"
# Each right, with the words of the security model that permit it.
PERMITTED = {
    "make an account of a permitted name": "make accounts of names that",
    "make accounts up to `max`": "up to `max`",
    "pin an account that nobody has used": "pin them to persons",
    "join a mapped local group": "every local group that `accounts.conf` maps",
    "lock an account": "lock accounts",
    "take back its own lock": "take back these locks",
    "give an active account SSH keys": "give SSH keys",
}


def document(uid=0x70000000):
    """The accounts of PREPARED, for `users import`."""
    accounts = [{"name": name, "uid": uid + number, "state": "locked" if name == "locked.user" else "active",
                 "pool": POOL if sub else "", "sub": sub, "shell": "", "locked_by": "administrator" if name == "locked.user" else "",
                 "created_at": 1, "verified_at": 0, "cognito_groups": ["linux-admins"] if name == "pinned.user" else []} for number, (name, sub) in enumerate(PREPARED.items())]
    return json.dumps({"format": "pam-cognito-accounts", "version": 1, "accounts": accounts, "tombstones": []})
