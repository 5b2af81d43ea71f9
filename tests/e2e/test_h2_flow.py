# SPDX-License-Identifier: Apache-2.0
"""Streams of one HTTP/2 connection do not wait for each other: whoever stands still, client or upstream, holds up its
own stream alone and grows nothing; and a stop lets the streams in flight end."""
import hashlib
import signal
import socket
import threading

import h2.settings
import pytest

from harness import h2frames
from harness.h2_client import WINDOW_MAX, H2LibraryClient
from harness.h2wire import H2Client
from harness.pattern import pattern, pattern_pieces, pattern_sha256
from harness.scene import plain_scene
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SANITIZED, wait_until, wait_until_steady

MIB = 1024 * 1024
BIG = 10 * MIB
GROWTH_MAX_KIB = 150 * 1024
WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
TRANSPORTS = ["https", "http"]


class Sluggish(RawUpstream):
    """/big is answered with `BIG` bytes, /hold when the gate opens, and the body of /sink is read only then."""

    def __init__(self):
        self.gate = threading.Event()
        self.sent = 0
        super().__init__(self.reply, read_body=False)
        # Small buffers of the kernel, so that what stands still stands in the daemon, and a long queue to accept.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        self.listener.listen(2048)

    def reply(self, received):
        if received.target.startswith("/big"):
            return self.send_big(received)
        if received.target.startswith(("/hold", "/sink")):
            self.gate.wait(6 * DEADLINE)
        self.read_request_body(received.connection.reader, received)
        return answer(f"{received.target} {len(received.body)} {hashlib.sha256(received.body).hexdigest()}".encode())

    def big_count(self):
        return len([one for one in self.received if one.target.startswith("/big")])

    def send_big(self, received):
        received.send(f"HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n".encode())
        for piece in pattern_pieces(BIG):
            if received.connection.peer_gone.is_set():
                break
            received.send(piece)
            self.sent += len(piece)


def reply_to(target, body=b""):
    return 200, f"{target} {len(body)} {hashlib.sha256(body).hexdigest()}".encode()


def flow_scene(pair, url, **top):
    config = plain_scene(url, **top)
    config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}, {"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = pair.as_config()
    config["sites"][0]["routes"][0]["body_limit"] = "1g"
    config["upstreams"]["app"]["max_connections"] = 4000
    return config


@pytest.fixture()
def upstream():
    with Sluggish() as sluggish:
        yield sluggish
        sluggish.gate.set()


@pytest.fixture()
def daemon(start_one, site_pair, upstream):
    return start_one(flow_scene(site_pair, upstream.url))


@pytest.fixture(params=TRANSPORTS)
def listener(daemon, request):
    return getattr(daemon, request.param)


# ---- standing still -------------------------------------------------------------------------------------------------


def test_a_stalled_answer_delays_no_other(listener, upstream):
    """The client gives no window to one stream; when it does, the answer is whole."""
    with H2LibraryClient(listener) as client:
        stalled = client.get("/big")
        stalled.grants = False
        client.wait(lambda: len(stalled.body) == 65535, "as many bytes as the window has")
        others = [client.get(f"/quick/{number}") for number in range(20)]
        big = client.get("/big/other")
        assert client.answers(others) == [reply_to(f"/quick/{number}") for number in range(20)]
        assert hashlib.sha256(client.finish(big).body).hexdigest() == pattern_sha256(BIG)
        assert not stalled.over and len(stalled.body) == 65535
        client.open_window(stalled)
        assert hashlib.sha256(client.finish(stalled).body).hexdigest() == pattern_sha256(BIG)


def test_a_wide_window_is_used_to_its_end(listener):
    """A client that grants everything at first and then only reads gets the whole answer: no WINDOW_UPDATE of its own
    has to wake the sender."""
    with H2LibraryClient(listener, settings={WINDOW: WINDOW_MAX}, connection_window=False) as client:
        client.conn.increment_flow_control_window(WINDOW_MAX - 65535)
        for _ in range(5):
            stream = client.get("/big")
            stream.grants = False
            assert hashlib.sha256(client.finish(stream).body).hexdigest() == pattern_sha256(BIG)


def test_a_window_of_one_byte_is_used(listener):
    """A small window, opened byte by byte, gives the bytes in order."""
    with H2LibraryClient(listener, settings={WINDOW: 1}) as client:
        stream = client.get("/quick")
        expected = reply_to("/quick")
        assert (client.finish(stream).status, bytes(stream.body)) == expected
        assert client.answers([client.get("/quick") for _ in range(5)]) == [expected] * 5


@pytest.mark.parametrize("stalled_count", [1, 10])
def test_an_upload_that_nobody_reads_delays_no_other(listener, upstream, stalled_count):
    """A slow upstream stops the client's stream, not the connection."""
    body = pattern(4 * MIB)
    with H2LibraryClient(listener) as client:
        stalled = [client.begin("POST", f"/sink/{number}") for number in range(stalled_count)]
        sent = [0] * stalled_count
        stands = False
        while not stands:  # until the server opens no window any more
            for number, stream in enumerate(stalled):
                sent[number] += client.send_what_fits(stream, memoryview(body)[sent[number]:])
            stands = not client.poll(0.5)
        others = [client.get("/quick/get"), client.post("/quick/post", pattern(50_000))]
        assert client.answers(others) == [reply_to("/quick/get"), reply_to("/quick/post", pattern(50_000))]
        upstream.gate.set()
        for number, stream in enumerate(stalled):
            client.send_body(stream, body[sent[number]:])
        assert client.answers(stalled) == [reply_to(f"/sink/{number}", body) for number in range(stalled_count)]


def test_an_upload_is_stopped_in_time(daemon, upstream):
    """What a slow upstream does not take is not taken from the client either."""
    body = pattern(64 * MIB)
    with H2LibraryClient(daemon.http) as client:
        stream = client.begin("POST", "/sink")
        sent = 0
        while sent < len(body):
            sent += client.send_what_fits(stream, memoryview(body)[sent:])
            if not client.poll(0.5):
                break
        assert sent < 32 * MIB, f"{sent} bytes were taken from the client"
        upstream.gate.set()
        client.send_body(stream, body[sent:])
        assert client.answers([stream]) == [reply_to("/sink", body)]


@pytest.mark.parametrize("kind", ["no window", "not reading"])
def test_a_thousand_streams_that_stand_still_grow_nothing(daemon, upstream, kind):
    """Ten connections with a hundred streams each ask for 10 MiB; their windows stay closed, or they are wide open and
    nobody reads from the socket."""
    settings = {WINDOW: WINDOW_MAX} if kind == "not reading" else {}
    warm_up(daemon)
    before = daemon.resident_kib()
    clients = [H2LibraryClient(daemon.http, settings=settings, connection_window=False) for _ in range(10)]
    try:
        for client in clients:
            if settings:
                client.conn.increment_flow_control_window(WINDOW_MAX - 65535)
            for number in range(100):
                client.get(f"/big/{number}").grants = False
        wait_until(lambda: upstream.big_count() == 1000, lambda: f"1000 requests, {upstream.big_count()} came",
                   3 * DEADLINE)
        wait_until_steady(lambda: upstream.sent, "the upstream to be stopped", timeout=6 * DEADLINE)
        growth = daemon.resident_kib() - before
        if not SANITIZED:  # freed memory stays in quarantine there
            assert growth < GROWTH_MAX_KIB, f"VmRSS grew by {growth} KiB with 1000 stalled streams"
        with H2LibraryClient(daemon.http) as other:
            assert other.answers([other.get("/quick")]) == [reply_to("/quick")]
    finally:
        for client in clients:
            client.raw.reset()
    wait_until(lambda: all(one.connection.peer_gone.is_set() for one in upstream.received),
               "the upstream connections of clients that left to be closed", 3 * DEADLINE)


def warm_up(daemon):
    """Takes the costs of the first exchanges out of the measurement."""
    with H2LibraryClient(daemon.http) as client:
        client.answers([client.get("/quick") for _ in range(100)])


# ---- ending ---------------------------------------------------------------------------------------------------------


def goaways(client):
    return [one for one in client.seen if one.type == h2frames.GOAWAY]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_streams_in_flight_end(daemon, listener, upstream, number):
    with H2Client(listener) as client, H2Client(listener) as idle:
        idle.send(idle.get(1, "/quick"))
        assert idle.expect_answer(1).status == 200
        client.send(client.get(1, "/hold/a") + client.get(3, "/hold/b"))
        client.send(client.post(5, "/quick/upload") + h2frames.data(5, pattern(10_000)))
        wait_until(lambda: len(upstream.received) >= 3, "the requests at the upstream")
        daemon.send_signal(number)
        idle.expect_closed()
        assert [one.code for one in goaways(idle)][-1:] == [h2frames.NO_ERROR], "an idle connection is told, too"
        told = client.take(lambda one: one.type == h2frames.GOAWAY, "GOAWAY")
        assert told and told.code == h2frames.NO_ERROR and int.from_bytes(told.payload[:4], "big") >= 5
        assert daemon.is_running()
        client.send(h2frames.data(5, pattern(20_000)[10_000:], h2frames.END_STREAM))
        assert (client.expect_answer(5).status, daemon.is_running()) == (200, True)
        upstream.gate.set()
        answers = [client.expect_answer(1), client.expect_answer(3)]
        assert [(one.status, one.body) for one in answers] == [reply_to("/hold/a"), reply_to("/hold/b")]
        client.expect_closed()
        assert all(one.code == h2frames.NO_ERROR for one in goaways(client))
    assert daemon.wait_stopped() == 0
    assert sorted(one["status"] for one in daemon.access_records()) == [200] * 4


def test_a_stream_behind_goaway_is_not_lost_in_silence(daemon, upstream):
    """A request that crosses with GOAWAY is answered, or the client learns that it was not processed."""
    with H2Client(daemon.http) as client:
        client.send(client.get(1, "/hold"))
        wait_until(lambda: upstream.received, "the request at the upstream")
        daemon.send_signal(signal.SIGTERM)
        client.take(lambda one: one.type == h2frames.GOAWAY, "GOAWAY")
        client.send(client.get(3, "/quick"))
        upstream.gate.set()
        assert client.expect_answer(1).body == reply_to("/hold")[1]
        client.expect_closed()
        last = int.from_bytes(goaways(client)[-1].payload[:4], "big")
        was_answered = any(one.type == h2frames.HEADERS and one.stream == 3 for one in client.seen)
        was_refused = any(one.type == h2frames.RST_STREAM and one.stream == 3 and one.code == h2frames.REFUSED_STREAM
                          for one in client.seen)
        assert was_answered or was_refused or last < 3, client.story()
    assert daemon.wait_stopped() == 0


def test_drain_has_an_end(start_one, site_pair, upstream):
    daemon = start_one(flow_scene(site_pair, upstream.url, process={"drain": "1s"}))
    with H2LibraryClient(daemon.http) as client:
        client.get("/hold")
        client.get("/big").grants = False
        wait_until(lambda: len(upstream.received) == 2, "the requests at the upstream")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait_stopped() == 0
    records = daemon.access_records()
    assert sorted(one["path"] for one in records) == ["/big", "/hold"] and all(one["reason"] for one in records)


def test_config_changes_without_a_lost_stream(start_one, site_pair, upstream):
    daemon = start_one(flow_scene(site_pair, upstream.url))
    with H2LibraryClient(daemon.http) as client:
        held = client.get("/hold")
        wait_until(lambda: upstream.received, "the request at the upstream")
        daemon.send_signal(signal.SIGHUP)
        assert client.answers([client.get(f"/quick/{number}") for number in range(50)])[-1] == reply_to("/quick/49")
        upstream.gate.set()
        assert client.answers([held]) == [reply_to("/hold")]
