# SPDX-License-Identifier: Apache-2.0
"""Floods of HTTP/2 frames that cost the sender little: each ends the connection with ENHANCE_YOUR_CALM and a line in
the error log, the upstream hardly notices, memory stays flat, and other clients are served all the while."""
import itertools
import time

import pytest

from harness import h2frames as h2
from harness.h2cases import BODY, HANG, TRANSPORTS, Recorder, h2_scene, listener_of
from harness.h2hpack import FIRST_DYNAMIC, indexed, literal, plain_block
from harness.h2wire import H2Client, h2_fetch
from harness.waiting import SANITIZED, SLOWNESS, wait_until

# What the error log calls each kind, in a line `connection_ended reason=NAME client_ip=ADDRESS`. An attack that is of
# two kinds at once may be called by either name.
RESET = ("h2_reset_flood",)
CONTINUATION = ("h2_continuation_flood", "h2_header_flood")
SETTINGS = ("h2_settings_flood",)
PING = ("h2_ping_flood",)
PRIORITY = ("h2_priority_flood",)
EMPTY = ("h2_empty_frame_flood",)
WINDOW = ("h2_window_update_flood",)
HEADER = ("h2_header_flood", "h2_continuation_flood")
OTHER = ("h2_[a-z_]*flood",)  # kinds without a name of their own
PROTOCOL = ("h2_protocol_error",)  # where the flood runs into another rule first

CALM = (h2.ENHANCE_YOUR_CALM,)
SECONDS_MAX = 20 * SLOWNESS
GROWTH_MAX_KIB = 24 * 1024
BATCH = 200
addresses = itertools.count(10)


@pytest.fixture(scope="module")
def upstream():
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, upstream):
    daemon = start_daemon(h2_scene(site_pair, upstream.url))
    for transport in TRANSPORTS * 4:
        h2_fetch(listener_of(daemon, transport))
    return daemon


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


class Attack:
    """One hostile connection from an address of its own, and what is known of the daemon before it."""

    def __init__(self, daemon, upstream, transport, **more):
        self.daemon, self.listener = daemon, listener_of(daemon, transport)
        self.address = f"127.0.0.{next(addresses)}"
        self.row = f"attack-{self.address}"
        self.upstream, self.memory, self.lines = upstream, daemon.resident_kib(), len(daemon.error_lines)
        self.client = H2Client(self.listener, source=self.address, **more)
        self.client.mark(("x-row", self.row))
        self.peak = self.sent = self.ends = self.counted = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def flood(self, frames, count=40_000, batch=BATCH, read=True, during=None):
        """Sends `frames(number)` up to `count` times, `batch` at once, until the server ends it. Returns how many."""
        end, numbers = time.monotonic() + SECONDS_MAX, iter(range(count))
        while time.monotonic() < end:
            pieces = [frames(number) for number in itertools.islice(numbers, batch)]
            if not pieces or not self.client.send(b"".join(pieces)) or read and not self.client.poll():
                break
            self.sent += len(pieces)
            self.peak = max(self.peak, self.daemon.resident_kib())
            if during:
                during()
        return self.sent

    def settle(self):
        """Waits until each stream has come to its end, or the connection has."""
        def over():
            self.ends += sum(one.type == h2.RST_STREAM or one.type in (h2.HEADERS, h2.DATA) and one.has(h2.END_STREAM)
                             for one in self.client.seen[self.counted:])
            self.counted = len(self.client.seen)
            return not self.client.poll() or self.ends >= self.sent
        wait_until(over, lambda: f"the end of {self.sent} streams: {self.client.story()}")

    def expect_end(self, reasons, codes=CALM, silent=False):
        """GOAWAY with one of `codes`, and a line of the error log with one of `reasons` and the client's address."""
        self.client.expect_connection_error(*codes, silent=silent)
        self.daemon.wait_error(rf"connection_ended reason=({'|'.join(reasons)}) client_ip={self.address}\b", self.lines)

    def expect_flat_memory(self):
        growth = max(self.peak, self.daemon.resident_kib()) - self.memory
        assert SANITIZED or growth < GROWTH_MAX_KIB, f"VmRSS grew by {growth} KiB"

    def expect_service(self):
        """A normal client is served as ever, on either listener."""
        for transport in TRANSPORTS:
            assert h2_fetch(listener_of(self.daemon, transport), fields=[("x-row", "normal")]).body == BODY
        assert self.daemon.is_running()


@pytest.fixture()
def attack(daemon, upstream, transport):
    with Attack(daemon, upstream, transport) as one:
        yield one
        one.expect_flat_memory()
        one.expect_service()


def stream_of(number):
    return 2 * number + 1


# ---- streams that come and go ---------------------------------------------------------------------------------------


def test_rapid_reset(attack, upstream):
    """HEADERS and RST_STREAM, over and over, within the limit of concurrent streams (CVE-2023-44487). Of what was sent
    only a fraction may become work for the upstream; a client beside it is served in the meantime."""
    with H2Client(attack.listener) as normal:
        streams = itertools.count(1, 2)

        def serve_normal():
            stream = next(streams)
            normal.mark(("x-row", "normal"))
            normal.send(normal.get(stream))
            assert normal.expect_answer(stream).body == BODY

        def pair(number):
            return attack.client.get(stream_of(number), HANG) + h2.rst_stream(stream_of(number))

        attack.flood(pair, 20_000, 100, during=serve_normal)
        attack.expect_end(RESET)
        serve_normal()
    assert len(upstream.of(attack.row)) <= 1000


def test_rapid_reset_of_posts(attack, upstream):
    """The same with requests whose body is still to come."""
    attack.flood(lambda number: attack.client.post(stream_of(number)) + h2.rst_stream(stream_of(number)), 20_000)
    attack.expect_end(RESET)
    assert not upstream.whole(attack.row)


def test_resets_that_the_server_is_made_to_send(attack, upstream):
    """The client provokes the RST_STREAM: a window above 2^31-1 on a stream whose request is on its way
    (CVE-2025-8671)."""
    def provoke(number):
        return attack.client.get(stream_of(number), HANG) + h2.window_update(stream_of(number), h2.WINDOW_MAX)

    attack.flood(provoke, 20_000, 50, during=attack.settle)
    attack.expect_end(RESET, CALM + (h2.FLOW_CONTROL_ERROR,))
    assert len(upstream.of(attack.row)) <= 1000


def test_malformed_requests_without_end(attack, upstream):
    """Each is a stream error, all together are a flood."""
    def malformed(number):
        fields = attack.client.request("GET", "/x", ("X-UPPER", "1"))
        return h2.headers(stream_of(number), plain_block(fields))

    attack.flood(malformed, 20_000, 50, during=attack.settle)
    attack.expect_end(RESET + OTHER, CALM + (h2.PROTOCOL_ERROR,))
    assert not upstream.of(attack.row)


def test_a_few_resets_are_no_attack(daemon, transport):
    """A browser that leaves a page cancels what is under way."""
    with H2Client(listener_of(daemon, transport)) as client:
        client.mark(("x-row", "browser"))
        for number in range(60):
            client.send(client.get(stream_of(number)) + h2.rst_stream(stream_of(number)))
            client.ping()
        client.send(client.get(stream_of(60)))
        assert client.expect_answer(stream_of(60)).body == BODY


@pytest.mark.parametrize("acked", [True, False], ids=["after the ACK", "before the ACK"])
def test_streams_beyond_the_limit(daemon, upstream, transport, acked):
    """A thousand requests at once that stay open: those beyond the limit are refused, or the connection is ended; no
    more than the limit is ever worked on."""
    with Attack(daemon, upstream, transport, ack=acked) as attack:
        client = attack.client
        limit = client.server_settings[h2.MAX_CONCURRENT_STREAMS]
        client.send(b"".join(client.get(stream_of(number), HANG) for number in range(1000)))

        def resets():
            client.poll()
            return [one.code for one in client.seen if one.type == h2.RST_STREAM]

        wait_until(lambda: len(resets()) == 1000 - limit or client.goaway() or client.ended, client.story)
        goaway = client.goaway()
        assert goaway or len(resets()) == 1000 - limit, client.story()
        assert set(resets()) <= {h2.REFUSED_STREAM, h2.PROTOCOL_ERROR}, client.story()
        assert goaway is None or goaway.code in (h2.PROTOCOL_ERROR, h2.REFUSED_STREAM, h2.ENHANCE_YOUR_CALM), goaway
        assert len(upstream.of(attack.row)) <= limit
        attack.expect_service()
        attack.expect_flat_memory()


def test_streams_refused_without_end(attack, upstream):
    """A client that holds all its streams and still asks for more."""
    limit = attack.client.server_settings[h2.MAX_CONCURRENT_STREAMS]
    attack.client.send(b"".join(attack.client.post(stream_of(number)) for number in range(limit)))
    attack.flood(lambda number: attack.client.get(stream_of(limit + number)), 20_000)
    attack.expect_end(RESET + OTHER + PROTOCOL, CALM + (h2.PROTOCOL_ERROR,))
    assert not upstream.whole(attack.row)


# ---- header blocks --------------------------------------------------------------------------------------------------


def open_block(client):
    return h2.headers(1, plain_block(client.request()), h2.END_STREAM)


def test_continuation_flood(attack, upstream):
    """CONTINUATION without END_HEADERS, each with fields (CVE-2024-28182 and its like)."""
    attack.client.send(open_block(attack.client))
    sent = attack.flood(lambda number: h2.continuation(1, plain_block([(f"x-{number}", "v" * 500)]), h2.NONE), 40_000)
    attack.expect_end(CONTINUATION, CALM + (h2.PROTOCOL_ERROR,), silent=True)
    assert sent < 20_000 and not upstream.of(attack.row)


def test_empty_continuation_flood(attack, upstream):
    attack.client.send(open_block(attack.client))
    sent = attack.flood(lambda number: h2.continuation(1, b"", h2.NONE))
    attack.expect_end(CONTINUATION + EMPTY, CALM + (h2.PROTOCOL_ERROR,), silent=True)
    # Of 9 bytes each, many lie in the sockets between.
    assert sent < 20_000 * SLOWNESS and not upstream.of(attack.row)


def test_continuation_flood_in_trailers(attack, upstream):
    attack.client.send(attack.client.post() + h2.data(1, b"test") + h2.headers(1, b"", h2.END_STREAM))
    attack.flood(lambda number: h2.continuation(1, plain_block([("x-t", "v" * 500)]), h2.NONE))
    attack.expect_end(CONTINUATION, CALM + (h2.PROTOCOL_ERROR,), silent=True)
    assert not upstream.whole(attack.row)


def test_hpack_bomb(attack, upstream):
    """An entry of 4000 bytes in the table, named 16000 times in each block of 16 KB: 64 MB of fields each."""
    client = attack.client
    client.send(h2.headers(1, plain_block(client.request()) + literal(b"x", b"v" * 4000, "incremental")))
    assert client.expect_answer(1).status == 200
    bomb = indexed(FIRST_DYNAMIC) * 16_000

    def drop(number):
        return h2.headers(stream_of(number + 1), plain_block(client.request()) + bomb)

    attack.flood(drop, 100, 1)
    if client.poll():
        for number in range(100):
            try:
                client.expect_refusal(stream_of(number + 1), (431,), (h2.PROTOCOL_ERROR, *CALM, h2.INTERNAL_ERROR))
            except AssertionError:  # the connection has ended meanwhile
                assert not client.poll()
                break
    else:
        attack.expect_end(HEADER, CALM + (h2.COMPRESSION_ERROR, h2.PROTOCOL_ERROR))
    assert len(upstream.of(attack.row)) == 1


def test_hpack_bomb_in_cookies(attack, upstream):
    """Crumbs are joined into one field: their sum counts, not their number alone."""
    client = attack.client
    client.send(h2.headers(1, plain_block(client.request()) + literal(b"cookie", b"c" * 3000, "incremental")))
    assert client.expect_answer(1).status == 200
    client.send(h2.headers(3, plain_block(client.request()) + indexed(FIRST_DYNAMIC) * 16_000))
    client.expect_refusal(3, (431,), (h2.PROTOCOL_ERROR, *CALM, h2.INTERNAL_ERROR))
    assert len(upstream.of(attack.row)) == 1


def test_heads_too_large_without_end(attack, upstream):
    """Each head is refused by 431 or a stream error; that often it is a flood, or goes on with flat memory."""
    block = b"".join(literal(b"x-%d" % number, b"v" * 1000) for number in range(15))
    client = attack.client

    def large(number):
        return h2.header_frames(stream_of(number), plain_block(client.request()) + block * 3)

    attack.flood(large, 1000, 20)
    if client.goaway():
        attack.expect_end(HEADER + RESET + OTHER, CALM + (h2.PROTOCOL_ERROR,))
    assert not upstream.of(attack.row)


# ---- streams that are over ------------------------------------------------------------------------------------------


def test_headers_on_a_stream_that_was_reset(attack, upstream):
    """The first is a request that is reset for its faults. HPACK must decode what follows on its stream, and nobody is
    told of it."""
    client = attack.client
    client.send(client.post(1, "/x", ("content-length", "2")) + h2.data(1, b"abc"))
    client.expect_stream_error(1, h2.PROTOCOL_ERROR, statuses=(400,))
    trailers = h2.headers(1, plain_block([("x-t", "1")]))
    sent = attack.flood(lambda number: trailers, 100_000, 500)
    assert sent < 50_000, f"{sent} blocks were taken: {client.story()}"
    attack.expect_end(HEADER)
    assert not upstream.whole(attack.row)


def test_data_on_a_stream_that_was_reset(attack, upstream):
    """The client keeps to the window of the connection, which is given back for what nobody reads."""
    client = attack.client
    client.send(client.post(1, "/x", ("content-length", "2")) + h2.data(1, b"abc"))
    client.expect_stream_error(1, h2.PROTOCOL_ERROR, statuses=(400,))
    piece = h2.data(1, b"x" * 8000)
    sent = attack.flood(lambda number: piece, 20_000, 10)
    assert sent < 10_000, f"{sent} frames were taken: {client.story()}"
    attack.expect_end(("h2_flow_control_error",), (h2.FLOW_CONTROL_ERROR,))
    assert not upstream.whole(attack.row)


def test_what_comes_before_the_client_knows_is_no_attack(daemon, transport):
    """Trailers and a window's worth of DATA of each request that was refused early."""
    with H2Client(listener_of(daemon, transport)) as client:
        client.mark(("x-row", "early"))
        for number in range(0, 100, 2):
            stream = stream_of(number)
            client.send(client.post(stream, "/x", ("content-length", "2")) + h2.data(stream, b"abc")
                        + h2.data(stream, b"x" * 15_000) * 4 + h2.headers(stream, plain_block([("x-t", "1")])))
            client.expect_stream_error(stream, h2.PROTOCOL_ERROR, statuses=(400,))
        client.send(client.get(stream_of(100)))
        assert client.expect_answer(stream_of(100)).body == BODY


# ---- frames about the connection ------------------------------------------------------------------------------------


FLOODS = [
    ("SETTINGS", SETTINGS, lambda client, number: h2.settings()),
    ("SETTINGS with values", SETTINGS, lambda client, number: h2.settings((h2.INITIAL_WINDOW_SIZE, 1000 + number))),
    ("SETTINGS with many values", SETTINGS + PROTOCOL,
     lambda client, number: h2.settings(*[(h2.MAX_FRAME_SIZE, 16384)] * 100)),
    ("PING", PING, lambda client, number: h2.ping()),
    ("PRIORITY of idle streams", PRIORITY, lambda client, number: h2.priority(stream_of(number + 1))),
    ("PRIORITY of one stream", PRIORITY, lambda client, number: h2.priority(1, 0, 1 + number % 256)),
    ("empty DATA", EMPTY, lambda client, number: h2.data(1)),
    ("DATA of padding alone", EMPTY, lambda client, number: h2.data(1, h2.pad(b"", 0), h2.PADDED)),
    ("WINDOW_UPDATE of the connection", WINDOW, lambda client, number: h2.window_update(0, 1)),
    ("WINDOW_UPDATE of a stream", WINDOW, lambda client, number: h2.window_update(1, 1)),
    ("unknown frames", OTHER, lambda client, number: h2.frame(0x42, 0, 0)),
    ("unsolicited ACK of PING", PING + OTHER, lambda client, number: h2.ping(flags=h2.ACK)),
]


@pytest.mark.parametrize("kind, reasons, frames", FLOODS, ids=[row[0] for row in FLOODS])
def test_flood_of_small_frames(attack, upstream, kind, reasons, frames):
    """A stream is open, its body is still to come; the frames follow each other as fast as they can be sent."""
    client = attack.client
    client.send(client.post(1))
    sent = attack.flood(lambda number: frames(client, number), 60_000, 500)
    assert sent < 60_000, f"{sent} frames were taken: {client.story()}"
    attack.expect_end(reasons)
    assert not upstream.whole(attack.row)


ANSWERED = [("PING", PING, h2.ping()), ("SETTINGS", SETTINGS, h2.settings()),
            ("requests", OTHER, None)]


@pytest.mark.parametrize("kind, reasons, piece", ANSWERED, ids=[row[0] for row in ANSWERED])
def test_answers_that_are_never_read(daemon, upstream, transport, kind, reasons, piece):
    """The client sends what must be answered and reads nothing: what waits to be sent is bounded."""
    with Attack(daemon, upstream, transport, receive_buffer=4096) as attack:
        client = attack.client
        client.sock.settimeout(2 * SLOWNESS)

        def frames(number):
            return piece or client.get(stream_of(number))

        sent = attack.flood(frames, 400_000 if piece else 5000, 1000, read=False)
        assert sent < 400_000
        attack.expect_flat_memory()
        attack.expect_service()


def test_moderate_use_is_no_flood(daemon, transport):
    """What clients do: some PING, SETTINGS, PRIORITY and many small WINDOW_UPDATE and DATA frames over requests that
    are answered."""
    with H2Client(listener_of(daemon, transport)) as client:
        client.mark(("x-row", "moderate"))
        for number in range(100):
            stream = stream_of(number)
            client.send(h2.priority(stream) + client.post(stream) + h2.window_update(stream, 100)
                        + h2.window_update(0, 100) + b"".join(h2.data(stream, b"x") for _ in range(20))
                        + h2.data(stream, b"", h2.END_STREAM))
            if number % 10 == 0:
                client.ping()
            if number % 25 == 0:
                client.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 70_000 + number)))
            assert client.expect_answer(stream).body == BODY


def test_the_server_still_serves(daemon, upstream):
    for transport in TRANSPORTS:
        assert h2_fetch(listener_of(daemon, transport)).status == 200
    assert not upstream.errors
