# SPDX-License-Identifier: Apache-2.0
"""A request that is cut in its head has a line in the access log, too: who sent it, an id, and what came of it."""
import re

import pytest

from harness import h2frames as h2
from harness.client import RawClient, insecure_context
from harness.h2wire import H2Client
from harness.scene import plain_scene
from harness.upstream import answer

ANNOUNCED = "9.9.9.9"
GREETING = f"PROXY TCP4 {ANNOUNCED} 203.0.113.1 54321 80\r\n".encode()


def make_config(raw, site_pair, **process):
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "tls": True},
                           {"address": "127.0.0.1:0", "proxy_protocol": True}]
    config["sites"][0]["tls"] = site_pair.as_config()
    config["process"] = process
    return config


@pytest.fixture(scope="module")
def daemon(start_daemon, raw, site_pair):
    raw.handler = lambda received: answer()
    return start_daemon(make_config(raw, site_pair))


def new_record(daemon, seen, **more):
    """The one line that has come since `seen` were there."""
    return daemon.wait_record_where(lambda record: record["request_id"] not in seen
                                    and all(record[key] == value for key, value in more.items()), "a line of its own")


def ids(daemon):
    return {record["request_id"] for record in daemon.access_records()}


def check(record, address="127.0.0.1", port=None, reason="client_closed", tls=False):
    assert (record["client_ip"], record["status"], record["reason"]) == (address, 499, reason)
    assert record["client_port"] == port if port else record["client_port"] > 0
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,}", record["request_id"])
    assert bool(record["tls_version"]) == tls and bool(record["tls_cipher"]) == tls


@pytest.mark.parametrize("data, method, path", [
    (b"G", "", ""), (b"GET /x HTTP/1.1\r\nHost: a", "GET", "/x"), (b"POST /y?z=1 HTTP/1.1\r\n", "POST", "/y")],
    ids=["one-byte", "host", "line"])
@pytest.mark.parametrize("how", ["plain", "tls", "announced"])
def test_a_cut_head(daemon, how, data, method, path):
    seen = ids(daemon)
    if how == "tls":
        client = RawClient(daemon.https.port, tls=True, context=insecure_context(alpn=["http/1.1"]))
    else:
        client = RawClient(daemon.listeners[2].port if how == "announced" else daemon.listeners[0].port)
    with client:
        port = client.sock.getsockname()[1]
        client.send((GREETING if how == "announced" else b"") + data)
        if how != "tls":
            client.finish_sending()
    record = new_record(daemon, seen)
    if how == "announced":
        check(record, ANNOUNCED, 54321)
    else:
        check(record, port=port, tls=how == "tls")
    assert (record["method"], record["path"], record["version"]) == (method, path, "HTTP/1.1")


def test_a_cut_head_of_http2(daemon):
    seen = ids(daemon)
    with H2Client(daemon.https) as client:
        port = client.sock.getsockname()[1]
        client.send(client.get(1, "/x", flags=h2.NONE))
    record = new_record(daemon, seen)
    check(record, port=port, tls=True)
    assert record["version"] == "HTTP/2.0"


def test_a_protocol_error_in_a_head_of_http2(daemon):
    seen = ids(daemon)
    with H2Client(daemon.https) as client:
        port = client.sock.getsockname()[1]
        client.send(client.get(1, "/x", flags=h2.NONE) + h2.ping())
        client.expect_connection_error(h2.PROTOCOL_ERROR)
    record = new_record(daemon, seen)
    check(record, port=port, tls=True, reason="h2_protocol_error")


def test_a_drain_that_cuts_a_head(start_daemon, raw, site_pair):
    daemon = start_daemon(make_config(raw, site_pair, drain="500ms"))
    with RawClient(daemon.listeners[0].port) as client:
        port = client.sock.getsockname()[1]
        # The worker has read it when it has answered what stands before.
        client.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a")
        first = client.read_response()
        daemon.stop()
    record = [one for one in daemon.access_records() if one["request_id"] != first.request_id][0]
    check(record, port=port, reason="server_draining")
    assert (record["method"], record["path"]) == ("GET", "/x")
