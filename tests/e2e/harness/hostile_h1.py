# SPDX-License-Identifier: Apache-2.0
"""Rows of answers over HTTP/1 that an upstream must not give, or that are right although they look wrong: the bytes,
how its connection ends, and what the client may get of them. test_hostile_upstreams.py runs them."""
from dataclasses import dataclass

STOLEN = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


@dataclass(frozen=True)
class Outcome:
    """What the client may get: `status` and `body` of the upstream, whole; or `cut`: the head, and then no proper end;
    or the status of an answer of ours with one of `reasons`."""

    status: int
    body: bytes = b""
    cut: bool = False
    reasons: tuple = ()


INVALID = Outcome(502, reasons=("upstream_invalid_response",))
CLOSED = Outcome(502, reasons=("upstream_closed", "upstream_reset"))
CUT = Outcome(200, cut=True, reasons=("upstream_truncated", "upstream_reset"))
CUT_INVALID = Outcome(200, cut=True, reasons=("upstream_invalid_response",))
OK = Outcome(200, b"ok")
EMPTY = Outcome(200)


@dataclass(frozen=True)
class Row:
    """`outcomes`: those that will do. `ending`: close, reset, or open, where the connection stays as it is."""

    name: str
    data: object
    outcomes: tuple
    ending: str = "open"
    method: str = "GET"

    def __str__(self):
        return self.name


def head(*lines, status=b"200 OK", body=b"ok", version=b"HTTP/1.1"):
    return b"\r\n".join([version + b" " + status, *lines]) + b"\r\n\r\n" + body


def row(name, data, *outcomes, **more):
    return Row(name, data, outcomes, **more)


def invalid(name, data, **more):
    return row(name, data, INVALID, **more)


SPLITTING = [
    invalid("bare LF in a value", head(b"X-A: 1\nSet-Cookie: a=b", b"Content-Length: 2")),
    invalid("bare CR in a value", head(b"X-A: 1\rSet-Cookie: a=b", b"Content-Length: 2")),
    invalid("CR CR LF", head(b"X-A: 1\r", b"Content-Length: 2")),
    invalid("NUL in a value", head(b"X-A: 1\0", b"Content-Length: 2")),
    invalid("NUL in a name", head(b"X\0A: 1", b"Content-Length: 2")),
    invalid("control character in a value", head(b"X-A: \x1b[31m", b"Content-Length: 2")),
    invalid("folded value", head(b"X-A: 1\r\n 2", b"Content-Length: 2")),
    invalid("folded value by a tab", head(b"X-A: 1\r\n\t2", b"Content-Length: 2")),
    invalid("folded first line", b"HTTP/1.1 200 OK\r\n X-A: 1\r\nContent-Length: 2\r\n\r\nok"),
    invalid("space before a colon", head(b"X-A : 1", b"Content-Length: 2")),
    invalid("no colon", head(b"X-A", b"Content-Length: 2")),
    invalid("no name", head(b": 1", b"Content-Length: 2")),
    invalid("space in a name", head(b"X A: 1", b"Content-Length: 2")),
    invalid("UTF-8 in a name", head("X-Ä: 1".encode(), b"Content-Length: 2")),
    invalid("head of bare LF", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    invalid("bare LF behind the status line", b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok"),
    invalid("bare LF at the end of the head", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok"),
    invalid("CR in the phrase", head(b"Content-Length: 2", status=b"200 O\rK")),
    invalid("NUL in the phrase", head(b"Content-Length: 2", status=b"200 O\0K")),
]

STATUS_LINES = [
    invalid(f"status line {line!r}", line + b"\r\nContent-Length: 2\r\n\r\nok")
    for line in (b"HTTP/1.1  200 OK", b"HTTP/1.1 0200 OK", b"HTTP/1.1 20x OK", b"HTTP/1.1 000 No", b"HTTP/1.1 099 No",
                 b"HTTP/1.1 -20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 2 OK", b"HTTP/1.1 OK", b"HTTP/1.1", b"HTTP/2 200",
                 b"HTTP/2.0 200 OK", b"HTTP/1.2 200 OK", b"HTTP/3.0 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.10 200 OK",
                 b"http/1.1 200 OK", b" HTTP/1.1 200 OK", b"HTTP/1.1\t200\tOK", b"ICY 200 OK", b"RTSP/1.0 200 OK",
                 b"GET / HTTP/1.1", b"200 OK", b"<html>", b"\xef\xbb\xbfHTTP/1.1 200 OK", b"\x16\x03\x01\x02\x00\x01",
                 b"\0\0\0\x04\0\0\0\0\0", b"H", b"HTTP/1.1 200OK")
] + [
    row("status without a phrase", head(b"Content-Length: 2", status=b"200"), OK),
    row("status with an empty phrase", head(b"Content-Length: 2", status=b"200 "), OK),
    row("status with a phrase of high bytes", head(b"Content-Length: 2", status="200 好".encode()), OK),
    row("status 299", head(b"Content-Length: 2", status=b"299 Odd"), Outcome(299, b"ok")),
    row("status 600", head(b"Content-Length: 2", status=b"600 Odd"), Outcome(600, b"ok"), INVALID),
    row("status 999", head(b"Content-Length: 2", status=b"999 Odd"), Outcome(999, b"ok"), INVALID),
    invalid("a phrase of 100 kB", head(b"Content-Length: 2", status=b"200 " + b"x" * 100_000)),
    row("an empty line in front", b"\r\n" + head(b"Content-Length: 2"), OK, INVALID),
]

FRAMING = [
    invalid("length and coding", head(b"Content-Length: 2", b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n" + END)),
    invalid("coding and length", head(b"Transfer-Encoding: chunked", b"Content-Length: 2", body=b"2\r\nok\r\n" + END)),
    invalid("two lengths that differ", head(b"Content-Length: 2", b"Content-Length: 3", body=b"ok!")),
    invalid("two lengths that agree", head(b"Content-Length: 2", b"Content-Length: 2")),
    invalid("a coding of HTTP/1.0", head(b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n" + END,
                                         version=b"HTTP/1.0")),
    row("a length of HTTP/1.0", head(b"Content-Length: 2", version=b"HTTP/1.0"), OK),
    row("no length, and a close", head(), OK, ending="close"),
    row("no length, and a reset", head(), CUT, OK, CLOSED, ending="reset"),
    row("no length, of HTTP/1.0, and a close", head(version=b"HTTP/1.0"), OK, ending="close"),
    row("a length of 0", head(b"Content-Length: 0", body=b""), EMPTY),
    row("bytes beyond the length", head(b"Content-Length: 2") + b"!!!", OK),
    row("an answer beyond the length", head(b"Content-Length: 2") + STOLEN, OK),
    row("an answer behind chunks", CHUNKED + b"2\r\nok\r\n" + END + STOLEN, OK),
    row("an answer behind an empty one", head(b"Content-Length: 0", body=b"") + STOLEN, EMPTY),
    row("two answers and a close", head(b"Content-Length: 2") + STOLEN, OK, ending="close"),
] + [
    invalid(f"length {text!r}", head(b"Content-Length:" + text))
    for text in (b"", b" ", b" +2", b" -2", b" 0x2", b" 2,2", b" 2, 3", b" 2 2", b" 2.0", b" two", b" 2;", b" '2'",
                 b" 2\xa0",
                 b" 9223372036854775808", b" 18446744073709551618", b" 99999999999999999999999")
] + [
    invalid(f"coding {text!r}", head(b"Transfer-Encoding:" + text, body=b"2\r\nok\r\n" + END))
    for text in (b"", b" gzip", b" identity", b" chunked,", b" ,chunked", b" chunked, chunked", b" gzip, chunked",
                 b" chunked, gzip", b" xchunked", b" chunked;q=1", b' "chunked"', b" chunked\0", b" \x0bchunked",
                 b" chunked\r\nTransfer-Encoding: chunked")
]

WITHOUT_BODY = [
    row("204 with a length and a body", head(b"Content-Length: 2", status=b"204 No Content"), Outcome(204)),
    row("204 with chunks", head(b"Transfer-Encoding: chunked", status=b"204 No Content", body=b"2\r\nok\r\n" + END),
        Outcome(204)),
    row("204 and an answer", head(status=b"204 No Content", body=STOLEN), Outcome(204)),
    row("304 with a length and no body", head(b"Content-Length: 2", status=b"304 Not Modified", body=b""),
        Outcome(304)),
    row("304 and an answer", head(b"Content-Length: 45", status=b"304 Not Modified", body=STOLEN), Outcome(304)),
    row("304 with chunks", head(b"Transfer-Encoding: chunked", status=b"304 Not Modified", body=b"2\r\nok\r\n" + END),
        Outcome(304)),
    row("a body for HEAD", head(b"Content-Length: 2"), EMPTY, method="HEAD"),
    row("an answer behind HEAD", head(b"Content-Length: 45", body=STOLEN), EMPTY, method="HEAD"),
    row("chunks for HEAD", CHUNKED + b"2\r\nok\r\n" + END, EMPTY, method="HEAD"),
    row("no length for HEAD", head(body=b""), EMPTY, method="HEAD"),
    row("205 with a length", head(b"Content-Length: 0", status=b"205 Reset Content", body=b""), Outcome(205)),
]

INTERIM = [
    invalid("an unasked 101", head(b"Upgrade: websocket", b"Connection: Upgrade", status=b"101 Switching Protocols")),
    invalid("an unasked 101 to h2c", head(b"Upgrade: h2c", b"Connection: Upgrade", status=b"101 Switching Protocols")),
    invalid("101 behind 100", b"HTTP/1.1 100 Continue\r\n\r\n" + head(b"Upgrade: x",
                                                                      status=b"101 Switching Protocols")),
    row("100 and an answer", b"HTTP/1.1 100 Continue\r\n\r\n" + head(b"Content-Length: 2"), OK),
    row("102 and an answer", b"HTTP/1.1 102 Processing\r\n\r\n" + head(b"Content-Length: 2"), OK),
    row("199 and an answer", b"HTTP/1.1 199 Odd\r\nX-A: 1\r\n\r\n" + head(b"Content-Length: 2"), OK),
    row("16 times 100", b"HTTP/1.1 100 Continue\r\n\r\n" * 16 + head(b"Content-Length: 2"), OK),
    invalid("100 without end", b"HTTP/1.1 100 Continue\r\n\r\n" * 5000),
    invalid("103 without end", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 5000),
    row("100 with a length is followed by an answer", b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"
        + head(b"Content-Length: 2"), OK, INVALID),
    row("100 with a coding is followed by an answer", b"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        + head(b"Content-Length: 2"), OK, INVALID),
    invalid("100 with a bare LF", b"HTTP/1.1 100 Continue\n\n" + head(b"Content-Length: 2")),
    row("100 and a close", b"HTTP/1.1 100 Continue\r\n\r\n", CLOSED, ending="close"),
    row("103 and a close", b"HTTP/1.1 103 Early Hints\r\n\r\n", CLOSED, ending="close"),
    row("103 and a reset", b"HTTP/1.1 103 Early Hints\r\n\r\n", CLOSED, ending="reset"),
]

LARGE = [
    invalid("a value of 300 kB", head(b"X-A: " + b"v" * 300_000, b"Content-Length: 2")),
    invalid("a name of 300 kB", head(b"X" * 300_000 + b": v", b"Content-Length: 2")),
    invalid("50,000 fields", head(*[b"X: y"] * 50_000, b"Content-Length: 2")),
    invalid("a line without an end", b"HTTP/1.1 200 OK\r\nX-A: " + b"v" * 2_000_000),
    invalid("a status line without an end", b"HTTP/1.1 200 " + b"v" * 2_000_000),
]

CHUNKS = [
    row(f"chunks: {name}", CHUNKED + b"3\r\nabc\r\n" + data, CUT_INVALID, INVALID) for name, data in (
        ("no size", b"\r\nok\r\n"), ("size of letters", b"zz\r\nok\r\n"), ("negative size", b"-2\r\nok\r\n"),
        ("size with 0x", b"0x2\r\nok\r\n"), ("size with a space", b"2 \r\nok\r\n"), ("space first", b" 2\r\nok\r\n"),
        ("size of 65 bits", b"10000000000000002\r\nok\r\n"), ("size that wraps", b"ffffffffffffffff\r\nok\r\n"),
        ("size of 17 digits", b"0" * 16 + b"2\r\nok\r\n"), ("size line of LF", b"2\nok\r\n"),
        ("size line of CR", b"2\rok\r\n"), ("data too long", b"2\r\nokay\r\n"), ("data too short",
            b"5\r\nok\r\n" + END),
        ("data without a line end", b"2\r\nok" + END), ("data that ends in LF", b"2\r\nok\n" + END),
        ("extension with LF", b"2;a\nb\r\nok\r\n"), ("extension with NUL", b"2;\0\r\nok\r\n"),
        ("extension of 200 kB", b"2;" + b"a" * 200_000 + b"\r\nok\r\n"), ("a request", b"GET / HTTP/1.1\r\n\r\n"),
        ("an answer", STOLEN), ("trailer with a space", b"0\r\nX : 1\r\n\r\n"), ("trailer that is folded",
                                                                               b"0\r\nX: 1\r\n 2\r\n\r\n"),
        ("trailer with a length", b"0\r\nContent-Length: 5\r\n\r\n"), ("trailer with LF", b"0\r\nX: 1\nY: 2\r\n\r\n"),
        ("trailer with a coding", b"0\r\nTransfer-Encoding: chunked\r\n\r\n"), ("endless trailers",
                                                                               b"0\r\n" + b"X: 1\r\n" * 50_000),
        ("last size with LF", b"0\n\r\n"), ("an end of LF", b"0\r\n\n"))
]

ENDS = [
    row(f"{name} and a {ending}", data, *outcomes, ending=ending) for ending in ("close", "reset")
    for name, data, outcomes in (
        ("nothing", b"", (CLOSED,)), ("half a status line", b"HTTP/1.", (CLOSED,)),
        ("a status line", b"HTTP/1.1 200 OK\r\n", (CLOSED,)), ("half a field", b"HTTP/1.1 200 OK\r\nX-A", (CLOSED,)),
        ("a head but its end", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", (CLOSED,)),
        ("a head but its last byte", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r", (CLOSED,)),
        ("a head without its body", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", (CUT, CLOSED)),
        ("half a sized body", head(b"Content-Length: 200"), (CUT, CLOSED)),
        ("a sized body but its last byte", head(b"Content-Length: 3"), (CUT, CLOSED)),
        ("a head of chunks", CHUNKED, (CUT, CLOSED)), ("a chunk size", CHUNKED + b"5", (CUT, CLOSED)),
        ("half a chunk", CHUNKED + b"5\r\nhe", (CUT, CLOSED)), ("a chunk", CHUNKED + b"2\r\nok\r\n", (CUT, CLOSED)),
        ("chunks and half an end", CHUNKED + b"2\r\nok\r\n0\r\n", (CUT, CLOSED)),
        ("chunks and an end but its last byte", CHUNKED + b"2\r\nok\r\n0\r\n\r", (CUT, CLOSED)),
        ("chunks and half a trailer", CHUNKED + b"2\r\nok\r\n0\r\nX-T: ", (CUT, CLOSED)),
        ("100 chunks and no end", CHUNKED + b"2\r\nok\r\n" * 100, (CUT, CLOSED)))
]

ROWS = SPLITTING + STATUS_LINES + FRAMING + WITHOUT_BODY + INTERIM + LARGE + CHUNKS + ENDS
