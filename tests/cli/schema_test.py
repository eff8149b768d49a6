"""schema_test.py SCHEMA PROGRAM GOLDEN-DIRECTORY: each object that the golden transcripts show is one of
docs/reference/cognitoctl.schema.json, and each definition and member of it is in one of them. The other tests of
this directory compare the transcripts with what cognitoctl prints."""

import json
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

SCHEMA, PROGRAM, GOLDEN = sys.argv[1:4]
ROOT = json.loads(pathlib.Path(SCHEMA).read_text(encoding="utf-8"))
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
KEYWORDS = {"$ref", "type", "properties", "additionalProperties", "required", "items", "enum", "const", "oneOf", "anyOf", "minimum", "description"}
COMMANDS = {"mfa": ("show", "setup", "prefer", "disable"), "sessions": ("list", "end"), "policy": ("test",),
            "identity": ("list", "pin", "reset"), "config": ("check", "show", "get"),
            "break-glass": ("open", "close", "status"),
            "directory": ("status", "accept"),
            "users": ("add", "list", "show", "lock", "unlock", "remove", "set-shell", "rebind", "rename", "migrate", "export",
                      "import", "adopt")}
# A name with one of these words is that of a time or a duration.
TIME = re.compile("(^|_)(time|since|until|took|duration|age|seconds|left|after|ends?|at)(_|$)")
SINGLE = {"sign-out", "setup", "doctor", "status", "log", "explain", "login-test", "image-prepare"}
# Members that no transcript has, and why.
UNSEEN = {
    "users-add.remark": "needs nscd, logind or cognitod to fail on this machine itself",
    "users-migrate.remark": "needs nscd to fail on this machine itself",
    "directory-accept.remark": "needs nscd or logind to fail on this machine itself",
}


def has_type(value, name):
    # In Python a boolean is an integer.
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def same(value, other):
    return type(value) is type(other) and value == other


def faults(value, schema, seen=None, place="", at="$"):
    """The faults of the value, as texts. A member that the schema does not name is a fault. `seen` gets the definitions
    and members that the value has: "doctor", "doctor.checks"; `place` is the schema's own."""
    unknown = set(schema) - KEYWORDS
    if unknown:
        raise ValueError(f"keywords without a check: {unknown}")
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        found = faults(value, ROOT["$defs"][name], seen, name, at)
        if seen is not None and not found:
            seen.add(name)
        return found
    found = []
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(has_type(value, name) for name in names):
            return [f"{at}: {value!r} is not of type {names}"]
    if "enum" in schema and not any(same(value, one) for one in schema["enum"]):
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if "const" in schema and not same(value, schema["const"]):
        found.append(f"{at}: {value!r} is not {schema['const']!r}")
    if "minimum" in schema and value is not None and value < schema["minimum"]:
        found.append(f"{at}: {value!r} is less than {schema['minimum']}")
    for keyword, fits in (("oneOf", lambda n: n == 1), ("anyOf", lambda n: n >= 1)):
        if keyword in schema:
            fitting = [one for one in schema[keyword] if not faults(value, one, at=at)]
            for one in fitting:
                faults(value, one, seen, place, at)
            if not fits(len(fitting)):
                found.append(f"{at}: {value!r} is {len(fitting)} of those of {keyword}")
    if isinstance(value, dict):
        found += [f"{at}: no member {name}" for name in schema.get("required", ()) if name not in value]
        for name, member in value.items():
            if name in schema.get("properties", {}):
                inner = f"{place}.{name}"
                if seen is not None:
                    seen.add(inner)
                found += faults(member, schema["properties"][name], seen, inner, f"{at}.{name}")
            elif schema.get("additionalProperties", True) is False:
                found.append(f"{at}: unknown member {name}")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            found += faults(item, schema["items"], seen, place, f"{at}[{number}]")
    return found


def objects(schema):
    """Each schema of an object in it."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        schema = schema.values()
    elif not isinstance(schema, list):
        return
    for inner in schema:
        yield from objects(inner)


def members(schema, place):
    """Its members, as `seen` of faults() has them."""
    if isinstance(schema, dict):
        for name, inner in schema.get("properties", {}).items():
            yield f"{place}.{name}"
            yield from members(inner, f"{place}.{name}")
        for keyword in ("items", "oneOf", "anyOf"):
            yield from members(schema.get(keyword), place)
    elif isinstance(schema, list):
        for inner in schema:
            yield from members(inner, place)


def subcommands(*commands):
    shown = subprocess.run([PROGRAM, *commands, "--help"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in shown.splitlines()
            if line.startswith("  ") and not line.startswith("  -") and line[2:3].isalpha()]


def command_of(line):
    """["sessions", "list"] of "$ cognitoctl sessions list --json"; None: not a command with --json."""
    words = shlex.split(line)[2:]
    if not any(word == "--json" or word.startswith("--json=") for word in words):
        return None
    plain = [word for word in words if not word.startswith("-")]
    return plain[:2] if plain and plain[0] in COMMANDS else plain[:1]


def samples():
    """(file, command, its object)."""
    for path in sorted(pathlib.Path(GOLDEN).glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("$ cognitoctl")[1:]:
            first, *output = block.splitlines()
            command = command_of("$ cognitoctl" + first)
            shown = "\n".join(output)
            if command is None or "\n{" not in "\n" + shown:
                continue
            shown = shown[("\n" + shown).index("\n{"):]
            yield path.name, command, json.JSONDecoder().raw_decode(shown)[0]


class Schema(unittest.TestCase):
    def test_each_object_of_the_transcripts_is_valid(self):
        for file, command, value in samples():
            name = "error" if "error" in value else "-".join(command)
            with self.subTest(file=file, command=command):
                self.assertEqual(faults(value, {"$ref": f"#/$defs/{name}"}), [])
                self.assertEqual(faults(value, {"anyOf": ROOT["anyOf"]}), [])

    def test_each_definition_and_member_is_in_the_transcripts(self):
        seen = set()
        for _, command, value in samples():
            name = "error" if "error" in value else "-".join(command)
            faults(value, {"$ref": f"#/$defs/{name}"}, seen)
        wanted = set(ROOT["$defs"])
        for name, schema in ROOT["$defs"].items():
            wanted |= set(members(schema, name))
        self.assertEqual(sorted(wanted - seen), sorted(UNSEEN))
        self.assertEqual(seen - wanted, set())

    def test_no_object_has_members_without_a_description(self):
        for schema in objects(ROOT["$defs"]):
            self.assertIs(schema.get("additionalProperties"), False, schema["properties"].keys())

    def test_times_and_durations_have_a_unit(self):
        for name in {at.rpartition(".")[2] for each, schema in ROOT["$defs"].items() for at in members(schema, each)}:
            if TIME.search(name):
                self.assertRegex(name, "_(at|s|ms|us)$")

    def test_it_defines_each_command_and_no_other(self):
        commands = {f"{group}-{name}" for group, names in COMMANDS.items() for name in names}
        listed = {one["$ref"].removeprefix("#/$defs/") for one in ROOT["anyOf"]}
        self.assertEqual(listed, commands | SINGLE | {"error"})
        self.assertLess(listed, set(ROOT["$defs"]))

    def test_the_commands_are_those_of_the_program(self):
        for group, names in COMMANDS.items():
            self.assertEqual(set(subcommands(group)), set(names), group)

    def test_a_wrong_object_is_found(self):
        session = {"age_s": 1, "factor": "totp", "id": "0", "login_open": True, "origin": "", "service": "sshd",
                   "user": "alice", "verified_age_s": 1, "counts_from": ""}
        sessions = ROOT["$defs"]["sessions-list"]
        self.assertEqual(faults({"sessions": [session]}, sessions), [])
        without = {name: value for name, value in session.items() if name != "user"}
        for wrong in ({}, {"sessions": {}}, {"sessions": [without]}, {"sessions": [{**session, "new": 1}]},
                      {"sessions": [{**session, "age_s": "1"}]}, {"sessions": [{**session, "age_s": -1}]},
                      {"sessions": [{**session, "age_s": True}]}, {"sessions": [{**session, "login_open": 1}]}):
            self.assertTrue(faults(wrong, sessions), wrong)
        self.assertTrue(faults({"enabled": [], "preferred": "fax"}, ROOT["$defs"]["mfa-show"]))
        self.assertTrue(faults({"user": "alice", "done": 1}, ROOT["$defs"]["identity-pin"]))
        self.assertTrue(faults({"answer": 1}, {"anyOf": ROOT["anyOf"]}))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
