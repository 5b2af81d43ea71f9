# SPDX-License-Identifier: Apache-2.0
"""The same over HTTP/2: rows of frames that answer a request on stream `s`, and an upstream that sends them."""
import hpack

from . import h2frames as h2
from .h2hpack import indexed, integer, literal, plain_block, size_update
from .hostile_h1 import CUT_INVALID, EMPTY, INVALID, OK, Outcome, row
from .upstream import RawUpstream

# All bytes that its length promises have come; only the end has not, which HTTP/1 cannot say.
WITHOUT_END = Outcome(200, b"ok", reasons=("upstream_truncated", "upstream_reset"))
REFUSED = Outcome(503, reasons=("upstream_refused_stream",))
ENDED = Outcome(502, reasons=("upstream_closed", "upstream_reset", "upstream_stream_reset", "upstream_truncated",
                              "upstream_invalid_response"))
ANY_CUT = Outcome(200, cut=True, reasons=("upstream_truncated", "upstream_reset", "upstream_invalid_response"))


def block(*fields, status="200"):
    start = [(":status", status)] if status is not None else []
    return plain_block(start + list(fields))


def whole(*fields, status="200"):
    """HEADERS that end the stream."""
    return lambda s: h2.headers(s, block(*fields, status=status), h2.WHOLE)


def with_body(*fields, body=b"ok", status="200", end=True):
    """HEADERS and one DATA frame."""
    def frames(s):
        return (h2.headers(s, block(*fields, status=status), h2.END_HEADERS)
                + h2.data(s, body, h2.END_STREAM if end else h2.NONE))
    return frames


def then(first, second):
    return lambda s: first(s) + second(s)


def invalid(name, frames, **more):
    return row(f"h2: {name}", frames, INVALID, **more)


def bomb(s):
    """One long field in the table, and then 4,000 references to it: 16 MB of fields in 4 kB."""
    start = literal(b":status", b"200") + literal(b"x-bomb", b"v" * 4000, "incremental")
    return h2.headers(s, start + indexed(62) * 4000, h2.WHOLE)


HEADS = [
    invalid("no :status", whole(("x-a", "1"), status=None)),
    invalid("an empty block", lambda s: h2.headers(s, b"", h2.WHOLE)),
    invalid("two :status", whole((":status", "200"))),
    invalid("a :path", whole((":path", "/x"))),
    invalid("an unknown pseudo-header field", whole((":x", "1"))),
    invalid(":status behind a field", lambda s: h2.headers(s, plain_block([("x-a", "1"), (":status", "200")]),
                                                           h2.WHOLE)),
    invalid("a name in upper case", whole(("X-A", "1"))),
    invalid("an empty name", whole(("", "1"))),
    invalid("a name with a space", whole(("x a", "1"))),
    invalid("a name with a colon", whole(("x:a", "1"))),
    invalid("a name with CR LF", whole(("x\r\na", "1"))),
    invalid("a value with CR LF", whole(("x-a", "1\r\nset-cookie: a=b"))),
    invalid("a value with LF", whole(("x-a", "1\n2"))),
    invalid("a value with NUL", whole(("x-a", "1\0"))),
    invalid("a value that begins with a space", whole(("x-a", " 1"))),
    invalid("connection", whole(("connection", "close"))),
    invalid("transfer-encoding", whole(("transfer-encoding", "chunked"))),
    invalid("upgrade", whole(("upgrade", "websocket"))),
    invalid("keep-alive", whole(("keep-alive", "timeout=5"))),
    invalid("fields of 1 MB", lambda s: h2.header_frames(s, block(*[("x-a", "v" * 10_000)] * 100))),
    invalid("5,000 fields", lambda s: h2.header_frames(s, block(*[("x", "y")] * 5000))),
    invalid("a bomb of HPACK", bomb),
] + [
    invalid(f":status {status!r}", with_body(status=status))
    for status in ("", "2", "20", "2000", "0200", "099", "000", "abc", "2e2", "+20", " 200", "200 ", "200 OK", "101")
]

FRAMING = [
    invalid(f"content-length {value!r}", with_body(("content-length", value)))
    for value in ("", "-2", "+2", "0x2", "2,2", "2 2", "two", "18446744073709551618")
] + [
    invalid("two content-lengths that differ", with_body(("content-length", "2"), ("content-length", "3"))),
    invalid("two content-lengths that agree", with_body(("content-length", "2"), ("content-length", "2"))),
    row("h2: content-length above DATA", with_body(("content-length", "3")), CUT_INVALID, INVALID),
    row("h2: content-length below DATA", with_body(("content-length", "1")), CUT_INVALID, INVALID),
    row("h2: content-length of 0 and DATA", with_body(("content-length", "0")), CUT_INVALID, INVALID),
    invalid("content-length and no DATA", whole(("content-length", "2"))),
    row("h2: content-length that is right", with_body(("content-length", "2")), OK),
    row("h2: no content-length", with_body(), OK),
    row("h2: empty DATA at the end", then(with_body(end=False), lambda s: h2.data(s, b"", h2.END_STREAM)), OK),
    row("h2: padded DATA", lambda s: h2.headers(s, block(), h2.END_HEADERS)
        + h2.data(s, h2.pad(b"ok", 100), h2.END_STREAM | h2.PADDED), OK),
    row("h2: 204 with DATA", with_body(status="204"), Outcome(204), INVALID,
        Outcome(204, cut=True, reasons=("upstream_invalid_response",))),
    row("h2: 304 with a length", whole(("content-length", "2"), status="304"), Outcome(304)),
    row("h2: a length for HEAD", whole(("content-length", "2")), EMPTY, method="HEAD"),
    row("h2: DATA for HEAD", with_body(("content-length", "2")), EMPTY, INVALID, CUT_INVALID, method="HEAD"),
    row("h2: trailers", then(with_body(end=False), lambda s: h2.headers(s, plain_block([("x-t", "1")]), h2.WHOLE)), OK),
]

INTERIM = [
    row("h2: 103 and an answer", then(lambda s: h2.headers(s, block(status="103"), h2.END_HEADERS), with_body()), OK),
    row("h2: 100 and an answer", then(lambda s: h2.headers(s, block(status="100"), h2.END_HEADERS), with_body()), OK),
    invalid("103 without end", lambda s: h2.headers(s, block(status="103"), h2.END_HEADERS) * 500),
    invalid("103 that ends the stream", whole(status="103")),
    invalid("DATA behind 103", then(lambda s: h2.headers(s, block(status="103"), h2.END_HEADERS),
                                    lambda s: h2.data(s, b"ok", h2.END_STREAM))),
    invalid("101", then(lambda s: h2.headers(s, block(status="101"), h2.END_HEADERS), with_body())),
]

TRAILERS = [
    row(f"h2: trailers with {name}", then(with_body(end=False), lambda s, fields=fields, flags=flags: h2.headers(
        s, plain_block(fields), flags)), CUT_INVALID, INVALID)
    for name, fields, flags in (
        (":status", [(":status", "200")], h2.WHOLE), ("no end", [("x-t", "1")], h2.END_HEADERS),
        ("upper case", [("X-T", "1")], h2.WHOLE), ("CR LF", [("x-t", "1\r\n2")], h2.WHOLE),
        ("transfer-encoding", [("transfer-encoding", "chunked")], h2.WHOLE))
]

FRAMES = [
    invalid("DATA before HEADERS", lambda s: h2.data(s, b"ok", h2.END_STREAM)),
    invalid("DATA on stream 0", lambda s: h2.data(0, b"ok")),
    invalid("HEADERS on stream 0", lambda s: h2.headers(0, block())),
    invalid("HEADERS on a stream of its own", lambda s: h2.headers(2, block())),
    invalid("an answer that nobody asked for", lambda s: with_body(body=b"stolen")(s + 100)),
    invalid("PUSH_PROMISE", lambda s: h2.frame(h2.PUSH_PROMISE, h2.END_HEADERS, s, b"\0\0\0\x02" + block())),
    row("h2: a frame above the size that was granted", lambda s: h2.headers(s, block(), h2.END_HEADERS)
        + h2.data(s, b"x" * 20_000), CUT_INVALID, INVALID),
    invalid("HEADERS whose padding is longer than it", lambda s: h2.headers(s, b"\xff" + block(),
        h2.WHOLE | h2.PADDED)),
    invalid("HEADERS that depend on themselves", lambda s: h2.headers(
        s, h2.priority_part(s) + block(status=None), h2.WHOLE | h2.PRIORITIZED)),
    invalid("another frame within a block", lambda s: h2.headers(s, block(), h2.NONE) + h2.ping()),
    invalid("a stray CONTINUATION", lambda s: h2.continuation(s, block())),
    invalid("CONTINUATION without end", lambda s: h2.headers(s, block(), h2.NONE)
            + h2.continuation(s, b"", h2.NONE) * 5000),
    invalid("an index that is in no table", lambda s: h2.headers(s, indexed(200), h2.WHOLE)),
    invalid("index 0", lambda s: h2.headers(s, indexed(0), h2.WHOLE)),
    invalid("an integer without end", lambda s: h2.headers(s, b"\xff" * 50, h2.WHOLE)),
    invalid("a string that is longer than its block", lambda s: h2.headers(s, b"\0" + integer(1000, 7) + b"x",
        h2.WHOLE)),
    invalid("a table above what was granted", lambda s: h2.headers(s, size_update(1 << 20) + block(), h2.WHOLE)),
    invalid("WINDOW_UPDATE of 0", lambda s: h2.window_update(0, 0)),
    invalid("WINDOW_UPDATE beyond 2^31", lambda s: h2.window_update(0, h2.WINDOW_MAX) * 2),
    invalid("SETTINGS of five bytes", lambda s: h2.frame(h2.SETTINGS, 0, 0, b"12345")),
    invalid("SETTINGS on a stream", lambda s: h2.settings(stream=s)),
    invalid("SETTINGS with a window beyond 2^31", lambda s: h2.settings((h2.INITIAL_WINDOW_SIZE, 1 << 31))),
    invalid("SETTINGS with a tiny frame size", lambda s: h2.settings((h2.MAX_FRAME_SIZE, 100))),
    invalid("SETTINGS that push", lambda s: h2.settings((h2.ENABLE_PUSH, 1))),
    invalid("PING of five bytes", lambda s: h2.ping(b"12345")),
    invalid("RST_STREAM of five bytes", lambda s: h2.frame(h2.RST_STREAM, 0, s, b"12345")),
    invalid("RST_STREAM of an idle stream", lambda s: h2.rst_stream(s + 100)),
    invalid("a flood of PING", lambda s: h2.ping() * 50_000),
    invalid("a flood of SETTINGS", lambda s: h2.settings() * 50_000),
    row("h2: a flood of empty DATA", lambda s: h2.headers(s, block(), h2.END_HEADERS) + h2.data(s) * 50_000,
        CUT_INVALID,
        INVALID),
    invalid("an answer of HTTP/1.1", lambda s: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    row("h2: frames of an unknown type", lambda s: h2.frame(0x42, 0, s, b"x") + with_body()(s), OK),
    row("h2: DATA behind the end", then(with_body(), lambda s: h2.data(s, b"more")), OK, ANY_CUT, INVALID),
    row("h2: HEADERS behind the end", then(with_body(), whole()), OK, ANY_CUT, INVALID),
    row("h2: more than the windows", lambda s: h2.headers(s, block(), h2.END_HEADERS)
        + h2.data(s, b"x" * 16384) * 400, ANY_CUT, INVALID),
]

ENDS = [
    row(f"h2: RST_STREAM {h2.code_name(code)}", lambda s, code=code: h2.rst_stream(s, code), *outcomes)
    for code, outcomes in (
        (h2.NO_ERROR, (ENDED,)), (h2.PROTOCOL_ERROR, (ENDED,)), (h2.INTERNAL_ERROR, (ENDED,)), (h2.CANCEL, (ENDED,)),
        (h2.STREAM_CLOSED, (ENDED,)), (h2.ENHANCE_YOUR_CALM, (ENDED,)), (h2.HTTP_1_1_REQUIRED, (ENDED,)), (99,
            (ENDED,)),
        (h2.REFUSED_STREAM, (REFUSED, ENDED)))
] + [
    row("h2: a head and RST_STREAM", then(with_body(end=False), lambda s: h2.rst_stream(s, h2.INTERNAL_ERROR)), ANY_CUT,
        ENDED),
    row("h2: a head and RST_STREAM NO_ERROR", then(with_body(end=False), lambda s: h2.rst_stream(s, h2.NO_ERROR)),
        ANY_CUT, ENDED),
    row("h2: an answer and RST_STREAM NO_ERROR", then(with_body(), lambda s: h2.rst_stream(s, h2.NO_ERROR)), OK),
    row("h2: GOAWAY that leaves the request out", lambda s: h2.goaway(0), REFUSED, ENDED),
    row("h2: GOAWAY and an answer", lambda s: h2.goaway(s) + with_body()(s), OK),
    row("h2: GOAWAY with an error", lambda s: h2.goaway(s, h2.INTERNAL_ERROR), ENDED, REFUSED, ending="close"),
] + [
    row(f"h2: {name} and a {ending}", frames, *outcomes, ending=ending) for ending in ("close", "reset")
    for name, frames, outcomes in (
        ("nothing", lambda s: b"", (ENDED,)), ("half a frame", lambda s: whole()(s)[:12], (ENDED,)),
        ("half a block", lambda s: h2.headers(s, block(), h2.NONE), (ENDED,)),
        ("a head", lambda s: h2.headers(s, block(), h2.END_HEADERS), (ANY_CUT, ENDED)),
        ("a body without an end", with_body(end=False), (ANY_CUT, ENDED)),
        ("a sized body without an end", with_body(("content-length", "2"), end=False),
         (WITHOUT_END, ANY_CUT, ENDED)),
        ("half a DATA frame", lambda s: with_body()(s)[:-1], (ANY_CUT, ENDED)))
]

ROWS = HEADS + FRAMING + INTERIM + TRAILERS + FRAMES + ENDS


class ScriptedH2Upstream(RawUpstream):
    """Speaks HTTP/2 with prior knowledge by hand: `script(target)` gives a function from a stream to the frames that
    answer it (see send), and what becomes of the connection (see Row.ending)."""

    def __init__(self, script):
        self.script = script
        super().__init__(on_connect=self.serve_connection)

    def serve_connection(self, connection):
        reader, decoder = connection.reader, hpack.Decoder()
        assert reader.exactly(len(h2.PREFACE)) == h2.PREFACE
        connection.send(h2.settings())
        while not connection.closed:
            size = reader.exactly(9)
            kind, flags, stream = size[3], size[4], int.from_bytes(size[5:9], "big")
            payload = reader.exactly(int.from_bytes(size[:3], "big"))
            if kind == h2.SETTINGS and not flags & h2.ACK:
                connection.send(h2.settings_ack())
            if kind == h2.HEADERS:
                frames, ending = self.script(dict(decoder.decode(payload))[":path"])
                self.send(connection, frames(stream))
                self.end(connection, ending)
        return True

    @staticmethod
    def send(connection, frames):
        """`frames`: bytes, or pieces of them that come as they are made."""
        for piece in [frames] if isinstance(frames, bytes) else frames:
            connection.send(piece)
            if connection.peer_gone.is_set():
                return

    @staticmethod
    def end(connection, ending):
        if ending != "open":
            connection.close(reset=ending == "reset")
