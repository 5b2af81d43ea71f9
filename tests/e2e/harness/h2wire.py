# SPDX-License-Identifier: Apache-2.0
"""A client of HTTP/2 that sends exactly the frames it is told to, right or wrong, and reads answers strictly.

What it does by itself: the preface and its SETTINGS, the ACK of the server's SETTINGS, and WINDOW_UPDATE for DATA that
it has read; each can be turned off.
"""
import socket
import ssl
import time
from dataclasses import dataclass, field

import hpack

from . import h2frames as h2
from .client import HOST, insecure_context
from .waiting import DEADLINE
from .wire import Ended, Fields, WireReader


@dataclass
class Answer(Fields):
    """One answer on a stream; `reset` is the code of a RST_STREAM that cut it off."""

    status: int
    fields: list
    body: bytes = b""
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)
    reset: int = None

    @property
    def request_id(self):
        return self.get("x-request-id")


def connect(listener, source=None, receive_buffer=None, alpn=("h2",)):
    """A connected socket: TLS with ALPN where the listener speaks it."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if source:
        sock.bind((source, 0))
    sock.settimeout(DEADLINE)
    sock.connect(("127.0.0.1", listener.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if listener.tls:
        sock = insecure_context(alpn=list(alpn)).wrap_socket(sock, server_hostname=HOST)
        assert sock.selected_alpn_protocol() == "h2", f"ALPN chose {sock.selected_alpn_protocol()}"
    return sock


class H2Client:
    """One connection. `start=False` sends nothing at first. Use as a context manager."""

    def __init__(self, listener, settings=(), start=True, ack=True, windows=True, source=None, receive_buffer=None):
        self.scheme = "https" if listener.tls else "http"
        self.sock = connect(listener, source, receive_buffer)
        self.reader = WireReader(self.sock)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.acks, self.windows = ack, windows
        self.ended = self.was_reset = self.cannot_send = False
        self.seen, self.inbox, self.marks = [], [], ()
        self.block = None
        self.server_settings = {}
        if start:
            self.send(h2.PREFACE + h2.settings(*settings))
            self.take(lambda one: one.type == h2.SETTINGS and not one.has(h2.ACK), "the server's SETTINGS")
            self.expect_settings_ack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    # ---- sending -----------------------------------------------------------------------------------------------------

    def send(self, content):
        """False when the server has closed: hostile clients find that out late."""
        try:
            self.sock.sendall(content)
        except OSError:
            self.cannot_send = True
        return not self.cannot_send

    def finish_sending(self):
        self.sock.shutdown(socket.SHUT_WR)

    def mark(self, *fields):
        """Every request from now on carries these fields, so that an upstream's record can be found."""
        self.marks = fields

    def request(self, method="GET", path="/x", *more, authority=HOST):
        """The fields of a request: pseudo-header fields, then `more`, then the marks."""
        start = [(":method", method), (":scheme", self.scheme), (":authority", authority), (":path", path)]
        return start + list(more) + list(self.marks)

    def encode(self, fields):
        return self.encoder.encode(fields)

    def get(self, stream=1, path="/x", *more, flags=h2.WHOLE):
        return h2.headers(stream, self.encode(self.request("GET", path, *more)), flags)

    def post(self, stream=1, path="/x", *more, flags=h2.END_HEADERS):
        """The head of a POST whose body is still to come."""
        return h2.headers(stream, self.encode(self.request("POST", path, *more)), flags)

    # ---- reading -----------------------------------------------------------------------------------------------------

    def read_frame(self, timeout=None):
        """The next frame, with a header block put together; None when the server has ended. AssertionError when
        nothing comes within the deadline."""
        if self.ended:
            return None
        self.reader.set_timeout(DEADLINE if timeout is None else timeout)
        try:
            while True:
                got = self.take_in(self.raw_frame())
                if got:
                    return got
        except Ended as ended:
            self.ended, self.was_reset = True, ended.reset
            return None
        except AssertionError as error:
            raise AssertionError(f"{error}; frames so far: {self.story()}") from error

    def raw_frame(self):
        head = self.reader.exactly(9)
        size, flags, stream = int.from_bytes(head[:3], "big"), head[4], int.from_bytes(head[5:], "big")
        assert size <= h2.FRAME_SIZE, f"the server sent a frame of {size} bytes: type {head[3]}, {self.story()}"
        return h2.Frame(head[3], flags, stream, self.reader.exactly(size))

    def take_in(self, got):
        """Notes a frame; returns it, or None while its header block is not complete."""
        if got.type == h2.CONTINUATION:
            assert self.block and self.block.stream == got.stream, f"stray {got}"
            self.block.payload += got.payload
            self.block.flags |= got.flags & h2.END_HEADERS
            got = self.block
        assert self.block in (None, got), f"{got} within a header block"
        self.block = None
        if got.type == h2.HEADERS:
            if not got.has(h2.END_HEADERS):
                self.block = got
                return None
            got.fields = self.decode(got)
        self.seen.append(got)
        self.react(got)
        return got

    def decode(self, got):
        block = got.payload
        if got.has(h2.PADDED):
            block = block[1:len(block) - block[0]]
        return [(name, value) for name, value in self.decoder.decode(block[5 * got.has(h2.PRIORITIZED):])]

    def react(self, got):
        if got.type == h2.SETTINGS and not got.has(h2.ACK):
            self.server_settings.update(got.settings)
            if self.acks:
                self.send(h2.settings_ack())
        if got.type == h2.DATA and got.payload and self.windows:
            more = b"" if got.has(h2.END_STREAM) else h2.window_update(got.stream, len(got.payload))
            self.send(h2.window_update(0, len(got.payload)) + more)

    def poll(self):
        """Reads what is there without waiting. True while the server has neither ended nor said GOAWAY."""
        try:
            self.sock.settimeout(0)
            while not self.ended:
                piece = self.sock.recv(262144)
                self.reader.buffer += piece
                self.ended = not piece
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except OSError:
            self.ended = self.was_reset = True
        finally:
            self.sock.settimeout(DEADLINE)
        self.take_in_buffered()
        return not self.ended and not self.goaway()

    def take_in_buffered(self):
        buffer = self.reader.buffer
        while len(buffer) >= 9 and len(buffer) >= 9 + int.from_bytes(buffer[:3], "big"):
            got = self.take_in(self.raw_frame())
            if got:
                self.inbox.append(got)

    def take(self, wanted, what, timeout=None):
        """The first frame for which `wanted` holds, of those put aside or still to come; others are put aside. None
        when the server ends before."""
        for position, one in enumerate(self.inbox):
            if wanted(one):
                return self.inbox.pop(position)
        end = time.monotonic() + (DEADLINE if timeout is None else timeout)
        while True:
            left = end - time.monotonic()
            assert left > 0, f"waited in vain for {what}; frames: {self.story()}"
            got = self.read_frame(left)
            if got is None or wanted(got):
                return got
            self.inbox.append(got)

    def goaway(self):
        return next((one for one in self.seen if one.type == h2.GOAWAY), None)

    def story(self):
        return ", ".join(map(str, self.seen[-12:])) + (" and the end" if self.ended else "")

    # ---- expectations ------------------------------------------------------------------------------------------------

    def of_stream(self, stream, what, timeout=None):
        """The next frame of a stream but WINDOW_UPDATE, or a GOAWAY with an error; AssertionError at the end."""
        got = self.take(lambda one: one.stream == stream != 0 and one.type != h2.WINDOW_UPDATE
                        or one.type == h2.GOAWAY and one.code != h2.NO_ERROR, what, timeout)
        assert got, f"the server ended before {what} came: {self.story()}"
        return got

    def expect_answer(self, stream=1, timeout=None):
        """The whole answer on a stream."""
        answer, interim = None, []
        while True:
            got = self.of_stream(stream, f"an answer on stream {stream}", timeout)
            assert got.type != h2.GOAWAY, f"no answer but {got}"
            if got.type == h2.RST_STREAM:
                assert answer, f"no answer but {got}"
                answer.reset = got.code
                return answer
            answer = self.add_to(answer, got, interim)
            if got.has(h2.END_STREAM):
                return answer

    @staticmethod
    def add_to(answer, got, interim):
        if got.type == h2.DATA:
            assert answer, f"{got} before the head of an answer"
            answer.body += got.body
        elif got.type == h2.HEADERS and answer:
            answer.trailers = got.fields
            assert got.has(h2.END_STREAM), f"trailers that end nothing: {got}"
        elif got.type == h2.HEADERS:
            status = int(dict(got.fields)[":status"])
            if status < 200:
                interim.append(status)
            else:
                answer = Answer(status, got.fields, interim=interim)
        return answer

    def expect_connection_error(self, *codes, silent=False):
        """GOAWAY with one of `codes`, and the end of the connection; `silent`: the end alone will do."""
        got = self.take(lambda one: one.type == h2.GOAWAY and one.code != h2.NO_ERROR, "GOAWAY")
        assert got or silent, f"the connection ended without GOAWAY: {self.story()}"
        if got:
            self.check_code(got, codes)
        self.expect_closed()
        return got

    def expect_stream_error(self, stream, *codes, alive=True, statuses=()):
        """RST_STREAM with one of `codes`, with the connection alive; or a connection error with one of them, as which
        RFC 9113 §5.4.2 lets it be treated. An answer may come before; with one of `statuses` it may be all."""
        got = self.of_stream(stream, f"an error of stream {stream}")
        while got.type not in (h2.RST_STREAM, h2.GOAWAY) and not got.has(h2.END_STREAM):
            got = self.of_stream(stream, f"an error of stream {stream}")
        if got.type in (h2.HEADERS, h2.DATA):
            got = self.error_behind_answer(stream, statuses)
        if got is None:
            return None
        self.check_code(got, codes)
        if got.type == h2.GOAWAY:
            self.expect_closed()
        elif alive:
            self.ping()
        return got

    def error_behind_answer(self, stream, statuses):
        """The RST_STREAM or GOAWAY that follows a whole answer; None where the answer has one of `statuses`."""
        self.ping()
        self.ping()  # the ACK of the first may have overtaken other frames
        position = next((number for number, one in enumerate(self.inbox)
                         if one.type == h2.RST_STREAM and one.stream == stream), None)
        if position is not None:
            return self.inbox.pop(position)
        answers = [dict(one.fields).get(":status") for one in self.seen if one.type == h2.HEADERS
                   and one.stream == stream]
        assert answers[-1] in map(str, statuses), f"a whole answer and no error behind it: {self.story()}"
        return None

    def check_code(self, got, codes):
        wanted = " or ".join(map(h2.code_name, codes))
        assert not codes or got.code in codes, f"{got} where {wanted} is due: {self.story()}"

    def expect_refusal(self, stream=1, statuses=(400,), codes=(h2.PROTOCOL_ERROR,)):
        """An answer with one of `statuses` (none: not even that), or an error with one of `codes`."""
        got = self.of_stream(stream, f"a refusal on stream {stream}")
        if got.type != h2.HEADERS:
            self.check_code(got, codes)
            return got
        status = int(dict(got.fields)[":status"])
        assert status in statuses, f"{got} in place of a refusal"
        self.inbox.insert(0, got)
        return self.expect_answer(stream)

    def expect_closed(self, timeout=None):
        """Reads to the end of the connection."""
        end = time.monotonic() + (DEADLINE if timeout is None else timeout)
        while not self.ended:
            assert time.monotonic() < end, f"the connection does not end: {self.story()}"
            got = self.read_frame(max(0.01, end - time.monotonic()))
            if got:
                self.inbox.append(got)

    def expect_settings_ack(self):
        assert self.take(lambda one: one.type == h2.SETTINGS and one.has(h2.ACK), "an ACK of SETTINGS"), self.story()

    def ping(self, content=b"viaduct?", timeout=None):
        """Sends PING and waits for its ACK: everything before it has been read by the server."""
        self.send(h2.ping(content))
        got = self.take(lambda one: one.type == h2.PING and one.has(h2.ACK) and one.payload == content,
                        "the ACK of a PING", timeout)
        assert got, f"the server ended in place of an ACK of PING: {self.story()}"

    def nothing_but(self, *types, seconds=0.2):
        """For `seconds`, no frame but of `types` comes, by a PING as the last word."""
        count = len(self.seen)
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.poll():
            time.sleep(0.01)
        self.ping()
        others = [str(one) for one in self.seen[count:] if one.type not in (*types, h2.PING)]
        assert not others, others


def h2_fetch(listener, path="/x", method="GET", fields=(), body=None, **more):
    """One request on a fresh connection."""
    with H2Client(listener, **more) as client:
        flags = h2.END_HEADERS if body is not None else h2.WHOLE
        client.send(h2.headers(1, client.encode(client.request(method, path, *fields)), flags))
        if body is not None:
            client.send(h2.data(1, body, h2.END_STREAM))
        return client.expect_answer(1)
