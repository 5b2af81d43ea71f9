# SPDX-License-Identifier: Apache-2.0
"""Requests that are nearly right: rows of the tables, changed in small ways that parsers are known to differ on, and
field lists of HTTP/2 that would be dangerous on HTTP/1. The same seed gives the same requests."""
import random

from .client import HOST

SEED = 9112
PIECES = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b"\t", b" ", b"\x0b", b"\x0c", b"\x85", b"\xa0", b"\x7f", b":",
          b",",
          b";", b'"', b"'", b"\\", b"/", b"//", b"/../", b"%2e%2e/", b"%2f", b"%5c", b"%00", b"%0d%0a", b"%", b"?",
          b"#",
          b"*", b"+", b"-", b"0", b"1", b"f", b"chunked", b"identity", b"HTTP/1.0", b"HTTP/1.1", b"GET ", b"POST ",
          b"http://evil.example", b"0\r\n\r\n", b"5\r\nhello\r\n", b"\r\n ", b"\r\n\t", b"\xef\xbb\xbf", b"\xff"]
LINES = [b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 50", b"content-length:5", b"Content-Length : 5",
         b"Transfer-Encoding: chunked", b"transfer-encoding:chunked", b"Transfer-Encoding: identity",
         b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer_Encoding: chunked",
         b"Connection: close", b"Connection: keep-alive", b"Connection: Content-Length",
         b"Connection: Transfer-Encoding",
         b"Connection: Host", b"Host: evil.example", b"Expect: 100-continue", b"Upgrade: h2c", b"TE: trailers",
         b"Trailer: X-A", b" folded", b"X-A: 1\rX-B: 2", b"X-A: 1\nX-B: 2", b"Keep-Alive: timeout=5"]


def insert_piece(data, source):
    at = source.randrange(len(data) + 1)
    return data[:at] + source.choice(PIECES) + data[at:]


def replace_byte(data, source):
    at = source.randrange(len(data))
    return data[:at] + bytes([source.randrange(256)]) + data[at + 1:]


def remove_bytes(data, source):
    at = source.randrange(len(data))
    return data[:at] + data[at + source.randint(1, 4):]


def repeat_bytes(data, source):
    at = source.randrange(len(data))
    end = at + source.randint(1, 40)
    return data[:end] + data[at:end] + data[end:]


def add_line(data, source):
    lines = data.split(b"\r\n")
    lines.insert(source.randint(1, len(lines)), source.choice(LINES))
    return b"\r\n".join(lines)


def move_line(data, source):
    lines = data.split(b"\r\n")
    line = lines.pop(source.randrange(len(lines)))
    lines.insert(source.randint(0, len(lines)), line)
    return b"\r\n".join(lines)


def remove_line(data, source):
    lines = data.split(b"\r\n")
    lines.pop(source.randrange(len(lines)))
    return b"\r\n".join(lines)


def swap_case(data, source):
    at = source.randrange(len(data))
    return data[:at] + data[at:at + 8].swapcase() + data[at + 8:]


CHANGES = [insert_piece] * 4 + [add_line] * 4 + [replace_byte, remove_bytes, repeat_bytes, move_line, remove_line,
                                                 swap_case]


def mutations(bases, count, seed=SEED):
    """`count` requests, each of one to three changes of one of `bases`, and sometimes with another behind it."""
    source = random.Random(seed)
    for _ in range(count):
        data = source.choice(bases)
        for _ in range(source.choice((1, 1, 1, 2, 3))):
            data = source.choice(CHANGES)(data, source) or data
        if source.random() < 0.2:
            data += source.choice(bases)
        yield data


NAMES = ["x", "x", "x-a", "cookie", "cookie", "te", "host", "expect", "content-length", "content-length", "connection",
         "transfer-encoding", "upgrade", "trailer", "x_a", "x-forwarded-for", "X", "x y", "x:", "x\r\ny", ":x", ""]
VALUES = ["", "1", "5", "05", "+5", "0", "a=b", "a=b; c=d", "trailers", "chunked", "close", "100-continue", "x\r\ny: z",
          "x\0", " x", "x ", "x\ty", "\xe6\x94\xaf", HOST, "evil.example", "h2c", "websocket", "content-length",
          "x\r\n\r\nGET /hidden HTTP/1.1\r\nHost: " + HOST + "\r\n\r\n", "x\ny", "x\ry", "\x7f", "\x1b"]
PATHS = ["/", "/x", "/x", "/x?a=b", "/x y", "/x\r\n", "/x HTTP/1.1\r\nHost: evil\r\n\r\n", "//x", "/../x", "/%2e%2e/x",
         "/x#y", "*", "x", "http://evil.example/x", "/x%00", "/\xe6\x94\xaf", "/x?\xff", "/\\x", "/x;y", "/%", ""]
METHODS = ["GET", "GET", "POST", "POST", "PUT", "OPTIONS", "DELETE", "PROPFIND", "get", "CONNECT", "G T", "GET /x", ""]
# None is so long that a server is asked before its end has come: what is refused was never begun.
BODIES = [None, None, [b""], [b"hello"], [b"he", b"llo"], [b"", b"hello", b""], [b"0\r\n\r\n"], [b"x" * 50_000],
          [b"GET /hidden HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n"]]


def field_lists(count, seed=SEED):
    """`count` requests of HTTP/2: their fields, the pieces of their body or None, and trailers."""
    source = random.Random(seed)
    for _ in range(count):
        usual = source.random() < 0.6
        method = source.choice(["GET", "POST", "PUT"]) if usual else source.choice(METHODS)
        path = source.choice(["/x", "/x?y=z"]) if usual else source.choice(PATHS)
        start = [(":method", method), (":scheme", "http"), (":authority", HOST), (":path", path)]
        more = [(source.choice(NAMES[:8] if usual else NAMES), source.choice(VALUES))
                for _ in range(source.choice((0, 1, 1, 2, 3)))]
        body = source.choice(BODIES)
        if body and source.random() < 0.3:
            more.append(("content-length", str(sum(map(len, body)))))
        trailers = [("x-t", source.choice(VALUES))] if body and source.random() < 0.2 else []
        yield start + more, body, trailers
