#!/usr/bin/env python3
"""Speaks to the system bus for faults_test.py and broker_test.py, as the user who runs it, by libsystemd.

bus_probe.py call [h] INTERFACE MEMBER …
    Calls each member of the daemon, one after the other on one connection; h: with a descriptor. Prints
    for each the name of the error that came, or `answered`.
bus_probe.py own            asks for the daemon's name, and prints the same
bus_probe.py send CONNECTION        sends CONNECTION a signal with a descriptor, then one without
bus_probe.py receive        prints its connection's name, takes signals until one has no descriptor, and
                            prints what came
"""

import ctypes
import sys

SERVICE = b"org.pamcognito.Auth1"
# An object that the daemon does not have: what gets past the bus has no effect.
NOWHERE = b"/nothing/here"
BUS = (b"org.freedesktop.DBus", b"/org/freedesktop/DBus", b"org.freedesktop.DBus")
STRANGER = b"org.example.Stranger"
STDIN = 0
TIMEOUT_USEC = 60_000_000

sd = ctypes.CDLL("libsystemd.so.0")
sd.sd_bus_message_get_signature.restype = ctypes.c_char_p


class Error(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("message", ctypes.c_char_p), ("need_free", ctypes.c_int)]


def good(result):
    if result < 0:
        raise OSError(-result, "libsystemd")
    return result


def connection():
    bus = ctypes.c_void_p()
    good(sd.sd_bus_open_system(ctypes.byref(bus)))
    return bus


def call(bus, target, member, *arguments):
    """The name of the error that came, or `answered`. arguments: their types, and the values."""
    error = Error()
    result = sd.sd_bus_call_method(bus, *target, member, ctypes.byref(error), None, *arguments or (b"",))
    if result >= 0:
        return "answered"
    return error.name.decode() if error.name else f"errno {-result}"


def send(bus, to):
    for with_descriptor in (True, False):
        signal = ctypes.c_void_p()
        good(sd.sd_bus_message_new_signal(bus, ctypes.byref(signal), b"/s", STRANGER, b"Sent"))
        if with_descriptor:
            good(sd.sd_bus_message_append(signal, b"h", ctypes.c_int(STDIN)))
        good(sd.sd_bus_message_set_destination(signal, to))
        good(sd.sd_bus_send(bus, signal, None))
    # When this is answered, the bus has read both.
    return call(bus, BUS, b"GetId")


def receive(bus):
    name = ctypes.c_char_p()
    good(sd.sd_bus_get_unique_name(bus, ctypes.byref(name)))
    print(name.value.decode(), flush=True)
    while True:
        message = ctypes.c_void_p()
        if good(sd.sd_bus_process(bus, ctypes.byref(message))) == 0:
            if good(sd.sd_bus_wait(bus, ctypes.c_uint64(TIMEOUT_USEC))) == 0:
                print("nothing")
                return
        elif message and sd.sd_bus_message_is_signal(message, STRANGER, b"Sent") > 0:
            signature = sd.sd_bus_message_get_signature(message, 1)
            print("a descriptor" if signature == b"h" else "no descriptor", flush=True)
            if signature != b"h":
                return


def main():
    what, *rest = sys.argv[1:]
    bus = connection()
    if what == "own":
        print(call(bus, BUS, b"RequestName", b"su", SERVICE, ctypes.c_uint32(0)))
    elif what == "send":
        print(send(bus, rest[0].encode()))
    elif what == "receive":
        receive(bus)
    else:
        while rest:
            arguments = (b"h", ctypes.c_int(STDIN)) if rest[0] == "h" else ()
            rest = rest[1:] if arguments else rest
            interface, member, *rest = rest
            print(call(bus, (SERVICE, NOWHERE, interface.encode()), member.encode(), *arguments))


main()
