# SPDX-License-Identifier: Apache-2.0
"""What becomes of requests when an HTTP/2 upstream says GOAWAY, resets streams or goes away: what it provably has not
processed is sent again (RFC 9113 §8.7), on another connection if need be; everything else is sent at most once."""
import threading

import h2.errors
import pytest

from harness.client import RawClient, build_request, fetch
from harness.expect import assert_own_answer
from harness.h2_client import H2LibraryClient
from harness.h2_upstream import H2Upstream
from harness.pattern import pattern
from harness.scene import plain_scene
from harness.waiting import DEADLINE, wait_until

ErrorCodes = h2.errors.ErrorCodes
METHODS = ["GET", "POST"]


@pytest.fixture(scope="module")
def upstream():
    with H2Upstream() as server:
        yield server


@pytest.fixture(scope="module")
def daemon(start_daemon, upstream):
    config = plain_scene(upstream.url, process={"workers": 1})
    config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}]
    config["upstreams"]["app"]["http2"] = True
    return start_daemon(config)


@pytest.fixture(autouse=True)
def fresh(upstream):
    upstream.handler = lambda received: b"ok"
    upstream.at_head = False
    upstream.clear()
    yield
    assert not upstream.errors, upstream.errors


def request_of(method, target):
    return build_request(method, target, body=b"pay once" if method == "POST" else None)


def send(daemon, *requests):
    """One HTTP/1.1 connection a request, all open."""
    clients = [RawClient(daemon.http.port) for _ in requests]
    for client, data in zip(clients, requests):
        client.send(data)
    return clients


class HoldsFirst:
    """Answers at once, but on the first connection only when `gate` opens."""

    def __init__(self):
        self.gate = threading.Event()

    def __call__(self, received):
        if received.connection.number == 0:
            self.gate.wait(3 * DEADLINE)
        return f"{received.connection.number} {received.target}".encode()


@pytest.mark.parametrize("method", METHODS)
def test_requests_above_the_last_stream_of_goaway_are_sent_again(daemon, upstream, method):
    """The upstream has taken the first of three; the others it has not looked at, whatever their method."""
    holds = upstream.handler = HoldsFirst()
    clients = []
    for number in range(3):  # one after the other, so that their streams are in this order
        clients += send(daemon, request_of(method, f"/{number}"))
        upstream.wait_received(number + 1)
    first = upstream.connections[0]
    assert len(upstream.connections) == 1
    first.say_goaway(upstream.received[0].stream)
    assert [clients[number].read_response().body for number in (1, 2)] == [b"1 /1", b"1 /2"]
    holds.gate.set()
    response = clients[0].read_response()
    assert response.body == b"0 /0"
    assert [len(upstream.of(f"/{number}")) for number in range(3)] == [1, 2, 2]
    assert all(bytes(one.body) == (b"pay once" if method == "POST" else b"") for one in upstream.received)
    wait_until(first.peer_gone.is_set, "the old connection to be closed behind its last answer")
    assert fetch(daemon.http, "GET", "/after").body == b"1 /after"
    assert daemon.record_of(response)["attempts"] == 1


@pytest.mark.parametrize("method", METHODS)
def test_an_idle_connection_that_said_goaway_is_not_used(daemon, upstream, method):
    upstream.handler = lambda received: str(received.connection.number).encode()
    for number in range(10):
        assert fetch(daemon.http, method, "/x", body=b"b" if method == "POST" else None).body == b"%d" % number
        connection = upstream.connections[number]
        connection.say_goaway(upstream.received[-1].stream)
        wait_until(connection.peer_gone.is_set, "the idle connection to be closed")
    assert len(upstream.received) == 10


@pytest.mark.parametrize("method", METHODS)
def test_a_request_that_crosses_with_goaway_is_sent_again(daemon, upstream, method):
    """GOAWAY with nothing taken: 0 is the last stream."""
    def handler(received):
        if received.connection.number == 0:
            received.connection.say_goaway(0)
            return None
        return b"taken"

    upstream.handler = handler
    response = fetch(daemon.http, method, "/x", body=b"b" if method == "POST" else None)
    assert response.body == b"taken" and len(upstream.received) == 2
    assert daemon.record_of(response)["attempts"] == 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [8, 60_000])
def test_a_refused_stream_is_sent_again(daemon, upstream, method, size):
    body = pattern(size) if method == "POST" else None

    def handler(received):
        if len(upstream.received) == 1:
            return received.reset(ErrorCodes.REFUSED_STREAM)
        return bytes(received.body)

    upstream.handler = handler
    response = fetch(daemon.http, method, "/x", body=body)
    assert (response.status, response.body) == (200, body or b"")
    assert len(upstream.received) == 2
    assert daemon.record_of(response)["attempts"] == 2


@pytest.mark.parametrize("method", METHODS)
def test_an_upstream_that_refuses_always_is_not_asked_for_ever(daemon, upstream, method):
    upstream.handler = lambda received: received.reset(ErrorCodes.REFUSED_STREAM)
    response = fetch(daemon.http, method, "/x", body=b"b" if method == "POST" else None)
    assert response.status in (502, 503)
    assert_own_answer(response, response.status)
    assert 1 <= len(upstream.received) <= 10


@pytest.mark.parametrize("code", [ErrorCodes.INTERNAL_ERROR, ErrorCodes.CANCEL, ErrorCodes.PROTOCOL_ERROR,
                                  ErrorCodes.ENHANCE_YOUR_CALM])
@pytest.mark.parametrize("method", METHODS)
def test_other_resets_send_nothing_again(daemon, upstream, code, method):
    assert fetch(daemon.http, "GET", "/warm").status == 200
    upstream.received.clear()
    upstream.handler = lambda received: received.reset(code)
    response = fetch(daemon.http, method, "/x", body=b"pay me twice?" if method == "POST" else None)
    assert_own_answer(response, 502)
    assert upstream.only().method == method
    record = daemon.record_of(response)
    assert (record["attempts"], record["reason"]) == (1, "upstream_stream_reset")
    upstream.handler = lambda received: b"ok"
    assert fetch(daemon.http, "GET", "/next").status == 200
    assert len(upstream.connections) == 1, "a reset ends a stream, not its connection"


@pytest.mark.parametrize("method", METHODS)
def test_a_post_on_a_connection_that_ends_is_not_sent_again(daemon, upstream, method):
    assert fetch(daemon.http, "GET", "/warm").status == 200

    def handler(received):
        if received.connection.number == 0:
            return received.connection.close()
        return b"again"

    upstream.handler = handler
    response = fetch(daemon.http, method, "/x", body=b"pay me twice?" if method == "POST" else None)
    if method == "POST":
        assert_own_answer(response, 502)
        assert len(upstream.of("/x")) == 1
        assert daemon.record_of(response)["reason"] in ("upstream_closed", "upstream_reset")
    else:
        assert response.body == b"again" and len(upstream.of("/x")) == 2


def test_requests_below_the_last_stream_of_goaway_with_an_error_are_not_sent_again(daemon, upstream):
    """An error's GOAWAY names the streams that may have been processed."""
    def handler(received):
        received.connection.say_goaway(received.stream, ErrorCodes.INTERNAL_ERROR)
        received.connection.close()

    upstream.handler = handler
    response = fetch(daemon.http, "POST", "/x", body=b"pay me twice?")
    assert_own_answer(response, 502)
    assert len(upstream.received) == 1


@pytest.mark.parametrize("ending", ["reset", "close"])
def test_an_answer_that_is_cut_is_not_a_whole_one(daemon, upstream, ending):
    def handler(received):
        received.send_head()
        received.send_body(pattern(40_000), end=False)
        if ending == "reset":
            received.reset(ErrorCodes.INTERNAL_ERROR)
        else:
            received.connection.close()

    upstream.handler = handler
    response = fetch(daemon.http, "GET", "/x")
    assert (response.status, response.complete) == (200, False)
    assert pattern(40_000).startswith(response.body)
    with H2LibraryClient(daemon.http) as client:
        stream = client.finish(client.get("/x"))
        assert stream.status == 200 and not stream.ended and stream.reset_code is not None
    assert len(upstream.received) == 2
    assert daemon.record_of(stream)["reason"] in ("upstream_reset", "upstream_closed", "upstream_truncated")


def test_an_answer_before_the_end_of_the_request(daemon, upstream):
    """The upstream answers the head and asks by RST_STREAM(NO_ERROR) to send no more of the body, RFC 9113 §8.1."""
    upstream.at_head = True

    def handler(received):
        received.answer(b"no, thank you", 403)
        received.reset(ErrorCodes.NO_ERROR)

    upstream.handler = handler
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/x", [("Content-Length", "5000000")]))
        client.send_pieces(pattern(5_000_000), 100_000)
        response = client.read_response()
    assert (response.status, response.body) == (403, b"no, thank you")
    assert len(upstream.received) == 1
