# SPDX-License-Identifier: Apache-2.0
"""Requests that are nearly right: rows of the tables, changed in small ways that parsers are known to differ on. The
same seed gives the same requests."""
import random

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
