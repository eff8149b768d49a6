"""Which cells the table test tries.

pairs   all pairs of the values of all dimensions
whole   every combination of user, shadow entry, program and state in the plain stack, so that each
        two neighbours whose expected answers differ are both tried
sweep   each resource limit in fine steps, for a Cognito user with a local password (fault B1)
fixed   single cases, each with its expected answer beside it
mutants cells that must go wrong when the profile is broken in one place (mutants.py)
"""

import itertools

from host import STACKS, WITH_OTHER_PASSWORD
from pairs import all_pairs

NONE = ("none", 0)
KIB, MIB = 1024, 1024 * 1024
# From far too little to ample. The steps of AS and DATA are about what su and its modules map.
LIMITS = [NONE] + [("AS", size) for size in (4 * MIB, 4608 * KIB, 4864 * KIB, 5120 * KIB, 6 * MIB, 8 * MIB,
                                             32 * MIB, 4096 * MIB)] + \
    [("DATA", size) for size in (256 * KIB, 512 * KIB, MIB, 2 * MIB, 4096 * MIB)] + \
    [("STACK", size) for size in (64 * KIB, 128 * KIB, 256 * KIB, MIB, 64 * MIB)] + \
    [("NOFILE", count) for count in (3, 4, 5, 6, 7, 8, 12, 1024)] + \
    [("NPROC", count) for count in (0, 1, 3, 10000)] + \
    [("FSIZE", size) for size in (0, 4 * KIB, 1024 * MIB)]
AMPLE = {("AS", 4096 * MIB), ("DATA", 4096 * MIB), ("STACK", 64 * MIB), ("NOFILE", 1024), ("NPROC", 10000),
         ("FSIZE", 1024 * MIB)}

DIMENSIONS = {
    "stack": list(STACKS),
    "size": ["small", "1000", "20000"],
    "limit": LIMITS,
    "shadow": ["fine", "absent", "locked", "aged", "zero", "expired", "inactive"],
    "user": ["cognito", "both", "listed", "later", "root", "system"],
    "program": ["su", "sudo", "ssh", "key", "cron", "passwd"],
    "state": ["up", "away", "missing"],
    "account": ["checked", "permitted"],
}
PLAIN = {"stack": "plain", "size": "small", "limit": NONE, "account": "checked"}

# The caller of su, sudo and passwd sets limits; sshd and cron are started by root.
LIMITED = ("su", "sudo", "passwd")
# The account phase is all that decides there.
ONLY_ACCOUNT = ("key", "cron", "passwd")
# root's sudo and passwd ask for no password.
ROOTS = ("su", "ssh", "key", "cron")


def is_permitted(cell):
    """A cell, or the part of one that is chosen already."""
    program, limit = cell.get("program"), cell.get("limit", NONE)
    if program and limit != NONE and program not in LIMITED:
        return False
    if cell.get("account") == "permitted" and program in ONLY_ACCOUNT:
        return False
    return not (cell.get("user") == "root" and program and program not in ROOTS)


def pairs(seed):
    return all_pairs(DIMENSIONS, is_permitted, seed)


def whole():
    names = ("user", "shadow", "program", "state")
    cells = (PLAIN | dict(zip(names, values))
             for values in itertools.product(*(DIMENSIONS[name] for name in names)))
    return [cell for cell in cells if is_permitted(cell)]


# Memory: the range in which su's modules fail one after the other on amd64 (B1), on Debian 12 and 13. pam_unix works
# from about 4700 KiB on, pam_cognito from about 8 MiB. The control user shows whether a step is above or below what
# su needs.
SWEEPS = {
    "AS": [size * KIB for size in (*range(4480, 5632, 16), *range(5632, 12288, 128))],
    "DATA": [size * KIB for size in (*range(64, 1600, 64), *range(1600, 6400, 320))],
    "STACK": [size * KIB for size in (16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 512)],
    "NOFILE": list(range(3, 17)),
    "NPROC": list(range(0, 5)),
    "FSIZE": [0, 1, 1024, 16 * KIB],
}


def sweep():
    cells = []
    for size, account in (("1000", "permitted"), ("20000", "permitted"), ("1000", "checked")):
        for kind, values in SWEEPS.items():
            cells += [{"stack": "plain", "size": size, "limit": (kind, value), "shadow": "fine",
                       "user": "both", "program": "su", "state": "up", "account": account,
                       "passwords": ["local"]} for value in values]
    # sudo maps more: on Debian 12 the control user gets in from 6 MiB on, on Debian 13 from 14 MiB. And another
    # package's module behind the block must stay out of reach.
    permitted = {"shadow": "fine", "user": "both", "state": "up", "account": "permitted"}
    for size in range(4480, 18000, 160):
        cells.append(permitted | {"stack": "plain", "size": "1000", "limit": ("AS", size * KIB),
                                  "program": "sudo", "passwords": ["local"]})
    for size in SWEEPS["AS"][::2]:
        cells.append(permitted | {"stack": "krb5", "size": "20000", "limit": ("AS", size), "program": "su",
                                  "passwords": ["other"]})
    return cells


def fixed():
    return list(_fixed())


def _cell(user, program, state, lets_in, new=(), **others):
    """lets_in, new: as the columns of expected.py."""
    return PLAIN | {"shadow": "fine", "user": user, "program": program, "state": state,
                    "expect": (list(lets_in), list(new))} | others


def _fixed():
    # Another Primary module never decides for a Cognito user, and is never asked (B5).
    for stack in WITH_OTHER_PASSWORD:
        for program in ("su", "sudo", "ssh"):
            yield _cell("both", program, "up", ["pool"], stack=stack)
            yield _cell("both", program, "away", ["local"], stack=stack)
            yield _cell("both", program, "missing", [], stack=stack)

    # The age of a local password that nobody uses (B4), with a sudo rule that asks for no password.
    for shadow in ("fine", "aged", "zero", "inactive"):
        for user in ("cognito", "both"):
            yield _cell(user, "sudo-n", "up", ["key"], shadow=shadow)
            yield _cell(user, "sudo-n", "up", [], shadow=shadow, unseen=True, disabled=True)
            yield _cell(user, "sudo-n", "away", [], shadow=shadow)
            yield _cell(user, "sudo-n", "missing", [], shadow=shadow)
            yield _cell(user, "key", "up", [], shadow=shadow, unseen=True)
            yield _cell(user, "key", "up", [], shadow=shadow, unseen=True, disabled=True)
            yield _cell(user, "su", "up", [], shadow=shadow, disabled=True)
    for user in ("cognito", "both"):
        yield _cell(user, "sudo-n", "up", [], shadow="expired")
        yield _cell(user, "su-root", "up", ["key"], shadow="aged")
        yield _cell(user, "su-root", "up", [], shadow="expired")
        yield _cell(user, "su-root", "missing", [])
    for user in ("listed", "system"):
        yield _cell(user, "su-root", "missing", ["key"])
        yield _cell(user, "sudo-n", "missing", ["key"])
    yield _cell("later", "su-root", "missing", [])
    yield _cell("later", "sudo-n", "missing", [])

    # A wrong password in an emergency does not make the account phase of a key softer.
    for state, lets_in in (("up", ["key"]), ("away", []), ("missing", [])):
        yield _cell("both", "key-after", state, lets_in)

    # A shell that refuses.
    for program, password in (("sh-login", "pool"), ("ssh", "pool"), ("key", "key")):
        yield _cell("both", program, "up", [], shell="/usr/sbin/nologin", passwords=[password])

    # An empty local password (`passwd -d`). Debian's own line accepts one from other users.
    for program in ("su", "ssh"):
        for state in ("up", "away", "missing"):
            yield _cell("both", program, state, [], shadow="empty", passwords=["empty"])
        yield _cell("listed", program, "up", ["empty"] if program == "su" else [], shadow="empty",
                    passwords=["empty"])

    # A Cognito user's new password is asked for twice, also where pam_pwquality asks for it.
    for stack in ("pwquality", "many"):
        for user in ("cognito", "both"):
            yield _cell(user, "passwd", "up", ["pool"], stack=stack)

    # Root sets local passwords, with and without the module.
    for state in ("up", "away", "missing"):
        for user in ("cognito", "both", "listed", "system"):
            for stack in ("plain", "krb5", "pwquality", "many"):
                yield _cell(user, "passwd-root", state, ["key"], stack=stack)

    # A list of local users that cannot be trusted is an empty list.
    for tweak in ("no-list", "empty-list", "writable-list", "linked-list"):
        for user, program in itertools.product(("cognito", "both", "listed", "root", "system"),
                                               ("su", "ssh")):
            lets_in = ["local"] if user in ("root", "system") else []
            yield _cell(user, program, "missing", lets_in, tweak=tweak)
        yield _cell("both", "su", "up", ["pool"], tweak=tweak)
        yield _cell("listed", "su", "up", ["local"], tweak=tweak)
    # It lists a Cognito user: the module decides as long as there is one.
    for state, lets_in in (("up", ["pool"]), ("away", ["local"])):
        yield _cell("both", "su", state, lets_in, tweak="all-listed")
        yield _cell("both", "su", state, lets_in, tweak="all-listed", account="permitted")

    # Groups cannot be read: nobody knows who is a Cognito user.
    for account in ("checked", "permitted"):
        for user in ("cognito", "both"):
            for state in ("up", "away", "missing"):
                yield _cell(user, "su", state, [], tweak="no-groups", account=account)
        yield _cell("root", "su", "up", ["local"], tweak="no-groups", account=account)
        yield _cell("listed", "su", "missing", ["local"], tweak="no-groups", account=account)
        yield _cell("listed", "su", "up", [], tweak="no-groups", account=account)
