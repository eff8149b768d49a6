#!/usr/bin/env python3
"""dependencies.py [--check] [ROOT]: docs/dependencies.json, what the project is built of, with licences.

CycloneDX 1.5. The list is made of the table below and of the npm lock file of tests/interop. --check
writes nothing; it fails if the file is not what would be written, or if the table and what the build
asks for (cmake/dependencies.cmake, debian/control) have come apart.
"""

import json
import pathlib
import re
import sys

OUT = "docs/dependencies.json"
DISTRO = "debian-12"


class Library:
    """One that the C++ code is built with. cmake: its name in cmake/dependencies.cmake, or None if no
    rule looks for it. shipped: what runs on the machine needs it; else only the tests do."""

    def __init__(self, name, cmake, dev, licence, shipped=True, note="", runtime=None):
        self.name, self.cmake, self.dev, self.licence = name, cmake, dev, licence
        self.shipped, self.note, self.runtime = shipped, note, runtime


LIBRARIES = (
    Library("Linux-PAM", "pam", "libpam0g-dev", "BSD-3-Clause OR GPL-1.0-or-later",
            runtime="libpam0g"),
    Library("libsystemd", "libsystemd", "libsystemd-dev", "LGPL-2.1-or-later",
            runtime="libsystemd0"),
    Library("libcurl", "libcurl", "libcurl4-openssl-dev", "curl", runtime="libcurl4"),
    Library("JsonCpp", "jsoncpp", "libjsoncpp-dev", "MIT", runtime="libjsoncpp25",
            note="public domain where the law knows that, else MIT"),
    Library("OpenSSL", "openssl", "libssl-dev", "Apache-2.0", runtime="libssl3"),
    Library("libqrencode", "libqrencode", "libqrencode-dev", "LGPL-2.1-or-later",
            runtime="libqrencode4"),
    Library("SQLite", "sqlite3", "libsqlite3-dev", "blessing", runtime="libsqlite3-0",
            note="public domain"),
    Library("CLI11", None, "libcli11-dev", "BSD-3-Clause", note="headers only, in cognitoctl"),
    Library("GCC runtime libraries", None, None, "GPL-3.0-or-later WITH GCC-exception-3.1",
            runtime="libstdc++6", note="linked statically into pam_cognito.so"),
    Library("GNU C Library", None, None, "LGPL-2.1-or-later", runtime="libc6"),
    Library("cmocka", "cmocka", "libcmocka-dev", "Apache-2.0", shipped=False),
    Library("GNU libmicrohttpd", "libmicrohttpd", "libmicrohttpd-dev", "LGPL-2.1-or-later",
            shipped=False, note="of cognito-pool, the local user pool"),
)


def component(name, purl, licence, scope, version=None, note=""):
    """required: what is installed needs it; excluded: only tests do."""
    entry = {"type": "library", "name": name, "purl": purl, "scope": scope,
             "licenses": [licence_entry(licence)]}
    if version:
        entry["version"] = version
    if note:
        entry["description"] = note
    return entry


def licence_entry(licence):
    if re.fullmatch(r"[A-Za-z0-9.+-]+", licence):
        return {"license": {"id": licence}}
    return {"expression": licence.strip("()")}


def of_libraries():
    for library in LIBRARIES:
        package = library.runtime or library.dev
        yield component(library.name, f"pkg:deb/debian/{package}?distro={DISTRO}", library.licence,
                        "required" if library.shipped else "excluded", note=library.note)


def of_npm(root):
    """All that the lock file names, with what it says of their licences."""
    lock = json.loads((root / "tests/interop/package-lock.json").read_text(encoding="utf-8"))
    seen = {}
    for path, package in lock["packages"].items():
        if not path:
            continue
        name = package.get("name") or path.rpartition("node_modules/")[2]
        purl = f"pkg:npm/{name.replace('@', '%40', 1)}@{package['version']}"
        licence = package.get("license") or NPM_WITHOUT_LICENCE.get(name, "NOASSERTION")
        seen[purl] = component(name, purl, licence, "excluded", package["version"])
    return [seen[purl] for purl in sorted(seen)]


# The lock file has no licence for these. Each is in the package itself and was read there by hand.
NPM_WITHOUT_LICENCE = {"querystring": "MIT"}


def version_of(root):
    text = (root / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"^project\(pam-cognito VERSION ([0-9.]+)", text, re.M).group(1)


def bill(root):
    head = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "metadata": {"component": {"type": "application", "name": "pam-cognito",
                                       "version": version_of(root),
                                       "licenses": [licence_entry("Apache-2.0")]}}}
    components = [*of_libraries(), *of_npm(root)]
    # One component a line: a change of one is a change of one line.
    lines = ",\n".join("    " + json.dumps(each, ensure_ascii=False) for each in components)
    return (json.dumps(head, indent=2)[:-2] + ',\n  "components": [\n' + lines + "\n  ]\n}\n")


def of_cmake(root):
    text = (root / "cmake/dependencies.cmake").read_text(encoding="utf-8")
    names = re.findall(r"pkg_check_modules\(\w+ REQUIRED IMPORTED_TARGET ([a-z0-9]+)", text)
    return set(names) | set(re.findall(r"find_library\(\w+ (\w+) ", text))


def of_debian(root):
    text = (root / "debian/control").read_text(encoding="utf-8")
    build = text.partition("Build-Depends:")[2].partition("\n\n")[0]
    return set(re.findall(r"^ (lib[a-z0-9+.-]+-dev)\b", build, re.M))


def problems(root):
    found = []
    wanted = {library.cmake for library in LIBRARIES if library.cmake}
    found += [f"cmake/dependencies.cmake and LIBRARIES differ in {name}"
              for name in sorted(wanted ^ of_cmake(root))]
    # The packages are built without tests.
    shipped = {library.dev for library in LIBRARIES if library.shipped and library.dev}
    found += [f"debian/control's Build-Depends and LIBRARIES differ in {name}"
              for name in sorted(shipped ^ of_debian(root))]
    text = bill(root)
    if "NOASSERTION" in text:
        found.append("a component has no licence: NPM_WITHOUT_LICENCE")
    path = root / OUT
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        found.append(f"{OUT} is not current: run scripts/dependencies.py")
    return found


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    if "--check" not in sys.argv[1:]:
        (root / OUT).write_text(bill(root), encoding="utf-8")
    found = problems(root)
    print("\n".join(found) or f"{OUT} is current")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
