"""cognito-pool's admin API (tests/pool/README.md), and the codes a person would read off a phone."""

import base64
import hashlib
import hmac
import json
import ssl
import struct
import time
import urllib.request

TOTP_STEP_S = 30


class Pool:
    def __init__(self, state):
        """state: the pool's --state folder, once ready.json is there."""
        with open(f"{state}/ready.json") as file:
            self.ready = json.load(file)
        self._tls = ssl.create_default_context(cafile=self.ready["ca_file"])
        self._totp_offset_s = 0

    def admin(self, call, **members):
        request = urllib.request.Request(self.ready["admin"] + call, json.dumps(members).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, context=self._tls, timeout=70) as answer:
            return json.load(answer)

    # The person's side.
    def next_message_code(self, username):
        """The code of the oldest unread SMS or e-mail; waits for it as a person waits."""
        message = self.admin("inbox/next", username=username, wait_ms=60000)["message"]
        if message is None:
            raise LookupError(f"no message for {username} within 60 s")
        return message["code"]

    def totp(self, secret):
        """The code that an authenticator app shows, by RFC 6238; each call a new one: the pool, like
        Cognito, takes a code once, so its TOTP clock is moved on by a step."""
        self.admin("clock/advance", totp_s=TOTP_STEP_S)
        self._totp_offset_s += TOTP_STEP_S
        counter = int((time.time() + self._totp_offset_s) // TOTP_STEP_S)
        key = base64.b32decode(secret + "=" * (-len(secret) % 8))
        digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
        place = digest[-1] & 15
        number = struct.unpack(">I", digest[place:place + 4])[0] & 0x7FFFFFFF
        return f"{number % 1000000:06d}"

    # The judge's side.
    def requests(self, username=None):
        """[(operation, name, result)] of what came in since the last reset of the log."""
        filters = {"username": username} if username else {}
        return [(r["operation"], r.get("name") or "", r.get("result") or "")
                for r in self.admin("log/list", **filters)["requests"]]

    def reset_log(self):
        self.admin("log/reset")

    def forgive(self, username):
        """Failures, locks and used codes forgotten."""
        self.admin("users/unlock", username=username)
