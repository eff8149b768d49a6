"""A second reader of accounts.conf and the accounts file, written from nss/accounts_format.h and
nss/accounts_conf.h alone. It checks the whole file's structure in another way than the library, which sees only the
parts that a look-up needs: for each look-up it says what the answer must be.

An answer is (status, errno, content). Content of passwd: name, uid, gid, gecos, home, shell; of group: name, gid,
members; of initgroups: the gids."""

import errno
import pathlib
import re
import struct

from accounts_image import (ACTIVE, GROUP, GROUP_FIELDS, HEADER, HEADER_FIELDS, LOCKED, MAGIC, UID, UID_FIELDS, USER,
                            USER_FIELDS, VERSION, fnv, name_key, number, shell_key, uid_key)

TRYAGAIN, UNAVAIL, NOTFOUND, SUCCESS = -2, -1, 0, 1
LOWEST, HIGHEST, NOBODY = 65536, 0x7FFFFFFE, 0xFFFFFFFF
NAME = re.compile(rb"[a-z_][a-z0-9_.-]{0,31}")
RESERVED = set(re.findall(r"[a-z0-9_-]+(?=:)", (pathlib.Path(__file__).resolve().parents[2] / "nss/reserved_names_list.h")
                          .read_text().partition("kReservedText")[2]))
DAMAGED, REFUSED = (UNAVAIL, errno.EIO, None), (UNAVAIL, errno.EPERM, None)
ABSENT, TOO_SMALL = (NOTFOUND, 0, None), (TRYAGAIN, errno.ERANGE, None)


def is_reserved(name):
    return name.startswith((b"_", b"systemd-")) or name.decode() in RESERVED


def may_be_user(name):
    return NAME.fullmatch(name) and not is_reserved(name)


class Damaged(Exception):
    pass


def need(condition):
    if not condition:
        raise Damaged


# --- accounts.conf

class Conf:
    def __init__(self):
        self.first, self.last, self.home, self.enumerate, self.groups = 0x70000000, 2099999999, "/home/%u", False, []
        self.shells = "/bin/bash /bin/sh /bin/dash /usr/bin/bash /usr/bin/sh /usr/bin/dash".split()


def is_path(path, users):
    parts = path.split("/")
    return (2 <= len(path) <= 128 and path.startswith("/") and all("!" <= c <= "~" and c != ":" for c in path)
            and not {"", ".", ".."} & set(parts[1:]) and parts.count("%u") == users
            and not any("%" in part for part in parts if part != "%u"))


def decimal(text):
    return int(text) if re.fullmatch("0|[1-9][0-9]{0,9}", text) and int(text) < 1 << 32 else None


def words(text):
    return re.findall(r"[^ \t]+", text)


def read_conf(data):
    """None if a line has a fault."""
    if data is None or len(data) > 8192:
        return None
    conf, section = Conf(), None
    for line in data.decode("latin-1").split("\n"):
        if "\0" in line:
            return None
        line = line.strip(" \t")
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            if len(line) < 3 or line[-1] != "]":
                return None
            section = line[1:-1].strip(" \t")
            continue
        key, equals, value = line.partition("=")
        key, value = key.strip(" \t"), value.strip(" \t")
        if not key or not equals or not section:
            return None
        if section == "groups":
            if not NAME.fullmatch(key.encode("latin-1")) or key == "root":
                return None
            if key not in conf.groups:
                conf.groups.append(key)
            if len(conf.groups) > 64:
                return None
        if section != "accounts":
            continue
        if key == "range":
            first, _, last = value.partition("-")
            first, last = decimal(first.strip(" \t")), decimal(last.strip(" \t"))
            if first is None or last is None or not LOWEST <= first <= last <= HIGHEST:
                return None
            conf.first, conf.last = first, last
        elif key == "home":
            if not is_path(value, 1):
                return None
            conf.home = value
        elif key in ("shells", "sshd"):
            if not words(value) or not all(is_path(word, 0) for word in words(value)):
                return None
            if key == "shells":
                conf.shells = words(value)
        elif key == "enumerate":
            if value not in ("yes", "no"):
                return None
            conf.enumerate = value == "yes"
    return conf


# --- the accounts file

def text_of(field):
    """A name filled with NULs."""
    name = field.rstrip(b"\0")
    need(NAME.fullmatch(name))
    return name


class File:
    def __init__(self, data):
        need(data is not None and len(data) >= HEADER.size)
        self.data = data
        self.header = header = dict(zip(HEADER_FIELDS, HEADER.unpack_from(data)))
        need((header["magic"], header["version"], header["header_size"]) == (MAGIC, VERSION, HEADER.size))
        need(header["checksum"] == fnv(bytes(data[:HEADER.size - 8])))
        need(header["zero"] == header["reserved0"] == header["reserved1"] == 0)
        users, groups, bits = header["user_count"], header["group_count"], header["directory_bits"]
        need(users <= 1 << 20 and groups <= 64 and 1 <= bits <= 20)
        directory = -(-((1 << bits) + 1) * 4 // 8) * 8
        at = HEADER.size
        for name, size in (("groups_offset", groups * GROUP.size), ("users_offset", users * USER.size),
                           ("name_directory_offset", directory), ("uids_offset", users * UID.size),
                           ("uid_directory_offset", directory), ("members_offset", 0)):
            need(header[name] == at)
            at += size
        need(at <= header["file_size"] <= at + groups * 4096 and header["file_size"] == len(data))
        self.generation, self.seed, self.bits, self.user_count, self.group_count = (
            header["generation"], header["seed"], bits, users, groups)
        self.members_size = len(data) - at

    def record(self, form, fields, table, index):
        at = self.header[table] + index * form.size
        raw = bytes(self.data[at:at + form.size])
        values = dict(zip(fields, form.unpack(raw)))
        need(values["checksum"] == fnv(number(self.generation) + number(index) + raw[:-8]))
        return values

    def user(self, index):
        user = self.record(USER, USER_FIELDS, "users_offset", index)
        user["name"] = text_of(user["name"])
        need(LOWEST <= user["uid"] <= HIGHEST and user["state"] in (ACTIVE, LOCKED))
        need(user["groups"] < 1 << self.group_count)
        return user

    def uid_entry(self, index):
        entry = self.record(UID, UID_FIELDS, "uids_offset", index)
        need(LOWEST <= entry["uid"] <= HIGHEST and entry["record"] < self.user_count)
        return entry

    def neighbourhood(self, directory, key, read, sort_key):
        """The entries of the key's bucket, after they and both neighbours have been checked."""
        bucket = key >> 64 - self.bits
        first, end = struct.unpack_from("=II", self.data, self.header[directory] + 4 * bucket)
        need(first <= end <= self.user_count and end - first <= 30)
        around = range(max(0, first - 1), min(self.user_count, end + 1))
        entries = [(index, read(index)) for index in around]
        keys = [sort_key(entry) for _, entry in entries]
        need(all(one < two for one, two in zip(keys, keys[1:])))
        for (index, _), (own, _) in zip(entries, keys):
            owner = own >> 64 - self.bits
            need(owner < bucket if index < first else owner == bucket if index < end else owner > bucket)
        return [entry for _, entry in entries]

    def by_name(self, name):
        found = self.neighbourhood("name_directory_offset", name_key(self.seed, name), self.user,
                                   lambda user: (name_key(self.seed, user["name"]), user["name"]))
        return next((user for user in found if user["name"] == name), None)

    def by_uid(self, uid):
        found = self.neighbourhood("uid_directory_offset", uid_key(self.seed, uid), self.uid_entry,
                                   lambda entry: (uid_key(self.seed, entry["uid"]), entry["uid"]))
        entry = next((entry for entry in found if entry["uid"] == uid), None)
        if entry is None:
            return None
        user = self.user(entry["record"])
        need(user["uid"] == uid)
        return user

    def groups(self):
        found, at = [], 0
        for index in range(self.group_count):
            group = self.record(GROUP, GROUP_FIELDS, "groups_offset", index)
            group["name"], group["index"] = text_of(group["name"]), index
            need(group["gid"] not in (0, NOBODY) and group["zero"] == 0 and group["member_count"] <= 64)
            need(group["members_bytes"] <= 4096 and group["members_start"] == at)
            at += group["members_bytes"]
            need(at <= self.members_size)
            found.append(group)
        need(at == self.members_size)
        return found

    def members(self, group):
        at = self.header["members_offset"] + group["members_start"]
        raw = bytes(self.data[at:at + group["members_bytes"]])
        need(group["members_checksum"] == fnv(number(self.generation) + number(group["index"]) + raw))
        need(not raw or raw.endswith(b"\0"))
        names = raw.split(b"\0")[:-1]
        need(all(NAME.fullmatch(name) for name in names) and len(names) == group["member_count"])
        return names


# --- look-ups

class Model:
    def __init__(self, data, conf):
        self.data, self.conf_data = data, conf

    def _answer(self, look_up, *arguments):
        try:
            return look_up(File(self.data), *arguments)
        except Damaged:
            return DAMAGED

    def _conf(self):
        conf = read_conf(self.conf_data)
        need(conf is not None)
        return conf

    @staticmethod
    def _permits(conf, uid):
        return conf.first <= uid <= conf.last

    def _passwd(self, user, size):
        if user is None:
            return ABSENT
        conf = self._conf()
        if not self._permits(conf, user["uid"]) or is_reserved(user["name"]):
            return REFUSED
        name = user["name"].decode()
        home = conf.home.replace("%u", name)
        shell = next((one for one in conf.shells if shell_key(one) == user["shell"]), conf.shells[0])
        if user["state"] == LOCKED:
            shell = "/usr/sbin/nologin"
        if len(name) + 1 + 2 + 1 + len(home) + 1 + len(shell) + 1 > size:
            return TOO_SMALL
        return SUCCESS, 0, (name, user["uid"], user["uid"], "", home, shell)

    def _private(self, user, size, gap):
        if user is None:
            return ABSENT
        if not self._permits(self._conf(), user["uid"]) or is_reserved(user["name"]):
            return REFUSED
        name = user["name"].decode()
        return TOO_SMALL if gap + 8 + len(name) + 1 + 2 > size else (SUCCESS, 0, (name, user["uid"], ()))

    def _mapped(self, file, wanted, size, gap):
        group = next((one for one in file.groups() if wanted(one)), None)
        if group is None:
            return ABSENT
        conf = self._conf()
        name = group["name"].decode()
        if name not in conf.groups:
            return ABSENT
        if self._permits(conf, group["gid"]):
            return REFUSED
        members = file.members(group)
        places = 8 * (len(members) + 1)
        members = [one for one in members if not is_reserved(one)]
        if gap + places + len(name) + 1 + 2 + sum(len(one) + 1 for one in members) > size:
            return TOO_SMALL
        return SUCCESS, 0, (name, group["gid"], tuple(one.decode() for one in members))

    def getpwnam(self, name, size):
        if not may_be_user(name):
            return ABSENT
        return self._answer(lambda file: self._passwd(file.by_name(name), size))

    def getpwuid(self, uid, size):
        if not LOWEST <= uid <= HIGHEST:
            return ABSENT
        return self._answer(lambda file: self._passwd(file.by_uid(uid), size))

    def getgrnam(self, name, size, gap=0):
        if not NAME.fullmatch(name):
            return ABSENT

        def look_up(file):
            mapped = self._mapped(file, lambda group: group["name"] == name, size, gap)
            if mapped != ABSENT or is_reserved(name):
                return mapped
            return self._private(file.by_name(name), size, gap)
        return self._answer(look_up)

    def getgrgid(self, gid, size, gap=0):
        if gid in (0, NOBODY):
            return ABSENT

        def look_up(file):
            mapped = self._mapped(file, lambda group: group["gid"] == gid, size, gap)
            if mapped != ABSENT or not LOWEST <= gid <= HIGHEST:
                return mapped
            return self._private(file.by_uid(gid), size, gap)
        return self._answer(look_up)

    def initgroups(self, name, primary, present=(), limit=0):
        """The array afterwards."""
        if not may_be_user(name):
            return NOTFOUND, 0, present

        def look_up(file):
            user = file.by_name(name)
            if user is None or primary not in (user["uid"], NOBODY):
                return NOTFOUND, 0, present
            if user["state"] == LOCKED:
                return SUCCESS, 0, present
            groups = file.groups()
            conf = self._conf()
            if not self._permits(conf, user["uid"]):
                return REFUSED
            found = list(present)
            for group in groups:
                if not user["groups"] >> group["index"] & 1 or group["name"].decode() not in conf.groups:
                    continue
                if self._permits(conf, group["gid"]):
                    return REFUSED
                if group["gid"] not in found and not (limit and len(found) >= max(limit, 4)):
                    found.append(group["gid"])
            return SUCCESS, 0, tuple(found)
        return self._answer(look_up)
