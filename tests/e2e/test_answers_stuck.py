# SPDX-License-Identifier: Apache-2.0
"""What nobody takes any more, and what is too large for one of two protocols: each comes to an end that both sides see,
and holds nothing for ever."""
import contextlib
import pathlib
import socket
import time

import pytest

from harness import h2frames as h2
from harness.client import RawClient, build_request, fetch
from harness.expect import assert_own_answer
from harness.h2wire import H2Client
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SLOWNESS, wait_until

SHORT = {"connect": "1s", "send": "1s", "read": "1s"}
MANY = [(f"x-m{number:03}", "v" * 334) for number in range(190)]  # just below the 64 KiB that servers may send
EDITS = {"request": {"set": {"Edge-Token": "ours"}, "remove": ["Edge-Admin"]}, "response": {"remove": ["X-Inner"]}}


def accept_and_stop(connection):
    """HTTP/2 with wide windows, and not one byte read."""
    connection.sock.sendall(h2.settings((h2.INITIAL_WINDOW_SIZE, h2.WINDOW_MAX)) +
                            h2.window_update(0, h2.WINDOW_MAX - h2.WINDOW))
    return connection.peer_gone.wait(60) or True


@pytest.fixture(scope="module")
def frozen():
    with RawUpstream(on_connect=accept_and_stop, receive_buffer=4096) as upstream:
        yield upstream


def hint_and_hang(received):
    for _ in range(15):
        received.send(answer(b"", "103 Early Hints", [("Link", "<" + "v" * 600 + ">")] * 90, framing="none"))
    received.hang()


@pytest.fixture(scope="module")
def hinting():
    with RawUpstream(hint_and_hang, read_body=False) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(start_daemon, raw, frozen, hinting):
    upstreams = {"app": {"servers": [raw.url]}, "hinting": {"servers": [hinting.url]},
                 "frozen": {"servers": [frozen.url], "http2": True, "max_connections": 2, "eject": None,
                            "keepalive": {"idle": "1s"}}}
    routes = [proxy("hinting", {"prefix": "/hinting/"}, "hinting"),
              proxy("frozen", {"prefix": "/frozen/"}, "frozen", timeouts=SHORT),
              proxy("edited", {"prefix": "/edited/"}, "app", headers=EDITS), proxy("all", {"prefix": "/"}, "app")]
    return start_daemon(plain_scene(raw.url, routes, upstreams=upstreams, process={"workers": 1},
                                    listeners=[{"address": "127.0.0.1:0", "h2c": True}],
                                    client={"body_timeout": "1s", "header_timeout": "1s"}))


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()
    raw.handler = lambda received: answer()


def has_connections(port):
    """The daemon has one at `port` that it has not closed: ESTABLISHED or CLOSE_WAIT in Linux's table."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] in ("01", "08") for row in rows)


def test_one_connection_cannot_fill_the_memory_with_small_chunks(daemon, raw):
    """Chunks of a byte each, in one read with what follows them, are kept as bytes and not as the reads they came
    in."""
    before = daemon.resident_kib()
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/x", [("Transfer-Encoding", "chunked")]))
        for _ in range(4000):
            client.send(b"1\r\nA\r\n")
            time.sleep(0.0003)
        time.sleep(0.5)
        growth = daemon.resident_kib() - before
        client.send(b"0\r\n\r\n")
        assert client.read_response("POST").status == 200
    assert raw.only().body == b"A" * 4000
    assert growth < 8 * 1024 * SLOWNESS, f"VmRSS grew by {growth} KiB"


@pytest.mark.parametrize("in_trailers", [False, True], ids=["head", "trailers"])
def test_large_heads_of_servers_reach_clients_of_http2(daemon, raw, in_trailers):
    raw.handler = lambda received: answer(framing="chunked", trailers=MANY) if in_trailers else answer(fields=MANY)
    with H2Client(daemon.http) as client:
        client.decoder.max_header_list_size = 1 << 20
        client.send(client.get(1, "/x"))
        got = client.expect_answer(1)
    fields = got.trailers if in_trailers else got.fields
    assert got.status == 200 and [pair for pair in fields if pair[0].startswith("x-m")] == MANY


def test_frozen_server_does_not_keep_its_connections(daemon):
    """Requests that time out leave bytes in their connection; it is closed when it was idle, and the next may begin."""
    for number in range(4):
        with RawClient(daemon.http.port) as client:
            client.send(build_request("POST", f"/frozen/{number}", [("Content-Length", "18000000")]))
            client.sock.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                client.send_pieces(b"z" * 18_000_000, 1 << 16)
            client.sock.settimeout(DEADLINE)
            response = client.read_response("POST")
        assert_own_answer(response, 504)
        assert daemon.record_of(response)["reason"] == "upstream_send_timeout"
        time.sleep(1.5 * SLOWNESS)


def test_last_bytes_that_nobody_takes_are_given_up(daemon):
    """The client ends in the middle of its body and reads nothing, while interim answers fill the connection."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", daemon.http.port))
        sock.sendall(build_request("POST", "/hinting/x", [("Content-Length", "200000")]) + b"a" * 100)
        time.sleep(1)
        sock.shutdown(socket.SHUT_WR)
        wait_until(lambda: not has_connections(daemon.http.port), "the end of the connection", 10 * SLOWNESS)


def test_trailers_say_nothing_that_the_config_has_edited(daemon, raw):
    inner = [("X-Inner", "1"), ("X_Inner", "1"), ("X-Sum", "1")]
    raw.handler = lambda received: answer(framing="chunked", trailers=inner)
    trailers = ["Edge-Token", "edge_token", "Edge-Admin", "EDGE_ADMIN", "X_Forwarded_For", "X_Real-IP", "X-Stays"]
    body = b"1\r\nx\r\n0\r\n" + b"".join(name.encode() + b": forged\r\n" for name in trailers) + b"\r\n"
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/edited/x", [("Transfer-Encoding", "chunked"), ("TE", "trailers")]) + body)
        response = client.read_response("POST")
    assert response.trailers == [("X-Sum", "1")]
    assert raw.only().trailers == [("X-Stays", "forged")] and raw.only().all("Edge-Token") == ["ours"]


def test_other_requests_go_on(daemon):
    assert fetch(daemon.http, "GET", "/x").status == 200
