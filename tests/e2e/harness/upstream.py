# SPDX-License-Identifier: Apache-2.0
"""An upstream server that records the exact bytes it receives and answers by script, well or badly."""
import socket
import ssl
import threading
from dataclasses import dataclass, field

from .waiting import DEADLINE, wait_until
from .wire import HEAD_END, Ended, Fields, WireReader, split_head

RESET_ON_CLOSE = b"\x01\0\0\0\0\0\0\0"


def answer(body=b"ok", status="200 OK", fields=(("Content-Type", "text/plain"),), framing="length", trailers=()):
    """The bytes of an answer. `framing` is length, chunked, close or none (no framing field, no body)."""
    lines = [f"HTTP/1.1 {status}"] + [f"{name}: {value}" for name, value in fields]
    payload = body
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[start:start + 4096] for start in range(0, len(body), 4096)]
        payload = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n"
        payload += b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers) + b"\r\n"
    elif framing == "close":
        lines.append("Connection: close")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + payload


@dataclass
class Received(Fields):
    """One request as it arrived. `raw_body` is what stood on the wire, `body` the decoded content."""

    connection: "UpstreamConnection"
    number_on_connection: int
    head: bytes
    method: str
    target: str
    version: str
    fields: list
    raw_body: bytes = b""
    body: bytes = b""
    trailers: list = field(default_factory=list)
    complete: bool = False

    def send(self, data):
        self.connection.send(data)

    def hang(self):
        """Waits, without answering, until the peer gives up or the upstream stops; then closes."""
        self.connection.wait_for_peer()
        self.connection.close()

    def close(self):
        self.connection.close()

    def reset(self):
        self.connection.close(reset=True)


class UpstreamConnection:
    """The upstream's side of one connection, served by one thread."""

    def __init__(self, sock, number):
        self.sock = sock
        self.number = number
        self.reader = WireReader(sock, timeout=None)
        self.peer_gone = threading.Event()
        self.closed = False

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            self.peer_gone.set()

    def wait_for_peer(self):
        try:
            while self.reader.fill():
                pass
        except (Ended, OSError, ssl.SSLError):
            pass
        self.peer_gone.set()

    def close(self, reset=False):
        if self.closed:
            return
        self.closed = True
        try:
            if reset:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            else:
                self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def wake(self):
        """Makes a thread that reads see the end."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class RawUpstream:
    """Accepts on a free loopback port. `handler(received)` returns the bytes to send, or None when it has sent, closed
    or hung by itself; an answer to HEAD is sent without its body. `on_connect(connection)` may serve a whole connection
    by returning True."""

    def __init__(self, handler=None, tls=None, on_connect=None, read_body=True, receive_buffer=None):
        self.handler = handler or (lambda received: answer())
        self.tls, self.on_connect, self.read_body = tls, on_connect, read_body
        self.received, self.connections, self.handshake_failures, self.errors = [], [], [], []
        self.server_names = []
        self.stopping = False
        if tls:
            tls.sni_callback = lambda sock, name, context: self.server_names.append(name)
        self.listener = socket.socket()
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128)
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
        # First, so that nobody whose connection ends comes back and is accepted for nothing.
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept(); close() alone would leave the port listening
        self.listener.close()
        self.stopping = True
        for connection in list(self.connections):
            connection.wake()

    def clear(self):
        self.received.clear()

    def accept_loop(self):
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except OSError as error:
                self.handshake_failures.append(error)
                sock.close()
                return
        connection = UpstreamConnection(sock, len(self.connections))
        self.connections.append(connection)
        try:
            if not (self.on_connect and self.on_connect(connection)):
                self.serve_requests(connection)
        except (Ended, OSError):
            pass
        except Exception as error:  # shown by the test that asks for `errors`
            self.errors.append(error)
        connection.peer_gone.set()
        connection.close()

    def serve_requests(self, connection):
        number = 0
        while not connection.closed:
            received = self.read_request(connection, number)
            number += 1
            reply = self.handler(received)
            if reply is not None:
                if received.method == "HEAD":
                    reply = reply[:reply.index(HEAD_END) + len(HEAD_END)]
                connection.send(reply)
                if b"\r\nConnection: close\r\n" in reply:
                    connection.close()

    def read_request(self, connection, number):
        head = connection.reader.until(HEAD_END)
        start, fields = split_head(head)
        method, target, version = start.split(" ")
        received = Received(connection, number, head, method, target, version, fields)
        self.received.append(received)
        if self.read_body:
            self.read_request_body(connection.reader, received)
        return received

    @staticmethod
    def read_request_body(reader, received):
        assert not (received.all("Transfer-Encoding") and received.all("Content-Length")), received.head
        if received.get("Transfer-Encoding"):
            received.raw_body, received.body, received.trailers = reader.chunked()
        elif received.get("Content-Length"):
            received.raw_body = received.body = reader.exactly(int(received.get("Content-Length")))
        received.complete = True

    def wait_received(self, count=1, timeout=DEADLINE):
        """Waits until `count` requests have come whole (heads only with read_body=False); returns the last."""
        def enough():
            return len([one for one in self.received if one.complete or not self.read_body]) >= count
        wait_until(enough, lambda: f"{count} requests, {len(self.received)} came", timeout)
        return self.received[count - 1]

    def only(self):
        """The one request that came; AssertionError when there were more or none."""
        assert not self.errors, self.errors
        assert len(self.received) == 1, [one.head for one in self.received]
        return self.received[0]


class ClosedPort:
    """A port that refuses connections for as long as this object lives: bound, not listening."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self):
        self.sock.close()


class Blackhole:
    """A port where connects hang: the accept queue is full, so that the kernel drops further SYNs."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)

    def close(self):
        for filler in self.fillers:
            filler.close()
        self.listener.close()


def server_context(pair):
    """A TLS server context for a certificate pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(pair.cert), str(pair.key))
    return context
