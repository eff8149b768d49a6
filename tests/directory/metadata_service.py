#!/usr/bin/env python3
"""metadata_service.py [--address ADDRESS] [--port PORT] [--state FILE] [--ready FILE]

A local EC2 instance metadata service, version 2: the metadata that AWS's SDKs read for a role's credentials. It
refuses requests of version 1 (401), and requests that a proxy has forwarded (403).

--address 127.0.0.1, --port 0 (default): the kernel chooses a port. EC2 serves 169.254.169.254, port 80.
--state FILE: JSON, the first state; see STATE. --ready FILE: appears when the port listens: {"endpoint": URL, …}.
SIGTERM and SIGINT end it with exit status 0.

GET /_control returns the state, and the requests so far. POST /_control with a JSON object changes the state: each
member replaces the one of the same name, `credentials` and `faults` as a whole. With {"reset": true} the first state
returns, and the requests are forgotten. It is a test tool: everybody who reaches it may do so.

A fault is {"path": PATH, "kind": KIND, "times": N, "skip": N}: PATH is one path, or a beginning with `*` after it; N is
1 by default, times 0 is for ever. The first one that matches is taken.
  hang       nothing is answered, and the connection stays open
  cut        the connection is closed instead of an answer
  status     `status` (500), with `body` and `headers`
  body       200 with `body` as it is (wrong JSON, for example)
  endless    200 and a body without an end
"""

import argparse
import contextlib
import copy
import fnmatch
import http.server
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time

TOKEN_PATH = "/latest/api/token"
ROLES_PATH = "/latest/meta-data/iam/security-credentials/"
CONTROL_PATH = "/_control"
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
LONGEST_TOKEN_S = 21600
USUAL_HOPS = 64
LARGEST_BODY = 1 << 20

STATE = {
    # None: the instance has no role, and the path is 404.
    "role": "linux-directory",
    # Members of the role's document. A list: each request takes the next one, and the last one remains. An Expiration
    # that is absent is six hours ahead; a number is seconds from now.
    "credentials": {"AccessKeyId": "ASIAMETADATA", "SecretAccessKey": "metadata/secret+key", "Token": "metadata/token=="},
    "region": "eu-west-1",
    "instance_id": "i-0123456789abcdef0",
    "account_id": "123456789012",
    # False: as with the instance's option HttpEndpoint=disabled.
    "enabled": True,
    # The packets of an answer to PUT /latest/api/token live for so many hops.
    "hop_limit": 1,
    # Added to the age of the tokens, to let them expire.
    "age_s": 0,
    "faults": [],
}


def iso(unix_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))


class MetadataService:
    """The service in this process, from start() to stop(); or as a context."""

    def __init__(self, address="127.0.0.1", port=0, **state):
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self._first = {**copy.deepcopy(STATE), **state}
        self._reset()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._server = type("Server", (Server,), {"address_family": family})((address, port), Handler)
        self._server.service = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def _reset(self):
        self.state = copy.deepcopy(self._first)
        self.tokens = {}
        self.requests = []

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def endpoint(self):
        address = self._server.server_address[0]
        return f"http://{f'[{address}]' if ':' in address else address}:{self.port}"

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def control(self, **changes):
        """Changes the state; returns what is wrong, or None."""
        with self.lock:
            if changes.pop("reset", False):
                self._reset()
            unknown = set(changes) - set(STATE)
            if unknown:
                return f"not known here: {', '.join(sorted(unknown))}"
            self.state.update(copy.deepcopy(changes))
        return None

    # With the lock held.
    def take_fault(self, path):
        for fault in self.state["faults"]:
            if not fnmatch.fnmatchcase(path, fault["path"]):
                continue
            if fault.get("skip", 0) > 0:
                fault["skip"] -= 1
                continue
            if fault.get("times", 1) > 0:
                fault["times"] = fault.get("times", 1) - 1
                if fault["times"] == 0:
                    self.state["faults"].remove(fault)
            return dict(fault)
        return None

    def new_token(self, ttl_s):
        token = secrets.token_urlsafe(40)
        self.tokens[token] = time.monotonic() + self.state["age_s"] + ttl_s
        return token

    def accepts(self, token):
        return self.tokens.get(token, 0) > time.monotonic() + self.state["age_s"]

    def role_document(self):
        given = self.state["credentials"]
        if isinstance(given, list):
            members = given.pop(0) if len(given) > 1 else given[0]
        else:
            members = given
        now = time.time()
        document = {"Code": "Success", "LastUpdated": iso(now), "Type": "AWS-HMAC", **members}
        expiration = document.get("Expiration", 6 * 3600)
        document["Expiration"] = iso(now + expiration) if isinstance(expiration, (int, float)) else expiration
        return json.dumps(document, indent=2)

    def document(self, path):
        """(content type, text) of a path; None: there is nothing."""
        state = self.state
        if path in (ROLES_PATH, ROLES_PATH[:-1]):
            return ("text/plain", state["role"]) if state["role"] else None
        if state["role"] and path == ROLES_PATH + state["role"]:
            return "text/plain", self.role_document()
        if path == "/latest/meta-data/placement/region":
            return "text/plain", state["region"]
        if path == "/latest/meta-data/placement/availability-zone":
            return "text/plain", state["region"] + "a"
        if path == "/latest/meta-data/instance-id":
            return "text/plain", state["instance_id"]
        if path == "/latest/dynamic/instance-identity/document":
            return "text/plain", json.dumps({"accountId": state["account_id"], "architecture": "x86_64",
                                             "availabilityZone": state["region"] + "a", "instanceId": state["instance_id"],
                                             "instanceType": "t3.micro", "region": state["region"],
                                             "version": "2017-09-30"}, indent=2)
        return None


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    sys_version = ""
    timeout = 120

    def log_message(self, *_):
        pass

    def set_hops(self, hops):
        if self.server.address_family == socket.AF_INET6:
            self.connection.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
        else:
            self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)

    def answer(self, status, body="", content_type="text/plain", headers=None):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.note["status"] = status

    def disturb(self, fault):
        """Answers as the fault says."""
        kind = fault["kind"]
        self.note["fault"] = kind
        if kind == "hang":
            self.server.service.ending.wait()
        if kind in ("hang", "cut"):
            self.close_connection = True
            return
        if kind == "status":
            self.answer(fault.get("status", 500), fault.get("body", ""), headers=fault.get("headers"))
        elif kind == "body":
            self.answer(200, fault.get("body", ""))
        elif kind == "endless":
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            with contextlib.suppress(OSError):
                while not self.server.service.ending.is_set():
                    self.wfile.write(b"x" * 65536)
        else:
            self.answer(500, f"no such kind of fault: {kind}")

    def handle_any(self):
        service = self.server.service
        self.set_hops(USUAL_HOPS)
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            self.close_connection = True
            return
        body = self.rfile.read(length)
        path = self.path.split("?", 1)[0]
        self.note = {"method": self.command, "path": path, "token": TOKEN_HEADER in self.headers}
        if path == CONTROL_PATH:
            self.serve_control(body)
            return
        with service.lock:
            service.requests.append(self.note)
            fault = service.take_fault(path)
            answer = None if fault else self.metadata(path)
        if fault:
            self.disturb(fault)
        else:
            self.answer(*answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def metadata(self, path):
        """The arguments of answer(), with the lock held."""
        service = self.server.service
        if not service.state["enabled"] or "X-Forwarded-For" in self.headers:
            return 403, "Forbidden"
        if path == TOKEN_PATH:
            return self.token(service)
        if self.command not in ("GET", "HEAD"):
            return 405, "Method Not Allowed"
        # Version 1 has no token.
        if not service.accepts(self.headers.get(TOKEN_HEADER, "")):
            return 401, "Unauthorized"
        found = service.document(path)
        return (200, found[1], found[0]) if found else (404, "Not Found")

    def token(self, service):
        if self.command != "PUT":
            return 405, "Method Not Allowed"
        ttl = self.headers.get(TTL_HEADER, "")
        if not (ttl.isascii() and ttl.isdigit() and 1 <= int(ttl) <= LONGEST_TOKEN_S):
            return 400, "Bad Request"
        self.set_hops(service.state["hop_limit"])
        return 200, service.new_token(int(ttl)), "text/plain", {TTL_HEADER: ttl}

    def serve_control(self, body):
        service = self.server.service
        if self.command == "GET":
            with service.lock:
                found = json.dumps({"state": service.state, "requests": service.requests})
            self.answer(200, found, "application/json")
            return
        try:
            changes = json.loads(body)
            wrong = service.control(**changes) if isinstance(changes, dict) else "the body must be an object"
        except ValueError as error:
            wrong = str(error)
        self.answer(400 if wrong else 200, json.dumps({"error": wrong} if wrong else {}), "application/json")


def main():
    parser = argparse.ArgumentParser(description="A local EC2 instance metadata service, version 2.")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state")
    parser.add_argument("--ready")
    options = parser.parse_args()
    state = {}
    if options.state:
        with open(options.state) as file:
            state = json.load(file)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with MetadataService(options.address, options.port, **state) as service:
        description = json.dumps({"endpoint": service.endpoint, "port": service.port, "pid": os.getpid()})
        if options.ready:
            with open(options.ready + ".new", "w") as file:
                file.write(description + "\n")
            os.rename(options.ready + ".new", options.ready)
        print(description, flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    if options.ready:
        os.unlink(options.ready)


if __name__ == "__main__":
    sys.exit(main())
