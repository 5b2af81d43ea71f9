# SPDX-License-Identifier: Apache-2.0
"""A client of HTTP/2 by the library h2: it keeps to the protocol and to the server's windows, and grants its own as a
test wants it. The library takes no frame behind GOAWAY: for that, and for any frames, there is h2wire.py."""
import socket
import ssl
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

from .client import HOST, RawClient, insecure_context
from .waiting import DEADLINE
from .wire import Fields

WINDOW_MAX = 2**31 - 1


@dataclass(eq=False)
class H2Stream(Fields):
    """One request's stream, with what has been answered so far. While `grants` is False the server gets no further
    window for it."""

    number: int
    grants: bool = True
    status: int = None
    fields: list = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)
    ended: bool = False
    reset_code: int = None

    @property
    def over(self):
        return self.ended or self.reset_code is not None

    @property
    def request_id(self):
        return self.get("x-request-id")

    @property
    def head(self):
        return f"{self.status} {self.fields}"


class H2LibraryClient:
    """One connection. `settings` are sent in the first SETTINGS frame; the connection's window is always opened again,
    unless `connection_window` is False. Use as a context manager."""

    def __init__(self, listener, settings=None, connection_window=True, host=HOST, sni=HOST, context=None):
        context = context or (insecure_context(alpn=["h2"]) if listener.tls else None)
        self.raw = RawClient(listener.port, tls=listener.tls, sni=sni, context=context)
        self.sock = self.raw.sock
        assert not listener.tls or self.sock.selected_alpn_protocol() == "h2"
        self.scheme, self.host = "https" if listener.tls else "http", host
        self.opens_connection_window = connection_window
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.conn.local_settings = h2.settings.Settings(client=True, initial_values={
            h2.settings.SettingCodes.ENABLE_PUSH: 0, **(settings or {})})
        self.streams, self.goaways, self.settings_came, self.closed = {}, [], False, False
        self.conn.initiate_connection()
        self.flush()
        self.wait(lambda: self.settings_came, "the server's SETTINGS")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()

    # ---- sending -----------------------------------------------------------------------------------------------------

    def flush(self):
        self.sock.settimeout(DEADLINE)
        self.sock.sendall(self.conn.data_to_send())

    def begin(self, method, target, fields=(), end=False):
        """Sends the head of a request; returns its stream."""
        stream = H2Stream(self.conn.get_next_available_stream_id())
        self.streams[stream.number] = stream
        head = [(":method", method), (":scheme", self.scheme), (":authority", self.host), (":path", target), *fields]
        self.conn.send_headers(stream.number, head, end_stream=end)
        self.flush()
        return stream

    def get(self, target, fields=()):
        return self.begin("GET", target, fields, end=True)

    def post(self, target, body, fields=(), trailers=()):
        """A whole request with a body, sent as the windows allow it."""
        stream = self.begin("POST", target, fields)
        self.send_body(stream, body, end=not trailers)
        if trailers:
            self.conn.send_headers(stream.number, trailers, end_stream=True)
            self.flush()
        return stream

    def send_body(self, stream, body, end=True):
        body = memoryview(body)  # a slice of it copies nothing
        sent = self.send_what_fits(stream, body)
        while sent < len(body) and not stream.over:
            self.wait(lambda: self.room(stream) or stream.over, f"a window for {len(body) - sent} bytes")
            sent += self.send_what_fits(stream, body[sent:])
        if end and not stream.over:
            self.conn.end_stream(stream.number)
            self.flush()

    def room(self, stream):
        return 0 if stream.over else self.conn.local_flow_control_window(stream.number)

    def send_what_fits(self, stream, body):
        """Sends as much as the server's windows allow now; returns how much that is."""
        body, sent = memoryview(body), 0
        while sent < len(body) and self.room(stream) > 0:
            size = min(self.room(stream), self.conn.max_outbound_frame_size, len(body) - sent)
            self.conn.send_data(stream.number, bytes(body[sent:sent + size]))
            self.flush()
            sent += size
        return sent

    def reset(self, stream, code=h2.errors.ErrorCodes.CANCEL):
        self.conn.reset_stream(stream.number, code)
        stream.reset_code = int(code)
        self.flush()

    def open_window(self, stream):
        """Grants what has been kept from the stream, and all later bytes."""
        stream.grants = True
        self.conn.increment_flow_control_window(len(stream.body), stream.number)
        self.flush()

    # ---- reading -----------------------------------------------------------------------------------------------------

    def poll(self, timeout=0.0):
        """Reads once, waiting `timeout` seconds at most. True when something came, the end included."""
        if self.closed:
            return False
        self.sock.settimeout(max(timeout, 0.0))
        try:
            piece = self.sock.recv(262144)
        except (BlockingIOError, ssl.SSLWantReadError, socket.timeout):
            return False
        except (ConnectionResetError, ssl.SSLEOFError):
            piece = b""
        self.closed = not piece
        for event in self.conn.receive_data(piece) if piece else ():
            self.on_event(event)
        if not self.closed:
            self.flush_quietly()
        return True

    def flush_quietly(self):
        try:
            self.flush()
        except OSError:  # the server has closed behind what it sent
            pass

    def on_event(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.settings_came = True
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append(event)
        elif stream is None:
            return
        elif isinstance(event, h2.events.InformationalResponseReceived):
            self.note_head(stream, event, stream.interim)
        elif isinstance(event, h2.events.ResponseReceived):
            stream.status = self.note_head(stream, event, stream.fields)
        elif isinstance(event, h2.events.DataReceived):
            self.on_data(stream, event)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset_code = int(event.error_code)

    @staticmethod
    def note_head(stream, event, into):
        """Keeps the fields (of an interim answer with their status) and returns the status."""
        status = int(dict(event.headers)[":status"])
        fields = [(name, value) for name, value in event.headers if not name.startswith(":")]
        if into is stream.interim:
            into.append((status, fields))
        else:
            into += fields
        return status

    def on_data(self, stream, event):
        stream.body += event.data
        size = event.flow_controlled_length
        if not size:
            return
        if stream.grants:
            self.conn.acknowledge_received_data(size, stream.number)
        elif self.opens_connection_window:
            self.conn.increment_flow_control_window(size)

    def wait(self, condition, what, timeout=None):
        """Reads until `condition()` holds. AssertionError at the deadline, or when the server ends before."""
        end = time.monotonic() + (DEADLINE if timeout is None else timeout)
        while not condition():
            assert not self.closed, f"the server ended before {what} came; GOAWAY: {self.goaways}"
            left = end - time.monotonic()
            assert left > 0, f"waited in vain for {what}"
            self.poll(left)
        return condition()

    def settle(self, quiet=0.3):
        """Reads until nothing has come for `quiet` seconds."""
        while self.poll(quiet):
            pass

    def finish(self, stream, timeout=None):
        """Reads to the end of an answer; returns the stream."""
        self.wait(lambda: stream.over, f"the end of the answer on stream {stream.number}", timeout)
        return stream

    def answers(self, streams):
        """Status and body of each, when all have ended."""
        return [(self.finish(stream).status, bytes(stream.body)) for stream in streams]

    def wait_closed(self, timeout=None):
        """Reads to the end of the connection."""
        end = time.monotonic() + (DEADLINE if timeout is None else timeout)
        while not self.closed:
            assert time.monotonic() < end, "the server does not end the connection"
            self.poll(end - time.monotonic())
