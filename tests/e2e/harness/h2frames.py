# SPDX-License-Identifier: Apache-2.0
"""Frames of HTTP/2 (RFC 9113 §4, §6) from raw parts, so that illegal ones can be made, and their names."""
import struct
from dataclasses import dataclass, field

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
TYPES = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
         "CONTINUATION")

NONE, ACK, END_STREAM, END_HEADERS, PADDED, PRIORITIZED = 0x0, 0x1, 0x1, 0x4, 0x8, 0x20
WHOLE = END_STREAM | END_HEADERS

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY,
 HTTP_1_1_REQUIRED) = range(14)
CODES = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
         "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
         "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5
MAX_HEADER_LIST_SIZE, ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES = 6, 8, 9

FRAME_SIZE = 16384  # what every receiver takes, RFC 9113 §4.2
WINDOW = 65535  # where both windows begin, §6.9.2
WINDOW_MAX = 2**31 - 1
STREAM_MAX = 2**31 - 1


def code_name(code):
    return CODES[code] if code < len(CODES) else hex(code)


@dataclass
class Frame:
    """One frame as it arrived. `fields` are those of a header block, CONTINUATION included."""

    type: int
    flags: int
    stream: int
    payload: bytes
    fields: list = field(default_factory=list)

    def has(self, flag):
        return bool(self.flags & flag)

    @property
    def code(self):
        """The error code of a RST_STREAM or GOAWAY."""
        start = {RST_STREAM: 0, GOAWAY: 4}[self.type]
        return int.from_bytes(self.payload[start:start + 4], "big")

    @property
    def settings(self):
        return list(struct.iter_unpack(">HL", self.payload))

    @property
    def body(self):
        """The content of a DATA frame without its padding."""
        if not self.has(PADDED):
            return self.payload
        return self.payload[1:len(self.payload) - self.payload[0]]

    def __str__(self):
        name = TYPES[self.type] if self.type < len(TYPES) else hex(self.type)
        ends = self.type in (RST_STREAM, GOAWAY)
        more = code_name(self.code) if ends else self.fields or f"{len(self.payload)} bytes"
        debug = f" {self.payload[8:]!r}" if self.type == GOAWAY and len(self.payload) > 8 else ""
        return f"{name}(stream {self.stream}, flags {self.flags:#x}, {more}{debug})"


def frame(kind, flags, stream, payload=b"", length=None):
    """A frame; `length` may lie, and `stream` may have its reserved bit set."""
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def pad(content, count, claimed=None):
    """Content of a padded frame; `claimed` is the pad length that it states."""
    return bytes([count if claimed is None else claimed]) + content + b"\0" * count


def data(stream, content=b"", flags=NONE):
    return frame(DATA, flags, stream, content)


def headers(stream, block, flags=WHOLE):
    return frame(HEADERS, flags, stream, block)


def header_frames(stream, block, end=True):
    """A header block of any size: HEADERS, and CONTINUATION as far as needed."""
    pieces = [block[start:start + FRAME_SIZE] for start in range(0, len(block), FRAME_SIZE)] or [b""]
    last = len(pieces) - 1
    return b"".join(frame(CONTINUATION if number else HEADERS,
                          (END_HEADERS if number == last else NONE) | (END_STREAM if end and not number else NONE),
                          stream, piece) for number, piece in enumerate(pieces))


def continuation(stream, block=b"", flags=END_HEADERS):
    return frame(CONTINUATION, flags, stream, block)


def priority_part(depends_on=0, weight=16, exclusive=False):
    """The five bytes of PRIORITY and of HEADERS with the flag; weights are 1 to 256."""
    return ((1 << 31 if exclusive else 0) | depends_on).to_bytes(4, "big") + bytes([weight - 1])


def priority(stream, depends_on=0, weight=16, exclusive=False):
    return frame(PRIORITY, NONE, stream, priority_part(depends_on, weight, exclusive))


def rst_stream(stream, code=CANCEL):
    return frame(RST_STREAM, NONE, stream, code.to_bytes(4, "big"))


def settings(*pairs, flags=NONE, stream=0):
    return frame(SETTINGS, flags, stream, b"".join(struct.pack(">HL", *pair) for pair in pairs))


def settings_ack():
    return settings(flags=ACK)


def ping(content=b"viaduct?", flags=NONE, stream=0):
    return frame(PING, flags, stream, content)


def goaway(last=0, code=NO_ERROR, debug=b"", stream=0):
    return frame(GOAWAY, NONE, stream, struct.pack(">LL", last, code) + debug)


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, NONE, stream, increment.to_bytes(4, "big"))
