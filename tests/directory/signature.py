"""Signature Version 4 of AWS, checked by code that shares nothing with libcurl:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""

import hashlib
import hmac
import re
import urllib.parse

AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                           r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})\Z")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def signature(method, path, query, headers, signed, body, key, date, region, service):
    """headers: names in lower case. signed: the names, in order."""
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
    canonical_query = "&".join(f"{urllib.parse.quote(a, safe='-_.~')}={urllib.parse.quote(b, safe='-_.~')}" for a, b in pairs)
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed)
    canonical = "\n".join([method, path, canonical_query, lines, ";".join(signed), digest(body)])
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, digest(canonical.encode())])
    secret = ("AWS4" + key).encode()
    for part in (date[:8], region, service, "aws4_request"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def fault_of(method, path, headers, body, keys, region, service):
    """Empty, or what is wrong with a signed request. keys: secrets by their ids."""
    headers = {name.lower(): value for name, value in headers.items()}
    match = AUTHORIZATION.match(headers.get("authorization", ""))
    if not match:
        return "no signature: " + headers.get("authorization", "")
    key_id, day, its_region, its_service, names, its_signature = match.groups()
    signed = names.split(";")
    if signed != sorted(set(signed)):
        return "the signed headers are not sorted"
    date = headers.get("x-amz-date", "")
    needed = {"host", "x-amz-date", "x-amz-target", "content-type"} | ({"x-amz-security-token"} & set(headers))
    if missing := needed - set(signed):
        return f"not signed: {sorted(missing)}"
    if unsent := set(signed) - set(headers):
        return f"signed and not sent: {sorted(unsent)}"
    if key_id not in keys or (its_region, its_service) != (region, service) or not date.startswith(day):
        return "the scope is wrong"
    made = signature(method, path, "", headers, signed, body, keys[key_id], date, region, service)
    return "" if made == its_signature else "the signature is wrong"


def published_example():
    """The example of AWS's documentation: ListUsers of IAM, on 30 August 2015."""
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "iam.amazonaws.com",
               "x-amz-date": "20150830T123600Z"}
    return signature("GET", "/", "Action=ListUsers&Version=2010-05-08", headers, sorted(headers), b"",
                     "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830T123600Z", "us-east-1", "iam")


PUBLISHED = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
