"""Writes accounts files as nss/accounts_format.h describes them, and repairs the checksums of changed ones."""

import functools
import struct

MAGIC, VERSION = 0x3176736363616370, 1
ACTIVE, LOCKED = 1, 2
FNV_START, FNV_PRIME, MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1

HEADER = struct.Struct("=QIIQQIIIIQQQQQQQQQQ")
HEADER_FIELDS = ("magic", "version", "header_size", "generation", "seed", "user_count", "group_count", "directory_bits",
                 "zero", "groups_offset", "users_offset", "name_directory_offset", "uids_offset",
                 "uid_directory_offset", "members_offset", "file_size", "reserved0", "reserved1", "checksum")
USER = struct.Struct("=32sIIQQQ")
USER_FIELDS = ("name", "uid", "state", "shell", "groups", "checksum")
UID = struct.Struct("=IIQ")
UID_FIELDS = ("uid", "record", "checksum")
GROUP = struct.Struct("=32sIIQIIQQ")
GROUP_FIELDS = ("name", "gid", "member_count", "members_start", "members_bytes", "zero", "members_checksum", "checksum")


@functools.lru_cache(maxsize=1 << 16)
def fnv(data, state=FNV_START):
    for byte in data:
        state = (state ^ byte) * FNV_PRIME & MASK
    return state


def number(value):
    return value.to_bytes(8, "little")


def mixed(key):
    key = (key ^ key >> 33) * 0xFF51AFD7ED558CCD & MASK
    key = (key ^ key >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return key ^ key >> 33


def name_key(seed, name):
    return mixed(fnv(number(seed) + name))


def uid_key(seed, uid):
    return mixed(fnv(number(seed) + number(uid)))


def shell_key(path):
    return fnv(path.encode()) | 1


def padded(data):
    return data + bytes(-len(data) % 8)


def directory(keys, bits):
    counts = [0] * (1 << bits)
    for key in keys:
        counts[key >> 64 - bits] += 1
    total, bounds = 0, [0]
    for count in counts:
        total += count
        bounds.append(total)
    return padded(struct.pack(f"={len(bounds)}I", *bounds))


class User:
    def __init__(self, name, uid, state=ACTIVE, shell="", groups=()):
        self.name, self.uid, self.state = name.encode(), uid, state
        self.shell = shell_key(shell) if shell else 0
        self.groups = tuple(groups)


def image(users, groups=(), seed=7, generation=1, bits=None):
    """groups: pairs (name, gid). A user's groups are names."""
    bits = bits or max(1, (len(users) // 2).bit_length())
    names = [name for name, _ in groups]
    ordered = sorted(users, key=lambda one: (name_key(seed, one.name), one.name))
    user_records, uids = [], []
    for index, user in enumerate(ordered):
        mask = sum(1 << names.index(group) for group in user.groups)
        body = USER.pack(user.name, user.uid, user.state, user.shell, mask, 0)[:-8]
        user_records.append(body + number(fnv(number(generation) + number(index) + body)))
        uids.append((uid_key(seed, user.uid), user.uid, index))
    uids.sort()
    uid_entries = []
    for index, (_, uid, record) in enumerate(uids):
        body = struct.pack("=II", uid, record)
        uid_entries.append(body + number(fnv(number(generation) + number(index) + body)))
    group_records, lists = [], b""
    for index, (name, gid) in enumerate(groups):
        members = sorted(user.name for user in users if name in user.groups and user.state == ACTIVE)[:64]
        listed = b"".join(member + b"\0" for member in members)
        body = GROUP.pack(name.encode(), gid, len(members), len(lists), len(listed), 0,
                          fnv(number(generation) + number(index) + listed), 0)[:-8]
        group_records.append(body + number(fnv(number(generation) + number(index) + body)))
        lists += listed
    parts = [b"".join(group_records), b"".join(user_records),
             directory((name_key(seed, one.name) for one in ordered), bits), b"".join(uid_entries),
             directory((key for key, _, _ in uids), bits), lists]
    offsets, at = [], HEADER.size
    for part in parts:
        offsets.append(at)
        at += len(part)
    fields = [MAGIC, VERSION, HEADER.size, generation, seed, len(users), len(groups), bits, 0, *offsets, at, 0, 0, 0]
    return repaired_header(HEADER.pack(*fields)) + b"".join(parts)


def repaired_header(header):
    return header[:-8] + number(fnv(bytes(header[:-8])))


class Changed:
    """A file to change, in the places that its original header has."""

    TABLES = {"user": (USER, USER_FIELDS, "users_offset", "user_count"),
              "uid": (UID, UID_FIELDS, "uids_offset", "user_count"),
              "group": (GROUP, GROUP_FIELDS, "groups_offset", "group_count")}

    def __init__(self, data):
        self.data = bytearray(data)
        self.header = dict(zip(HEADER_FIELDS, HEADER.unpack_from(data)))

    def count(self, table):
        return self.header[self.TABLES[table][3]]

    def set_header(self, repair=True, **changes):
        fields = self.header | changes
        packed = HEADER.pack(*(fields[name] for name in HEADER_FIELDS))
        self.data[:HEADER.size] = repaired_header(packed) if repair else packed

    def record(self, table, index):
        form, fields, start, _ = self.TABLES[table]
        return dict(zip(fields, form.unpack_from(self.data, self.header[start] + index * form.size)))

    def set_record(self, table, index, repair=True, **changes):
        form, fields, start, _ = self.TABLES[table]
        at = self.header[start] + index * form.size
        values = self.record(table, index) | changes
        packed = form.pack(*(values[name] for name in fields))
        if repair:
            packed = packed[:-8] + number(fnv(number(self.header["generation"]) + number(index) + packed[:-8]))
        self.data[at:at + form.size] = packed

    def list_of(self, index):
        group = self.record("group", index)
        start = self.header["members_offset"] + group["members_start"]
        return start, bytes(self.data[start:start + group["members_bytes"]])

    def set_list(self, index, data):
        """A value of the same length."""
        start, _ = self.list_of(index)
        self.data[start:start + len(data)] = data
        checksum = fnv(number(self.header["generation"]) + number(index) + bytes(data))
        self.set_record("group", index, members_checksum=checksum)
