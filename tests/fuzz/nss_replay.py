#!/usr/bin/env python3
"""nss_replay.py FUZZ-TARGET CORPUS: runs the target once on each case, and compares its answers with those of the model in
tests/nss/model.py. CORPUS is a directory or a tar file."""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "nss"))

from accounts_image import fnv  # noqa: E402  (needs the path above)
from model import ABSENT, DAMAGED, SUCCESS, Damaged, File, Model, is_reserved, need, read_conf  # noqa: E402

QUESTION = struct.Struct("<BBBBHHII32s")
KINDS = ("getpwnam", "getpwuid", "getgrnam", "getgrgid", "initgroups", "list_users", "list_groups")
PRESENT = (27, 2001, 995, 2063)
LISTED = 64


def unpack(stored, directory):
    directory.mkdir(exist_ok=True)
    with tarfile.open(stored) as archive:
        for entry in archive:
            if entry.isfile():
                (directory / pathlib.PurePath(entry.name).name).write_bytes(archive.extractfile(entry).read())


def parts_of(data):
    """accounts.conf, the accounts file, and the questions; see tests/fuzz/nss_case.h."""
    if len(data) < 8:
        return b"", b"", []
    conf_size, file_size = struct.unpack_from("<HH", data)
    rest = data[8:]
    conf, rest = rest[:conf_size], rest[conf_size:]
    file, rest = rest[:file_size], rest[file_size:]
    count = min(data[6], 4, len(rest) // QUESTION.size)
    return conf, file, [QUESTION.unpack_from(rest, index * QUESTION.size) for index in range(count)]


def listed(model, conf_data, data, answer_of):
    """The enumeration: what was listed, and the status that ended it."""
    found = []
    conf = read_conf(conf_data)
    if conf is None:
        return (*DAMAGED[:2], found)
    if not conf.enumerate:
        return (*ABSENT[:2], found)
    try:
        file = File(data)
        for index in range(file.user_count):
            user = file.user(index)
            if not conf.first <= user["uid"] <= conf.last or is_reserved(user["name"]):
                continue
            if len(found) == LISTED:
                return SUCCESS, 0, found
            status, error, content = answer_of(user)
            if status != SUCCESS:
                return status, error, found
            found.append(content)
    except Damaged:
        return (*DAMAGED[:2], found)
    return (SUCCESS, 0, found) if len(found) == LISTED else (*ABSENT[:2], found)


def expected(conf, data, question):
    kind, gap, limit, present, size, _, an_id, primary, name = question
    name = name.split(b"\0")[0]
    gap, kind = gap % 8, KINDS[kind % len(KINDS)]
    model = Model(data, conf)
    if kind == "getpwnam":
        return model.getpwnam(name, size)
    if kind == "getpwuid":
        return model.getpwuid(an_id, size)
    if kind == "getgrnam":
        return model.getgrnam(name, size, gap)
    if kind == "getgrgid":
        return model.getgrgid(an_id, size, gap)
    if kind == "initgroups":
        return model.initgroups(name, primary, PRESENT[:present % 5], limit % 8)
    if kind == "list_users":
        return listed(model, conf, data, lambda user: model._passwd(user, size))
    return listed(model, conf, data, lambda user: model._private(user, size, gap))


def main():
    target = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        corpus, answers = pathlib.Path(sys.argv[2]), pathlib.Path(temporary) / "answers"
        if not corpus.is_dir():
            unpack(corpus, pathlib.Path(temporary) / "corpus")
            corpus = pathlib.Path(temporary) / "corpus"
        files = sorted(corpus.iterdir())
        cases = {f"{fnv(data):016x}": (file, data) for file in files for data in [file.read_bytes()]}
        need(cases)
        for start in range(0, len(files), 500):
            done = subprocess.run([target, *files[start:start + 500]], text=True, capture_output=True,
                                  env=os.environ | {"NSS_FUZZ_ANSWERS": str(answers), "ASAN_OPTIONS": "detect_leaks=0"})
            if done.returncode != 0:
                print(f"FAILED {target.name}:\n{done.stderr[-3000:]}\n0 passed, 1 failed")
                sys.exit(1)
        found = dict(line.split(" ", 1) for line in answers.read_text().splitlines())
    good = bad = look_ups = 0
    statuses = {}
    for name, (file, data) in cases.items():
        conf, accounts, questions = parts_of(data)
        wanted = json.loads(json.dumps([expected(conf, accounts, question) for question in questions]))
        look_ups += len(questions)
        for question, answer in zip(questions, wanted):
            key = (KINDS[question[0] % len(KINDS)], answer[0])
            statuses[key] = statuses.get(key, 0) + 1
        if name in found and json.loads(found[name]) == wanted:
            good += 1
            continue
        bad += 1
        print(f"FAILED {file}: {questions}\n  library: {found.get(name)}\n  model:   {json.dumps(wanted)}")
    for key, count in sorted(statuses.items()):
        print(f"  {key[0]:11} status {key[1]:2}: {count}")
    print(f"{len(cases)} cases, {look_ups} look-ups\n{good} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
