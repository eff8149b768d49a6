#!/usr/bin/env python3
"""differential_test.py LIBRARY [EXECUTIONS] [SEED]: the library and the model must agree on each look-up, in files that
a mutator has changed. The mutator repairs checksums, so that changes reach the code behind them."""

import os
import pathlib
import random
import struct
import sys
import time

import private_machine
from accounts_image import HEADER, LOCKED, Changed, User, image
from library import Library
from model import Model

LOOKUPS_OF_A_FILE = 8
NAMES = ("alice.smith", "bob.new", "c_d", "zoe.new", "x" * 32, "dora-1", "e.f", "_g", "postgres", "systemd-x")
NUMBERS = (0, 1, 2, 27, 995, 1000, 65534, 65535, 65536, 0x6FFFFFFF, 0x70000000, 0x70000001, 2099999999, 2100000000,
           0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
MANY = "[groups]\n" + "".join(f"g{n} = a\n" for n in range(64))
CONFS = (private_machine.DEFAULT_CONF,) * 8 + (
    "[accounts]\nrange = 1879048192-1879048196\nhome = /srv/%u/home\nshells = /bin/zsh\n[groups]\ndocker = a\n",
    "[accounts]\nrange=65536-2147483646\nhome=/%u\n[groups]\nsudo=\ndocker=\nlxd=\n[other]\nkey = value\n",
    "[accounts]\nrange = 0-4294967295\n", "[groups]\nroot = admins\n", "", "# no more\n", "[accounts]\nhome = /home\n",
    "[accounts]\nhome = /home/%u/%u\n", "[accounts]\nhome = /home/../%u\n", "key = value\n", "[accounts\n", "[accounts]\nx\n",
    "[accounts]\nshells = bash\n", "[accounts]\nenumerate = maybe\n", "[groups]\nSudo = a\n", "[accounts]\n\0=\n",
    "[groups]\n" + "".join(f"g{n} = a\n" for n in range(65)), "#" * 8193,
    "[accounts]\nsshd = /usr/sbin/sshd\n" + MANY, "[accounts]\nsshd = sshd\n", "[groups]\nsudo = a\nsudo = b\ndocker = a\n",
    "[accounts]\nrange = 70000-\n", "[accounts]\nrange = 070000-80000\n", "[accounts]\nrange = 80000-70000\n",
    "[accounts]\nhome = /home/%u/\n", "[accounts]\nhome = /home/a%u\n", "[accounts]\nhome =\n", "[accounts]\nhome = /home//%u\n", "[accounts]\nhome = /./%u\n", "[accounts]\nshells = /bin/a:b\n",
    MANY, MANY, MANY, MANY)


def originals():
    def users(count, groups=()):
        return [User((NAMES[n] if n < len(NAMES) else f"user.{n}"), 0x70000000 + n * n,
                     LOCKED if n % 5 == 4 else 1, ("", "/bin/sh", "/bin/zsh")[n % 3],
                     [group for g, group in enumerate(groups) if n >> g & 1]) for n in range(count)]
    local = [("sudo", 27), ("docker", 995), ("lxd", 1879048200)]
    names = [name for name, _ in local]
    yield image([])
    yield image([], local[:2])
    yield image(users(1), bits=1)
    yield image(users(7, names), local, bits=2)
    yield image(users(40, names), local)
    yield image(users(29, names[:2]), local[:2], seed=99, generation=1 << 40, bits=1)
    yield image(users(12, [f"g{n}" for n in (1, 63)]) + [User("all.groups", 0x70010000, groups=[f"g{n}" for n in range(64)])], [(f"g{n}", 2000 + n) for n in range(64)], bits=3)
    yield image([User("all.groups", 0x70010000, groups=[f"g{n}" for n in range(64)])], [(f"g{n}", 2000 + n) for n in range(64)])
    yield image([User("only.one", 65536, groups=["sudo"]), User("last.one", 0x7FFFFFFE)], local[:1])


def number(chance, old=0):
    return chance.choice((*NUMBERS, old ^ 1 << chance.randrange(32), (old + 1) & 0xFFFFFFFF, chance.getrandbits(32)))


def text(chance, old):
    choice = chance.randrange(6)
    if choice == 0:
        return chance.choice(NAMES).encode().ljust(32, b"\0")
    if choice == 1:
        return chance.choice((b"", b"root", b"Alice", b"a/b", b"..", b"a:b", b"\xc3\xa4", b"-x", b"1x", b"a\0b", b"a b"))
    changed = bytearray(old)
    changed[chance.randrange(32)] = chance.choice((0, 10, 58, 65, 46, 95, 128, 255, chance.randrange(256)))
    return bytes(changed)


def mutate(chance, data):
    file = Changed(data)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        repair = chance.random() < 0.85
        kind = chance.randrange(10)
        if kind == 0:
            name = chance.choice([name for name in file.header if name != "checksum"])
            wide = file.header[name]
            new = chance.choice((0, 1, wide + 1, max(0, wide - 1), wide ^ 1 << chance.randrange(32), (1 << 32) - 1))
            if not (name.endswith("count") or name in ("version", "header_size", "directory_bits", "zero")):
                new = chance.choice((new, (1 << 64) - 1, 1 << 63, wide + 4096))
            file.set_header(repair, **{name: new & ((1 << 32) - 1) if new < 1 << 32 else new})
            file.header = Changed(data).header
        elif kind in (1, 2, 3, 4):
            table = chance.choice([one for one in file.TABLES if file.count(one)] or [None])
            if table is None:
                continue
            index = chance.randrange(file.count(table))
            record = file.record(table, index)
            name = chance.choice([name for name in record if name != "checksum"])
            if name == "name":
                new = text(chance, record[name])
            elif name in ("shell", "groups", "members_start", "members_checksum"):
                new = chance.choice((0, 1, chance.getrandbits(64), record[name] ^ 1 << chance.randrange(64)))
            else:
                new = number(chance, record[name])
            file.set_record(table, index, repair, **{name: new})
        elif kind == 5:  # two entries change places
            table = chance.choice(list(file.TABLES))
            if file.count(table) < 2:
                continue
            one = chance.randrange(file.count(table))
            two = chance.randrange(file.count(table))
            first, second = file.record(table, one), file.record(table, two)
            file.set_record(table, one, repair, **second)
            file.set_record(table, two, repair, **first)
        elif kind == 6:  # a directory
            start = file.header[chance.choice(("name_directory_offset", "uid_directory_offset"))]
            at = start + 4 * chance.randrange((1 << file.header["directory_bits"]) + 1)
            old, = struct.unpack_from("=I", file.data, at)
            new = chance.choice((0, (old + 1) & 0xFFFFFFFF, max(0, old - 1), file.header["user_count"], number(chance)))
            struct.pack_into("=I", file.data, at, new)
        elif kind == 7 and file.count("group"):
            index = chance.randrange(file.count("group"))
            _, members = file.list_of(index)
            if members:
                changed = bytearray(members)
                changed[chance.randrange(len(changed))] = chance.choice((0, 65, 97, 255))
                file.set_list(index, bytes(changed))
        elif kind == 8:
            file.data[chance.randrange(len(file.data))] ^= 1 << chance.randrange(8)
        else:
            size = chance.choice((0, 1, len(file.data) - 1, len(file.data) + 1, chance.randrange(len(file.data))))
            grown = bytes(file.data[:size]).ljust(size, b"\0")
            return grown if size < HEADER.size or chance.random() < 0.5 else with_size(grown, size)
    return bytes(file.data)


def with_size(data, size):
    file = Changed(data)
    file.set_header(file_size=size)
    return bytes(file.data)


def names_in(data):
    """All that a query may be about: the names and ids of the original."""
    file = Changed(data)
    names = {table: [file.record(table, index)["name"].rstrip(b"\0") for index in range(file.count(table))]
             for table in ("user", "group")}
    # The users are first: a user's index is that of its id. They are repeated, so that a file with many groups is asked
    # about its users as often.
    names = names["user"] * max(1, file.count("group") // max(1, file.count("user"))) + names["group"]
    ids = [file.record("user", index)["uid"] for index in range(file.count("user"))]
    ids += [file.record("group", index)["gid"] for index in range(file.count("group"))]
    return names or [b"nobody.here"], ids or [0x70000000]


def look_up(chance, names, ids, library, model):
    """The answers of both to the same question."""
    if chance.random() < 0.75:
        name, an_id = chance.choice(names), chance.choice(ids)
    else:
        name, an_id = chance.choice((b"nobody.here", b"root", b"sudo", b"Alice", b"", b"y" * 33, b"a\xff",
                                     *(one.encode() for one in NAMES))), number(chance)
    size = 8192 if chance.random() < 0.7 else chance.randrange(0, 120)
    kind = chance.randrange(5)
    gap = chance.randrange(8)
    if kind == 0:
        question = ("getpwnam", name, size)
    elif kind == 1:
        question = ("getpwuid", an_id, size)
    elif kind == 2:
        question = ("getgrnam", name, size, gap)
    elif kind == 3:
        question = ("getgrgid", an_id, size, gap)
    else:
        user = next((one for one in names if one == name), b"")
        index = names.index(user) if user in names else 0
        primary = chance.choice((ids[index % len(ids)], ids[index % len(ids)], 0xFFFFFFFF, 1000, an_id))
        question = ("initgroups", name, primary, chance.choice(((), (primary,), (27,), (2001, 995, 2063))),
                    chance.choice((0, 0, 3, 5, 6)))
    return question, *(getattr(reader, question[0])(*question[1:]) for reader in (library, model))


def main():
    library_path = pathlib.Path(sys.argv[1]).resolve()
    executions = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 16
    private_machine.enter(library_path)
    library = Library(str(library_path))
    chance = random.Random(seed)
    corpus = [(data, *names_in(data)) for data in originals()]
    statuses, done, conf = {}, 0, None
    target = os.open(private_machine.FILE, os.O_RDWR | os.O_CREAT, 0o644)
    started = time.monotonic()
    while done < executions:
        original, names, ids = chance.choice(corpus)
        data = mutate(chance, original)
        os.ftruncate(target, len(data))
        os.pwrite(target, data, 0)
        wanted = chance.choice(CONFS)
        if wanted != conf:
            conf = wanted
            private_machine.write(private_machine.CONF, conf.encode("latin-1"))
        model = Model(data, conf.encode("latin-1"))
        for _ in range(LOOKUPS_OF_A_FILE):
            question, found, expected = look_up(chance, names, ids, library, model)
            done += 1
            status = (question[0], expected[0], expected[1])
            statuses[status] = statuses.get(status, 0) + 1
            if found != expected:
                kept = pathlib.Path(os.environ.get("NSS_TEST_KEEP", "/dev/shm")) / f"accounts-{seed}-{done}"
                print(f"FAILED seed {seed}, execution {done}: {question}\n  library: {found}\n  model:   {expected}\n"
                      f"  accounts.conf: {conf!r}\n  file: {data.hex() if len(data) < 4096 else kept}")
                print(f"{done - 1} passed, 1 failed")
                sys.exit(1)
    for status, count in sorted(statuses.items()):
        print(f"  {status[0]:11} status {status[1]:2}, errno {status[2]:2}: {count}")
    # Each answer that is possible must have been among them, or the mutator tests less than it seems.
    kinds = {(kind, status) for kind, status, _ in statuses}
    missing = [(kind, status) for kind in ("getpwnam", "getpwuid", "getgrnam", "getgrgid") for status in (-2, -1, 0, 1)
               if (kind, status) not in kinds] + [("initgroups", s) for s in (-1, 0, 1) if ("initgroups", s) not in kinds]
    print(f"{done} look-ups, seed {seed}, {time.monotonic() - started:.0f} s; never answered: {missing or 'nothing'}")
    print(f"{0 if missing else 1} passed, {1 if missing else 0} failed")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
