# SPDX-License-Identifier: Apache-2.0
"""The upstream server of a soak run, a process of its own: says what it was asked, takes notices, echoes WebSockets.
TERM ends it as servers should: what is under way is answered first. Usage: server.py PORT"""

import asyncio
import base64
import hashlib
import signal
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE = 8


class Server:
    """All connections; ends when none has a request under way."""

    def __init__(self):
        self.ending = asyncio.Event()
        self.busy = 0

    async def serve(self, reader, writer):
        """One connection."""
        try:
            while not self.ending.is_set():
                head = await self.next_head(reader)
                if not head:
                    break
                self.busy += 1
                try:
                    if not await self.answer(head, reader, writer):
                        break
                finally:
                    self.busy -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    async def next_head(self, reader):
        """The next head, or nothing when the client or this server ends."""
        reading = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
        ended = asyncio.ensure_future(self.ending.wait())
        await asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not reading.done():
            reading.cancel()
            return b""
        return reading.result()

    async def answer(self, head, reader, writer):
        """One request; False when the connection is over."""
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if "sec-websocket-key" in fields:
            await self.echo(fields["sec-websocket-key"], reader, writer)
            return False
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        told = f"{method} {target} {hashlib.sha256(body).hexdigest()}".encode()
        last = self.ending.is_set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n%s"
                     % (len(told), b"Connection: close\r\n" if last else b"", told))
        await writer.drain()
        return not last

    async def echo(self, key, reader, writer):
        """A WebSocket, until either side ends."""
        accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        self.busy -= 1  # a WebSocket may be cut
        try:
            while True:
                first, size = await reader.readexactly(2)
                mask = await reader.readexactly(4)
                payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(size & 0x7f)))
                writer.write(bytes([first, len(payload)]) + payload)
                await writer.drain()
                if first & 0x0f == CLOSE:
                    return
        finally:
            self.busy += 1


async def main(port):
    """Until TERM, and then until what is under way is done."""
    server = Server()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.ending.set)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", port, backlog=512)
    await server.ending.wait()
    listener.close()
    while server.busy:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
