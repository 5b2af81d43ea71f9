# SPDX-License-Identifier: Apache-2.0
"""A peer must do the work before its figure counts: the right answer in the right version, the forwarded fields, the
CORS field, a connection to the upstream that is used again, and a line in its log for each request."""

import re
import subprocess

from loads import ORIGIN
from processes import Failure
from scenarios import KIB, MIB

# Connections that the upstream may see anew for each request while a peer is loaded.
NEW_CONNECTIONS_MAX = 0.01
# No line of a log is shorter.
LOG_LINE_BYTES = 40


def curl(url, *options, origin=ORIGIN):
    """Head and body of an answer, as (text, bytes)."""
    name, port = re.match(r"https?://(.*):(\d+)/", url).groups()
    done = subprocess.run(["curl", "-sk", "-i", "--max-time", "20", "--resolve", f"{name}:{port}:127.0.0.1",
                           "-H", f"Origin: {origin}", *options, url], capture_output=True, check=False)
    if done.returncode:
        raise Failure(f"curl failed with status {done.returncode} at {url}")
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


def check(instance, scenario):
    """Raises Failure when `instance` (with peer, setting and port) does not do the work of `scenario`."""
    base = f"{'https' if scenario.tls else 'http'}://{scenario.server_name}:{instance.port}"
    version = ["--http2"] if scenario.h2 else ["--http1.1"]
    check_answer(base, version, scenario, instance.peer)
    if instance.peer.forwards:
        check_forwarding(base, version, instance.peer)


def check_answer(base, version, scenario, peer):
    """One answer with the status, version, length and CORS field that it should have."""
    body = ["--data-binary", "x" * 1000] if scenario.body_bytes else []
    head, answer = curl(base + scenario.path, *version, *body)
    if not head.startswith("HTTP/2 200" if scenario.h2 else "HTTP/1.1 200"):
        raise Failure(f"answers {head.splitlines()[0] if head else 'nothing'}")
    wanted = b"1000" if scenario.body_bytes else None
    if wanted is not None and answer != wanted:
        raise Failure(f"does not pass the body: the upstream saw {answer[:20]!r} bytes of 1000")
    if wanted is None and len(answer) != answer_bytes(scenario):
        raise Failure(f"answers {len(answer)} bytes instead of {answer_bytes(scenario)}")
    if peer.forwards and not re.search(rf"^access-control-allow-origin: {ORIGIN}\r?$", head, re.M | re.I):
        raise Failure("does not answer with the CORS field")


def answer_bytes(scenario):
    """How long the answer is."""
    if scenario.path == "/download":
        return 10 * MIB
    return int(scenario.path.removeprefix("/static/").removesuffix("k")) * KIB if "static" in scenario.path else KIB


def check_forwarding(base, version, peer):
    """The fields that the upstream sees, and the number of the request on its connection."""
    probes = [curl(f"{base}/probe", *version)[1].decode().split("|") for _ in range(3)]
    address, scheme, number = probes[-1] if len(probes[-1]) == 3 else ("", "", "0")
    if address != "127.0.0.1" or scheme != base.partition(":")[0]:
        raise Failure(f"does not set the forwarded fields: {probes[-1]}")
    if peer.keeps_upstream and int(number) < 2:
        raise Failure("does not keep connections to the upstream")


def accepted(upstream_port):
    """How many connections the upstream has accepted; asking for it costs one."""
    return int(curl(f"http://localhost:{upstream_port}/accepted")[1])


def check_kept(peer, opened, requests):
    """Raises Failure when the upstream saw too many new connections."""
    if peer.forwards and peer.keeps_upstream and opened > 5000 and opened / requests > NEW_CONNECTIONS_MAX:
        raise Failure(f"opened {opened} upstream connections for {requests:.0f} requests")
