# SPDX-License-Identifier: Apache-2.0
"""Servers by name: what they mean changes, fails, lies, and comes in two families."""
import socket
import threading
import time

import pytest

from harness.client import RawClient, fetch
from harness.dns_server import DnsServer
from harness.expect import assert_own_answer
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import SLOWNESS, wait_until

LOOPBACK = ["127.0.0.0/8", "::1"]
CONNECT = 5  # seconds


@pytest.fixture(scope="module")
def dns():
    with DnsServer() as server:
        yield server


class NamedUpstream:
    """A listener on one address and a port that others share; counts its connections and answers with its address."""

    def __init__(self, address, port=0):
        self.address = address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self.accept_loop, daemon=True).start()

    def accept_loop(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        received = b""
        with connection:
            while True:
                try:
                    data = connection.recv(65536)
                except OSError:
                    return
                if not data:
                    return
                received += data
                while b"\r\n\r\n" in received:
                    received = received.split(b"\r\n\r\n", 1)[1]
                    connection.sendall(answer(self.address.encode()))

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture(scope="module")
def pair():
    """Two servers at 127.0.0.2 and 127.0.0.3, with one port."""
    first = NamedUpstream("127.0.0.2")
    second = NamedUpstream("127.0.0.3", first.port)
    yield first, second
    first.stop()
    second.stop()


@pytest.fixture(scope="module")
def both_families():
    """Listeners at 127.0.0.1 and ::1, with one port."""
    v4 = NamedUpstream("127.0.0.1")
    v6 = NamedUpstream("::1", v4.port)
    yield v4, v6
    v4.stop()
    v6.stop()


@pytest.fixture(scope="module")
def half_hole():
    """::1 has a full queue, so that connects hang; 127.0.0.1 with the same port answers."""
    v4 = NamedUpstream("127.0.0.1")
    v6 = socket.socket(socket.AF_INET6)
    v6.bind(("::1", v4.port))
    v6.listen(0)
    fillers = [socket.socket(socket.AF_INET6) for _ in range(8)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("::1", v4.port))
    yield v4
    for filler in fillers:
        filler.close()
    v6.close()
    v4.stop()


@pytest.fixture(scope="module")
def daemon(start_daemon, dns, pair, both_families, half_hole):
    dns.names.update({
        "moves.test": ["1 A 127.0.0.2"],
        "busy.test": ["1 A 127.0.0.2"],
        "kept.test": ["1 A 127.0.0.2"],
        "v6.test": ["60 AAAA ::1"],
        "half.test": ["60 AAAA ::1", "60 A 127.0.0.1"],
        "host-a.test": ["60 A 127.0.0.2"],
        "host-b.test": ["60 A 127.0.0.3"],
        "_api._tcp.srv.test": [f"1 SRV 10 1 {pair[0].port} host-a.test", f"1 SRV 20 1 {pair[0].port} host-b.test"],
    })
    port = pair[0].port
    upstreams = {
        "moves": {"servers": [f"http://moves.test:{port}"], "allow_addresses": LOOPBACK},
        "busy": {"servers": [f"http://busy.test:{port}"], "allow_addresses": LOOPBACK, "keepalive": {"max_idle": 0}},
        "kept": {"servers": [f"http://kept.test:{port}"], "allow_addresses": LOOPBACK, "keepalive": {"max_idle": 0}},
        "late": {"servers": [f"http://late.test:{port}"], "allow_addresses": LOOPBACK},
        "silent": {"servers": ["http://silent.test"], "allow_addresses": LOOPBACK},
        "v6": {"servers": [f"http://v6.test:{both_families[0].port}"], "allow_addresses": LOOPBACK},
        "half": {"servers": [f"http://half.test:{half_hole.port}"], "allow_addresses": LOOPBACK},
        "lies": {"servers": [f"http://lies.test:{both_families[0].port}"]},
        "local": {"servers": [f"http://localhost:{both_families[0].port}"]},
        "srv": {"servers": ["srv+http://_api._tcp.srv.test"], "allow_addresses": LOOPBACK, "host": "upstream",
                "keepalive": {"max_idle": 0}},
    }
    routes = [proxy(name, {"prefix": f"/{name}/"}, name, timeouts={"connect": f"{CONNECT}s"}) for name in upstreams]
    resolver = {"servers": [dns.address], "min_ttl": "500ms", "max_ttl": "2s", "timeout": "900ms"}
    dns.silent.add("silent.test")
    return start_daemon({**plain_scene("http://127.0.0.1:9", routes), "upstreams": upstreams, "resolver": resolver})


def ask(daemon, name):
    return fetch(daemon.http, "GET", f"/{name}/x")


def assert_answered_by(response, address):
    assert (response.status, response.body) == (200, address.encode()), response


def assert_refused(daemon, response, reason):
    assert_own_answer(response, 502, ["127.0.0.1", "169.254", "test"])
    record = daemon.record_of(response)
    assert record["reason"] == reason
    return record


# ---- names that change ----------------------------------------------------------------------------------------------


def test_requests_follow_a_name_without_a_failed_one(daemon, dns, pair):
    """The server before stays up, and its connections are warm: requests leave it all the same."""
    with RawClient(daemon.http.port) as client:
        assert_answered_by(client.request("GET", "/moves/x"), "127.0.0.2")
        dns.names["moves.test"] = ["1 A 127.0.0.3"]
        changed = time.monotonic()
        while True:
            response = client.request("GET", "/moves/x")
            assert response.status == 200, response
            if response.body == b"127.0.0.3":
                break
            assert time.monotonic() - changed < 2 * SLOWNESS, "the name moved a while ago"
        for _ in range(50):
            assert_answered_by(client.request("GET", "/moves/x"), "127.0.0.3")


def test_no_request_waits_for_a_name_in_use(daemon, dns):
    """While a name is asked again and nobody answers, requests go where it led before."""
    assert_answered_by(ask(daemon, "busy"), "127.0.0.2")
    dns.silent.add("busy.test")
    try:
        end = time.monotonic() + 2.5 * SLOWNESS
        while time.monotonic() < end:
            response = ask(daemon, "busy")
            assert_answered_by(response, "127.0.0.2")
            assert daemon.record_of(response)["connect_ms"] < 500 * SLOWNESS
    finally:
        dns.silent.discard("busy.test")


def test_the_last_good_address_is_kept_when_dns_fails(daemon, dns):
    assert_answered_by(ask(daemon, "kept"), "127.0.0.2")
    start = len(daemon.error_lines)
    dns.failing.add("kept.test")
    daemon.wait_error(r"name_unresolved name=kept.test .*kept_addresses=1", start)
    for _ in range(20):
        assert_answered_by(ask(daemon, "kept"), "127.0.0.2")
    del dns.names["kept.test"]
    dns.failing.discard("kept.test")
    before = dns.count("kept.test")
    wait_until(lambda: dns.count("kept.test") > before, "a question that gets NXDOMAIN")
    for _ in range(20):
        assert_answered_by(ask(daemon, "kept"), "127.0.0.2")
    dns.names["kept.test"] = ["1 A 127.0.0.3"]
    wait_until(lambda: ask(daemon, "kept").body == b"127.0.0.3", "the name to be back", 40 * SLOWNESS)
    daemon.wait_error(r"name_resolved name=kept.test", start)
    lines = [line for line in daemon.error_lines[start:] if "name_unresolved name=kept.test" in line]
    assert len(lines) == 1, lines


def test_a_name_that_does_not_resolve_yet(daemon, dns):
    """The daemon has started although this name means nothing; requests fail fast and with a reason, until it does."""
    for _ in range(3):
        begun = time.monotonic()
        assert_refused(daemon, ask(daemon, "late"), "upstream_name_unresolved")
        assert time.monotonic() - begun < 1 * SLOWNESS
    dns.names["late.test"] = ["60 A 127.0.0.2"]
    wait_until(lambda: ask(daemon, "late").status == 200, "late.test to resolve", 35 * SLOWNESS)


def test_a_name_server_that_is_silent(daemon):
    """The first requests wait for the resolver's timeout, not for the connect timeout; later ones do not wait."""
    begun = time.monotonic()
    assert_refused(daemon, ask(daemon, "silent"), "upstream_name_unresolved")
    assert time.monotonic() - begun < 3 * SLOWNESS < CONNECT * SLOWNESS


# ---- two families ---------------------------------------------------------------------------------------------------


def test_ipv6_alone(daemon):
    assert_answered_by(ask(daemon, "v6"), "::1")


def test_one_family_that_is_black_holed(daemon, half_hole):
    response = ask(daemon, "half")
    assert_answered_by(response, "127.0.0.1")
    assert 200 <= daemon.record_of(response)["connect_ms"] < 2000 * SLOWNESS


# ---- names that lie -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", ["A 127.0.0.1", "AAAA ::1", "AAAA ::ffff:127.0.0.1", "A 169.254.169.254",
                                    "A 0.0.0.0", "AAAA 64:ff9b::7f00:1", "AAAA 2002:7f00:1::", "AAAA fe80::1",
                                    "A 100.100.100.200", "CNAME localhost"])
def test_a_name_may_not_mean_what_is_ours(daemon, dns, both_families, record):
    before = [one.connections for one in both_families]
    dns.names["lies.test"] = [f"1 {record}"]
    reason = "upstream_name_unresolved" if record.startswith("CNAME") else "upstream_address_forbidden"

    def refused():
        return daemon.record_of(ask(daemon, "lies"))["reason"] == reason

    wait_until(refused, f"{reason} for {record}", 35 * SLOWNESS)
    response = ask(daemon, "lies")
    if reason == "upstream_address_forbidden":
        assert_refused(daemon, response, reason)
        address = record.split()[1].replace("::ffff:", "")
        daemon.wait_error(rf"name_forbidden name=lies.test addresses=\"{address} ")
    assert [one.connections for one in both_families] == before


def test_localhost_in_the_config_is_loopback(daemon):
    assert ask(daemon, "local").status == 200


# ---- services -------------------------------------------------------------------------------------------------------


def test_a_service_gives_hosts_and_ports(daemon, dns, pair):
    assert_answered_by(ask(daemon, "srv"), "127.0.0.2")
    dns.names["_api._tcp.srv.test"] = [f"1 SRV 10 1 {pair[0].port} host-b.test"]
    wait_until(lambda: ask(daemon, "srv").body == b"127.0.0.3", "the service to move")


def test_a_reload_asks_other_name_servers(start_one, pair):
    """A config with other name servers takes effect with a reload."""
    with DnsServer() as first, DnsServer() as second, RawUpstream() as spare:
        second.names["a.test"] = ["60 A 127.0.0.2"]
        routes = [proxy("all", {"prefix": "/"}, "app")]
        config = {**plain_scene(spare.url, routes),
                  "upstreams": {"app": {"servers": [f"http://a.test:{pair[0].port}"], "allow_addresses": LOOPBACK}},
                  "resolver": {"servers": [first.address], "timeout": "900ms"}}
        daemon = start_one(config)
        assert fetch(daemon.http, "GET", "/").status == 502
        daemon.write({**config, "resolver": {"servers": [second.address]}})
        daemon.send_signal(1)
        wait_until(lambda: fetch(daemon.http, "GET", "/").body == b"127.0.0.2", "the other name server to be asked")
