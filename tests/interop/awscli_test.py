#!/usr/bin/env python3
"""awscli_test.py COGNITO_POOL: Debian's awscli lists users and groups of a cognito-pool. Its credentials come from the
environment, and from a local metadata service. AWS_CLI in the environment: another program than /usr/bin/aws. Exit
status 77: skipped, because there is no such program."""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("directory", "packaging", "system")]

from metadata_service import ROLES_PATH, TOKEN_PATH, MetadataService  # noqa: E402  (needs the path above)
from pool import Pool  # noqa: E402
from report import Report  # noqa: E402

AWS = os.environ.get("AWS_CLI", "/usr/bin/aws")
POOL_ID = "eu-west-1_CogPool01"
LONG_TERM = {"access_key_id": "AKIDLONGTERM", "secret_access_key": "long/term+secret"}
TEMPORARY = {"access_key_id": "ASIATEMPORARY", "secret_access_key": "temporary/secret+1", "session_token": "temporary/token+1=="}
ROLE = {"access_key_id": "ASIAROLE", "secret_access_key": "role/secret+1", "session_token": "role/token+1=="}
NEXT_ROLE = {"access_key_id": "ASIANEXTROLE", "secret_access_key": "role/secret+2", "session_token": "role/token+2=="}
DENIED = {"access_key_id": "AKIDDENIED", "secret_access_key": "denied/secret", "actions": ["cognito-idp:ListGroups"]}
# The awscli waits for a metadata service for a second, and asks once more.
DEADLINE_S = 120


def users():
    found = [{"username": f"user{number:03}", "groups": ["linux-users"]} for number in range(125)]
    found[1] |= {"enabled": False}
    found[2] |= {"status": "FORCE_CHANGE_PASSWORD", "groups": ["linux-users", "linux-admins"]}
    found[3] |= {"sub": "11111111-2222-4333-8444-555555555555",
                 "attributes": {"email": "user003@example.com", "email_verified": "true", "name": "Zoë \"Z\" Müller"}}
    return found


SEED = {"pool": {"id": POOL_ID}, "users": users() + [{"username": "outside"}],
        "groups": [{"name": "linux-admins", "description": "administrators", "precedence": 1}, {"name": "empty"}],
        "access_keys": [LONG_TERM, TEMPORARY, ROLE, NEXT_ROLE, DENIED]}


class Scene:
    def __init__(self, program, folder):
        self.folder = pathlib.Path(folder)
        seed = self.folder / "seed.json"
        seed.write_text(json.dumps(SEED))
        state = self.folder / "state"
        self._process = subprocess.Popen([program, "--state", state, "--seed", seed])
        end = time.monotonic() + DEADLINE_S
        while not (state / "ready.json").exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("cognito-pool has not started")
            time.sleep(0.02)
        self.pool = Pool(state)

    def close(self):
        self._process.terminate()
        self._process.wait()

    def aws(self, *words, key=None, **environment):
        """(JSON of the answer, text of the refusal); key: for the environment."""
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_CA_BUNDLE": self.pool.ready["ca_file"],
                     "AWS_DEFAULT_REGION": "eu-west-1", "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "3", "LC_ALL": "C.UTF-8",
                     "AWS_EC2_METADATA_DISABLED": "true"}
        if key:
            variables |= {"AWS_ACCESS_KEY_ID": key["access_key_id"], "AWS_SECRET_ACCESS_KEY": key["secret_access_key"]}
            if "session_token" in key:
                variables["AWS_SESSION_TOKEN"] = key["session_token"]
        done = subprocess.run([AWS, "--output", "json", "--endpoint-url", self.pool.ready["endpoint"], "cognito-idp", *words],
                              env={**variables, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE_S)
        return (json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None), done.stderr.strip()

    def listed(self, *words, **more):
        """The names of a list, or the refusal."""
        answer, refusal = self.aws(*words, "--user-pool-id", POOL_ID, **more)
        if answer is None:
            return refusal
        return [entry["Username"] for entry in answer["Users"]] if "Users" in answer else [entry["GroupName"] for entry in answer["Groups"]]


def check_lists(report, scene):
    members = [user["username"] for user in users()]
    report.equal("list-users", scene.listed("list-users", key=LONG_TERM), ["outside", *members])
    report.equal("list-users-in-group, 125 users in pages of 60",
                 scene.listed("list-users-in-group", "--group-name", "linux-users", key=LONG_TERM), members)
    pages = [entry for entry in scene.pool.admin("log/list", operation="ListUsersInGroup")["requests"]]
    report.equal("three requests", [entry["result"] for entry in pages], ["ok"] * 3)
    report.equal("pages of 50 by the caller's limit",
                 scene.listed("list-users-in-group", "--group-name", "linux-users", "--page-size", "50", key=LONG_TERM), members)
    report.equal("a group without users", scene.listed("list-users-in-group", "--group-name", "empty", key=LONG_TERM), [])
    report.equal("admin-list-groups-for-user", scene.listed("admin-list-groups-for-user", "--username", "user002", key=LONG_TERM),
                 ["linux-admins", "linux-users"])
    report.equal("list-groups", scene.listed("list-groups", key=LONG_TERM), ["empty", "linux-admins", "linux-users"])
    for filter_text, wanted in (('username = "user003"', ["user003"]), ('username ^= "user00"', [f"user00{n}" for n in range(10)]),
                                ('sub = "11111111-2222-4333-8444-555555555555"', ["user003"]),
                                ('status = "Disabled"', ["user001"]), ('cognito:user_status = "force_change_password"', ["user002"])):
        report.equal(f"list-users with {filter_text}", scene.listed("list-users", "--filter", filter_text, key=LONG_TERM), wanted)


def check_shapes(report, scene):
    answer, refusal = scene.aws("list-users", "--user-pool-id", POOL_ID, "--filter", 'username ^= "user00"', key=LONG_TERM)
    report.check("users are shown", answer, refusal)
    shown = {user["Username"]: user for user in answer["Users"]} if answer else {}
    report.equal("members of a user", sorted(shown["user003"]),
                 ["Attributes", "Enabled", "UserCreateDate", "UserLastModifiedDate", "UserStatus", "Username"])
    report.equal("disabled and enabled", (shown["user001"]["Enabled"], shown["user002"]["Enabled"]), (False, True))
    report.equal("statuses", (shown["user001"]["UserStatus"], shown["user002"]["UserStatus"]), ("CONFIRMED", "FORCE_CHANGE_PASSWORD"))
    report.equal("attributes", {pair["Name"]: pair["Value"] for pair in shown["user003"]["Attributes"]},
                 {"sub": "11111111-2222-4333-8444-555555555555", "email": "user003@example.com", "email_verified": "true",
                  "name": "Zoë \"Z\" Müller"})
    # Version 1 of awscli shows the seconds, version 2 a date.
    date = shown["user003"]["UserCreateDate"]
    seconds = date if isinstance(date, (int, float)) else datetime.datetime.fromisoformat(date).timestamp()
    report.check("a date of today", abs(time.time() - seconds) < 600, date)


def check_refusals(report, scene):
    def refused(what, error, *words, **more):
        found = scene.listed(*(words or ("list-users",)), **more)
        report.check(what, f"({error})" in found, found)

    refused("a wrong secret", "InvalidSignatureException", key={**LONG_TERM, "secret_access_key": "other"})
    refused("an unknown key", "UnrecognizedClientException", key={**LONG_TERM, "access_key_id": "AKIDUNKNOWN"})
    refused("a temporary key without its token", "UnrecognizedClientException",
            key={name: TEMPORARY[name] for name in ("access_key_id", "secret_access_key")})
    refused("a wrong token", "UnrecognizedClientException", key={**TEMPORARY, "session_token": "other"})
    refused("another region", "InvalidSignatureException", key=LONG_TERM, AWS_DEFAULT_REGION="us-east-1")
    refused("an action that is not allowed", "AccessDeniedException", key=DENIED)
    report.equal("an action that is allowed", scene.listed("list-groups", key=DENIED), ["empty", "linux-admins", "linux-users"])
    refused("an unknown group", "ResourceNotFoundException", "list-users-in-group", "--group-name", "other", key=LONG_TERM)
    refused("an unknown user", "UserNotFoundException", "admin-list-groups-for-user", "--username", "other", key=LONG_TERM)
    refused("a filter that is none", "InvalidParameterException", "list-users", "--filter", "other", key=LONG_TERM)
    scene.pool.admin("access-keys/set", access_key_id=TEMPORARY["access_key_id"], expiration="2020-01-01T00:00:00Z")
    refused("an expired token", "ExpiredTokenException", key=TEMPORARY)
    scene.pool.admin("access-keys/set", access_key_id=TEMPORARY["access_key_id"], expiration="")
    report.equal("a token that has not expired", scene.listed("list-groups", key=TEMPORARY), ["empty", "linux-admins", "linux-users"])
    scene.pool.admin("clock/advance", wall_s=302)
    refused("a clock that is late by more than five minutes", "InvalidSignatureException", key=LONG_TERM)
    scene.pool.admin("clock/advance", wall_s=-302)


def check_throttling(report, scene):
    words = ("list-users-in-group", "--group-name", "linux-users")
    scene.pool.admin("log/reset")
    scene.pool.admin("faults/add", on="ListUsersInGroup", kind="throttle", skip=1)
    report.equal("a throttled second page is asked for again", len(scene.listed(*words, key=LONG_TERM)), 125)
    requests = scene.pool.admin("log/list", operation="ListUsersInGroup")["requests"]
    report.equal("the pool's answers", [entry["status"] for entry in requests], [200, 429, 200, 200])
    scene.pool.admin("faults/add", on="ListUsersInGroup", kind="throttle", skip=1, times=0)
    report.check("each further page throttled", "(TooManyRequestsException)" in scene.listed(*words, key=LONG_TERM))
    scene.pool.admin("faults/clear")


def as_document(key):
    return {"AccessKeyId": key["access_key_id"], "SecretAccessKey": key["secret_access_key"], "Token": key["session_token"]}


def check_role(report, scene, metadata):
    environment = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.endpoint + "/"}
    groups = ["empty", "linux-admins", "linux-users"]
    report.equal("with the role's credentials", scene.listed("list-groups", **environment), groups)
    report.equal("the key of the role", scene.pool.admin("log/list")["requests"][-1]["access_key_id"], ROLE["access_key_id"])
    report.equal("awscli's requests to the metadata service", [(r["method"], r["path"], r["status"]) for r in metadata.requests],
                 [("PUT", TOKEN_PATH, 200), ("GET", ROLES_PATH, 200), ("GET", ROLES_PATH + "linux-directory", 200)])
    scene.pool.admin("access-keys/delete", access_key_id=ROLE["access_key_id"])
    report.check("a key that was rotated", "(UnrecognizedClientException)" in scene.listed("list-groups", **environment))
    metadata.control(credentials=as_document(NEXT_ROLE))
    report.equal("the next key", scene.listed("list-groups", **environment), groups)
    metadata.control(role=None)
    report.check("an instance without a role", "Unable to locate credentials" in scene.listed("list-groups", **environment))


def main():
    if shutil.which(AWS) is None:
        print("no awscli here")
        sys.exit(77)
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(sys.argv[1], folder)
        try:
            for check in (check_lists, check_shapes, check_refusals, check_throttling):
                check(report, scene)
            with MetadataService(credentials=as_document(ROLE)) as metadata:
                check_role(report, scene, metadata)
        finally:
            scene.close()
    report.close()


if __name__ == "__main__":
    main()
