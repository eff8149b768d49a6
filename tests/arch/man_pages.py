"""Holds the manual pages (docs/man/*.scd) against the code, both ways: nothing of the code is missing
in a page, and a page names nothing that is not there.

An entry of a page is a line that begins with a bold word and has a paragraph indented below it.
"""

import functools
import pathlib
import re
import xml.etree.ElementTree as xml

PAGES = ("cognitoctl.1", "accounts.conf.5", "cognitod.conf.5", "org.pamcognito.Auth1.5", "users.conf.5", "cognitod.8",
         "cognitod-accounts.8", "cognitod-directory.8", "pam-cognito-local-users.8", "pam_cognito.8")
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
TYPES = {"parse_yes_no": "_YES-NO_", "parse_duration": "_DURATION_", "parse_window": "_DURATION_",
         "parse_count": "_NUMBER_", "parse_path": "_PATH_", "parse_url_text": "_URL_",
         "parse_language": "_LANGUAGE_"}
BRACKET = re.compile(r"[(){}]")


# The same for each tree that a test plants a fault in.
@functools.cache
def read(path):
    return path.read_text(encoding="utf-8")


@functools.cache
def source_names(root, folder):
    return [str(path.relative_to(root)) for path in sorted((root / folder).rglob("*"))
            if path.suffix in (".cc", ".h")]


class Tree:
    """The files below a root; `changed` replaces some of them."""

    def __init__(self, root, changed=None):
        self.root = pathlib.Path(root)
        self.changed = changed or {}

    def read(self, name):
        if name in self.changed:
            return self.changed[name]
        return read(self.root / name)

    def sources(self, folder):
        return [self.read(name) for name in source_names(self.root, folder)]

    def page(self, name):
        return Page(name, self.read(f"docs/man/{name}.scd"))


def protocol_times(tree):
    """{name: seconds, as text} of common/protocol_limits.h."""
    return dict(re.findall(r"seconds (k\w+Time)\{(\d+)\}", tree.read("common/protocol_limits.h")))


class Page:
    def __init__(self, name, text):
        self.name = name
        self.text = text
        self.sections = {}
        heading = None
        for line in text.splitlines():
            if line.startswith("# ") and heading != "```":
                heading = line[2:]
                self.sections[heading] = []
            elif heading:
                self.sections[heading].append(line)

    def section(self, heading):
        return self.sections.get(heading, [])

    def entries(self, heading):
        """{head: body}: a line that begins with *, and what is indented below it, on one line."""
        found = {}
        head = None
        lines = self.section(heading)
        for line, below in zip(lines, lines[1:] + [""]):
            if line.startswith("*") and below.startswith("\t"):
                head = line
                found[head] = ""
            elif line.startswith("\t") and head:
                found[head] += " " + line.strip()
            elif line:
                head = None
        return {head: " ".join(body.split()) for head, body in found.items()}

    def names(self, heading):
        """The first bold word of each entry."""
        return {word_of(head): (head, body) for head, body in self.entries(heading).items()}

    def table(self, heading, after=""):
        """Rows of the literal block of the section that comes after a line, as lists of words."""
        lines = self.section(heading)
        if after:
            lines = lines[lines.index(after):]
        first = lines.index("```")
        block = lines[first + 1:lines.index("```", first + 1)]
        return [line.split() for line in block if not line.startswith(" ")]


def word_of(head):
    return re.match(r"\*([^*]+)\*", head).group(1)


def bold(text):
    return re.findall(r"\*([\w.%@/:-]+)\*", text)


def bold_phrases(text):
    return re.findall(r"\*([^*]+)\*", text)


def differ(page, what, in_code, in_page):
    """A problem for each name that only one side has."""
    in_code, in_page = set(in_code), set(in_page)
    if not in_code:
        return [f"{page}: no {what} was found in the code: has its form changed?"]
    return ([f"{page}: {what} {name} is missing" for name in sorted(in_code - in_page, key=str)] +
            [f"{page}: {what} {name} is not in the code" for name in sorted(in_page - in_code, key=str)])


def block_after(text, start):
    """From `start` to the brace or parenthesis that closes the first one after it."""
    depth = 0
    for found in BRACKET.finditer(text, start):
        depth += 1 if found.group(0) in "({" else -1
        if depth == 0:
            return text[start:found.end()]
    return text[start:]


def to_duration(seconds):
    if seconds == 0:
        return "0"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return None


def product(text):
    value = 1
    for factor in text.replace("'", "").split("*"):
        value *= int(factor)
    return value


# cognitod.conf(5)


@functools.cache
def function(name, *texts):
    """The definition of a function, from one of the texts."""
    for text in texts:
        found = re.search(rf"\b{name}\([^;{{]*\)\s*{{", text)
        if found:
            return block_after(text, text.index("{", found.end() - 1))
    return ""


@functools.cache
def struct_members(text, name):
    """{member: (type, initial value)} of a struct, the value as the code writes it, or empty."""
    start = re.search(rf"struct {name} {{", text)
    body = re.sub(r"//[^\n]*", "", block_after(text, start.start()))
    members = {}
    for kind, member, braced, given in re.findall(
            r"^\s*([\w:<>, ]+?)\s+(\w+)(?:{([^;]*)}|\s*=\s*([^;]+))?;", body, re.MULTILINE):
        members[member] = (kind, braced or given)
    return members


class Row:
    """A row of the table in daemon/policy/settings.cc."""

    def __init__(self, tree, section, key, body):
        self.section, self.key = section, key
        texts = (tree.read("daemon/policy/settings.cc"), tree.read("daemon/policy/key_values.cc"))
        parsers = re.findall(r"\b((?:parse|put)_\w+)\(", body)
        self.types = {TYPES[name] for name in parsers if name in TYPES}
        everything = body + "".join(function(name, *texts) for name in parsers)
        self.choices = dict(re.findall(r'{"([\w-]+)",\s*&?(\w+(?:::\w+)?)}', everything))
        self.words = set(self.choices)
        limits = protocol_times(tree)
        numbers = re.sub(r"protocol::(k\w+)", lambda name: f"seconds({limits[name[1]]})", everything)
        durations = re.findall(r"parse_duration\(\w+, (\w+)\((\d+)\), (\w+)\((\d+)\)\)",
                               " ".join(numbers.split()))
        counts = re.findall(r"parse_count\(\w+, (\d+), (\d+)\)", everything)
        self.range = None
        if durations:
            first, least, last, most = durations[0]
            self.range = (to_duration(UNITS[first] * int(least)),
                          to_duration(UNITS[last] * int(most)))
        elif counts:
            self.range = counts[0]
        place = re.search(r"put\(\s*t\.(?:draft\.config\.|draft\.|)([\w.>-]+),", body)
        self.member = place.group(1) if place else None

    def default(self, tree):
        """As the page writes it; None: there is none."""
        config = "".join(tree.read(file).replace("cognito::", "") for file in
                         ("daemon/policy/config.h", "daemon/cognito/pool_config.h"))
        if self.section == "service":
            rule = struct_members(tree.read("daemon/policy/reauth.h"), "ReauthRule")
            given = {"reauth": rule["mode"], "mfa_max_age": rule["mfa_max_age"]}.get(self.key)
        elif self.member is None:
            return None
        elif self.member.startswith("endpoint."):
            members = struct_members(config, "EndpointSettings")
            given = members[self.member.split(".")[1]]
        else:
            group, member = self.member.split(".")
            kind = struct_members(config, "Config")[group][0]
            given = struct_members(config, kind)[member]
        if given is None or not given[1]:
            return None
        kind, value = given
        if kind == "std::chrono::seconds":
            return to_duration(product(value))
        if "kDefaultMethods" in value:
            names = re.search(r"kDefaultMethods = {\s*(.*?)}", config, re.DOTALL).group(1).split(",")
            return " ".join(self.word_for(name.strip()) for name in names)
        if kind == "bool" and not self.words:
            return "yes" if value == "true" else "no"
        if self.words:
            return self.word_for(value)
        return value.strip('"')

    def word_for(self, value):
        return next(word for word, meaning in self.choices.items() if meaning == value)


def config_rows(tree):
    text = tree.read("daemon/policy/settings.cc")
    constants = dict(re.findall(r'constexpr std::string_view (k\w+) = "(\w+)";', text))
    rows = []
    for found in re.finditer(r'Row{("?\w+"?), "(\w+)",', text):
        section = found.group(1).strip('"')
        rows.append(Row(tree, constants.get(section, section), found.group(2),
                        block_after(text, found.start())))
    return rows


def check_cognitod_conf(tree):
    page = tree.page("cognitod.conf.5")
    rows = config_rows(tree)
    headings = {"service": "SECTION [service NAME]"}
    sections = {row.section for row in rows}
    problems = differ(page.name, "section",
                      {headings.get(name, f"SECTION [{name}]") for name in sections},
                      {name for name in page.sections if name.startswith("SECTION [")})
    for section in sorted(sections):
        entries = page.names(headings.get(section, f"SECTION [{section}]"))
        of_section = {row.key: row for row in rows if row.section == section}
        problems += differ(page.name, f"key of [{section}]", of_section, entries)
        for key, row in of_section.items():
            if key in entries:
                problems += [f"{page.name}: [{section}] {key}: {problem}"
                             for problem in row_problems(tree, row, *entries[key])]
    return problems + check_unknown(tree, page) + check_built_in(tree, page)


def row_problems(tree, row, head, body):
    problems = []
    value = head.partition("=")[2]
    if set(bold(value)) != row.words:
        problems.append(f"the page has the words {sorted(bold(value))}, the code {sorted(row.words)}")
    for name in set(TYPES.values()):
        if (name in value) != (name in row.types):
            problems.append(f"{name} is wrong or missing")
    if row.range and "From *{}* to *{}*.".format(*row.range) not in body:
        problems.append("the code's range is from {} to {}".format(*row.range))
    default = row.default(tree)
    shown = re.findall(r"Default: \*(.*?)\*[.;]", body)
    if row.key != "never_signed_in" and shown != ([default] if default else []):
        problems.append(f"the page's default is {shown}, the code's {default}")
    return problems


def check_unknown(tree, page):
    """`never_signed_in` of [service NAME]: the built-in answers."""
    answers = {name: fields["never_signed_in"].rpartition("::")[2].replace("_", "-")
               for name, fields in service_profiles(tree).items()}
    default = [answers.pop("others")]
    expected = {name: answer for name, answer in answers.items() if answer not in default}
    body = page.names("SECTION [service NAME]").get("never_signed_in", ("", ""))[1]
    said = body.partition("Default: ")[2]
    problems = []
    if not default or not said.startswith(f"*{default[0]}*; for "):
        problems.append(f"{page.name}: never_signed_in: the code's default is {default}")
    # "for *a*, *b* it is *allow*, for *c* *deny*": an answer closes the names before it.
    shown, names = {}, []
    for word in bold(said.partition("; ")[2]):
        if word in set(expected.values()):
            shown.update({name: word for name in names})
            names = []
        else:
            names.append(word)
    return problems + differ(page.name, "built-in never_signed_in", expected.items(), shown.items())


def profile_fields(text, default_deadline, made_by):
    """The fields that an expression such as `terminal(seconds(50), true)` gives a ServiceProfile."""
    fields = {"sign_in_timeout": default_deadline, "single_prompt": "false", "show_code": "false",
              "qr": "Qr::none", "local_seat": "false", "never_signed_in": "NeverSignedIn::deny"}
    call = re.match(r"(\w+)\((.*)\)$", text)
    body = text
    if call:
        parameters, body = made_by[call.group(1)]
        given = [each for each in re.split(r",\s*", call.group(2)) if each]
        for place, parameter in enumerate(parameters):
            value = given[place] if place < len(given) else parameter[1]
            body = re.sub(rf"= {parameter[0]}\b", f"= {value}", body)
    fields.update(re.findall(r"\.(\w+) = ([\w:()]+)", body))
    return fields


def service_profiles(tree):
    """The fields of each row of the table of services; "others": those of a service without a row."""
    text = re.sub(r"//[^\n]*", "", tree.read("daemon/policy/service_profile.cc"))
    deadline = re.search(r"sign_in_timeout{(\d+)}", tree.read("daemon/policy/service_profile.h")).group(1)
    made_by = {}
    for name, parameters in re.findall(r"constexpr ServiceProfile (\w+)\((.*?)\) {", text, re.DOTALL):
        split = [re.match(r".*?(\w+)(?: = ([\w:]+))?$", each).groups()
                 for each in re.split(r",\s*", parameters) if each]
        made_by[name] = (split, function(name, text))
    profiles = {"others": profile_fields("", deadline, made_by)}
    for found in re.finditer(r'Row{"([\w-]+)",', text):
        row = block_after(text, found.start())
        value = " ".join(row[row.index(",") + 1:-1].split())
        profiles[found.group(1)] = profile_fields(value, deadline, made_by)
    return profiles


def shown_fields(fields):
    """As the page's table shows them."""
    yes_no = {"true": "yes", "false": "no"}
    qr = {"Qr::none": "no", "Qr::half_blocks": "yes", "Qr::ascii": "ascii"}
    return (to_duration(int(re.search(r"\d+", fields["sign_in_timeout"]).group(0))),
            yes_no[fields["single_prompt"]], yes_no[fields["show_code"]],
            qr[fields["qr"]], yes_no[fields["local_seat"]])


def check_built_in(tree, page):
    """The table of services."""
    expected = {(name,) + shown_fields(fields) for name, fields in service_profiles(tree).items()}
    table = page.table("SECTION [service NAME]", "Built-in values:")
    return differ(page.name, "row of the built-in values", expected,
                  {tuple(row) for row in table[1:]})


# users.conf(5)


def check_users_conf(tree):
    page = tree.page("users.conf.5")
    entries = page.names("SYNTAX")
    code = function("parse_key", tree.read("common/users_conf.cc"))
    problems = differ(page.name, "key", re.findall(r'name == "(\w+)"', code), entries)
    members = struct_members(tree.read("common/users_conf.h"), "UsersConf")
    for key, (_, body) in entries.items():
        default = members.get(key, ("", ""))[1].strip('"')
        shown = re.findall(r"Default: \*(.*?)\*\.", body)
        if shown != ([default] if default else []):
            problems.append(f"{page.name}: {key}: the page's default is {shown}, the code's {default}")
    return problems


# accounts.conf(5)


def check_accounts_conf(tree):
    page = tree.page("accounts.conf.5")
    text = tree.read("nss/accounts_conf.h")
    entries = {}
    for head, body in page.entries("SYNTAX").items():
        entries[re.match(r"\*([\w]+)\*", head).group(1)] = body
    writer = tree.read("accounts/settings.cc")
    problems = differ(page.name, "key", re.findall(r'\bkey == "(\w+)"', text + writer), entries)
    members = struct_members(text, "Conf")
    written = {"range": "-".join(str(int(members[end][1].replace("'", ""), 0)) for end in ("first", "last")),
               "home": members["home"][1].strip('"'), "enumerate": {"false": "no", "true": "yes"}[members["enumerate"][1]],
               "max": struct_members(tree.read("accounts/settings.h"), "Settings")["max"][1]}
    for key, default in written.items():
        if f"Default: *{default}*." not in entries.get(key, ""):
            problems.append(f"{page.name}: {key}: the code's default is {default}")
    return problems


# pam_cognito(8)


def outcomes(tree):
    """{word: value}"""
    text = tree.read("common/outcome.h")
    values = dict(re.findall(r"^  (\w+) = (\d+),", text, re.MULTILINE))
    words = re.findall(r'case Outcome::(\w+):\s*return "([\w-]+)";', text)
    return {word: int(values[name]) for name, word in words}


def pam_codes(tree):
    """{(phase, outcome): code} of those that do not depend on more."""
    text = re.sub(r"//[^\n]*", "", tree.read("pam/result.cc"))
    general = {}
    for phase, refused, failed in re.findall(
            r"case Phase::(\w+):\s*return {\.refused = (PAM_\w+), \.failed = (PAM_\w+)};", text):
        general[phase] = {"refused": refused, "failed": failed}
    switch = text[text.index("switch (result.outcome)"):]
    codes = {}
    for outcome, code in re.findall(r"case Outcome::(\w+):\s*return ([\w.]+);", switch):
        for phase in ("authenticate", "account"):
            codes[phase, outcome.replace("_", "-")] = (
                general[phase][code[6:]] if code.startswith("codes.") else code)
    return codes


def check_module(tree):
    page = tree.page("pam_cognito.8")
    options = re.findall(r'argument == "(\w+)"', tree.read("pam/admission.cc"))
    problems = differ(page.name, "option", options, page.names("OPTIONS"))
    problems += differ(page.name, "option of the synopsis", options,
                       bold("\n".join(page.section("SYNOPSIS")).partition("*pam_cognito.so*")[2]))
    table = page.table("RETURN VALUES")
    rows = {row[0]: row[1:] for row in table[1:]}
    problems += differ(page.name, "outcome", outcomes(tree), rows)
    codes = pam_codes(tree)
    if len(codes) < 10:
        problems.append(f"{page.name}: the switch of pam/result.cc was not understood")
    for (phase, outcome), code in codes.items():
        shown = rows.get(outcome, [None, None])[0 if phase == "authenticate" else 1]
        if shown != code:
            problems.append(f"{page.name}: {outcome} of {phase}: {shown}, in the code {code}")
    in_code = set(re.findall(r"\bPAM_[A-Z_]+", tree.read("pam/result.cc"))) - {"PAM_RHOST", "PAM_TTY"}  # items, not codes
    in_page = re.findall(r"\bPAM_[A-Z_]+", "\n".join(page.section("RETURN VALUES")))
    problems += differ(page.name, "PAM code", in_code, in_page)
    limits = protocol_times(tree)
    used = {name for text in tree.sources("pam") for name in re.findall(r"protocol::(k\w+Time)\b", text)}
    # The page gives the longest conversation in minutes.
    times = {f"{limits[name]} s" for name in used - {"kMaxConversationTime"}}
    problems += differ(page.name, "time", times,
                       re.findall(r"\d+ s\b", "\n".join(page.section("TIMES"))))
    variables = re.findall(r'kVariable\[\] = "(\w+)"', tree.read("pam/transaction.cc"))
    return problems + differ(page.name, "variable", variables, page.names("ENVIRONMENT"))


# org.pamcognito.Auth1(5)


def signature(arguments):
    return ", ".join(f"{each.get('type')} {each.get('name')}" for each in arguments)


def check_interface(tree):
    page = tree.page("org.pamcognito.Auth1.5")
    text = tree.read("conf/org.pamcognito.Auth1.xml")
    contract = xml.fromstring(text)
    interface = contract.find("interface")
    methods = set()
    for method in contract.iter("method"):
        inward = [each for each in method.iter("arg") if each.get("direction") == "in"]
        outward = [each for each in method.iter("arg") if each.get("direction") == "out"]
        methods.add(f"*{method.get('name')}*({signature(inward)}) -> ({signature(outward)})")
    problems = differ(page.name, "method", methods, page.entries("METHODS"))
    problems += differ(page.name, "property",
                       {f"*{each.get('name')}* {each.get('type')}"
                        for each in interface.iter("property")}, page.entries("PROPERTIES"))
    if list(interface.iter("signal")):
        problems.append(f"{page.name}: the interface has signals: describe them")

    names = tree.read("common/bus_names.h")
    problems += differ(page.name, "error",
                       re.findall(r'kError\w+\[\] =\s*"([\w.]+)"', names), page.names("ERRORS"))
    facts = re.search(r"facts, each.*?:(.*?)\(16", text, re.DOTALL).group(1)
    described = re.findall(r"(\w+) ([a-z])\b", re.sub(r"\(.*?\)", "", facts))
    problems += differ(page.name, "fact", {f"*{name}* {kind}" for name, kind in described},
                       page.entries("FACTS"))
    problems += differ(page.name, "fact", re.findall(r'kFact\w+\[\] = "(\w+)"', names),
                       page.names("FACTS"))
    return problems + check_members(tree, page) + check_frames(tree, page)


def check_members(tree, page):
    """The members of what ListSessions, ListIdentities and GetStatus answer."""
    kinds = {"text": "s", "bool": "b", "u32": "u", "u64": "t"}
    problems = []
    entries = page.names("METHODS")
    for method, source in (("ListSessions", "session"), ("ListIdentities", "identity"),
                           ("GetStatus", "status")):
        code = tree.read(f"daemon/bus/{source}_methods.cc")
        members = {f"{name} {kinds[kind]}"
                   for kind, name in re.findall(r'append_(text|bool|u32|u64)\(reply, "(\w+)"', code)}
        shown = re.findall(r"\*(\w+)\* ([a-z])\b", entries.get(method, ("", ""))[1])
        problems += differ(page.name, f"member of {method}", members,
                           {" ".join(each) for each in shown})
    options = re.findall(r'key == "(\w+)"', tree.read("daemon/bus/mfa_methods.cc"))
    shown = re.findall(r"\*(\w+)\* [a-z]\b", entries.get("SetUpTotp", ("", ""))[1])
    return problems + differ(page.name, "option of SetUpTotp", options, shown)


def numbered(rows):
    return {(row[0], int(row[1])) for row in rows}


def check_frames(tree, page):
    text = tree.read("common/frame.h")
    values = {}
    for name in ("FrameType", "Purpose"):
        body = re.search(rf"enum class {name} .*?{{(.*?)}};", text, re.DOTALL).group(1)
        values[name] = {(word, int(value)) for word, value in re.findall(r"(\w+) = (\d+),", body)}
    frames = (numbered(page.table("SOCKET", "From the daemon:")) |
              numbered(page.table("SOCKET", "To the daemon:")))
    return (differ(page.name, "frame", values["FrameType"], frames) +
            differ(page.name, "purpose", values["Purpose"],
                   numbered(page.table("SOCKET", "The purpose of a question:"))) +
            differ(page.name, "outcome", outcomes(tree).items(), numbered(page.table("OUTCOMES"))))


# cognitoctl(1)


def commands(tree):
    """({command: options}, options of all) of cli/arguments.cc."""
    text = tree.read("cli/arguments.cc")
    paths = {"app_": ()}
    options = {(): set()}
    groups = set()
    shared = {name: set(re.findall(r'"(--[\w-]+)"', function(name, text)))
              for name in ("add_sign_in", "add_factor", "add_full")}
    for body in re.split(r"\n  (?=\S)", text):
        for found in re.finditer(
                r"(?P<variable>\w+) =\s*(?P<group>group_of\()?(?P<parent>\w+)"
                r"(?:, |(?:\.|->)add_subcommand\(\s*)\"(?P<name>[\w-]+)\""
                r"|run\((?P<inner>\w+)->add_subcommand\(\"(?P<inner_name>[\w-]+)\""
                r"|run\((?P<top>app_)\.add_subcommand\(\"(?P<top_name>[\w-]+)\""
                r"|(?P<owner>\w+)(?:\.|->)add_(?:flag|option)\(\"(?P<option>-[\w-]+)(?:,-\w)?\""
                r"|\b(?P<helper>add_sign_in|add_factor|add_full)\((?P<target>\w+)[,)]"
                r"|\badd\(\"(?P<listed>--[\w-]+)\"", body):
            if found["name"]:
                path = paths[found["parent"]] + (found["name"],)
                paths[found["variable"]] = path
                options[path] = set()
                if found["group"]:
                    groups.add(path)
            elif found["inner_name"] or found["top_name"]:
                parent = found["inner"] or found["top"]
                options[paths[parent] + (found["inner_name"] or found["top_name"],)] = set()
            elif found["option"] and found["owner"] in paths:
                options[paths[found["owner"]]].add(found["option"])
            elif found["helper"] and found["target"] in paths:
                options[paths[found["target"]]] |= shared[found["helper"]]
            elif found["listed"]:
                options[paths["command"]].add(found["listed"])
    everywhere = options.pop(())
    if "set_version_flag(\"--version\"" in text:
        everywhere.add("--version")
    return ({" ".join(path): found for path, found in options.items() if path not in groups},
            everywhere | {"--help"})


def check_cognitoctl(tree):
    page = tree.page("cognitoctl.1")
    in_code, everywhere = commands(tree)
    shown, problems = {}, []
    for head, body in page.entries("COMMANDS").items():
        name = word_of(head)
        shown[name] = set(re.findall(r"\[\*(--[\w-]+)\*", head))
        described = set(re.findall(r"\*(--[\w-]+)\*", body))
        problems += [f"{page.name}: {name}: {option} is not described"
                     for option in sorted(shown[name] - described)]
    problems += differ(page.name, "command", in_code, shown)
    for name in in_code.keys() & shown.keys():
        problems += differ(page.name, f"option of {name}", in_code[name] | {"-"},
                           shown[name] | {"-"})
    options = {option for head in page.entries("OPTIONS") for option in re.findall(r"--[\w-]+", head)}
    problems += differ(page.name, "option", everywhere, options)

    problems += check_json(tree, page, in_code)

    codes = re.findall(r"^  \w+ = (\d),\s+// (.*)$", tree.read("cli/failure.h"), re.MULTILINE)
    codes.append(("0", "done"))
    problems += differ(page.name, "exit status", codes,
                       {(word, body) for word, (_, body) in page.names("EXIT STATUS").items()})
    terminal = tree.read("cli/terminal.cc")
    variables = set(re.findall(r'getenv\("(\w+)"\)', terminal))
    for names in re.findall(r"for \(const char\* name : {(.*?)}\)", terminal):
        variables |= set(re.findall(r'"(\w+)"', names))
    heads = " ".join(page.entries("ENVIRONMENT"))
    return problems + differ(page.name, "variable", variables, bold(heads))


def check_json(tree, page, in_code):
    """The members that --json prints, compared with docs/reference/cognitoctl.md, which describes the samples of tests/cli."""
    entries = page.entries("JSON")
    covered = [name for head in entries for name in bold_phrases(head)]
    guide = tree.read("docs/reference/cognitoctl.md").partition("## JSON")[2].partition("\n## ")[0]
    members = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| .*? \|(.*)\|$", guide, re.M))))
    shown = set(re.findall(r"\*([a-z_]+)\*", " ".join(entries.values()) +
                           " ".join(page.section("JSON")[:6])))
    return (differ(page.name, "command of the JSON section", in_code, covered) +
            differ(page.name, "JSON member", members, shown))


# cognitod(8)


def check_cognitod(tree):
    page = tree.page("cognitod.8")
    main = tree.read("daemon/main.cc")
    problems = differ(page.name, "option", set(re.findall(r'argument == "(--[\w-]+)"', main)),
                      page.names("OPTIONS"))
    variables = [name for text in tree.sources("daemon")
                 for name in re.findall(r'getenv\("(\w+)"\)', text)]
    problems += differ(page.name, "variable", variables, page.names("ENVIRONMENT"))
    signals = re.search(r"signals_\(loop_, {(.*?)}", tree.read("daemon/daemon.cc"))
    problems += differ(page.name, "signal", signals.group(1).split(", "),
                       bold(" ".join(page.entries("SIGNALS"))))
    fields = set()
    for text in tree.sources("daemon"):
        for found in re.finditer(r"\blog\(", text):
            call = block_after(text, found.start())
            fields |= {f"PAM_COGNITO_{name}" for name in re.findall(r'{"([A-Z_]+)",', call)}
    problems += differ(page.name, "journal field", fields, page.names("JOURNAL FIELDS"))
    outcome_field = page.names("JOURNAL FIELDS").get("PAM_COGNITO_OUTCOME", ("", ""))[1]
    problems += differ(page.name, "outcome", outcomes(tree),
                       [word for word in bold(outcome_field) if word != "pam_cognito"])
    metrics = tree.read("daemon/runtime/metrics.cc")
    families = set(re.findall(r'Family{"(\w+)"', metrics))
    families |= set(re.findall(r'kDropped(?:\[\])? = "(\w+)"', metrics))
    problems += differ(page.name, "metric", families, page.names("METRICS"))
    labels = {}
    for found in re.findall(r"^//   (pam_cognito_\w+?)(?:{([\w,]+)})?(?:\s|$)",
                            tree.read("daemon/runtime/metrics.h"), re.MULTILINE):
        labels[found[0]] = found[1].replace(",", ", ")
    for name, (head, _) in page.names("METRICS").items():
        shown = re.findall(r"{(.*)}", head)
        if shown != [label for label in [labels.get(name)] if label]:
            problems.append(f"{page.name}: {name} has the labels {shown}, in the code {labels.get(name)}")
    bounds = re.findall(r"k\w+ = (\d+);", tree.read("daemon/limits/open_sign_ins.h"))
    shown = re.findall(r"(?<![/(])\b\d[\d,]*\b", "\n".join(page.section("LIMITS")).replace("IPv6", ""))
    problems += differ(page.name, "limit", bounds, [each.replace(",", "") for each in shown])
    return problems


# All pages


# A setting of cognitod.conf(5) that another page names.
SETTING = re.compile(r"\*(\w+)\*(?: = \*[\w-]+\*)? (?:of|in) \*cognitod\.conf\*\(5\)")


def check_references(tree):
    """References of a page to other pages and their settings, and the parts that every page has."""
    problems = []
    keys = {row.key for row in config_rows(tree)}
    ours = {tuple(page.rsplit(".", 1)) for page in PAGES}
    made = re.findall(r"^  ([\w.-]+\.\d)\)?$", tree.read("docs/man/CMakeLists.txt"), re.MULTILINE)
    problems += differ("docs/man/CMakeLists.txt", "page", PAGES, made)
    problems += differ("docs/man", "page", PAGES,
                       [path.stem for path in (tree.root / "docs/man").glob("*.scd")])
    for name in PAGES:
        page = tree.page(name)
        for heading in ("NAME", "DESCRIPTION", "EXAMPLES", "SEE ALSO"):
            if not page.section(heading):
                problems.append(f"{name}: it has no section {heading}")
        for word, section in re.findall(r"\*([\w.-]+)\*\((\d)\)", page.text):
            known = [place for place in ours if place[0] == word]
            if known and (word, section) not in ours:
                problems.append(f"{name}: there is no {word}({section})")
            if (word, section) == tuple(name.rsplit(".", 1)):
                problems.append(f"{name}: it refers to itself")
        for key in SETTING.findall(" ".join(page.text.split())):
            if key not in keys:
                problems.append(f"{name}: cognitod.conf(5) has no {key}")
    return problems


CHECKS = (check_cognitod_conf, check_users_conf, check_accounts_conf, check_module, check_interface, check_cognitoctl,
          check_cognitod, check_references)


def check(tree):
    return [problem for each in CHECKS for problem in each(tree)]
