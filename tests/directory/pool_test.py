#!/usr/bin/env python3
"""pool_test.py LIBRARY ACCOUNTS DIRECTORY PROBE COGNITOCTL COGNITO_POOL: cognitod-directory lists the users of cognito-pool over
HTTPS, with the credentials of a metadata service. The pool checks the signatures by code of its own."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tests/system"), str(REPO / "tests/directory")]

import program_test  # noqa: E402  (needs the path above)
from metadata_service import MetadataService  # noqa: E402
from pool import Pool  # noqa: E402
from program_test import FAILED, PATIENCE, TAKEN, Lists, private_machine, write  # noqa: E402

POOL_ID, REGION = "eu-west-1_CogPool01", "eu-west-1"
ROLE = {"access_key_id": "ASIAMETADATA", "secret_access_key": "metadata/secret+key", "session_token": "metadata/token=="}
OTHER = {"access_key_id": "ASIAOTHER", "secret_access_key": "other/secret", "session_token": "other/token",
         "actions": ["cognito-idp:ListGroups"]}


def seed():
    users = [{"username": f"user{number:03}.ex", "groups": ["linux-users"], "attributes": {"email": f"user{number:03}@example.com"}}
             for number in range(125)]
    users[1]["enabled"] = False
    users[2]["groups"] = ["linux-users", "linux-admins"]
    return {"pool": {"id": POOL_ID}, "users": [*users, {"username": "outside.ex"}], "groups": [{"name": "linux-admins"}],
            "access_keys": [ROLE, OTHER]}


def start(program, folder):
    (folder / "seed.json").write_text(json.dumps(seed()))
    state = folder / "state"
    process = subprocess.Popen([program, "--state", state, "--seed", folder / "seed.json"])
    until = time.monotonic() + PATIENCE
    while not (state / "ready.json").exists():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("cognito-pool has not started")
        time.sleep(0.02)
    return process, Pool(state)


def configure(pool, metadata, folder):
    # The program's own user reads it.
    ca_file = pathlib.Path("/etc/pam-cognito/ca.pem")
    write(ca_file, pathlib.Path(pool.ready["ca_file"]).read_bytes())
    write(private_machine.CONF, (private_machine.DEFAULT_CONF.replace("[groups]", "names = *.*\n[groups]") +
          f"[directory]\ngroups = linux-users linux-admins\nmetadata = {metadata.endpoint}\n").encode())
    write(ca_file.with_name("cognitod.conf"), f"[pool]\nregion = {REGION}\nuser_pool_id = {POOL_ID}\nclient_id = abc\n"
          f"endpoint = {pool.ready['endpoint'].rstrip('/')}\nca_file = {ca_file}\n[access]\nallow_groups = linux-users\n".encode())


def check_lists(report, machine, pool, metadata):
    status, log = machine.run()
    report.check("125 users in three pages and one", status == TAKEN and "125 users in 4 pages" in log, log)
    known = machine.known()
    report.equal("each enabled member has an account", len(known), 124)
    report.equal("with the groups", known["user002.ex"]["cognito_groups"], ["linux-admins", "linux-users"])
    found = pool.admin("log/list", operation="ListUsersInGroup")["requests"]
    report.equal("each request was accepted", [one["result"] for one in found], ["ok"] * 4)
    pool.admin("users/disable", username="user003.ex")
    report.equal("a user is disabled", machine.run()[0], TAKEN)
    report.equal("and locked", machine.known()["user003.ex"]["locked_by"], "pool")
    before = machine.known()
    metadata.control(credentials={"AccessKeyId": OTHER["access_key_id"], "SecretAccessKey": OTHER["secret_access_key"],
                              "Token": OTHER["session_token"]})
    status, log = machine.run()
    report.check("a role without the permission", status == FAILED and "permit cognito-idp:ListUsersInGroup" in log, log)
    metadata.control(credentials={"AccessKeyId": ROLE["access_key_id"], "SecretAccessKey": "wrong", "Token": ROLE["session_token"]})
    status, log = machine.run()
    report.check("a wrong key", status == FAILED and "the credentials are wrong" in log, log)
    metadata.control(credentials={"AccessKeyId": ROLE["access_key_id"], "SecretAccessKey": ROLE["secret_access_key"], "Token": "wrong"})
    report.equal("a wrong session token", machine.run()[0], FAILED)
    metadata.control(role=None)
    report.equal("no role", machine.run()[0], FAILED)
    report.equal("none of that changed an account", machine.known(), before)


def main(library_path, *programs):
    private_machine.enter(library_path)
    *programs, pool_program = programs
    report = program_test.prepare()
    machine = program_test.Machine(programs)
    report.equal("an empty database is made", subprocess.run([machine.probe, "/", "make"]).returncode, 0)
    with tempfile.TemporaryDirectory() as name:
        process, pool = start(pool_program, pathlib.Path(name))
        metadata = MetadataService().start()
        try:
            configure(pool, metadata, pathlib.Path(name))
            with Lists(machine.accounts):
                check_lists(report, machine, pool, metadata)
        finally:
            metadata.stop()
            process.terminate()
            process.wait()
    report.close()


if __name__ == "__main__":
    main(*(pathlib.Path(part).resolve() for part in sys.argv[1:7]))
