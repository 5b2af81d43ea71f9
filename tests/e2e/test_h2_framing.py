# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frames (RFC 9113 §3.4, §4, §6): each kind in its right forms is taken, each wrong form is the error that the
section names, and the connection ends by GOAWAY where it says connection error."""
import pytest

from harness import h2frames as h2
from harness.client import RawClient
from harness.h2cases import (TRANSPORTS, Case, Recorder, alive, alive_or_gone, answered, connection_error, h2_scene,
                             listener_of, run_case, stream_error)
from harness.h2wire import H2Client, h2_fetch
from harness.wire import Ended

ENDED = h2.END_STREAM
PADDED = h2.WHOLE | h2.PADDED
UNKNOWN = 0xff


@pytest.fixture(scope="module")
def upstream():
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, upstream):
    return start_daemon(h2_scene(site_pair, upstream.url))


@pytest.fixture(params=TRANSPORTS)
def client(daemon, request):
    with H2Client(listener_of(daemon, request.param)) as one:
        yield one


def split(client, *sizes, flags=h2.END_STREAM, fields=()):
    """A GET whose header block stands in HEADERS and CONTINUATION frames: `sizes` bytes each, and the rest."""
    block = client.encode(client.request("GET", "/x", *fields, *[(f"x-{number}", "v" * 20) for number in range(5)]))
    pieces, start = [], 0
    for size in sizes:
        pieces.append(block[start:start + size])
        start += size
    pieces.append(block[start:])
    frames = [h2.headers(1, pieces[0], flags)] + [h2.continuation(1, piece, h2.NONE) for piece in pieces[1:-1]]
    return b"".join(frames) + h2.continuation(1, pieces[-1])


def open_block(client, stream=1):
    """HEADERS without END_HEADERS."""
    return client.get(stream, flags=h2.END_STREAM)


def padded_get(client, count, claimed=None):
    return h2.headers(1, h2.pad(client.encode(client.request()), count, claimed), PADDED)


def prioritized_get(client, part, stream=1):
    return h2.headers(stream, part + client.encode(client.request()), h2.WHOLE | h2.PRIORITIZED)


ACCEPTED = [
    Case("3.1 DATA", lambda c: c.post() + h2.data(1, b"test", ENDED), answered(), 1),
    Case("3.1 several DATA frames", lambda c: c.post() + h2.data(1, b"te") + h2.data(1, b"st") + h2.data(1, b"", ENDED),
         answered(), 1),
    Case("3.1 DATA with padding", lambda c: c.post() + h2.data(1, h2.pad(b"test", 6), ENDED | h2.PADDED), answered(),
         1),
    Case("3.1 DATA with the pad length 0", lambda c: c.post() + h2.data(1, h2.pad(b"test", 0), ENDED | h2.PADDED),
         answered(), 1),
    Case("3.1 DATA that is padding alone", lambda c: c.post() + h2.data(1, h2.pad(b"", 255), ENDED | h2.PADDED),
         answered(), 1),
    Case("3.2 HEADERS", lambda c: c.get(), answered(), 1),
    Case("3.2 HEADERS with padding", lambda c: padded_get(c, 8), answered(), 1),
    Case("3.2 HEADERS with priority", lambda c: prioritized_get(c, h2.priority_part(0, 256, True)), answered(), 1),
    Case("3.2 HEADERS with priority and padding", lambda c: h2.headers(
        1, h2.pad(h2.priority_part(0, 1) + c.encode(c.request()), 3), PADDED | h2.PRIORITIZED), answered(), 1),
    Case("3.3 PRIORITY of weight 1", lambda c: h2.priority(1, 0, 1) + c.get(), answered(), 1),
    Case("3.3 PRIORITY that depends on itself", lambda c: h2.priority(1, 1) + c.get(), answered(), 1),
    Case("3.3 PRIORITY of weight 256", lambda c: h2.priority(1, 0, 256) + c.get(), answered(), 1),
    Case("3.3 PRIORITY that depends on a stream", lambda c: h2.priority(1, 3) + c.get(), answered(), 1),
    Case("3.3 PRIORITY that is exclusive", lambda c: h2.priority(1, 3, 16, True) + c.get(), answered(), 1),
    Case("3.3 PRIORITY for an idle stream, then a lower stream", lambda c: h2.priority(5) + c.get(1), answered(), 1),
    Case("3.4 RST_STREAM", lambda c: c.post() + h2.rst_stream(1), alive_or_gone, 0),
    Case("3.5 SETTINGS", lambda c: h2.settings((h2.MAX_CONCURRENT_STREAMS, 10)), lambda c: c.expect_settings_ack()),
    Case("3.7 PING", lambda c: b"", lambda c: c.ping(b"\x00\xff12345\n")),
    Case("3.8 GOAWAY", lambda c: h2.goaway(), alive_or_gone),
    Case("3.8 GOAWAY with debug data", lambda c: h2.goaway(debug=b"bye" * 100), alive_or_gone),
    Case("3.9 WINDOW_UPDATE of the connection", lambda c: h2.window_update(0, 100), alive),
    Case("3.9 WINDOW_UPDATE of a stream", lambda c: c.get() + h2.window_update(1, 100), answered(), 1),
    Case("3.10 CONTINUATION", lambda c: split(c, 1), answered(), 1),
    Case("3.10 several CONTINUATION frames", lambda c: split(c, 10, 1, 1, 20), answered(), 1),
    Case("6.10 empty HEADERS, then one CONTINUATION", lambda c: split(c, 0), answered(), 1),
    Case("4.1 frame of an unknown type", lambda c: h2.frame(UNKNOWN, 0, 0, b"\0" * 8), alive),
    Case("4.1 frame of an unknown type on a stream", lambda c: c.post() + h2.frame(0x16, 0xff, 1, b"\0" * 5000)
         + h2.data(1, b"", ENDED), answered(), 1),
    Case("4.1 undefined flags", lambda c: h2.ping(flags=0xfe), alive),
    Case("4.1 undefined flags of DATA", lambda c: c.post() + h2.data(1, b"test", 0xf7 & ~h2.PADDED), answered(), 1),
    Case("4.1 the reserved bit of a stream", lambda c: h2.ping(stream=1 << 31), alive),
    Case("4.1 the reserved bit of HEADERS", lambda c: c.get((1 << 31) + 1), answered(), 1),
    Case("4.2 DATA of 16384 bytes", lambda c: c.post() + h2.data(1, b"x" * h2.FRAME_SIZE, ENDED), answered(), 1),
    Case("5.5 unknown frame of an extension", lambda c: h2.frame(0x16, 0, 0, b"\0" * 8), alive),
    Case("6.2 HEADERS with the pad length 0", lambda c: padded_get(c, 0), answered(), 1),
    Case("6.9 the reserved bit of WINDOW_UPDATE",
         lambda c: h2.frame(h2.WINDOW_UPDATE, 0, 0, (1 << 31 | 1).to_bytes(4, "big")), alive),
    Case("7 GOAWAY with an unknown code", lambda c: h2.goaway(0, 0xff), alive_or_gone),
    Case("7 RST_STREAM with an unknown code", lambda c: c.post() + h2.rst_stream(1, 0xff), alive_or_gone, 0),
]

PROTOCOL = connection_error(h2.PROTOCOL_ERROR)
SIZE = connection_error(h2.FRAME_SIZE_ERROR)

REFUSED = [
    Case("4.2 DATA above SETTINGS_MAX_FRAME_SIZE", lambda c: c.post() + h2.data(1, b"x" * (h2.FRAME_SIZE + 1), ENDED),
         stream_error(h2.FRAME_SIZE_ERROR), 0),
    Case("4.2 HEADERS above SETTINGS_MAX_FRAME_SIZE",
         lambda c: c.get(1, "/x", *[(f"x-{number}", "1" * 4000) for number in range(9)]), SIZE, 0),
    Case("4.2 unknown frame above SETTINGS_MAX_FRAME_SIZE",
         lambda c: h2.frame(UNKNOWN, 0, 0, b"\0" * (h2.FRAME_SIZE + 1)), SIZE),
    Case("4.2 a length of 16 MiB", lambda c: h2.frame(h2.DATA, 0, 1, b"", length=2**24 - 1), SIZE),
    Case("4.3 PRIORITY within a header block", lambda c: open_block(c) + h2.priority(1), PROTOCOL, 0),
    Case("4.3 HEADERS of another stream within a header block", lambda c: open_block(c) + c.get(3), PROTOCOL, 0),
    Case("4.3 DATA within a header block", lambda c: open_block(c) + h2.data(1, b"x", ENDED), PROTOCOL, 0),
    Case("4.3 PING within a header block", lambda c: open_block(c) + h2.ping(), PROTOCOL, 0),
    Case("4.3 CONTINUATION of another stream", lambda c: open_block(c) + h2.continuation(3), PROTOCOL, 0),
    Case("5.4.1 PING that is wrong", lambda c: h2.ping(stream=3), PROTOCOL),
    Case("5.5 unknown frame within a header block", lambda c: open_block(c) + h2.frame(0x16, 0, 1, b"\0" * 8),
         PROTOCOL, 0),
    Case("6.1 DATA on stream 0", lambda c: h2.data(0, b"test", ENDED), PROTOCOL),
    Case("6.1 padding of DATA as long as its frame", lambda c: c.post() + h2.data(
        1, h2.pad(b"test", 0, claimed=5), ENDED | h2.PADDED), PROTOCOL, 0),
    Case("6.1 padding of DATA longer than its frame", lambda c: c.post(1, "/x", ("content-length", "4")) + h2.data(
        1, h2.pad(b"Test", 0, claimed=6), ENDED | h2.PADDED), PROTOCOL, 0),
    Case("6.1 padded DATA without a pad length", lambda c: c.post() + h2.data(1, b"", ENDED | h2.PADDED),
         connection_error(h2.PROTOCOL_ERROR, h2.FRAME_SIZE_ERROR), 0),
    Case("6.2 PRIORITY behind HEADERS without END_HEADERS", lambda c: open_block(c) + h2.priority(3), PROTOCOL, 0),
    Case("6.2 HEADERS behind HEADERS without END_HEADERS", lambda c: open_block(c) + open_block(c, 3), PROTOCOL, 0),
    Case("6.2 HEADERS on stream 0", lambda c: c.get(0), PROTOCOL, 0),
    Case("6.2 padding of HEADERS longer than its frame", lambda c: padded_get(c, 0, claimed=255), PROTOCOL, 0),
    Case("6.2 padding of HEADERS over its priority", lambda c: h2.headers(
        1, h2.pad(h2.priority_part(), 0, claimed=5), PADDED | h2.PRIORITIZED), PROTOCOL),
    Case("6.2 HEADERS too short for its priority", lambda c: h2.headers(1, b"\0\0", h2.WHOLE | h2.PRIORITIZED),
         connection_error(h2.FRAME_SIZE_ERROR, h2.PROTOCOL_ERROR)),
    Case("6.3 PRIORITY on stream 0", lambda c: h2.priority(0, 1), PROTOCOL),
    Case("6.3 PRIORITY of 3 bytes", lambda c: c.post() + h2.frame(h2.PRIORITY, 0, 1, b"\x80\0\0"),
         stream_error(h2.FRAME_SIZE_ERROR), 0),
    Case("6.4 RST_STREAM on stream 0", lambda c: h2.rst_stream(0), PROTOCOL),
    Case("6.4 RST_STREAM on an idle stream", lambda c: h2.rst_stream(1), PROTOCOL),
    Case("6.4 RST_STREAM of 3 bytes", lambda c: c.post() + h2.frame(h2.RST_STREAM, 0, 1, b"\0\0\0"), SIZE, 0),
    Case("6.6 PUSH_PROMISE from a client", lambda c: c.post() + h2.frame(
        h2.PUSH_PROMISE, h2.END_HEADERS, 1, b"\0\0\0\2" + c.encode(c.request())), PROTOCOL, 0),
    Case("6.7 PING on a stream", lambda c: h2.ping(stream=1), PROTOCOL),
    Case("6.7 PING of 6 bytes", lambda c: h2.ping(b"\0" * 6), SIZE),
    Case("6.7 PING of 9 bytes", lambda c: h2.ping(b"\0" * 9), SIZE),
    Case("6.8 GOAWAY on a stream", lambda c: h2.goaway(stream=1), PROTOCOL),
    Case("6.8 GOAWAY of 7 bytes", lambda c: h2.frame(h2.GOAWAY, 0, 0, b"\0" * 7), SIZE),
    Case("6.10 DATA behind CONTINUATION without END_HEADERS", lambda c: open_block(c) + h2.continuation(
        1, c.encode([("x-dummy0", "v" * 20)]), h2.NONE) + h2.data(1, b"test", ENDED), PROTOCOL, 0),
    Case("6.10 CONTINUATION on stream 0", lambda c: open_block(c) + h2.continuation(0, c.encode([("x-dummy0", "v")])),
         PROTOCOL, 0),
    Case("6.10 CONTINUATION behind HEADERS with END_HEADERS", lambda c: c.post() + h2.continuation(
        1, c.encode([("x-dummy0", "v")])), PROTOCOL, 0),
    Case("6.10 CONTINUATION behind CONTINUATION with END_HEADERS", lambda c: split(c, 3, flags=h2.NONE)
         + h2.continuation(1, c.encode([("x-dummy0", "v")])), PROTOCOL, 0),
    Case("6.10 CONTINUATION behind DATA", lambda c: c.post() + h2.data(1, b"test") + h2.continuation(
        1, c.encode([("x-dummy0", "v")])), PROTOCOL, 0),
    Case("8.4 PUSH_PROMISE without a stream", lambda c: h2.frame(
        h2.PUSH_PROMISE, h2.END_HEADERS, 1, b"\0\0\0\3" + c.encode(c.request())), PROTOCOL),
]


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_accepted(client, upstream, case):
    run_case(client, upstream, case)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_refused(client, upstream, case):
    run_case(client, upstream, case)


# ---- the start of a connection --------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_settings_are_the_first_frame_of_the_server(daemon, transport):
    with H2Client(listener_of(daemon, transport), start=False) as client:
        client.send(h2.PREFACE + h2.settings())
        first = client.read_frame()
        assert first.type == h2.SETTINGS and not first.has(h2.ACK) and first.stream == 0, first
        client.ping()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_the_server_announces(daemon, transport):
    """Limits that a client can rely on: enough streams and window, frames as usual, no push."""
    with H2Client(listener_of(daemon, transport)) as client:
        announced = client.server_settings
    assert 100 <= announced[h2.MAX_CONCURRENT_STREAMS] <= 1000, announced
    assert announced.get(h2.INITIAL_WINDOW_SIZE, h2.WINDOW) >= h2.WINDOW, announced
    assert announced.get(h2.MAX_FRAME_SIZE, h2.FRAME_SIZE) == h2.FRAME_SIZE, announced
    assert announced.get(h2.ENABLE_PUSH, 0) == 0, announced


def test_the_server_announces_what_it_is_built_for(daemon):
    """Extended CONNECT (RFC 8441), no priorities of RFC 7540 (RFC 9218 §2.1), and how large a head may be."""
    with H2Client(daemon.https) as client:
        announced = client.server_settings
    assert (announced[h2.ENABLE_CONNECT_PROTOCOL], announced[h2.NO_RFC7540_PRIORITIES]) == (1, 1), announced
    assert announced[h2.MAX_HEADER_LIST_SIZE] >= 32 * 1024, announced


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("step", [1, 5, 23, 30])
def test_preface_in_pieces(daemon, upstream, transport, step):
    """Also byte by byte with the first request, and over the border of preface and SETTINGS."""
    with H2Client(listener_of(daemon, transport), start=False) as client:
        client.mark(("x-row", f"pieces-{transport}-{step}"))
        whole = h2.PREFACE + h2.settings() + client.get()
        for start in range(0, len(whole), step):
            client.send(whole[start:start + step])
        answered()(client)
    assert len(upstream.of(f"pieces-{transport}-{step}")) == 1


WRONG_PREFACES = [b"INVALID CONNECTION PREFACE\r\n\r\n", h2.PREFACE[:-6] + b"XX\r\n\r\n" + h2.settings(),
                  h2.PREFACE.replace(b"2.0", b"2.1") + h2.settings(), b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n",
                  b"GET / HTTP/1.1\nHost: x\n\n", b"\0" * 40]


@pytest.mark.parametrize("start", WRONG_PREFACES, ids=repr)
def test_wrong_preface_over_tls(daemon, upstream, start):
    """Where ALPN chose h2 there is nothing else to speak: the connection ends."""
    before = len(upstream.received)
    with H2Client(daemon.https, start=False) as client:
        client.send(start)
        client.expect_connection_error(h2.PROTOCOL_ERROR, silent=True)
    assert len(upstream.received) == before


@pytest.mark.parametrize("start", WRONG_PREFACES, ids=repr)
def test_wrong_preface_without_tls(daemon, upstream, start):
    """What is not HTTP/2 is read as HTTP/1 and refused as such, or ends at once."""
    before = len(upstream.received)
    with RawClient(daemon.http.port) as client:
        client.send(start)
        try:
            if client.is_readable(client.sock.gettimeout()) and not client.reader.buffer:
                assert client.read_response().status in (400, 501, 505)
        except (Ended, AssertionError):
            assert not bytes(client.reader.buffer).startswith(b"HTTP/1.1 2"), client.reader.buffer
        assert client.reader.to_end() is not None
    assert len(upstream.received) == before


def test_http1_on_the_plain_listener(daemon, upstream):
    with RawClient(daemon.http.port) as client:
        response = client.request("GET", "/old", [("X-Row", "http1")])
    assert response.status == 200 and len(upstream.of("http1")) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_first_frame_that_is_no_settings(daemon, upstream, transport):
    with H2Client(listener_of(daemon, transport), start=False) as client:
        client.mark(("x-row", "no-settings"))
        client.send(h2.PREFACE + client.get())
        client.expect_connection_error(h2.PROTOCOL_ERROR)
    assert not upstream.of("no-settings")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_http1_upgrade_to_h2c_is_not_taken(daemon, transport):
    """RFC 9113 §3.1 took `Upgrade: h2c` away; the request is answered as if it were not there."""
    fields = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
              ("X-Row", "upgrade")]
    listener = listener_of(daemon, transport)
    with RawClient(listener.port, tls=listener.tls) as client:
        assert client.request("GET", "/x", fields).status == 200


# ---- the end of one -------------------------------------------------------------------------------------------------


def test_a_connection_error_names_the_last_stream(client):
    """GOAWAY says which requests may have been worked on (§6.8)."""
    client.send(client.get(1) + client.get(3))
    answered(stream=1)(client)
    answered(stream=3)(client)
    client.send(h2.ping(stream=1))
    got = client.expect_connection_error(h2.PROTOCOL_ERROR)
    assert int.from_bytes(got.payload[:4], "big") & h2.STREAM_MAX == 3, got


def test_a_client_that_says_goaway_gets_its_answers(client, upstream):
    client.mark(("x-row", "goaway"))
    client.send(client.post() + h2.goaway() + h2.data(1, b"test", ENDED))
    answered()(client)


def test_an_ack_of_ping_is_not_answered(client):
    client.send(h2.ping(b"unasked!", flags=h2.ACK))
    client.ping(b"asked...")
    assert [one.payload for one in client.seen if one.type == h2.PING] == [b"asked..."]


def test_the_server_still_serves(daemon):
    for transport in TRANSPORTS:
        assert h2_fetch(listener_of(daemon, transport)).status == 200
