# SPDX-License-Identifier: Apache-2.0
"""The load of a soak run: threads, each of one kind of client. A failure is an answer that should not be: a wrong
status or body, or a connection that ended in the middle of a request."""

import hashlib
import os
import threading
import time

from harness.client import HOST, RawClient, build_request, verifying_context
from harness.h2_client import H2LibraryClient
from harness.waiting import DEADLINE
from harness.wire import Ended

from .changes import NOTIFY, SOCKET

# Requests on one connection, and how long a client rests between two: a soak is long, not hard.
REQUESTS_A_CONNECTION = 200
PAUSE = 0.004
FAILURES_KEPT = 50
STREAMS = 8


class Worker:
    """One client of one kind, in a thread."""

    def __init__(self, kind, listener, context):
        self.kind, self.listener, self.context = kind, listener, context
        self.requests = self.reconnects = self.failed = 0
        self.failures, self.times = [], []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, name=kind, daemon=True)

    def run(self):
        """Connection after connection."""
        serve = getattr(self, self.kind)
        while not self.ending.is_set():
            try:
                serve()
            except Exception as error:  # whatever it is: it is a failure of this run
                self.fail(f"{type(error).__name__}: {error}")
                self.ending.wait(0.1)

    def fail(self, what):
        """Counts a failure; the first ones are kept."""
        self.failed += 1
        if len(self.failures) < FAILURES_KEPT:
            self.failures.append(f"{time.strftime('%H:%M:%S')} {self.kind}: {what}")

    def check(self, begun, answer, wanted):
        """Counts an answer that has come."""
        self.times.append(time.monotonic() - begun)
        self.requests += 1
        if answer != wanted:
            self.fail(f"{answer} instead of {wanted}")

    def take_times(self):
        """The times since the last call."""
        times, self.times = self.times, []
        return times

    def client(self):
        """A verified TLS connection."""
        return RawClient(self.listener.port, tls=True, context=self.context)

    def exchange(self, client, method, target, body=None):
        """One request and its answer; True while the connection can be used on."""
        begun = time.monotonic()
        response = client.request(method, target, body=body)
        told = f"{method} {target} {hashlib.sha256(body or b'').hexdigest()}".encode()
        self.check(begun, (response.status, response.body), (200, told))
        self.ending.wait(PAUSE)
        return (response.get("Connection") or "").lower() != "close"

    # ---- kinds -------------------------------------------------------------------------------------------------------

    def keep_alive(self):
        """GET after GET on a connection that stays."""
        with self.client() as client:
            for number in range(REQUESTS_A_CONNECTION):
                if self.ending.is_set() or not self.exchange(client, "GET", f"/api/v1/item/{number}?soak=%E6%94%AF"):
                    return

    def single(self):
        """A connection a request, with a full handshake each."""
        with self.client() as client:
            self.exchange(client, "GET", "/page")

    def callback(self):
        """Payment notices, which must come whole and get the application's own answer."""
        with self.client() as client:
            for _ in range(REQUESTS_A_CONNECTION):
                if self.ending.is_set() or not self.exchange(client, "POST", NOTIFY, os.urandom(1500)):
                    return

    def h2(self):
        """Streams side by side."""
        with H2LibraryClient(self.listener) as client:
            for number in range(REQUESTS_A_CONNECTION // STREAMS):
                if self.ending.is_set() or client.goaways or client.closed:
                    return
                begun = time.monotonic()
                targets = [f"/h2/{number}/{stream}" for stream in range(STREAMS)]
                streams = [client.get(target) for target in targets]
                client.wait(lambda: all(stream.over for stream in streams), "all streams", DEADLINE)
                for target, stream in zip(targets, streams):
                    told = f"GET {target} {hashlib.sha256(b'').hexdigest()}".encode()
                    self.check(begun, (stream.status, bytes(stream.body)), (200, told))
                self.ending.wait(PAUSE * STREAMS)

    def websocket(self):
        """Messages that come back; when its server goes, the connection is made again."""
        with self.client() as client:
            client.send(build_request("GET", SOCKET, [
                ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")]))
            head = client.read_head()
            if head.status != 101:
                return self.check(time.monotonic(), head.status, 101)
            for number in range(REQUESTS_A_CONNECTION):
                payload = f"message {number}".encode()
                begun = time.monotonic()
                if self.ending.is_set() or not self.echo(client, payload):
                    self.reconnects += 1
                    return None
                self.check(begun, payload, payload)
                self.ending.wait(5 * PAUSE)
        return None

    @staticmethod
    def echo(client, payload):
        """Sends a message (masked by zeros) and reads it back; False when the connection has ended."""
        try:
            client.send(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
            frame = client.reader.exactly(2 + len(payload))
        except (OSError, Ended):
            return False
        if frame != bytes([0x81, len(payload)]) + payload:
            raise AssertionError(f"another message came back: {frame!r}")
        return True


KINDS = ("keep_alive", "keep_alive", "single", "callback", "h2", "websocket", "websocket")


def start(daemon, ca_file):
    """All clients."""
    context = verifying_context(ca_file)
    workers = [Worker(kind, daemon.https, context) for kind in KINDS]
    for worker in workers:
        worker.thread.start()
    return workers


def finish(workers):
    """Ends all clients, each behind its present request."""
    for worker in workers:
        worker.ending.set()
    for worker in workers:
        worker.thread.join(3 * DEADLINE)
