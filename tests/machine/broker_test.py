#!/usr/bin/env python3
"""broker_test.py: dbus-broker as the system bus, in place of dbus-daemon: the scenes of faults_test.py, break_glass_test.py
and unit_test.py that come to something by what the bus does or says. Names of scenes as arguments play those alone.
Closes with `N passed, N failed`."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import break_glass_test
import faults_test
import unit_test
from faults_test import (KNOWN, bus, bus_policy, bus_processes, crowded_bus, hung_daemon, hung_start, lost_at_the_prompt,
                         no_daemon, probe_bus)
from members import add_members, restart
from unit_test import no_proof, program_gone, restarted_too_often

NO_OWNER = "org.freedesktop.DBus.Error.NameHasNoOwner"


def broker(judge, machine):
    with judge.scene("dbus-broker is the system bus"):
        unit = machine.run("systemctl", "show", "--property=Id", "--value", "dbus.service").stdout.strip()
        judge.check("dbus.service is its unit", unit == "dbus-broker.service", unit)
        found = bus_processes(machine)
        judge.check("it serves the bus's socket", any(name.startswith("dbus-broker ") for name in found), found)
        judge.check("and no dbus-daemon does", not any("daemon" in name for name in found), found)


def no_start(judge, machine):
    """pam/bus_connection.cc counts on it: so the module asks systemd, which knows the reason."""
    with judge.scene("It says of each start that came to nothing that nobody has the name, whatever the reason"):
        machine.run("systemctl", "mask", "--runtime", "--now", "cognitod")
        found = call_daemon(machine)
        judge.check("of a masked unit", found == NO_OWNER, found)
        machine.run("systemctl", "unmask", "--runtime", "cognitod")
        for what, text in (("of one whose program is called with a wrong argument",
                            "ExecStart=\nExecStart=/usr/libexec/cognitod --no-such-argument"),
                           ("of one for whose user systemd finds no account", "User=nobody-of-that-name")):
            machine.run("systemctl", "stop", "cognitod")
            unit_test.drop_in(machine, f"[Service]\nRestart=no\n{text}\n")
            machine.run("systemctl", "reset-failed", "cognitod", check=False)
            found = call_daemon(machine)
            judge.check(what, found == NO_OWNER, found)
            unit_test.no_drop_in(machine)


def call_daemon(machine):
    return probe_bus(machine, KNOWN, "call", "org.pamcognito.Auth1", "OpenSignIn")[0]


def daemon_dead(judge, machine):
    break_glass_test.daemon_dead(judge, break_glass_test.Stage(machine))


def given_up(judge, machine):
    """The calls for which unit_test.py has a user of its own."""
    add_members(machine, unit_test.OTHER, password=unit_test.LOCAL_PASSWORD)
    for scene in (program_gone, no_proof, restarted_too_often):
        scene(judge, machine)
    restart(machine)


SCENES = (broker, bus_policy, no_start, hung_daemon, no_daemon, lost_at_the_prompt, hung_start, crowded_bus, bus,
          daemon_dead, given_up)


if __name__ == "__main__":
    faults_test.play(SCENES, "broker", ("dbus-broker",))
