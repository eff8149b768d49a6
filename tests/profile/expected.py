"""The expected answers, written by hand. No row is derived from the profile or from a run.

A row applies to every cell that has one of its values in each column (`*`: all). Exactly one row
applies to each cell, which the test checks first. A cell is one user and one program; in it the
program is tried with each password:

  pool    the user's password in the user pool
  local   the user's password in /etc/shadow
  other   the password that every other Primary module accepts (pam_krb5, pam_sss, …)

The column `in` holds the passwords that let the user in (program `passwd`: the ones with which the
user changes a password). `key` means an SSH key, or a cron job: no password at all. `other` means:
if the stack has such a module. The column `new` holds the passwords after which a new local
password is demanded.

A cell with a resource limit has the same row. It may refuse more, and must not let in more.
"""

# account: `checked` is the account phase as installed; `permitted` replaces it and the session phase
# by pam_permit, so that neither can hide an auth phase that is too weak. Some session modules of
# Debian 13 need more memory than all modules before them.
#
# user: `cognito` has no local password. `both` is a Cognito user with a local password. `listed` is
# a local user in /etc/pam-cognito/local-users, `later` one that is not in it.
#
# shadow: `aged` has run out by `chage -M`, `zero` is `chage -d 0`, `expired` is `usermod -e`,
# `inactive` is aged for longer than `chage -I` allows, `absent` has no entry.
#
# state: `away` is a machine whose cognitod cannot be reached, and whose policy permits local
# passwords then; `missing` has no pam_cognito.so.
TABLE = """
account    user                shadow                       program      state         in           new

# A Cognito user signs in with the pool's password alone; the local password's age decides nothing.
checked    cognito,both        fine,locked,aged,zero,inactive su,sudo,ssh up           pool         -
checked    cognito,both        expired,absent               su,sudo,ssh  up            -            -

# In an emergency the local password decides, with its age and its lock.
checked    cognito             *                            su,sudo,ssh  away          -            -
checked    both                fine                         su,sudo,ssh  away          local        -
checked    both                aged,zero                    su,sudo,ssh  away          local        local
checked    both                locked,inactive,expired,absent su,sudo,ssh away         -            -

# Without the module no Cognito user gets in.
checked    cognito,both        *                            su,sudo,ssh  missing       -            -

# Keys and cron jobs ask for no password: the account phase decides, and only with cognitod.
checked    cognito,both        fine,locked,aged,zero,inactive key,cron   up            key          -
checked    cognito,both        expired,absent               key,cron     up            -            -
checked    cognito,both        *                            key,cron     away,missing  -            -

# A Cognito user changes the pool's password, and only while there is a pool.
checked    cognito,both        *                            passwd       up            pool         -
checked    cognito,both        *                            passwd       away,missing  -            -

# All other users are treated as without the profile.
checked    listed,root,system  fine                         su,sudo,ssh  *             local,other  -
checked    listed,root,system  locked                       su,sudo,ssh  *             other        -
checked    listed,root,system  aged,zero                    su,sudo,ssh  *             local        local,other
checked    listed,root,system  expired,inactive,absent      su,sudo,ssh  *             -            -
checked    listed,root,system  fine,locked                  key,cron     *             key          -
checked    listed,root,system  aged,zero                    key,cron     *             -            key
checked    listed,root,system  expired,inactive,absent      key,cron     *             -            -
checked    listed,root,system  fine,aged,zero               passwd       *             local        -
checked    listed,root,system  locked,expired,inactive,absent passwd     *             -            -

# A local user who is not in the list depends on the module, which tells them from Cognito users.
checked    later               fine                         su,sudo,ssh  up,away       local,other  -
checked    later               locked                       su,sudo,ssh  up,away       other        -
checked    later               aged,zero                    su,sudo,ssh  up,away       local        local,other
checked    later               expired,inactive,absent      su,sudo,ssh  up,away       -            -
checked    later               fine,locked                  key,cron     up,away       key          -
checked    later               aged,zero                    key,cron     up,away       -            key
checked    later               expired,inactive,absent      key,cron     up,away       -            -
checked    later               fine,aged,zero               passwd       up,away       local        -
checked    later               locked,expired,inactive,absent passwd     up,away       -            -
checked    later               *                            *            missing       -            -

# The auth phase by itself.
permitted  cognito,both        *                            su,sudo,ssh  up            pool         -
permitted  cognito             *                            su,sudo,ssh  away          -            -
permitted  both                fine,aged,zero,expired,inactive su,sudo,ssh away        local        -
permitted  both                locked,absent                su,sudo,ssh  away          -            -
permitted  cognito,both        *                            su,sudo,ssh  missing       -            -
permitted  listed,root,system  fine,aged,zero,expired,inactive su,sudo,ssh *           local,other  -
permitted  listed,root,system  locked,absent                su,sudo,ssh  *             other        -
permitted  later               fine,aged,zero,expired,inactive su,sudo,ssh up,away     local,other  -
permitted  later               locked,absent                su,sudo,ssh  up,away       other        -
permitted  later               *                            su,sudo,ssh  missing       -            -
"""

DIMENSIONS = ("account", "user", "shadow", "program", "state")


def _rows():
    lines = [line for line in TABLE.splitlines() if line.strip() and not line.startswith("#")]
    names = lines[0].split()
    for line in lines[1:]:
        words = line.split()
        assert len(words) == len(names), line
        yield {name: set() if word == "-" else set(word.split(",")) for name, word in zip(names, words)}


ROWS = list(_rows())


def rows_of(cell):
    return [row for row in ROWS
            if all("*" in row[name] or cell[name] in row[name] for name in DIMENSIONS)]


def expected(cell):
    """(what lets in, after what a new password is demanded)"""
    (row,) = rows_of(cell)
    return row["in"], row["new"]
