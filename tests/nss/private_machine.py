"""A mount namespace with its own /etc and /var/lib, so that the library is tested as it is shipped, with its real
paths. libc finds it by the namespace's own ld.so.cache, also in set-uid programs."""

import os
import pathlib
import subprocess
import sys

ACCOUNTS = pathlib.Path("/var/lib/pam-cognito-accounts")
FILE = ACCOUNTS / "accounts.v1"
CONF_DIRECTORY = pathlib.Path("/etc/pam-cognito")
CONF = CONF_DIRECTORY / "accounts.conf"
NSSWITCH = "passwd: files cognitod\ngroup: files [SUCCESS=merge] cognitod\nshadow: files\n"
DEFAULT_CONF = """\
[accounts]
range = 1879048192-2099999999
home = /home/%u
shells = /bin/bash /bin/sh
[groups]
sudo = linux-admins
docker = linux-docker builders
"""


def enter(library):
    """Starts this program again in a namespace of its own, unless it is there already."""
    if os.environ.get("NSS_TEST_NAMESPACE") != "yes":
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv],
                   os.environ | {"NSS_TEST_NAMESPACE": "yes"})
    script = """
set -e
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir /mnt/etc /mnt/lib
cp -a /etc/. /mnt/etc/
install -m 0755 "$0" /mnt/lib/libnss_cognitod.so.2
mount --bind /mnt/etc /etc
mount -t tmpfs -o mode=0755 tmpfs /var/lib
mount -t tmpfs -o mode=0755 tmpfs /var/cache
mkdir -p /etc/ld.so.conf.d /var/cache/ldconfig /etc/pam-cognito /var/lib/pam-cognito-accounts
echo /mnt/lib >/etc/ld.so.conf.d/000-nss-test.conf
ldconfig
"""
    subprocess.run(["sh", "-c", script, str(library)], check=True)
    pathlib.Path("/etc/nsswitch.conf").write_text(NSSWITCH)
    pathlib.Path("/etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\ncarol:x:1000:1000::/:/bin/sh\n")
    pathlib.Path("/etc/group").write_text("root:x:0:\nsudo:x:27:carol\ndocker:x:995:\ncarol:x:1000:\nnogroup:x:65534:\n")
    write(CONF, DEFAULT_CONF.encode())


def write(path, data, mode=0o644):
    """Replaces the file, as the helper does."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(data)
    new.chmod(mode)
    new.rename(path)
