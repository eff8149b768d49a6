"""schema_test.py SCHEMA PROGRAM GOLDEN-DIRECTORY: each object that the golden transcripts show is one of
docs/reference/cognitoctl.schema.json, which has a definition for each command and a description of each member."""

import json
import pathlib
import shlex
import subprocess
import sys
import unittest

SCHEMA, PROGRAM, GOLDEN = sys.argv[1:4]
ROOT = json.loads(pathlib.Path(SCHEMA).read_text(encoding="utf-8"))
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
KEYWORDS = {"$ref", "type", "properties", "required", "items", "enum", "const", "oneOf", "anyOf", "minimum", "description"}
COMMANDS = {"mfa": ("show", "setup", "prefer", "disable"), "sessions": ("list", "end"), "policy": ("test",),
            "identity": ("list", "pin", "reset"), "config": ("check", "show", "get"),
            "break-glass": ("open", "close", "status"),
            "users": ("add", "list", "show", "lock", "unlock", "remove", "set-shell", "rebind", "rename", "migrate", "export",
                      "import", "adopt")}


def has_type(value, name):
    # In Python a boolean is an integer.
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def same(value, other):
    return type(value) is type(other) and value == other


def faults(value, schema, at="$"):
    """What is wrong with the value: texts. A member that the schema does not name is a fault."""
    unknown = set(schema) - KEYWORDS
    if unknown:
        raise ValueError(f"keywords without a check: {unknown}")
    if "$ref" in schema:
        return faults(value, ROOT["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    found = []
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(has_type(value, name) for name in names):
            return [f"{at}: {value!r} is not of type {names}"]
    if "enum" in schema and not any(same(value, one) for one in schema["enum"]):
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if "const" in schema and not same(value, schema["const"]):
        found.append(f"{at}: {value!r} is not {schema['const']!r}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{at}: {value!r} is less than {schema['minimum']}")
    for keyword, fits in (("oneOf", lambda n: n == 1), ("anyOf", lambda n: n >= 1)):
        if keyword in schema:
            count = sum(not faults(value, one, at) for one in schema[keyword])
            if not fits(count):
                found.append(f"{at}: {value!r} is {count} of those of {keyword}")
    if isinstance(value, dict) and "properties" in schema:
        found += [f"{at}: no member {name}" for name in schema.get("required", ()) if name not in value]
        for name, member in value.items():
            if name in schema["properties"]:
                found += faults(member, schema["properties"][name], f"{at}.{name}")
            else:
                found.append(f"{at}: unknown member {name}")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            found += faults(item, schema["items"], f"{at}[{number}]")
    return found


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
        seen = set()
        for file, command, value in samples():
            name = "error" if "error" in value else "-".join(command)
            with self.subTest(file=file, command=command):
                self.assertEqual(faults(value, ROOT["$defs"][name]), [])
                self.assertEqual(faults(value, {"anyOf": ROOT["anyOf"]}), [])
            seen.add(name)
        self.assertGreaterEqual(len(seen), 10, seen)

    def test_it_defines_each_command_and_no_other(self):
        commands = {f"{group}-{name}" for group, names in COMMANDS.items() for name in names}
        single = {"sign-out", "setup", "doctor", "status", "log", "explain", "login-test", "image-prepare"}
        listed = {one["$ref"].removeprefix("#/$defs/") for one in ROOT["anyOf"]}
        self.assertEqual(listed, commands | single | {"error"})
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
