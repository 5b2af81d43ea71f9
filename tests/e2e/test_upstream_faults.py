# SPDX-License-Identifier: Apache-2.0
"""What upstream servers do to answers and connections, over HTTP/1 and HTTP/2: the error log says what was wrong, a
connection whose server misbehaves between requests is ended, and a server that says now and then that it is still at
work is waited for."""
import time

import pytest

from harness import h2frames as h2
from harness.client import fetch
from harness.hostile_h2 import ScriptedH2Upstream, block, whole, with_body
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SLOWNESS, wait_until
from harness.wire import Ended

IDLE = 1.0
LATEST = IDLE + 4 * SLOWNESS
BEATS, BEAT = 30, 0.1
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 102 Processing\r\n\r\n"


def interim(stream):
    return h2.headers(stream, block(status="102"), h2.END_HEADERS)


# What comes, and the word for it.
FAULTS = {
    "/h1/head": (b"HTTP/1.1 200 OK\r\nX-A: " + b"v" * 300_000, "headers_too_large"),
    "/h1/fields": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", "too_many_fields"),
    "/h1/line": (b"HELO \x1b[31m\" detail=x\r\n", "malformed_status_line"),
    "/h1/interim": (INTERIM * 5000, "too_many_interim_answers"),
    "/h1/extension": (CHUNKED + b"1;" + b"a" * 300_000, "invalid_chunk"),
    "/h1/trailers": (CHUNKED + b"0\r\nX-A: " + b"v" * 300_000, "headers_too_large"),
    "/h1/upgrade": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
                    "unasked_upgrade"),
    "/h2/ping": (lambda s: h2.ping() * 1000, "h2_ping_flood"),
    "/h2/interim": (lambda s: interim(s) * 500, "too_many_interim_answers"),
    "/h2/fields": (lambda s: h2.header_frames(s, block(*[("x", "y")] * 10_000)), "h2_header_flood"),
    "/h2/length": (with_body(("content-length", "1")), "body_too_long"),
    "/h2/name": (whole(("X-A", "1")), "malformed_header"),
    "/h2/protocol": (lambda s: h2.data(0, b"x"), "h2_protocol_error"),
    "/not-h2/answer": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "h2_settings_missing"),
}


def beats_h2(stream):
    for _ in range(BEATS):
        yield interim(stream)
        time.sleep(BEAT)
    yield with_body(body=b"/h2/beats")(stream)


def pings(stream):
    """A good answer, and pings for ever."""
    yield with_body(body=b"/h2/pings")(stream)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        yield h2.ping()
        time.sleep(0.2)


def blocks(stream):
    """A good answer, and heads behind it for as long as somebody takes them."""
    yield with_body(body=b"/h2/blocks")(stream)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        yield interim(stream) * 100


SCRIPTS = {"/h2/beats": beats_h2, "/h2/pings": pings, "/h2/blocks": blocks}


def answer_h1(received):
    target = received.target
    if target in FAULTS:
        received.send(FAULTS[target][0])
        return None
    if target.endswith("/beats"):
        for _ in range(BEATS):
            received.send(INTERIM)
            time.sleep(BEAT)
    return answer(target.encode())


def script(target):
    if target in FAULTS:
        return FAULTS[target][0], "open"
    return SCRIPTS.get(target, with_body(body=target.encode())), "open"


@pytest.fixture(scope="module")
def second():
    with ScriptedH2Upstream(script) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, second):
    # What asks for HTTP/2 is no request of HTTP/1 to it, and is answered all the same.
    with RawUpstream(answer_h1) as first, RawUpstream(lambda received: FAULTS["/not-h2/answer"][0]) as third:
        names = ("h1", "h2", "not-h2")
        config = plain_scene(first.url, [proxy(name, {"prefix": f"/{name}/"}, name) for name in names],
                             process={"workers": 1})
        more = {"eject": None, "keepalive": {"idle": "1s"}}
        config["upstreams"] = {"h1": {"servers": [first.url], **more},
                               "h2": {"servers": [second.url], "http2": True, **more},
                               "not-h2": {"servers": [third.url], "http2": True, **more}}
        yield start_daemon(config)


@pytest.mark.parametrize("target", FAULTS)
def test_the_error_log_says_what_was_wrong(daemon, target):
    """In a word of ours, and never in bytes of the server."""
    start = len(daemon.error_lines)
    try:
        fetch(daemon.http, "GET", target)
    except Ended:
        pass  # of an answer that had begun
    line = daemon.wait_error(r"upstream_failed reason=upstream_invalid_response .*", start)[0]
    assert line.endswith(f'error="The service gave an invalid answer." detail={FAULTS[target][1]}'), line


@pytest.mark.parametrize("version", ("h1", "h2"))
def test_interim_answers_now_and_then(daemon, version):
    """Thirty of them in three seconds are no flood."""
    got = fetch(daemon.http, "GET", f"/{version}/beats")
    assert (got.status, got.body) == (200, f"/{version}/beats".encode())


def test_headers_behind_an_answer_end_the_connection(daemon, second):
    start, before = len(daemon.error_lines), len(second.connections)
    assert fetch(daemon.http, "GET", "/h2/blocks").body == b"/h2/blocks"
    daemon.wait_error(r"upstream_connection_ended reason=upstream_invalid_response server=\S+ detail=h2_header_flood$",
                      start)
    assert fetch(daemon.http, "GET", "/h2/after").body == b"/h2/after"
    wait_until(lambda: all(one.peer_gone.is_set() for one in second.connections[:before + 1]), "the end")


def test_pings_do_not_keep_a_connection(daemon, second):
    """keepalive.idle is about requests."""
    wait_until(lambda: all(one.peer_gone.is_set() for one in second.connections), "the end of those before")
    start = time.monotonic()
    assert fetch(daemon.http, "GET", "/h2/pings").body == b"/h2/pings"
    wait_until(lambda: second.connections[-1].peer_gone.is_set(), "the end of an idle connection", 2 * LATEST)
    assert IDLE / 2 < time.monotonic() - start < LATEST
