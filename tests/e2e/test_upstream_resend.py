# SPDX-License-Identifier: Apache-2.0
"""When a request is sent a second time: once, on a fresh connection, after a reused one ended before any byte of an
answer, for idempotent methods and callback routes. And the pool of connections that this is about."""
import threading
import time

import pytest

from harness.client import RawClient, build_request, chunk, fetch
from harness.pattern import pattern
from harness.scene import V3_PATH, plain_scene, proxy
from harness.upstream import answer
from harness.waiting import wait_until

RESENT = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]
NOT_RESENT = ["POST", "PATCH"]
IDLE_SECONDS = 1


@pytest.fixture(scope="module")
def daemon(start_daemon, raw):
    routes = [proxy("notify", {"exact": V3_PATH, "methods": ["POST"]}, "app", callback="wechat_pay_v3"),
              proxy("slow", {"prefix": "/slow/"}, "brief"), proxy("all", {"prefix": "/"}, "app")]
    config = plain_scene(raw.url, routes, process={"workers": 1})
    config["upstreams"]["app"]["keepalive"] = {"max_idle": 8, "idle": "30s"}
    config["upstreams"]["brief"] = {"servers": [raw.url], "keepalive": {"max_idle": 8, "idle": f"{IDLE_SECONDS}s"}}
    return start_daemon(config)


class EndsWhenReused:
    """Answers the first request of each connection, and ends the connection on a later one without a byte."""

    def __init__(self, ending):
        self.ending = ending

    def __call__(self, received):
        if received.number_on_connection == 0:
            return answer(b"" if received.method == "HEAD" else b"first")
        getattr(received, self.ending)()
        return None


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.handler = lambda received: answer()
    yield
    raw.handler = lambda received: answer(fields=[("Connection", "close")])  # leaves no pooled connection behind


def drain_pool(daemon, raw):
    """Makes sure that the next request opens a connection."""
    raw.handler = lambda received: answer(fields=[("Connection", "close")])
    while [one for one in raw.connections if not one.peer_gone.is_set()]:
        fetch(daemon.http, "GET", "/drain")
        wait_until(lambda: raw.received[-1].connection.peer_gone.is_set(), "the connection to close")
    raw.clear()


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("method", RESENT)
def test_idempotent_request_is_resent_once(daemon, raw, method, ending):
    drain_pool(daemon, raw)
    raw.handler = EndsWhenReused(ending)
    assert fetch(daemon.http, "GET", "/warm").body == b"first"
    response = fetch(daemon.http, method, "/x", body=b"b" if method == "PUT" else None)
    assert response.status == 200
    assert [one.method for one in raw.received] == ["GET", method, method]
    assert raw.received[1].head == raw.received[2].head and raw.received[1].raw_body == raw.received[2].raw_body
    assert daemon.record_of(response)["attempts"] == 2


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("method", NOT_RESENT)
def test_other_request_is_never_resent(daemon, raw, method, ending):
    drain_pool(daemon, raw)
    raw.handler = EndsWhenReused(ending)
    fetch(daemon.http, "GET", "/warm")
    response = fetch(daemon.http, method, "/x", body=b"pay me twice?")
    assert response.status == 502
    assert [one.method for one in raw.received] == ["GET", method]
    record = daemon.record_of(response)
    assert (record["attempts"], record["reason"]) == (1, "upstream_closed" if ending == "close" else "upstream_reset")


def test_callback_is_resent_once(daemon, raw):
    drain_pool(daemon, raw)
    raw.handler = EndsWhenReused("close")
    fetch(daemon.http, "GET", "/warm")
    response = fetch(daemon.http, "POST", V3_PATH, body=b"{}")
    assert response.body == b"first"
    assert [(one.method, one.body) for one in raw.received] == [("GET", b""), ("POST", b"{}"), ("POST", b"{}")]


def test_no_third_time(daemon, raw):
    drain_pool(daemon, raw)
    raw.handler = lambda received: answer(b"first") if received.target == "/warm" else received.close()
    fetch(daemon.http, "GET", "/warm")
    response = fetch(daemon.http, "GET", "/x")
    assert response.status == 502 and [one.target for one in raw.received] == ["/warm", "/x", "/x"]


def test_not_resent_after_one_byte_of_an_answer(daemon, raw):
    drain_pool(daemon, raw)

    def handler(received):
        if received.number_on_connection == 0:
            return answer(b"first")
        received.send(b"H")
        received.close()
        return None

    raw.handler = handler
    fetch(daemon.http, "GET", "/warm")
    assert fetch(daemon.http, "GET", "/x").status == 502
    assert len(raw.received) == 2


def test_connection_that_the_upstream_closed_while_idle_is_not_used(daemon, raw):
    for _ in range(20):
        assert fetch(daemon.http, "POST", "/x", body=b"1").status == 200
        raw.received[-1].close()


def test_connection_is_reused(daemon, raw):
    drain_pool(daemon, raw)
    raw.handler = lambda received: answer()
    before = len(raw.connections)
    for number in range(30):
        method, body = ("POST", b"b") if number % 2 else ("GET", None)
        assert fetch(daemon.http, method, "/x", body=body).status == 200
    assert len(raw.connections) == before + 1
    assert [one.number_on_connection for one in raw.received] == list(range(30))


@pytest.mark.parametrize("reply", [answer(fields=[("Connection", "close")]), answer(framing="close"),
                                   b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"])
def test_connection_that_ends_with_its_answer_is_not_reused(daemon, raw, reply):
    drain_pool(daemon, raw)
    raw.handler = lambda received: reply
    for _ in range(3):
        assert fetch(daemon.http, "POST", "/x", body=b"b").body == b"ok"
        raw.received[-1].close()
    assert [one.number_on_connection for one in raw.received] == [0, 0, 0]


def test_idle_connection_is_closed_in_time(daemon, raw):
    drain_pool(daemon, raw)
    raw.handler = lambda received: answer()
    asked_at = time.monotonic()
    fetch(daemon.http, "GET", "/slow/x")
    wait_until(raw.received[-1].connection.peer_gone.is_set, "the idle connection to be closed", IDLE_SECONDS + 10)
    assert time.monotonic() - asked_at >= IDLE_SECONDS, "it is kept for that time"


def test_concurrent_requests_take_connections_of_their_own(daemon, raw):
    drain_pool(daemon, raw)
    gate = threading.Event()

    def handler(received):
        gate.wait(30)
        return answer(received.target.encode())

    raw.handler = handler
    clients = [RawClient(daemon.http.port) for _ in range(10)]
    for number, client in enumerate(clients):
        client.send(build_request("GET", f"/{number}"))
    wait_until(lambda: len(raw.received) == 10, "ten requests at once")
    assert len({one.connection for one in raw.received}) == 10
    gate.set()
    for number, client in enumerate(clients):
        assert client.read_response().body == f"/{number}".encode()
        client.close()


@pytest.mark.parametrize("size", [10, 60_000])
@pytest.mark.parametrize("form", ["length", "chunked"])
def test_small_body_is_resent_whole(daemon, raw, form, size):
    """A body of up to 64 KiB is kept until a server has answered."""
    drain_pool(daemon, raw)
    raw.handler = EndsWhenReused("close")
    fetch(daemon.http, "GET", "/warm")
    body = pattern(size)
    with RawClient(daemon.http.port) as client:
        if form == "length":
            client.send(build_request("PUT", "/x", body=body))
        else:
            client.send(build_request("PUT", "/x", [("Transfer-Encoding", "chunked")]) + chunk(body))
        assert client.read_response().body == b"first"
    assert [one.body for one in raw.received[1:]] == [body, body]


def test_large_body_on_a_dead_connection_is_not_sent_half(daemon, raw):
    """A longer body streams; if its connection turns out dead it is either resent whole or refused, never cut."""
    drain_pool(daemon, raw)
    raw.handler = EndsWhenReused("close")
    fetch(daemon.http, "GET", "/warm")
    body = pattern(2_000_000)
    response = fetch(daemon.http, "PUT", "/x", body=body)
    assert response.status in (200, 502)
    assert all(one.body == body for one in raw.received[1:] if one.complete)
    if response.status == 200:
        assert raw.received[-1].complete


@pytest.mark.parametrize("method, target, times", [("POST", V3_PATH, 1), ("POST", "/x", 1), ("GET", "/x", 2)])
def test_hold_does_not_send_again_what_a_server_ends_at(start_one, raw, method, target, times):
    """`hold` waits for a server that can be reached: one that dies of a request must not get it for as long."""
    routes = [proxy("notify", {"exact": V3_PATH, "methods": ["POST"]}, "app", callback="wechat_pay_v3"),
              proxy("all", {"prefix": "/"}, "app")]
    config = plain_scene(raw.url, routes, process={"workers": 1})
    config["upstreams"]["app"]["hold"] = "2s"
    daemon = start_one(config)
    raw.clear()
    raw.handler = lambda received: received.close()
    response = fetch(daemon.http, method, target, body=b"{}" if method == "POST" else None)
    assert response.status == (500 if target == V3_PATH else 502)
    assert [one.method for one in raw.received] == [method] * times


def test_the_only_place_at_a_server_goes_to_the_fresh_connection(start_one, raw):
    config = plain_scene(raw.url, [proxy("all", {"prefix": "/"}, "app")], process={"workers": 1})
    config["upstreams"]["app"].update({"max_connections": 1, "keepalive": {"max_idle": 8, "idle": "30s"}})
    daemon = start_one(config)
    raw.handler = EndsWhenReused("close")
    for _ in range(4):
        assert fetch(daemon.http, "GET", "/x").status == 200
