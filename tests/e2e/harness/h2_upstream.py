# SPDX-License-Identifier: Apache-2.0
"""An upstream that speaks HTTP/2, by the library h2: records requests a connection, and answers, stalls, resets streams
or says GOAWAY as a test wants it.

A connection has one thread, which alone touches its socket; a request has one, which runs the test's handler.
"""
import os
import select
import socket
import ssl
import threading
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from hyperframe.frame import GoAwayFrame

from .upstream import server_context
from .waiting import DEADLINE, wait_until
from .wire import Fields

CONNECTION_WINDOW = 1 << 24
WANT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def h2_context(pair, protocols=("h2",)):
    """A TLS server context that chooses one of `protocols` by ALPN; none for a server without ALPN."""
    context = server_context(pair)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


@dataclass(eq=False)
class H2Received(Fields):
    """One request as it arrived. `fields` are those without a colon in front, in order."""

    connection: "H2UpstreamConnection"
    stream: int
    pseudo: dict
    fields: list
    body: bytearray = field(default_factory=bytearray)
    trailers: list = field(default_factory=list)
    reset_code: int = None
    ended: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def method(self):
        return self.pseudo[":method"]

    @property
    def target(self):
        return self.pseudo[":path"]

    def send_head(self, status=200, fields=(), end=False):
        head = [(":status", str(status)), *((name.lower(), value) for name, value in fields)]
        self.connection.command(lambda conn: conn.send_headers(self.stream, head, end_stream=end))

    def send_body(self, body, end=True):
        """Sends as the peer's windows allow it; waits for them."""
        self.connection.send_body(self, body, end)

    def send_trailers(self, trailers):
        self.connection.command(lambda conn: conn.send_headers(self.stream, list(trailers), end_stream=True))

    def answer(self, body=b"ok", status=200, fields=(), trailers=()):
        self.send_head(status, fields, end=not body and not trailers)
        if body:
            self.send_body(body, end=not trailers)
        if trailers:
            self.send_trailers(trailers)

    def reset(self, code):
        self.connection.command(lambda conn: conn.reset_stream(self.stream, code))

    def wait_gone(self, timeout=DEADLINE):
        """Waits until the peer has reset the stream or ended the connection."""
        assert self.gone.wait(timeout), f"{self.target} is still wanted"


class H2UpstreamConnection:
    """The upstream's side of one connection."""

    def __init__(self, upstream, sock, number):
        self.upstream, self.sock, self.number = upstream, sock, number
        self.alpn = sock.selected_alpn_protocol() if isinstance(sock, ssl.SSLSocket) else None
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.conn = h2.connection.H2Connection(config)
        self.changed = threading.Condition(threading.RLock())  # guards everything below, and `conn`
        self.out = bytearray()
        self.streams = {}
        self.unacknowledged = []  # (stream, bytes) that a held body has taken from the windows
        self.last_stream = None   # what GOAWAY has told
        self.closing = False
        self.is_dead = False      # nothing that comes is heard: a host without power, or a path that is cut
        self.pings = 0
        self.peer_gone = threading.Event()
        self.waker_read, self.waker_write = os.pipe()

    # ---- from other threads ------------------------------------------------------------------------------------------

    def command(self, act):
        """Lets `act` use the library, and sends what came of it."""
        with self.changed:
            result = act(self.conn)
            self.wake()
        return result

    def wake(self):
        if not self.peer_gone.is_set():
            os.write(self.waker_write, b"w")

    def say_goaway(self, last_stream, code=0):
        """GOAWAY; requests above `last_stream` are not taken from now on, those below go on."""
        with self.changed:
            self.last_stream = last_stream
            self.out += self.conn.data_to_send() + GoAwayFrame(0, last_stream, error_code=code).serialize()
            self.wake()

    def close(self):
        """Ends the connection when all is sent."""
        with self.changed:
            self.closing = True
            self.wake()

    def send_body(self, received, body, end):
        sent, total = 0, len(body)
        while sent < total or (end and not total):
            with self.changed:
                size = 0
                while total and not received.gone.is_set():
                    size = min(self.conn.local_flow_control_window(received.stream), self.conn.max_outbound_frame_size,
                               total - sent)
                    if size:
                        break
                    self.changed.wait(DEADLINE)
                if received.gone.is_set():
                    return
                self.conn.send_data(received.stream, bytes(body[sent:sent + size]), end and sent + size == total)
                self.wake()
            sent += size
            if not total:
                return

    def release_bodies(self):
        with self.changed:
            for stream, size in self.unacknowledged:
                self.conn.acknowledge_received_data(size, stream)
            self.unacknowledged.clear()
            self.wake()

    # ---- the thread of the connection --------------------------------------------------------------------------------

    def run(self):
        self.sock.setblocking(False)
        with self.changed:
            self.conn.initiate_connection()
            if self.upstream.settings:
                self.conn.update_settings(self.upstream.settings)  # in force when the peer has acknowledged them
            self.conn.increment_flow_control_window(CONNECTION_WINDOW)
        try:
            while self.exchange_bytes():
                pass
        except (OSError, ssl.SSLError):
            pass
        except h2.exceptions.ProtocolError as error:
            self.upstream.errors.append(error)
        self.finish()

    def exchange_bytes(self):
        """One turn: waits, writes and reads. False at the end of the connection."""
        with self.changed:
            self.out += self.conn.data_to_send()
            if self.closing and not self.out:
                return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | (select.POLLOUT if self.out else 0))
        poll.register(self.waker_read, select.POLLIN)
        ready = dict(poll.poll(1000 * DEADLINE))
        if self.waker_read in ready:
            os.read(self.waker_read, 65536)
        try:
            while self.out:
                with self.changed:
                    del self.out[:self.sock.send(self.out[:65536])]
        except WANT:
            pass
        return self.read_some()

    def read_some(self):
        try:
            while True:
                piece = self.sock.recv(65536)
                if not piece:
                    return False
                self.take(piece)
        except WANT:
            return True

    def take(self, piece):
        if self.is_dead:
            return
        with self.changed:
            try:
                events = self.conn.receive_data(piece)
            finally:
                self.out += self.conn.data_to_send()
            for event in events:
                self.on_event(event)
            self.changed.notify_all()

    def on_event(self, event):
        received = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            self.on_request(event)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.upstream.goaways.append((self.number, event.error_code))
        elif isinstance(event, h2.events.PingReceived):
            self.pings += 1
        elif received is None:
            return
        elif isinstance(event, h2.events.DataReceived):
            received.body += event.data
            self.unacknowledged.append((event.stream_id, event.flow_controlled_length))
            if self.upstream.reads_bodies:
                self.release_bodies()
        elif isinstance(event, h2.events.TrailersReceived):
            received.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            received.ended.set()
            if not self.upstream.at_head:
                self.handle(received)
        elif isinstance(event, h2.events.StreamReset):
            received.reset_code = event.error_code
            received.gone.set()

    def on_request(self, event):
        if self.last_stream is not None and event.stream_id > self.last_stream:
            return
        pseudo = {name: value for name, value in event.headers if name.startswith(":")}
        fields = [(name, value) for name, value in event.headers if not name.startswith(":")]
        received = self.streams[event.stream_id] = H2Received(self, event.stream_id, pseudo, fields)
        self.upstream.received.append(received)
        if self.upstream.at_head:
            self.handle(received)

    def handle(self, received):
        threading.Thread(target=self.upstream.handle, args=(received,), daemon=True).start()

    def finish(self):
        with self.changed:
            self.peer_gone.set()
            for received in self.streams.values():
                received.gone.set()
            self.changed.notify_all()
            os.close(self.waker_read)
            os.close(self.waker_write)
        self.sock.close()


class H2Upstream:
    """Accepts on a free loopback port, with prior knowledge, or by ALPN with a context `tls`. `handler(received)` runs
    when a request has ended (`at_head`: has begun); what it returns, if anything, is sent as the body of a 200.
    `settings` are held against the peer, as the library does it, from when it has acknowledged them. Bodies are not
    read while `reads_bodies` is False: what has come stays in the windows."""

    def __init__(self, handler=None, tls=None, settings=None, at_head=False):
        self.handler = handler or (lambda received: b"ok")
        self.tls, self.settings, self.at_head = tls, settings, at_head
        self.reads_bodies = True
        self.received, self.connections, self.goaways, self.errors, self.failures = [], [], [], [], []
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept_loop, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.close_connections()

    def close_connections(self):
        for connection in list(self.connections):
            if not connection.peer_gone.is_set():
                connection.close()

    def clear(self):
        """Forgets what came, and ends the connections, so that the next request opens one."""
        self.close_connections()
        wait_until(lambda: all(one.peer_gone.is_set() for one in self.connections), "the connections to end")
        for record in (self.received, self.connections, self.goaways, self.errors, self.failures):
            record.clear()

    def accept_loop(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(DEADLINE)
        try:
            sock = self.tls.wrap_socket(sock, server_side=True) if self.tls else sock
        except OSError as error:
            self.failures.append(error)
            sock.close()
            return
        connection = H2UpstreamConnection(self, sock, len(self.connections))
        self.connections.append(connection)
        connection.run()

    def handle(self, received):
        try:
            body = self.handler(received)
            if body is not None:
                received.answer(body)
        except h2.exceptions.ProtocolError as error:  # the peer was quicker: it has reset the stream, or gone
            if not received.gone.is_set():
                self.errors.append(error)
        except Exception as error:  # shown by the test that asks for `errors`
            self.errors.append(error)

    def release_bodies(self):
        self.reads_bodies = True
        for connection in list(self.connections):
            if not connection.peer_gone.is_set():
                connection.release_bodies()

    def wait_received(self, count=1, timeout=DEADLINE):
        """Waits until `count` requests have begun; returns the last."""
        wait_until(lambda: len(self.received) >= count, lambda: f"{count} requests, {len(self.received)} came", timeout)
        return self.received[count - 1]

    def of(self, target):
        """The requests for a target, in the order of their arrival."""
        return [one for one in self.received if one.target == target]

    def only(self):
        assert not self.errors, self.errors
        assert len(self.received) == 1, [(one.method, one.target) for one in self.received]
        return self.received[0]
