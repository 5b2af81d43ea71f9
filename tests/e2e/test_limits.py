# SPDX-License-Identifier: Apache-2.0
"""What a client is granted: each limit at, below and above; slow heads and bodies; idle connections."""
import socket
import time

import pytest

from harness.client import HOST, Ended, RawClient, build_request, chunk, exchange, fetch
from harness.expect import assert_own_answer
from harness.pattern import pattern
from harness.scene import plain_scene, proxy
from harness.waiting import DEADLINE, SLOWNESS

LIMIT = 1000
CLIENT = {"handshake_timeout": "1s", "header_timeout": "1s", "body_timeout": "1s", "idle_timeout": "1s"}


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, raw):
    """The defaults of the contract, and a small body limit on one route."""
    routes = [proxy("small", {"prefix": "/small/"}, "app", body_limit=LIMIT),
              proxy("kilo", {"prefix": "/kilo/"}, "app", body_limit="64k"), proxy("all", {"prefix": "/"}, "app")]
    return start_daemon(plain_scene(raw.url, routes))


@pytest.fixture(scope="module")
def hasty(start_daemon, site_pair, raw):
    """Short timeouts and small limits."""
    config = plain_scene(raw.url, client=CLIENT | {"max_head_size": "2k", "max_fields": 10, "max_target_size": 100,
                                                   "max_requests": 3})
    config["listeners"] = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = site_pair.as_config()
    return start_daemon(config)


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()


def assert_refused(daemon, raw, response, status, reason):
    assert_own_answer(response, status)
    record = daemon.record_of(response)
    assert (record["status"], record["reason"]) == (status, reason)
    assert not [one for one in raw.received if one.complete]


# ---- sizes ----------------------------------------------------------------------------------------------------------


def chunked_request(target, body):
    pieces = [body[start:start + 300] for start in range(0, len(body), 300)]
    return build_request("POST", target, [("Transfer-Encoding", "chunked")]) + chunk(*pieces)


@pytest.mark.parametrize("size, status",
                         [(0, 200), (LIMIT - 1, 200), (LIMIT, 200), (LIMIT + 1, 413), (LIMIT * 10, 413)])
@pytest.mark.parametrize("form", ["length", "chunked"])
def test_body_limit(daemon, raw, form, size, status):
    body = pattern(size)
    data = build_request("POST", "/small/x", body=body) if form == "length" else chunked_request("/small/x", body)
    response = exchange(daemon.http, data)
    if status == 200:
        assert response.status == 200 and raw.only().body == body
    else:
        assert_refused(daemon, raw, response, 413, "body_too_large")


@pytest.mark.parametrize("size, status", [(64 * 1024, 200), (64 * 1024 + 1, 413)])
def test_units_of_the_limit_are_binary(daemon, raw, size, status):
    assert fetch(daemon.http, "POST", "/kilo/x", body=pattern(size)).status == status


def test_sized_body_is_refused_before_it_is_sent(daemon, raw):
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/x", [("Content-Length", str(20 * 1024 * 1024 + 1))]))
        assert_refused(daemon, raw, client.read_response(), 413, "body_too_large")
        assert not raw.received


def test_chunked_body_beyond_the_limit_is_cut_in_its_course(daemon, raw):
    """Above 64 KiB the body streams: the upstream sees a broken one, never a shorter one that looks whole."""
    data = build_request("POST", "/x", [("Transfer-Encoding", "chunked")])
    with RawClient(daemon.http.port) as client:
        client.send(data)
        client.send_pieces(chunk(*[pattern(1 << 20)] * 21), 1 << 20)
        assert_refused(daemon, raw, client.read_response(), 413, "body_too_large")
        assert not [one for one in raw.received if one.complete]


def target_of(size):
    return "/" + "t" * (size - 1)


@pytest.mark.parametrize("size, status", [(8191, 200), (8192, 200), (8193, 414), (20_000, 414), (200_000, 414)])
@pytest.mark.parametrize("step", [None, 1000])
def test_target_size(daemon, raw, step, size, status):
    response = exchange(daemon.http, build_request("GET", target_of(size)), step=step)
    if status == 200:
        assert response.status == 200 and raw.only().target == target_of(size)
    else:
        assert_refused(daemon, raw, response, 414, "target_too_long")


@pytest.mark.parametrize("size, status", [(30_000, 200), (33_000, 431), (200_000, 431)])
@pytest.mark.parametrize("step", [None, 1000])
def test_head_size(daemon, raw, step, size, status):
    response = exchange(daemon.http, build_request("GET", "/x", [("X-Large", "v" * size)]), step=step)
    if status == 200:
        assert response.status == 200
    else:
        assert_refused(daemon, raw, response, 431, "headers_too_large")


def test_head_size_counts_all_fields(daemon, raw):
    response = fetch(daemon.http, "GET", "/x", [(f"X-{number}", "v" * 1000) for number in range(40)])
    assert_refused(daemon, raw, response, 431, "headers_too_large")


@pytest.mark.parametrize("count, status", [(99, 200), (100, 200), (101, 431), (1000, 431)])
def test_number_of_fields(daemon, raw, count, status):
    """Host is one of them."""
    response = fetch(daemon.http, "GET", "/x", [(f"X-{number}", "v") for number in range(count - 1)])
    if status == 200:
        assert response.status == 200
    else:
        assert_refused(daemon, raw, response, 431, "too_many_fields")


def test_limits_of_the_config(hasty, raw):
    assert fetch(hasty.http, "GET", target_of(100)).status == 200
    assert fetch(hasty.http, "GET", target_of(101)).status == 414
    assert fetch(hasty.http, "GET", "/x", [(f"X-{number}", "v") for number in range(9)]).status == 200
    assert fetch(hasty.http, "GET", "/x", [(f"X-{number}", "v") for number in range(10)]).status == 431
    assert fetch(hasty.http, "GET", "/x", [("X-Large", "v" * 1800)]).status == 200
    assert fetch(hasty.http, "GET", "/x", [("X-Large", "v" * 2100)]).status == 431


def test_max_requests_ends_the_connection(hasty):
    with RawClient(hasty.http.port) as client:
        for number in range(3):
            response = client.request("GET", f"/{number}")
            assert response.status == 200
            assert ("close" in response.tokens("Connection")) == (number == 2)
        assert client.at_end()


# ---- time -----------------------------------------------------------------------------------------------------------


def elapsed_since(start):
    return time.monotonic() - start


def trickle(client, data, interval=0.2):
    """Sends a byte at a time until the server speaks or ends, or for five seconds."""
    end = time.monotonic() + 5 * SLOWNESS
    for start in range(0, len(data)):
        if time.monotonic() > end:
            return
        try:
            client.send(data[start:start + 1])
        except ConnectionError:
            return
        if client.is_readable(interval):
            return


@pytest.mark.parametrize("part", [b"G", b"GET /x HTTP/1.1\r\nHost: " + HOST.encode(),
                                  b"GET /x HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\nX-A: 1\r\n"])
def test_head_that_does_not_end_in_time(hasty, raw, part):
    start = time.monotonic()
    response = exchange(hasty.http, part)
    assert 0.7 < elapsed_since(start) < 3 * SLOWNESS
    assert_refused(hasty, raw, response, 408, "header_timeout")


def test_trickling_head_is_held_to_the_time_of_the_whole(hasty, raw):
    start = time.monotonic()
    with RawClient(hasty.http.port) as client:
        trickle(client, b"GET /x HTTP/1.1\r\nHost: " + b"x" * 1000)
        assert elapsed_since(start) < 4 * SLOWNESS
        assert_refused(hasty, raw, client.read_response(), 408, "header_timeout")
        assert client.at_end()


@pytest.mark.parametrize("form", ["length", "chunked", "nothing"])
def test_body_that_stops(hasty, raw, form):
    data = {"length": build_request("POST", "/x", [("Content-Length", "10")]) + b"12345",
            "chunked": build_request("POST", "/x", [("Transfer-Encoding", "chunked")]) + b"5\r\n123",
            "nothing": build_request("POST", "/x", [("Content-Length", "10")])}[form]
    start = time.monotonic()
    with RawClient(hasty.http.port) as client:
        client.send(data)
        response = client.read_response()
        assert 0.7 < elapsed_since(start) < 3 * SLOWNESS
        assert_refused(hasty, raw, response, 408, "body_timeout")
        assert client.at_end()


def test_body_that_goes_on_slowly_is_read(hasty, raw):
    """body_timeout is between two reads, not for the whole."""
    body = b"0123456789"
    with RawClient(hasty.http.port) as client:
        client.send(build_request("POST", "/x", [("Content-Length", "10")]))
        trickle(client, body, interval=0.15)
        assert client.read_response().status == 200
    assert raw.only().body == body


def test_streamed_body_that_stops_is_not_completed_upstream(hasty, raw):
    with RawClient(hasty.http.port) as client:
        client.send(build_request("POST", "/x", [("Content-Length", "500000")]) + b"x" * 200_000)
        try:
            response = client.read_response()
            assert response.status == 408 and hasty.record_of(response)["reason"] == "body_timeout"
        except Ended:
            hasty.wait_reason("body_timeout", 4)
    assert not [one for one in raw.received if one.complete]


@pytest.mark.parametrize("used", [0, 2])
def test_idle_connection_is_closed_without_a_word(hasty, used):
    with RawClient(hasty.http.port) as client:
        for _ in range(used):
            assert client.request("GET", "/x").status == 200
        start = time.monotonic()
        assert client.at_end()
        assert 0.7 < elapsed_since(start) < 4 * SLOWNESS


def test_tls_handshake_that_never_comes(hasty):
    with socket.create_connection(("127.0.0.1", hasty.https.port), timeout=DEADLINE) as sock:
        start = time.monotonic()
        assert sock.recv(100) == b""
        assert 0.7 < elapsed_since(start) < 3 * SLOWNESS


def test_half_a_tls_handshake(hasty):
    with socket.create_connection(("127.0.0.1", hasty.https.port), timeout=DEADLINE) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        try:
            while sock.recv(100):
                pass
        except ConnectionResetError:
            pass
    assert fetch(hasty.https, "GET", "/x").status == 200


def test_plain_http_on_the_tls_port_is_refused(hasty, raw):
    with RawClient(hasty.https.port) as client:
        client.send(build_request("GET", "/x"))
        try:
            assert b"ok" not in client.reader.to_end()
        except Ended:
            pass
    assert not raw.received
