"""The profile broken in one place at a time, and the cells in which the table must notice it: the
test of the test. A mutant is a stack of its own.

Each change names a text of conf/pam-cognito; one that is not there is an error, so that a mutant
cannot become the profile itself.
"""

from cells import KIB, PLAIN

DECIDES = "pam_cognito.so\n"
ROUTES = "pam_cognito.so route\n"
LISTED = "pam_listfile.so item=user sense=allow onerr=fail quiet file=/etc/pam-cognito/local-users"
EMERGENCY = "[success=ok default=die]	pam_unix.so\n"
# Limits at which pam_unix works and pam_cognito cannot be loaded (cells.SWEEPS has finer steps).
MEMORY = [("AS", size * KIB) for size in range(4608, 5120, 64)]


def _cells(programs=("su",), states=("up",), limits=(PLAIN["limit"],), **others):
    base = PLAIN | {"shadow": "fine", "user": "both"} | others
    return [base | {"program": program, "state": state, "limit": limit}
            for program in programs for state in states for limit in limits]


# name: (what is replaced by what, …), stack, cells
MUTANTS = {
    # Look-ups that a shortage, or a large group, turns into "no Cognito user" (fault B1).
    "notingroup": ([(LISTED, "pam_succeed_if.so quiet user notingroup cognito-users")], "plain",
                   _cells(limits=MEMORY, size="20000", account="permitted", passwords=["local"])),
    "localuser": ([(LISTED, "pam_localuser.so")], "plain",
                  _cells(limits=MEMORY, account="permitted", passwords=["local"])),
    "denylist": ([(LISTED, LISTED.replace("sense=allow", "sense=deny").replace("local-users", "none"))],
                 "plain", _cells(states=("missing",))),
    "onerr": ([(LISTED, LISTED.replace("onerr=fail", "onerr=succeed"))], "plain",
              _cells(states=("missing",), tweak="no-list")),
    "shortage": ([("module_unknown=ignore default=die]	" + ROUTES, "default=ignore]	" + ROUTES),
                  ("[ignore=ignore default=die]	" + ROUTES, "[default=ignore]	" + ROUTES)],
                 "plain", _cells(tweak="no-groups", expect=([], []))),
    # Other modules (fault B5).
    "priority": ([("Priority: 900", "Priority: 512")], "krb5", _cells()),
    "emergency-goes-on": ([(EMERGENCY, EMERGENCY.replace("default=die", "default=ignore"))], "winbind",
                          _cells(states=("away",))),
    # Local passwords outside of an emergency.
    "second-chance": ([("authinfo_unavail=ignore default=die]	" + DECIDES,
                        "default=ignore]	" + DECIDES),
                       ("pam_cognito.so emergency", "pam_permit.so")], "plain", _cells(passwords=["local"])),
    "change-of-the-local-one": ([("[success=end authinfo_unavail=ignore default=die]	" + DECIDES,
                                  "[success=end default=ignore]	" + DECIDES)], "plain",
                                _cells(("passwd",), passwords=["local"])),
    "nullok": ([(EMERGENCY, EMERGENCY.replace("pam_unix.so", "pam_unix.so nullok"))], "plain",
               _cells(states=("away",), shadow="empty", passwords=["empty"], expect=([], []))),
    # The account phase (fault B4).
    "account-end": ([("[success=ok new_authtok_reqd=ok authinfo_unavail=ignore default=die]	" + DECIDES,
                      "[success=end new_authtok_reqd=ok authinfo_unavail=ignore default=die]	" + DECIDES)],
                    "plain", _cells(("su", "ssh"), shadow="expired")),
    "password-age": ([("pam_unix.so no_pass_expiry", "pam_unix.so")], "plain", _cells(shadow="aged")),
    "account-additional": ([("Account-Type: Primary", "Account-Type: Additional")], "plain",
                           _cells(("su", "sudo-n"), shadow="aged", expect=(["pool", "key"], []))),
}


def text_of(name, profile):
    """The profile with the mutant's changes."""
    for old, new in MUTANTS[name][0]:
        if old not in profile:
            raise LookupError(f"mutant {name}: the profile has no {old!r}")
        profile = profile.replace(old, new)
    return profile


def cells():
    """Cells with `mutant`; their stack is the mutant's own."""
    return [cell | {"mutant": name, "stack": stack} for name, (_, stack, members) in MUTANTS.items()
            for cell in members]


def unbroken_cells():
    """The same cells with the profile as it is: there they must be right."""
    return [cell | {"stack": stack} for _, stack, members in MUTANTS.values() for cell in members]
