# SPDX-License-Identifier: Apache-2.0
"""A client that sends exactly the bytes it is told to, in pieces if asked, and reads answers strictly."""
import select
import socket
import ssl
import time

from .waiting import DEADLINE
from .wire import Ended, WireReader, read_response, read_response_head

HOST = "www.xintuxiangce.top"


def insecure_context(maximum=None, minimum=None, ciphers=None, alpn=None):
    """A TLS client context that looks at the certificate but does not judge it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers:
        context.set_ciphers(ciphers)
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def verifying_context(ca_file):
    return ssl.create_default_context(cafile=str(ca_file))


def build_request(method, target, fields=(), body=None, host=HOST, version="HTTP/1.1"):
    """A request with Host first (unless `host` is None), the given fields, and Content-Length when there is a body."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chunk(*pieces, trailers=()):
    """A chunked body of the given pieces."""
    out = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return out + b"0\r\n" + b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers) + b"\r\n"


class RawClient:
    """One connection. Use as a context manager."""

    def __init__(self, port, tls=False, sni=HOST, address="127.0.0.1", source=None, context=None, session=None,
                 receive_buffer=None):
        bound = (source, 0) if source else None
        self.sock = socket.create_connection((address, port), timeout=DEADLINE, source_address=bound)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = context or insecure_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=sni, session=session)
        self.reader = WireReader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_pieces(self, data, size=1):
        """Sends `size` bytes at a time, each in its own segment (or TLS record); stops when the peer has answered or
        gone, as a refusal may come before the last byte."""
        for start in range(0, len(data), size):
            if start and self.is_readable():
                return
            try:
                self.sock.sendall(data[start:start + size])
            except (ConnectionError, ssl.SSLError):
                return

    def is_readable(self, timeout=0):
        """Whether the server has sent something, or has ended, within `timeout` seconds."""
        if self.reader.buffer:
            return True
        if isinstance(self.sock, ssl.SSLSocket):
            return self.has_tls_data(timeout)
        return bool(select.select([self.sock], [], [], timeout)[0])

    def has_tls_data(self, timeout):
        """Reads, as what arrives may be a session ticket and no data; keeps what it has read for the reader."""
        end = time.monotonic() + timeout
        before = self.sock.gettimeout()
        while True:
            try:
                self.sock.settimeout(0)
                self.reader.buffer += self.sock.recv(16384)
                return True
            except ssl.SSLWantReadError:
                left = end - time.monotonic()
                if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                    return False
            except (ConnectionError, ssl.SSLError):
                return True
            finally:
                self.sock.settimeout(before)

    def finish_sending(self):
        """Half-closes: FIN after what was sent. Plain connections only."""
        self.sock.shutdown(socket.SHUT_WR)

    def read_response(self, method="GET"):
        return read_response(self.reader, method)

    def read_head(self):
        """The next head alone, an interim one too."""
        return read_response_head(self.reader)

    def at_end(self):
        """True when the server closes and sent nothing more. Waits for it."""
        return self.reader.at_end()

    def request(self, method, target, fields=(), body=None, **more):
        """Sends one request and reads its answer."""
        self.send(build_request(method, target, fields, body, **more))
        return self.read_response(method)


def exchange(listener, data, method="GET", step=None, **more):
    """Sends raw bytes on a fresh connection (in pieces of `step`) and reads one answer. Ended when none came."""
    with RawClient(listener.port, tls=listener.tls, **more) as client:
        if step:
            client.send_pieces(data, step)
        else:
            client.send(data)
        return client.read_response(method)


def fetch(listener, method, target, fields=(), body=None, host=HOST, version="HTTP/1.1", **more):
    """One request on a fresh connection."""
    data = build_request(method, target, fields, body, host, version)
    return exchange(listener, data, method, **more)


__all__ = ["HOST", "Ended", "RawClient", "build_request", "chunk", "exchange", "fetch", "insecure_context",
           "verifying_context"]
