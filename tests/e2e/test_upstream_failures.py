# SPDX-License-Identifier: Apache-2.0
"""An upstream that is down, slow, silent or wrong: the status, the reason in the log, and how often it was asked."""
import contextlib
import re
import socket
import threading

import pytest

from harness.client import Ended, RawClient, build_request, chunk, exchange, fetch
from harness.expect import ACCEPT_HTML, assert_own_answer, assert_own_page
from harness.pattern import pattern
from harness.scene import plain_scene, proxy
from harness.upstream import Blackhole, ClosedPort, RawUpstream, answer
from harness.waiting import wait_until

SHORT = {"connect": "500ms", "send": "500ms", "read": "500ms"}
WORKERS_MAX = 64  # that a machine of these tests starts


@pytest.fixture(scope="module")
def closed():
    ports = [ClosedPort() for _ in range(3)]
    yield ports
    for port in ports:
        port.close()


@pytest.fixture(scope="module")
def blackhole():
    hole = Blackhole()
    yield hole
    hole.close()


@pytest.fixture(scope="module")
def stubborn():
    """Accepts connections and reads nothing."""
    with RawUpstream(on_connect=lambda connection: connection.peer_gone.wait(60) or True,
                     receive_buffer=4096) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def spare():
    with RawUpstream(lambda received: answer(b"spare")) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(start_daemon, raw, spare, closed, blackhole, stubborn):
    upstreams = {
        "app": {"servers": [raw.url]},
        "refused": {"servers": [closed[0].url]},
        "hole": {"servers": [blackhole.url]},
        "stubborn": {"servers": [stubborn.url]},
        "unresolved": {"servers": ["http://no-such-host.invalid:80"]},
        "all-refused": {"servers": [closed[0].url, closed[1].url, closed[2].url]},
        "next": {"servers": [closed[1].url, spare.url]},
        "attempts": {"servers": [closed[1].url, spare.url], "eject": None},
        "next-after-hole": {"servers": [blackhole.url, spare.url]},
        "two": {"servers": [raw.url, spare.url]},
    }
    routes = [proxy(name, {"prefix": f"/{name}/"}, name, timeouts=SHORT, retry={"attempts": 3}) for name in upstreams]
    routes += [proxy("total", {"prefix": "/total/"}, "app", timeouts={"total": "500ms", "read": "30s"})]
    return start_daemon({**plain_scene(raw.url, routes), "upstreams": upstreams})


@pytest.fixture(autouse=True)
def fresh_upstreams(raw, spare):
    raw.clear()
    spare.clear()
    raw.handler = lambda received: answer()


def ask(daemon, target, method="GET", fields=(), body=None):
    return fetch(daemon.http, method, target, fields, body)


def assert_failed(daemon, response, status, reason, inside=()):
    assert_own_answer(response, status, inside)
    record = daemon.record_of(response)
    assert (record["status"], record["reason"]) == (status, reason)
    return record


# ---- before anything was sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"{}"), ("PUT", pattern(200_000))],
                         ids=["GET", "POST-small", "PUT-large"])
def test_connect_refused(daemon, closed, method, body):
    response = ask(daemon, "/refused/x", method, body=body)
    record = assert_failed(daemon, response, 502, "upstream_connect_refused", [str(closed[0].port)])
    assert record["upstream"] == "refused" and str(closed[0].port) in record["server"]


def test_connect_timeout(daemon):
    record = assert_failed(daemon, ask(daemon, "/hole/x"), 504, "upstream_connect_timeout")
    assert 400 <= record["total_ms"]


def test_name_that_does_not_resolve(daemon):
    response = ask(daemon, "/unresolved/x")
    assert_failed(daemon, response, 502, "upstream_name_unresolved")
    assert "no-such-host" not in response.text()


def test_failure_is_a_page_for_a_browser(daemon, closed):
    assert_own_page(ask(daemon, "/refused/x", fields=[("Accept", ACCEPT_HTML)]), 502, [str(closed[0].port), "refused"])


def test_all_servers_refuse(daemon):
    response = ask(daemon, "/all-refused/x", "POST", body=b"{}")
    assert_failed(daemon, response, 502, "upstream_connect_refused")


@pytest.mark.parametrize("group", ["next", "next-after-hole"])
@pytest.mark.parametrize("body", [None, b"", b"small", pattern(60_000), pattern(500_000)],
                         ids=["none", "empty", "small", "60k", "500k"])
def test_next_server_takes_the_whole_request(daemon, spare, group, body):
    """Whatever its size, the request reaches the server that can be reached, once and whole."""
    for _ in range(2):
        spare.clear()
        response = ask(daemon, f"/{group}/x", "POST" if body is not None else "GET", body=body)
        assert (response.status, response.body) == (200, b"spare")
        assert spare.only().body == (body or b"")
        record = daemon.record_of(response)
        assert not record["reason"] and str(spare.port) in record["server"] and record["attempts"] in (1, 2)


def test_next_server_is_counted_as_an_attempt(daemon):
    """Of two servers in turn one refuses, so that some of the exchanges needed two attempts, until it is left out."""
    records = [daemon.record_of(ask(daemon, "/next/count")) for _ in range(4)]
    assert all(record["attempts"] in (1, 2) for record in records)


def attempt_lines(daemon, request_id):
    request = f"request_id={request_id}"
    return [line for line in daemon.error_text().splitlines() if request in line and " attempt=" in line]


def test_log_says_of_every_attempt_where_why_and_how_long(daemon, spare):
    """Of two servers in turn one refuses; each worker goes round by itself."""
    wanted = (r" upstream_failed reason=upstream_connect_refused upstream=attempts server=\S+ attempt=1 "
              r"chosen=round_robin reused=false attempt_ms=\d+\.\d{3} request_ms=\d+\.\d{3} request_id=\S+ "
              r"error=\".+\"$",
              rf" upstream_answered upstream=attempts server=127.0.0.1:{spare.port} attempt=2 chosen=last_left "
              r"reused=(true|false) attempt_ms=\d+\.\d{3} request_ms=\d+\.\d{3} status=200 request_id=\S+$")
    records = (daemon.record_of(ask(daemon, "/attempts/x")) for _ in range(WORKERS_MAX + 1))
    request_id = next(record["request_id"] for record in records if record["attempts"] == 2)
    lines = wait_until(lambda: attempt_lines(daemon, request_id)[1:] and attempt_lines(daemon, request_id),
                       daemon.error_text)
    assert len(lines) == 2 and all(re.search(*pair) for pair in zip(wanted, lines)), lines


def test_round_robin_takes_both_servers(daemon, raw, spare):
    bodies = [ask(daemon, "/two/x").body for _ in range(40)]
    assert 10 <= bodies.count(b"ok") <= 30 and bodies.count(b"ok") + bodies.count(b"spare") == 40


# ---- no answer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"{}"), ("POST", pattern(100_000))],
                         ids=["GET", "POST-small", "POST-large"])
def test_no_answer_in_time(daemon, raw, method, body):
    raw.handler = lambda received: received.hang()
    response = ask(daemon, "/app/x", method, body=body)
    record = assert_failed(daemon, response, 504, "upstream_header_timeout")
    assert len(raw.received) == 1 and record["attempts"] == 1


def test_half_a_head_is_no_answer(daemon, raw):
    def handler(received):
        received.send(b"HTTP/1.1 200 OK\r\nContent-")
        received.hang()

    raw.handler = handler
    assert_failed(daemon, ask(daemon, "/app/x"), 504, "upstream_header_timeout")


def test_total_timeout(daemon, raw):
    raw.handler = lambda received: received.hang()
    record = assert_failed(daemon, ask(daemon, "/total/x"), 504, "upstream_total_timeout")
    assert record["total_ms"] >= 400


@pytest.mark.parametrize("size", [100, 500_000])
def test_total_timeout_while_the_client_still_sends(daemon, raw, size):
    """The deadline may come before a server was chosen, and in the middle of a streamed body."""
    raw.handler = lambda received: received.hang()
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/total/x", [("Content-Length", str(size))]) + pattern(size)[:size // 2])
        response = client.read_response("POST")
    assert_failed(daemon, response, 408, "body_timeout")
    assert daemon.is_running() and ask(daemon, "/next/x").body == b"spare"


def test_upstream_that_reads_nothing(daemon, stubborn):
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/stubborn/x", [("Content-Length", "18000000")]))
        client.send_pieces(pattern(18_000_000), 1 << 16)
        response = client.read_response("POST")
    assert_failed(daemon, response, 504, "upstream_send_timeout")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["nothing", "half-a-head"])
def test_upstream_closes_before_an_answer(daemon, raw, method, sent):
    def handler(received):
        received.send(sent)
        received.close()

    raw.handler = handler
    response = ask(daemon, "/app/x", method, body=b"{}" if method == "POST" else None)
    assert_failed(daemon, response, 502, "upstream_closed")
    if method == "POST" or sent:
        assert len(raw.received) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_upstream_resets_before_an_answer(daemon, raw, method):
    raw.handler = lambda received: received.reset()
    response = ask(daemon, "/app/x", method, body=b"{}" if method == "POST" else None)
    assert_failed(daemon, response, 502, "upstream_reset")
    assert method == "GET" or len(raw.received) == 1


# ---- half an answer -------------------------------------------------------------------------------------------------

HALVES = {
    "sized": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100,
    "chunked-in-data": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 50,
    "chunked-between": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 100 + b"\r\n",
    "chunked-no-end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 100 + b"\r\n0\r\n",
}


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("ending, reason", [("close", "upstream_truncated"), ("reset", "upstream_truncated"),
                                            ("hang", "upstream_read_timeout")])
def test_half_an_answer_is_cut_and_does_not_look_complete(daemon, raw, half, ending, reason):
    def handler(received):
        received.send(HALVES[half])
        getattr(received, ending)()

    raw.handler = handler
    target = f"/app/{half}/{ending}"
    with RawClient(daemon.http.port) as client:
        client.send(build_request("GET", target))
        response = client.read_response()
        assert not response.complete, response
        assert client.at_end()
    if response.request_id:
        record = daemon.record_of(response)
    else:
        record = daemon.wait_record_where(lambda one: one["path"] == target, target)
    expected = {reason, "upstream_reset"} if ending == "reset" else {reason}
    assert record["status"] == 200 and record["reason"] in expected
    assert len(raw.received) == 1


def test_half_an_answer_to_http_1_0_is_cut_by_reset_or_length(daemon, raw):
    """Without a length a close would look complete; a sized answer keeps its length."""
    def handler(received):
        received.send(HALVES["sized"])
        received.close()

    raw.handler = handler
    response = fetch(daemon.http, "GET", "/app/x", version="HTTP/1.0")
    assert response.get("Content-Length") == "1000" and not response.complete


# ---- garbage --------------------------------------------------------------------------------------------------------

GARBAGE = [
    b"garbage\r\n\r\n",
    b"\0\1\2\3\4\5\6\7",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 99 Low\r\n\r\n",
    b"HTTP/9.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX-Cr: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok!",
    b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X-Many: y\r\n" * 50_000 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 300_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda data: repr(data[:60]))
def test_garbage_is_a_bad_gateway_and_asked_for_once(daemon, raw, garbage):
    def handler(received):
        received.send(garbage)
        received.close()

    raw.handler = handler
    response = ask(daemon, "/app/x", "POST", body=b"{}")
    assert_failed(daemon, response, 502, "upstream_invalid_response")
    assert len(raw.received) == 1


@pytest.mark.parametrize("bad", [b"zz\r\nok\r\n", b"-2\r\nok\r\n", b"2\r\nokay\r\n", b"2 \r\nok\r\n", b"\r\n",
                                 b"ffffffffffffffffff\r\nok\r\n"])
def test_bad_chunk_cuts_the_answer(daemon, raw, bad):
    def handler(received):
        received.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + bad)
        received.hang()

    raw.handler = handler
    target = f"/app/chunk-{bad.hex()}"
    try:
        response = ask(daemon, target)
        assert not response.complete or response.status == 502
    except Ended:  # cut before the head was on its way
        pass
    record = daemon.wait_record_where(lambda one: one["path"] == target, target)
    assert record["reason"] == "upstream_invalid_response"


def test_bytes_after_an_answer_never_become_the_next_answer(daemon, raw):
    extra = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
    raw.handler = lambda received: answer(b"ok") + extra
    with RawClient(daemon.http.port) as client:
        for _ in range(10):
            assert client.request("GET", "/app/x").body == b"ok"
    raw.handler = lambda received: answer(b"clean")
    for _ in range(4):
        assert ask(daemon, "/app/x").body == b"clean"


def test_answer_before_the_request_is_not_taken(daemon, raw):
    """An idle pooled connection on which the upstream speaks first is closed, not used."""
    assert ask(daemon, "/app/x").body == b"ok"
    for connection in raw.connections:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen")
    wait_until(lambda: all(one.peer_gone.is_set() for one in raw.connections), "the pooled connections to be closed")
    for _ in range(5):
        assert ask(daemon, "/app/x").body == b"ok"


def test_early_answer_to_an_upload_is_passed_on(daemon, raw):
    """The upstream refuses an upload before it has read it."""
    raw.read_body, raw.handler = False, lambda received: answer(b"no", "403 Forbidden", [("Connection", "close")])
    try:
        with RawClient(daemon.http.port) as client:
            client.send_pieces(build_request("POST", "/app/x", body=pattern(3_000_000)), 1 << 16)
            response = client.read_response("POST")
    finally:
        raw.read_body = True
    assert (response.status, response.body) == (403, b"no")


# ---- the client goes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_client_that_leaves_is_logged_and_the_upstream_is_let_go(daemon, raw, leave):
    raw.handler = lambda received: received.hang()
    client = RawClient(daemon.http.port)
    target = f"/total/leave-{leave}"
    client.send(build_request("GET", target))
    received = raw.wait_received()
    getattr(client, leave)()
    if leave == "reset":
        record = daemon.wait_record_where(lambda one: one["path"] == target, target)
        assert (record["status"], record["reason"]) == (499, "client_closed")
    wait_until(received.connection.peer_gone.is_set, "the upstream connection to be closed")


def test_client_that_leaves_in_the_middle_of_its_upload(daemon, raw):
    client = RawClient(daemon.http.port)
    client.send(build_request("POST", "/app/upload", [("Content-Length", "500000")]) + b"x" * 200_000)
    wait_until(lambda: raw.received, "the head at the upstream")
    client.close()
    record = daemon.wait_record_where(lambda one: one["path"] == "/app/upload", "the broken upload")
    assert (record["status"], record["reason"]) == (499, "client_closed")
    assert not raw.received[0].complete
    wait_until(raw.received[0].connection.peer_gone.is_set, "the upstream connection to be closed")


def test_chunked_upload_that_breaks_off_is_not_completed_upstream(daemon, raw):
    client = RawClient(daemon.http.port)
    client.send(build_request("POST", "/app/chunked", [("Transfer-Encoding", "chunked")]))
    client.send(chunk(pattern(200_000))[:-5])
    wait_until(lambda: raw.received, "the head at the upstream")
    client.close()
    wait_until(raw.received[0].connection.peer_gone.is_set, "the upstream connection to be closed")
    assert not raw.received[0].complete


def test_every_failure_left_one_line(daemon):
    """After all of the above the daemon still serves, and its log holds whole lines only."""
    assert exchange(daemon.http, build_request("GET", "/app/last")).body == b"ok"
    assert len({one["request_id"] for one in daemon.access_records()}) == len(daemon.access_records())


class FullSocket:
    """A Unix socket that listens and whose queue is full until serve()."""

    def __init__(self, path):
        self.url = f"unix:{path}"
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(path))
        self.listening.listen(0)
        self.waiting = []
        with contextlib.suppress(BlockingIOError):
            while True:
                self.waiting.append(socket.socket(socket.AF_UNIX))
                self.waiting[-1].setblocking(False)
                self.waiting[-1].connect(str(path))

    def serve(self):
        for one in self.waiting:
            one.close()
        threading.Thread(target=self.serve_all, daemon=True).start()

    def serve_all(self):
        with contextlib.suppress(OSError):
            while True:
                with self.listening.accept()[0] as connection:
                    if connection.recv(65536):
                        connection.sendall(answer(b"served", framing="close"))


def test_unix_socket_whose_queue_is_full_is_waited_for(start_one, place):
    """Who is busy for a moment is not down, as little as at a TCP port, whose kernel waits by itself."""
    full = FullSocket(place / "full.sock")
    routes = [proxy("short", {"prefix": "/short"}, "app", timeouts={"connect": "300ms"}),
              proxy("long", {"prefix": "/"}, "app", timeouts={"connect": "30s"})]
    daemon = start_one(plain_scene(full.url, routes, process={"workers": 1}))
    with RawClient(daemon.http.port) as patient:
        patient.send(build_request("GET", "/long"))
        response = fetch(daemon.http, "GET", "/short")
        assert response.status == 504 and daemon.record_of(response)["reason"] == "upstream_connect_timeout"
        full.serve()
        assert patient.read_response().body == b"served"
