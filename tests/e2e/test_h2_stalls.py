# SPDX-License-Identifier: Apache-2.0
"""Clients of HTTP/2 that stop in the middle: each wait has its timeout, which ends the stream or the connection that
stands still, by the name that HTTP/1 has for it, and nothing that stands still grows the daemon."""
import signal
import threading
import time

import pytest

from harness import h2frames as h2
from harness.h2cases import BODY, TRANSPORTS, Recorder, h2_scene, listener_of
from harness.h2hpack import plain_block
from harness.h2wire import H2Client, h2_fetch
from harness.pattern import pattern
from harness.upstream import answer
from harness.waiting import DEADLINE, SANITIZED, SLOWNESS, wait_until

TIMEOUT = 1.0
CLIENT = {name: "1s" for name in ("handshake_timeout", "header_timeout", "body_timeout", "idle_timeout")}
# A second, a turn of the timer, and what a loaded machine adds.
LATEST = TIMEOUT + 4 * SLOWNESS
GROWTH_MAX_KIB = 24 * 1024
BIG = 8 << 20


class GatedRecorder(Recorder):
    """Answers `/big` with 8 MiB, and `/gate` once the gate is open."""

    def __init__(self):
        self.gate = threading.Event()
        self.big = answer(pattern(BIG))
        super().__init__()

    def reply(self, received):
        if received.target.startswith("/big"):
            return self.big
        if received.target.startswith("/gate"):
            self.gate.wait(DEADLINE)
        return super().reply(received)


@pytest.fixture(scope="module")
def upstream():
    with GatedRecorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, upstream):
    return start_daemon(h2_scene(site_pair, upstream.url, client=CLIENT))


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture()
def listener(daemon, transport):
    return listener_of(daemon, transport)


def seconds_of(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


def expect_cut(client, stream):
    """RST_STREAM, or the end of the connection, within the timeout and not at once."""
    def wait():
        client.take(lambda one: one.stream == stream and one.type == h2.RST_STREAM or one.type == h2.GOAWAY,
                    "the end of a stream that stands still", LATEST)
    assert TIMEOUT / 2 < seconds_of(wait) < LATEST, client.story()


def expect_end(client):
    """The end of the connection within the timeout, and not at once."""
    assert TIMEOUT / 2 < seconds_of(lambda: client.expect_closed(LATEST)) < LATEST, client.story()


def trickle(client, piece, interval=0.15):
    """Sends `piece` again and again; returns the seconds until the server ended it."""
    start = time.monotonic()
    while time.monotonic() - start < 2 * LATEST and client.poll() and client.send(piece):
        time.sleep(interval)
    return time.monotonic() - start


def marked(client, row):
    client.mark(("x-row", row))
    return client


# ---- answers that nobody takes --------------------------------------------------------------------------------------


def test_a_window_that_never_opens(daemon, listener, transport):
    """The stream is ended after client.body_timeout; a stream without a body is answered meanwhile."""
    with marked(H2Client(listener, settings=[(h2.INITIAL_WINDOW_SIZE, 0)], windows=False), "zero") as client:
        client.send(client.get(1, f"/big/zero-{transport}"))
        client.send(h2.headers(3, client.encode(client.request("HEAD", "/x"))))
        assert client.expect_answer(3).status == 200
        expect_cut(client, 1)
    record = daemon.wait_record_where(lambda one: one["path"] == f"/big/zero-{transport}", "the stalled stream")
    assert record.get("reason", "client_read_timeout") == "client_read_timeout"


def test_a_connection_window_that_never_opens(daemon, listener, transport):
    """The streams' windows are wide, that of the connection is used up."""
    settings = [(h2.INITIAL_WINDOW_SIZE, h2.WINDOW_MAX)]
    with marked(H2Client(listener, settings=settings, windows=False), "connection") as client:
        client.send(client.get(1, f"/big/connection-{transport}"))
        client.take(lambda one: one.type == h2.DATA, "DATA")
        expect_cut(client, 1)
    record = daemon.wait_record_where(lambda one: one["path"] == f"/big/connection-{transport}", "the stalled stream")
    assert record.get("reason", "client_read_timeout") == "client_read_timeout"


def test_a_socket_that_is_never_read(daemon, listener, transport):
    """All windows are wide; the kernel's buffers fill. Memory holds what one connection may hold."""
    before = daemon.resident_kib()
    settings = [(h2.INITIAL_WINDOW_SIZE, h2.WINDOW_MAX)]
    with marked(H2Client(listener, settings=settings, receive_buffer=4096), "unread") as client:
        client.send(h2.window_update(0, h2.WINDOW_MAX - h2.WINDOW))
        client.send(b"".join(client.get(stream, f"/big/unread-{transport}-{stream}") for stream in range(1, 40, 2)))
        record = daemon.wait_record_where(lambda one: one["path"].startswith(f"/big/unread-{transport}"),
                                          "a stream that is not read")
        growth = daemon.resident_kib() - before
    assert record.get("reason", "client_read_timeout") in ("client_read_timeout", "client_closed")
    assert SANITIZED or growth < GROWTH_MAX_KIB, f"VmRSS grew by {growth} KiB"


def test_a_connection_that_ends_and_is_not_read(daemon, transport, listener):
    """A flood ends the connection while an answer is stuck in it: what comes then is not kept, and body_timeout, which
    ends whoever takes no bytes, ends it too."""
    before, start = daemon.resident_kib(), len(daemon.error_lines)
    settings = [(h2.INITIAL_WINDOW_SIZE, h2.WINDOW_MAX)]
    with marked(H2Client(listener, settings=settings, receive_buffer=4096), "ending") as client:
        client.send(h2.window_update(0, h2.WINDOW_MAX - h2.WINDOW) + client.get(1, f"/big/ending-{transport}"))
        time.sleep(0.3)
        client.send(150 * h2.ping())
        daemon.wait_error("connection_ended reason=h2_ping_flood", start)
        client.sock.settimeout(LATEST)
        sent = send_until_refused(client.sock, 256 << 20)
        growth = daemon.resident_kib() - before
        gone_by = time.monotonic() + LATEST
        while sent is None and time.monotonic() < gone_by:
            sent = send_until_refused(client.sock, 1)
    assert sent is not None, "the connection stands"
    assert SANITIZED or growth < GROWTH_MAX_KIB, f"VmRSS grew by {growth} KiB"


def send_until_refused(sock, count):
    """Sends up to `count` bytes. None where the peer took them all, or no more but did not end the connection."""
    sent = 0
    try:
        while sent < count:
            sent += sock.send(b"j" * min(count, 65536))
    except TimeoutError:
        return None
    except OSError:
        return sent
    return None


def test_many_streams_without_a_window(daemon, listener):
    """A hundred answers of 8 MiB, none of which may be sent: of each only a little is taken from the upstream."""
    before = daemon.resident_kib()
    with marked(H2Client(listener, settings=[(h2.INITIAL_WINDOW_SIZE, 0)], windows=False), "hundred") as client:
        client.send(b"".join(client.get(stream, "/big/hundred") for stream in range(1, 200, 2)))
        wait_until(lambda: not client.poll() or [one for one in client.seen if one.type == h2.HEADERS],
                   "the first head")
        growth = daemon.resident_kib() - before
    assert SANITIZED or growth < 100 * 512, f"VmRSS grew by {growth} KiB"


def test_a_slow_reader_that_keeps_reading_gets_it_all(listener):
    """Windows that open late, but again and again, are no stall."""
    with marked(H2Client(listener, windows=False), "slow") as client:
        client.send(client.get(1, "/big/slow"))
        size, pauses = 0, 0
        while size < BIG:
            got = client.take(lambda one: one.type in (h2.DATA, h2.RST_STREAM), "DATA")
            assert got and got.type == h2.DATA, client.story()
            size += len(got.payload)
            if size % h2.WINDOW < len(got.payload) and pauses < 8:
                pauses += 1
                time.sleep(0.3)
            client.send(h2.window_update(0, len(got.payload)) + h2.window_update(1, len(got.payload)))
    assert size == BIG


# ---- requests that never end ----------------------------------------------------------------------------------------


def expect_reason(daemon, reason, start):
    """A line of either log with that reason."""
    wait_until(lambda: daemon.find_error(reason, start) or reason in daemon.access_text(), f"{reason} in a log")


def test_a_header_block_that_never_ends(daemon, listener):
    start = len(daemon.error_lines)
    with marked(H2Client(listener), "block") as client:
        client.send(h2.headers(1, plain_block(client.request()), h2.END_STREAM))
        expect_end(client)
    expect_reason(daemon, "header_timeout", start)


def test_a_header_block_that_trickles(listener, upstream):
    """Each CONTINUATION brings a byte or none: header_timeout is for the whole block."""
    with marked(H2Client(listener), "trickle") as client:
        client.send(h2.headers(1, plain_block(client.request()) + b"\x00\x01x\x7f\xff\x0f", h2.END_STREAM))
        assert trickle(client, h2.continuation(1, b"v", h2.NONE)) < LATEST, client.story()
    assert not upstream.of("trickle")


@pytest.mark.parametrize("kind", [h2.HEADERS, h2.SETTINGS, 0x42], ids=["HEADERS", "SETTINGS", "other"])
def test_a_frame_that_trickles(listener, kind):
    """The frame is announced with 600 bytes, which come one by one."""
    with marked(H2Client(listener), "frame") as client:
        client.send(h2.frame(kind, 0, 0 if kind == h2.SETTINGS else 1, b"", length=600))
        assert trickle(client, b"\0") < LATEST, client.story()


def test_a_body_that_never_comes(daemon, listener, transport, upstream):
    """408, or the end of the stream, after client.body_timeout."""
    with marked(H2Client(listener), "body") as client:
        client.send(client.post(1, f"/body-{transport}", ("content-length", "4")) + h2.data(1, b"te"))

        def wait():
            client.expect_refusal(1, (408,), (h2.CANCEL, h2.PROTOCOL_ERROR, h2.NO_ERROR, h2.INTERNAL_ERROR))

        assert TIMEOUT / 2 < seconds_of(wait) < LATEST, client.story()
    record = daemon.wait_record_where(lambda one: one["path"] == f"/body-{transport}", "the body that never came")
    assert record.get("reason", "body_timeout") == "body_timeout"
    assert not upstream.whole("body")


def test_a_body_that_never_comes_holds_no_other_stream(listener):
    with marked(H2Client(listener), "beside") as client:
        client.send(client.post(1) + client.get(3))
        assert client.expect_answer(3).body == BODY


@pytest.mark.parametrize("start", [b"", h2.PREFACE[:1], h2.PREFACE[:20], h2.PREFACE,
                                   h2.PREFACE + h2.settings()[:5]], ids=lambda start: f"{len(start)} bytes")
def test_a_connection_that_never_starts(listener, start):
    with H2Client(listener, start=False) as client:
        client.send(start)
        assert seconds_of(lambda: client.expect_closed(LATEST)) < LATEST


def test_a_preface_that_trickles(listener):
    with H2Client(listener, start=False) as client:
        begun = time.monotonic()
        for byte in h2.PREFACE:
            if not client.poll() or not client.send(bytes([byte])):
                break
            time.sleep(0.15)
        assert time.monotonic() - begun < LATEST


def test_an_idle_connection(listener):
    """GOAWAY without an error, so that the client knows that nothing of it was lost, and the end."""
    with marked(H2Client(listener), "idle") as client:
        client.send(client.get())
        assert client.expect_answer().status == 200
        expect_end(client)
        assert client.goaway() and client.goaway().code == h2.NO_ERROR, client.story()


def test_a_connection_without_a_single_request(listener):
    with H2Client(listener) as client:
        expect_end(client)
        assert client.goaway() is None or client.goaway().code == h2.NO_ERROR, client.story()


def test_frames_in_pieces_are_no_requests(listener):
    """A connection whose client sends nothing but halves of PING is as idle as one that sends whole ones."""
    with marked(H2Client(listener), "pieces") as client:
        ping = h2.ping()
        start = time.monotonic()
        while time.monotonic() - start < 2 * LATEST and client.poll() and client.send(ping[:5]):
            time.sleep(0.1)
            if not client.send(ping[5:]):
                break
            time.sleep(0.1)
        assert time.monotonic() - start < LATEST, client.story()
        assert client.goaway() and client.goaway().code == h2.NO_ERROR, client.story()


def test_a_goodbye_with_a_request_behind_it(listener):
    """A goodbye is about the streams of the other side (RFC 9113 §6.8): what came with it is answered."""
    for last in (0, 2 ** 31 - 1):
        with marked(H2Client(listener), "goodbye") as client:
            client.send(h2.goaway(last) + client.get(1) + client.get(3))
            for stream in (1, 3):
                assert client.expect_answer(stream).body == BODY
            client.expect_closed(LATEST)


def test_a_connection_in_use_is_not_idle(listener):
    """An answer that takes longer than idle_timeout keeps its connection."""
    with marked(H2Client(listener), "busy") as client:
        for stream in range(1, 12, 2):
            client.send(client.get(stream))
            assert client.expect_answer(stream).status == 200
            time.sleep(0.3)
        client.ping()


# ---- the end of the daemon ------------------------------------------------------------------------------------------


def test_a_daemon_that_stops_finishes_what_is_under_way(start_one, site_pair, upstream, transport):
    """SIGTERM: GOAWAY without an error, the answer that is due, and the end of the connection (§6.8)."""
    upstream.gate.clear()
    daemon = start_one(h2_scene(site_pair, upstream.url))
    with marked(H2Client(listener_of(daemon, transport)), f"drain-{transport}") as client:
        client.send(client.get(1, "/gate"))
        wait_until(lambda: upstream.of(f"drain-{transport}"), "the request at the upstream")
        daemon.send_signal(signal.SIGTERM)
        got = client.take(lambda one: one.type == h2.GOAWAY, "GOAWAY")
        assert got and got.code == h2.NO_ERROR, client.story()
        upstream.gate.set()
        assert client.expect_answer(1).body == BODY
        client.expect_closed()


def test_the_server_still_serves(daemon):
    for transport in TRANSPORTS:
        assert h2_fetch(listener_of(daemon, transport)).status == 200
