# SPDX-License-Identifier: Apache-2.0
"""Mistakes that are known of other proxies, a test for each that says how it is here."""
import resource
import signal
import socket
import threading
from pathlib import Path

import pytest

from harness import h2frames as h2
from harness.client import Ended, RawClient, build_request, exchange, fetch
from harness.h2_client import H2LibraryClient
from harness.h2hpack import indexed, literal, plain_block
from harness.h2wire import H2Client
from harness.rawrows import HIDDEN, chunked, get, post
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer, server_context
from harness.waiting import DEADLINE, SANITIZED, wait_until

GROWTH_MAX_KIB = 16 * 1024
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.fixture(scope="module")
def secure(authority):
    with RawUpstream(tls=server_context(authority.issue(["app.example.com"]))) as upstream:
        yield upstream


def config_of(raw, secure, pair):
    config = plain_scene(raw.url, [proxy("ws", {"prefix": "/ws/"}, "app", websocket=True),
                                   proxy("tls", {"prefix": "/tls/"}, "tls"), proxy("all", {"prefix": "/"}, "app")],
                         process={"workers": 1})
    config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}, {"address": "127.0.0.1:0", "tls": True}]
    config["upstreams"]["tls"] = {"servers": [secure.url], "tls": {"verify": False}, "eject": None}
    config["upstreams"]["app"]["eject"] = None
    config["sites"][0] |= {"tls": pair.as_config(), "deny": ["/internal/"]}
    return config


@pytest.fixture(scope="module")
def daemon(start_daemon, raw, secure, site_pair):
    return start_daemon(config_of(raw, secure, site_pair))


@pytest.fixture(autouse=True)
def fresh(raw, secure):
    for upstream in (raw, secure):
        upstream.clear()
        upstream.handler = lambda received: answer(received.target.encode())


def say(upstream, data):
    """The upstream answers `data`, and ends the connection."""
    def handler(received):
        received.send(data)
        received.close()
    upstream.handler = handler


def growth(daemon, act):
    """By how many KiB memory has grown over `act`, from a second time on."""
    act()
    before = daemon.resident_kib()
    for _ in range(5):
        act()
    return 0 if SANITIZED else daemon.resident_kib() - before


# ---- interim answers and upgrades -----------------------------------------------------------------------------------


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n",
                                     b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"])
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0", "HTTP/2"])
def test_interim_answer_never_breaks_the_request(daemon, raw, interim, version):
    raw.handler = lambda received: interim + answer(received.target.encode())
    if version == "HTTP/2":
        with H2LibraryClient(daemon.http) as client:
            assert client.answers([client.get("/1"), client.get("/2")]) == [(200, b"/1"), (200, b"/2")]
        return
    with RawClient(daemon.http.port) as client:
        for target in ("/1", "/2"):
            response = client.request("GET", target, [("Connection", "keep-alive")], version=version)
            assert response.body == target.encode()
            assert version == "HTTP/1.1" or not response.interim


@pytest.mark.parametrize("target", ["/x", "/ws/x"])
def test_unasked_101_never_opens_a_tunnel(daemon, raw, target):
    raw.handler = lambda received: UPGRADED + b"bytes" if received.target == target else answer(b"next")
    with RawClient(daemon.http.port) as client:
        response = client.request("GET", target)
        assert response.status == 502 and b"bytes" not in response.body
        assert client.request("GET", "/next").body == b"next"


@pytest.mark.parametrize("value", ["h2c", "websocket, h2c", "h2c, websocket", "HTTP/2.0", "h2"])
def test_h2c_upgrade_is_never_forwarded_on_a_websocket_route(daemon, raw, value):
    fields = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", value), ("HTTP2-Settings", "AAMAAABkAAQAAP__")]
    assert fetch(daemon.http, "GET", "/ws/x", fields).body == b"/ws/x"
    received = raw.only()
    assert not [name for name in ("Upgrade", "Connection", "HTTP2-Settings") if received.all(name)], received.head


def test_connection_that_names_a_field_is_honoured(daemon, raw):
    raw.handler = lambda received: answer(fields=[("Connection", "X-Hop"), ("X-Hop", "1"), ("X-End", "2")])
    response = fetch(daemon.http, "GET", "/x", [("Connection", "X-Hop, close"), ("X-Hop", "1"), ("X-End", "2")])
    for message in (raw.only(), response):
        assert not message.all("X-Hop") and message.get("X-End") == "2", message.head


# ---- answers that are cut -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"", b"5\r\nhe", b"0\r\n", b"0\r\nX-T: 1\r\n"])
@pytest.mark.parametrize("size", [10, 100_000])
def test_truncated_chunks_never_look_complete_on_http_1(daemon, raw, size, end):
    say(raw, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (size, b"x" * size) + end)
    with RawClient(daemon.http.port) as client:
        client.send(build_request("GET", "/x"))
        try:
            assert not client.read_response().complete
        except Ended as ended:
            assert not ended.partial
        assert client.at_end()


@pytest.mark.parametrize("end", [b"", b"5\r\nhe", b"0\r\n", b"0\r\nX-T: 1\r\n"])
@pytest.mark.parametrize("size", [10, 100_000])
def test_truncated_chunks_never_end_the_stream_properly_on_http_2(daemon, raw, size, end):
    say(raw, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (size, b"x" * size) + end)
    with H2LibraryClient(daemon.https) as client:
        stream = client.finish(client.get("/x"))
        assert not stream.ended and stream.reset_code, stream
        raw.handler = lambda received: answer(b"next")
        assert client.answers([client.get("/next")]) == [(200, b"next")]


@pytest.mark.parametrize("proper", [True, False], ids=["close_notify", "cut"])
@pytest.mark.parametrize("body", [b"half", b"x" * 100_000], ids=["short", "long"])
def test_truncated_tls_answer_is_never_taken_for_a_whole_one(daemon, secure, proper, body):
    """A body without a length ends with its connection; over TLS only close_notify says that nobody has cut it."""
    def handler(received):
        received.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        if proper:
            received.connection.sock.unwrap()
        received.close()

    secure.handler = handler
    for version in ("HTTP/1.1", "HTTP/1.0"):
        with RawClient(daemon.http.port) as client:
            client.send(build_request("GET", "/tls/x", version=version))
            try:
                response = client.read_response()
                cut = not response.complete
            except Ended as ended:
                assert not ended.partial
                cut = True
            assert cut != proper
            if proper:
                assert response.body == body
    wait_until(lambda: len(secure.received) == 2, "two requests")
    if not proper:
        daemon.wait_reason("upstream_truncated", 2)


# ---- requests that two readers read in two ways ---------------------------------------------------------------------

DISAGREED = {
    "chunked and a comma": post(b"Transfer-Encoding: chunked,", body=CHUNKS),
    "chunked and a NUL": post(b"Transfer-Encoding: chunked\0", body=CHUNKS),
    "a NUL in a value": get(b"/x", b"X-A: 1\x002"),
    "bytes after a chunk": chunked(b"5\r\nhelloXX0\r\n\r\n"),
    "a line after a chunk": chunked(b"5\r\nhello\r\n\r\n0\r\n\r\n"),
    "a second Host that differs": get(b"/x", b"Host: evil.example"),
    "lengths that differ": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "a list of lengths that differ": post(b"Content-Length: 5, 6", body=b"hello!"),
    "length and coding": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=CHUNKS),
}


@pytest.mark.parametrize("name", DISAGREED)
@pytest.mark.parametrize("step", [None, 1], ids=["whole", "bytewise"])
def test_request_that_two_readers_read_in_two_ways_is_never_passed_on(daemon, raw, name, step):
    with RawClient(daemon.http.port) as client:
        data = DISAGREED[name] + HIDDEN
        client.send_pieces(data, step or len(data))
        assert client.read_response().status in (400, 501)
        client.at_end()
    assert not [one for one in raw.received if one.complete]


def test_head_that_arrives_byte_by_byte_is_never_answered_501(daemon, raw):
    for data in (get(b"/x"), post(b"Content-Length: 5", body=b"hello"), chunked(CHUNKS)):
        assert exchange(daemon.http, data, step=1).status == 200
    assert [one.method for one in raw.received] == ["GET", "POST", "POST"]


@pytest.mark.parametrize("target", ["/internal\\x", "\\internal\\x", "/a/..\\internal/x", "/internal%5cx",
                                    "/a%5c..%5cinternal%5cx", "/\\internal/x", "/a\\..\\internal\\x"])
def test_backslash_never_leads_past_a_denied_prefix(daemon, raw, target):
    assert fetch(daemon.http, "GET", target).status in (400, 403)
    assert fetch(daemon.https, "GET", target).status in (400, 403)
    assert not raw.received


# ---- memory ---------------------------------------------------------------------------------------------------------


def test_hpack_bomb_grows_no_memory(daemon):
    """One field of 4 kB in the table, and then thousands of references to it: 60 MB of fields in 15 kB."""
    def act():
        with H2Client(daemon.http) as client:
            start = plain_block(client.request()) + literal(b"x-bomb", b"v" * 4000, "incremental")
            for stream in range(1, 40, 2):
                if not client.send(h2.headers(stream, start + indexed(62) * 15_000)):
                    break
            client.expect_closed()

    assert growth(daemon, act) < GROWTH_MAX_KIB
    assert fetch(daemon.http, "GET", "/x").status == 200


def test_rapid_reset_grows_no_memory(daemon, raw):
    raw.handler = lambda received: received.hang()

    def act():
        with H2Client(daemon.http) as client:
            for number in range(200):
                streams = range(1 + 200 * number, 200 * number + 200, 2)
                if not client.send(b"".join(client.get(one) + h2.rst_stream(one) for one in streams)):
                    break
                if not client.poll():
                    break
            client.expect_connection_error(h2.ENHANCE_YOUR_CALM)

    assert growth(daemon, act) < GROWTH_MAX_KIB
    raw.handler = lambda received: answer(b"served")
    assert fetch(daemon.http, "GET", "/x").body == b"served"


# ---- descriptors, reload --------------------------------------------------------------------------------------------


def open_sockets(count, port):
    """As many connections as the kernel takes; the daemon accepts some of them."""
    return [socket.create_connection(("127.0.0.1", port), DEADLINE) for _ in range(count)]


@pytest.mark.skipif(SANITIZED, reason="UndefinedBehaviorSanitizer needs descriptors itself")
def test_service_returns_after_descriptors_ran_out(start_one, raw, secure, site_pair):
    daemon = start_one(config_of(raw, secure, site_pair))
    with RawClient(daemon.http.port) as kept:
        assert kept.request("GET", "/x").body == b"/x"
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (64, 64))
        crowd = open_sockets(100, daemon.http.port)
        daemon.wait_error("accept_failed")
        # Whoever was in before is served, over the connection to the upstream that is there or with a refusal.
        assert kept.request("GET", "/x").status in (200, 502, 503)
        for one in crowd:
            one.close()
        wait_until(lambda: is_served(daemon), "service again")
        assert kept.request("GET", "/again").body == b"/again"
    assert len([line for line in daemon.error_lines if "accept_failed" in line]) < 200, "the log is flooded"


def is_served(daemon):
    try:
        return fetch(daemon.http, "GET", "/x").body == b"/x"
    except (AssertionError, Ended, OSError):
        return False


def test_service_goes_on_when_no_descriptor_is_left_for_an_upstream(start_one, raw, secure, site_pair):
    """All descriptors are taken when a request needs one: it is refused with a reason, and the next one is served."""
    gate = threading.Event()
    daemon = start_one(config_of(raw, secure, site_pair))
    raw.handler = lambda received: answer(b"late") if gate.wait(DEADLINE) else None
    clients = [RawClient(daemon.http.port) for _ in range(40)]
    for client in clients:
        client.send(build_request("POST", "/gate", [("Content-Length", "2")]) + b"o")
    wait_until(lambda: len(list_descriptors(daemon)) > len(clients), "the connections")
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (len(list_descriptors(daemon)) + 5,) * 2)
    for client in clients:
        client.send(b"k")
    raw.wait_received(1)
    gate.set()
    statuses = [client.read_response("POST").status for client in clients]
    assert set(statuses) <= {200, 502, 503} and 200 in statuses and len(set(statuses)) > 1, statuses
    assert fetch(daemon.http, "GET", "/next").status == 200
    for client in clients:
        client.close()


def list_descriptors(daemon):
    return list(Path(f"/proc/{daemon.pid}/fd").iterdir())


def test_idle_connections_outlive_a_reload_and_are_told_of_the_end(start_one, raw, secure, site_pair):
    """They outlive a reload; at the end of the daemon, a client of HTTP/2 is told, and an idle one of HTTP/1 closed."""
    daemon = start_one(config_of(raw, secure, site_pair))
    with RawClient(daemon.http.port) as first, H2LibraryClient(daemon.https) as second:
        assert first.request("GET", "/1").body == b"/1"
        assert second.answers([second.get("/1")]) == [(200, b"/1")]
        for number in range(3):
            daemon.send_signal(signal.SIGHUP)
            wait_until(lambda wanted=number + 1: daemon.error_text().count("reloaded") >= wanted, "the reload")
            assert first.request("GET", f"/{number}").body == f"/{number}".encode()
            assert second.answers([second.get(f"/{number}")]) == [(200, f"/{number}".encode())]
        daemon.send_signal(signal.SIGTERM)
        second.wait_closed()
        assert [int(one.error_code) for one in second.goaways][-1:] == [0], second.goaways
        assert first.at_end()


# ---- what is told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [get(b"/internal/x"), get(b"/x", host=b"Host: evil.example"), get(b"x"),
                                  get(b"/tls/x"), get(b"/x", b"X A: 1")], ids=repr)
def test_error_body_tells_nothing_of_the_inside(daemon, secure, raw, data):
    secure.handler = lambda received: received.close()
    response = exchange(daemon.http, data)
    assert response.status >= 400
    told = response.head + response.body
    for secret in (b"127.0.0.1", b"internal", b"app", b"upstream", b"route", str(secure.port).encode(), b"Server:"):
        assert secret not in told.replace(b"application/", b""), told


@pytest.mark.parametrize("text", ["\x1b[31m", "\r\n", "\n{\"status\":200}", "\x00", "\x7f", "\x9b31m", "\u2028", '"}'])
def test_log_is_never_written_by_the_client(daemon, text):
    """Escape sequences, line ends and quotes stay what they are: text of one line."""
    raw_text = text.encode("utf-8")
    mark = f"/log-{text.encode().hex()}"
    for field in (b"User-Agent: " + raw_text, b"Referer: http://x/" + raw_text, b"X-Request-ID: " + raw_text):
        try:
            exchange(daemon.http, get(mark.encode(), field))
        except Ended:
            pass
    exchange(daemon.http, get(mark.encode() + b"?" + b"".join(b"%%%02x" % byte for byte in raw_text)))
    wait_until(lambda: len([one for one in daemon.access_records() if one["path"] == mark]) >= 1, "the lines")
    log = daemon.access_path.read_bytes()
    assert not [byte for byte in (0, 7, 8, 9, 11, 12, 13, 27, 127) if bytes([byte]) in log]
    daemon.access_records()  # every line is JSON
