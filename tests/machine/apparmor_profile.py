"""An AppArmor profile as its own parser understands it, and whether it permits what strace saw a program do.

No kernel takes part: patterns and permissions come from the parser, and this module compares them.
"""

import re

# The features of a kernel that a profile uses; the parser leaves out rules that a kernel cannot enforce.
FEATURES = "/etc/apparmor.d/abi"

# The calls that strace traces, and a line of its output. -1 is a call that failed.
SEEN = ("open,openat,openat2,creat,mmap,connect,sendto,sendmsg,flock,fcntl,unlink,unlinkat,rename,renameat,renameat2,"
        "mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat")
CALL = re.compile(r"(\w+)\((.*)\) += (?!-1)(\w+)")


def parse(machine, path, *options):
    """Compiles a profile, or shows what it says; a warning is an error."""
    return machine.run("apparmor_parser", "--skip-kernel-load", "--skip-cache",
                       f"--kernel-features={FEATURES}/{newest_abi(machine)}", "--warn=all", "--Werror", *options, path,
                       check=False)


def newest_abi(machine):
    """That of the release's AppArmor, such as "4.0"."""
    names = machine.run("ls", FEATURES).stdout.split()
    return max((name for name in names if re.fullmatch(r"\d+\.\d+", name)),
               key=lambda name: [int(number) for number in name.split(".")])


class Profile:
    def __init__(self, machine, path):
        self.shown = parse(machine, path, "--debug", "--debug").stdout
        compiled = parse(machine, path, "--dump=rule-exprs").stderr
        patterns = re.findall(r"^aare: (.*?)   ->   (.*)$", compiled, re.M)
        self.program = patterns[0][0] if patterns else ""
        self._patterns = {name: re.compile(pattern) for name, pattern in patterns}
        # "Mode: r:r  Name: (/etc/hosts)", with tabs: for files of one's own, and for others. AppArmor 4 has
        # "Perms: r:r priority=0  Name: (/etc/hosts)". Variables bring double slashes along.
        rules = re.findall(r"^(?:Mode|Perms):\t(\S+)(?: priority=(-?\d+) )?\tName:\t\((.*)\)$", self.shown, re.M)
        # permits() takes all rules together, which is right among those of one priority.
        assert len({priority for _, priority, _ in rules}) <= 1, "the profile has rules of several priorities"
        self.modes = {re.sub("//+", "/", name): mode for mode, _, name in rules}

    def permits(self, path, own):
        """The permissions' letters, of all rules together."""
        letters = set()
        for name, mode in self.modes.items():
            if self._patterns[name].fullmatch(path):
                letters |= set(mode.split(":")[0 if own else 1])
        return letters


def needs(machine, threads):
    """{path: letters} of the calls that succeeded. threads: what strace --output-separately wrote, a text for each."""
    found = {}
    for text in threads:
        for path, letters in _calls(text):
            found.setdefault(path, set()).update(letters)
    # AppArmor goes by names without symbolic links; a folder's ends with a slash.
    absolute = [path for path in found if path.startswith("/")]
    real = dict(zip(absolute, machine.run("readlink", "-m", *absolute).stdout.splitlines()))
    folders = set(machine.run("find", "-L", *absolute, "-maxdepth", "0", "-type", "d", check=False).stdout.splitlines())
    wanted = {}
    for path, letters in found.items():
        name = real.get(path, path) + ("/" if path in folders else "")
        wanted.setdefault(name, set()).update(letters)
    return wanted


def _calls(text):
    opened = {}  # by this thread, the last one of that number
    for name, arguments, result in (call.groups() for call in map(CALL.match, text.splitlines()) if call):
        path = re.search(r'"([^"]*)"', arguments)
        path = path and path.group(1)
        if name in ("open", "openat", "openat2", "creat"):
            opened[result] = path
            if "O_PATH" in arguments:  # opens nothing that AppArmor would be asked for
                continue
            yield path, "rw" if "O_RDWR" in arguments else "w" if "O_WRONLY" in arguments or name == "creat" else "r"
        elif name == "mmap":
            fd = arguments.split(", ")[4]
            if "PROT_EXEC" in arguments and fd != "-1":
                yield opened.get(fd, f"descriptor {fd}"), "m"
        elif name in ("connect", "sendto", "sendmsg"):
            socket = re.search(r'sun_path="([^"]+)"', arguments)
            if socket:
                yield socket.group(1), "rw" if name == "connect" else "w"
        elif name in ("flock", "fcntl"):
            if name == "flock" or re.search(r"F_(OFD_)?SETLKW?\b", arguments):
                fd = arguments.split(", ")[0]
                yield opened.get(fd, f"descriptor {fd}"), "k"
        else:
            for path in re.findall(r'"([^"]*)"', arguments):
                yield path, "w"
