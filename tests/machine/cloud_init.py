"""The text for cloud-init on the page "Fleet", and what cloud-init does with it on a new machine.

This module reads it by its shape, because Python has no YAML of its own. A line with another shape is an error, so that
nothing of the text is skipped."""

import re

KEYS = {"users", "groups", "write_files", "packages", "runcmd"}
# The user whom Debian's images for EC2 have in place of "default". On other clouds it is "debian": the text
# must hold for each.
DEFAULT_USER = ("useradd", "--create-home", "--shell", "/bin/bash", "--groups", "adm,sudo", "admin")
USER_KEYS = {"groups", "shell", "lock_passwd"}


def words_of(text):
    """[a, b] as a list."""
    return re.fullmatch(r" *\[(.*)\]", text).group(1).split(", ")


class CloudInit:
    def __init__(self, text):
        parts = re.split(r"^(\w+):(.*)\n", re.sub(r"^#.*\n", "", text, flags=re.M), flags=re.M)
        found = dict(zip(parts[1::3], zip(parts[2::3], parts[3::3])))
        if set(found) != KEYS or parts[0]:
            raise ValueError(f"the keys are {sorted(found)}")
        self.groups, self.packages = (words_of(found[key][0]) for key in ("groups", "packages"))
        self.commands = [words_of(line.removeprefix("  -")) for line in found["runcmd"][1].splitlines()]
        self.files = dict(self._file(text) for text in items(found["write_files"][1]))
        self.users = [self._user(text) for text in items(found["users"][1])]

    @staticmethod
    def _file(text):
        path, content = re.fullmatch(r"path: (\S+)\n    content: \|\n((?:      .*\n|\n)+)", text).groups()
        return path, re.sub(r"^      ", "", content, flags=re.M)

    @staticmethod
    def _user(text):
        if text == "default\n":
            return "admin", [DEFAULT_USER, ("passwd", "--lock", "admin")]
        name = re.match(r"name: (\S+)\n", text).group(1)
        said = dict(re.findall(r"^    (\w+): (.*)$", text, re.M))
        if set(said) != USER_KEYS or said["lock_passwd"] != "true":
            raise ValueError(f"of {name} it says {said}")
        return name, [("useradd", "--create-home", "--shell", said["shell"], "--groups",
                       ",".join(words_of(said["groups"])), name), ("passwd", "--lock", name)]

    def play(self, machine):
        """In cloud-init's order: files, groups and users, packages, commands. Returns the result of each command."""
        for path, content in self.files.items():
            machine.write(path, content)
        for group in self.groups:
            machine.run("groupadd", group)
        for _, commands in self.users:
            for command in commands:
                machine.run(*command)
        machine.install_debs(*self.packages)
        return [machine.run(*command, check=False) for command in self.commands]


def items(text):
    """Those of a list, without the dash before each."""
    return re.split(r"^  - ", text, flags=re.M)[1:]
