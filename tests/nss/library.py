"""libnss_cognitod called in this process. The caller's buffer lies between bytes that must not change."""

import ctypes
import errno

GUARD = 64


class Passwd(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("password", ctypes.c_char_p), ("uid", ctypes.c_uint32),
                ("gid", ctypes.c_uint32), ("gecos", ctypes.c_char_p), ("home", ctypes.c_char_p),
                ("shell", ctypes.c_char_p)]


class Group(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("password", ctypes.c_char_p), ("gid", ctypes.c_uint32),
                ("members", ctypes.POINTER(ctypes.c_char_p))]


class Overrun(Exception):
    pass


class Library:
    def __init__(self, path):
        self._library = ctypes.CDLL(path, use_errno=True)
        self._libc = ctypes.CDLL(None)
        self._libc.malloc.restype = ctypes.c_void_p
        self._libc.malloc.argtypes = [ctypes.c_size_t]
        self._libc.free.argtypes = [ctypes.c_void_p]
        self._space = ctypes.create_string_buffer(16384)
        self._address = ctypes.addressof(self._space)
        # malloc's alignment, so that a gap is what the caller asked for.
        self._base = self._address + (-self._address % 16) + GUARD

    def _call(self, function, key, entry, size, gap):
        """(status, errno), after the bytes around the buffer have been compared. `gap`: bytes to the next pointer."""
        start = self._base + (-gap % 8)
        ctypes.memset(self._address, 0xA5, len(self._space))
        ctypes.memset(ctypes.addressof(entry), 0xA5, ctypes.sizeof(entry))
        error = ctypes.c_int(0)
        ctypes.set_errno(errno.EDOM)
        arguments = [] if key is None else [key if isinstance(key, bytes) else ctypes.c_uint32(key)]
        status = function(*arguments, ctypes.byref(entry), ctypes.c_void_p(start), ctypes.c_size_t(size),
                          ctypes.byref(error))
        if status in (0, 1) and ctypes.get_errno() != errno.EDOM:
            raise Overrun(f"{key!r}: errno changed without failure")
        raw = self._space.raw
        at = start - self._address
        if raw[:at].strip(b"\xa5") or raw[at + size:].strip(b"\xa5"):
            raise Overrun(f"{key!r}: bytes outside the buffer of {size}")
        if status != 1 and ctypes.string_at(ctypes.addressof(entry), ctypes.sizeof(entry)).strip(b"\xa5"):
            raise Overrun(f"{key!r}: the entry changed without success")
        return status, error.value

    def _inside(self, pointer, size, gap):
        start = self._base + (-gap % 8)
        return start <= pointer < start + size

    def passwd(self, function, key, size=1024):
        entry = Passwd()
        status, error = self._call(getattr(self._library, f"_nss_cognitod_{function}"), key, entry, size, 0)
        if status != 1:
            return status, error, None
        if entry.password != b"*":
            raise Overrun(f"{key!r}: password {entry.password!r}")
        texts = [one.decode() for one in (entry.name, entry.gecos, entry.home, entry.shell)]
        return status, error, (texts[0], entry.uid, entry.gid, *texts[1:])

    def group(self, function, key, size=8192, gap=0):
        entry = Group()
        status, error = self._call(getattr(self._library, f"_nss_cognitod_{function}"), key, entry, size, gap)
        if status != 1:
            return status, error, None
        if entry.password != b"*":
            raise Overrun(f"{key!r}: password {entry.password!r}")
        members = []
        while entry.members[len(members)] is not None:
            members.append(entry.members[len(members)].decode())
        return status, error, (entry.name.decode(), entry.gid, tuple(members))

    def getpwnam(self, name, size=1024):
        return self.passwd("getpwnam_r", name, size)

    def getpwuid(self, uid, size=1024):
        return self.passwd("getpwuid_r", uid, size)

    def getgrnam(self, name, size=8192, gap=0):
        return self.group("getgrnam_r", name, size, gap)

    def getgrgid(self, gid, size=8192, gap=0):
        return self.group("getgrgid_r", gid, size, gap)

    def initgroups(self, name, primary, present=(), limit=0):
        """The array has four places at first."""
        array = ctypes.c_void_p(self._libc.malloc(16))
        values = ctypes.cast(array, ctypes.POINTER(ctypes.c_uint32))
        for index, gid in enumerate(present):
            values[index] = gid
        start, size, error = ctypes.c_long(len(present)), ctypes.c_long(4), ctypes.c_int(0)
        status = self._library._nss_cognitod_initgroups_dyn(
            name, ctypes.c_uint32(primary), ctypes.byref(start), ctypes.byref(size), ctypes.byref(array),
            ctypes.c_long(limit), ctypes.byref(error))
        values = ctypes.cast(array, ctypes.POINTER(ctypes.c_uint32))
        found = tuple(values[index] for index in range(start.value))
        self._libc.free(array)
        if status in (-1, -2) and found != present:
            raise Overrun(f"{name!r}: failed with groups {found} of {present}, errno {error.value}")
        if start.value > size.value or status in (-1, -2) and error.value in (0, errno.ERANGE):
            raise Overrun(f"{name!r}: {start.value} groups in {size.value} places, errno {error.value}")
        return status, error.value, None if status in (-1, -2) else found

    def list_of(self, kind, size=1024):
        """The answers of an enumeration, up to the first one without success."""
        form, ask = (self.passwd, "getpwent_r") if kind == "pw" else (self.group, "getgrent_r")
        getattr(self._library, f"_nss_cognitod_set{kind}ent")(0)
        found = []
        while True:
            answer = form(ask, None, size)
            if answer[0] != 1:
                return found, answer
            found.append(answer[2])
