# SPDX-License-Identifier: Apache-2.0
"""Clients that ask without end, each kind in its own way, and tolerate nothing: for reloads and upgrades under load.

What HTTP allows a server is no failure: to end a connection behind an answer that said so, or, with HTTP/2, behind a
GOAWAY that leaves the request out. A connection that ends without a word, or an answer that is not whole, is one.
"""
import asyncio
import threading

from . import h2frames as h2
from .client import RawClient, fetch
from .h2wire import H2Client
from .pattern import pattern
from .waiting import DEADLINE
from .websocket_server import connect
from .websocket_server import run as run_coroutine


class Load:
    """Threads of `kinds` (names of the methods below) that work until finish()."""

    def __init__(self, listener, kinds, websocket_path="/ws"):
        self.listener, self.websocket_path = listener, websocket_path
        self.stopping = threading.Event()
        self.failures, self.counts = [], dict.fromkeys(kinds, 0)
        self.threads = [threading.Thread(target=self.work, args=(kind,), daemon=True) for kind in kinds]
        for thread in self.threads:
            thread.start()

    def work(self, kind):
        try:
            while not self.stopping.is_set():
                getattr(self, kind)()
        except Exception as error:  # every kind of failure counts
            self.failures.append((kind, self.counts[kind], repr(error)))

    def fresh(self):
        """One connection for each request."""
        assert fetch(self.listener, "GET", "/fresh").status == 200
        self.counts["fresh"] += 1

    def keep_alive(self):
        """One connection as long as it lives, gets and posts in turn."""
        with RawClient(self.listener.port, tls=self.listener.tls) as client:
            while not self.stopping.is_set():
                count = self.counts["keep_alive"]
                body = pattern(count * 37 % 5000) if count % 2 else None
                response = client.request("GET" if body is None else "POST", "/kept", body=body)
                assert response.status == 200
                self.counts["keep_alive"] += 1
                if "close" in response.tokens("Connection"):
                    return

    def quiet(self):
        """One connection that is idle for a while between requests."""
        with RawClient(self.listener.port, tls=self.listener.tls) as client:
            while not self.stopping.is_set():
                response = client.request("GET", "/quiet")
                assert response.status == 200
                self.counts["quiet"] += 1
                if "close" in response.tokens("Connection"):
                    return
                self.stopping.wait(0.05)

    def http2(self):
        """Three requests side by side on one connection, until its server says goodbye."""
        with H2Client(self.listener) as client:
            number = 1
            while not self.stopping.is_set() and client.poll():
                streams = {number, number + 2, number + 4}
                client.send(b"".join(client.get(one, "/h2") for one in sorted(streams)))
                self.counts["http2"] += self.answers(client, streams)
                number += 6

    @staticmethod
    def answers(client, streams):
        """Reads the answers of all streams but those that a goodbye leaves out; returns their number."""
        count = 0
        while streams:
            got = client.take(lambda one: True, "the answers")
            assert got, f"the server ended before streams {streams}: {client.story()}"
            assert got.type != h2.RST_STREAM, client.story()
            if got.type == h2.PING and not got.has(h2.ACK):
                client.send(h2.frame(h2.PING, h2.ACK, 0, got.payload))
            elif got.type == h2.GOAWAY:
                last = int.from_bytes(got.payload[:4], "big")
                streams = {one for one in streams if one <= last}
            elif got.type == h2.HEADERS:
                assert dict(got.fields)[":status"] == "200", got.fields
            if got.stream in streams and got.has(h2.END_STREAM) and got.type in (h2.HEADERS, h2.DATA):
                streams = streams - {got.stream}
                count += 1
        return count

    def websocket(self):
        """Opens, talks and closes, time and again."""
        async def talk():
            async with connect(self.listener, self.websocket_path) as client:
                for number in range(20):
                    await client.send(f"message {number}")
                    assert await client.recv() == f"message {number}"
        run_coroutine(asyncio.wait_for(talk(), DEADLINE))
        self.counts["websocket"] += 1

    def finish(self):
        """Ends all; AssertionError when anything failed, or a kind did nothing. Returns the counts."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(2 * DEADLINE)
        assert not self.failures, self.failures
        assert all(self.counts.values()), self.counts
        return self.counts
