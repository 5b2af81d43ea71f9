# SPDX-License-Identifier: Apache-2.0
"""Reads HTTP/1 messages off a socket and keeps every byte as it came. Strict: it is a judge, not a client library."""
import socket
from dataclasses import dataclass, field

from .waiting import DEADLINE

HEAD_END = b"\r\n\r\n"


class Ended(Exception):
    """The peer closed (or reset) before a message was whole; `partial` is what came."""

    def __init__(self, partial=b"", reset=False):
        super().__init__(f"connection {'reset' if reset else 'closed'} after {partial[:200]!r}")
        self.partial = partial
        self.reset = reset


class WireReader:
    """Buffered reads from a socket, with one deadline for each wait."""

    def __init__(self, sock, timeout=DEADLINE):
        self.sock = sock
        self.buffer = bytearray()
        self.set_timeout(timeout)

    def set_timeout(self, timeout):
        self.sock.settimeout(timeout)

    def fill(self):
        """Reads once. False when the peer has ended its side."""
        try:
            piece = self.sock.recv(262144)
        except ConnectionResetError as error:
            raise Ended(bytes(self.buffer), reset=True) from error
        except socket.timeout as error:
            raise AssertionError(f"no bytes within the deadline; so far {bytes(self.buffer[:200])!r}") from error
        self.buffer += piece
        return bool(piece)

    def until(self, mark):
        searched = 0
        while True:
            end = self.buffer.find(mark, max(0, searched - len(mark)))
            if end >= 0:
                return self.take(end + len(mark))
            searched = len(self.buffer)
            if not self.fill():
                raise Ended(bytes(self.buffer))

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                raise Ended(bytes(self.buffer))
        return self.take(count)

    def to_end(self):
        while self.fill():
            pass
        return self.take(len(self.buffer))

    def take(self, count):
        piece = bytes(self.buffer[:count])
        del self.buffer[:count]
        return piece

    def at_end(self):
        """True when the peer ends without another byte."""
        try:
            return not self.buffer and not self.fill()
        except Ended:
            return not self.buffer

    def chunked(self):
        """Reads a chunked body. Returns (raw bytes, decoded body, trailer fields)."""
        raw, body = bytearray(), bytearray()
        try:
            while True:
                line = self.until(b"\r\n")
                raw += line
                size = int(line.split(b";")[0].strip(), 16)
                if size == 0:
                    break
                data = self.exactly(size + 2)
                assert data.endswith(b"\r\n"), f"chunk of {size} not followed by CRLF: {data[-20:]!r}"
                raw += data
                body += data[:-2]
            trailers = []
            while True:
                line = self.until(b"\r\n")
                raw += line
                if line == b"\r\n":
                    return bytes(raw), bytes(body), trailers
                trailers.append(split_field(line[:-2]))
        except Ended as ended:
            raise Ended(bytes(body) + ended.partial, ended.reset) from ended


def split_field(line):
    name, colon, value = line.partition(b":")
    assert colon, f"not a field line: {line!r}"
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")


def split_head(head):
    """Start line and fields of a head that ends in CRLF CRLF. Bare line ends are a failure of the sender."""
    assert head.count(b"\n") == head.count(b"\r\n"), f"bare LF in {head!r}"
    lines = head[:-4].split(b"\r\n")
    return lines[0].decode("latin-1"), [split_field(line) for line in lines[1:]]


class Fields:
    """Look-ups in `self.fields`, a list of (name, value); names without case."""

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        """The value of a field that may appear once at most; None without it."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} appears {len(values)} times: {values}"
        return values[0] if values else None

    def tokens(self, name):
        """The comma separated members of all fields of that name, in lower case."""
        return [part.strip().lower() for value in self.all(name) for part in value.split(",") if part.strip()]


@dataclass
class Response(Fields):
    """One answer. `framing` is length, chunked, close or none; `complete` is False when it was cut off."""

    version: str
    status: int
    reason: str
    fields: list
    head: bytes
    body: bytes = b""
    trailers: list = field(default_factory=list)
    framing: str = "none"
    complete: bool = True
    interim: list = field(default_factory=list)

    @property
    def request_id(self):
        return self.get("X-Request-ID")

    def text(self):
        return self.body.decode("utf-8")


def read_response_head(reader):
    head = reader.until(HEAD_END)
    start, fields = split_head(head)
    version, _, rest = start.partition(" ")
    status, _, reason = rest.partition(" ")
    assert version in ("HTTP/1.1", "HTTP/1.0") and len(status) == 3 and status.isdigit(), f"bad status line {start!r}"
    return Response(version, int(status), reason, fields, head)


def read_response(reader, method="GET"):
    """Reads interim answers and the final one; a body that is cut off is not an error but `complete=False`."""
    interim = []
    while True:
        response = read_response_head(reader)
        if response.status >= 200 or response.status == 101:
            break
        interim.append(response)
    response.interim = interim
    read_response_body(reader, response, method)
    return response


def read_response_body(reader, response, method):
    coding, length = response.all("Transfer-Encoding"), response.all("Content-Length")
    if response.status in (204, 304) or response.status < 200 or method == "HEAD":
        return
    assert not (coding and length), f"both framings in {response.head!r}"
    assert len(coding) <= 1 and len(length) <= 1, f"framing repeated in {response.head!r}"
    try:
        if coding:
            assert coding[0].lower() == "chunked", coding
            response.framing = "chunked"
            _, response.body, response.trailers = reader.chunked()
        elif length:
            response.framing = "length"
            response.body = reader.exactly(int(length[0]))
        else:
            response.framing = "close"
            response.body = reader.to_end()
    except Ended as ended:
        reader.take(len(reader.buffer))
        response.body = ended.partial
        response.complete = False
