# SPDX-License-Identifier: Apache-2.0
"""A slow reader or a slow upstream stops the sender and never grows the daemon: memory stays flat.

256 MiB in the ordinary run; 1 GiB with VIADUCT_E2E_FULL=1."""
import hashlib
import os
import threading

import pytest

from harness.client import RawClient, build_request
from harness.kernel import IN_FLIGHT_MAX
from harness.pattern import pattern_pieces, pattern_sha256
from harness.scene import scene
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SANITIZED, wait_until, wait_until_steady

MIB = 1024 * 1024
SIZE = 1024 * MIB if os.environ.get("VIADUCT_E2E_FULL") else 256 * MIB
GROWTH_MAX_KIB = 24 * 1024


class CountingUpstream(RawUpstream):
    """Sends `SIZE` bytes as an answer, or reads a request body only when `gate` is open; counts both."""

    def __init__(self):
        self.sent = self.taken = 0
        self.gate = threading.Event()
        self.digest = hashlib.sha256()
        super().__init__(self.serve_body, read_body=False)

    def serve_body(self, received):
        if received.method == "GET":
            received.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n".encode())
            for piece in pattern_pieces(SIZE):
                received.send(piece)
                self.sent += len(piece)
            return b""
        self.gate.wait(60 * DEADLINE)
        reader, left = received.connection.reader, int(received.get("Content-Length"))
        while left:
            if not reader.buffer:
                assert reader.fill()
            piece = reader.take(min(left, len(reader.buffer)))
            self.digest.update(piece)
            self.taken += len(piece)
            left -= len(piece)
        return answer(b"taken")


@pytest.fixture()
def upstream():
    with CountingUpstream() as counting:
        yield counting


@pytest.fixture()
def daemon(start_one, site_pair, web_root, upstream):
    config = scene(site_pair, web_root, upstream.url)
    config["defaults"]["body_limit"] = "2g"
    daemon = start_one(config)
    warm_up(daemon)
    return daemon


def warm_up(daemon):
    """Takes the costs of the first exchanges out of the measurement."""
    for listener in (daemon.http, daemon.https):
        for _ in range(4):
            with RawClient(listener.port, tls=listener.tls) as client:
                client.request("GET", "/static/style.css")


def assert_flat(daemon, before, peak):
    if SANITIZED:  # freed memory stays in quarantine there
        return
    assert peak - before < GROWTH_MAX_KIB, f"VmRSS grew from {before} to {peak} KiB"
    assert daemon.is_running()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_slow_reader(daemon, upstream, scheme):
    before = daemon.resident_kib()
    listener = getattr(daemon, scheme)
    with RawClient(listener.port, tls=listener.tls) as client:
        client.send(build_request("GET", "/api/v1/big"))
        head = client.read_head()
        assert head.get("Content-Length") == str(SIZE)
        stalled = wait_until_steady(lambda: upstream.sent, "the upstream to be stopped")
        assert stalled < IN_FLIGHT_MAX, f"{stalled} bytes were taken from the upstream while the client stood still"
        peak = daemon.resident_kib()
        digest, left, pieces = hashlib.sha256(), SIZE, 0
        while left:
            piece = client.reader.take(len(client.reader.buffer))
            digest.update(piece)
            left -= len(piece)
            if left:
                assert client.reader.fill(), f"ended with {left} bytes missing"
            pieces += 1
            if pieces % 256 == 0:
                peak = max(peak, daemon.resident_kib())
    assert digest.hexdigest() == pattern_sha256(SIZE)
    assert_flat(daemon, before, peak)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_slow_upstream(daemon, upstream, scheme):
    before = daemon.resident_kib()
    listener = getattr(daemon, scheme)
    sent = [0]

    def send(client):
        for piece in pattern_pieces(SIZE):
            client.send(piece)
            sent[0] += len(piece)

    with RawClient(listener.port, tls=listener.tls) as client:
        client.sock.settimeout(60 * DEADLINE)
        client.send(build_request("POST", "/api/v1/big", [("Content-Length", str(SIZE))]))
        sender = threading.Thread(target=send, args=(client,), daemon=True)
        sender.start()
        upstream_began = wait_until(lambda: upstream.received, "the request at the upstream")
        stalled = wait_until_steady(lambda: sent[0], "the client to be stopped")
        assert upstream_began and stalled < IN_FLIGHT_MAX, f"{stalled} bytes were taken from the client"
        peak = daemon.resident_kib()
        upstream.gate.set()

        def progress():
            nonlocal peak
            peak = max(peak, daemon.resident_kib())
            return upstream.taken == SIZE

        wait_until(progress, lambda: f"{SIZE} bytes, {upstream.taken} came", 30 * DEADLINE)
        sender.join(DEADLINE)
        assert client.read_response().body == b"taken"
    assert upstream.digest.hexdigest() == pattern_sha256(SIZE)
    assert_flat(daemon, before, peak)


def test_many_slow_readers_share_flat_memory(daemon, upstream):
    """Fifty clients that ask for much and read nothing."""
    before = daemon.resident_kib()
    clients = [RawClient(daemon.http.port) for _ in range(50)]
    try:
        for client in clients:
            client.send(build_request("GET", "/api/v1/big"))
        wait_until(lambda: len(upstream.received) == len(clients), "all requests at the upstream")
        wait_until_steady(lambda: upstream.sent, "the upstream to be stopped", timeout=3 * DEADLINE)
        if not SANITIZED:
            growth = daemon.resident_kib() - before
            assert growth < 50 * 1024, f"VmRSS grew by {growth} KiB with 50 slow readers: above 1 MiB each"
    finally:
        for client in clients:
            client.reset()
    wait_until(lambda: all(one.connection.peer_gone.is_set() for one in upstream.received),
               "the upstream connections of clients that left to be closed")
