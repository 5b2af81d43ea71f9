# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol on a listener: the client that a load balancer announces is the client for logs, limits, filters
and fields; nobody else gets in."""
import socket
import struct

import pytest

from harness.client import HOST, RawClient, build_request, insecure_context
from harness.scene import plain_scene, proxy
from harness.waiting import DEADLINE, wait_until
from harness.wire import Ended, WireReader

CLIENT = "198.51.100.7"
LINE = f"PROXY TCP4 {CLIENT} 203.0.113.1 54321 8443\r\n".encode()
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def binary(command, family, block):
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack(">H", len(block)) + block


def addresses(source, destination, ports=(54321, 8443), family=socket.AF_INET):
    return (socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack(">HH", *ports))


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, raw):
    routes = [proxy("allowed", {"prefix": "/allowed/"}, "app", allow={"addresses": [f"{CLIENT}/32"]}),
              proxy("limited", {"prefix": "/limited/"}, "app",
                    rate_limit={"rate": "1/h", "burst": 0, "key": "client_ip"}),
              proxy("all", {"prefix": "/"}, "app")]
    config = plain_scene(raw.url, routes, client={"handshake_timeout": "1s", "max_connections_per_address": 3})
    config["listeners"] = [
        {"address": "127.0.0.1:0", "proxy_protocol": True},
        {"address": "127.0.0.1:0", "proxy_protocol": True, "tls": True},
        {"address": "127.0.0.1:0", "proxy_protocol": True, "proxy_from": ["192.0.2.0/24"]},
        {"address": "127.0.0.1:0"}]
    config["sites"][0]["tls"] = site_pair.as_config()
    return start_daemon(config)


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()


class ProxiedClient(RawClient):
    """A connection that says `header` first, and then speaks TLS where the listener does."""

    def __init__(self, listener, header, step=None):
        super().__init__(listener.port)
        if step:
            self.send_pieces(header, step)
        else:
            self.send(header)
        if listener.tls:
            self.sock = insecure_context(alpn=["http/1.1"]).wrap_socket(self.sock, server_hostname=HOST)
            self.reader = WireReader(self.sock)


def plain(daemon):
    return daemon.listeners[0]


def ask(listener, header, target="/x", step=None):
    with ProxiedClient(listener, header, step) as client:
        return client.request("GET", target)


FORMS = [pytest.param(LINE, CLIENT, id="v1"),
         pytest.param(b"PROXY TCP6 2001:db8::7 2001:db8::1 54321 8443\r\n", "2001:db8::7", id="v1-6"),
         pytest.param(b"PROXY UNKNOWN\r\n", "127.0.0.1", id="v1-unknown"),
         pytest.param(binary(1, 0x11, addresses(CLIENT, "203.0.113.1")), CLIENT, id="v2"),
         pytest.param(binary(1, 0x11, addresses(CLIENT, "203.0.113.1") + b"\x04\x00\x03abc"), CLIENT, id="v2-tlv"),
         pytest.param(binary(1, 0x21, addresses("2001:db8::7", "2001:db8::1", family=socket.AF_INET6)), "2001:db8::7",
                      id="v2-6"),
         pytest.param(binary(1, 0x31, bytes(216)), "127.0.0.1", id="v2-unix"),
         pytest.param(binary(0, 0, b""), "127.0.0.1", id="v2-local"),
         pytest.param(binary(0, 0x11, addresses(CLIENT, "203.0.113.1")), "127.0.0.1", id="v2-local-with-addresses")]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("step", [None, 1, 7])
@pytest.mark.parametrize("header, client_ip", FORMS)
def test_the_announced_client_is_the_client(daemon, raw, header, client_ip, step, tls):
    response = ask(daemon.https if tls else plain(daemon), header, step=step)
    assert response.status == 200
    record = daemon.record_of(response)
    assert record["client_ip"] == client_ip
    assert (record["client_port"] == 54321) == (client_ip != "127.0.0.1")
    request = raw.only()
    assert request.all("X-Real-IP") == [client_ip] and request.all("X-Forwarded-For") == [client_ip]
    assert request.all("X-Forwarded-Proto") == ["https" if tls else "http"]
    if client_ip != "127.0.0.1":
        assert request.all("X-Forwarded-Port") == ["8443"]  # where the client connected to


def test_header_and_request_in_one_segment(daemon, raw):
    with RawClient(plain(daemon).port) as client:
        client.send(LINE + build_request("GET", "/a") + build_request("GET", "/b"))
        assert [client.read_response().status, client.read_response().status] == [200, 200]
    assert [one.target for one in raw.received] == ["/a", "/b"]


def test_filters_see_the_announced_client(daemon):
    other = b"PROXY TCP4 198.51.100.8 203.0.113.1 54321 8443\r\n"
    assert ask(plain(daemon), LINE, "/allowed/x").status == 200
    assert ask(plain(daemon), other, "/allowed/x").status == 403
    assert ask(plain(daemon), b"PROXY UNKNOWN\r\n", "/allowed/x").status == 403
    assert ask(plain(daemon), LINE, "/limited/x").status == 200
    assert ask(plain(daemon), LINE, "/limited/x").status == 429
    assert ask(plain(daemon), other, "/limited/x").status == 200


def test_limits_count_the_announced_client(daemon):
    held = []
    try:
        for _ in range(3):
            wait_until(lambda: hold_one(daemon, held), "connections of other tests to end")
        assert ask_or_none(daemon) is None
        daemon.wait_error(f"connection_refused reason=connection_limit client_ip={CLIENT}")
        assert ask(plain(daemon), b"PROXY TCP4 198.51.100.9 203.0.113.1 1 2\r\n").status == 200
    finally:
        for one in held:
            one.close()


def hold_one(daemon, held):
    """True when one more connection was served, which is kept."""
    client = ProxiedClient(plain(daemon), LINE)
    try:
        assert client.request("GET", "/x").status == 200
        held.append(client)
        return True
    except (Ended, ConnectionError):
        client.close()
        return False


def ask_or_none(daemon):
    try:
        return ask(plain(daemon), LINE)
    except (Ended, ConnectionError):
        return None


def refused(listener, data, finish=False):
    """True when the connection is closed without a byte."""
    with socket.create_connection(("127.0.0.1", listener.port), timeout=DEADLINE) as sock:
        try:
            sock.sendall(data)
            if finish:
                sock.shutdown(socket.SHUT_WR)
            return sock.recv(100) == b""
        except ConnectionError:
            return True


BAD = [pytest.param(build_request("GET", "/x"), id="http"),
       pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls"),
       pytest.param(b"PROXY TCP4 198.51.100.7 203.0.113.1 54321\r\n", id="field-missing"),
       pytest.param(b"PROXY TCP4 198.51.100.7 203.0.113.1 54321 65536\r\n", id="port"),
       pytest.param(b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", id="family"),
       pytest.param(b"PROXY UNKNOWN " + b"x" * 200, id="long-line"),
       pytest.param(b"PROXY TCP4 198.51.100.7 203.0.113.1 54321 8443\n", id="bare-lf"),
       pytest.param(binary(1, 0x11, b"short"), id="v2-short"),
       pytest.param(binary(1, 0x12, addresses(CLIENT, "203.0.113.1")), id="v2-datagram"),
       pytest.param(binary(2, 0x11, addresses(CLIENT, "203.0.113.1")), id="v2-command"),
       pytest.param(binary(0, 0, bytes(60000)), id="v2-long")]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("data", BAD)
def test_without_a_valid_header_nobody_gets_in(daemon, raw, data, tls):
    before = len(daemon.error_lines)
    assert refused(daemon.https if tls else plain(daemon), data)
    daemon.wait_error("connection_refused reason=proxy_protocol_invalid client_ip=127.0.0.1", before)
    assert not raw.received


def test_header_that_ends_early(daemon):
    before = len(daemon.error_lines)
    assert refused(plain(daemon), LINE[:20], finish=True)
    daemon.wait_error("reason=proxy_protocol_invalid", before)


@pytest.mark.parametrize("data", [b"", LINE[:30], SIGNATURE])
def test_header_that_does_not_come_in_time(daemon, data):
    before = len(daemon.error_lines)
    assert refused(plain(daemon), data)
    daemon.wait_error("connection_refused reason=proxy_protocol_timeout client_ip=127.0.0.1", before)


def test_a_second_header_is_no_request(daemon, raw):
    """Who speaks behind the balancer cannot announce anybody."""
    with RawClient(plain(daemon).port) as client:
        client.send(LINE + b"PROXY TCP4 10.0.0.1 203.0.113.1 1 2\r\n\r\n")
        assert client.read_response().status in (400, 505)
    assert not raw.received


def test_senders_that_are_not_listed(daemon):
    before = len(daemon.error_lines)
    assert refused(daemon.listeners[2], LINE)
    daemon.wait_error("connection_refused reason=proxy_sender_not_allowed client_ip=127.0.0.1", before)


def test_other_listeners_take_no_header(daemon, raw):
    with RawClient(daemon.http.port) as client:
        client.send(LINE + build_request("GET", "/x"))
        assert client.read_response().status in (400, 505)
    assert not raw.received


def test_a_knock_is_no_failure(daemon):
    before = len(daemon.error_lines)
    for _ in range(3):
        socket.create_connection(("127.0.0.1", plain(daemon).port), timeout=DEADLINE).close()
    assert ask(plain(daemon), LINE.replace(b"198.51.100.7", b"198.51.100.10")).status == 200
    assert not daemon.find_error("proxy_protocol", before)


def test_stopping_does_not_wait_for_headers(start_one, raw):
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "proxy_protocol": True}]
    daemon = start_one(config)
    with socket.create_connection(("127.0.0.1", daemon.http.port), timeout=DEADLINE) as sock:
        sock.sendall(LINE[:10])
        assert ask(daemon.http, LINE).status == 200
        assert daemon.stop() == 0
        assert sock.recv(1) == b""
