#!/usr/bin/env python3
"""metadata_service_test.py: the local metadata service behaves as EC2's does, and its faults occur on demand."""

import http.client
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "packaging")]

from metadata_service import ROLES_PATH, TOKEN_HEADER, TOKEN_PATH, TTL_HEADER, MetadataService  # noqa: E402
from report import Report  # noqa: E402

ROLE_PATH = ROLES_PATH + "linux-directory"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def request(service, path, method="GET", body=None, timeout=20, **headers):
    """(status, body, headers); the status is 0 if the connection ends without an answer."""
    asked = urllib.request.Request(service.endpoint + path, body, {name.replace("_", "-"): value for name, value in headers.items()},
                                   method=method)
    try:
        with OPENER.open(asked, timeout=timeout) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers
    except (http.client.HTTPException, OSError):
        return 0, "", {}


def new_token(service, ttl="60"):
    return request(service, TOKEN_PATH, "PUT", **{TTL_HEADER: ttl})[1]


def get(service, path, token, **more):
    return request(service, path, **{TOKEN_HEADER: token}, **more)


def check_version_2(report, service):
    for name, headers, status in (("no TTL", {}, 400), ("TTL 0", {TTL_HEADER: "0"}, 400), ("TTL 21601", {TTL_HEADER: "21601"}, 400),
                                  ("TTL -1", {TTL_HEADER: "-1"}, 400), ("TTL 1x", {TTL_HEADER: "1x"}, 400),
                                  ("TTL 21600", {TTL_HEADER: "21600"}, 200),
                                  ("X-Forwarded-For", {TTL_HEADER: "60", "X-Forwarded-For": "10.0.0.1"}, 403)):
        report.equal(f"PUT for a token, {name}", request(service, TOKEN_PATH, "PUT", **headers)[0], status)
    report.equal("GET for a token", request(service, TOKEN_PATH)[0], 405)
    token = new_token(service)
    report.equal("the token's TTL is returned", request(service, TOKEN_PATH, "PUT", **{TTL_HEADER: "7"})[2][TTL_HEADER], "7")
    report.equal("version 1 is refused", request(service, ROLES_PATH)[0], 401)
    report.equal("an unknown token is refused", get(service, ROLES_PATH, "x" * 40)[0], 401)
    report.equal("a forwarded GET is refused", get(service, ROLES_PATH, token, X_Forwarded_For="10.0.0.1")[0], 403)
    report.equal("a token is accepted", get(service, ROLES_PATH, token)[:2], (200, "linux-directory"))
    service.control(age_s=61)
    report.equal("a token expires", get(service, ROLES_PATH, token)[0], 401)
    service.control(age_s=0, enabled=False)
    report.equal("a disabled endpoint", request(service, TOKEN_PATH, "PUT", **{TTL_HEADER: "60"})[0], 403)


def check_documents(report, service):
    token = new_token(service)
    document = json.loads(get(service, ROLE_PATH, token)[1])
    report.equal("members of the role's document", sorted(document),
                 ["AccessKeyId", "Code", "Expiration", "LastUpdated", "SecretAccessKey", "Token", "Type"])
    report.equal("the document's code", document["Code"], "Success")
    report.check("it expires in six hours", document["Expiration"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 21000)), document)
    report.equal("another role", get(service, ROLES_PATH + "other", token)[0], 404)
    report.equal("the region", get(service, "/latest/meta-data/placement/region", token)[:2], (200, "eu-west-1"))
    identity = json.loads(get(service, "/latest/dynamic/instance-identity/document", token)[1])
    report.equal("the identity document", (identity["region"], identity["instanceId"]), ("eu-west-1", "i-0123456789abcdef0"))
    report.equal("another path", get(service, "/latest/meta-data/other", token)[0], 404)
    service.control(role=None)
    report.equal("no role: the list", get(service, ROLES_PATH, token)[0], 404)
    report.equal("no role: the document", get(service, ROLE_PATH, token)[0], 404)
    service.control(role="linux-directory", credentials={"AccessKeyId": "A", "Expiration": -60})
    document = json.loads(get(service, ROLE_PATH, token)[1])
    report.check("expired credentials", document["Expiration"] < document["LastUpdated"], document)
    service.control(credentials=[{"AccessKeyId": "A"}, {"AccessKeyId": "B"}])
    report.equal("rotation", [json.loads(get(service, ROLE_PATH, token)[1])["AccessKeyId"] for _ in range(3)], ["A", "B", "B"])


def check_faults(report, service):
    token = new_token(service)
    faults = [{"path": ROLE_PATH, "kind": "status", "status": 503, "skip": 1}, {"path": ROLE_PATH, "kind": "cut", "skip": 1},
              {"path": "/latest/meta-data/*", "kind": "body", "body": "{", "skip": 1}]
    service.control(faults=faults)
    report.equal("faults in turn", [get(service, ROLE_PATH, token)[0] for _ in range(4)], [200, 503, 0, 200])
    report.equal("they are used up", service.state["faults"], [])
    service.control(faults=[{"path": ROLE_PATH, "kind": "body", "body": "{", "times": 0}])
    report.equal("wrong JSON", [get(service, ROLE_PATH, token)[1] for _ in range(2)], ["{", "{"])
    service.control(faults=[{"path": TOKEN_PATH, "kind": "hang"}])
    report.equal("a token that does not come", request(service, TOKEN_PATH, "PUT", timeout=1, **{TTL_HEADER: "60"})[0], 0)
    service.control(faults=[{"path": ROLE_PATH, "kind": "endless"}])
    asked = urllib.request.Request(service.endpoint + ROLE_PATH, headers={TOKEN_HEADER: token})
    with OPENER.open(asked, timeout=20) as answer:
        report.equal("a body without an end", len(answer.read(1 << 20)), 1 << 20)
    report.equal("the last request is noted", service.requests[-1], {"method": "GET", "path": ROLE_PATH, "token": True, "fault": "endless"})


def received_hops(service, send):
    """The hops that the packets with data from the service may still take, as they arrive."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.settimeout(5)
        send()
        while True:
            packet = raw.recv(65535)
            header = (packet[0] & 15) * 4
            source, = struct.unpack(">H", packet[header:header + 2])
            data = packet[header + (packet[header + 12] >> 4) * 4:]
            if source == service.port and data.startswith(b"HTTP/1.1 200"):
                return packet[8]


def check_hops(report, service):
    try:
        received_hops(service, lambda: new_token(service))
    except PermissionError:
        print("no raw sockets here: the hop limit is not checked")
        return
    for hops in (1, 2):
        service.control(hop_limit=hops)
        report.equal(f"a token lives for {hops} hops", received_hops(service, lambda: new_token(service)), hops)
    token = new_token(service)
    report.equal("other answers have no limit", received_hops(service, lambda: get(service, ROLES_PATH, token)), 64)


def check_program(report):
    with tempfile.TemporaryDirectory() as folder:
        state, ready = pathlib.Path(folder, "state.json"), pathlib.Path(folder, "ready.json")
        state.write_text(json.dumps({"role": "other", "region": "eu-central-1"}))
        process = subprocess.Popen([sys.executable, "-B", HERE / "metadata_service.py", "--state", state, "--ready", ready],
                                   stdout=subprocess.PIPE, text=True)
        try:
            started = json.loads(process.stdout.readline())
            report.equal("the ready file", json.loads(ready.read_text()), started)
            service = type("Remote", (), {"endpoint": started["endpoint"]})
            report.equal("the first state", get(service, ROLES_PATH, new_token(service))[1], "other")
            report.equal("a change", request(service, "/_control", "POST", b'{"role": "third"}')[0], 200)
            report.equal("after the change", get(service, ROLES_PATH, new_token(service))[1], "third")
            report.equal("a change that is not known", request(service, "/_control", "POST", b'{"rule": "third"}')[0], 400)
            report.equal("no JSON", request(service, "/_control", "POST", b"{")[0], 400)
            noted = json.loads(request(service, "/_control")[1])
            report.equal("the requests", len(noted["requests"]), 4)
            request(service, "/_control", "POST", b'{"reset": true}')
            report.equal("the first state again", get(service, ROLES_PATH, new_token(service))[1], "other")
            os.kill(process.pid, signal.SIGTERM)
            report.equal("its end", (process.wait(timeout=20), ready.exists()), (0, False))
        finally:
            process.kill()
            process.wait()


def main():
    report = Report()
    for check in (check_version_2, check_documents, check_faults, check_hops):
        with MetadataService() as service:
            check(report, service)
    check_program(report)
    report.close()


if __name__ == "__main__":
    main()
