"""The user pool of the pages for administrators: cognito-pool, which answers under AWS's own name, on port
443 and with a certificate that the machine trusts. So no word of the pages has to be another one here."""

import json
import re
import ssl

from booted import INSIDE, MachineError, MachinePool

POOL = f"{INSIDE}/build/release/tests/pool/cognito-pool"
STATE = "/var/lib/aws"
REGION = "eu-west-1"
HOST = f"cognito-idp.{REGION}.amazonaws.com"
POOL_ID = f"{REGION}_CogPool01"
TEMPORARY_PASSWORD, PASSWORD = "Temporary-Alice-1", "Correct-Horse-2"
SEED = {
    "pool": {"id": POOL_ID, "mfa_configuration": "ON", "mfa_types": ["SOFTWARE_TOKEN_MFA"]},
    "users": [{"username": "alice", "password": TEMPORARY_PASSWORD, "status": "FORCE_CHANGE_PASSWORD",
               "groups": ["linux-users", "linux-admins"],
               "attributes": {"email": "alice@example.com", "email_verified": "true"}}],
}
CERTIFICATES = f"""
mkdir -p {STATE}
cd {STATE}
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $key -days 30 -subj '/CN=test authority' -addext keyUsage=critical,keyCertSign \\
  -keyout ca.key -out ca.pem
openssl req $key -subj '/CN={HOST}' -keyout server.key -out server.csr
printf '%s\\n' subjectAltName=DNS:{HOST},IP:127.0.0.1 extendedKeyUsage=serverAuth \\
  authorityKeyIdentifier=keyid >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \\
  -extfile server.ext -out server.pem
cat ca.pem >>/etc/ssl/certs/ca-certificates.crt
echo '127.0.0.1 {HOST}' >>/etc/hosts
"""


class Aws(MachinePool):
    """The pool, and the phone of alice, who has an account there."""

    def __init__(self, machine):
        machine.run("bash", "-euc", CERTIFICATES)
        machine.write(f"{STATE}/seed.json", json.dumps(SEED))
        machine.run("systemd-run", "--quiet", "--collect", "--unit=aws", "--", POOL,
                    "--state", STATE, "--seed", f"{STATE}/seed.json", "--port", "443",
                    "--cert", f"{STATE}/server.pem", "--key", f"{STATE}/server.key",
                    "--ca", f"{STATE}/ca.pem", "--issuer", f"https://{HOST}/{POOL_ID}")
        if not machine.wait_until(lambda: machine.run("test", "-e", f"{STATE}/ready.json",
                                                      check=False).returncode == 0, timeout=60):
            raise MachineError(machine.run("journalctl", "--unit=aws", "--no-pager").stdout)
        self.ready = json.loads(machine.read(f"{STATE}/ready.json"))
        self._tls = ssl.create_default_context(cadata=machine.read(f"{STATE}/ca.pem"))
        self._machine = machine
        self._totp_offset_s = 0
        self.password = TEMPORARY_PASSWORD
        self.secret = None

    def choose_password(self, *_):
        self.password = PASSWORD
        return PASSWORD

    def set_up_app(self, _match, _line, shown):
        self.secret = re.findall(r"key[^\n:]*:\s+([A-Z2-7 ]+)\n", shown)[-1].replace(" ", "")
        return self.totp(self.secret)

    def code(self, *_):
        return self.totp(self.secret)

    def client_secret(self, secret):
        """The app client has this one from now on; None: it has none."""
        self.admin("clients/set", client_id=self.ready["client_id"], client_secret=secret)
