# SPDX-License-Identifier: Apache-2.0
"""WebSocket on both sides: Debian's python3-websockets as a server, in a thread or a process of its own, and its
client; and the handshake byte by byte."""
import asyncio
import base64
import hashlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import websockets

from .client import HOST, RawClient, build_request, insecure_context
from .waiting import DEADLINE

E2E = Path(__file__).resolve().parents[1]
WHOLE = 1 << 26  # the longest message
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def echo(connection):
    """Sends every message back; a text "close CODE REASON" closes so."""
    async for message in connection:
        if isinstance(message, str) and message.startswith("close "):
            _, code, reason = message.split(" ", 2)
            await connection.close(int(code), reason)
            return
        await connection.send(message)


class WebsocketServer:
    """Listens on a free loopback port; `serve(connection)` is a coroutine. Keeps the handshakes' fields and how each
    connection ended."""

    def __init__(self, serve=echo, **options):
        self.serve, self.options = serve, options
        self.handshakes, self.closed, self.connections = [], [], []
        self.loop = asyncio.new_event_loop()
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(DEADLINE)

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        options = {"max_size": WHOLE, "ping_interval": None, "close_timeout": DEADLINE, **self.options}
        self.server = self.loop.run_until_complete(websockets.serve(self.handle, sock=self.sock, **options))
        ready.set()
        self.loop.run_forever()

    async def handle(self, connection):
        self.handshakes.append((connection.path, list(connection.request_headers.raw_items())))
        self.connections.append(connection)
        try:
            await self.serve(connection)
            await connection.wait_closed()
        except websockets.ConnectionClosed:
            pass
        self.closed.append((connection.close_code, connection.close_reason))

    def call(self, coroutine):
        """Runs a coroutine in the server's loop and returns its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(DEADLINE)

    def stop(self):
        self.server.close()
        try:
            self.call(self.server.wait_closed())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def connect(listener, path="/ws", **options):
    """websockets.connect() to a listener of the daemon, as the site's host: wss where it speaks TLS."""
    scheme = "wss" if listener.tls else "ws"
    sock = socket.create_connection(("127.0.0.1", listener.port), timeout=DEADLINE)
    sock.setblocking(False)
    if listener.tls:
        options = {"ssl": insecure_context(), "server_hostname": HOST, **options}
    options = {"max_size": WHOLE, "ping_interval": None, "close_timeout": DEADLINE, **options}
    return websockets.connect(f"{scheme}://{HOST}{path}", sock=sock, **options)


def run(coroutine):
    """Runs a test's coroutine, bounded."""
    async def bounded():
        return await asyncio.wait_for(coroutine, 3 * DEADLINE)
    return asyncio.run(bounded())


class WebsocketProcess:
    """An echo server in a process of its own, so that a test can kill it."""

    def __init__(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen(16)
            self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            self.process = subprocess.Popen([sys.executable, "-m", "harness.websocket_server", str(sock.fileno())],
                                            cwd=E2E, stdin=subprocess.DEVNULL, pass_fds=[sock.fileno()])

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)


# ---- byte by byte ----------------------------------------------------------------------------------------------------

HANDSHAKE = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
             ("Sec-WebSocket-Version", "13")]


def handshake(path="/ws", without=(), more=(), **options):
    """The bytes of a handshake without some of its fields and with others."""
    fields = [(name, value) for name, value in HANDSHAKE if name not in without]
    return build_request(options.pop("method", "GET"), path, [*fields, *more], **options)


def agreement(received, fields=()):
    """The 101 with which a server agrees to a handshake that it received."""
    accept = base64.b64encode(hashlib.sha1(received.get("Sec-WebSocket-Key").encode() + GUID).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Accept: {accept}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class RawTunnel(RawClient):
    """A client whose handshake was agreed to; what follows is the test's."""

    def __init__(self, listener, path="/ws", more=()):
        super().__init__(listener.port, tls=listener.tls)
        self.send(handshake(path, more=more))
        self.agreed = self.read_response()
        assert self.agreed.status == 101, self.agreed.head


def frame(payload, opcode=2, final=True):
    """A frame as a client sends it, masked with a random key."""
    mask = os.urandom(4)
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big") if size < 65536 \
        else bytes([0xFF]) + size.to_bytes(8, "big")
    return bytes([(0x80 if final else 0) | opcode]) + length + mask + \
        bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def main():
    async def serve():
        sock = socket.socket(fileno=int(sys.argv[1]))
        async with websockets.serve(echo, sock=sock, max_size=WHOLE):
            await asyncio.Future()
    asyncio.run(serve())


if __name__ == "__main__":
    main()
