"""A user pool and an instance metadata service that answer what a test wants, also nonsense."""

import http.server
import json
import socketserver
import threading
import time

import signature

REGION, POOL = "eu-central-1", "eu-central-1_AbCdEfGhI"
KEYS = {"ASIAEXAMPLEKEYOFROLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AKIAEXAMPLEKEYOFFILE": "of/the+file=1234567890"}
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//token+with=characters"
ROLE = "machines@fleet"


class Service:
    """An HTTP server on a port of its own, in a thread."""

    def __init__(self):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, data, headers = service.reply(self, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the program closes its connections as it likes

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class Metadata(Service):
    """IMDSv2. `broken`: the answers by the part of the path that they replace."""

    def __init__(self):
        self.broken = {}
        self.calls = []
        self.expires_in = 3600
        super().__init__()

    def credentials(self):
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.expires_in))
        key_id = next(iter(KEYS))
        return {"Code": "Success", "LastUpdated": "2026-12-03T00:00:00Z", "Type": "AWS-HMAC", "AccessKeyId": key_id,
                "SecretAccessKey": KEYS[key_id], "Token": TOKEN, "Expiration": expires}

    def reply(self, request, body):
        self.calls.append(f"{request.command} {request.path}")
        for part, answer in self.broken.items():
            if request.path.endswith(part):
                return answer
        if request.path == "/latest/api/token":
            if request.command != "PUT" or not request.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "").isdigit():
                return 400, b"", {}
            return 200, b"session==", {}
        if request.headers.get("X-aws-ec2-metadata-token") != "session==" or request.command != "GET":
            return 401, b"", {}
        if request.path == "/latest/meta-data/iam/security-credentials/":
            return 200, ROLE.encode(), {}
        if request.path == f"/latest/meta-data/iam/security-credentials/{ROLE}":
            return 200, json.dumps(self.credentials(), indent=2).encode(), {}
        return 404, b"", {}


class UserPool(Service):
    """ListUsersInGroup. `answers`: what the next calls get, before the usual ones begin."""

    def __init__(self):
        self.groups = {}
        self.answers = []
        self.always = None  # called for each call, in place of the usual answer
        self.calls = []
        self.faults = []  # of signatures
        self.page = 2
        super().__init__()

    def reply(self, request, body):
        self.calls.append(json.loads(body))
        if fault := signature.fault_of(request.command, request.path, dict(request.headers.items()), body, KEYS, REGION, "cognito-idp"):
            self.faults.append(fault)
            return error("InvalidSignatureException")
        if request.headers["X-Amz-Target"] != "AWSCognitoIdentityProviderService.ListUsersInGroup":
            return error("UnknownOperationException")
        if self.answers:
            return self.answers.pop(0)
        if self.always:
            return self.always(self.calls[-1], len(self.calls))
        return self.usual(self.calls[-1])

    def usual(self, call):
        if call["UserPoolId"] != POOL or call["GroupName"] not in self.groups:
            return error("ResourceNotFoundException")
        users = self.groups[call["GroupName"]]
        at = int(call.get("NextToken", "0"))
        answer = {"Users": users[at:at + self.page]}
        if at + self.page < len(users):
            answer["NextToken"] = str(at + self.page)
        return good(answer)


def good(answer):
    return 200, answer if isinstance(answer, bytes) else json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.1"}


def error(name, status=400):
    return status, json.dumps({"__type": name, "message": "no"}).encode(), {"x-amzn-ErrorType": name}


def user(name, enabled=True, sub=None, **attributes):
    listed = [{"Name": "sub", "Value": sub or f"sub-of-{name}"}] + [{"Name": key, "Value": value} for key, value in attributes.items()]
    return {"Username": name, "Attributes": listed, "Enabled": enabled, "UserStatus": "CONFIRMED", "UserCreateDate": 1.7e9}
