"""The messages between cognitod and cognitod-accounts, made by hand from the comments in accounts/message.h."""

import socket
import struct

SOCKET = "/run/pam-cognito-accounts/socket"
POOL = "eu-central-1_AbCdEfGhI"
MAGIC, VERSION = 0x71726361, 2
SIGN_IN, LOCK, UNLOCK = 1, 2, 3
HEAD = struct.Struct("=IHH32s56s128sIIII")
GROUP, GROUPS = 512, 100
KEYS = 2048
SIZE = HEAD.size + GROUP * GROUPS + KEYS
REPLY = struct.Struct("=IHHII")
MALFORMED, SUB_DIFFERS, UNKNOWN, LOCKED, BAD_CONFIGURATION, DAMAGED = 1, 9, 10, 11, 14, 15
PATIENCE = 30  # seconds; only a failing test waits so long


def request(name="zoe.new", change=SIGN_IN, pool=POOL, sub="sub-1", groups=(), magic=MAGIC, version=VERSION, has_uid=0,
            uid=0, count=None, zero=0, keys=b""):
    if change != SIGN_IN:
        pool = sub = ""
    head = HEAD.pack(magic, version, change, name.encode(), pool.encode(), sub.encode(), has_uid, uid,
                     len(groups) if count is None else count, zero)
    listed = b"".join(group.encode().ljust(GROUP, b"\0") for group in groups)
    return (head + listed).ljust(SIZE - KEYS, b"\0") + keys.ljust(KEYS, b"\0")


def connect():
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(PATIENCE)
    peer.connect(SOCKET)
    return peer


def received(peer):
    """(refusal, uid, flags), or None if the connection ends."""
    try:
        data = peer.recv(100)
    except ConnectionResetError:
        return None
    if not data:
        return None
    magic, version, refusal, uid, flags = REPLY.unpack(data)
    assert (magic, version) == (0x70726361, VERSION), data
    return refusal, uid, flags


def ask(data):
    with connect() as peer:
        try:
            peer.send(data)
        except OSError as error:
            return error
        return received(peer)
