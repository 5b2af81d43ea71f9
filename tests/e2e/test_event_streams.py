# SPDX-License-Identifier: Apache-2.0
"""Event streams and long polls: nothing waits in a buffer, silence is no failure, and a client that leaves takes its
upstream request with it."""
import queue
import threading
import time

import pytest

from harness.client import Ended, RawClient, build_request
from harness.scene import api_route, scene
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SLOWNESS, wait_until

PATH = "/api/v1/events"
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream{}\r\nCache-Control: no-cache\r\n{}\r\n"
# An event crosses in well under a millisecond; this is the patience with a loaded machine.
AT_ONCE = 0.25 * SLOWNESS


class EventSource(RawUpstream):
    """Sends what the test puts into `events`, each piece by itself: bytes to send, or None to end. Chunked, or until
    the connection closes (?close), or as another type (?type=plain)."""

    def __init__(self, **options):
        self.events = queue.Queue()
        super().__init__(self.stream, **options)

    def stream(self, received):
        if received.target.startswith("/api/v1/poll"):
            self.events.get(timeout=60)
            return answer(b"news")
        chunked = "close" not in received.target
        head = HEAD.format("; charset=utf-8", "Transfer-Encoding: chunked\r\n" if chunked else "")
        if "type=plain" in received.target:
            head = head.replace("text/event-stream", "text/plain")
        received.send(head.encode())
        watch = threading.Thread(target=received.connection.wait_for_peer, daemon=True)
        watch.start()
        while not received.connection.peer_gone.is_set():
            try:
                event = self.events.get(timeout=0.02)
            except queue.Empty:
                continue
            if event is None:
                break
            received.send(b"%x\r\n%s\r\n" % (len(event), event) if chunked else event)
        if chunked:
            received.send(b"0\r\n\r\n")
        received.close()
        return None


@pytest.fixture()
def source():
    with EventSource() as source:
        yield source


@pytest.fixture()
def daemon(start_one, site_pair, web_root, source):
    route = api_route(timeouts={"read": "1s"}, websocket_idle="4s")
    return start_one(scene(site_pair, web_root, source.url, api=route))


@pytest.fixture(params=["http", "https"])
def listener(daemon, request):
    return getattr(daemon, request.param)


def subscribe(listener, target=PATH):
    client = RawClient(listener.port, tls=listener.tls)
    client.send(build_request("GET", target, [("Accept", "text/event-stream"), ("Last-Event-ID", "7")]))
    head = client.read_head()
    assert head.status == 200, head.head
    return client, head


def read_event(client, head):
    """The next piece of the body, as the client's parser would see it."""
    if not head.get("Transfer-Encoding"):
        return client.reader.until(b"\n\n")
    size = int(client.reader.until(b"\r\n"), 16)
    return client.reader.exactly(size + 2)[:-2]


@pytest.mark.parametrize("target", [PATH, f"{PATH}?close"])
def test_every_event_arrives_at_once(listener, source, target):
    client, head = subscribe(listener, target)
    with client:
        assert head.get("Content-Type") == "text/event-stream; charset=utf-8"
        delays = []
        for number in range(30):
            event = b"id: %d\ndata: event %d\n\n" % (number, number)
            sent = time.monotonic()
            source.events.put(event)
            assert read_event(client, head) == event  # alone: not with the next one
            delays.append(time.monotonic() - sent)
        source.events.put(None)
        assert max(delays) < AT_ONCE, delays
        assert sorted(delays)[len(delays) // 2] < 0.05 * SLOWNESS, delays
    assert source.received[0].get("Last-Event-ID") == "7"
    assert source.received[0].get("Accept") == "text/event-stream"


def test_head_arrives_before_the_first_event(listener):
    since = time.monotonic()
    client, _ = subscribe(listener)
    assert time.monotonic() - since < AT_ONCE
    client.close()


def test_silence_longer_than_the_read_timeout_lives(daemon, listener, source):
    client, head = subscribe(listener)
    with client:
        for number in range(2):
            assert not client.is_readable(1.6)  # timeouts.read is 1 s
            source.events.put(b"data: %d\n\n" % number)
            assert read_event(client, head) == b"data: %d\n\n" % number
        source.events.put(None)
        assert client.reader.exactly(5) == b"0\r\n\r\n"
    record = daemon.record_of(head)
    assert (record["status"], record["reason"]) == (200, "")
    assert record["total_ms"] > 3000


def test_silence_is_bounded_by_websocket_idle(daemon, source):
    client, head = subscribe(daemon.http)
    with client:
        source.events.put(b"data: 1\n\n")
        read_event(client, head)
        since = time.monotonic()
        assert not client.reader.buffer
        client.reader.set_timeout(3 * DEADLINE)
        with pytest.raises(Ended) as cut:
            client.reader.exactly(1)
        assert cut.value.reset and 3.5 < time.monotonic() - since < 4 + DEADLINE
    assert daemon.record_of(head)["reason"] == "upstream_read_timeout"


def test_other_answers_are_held_to_the_read_timeout(daemon, source):
    client, head = subscribe(daemon.http, f"{PATH}?type=plain")
    with client:
        since = time.monotonic()
        with pytest.raises(Ended) as cut:
            client.reader.exactly(1)
        assert cut.value.reset and time.monotonic() - since < 3.5 * SLOWNESS
    assert daemon.record_of(head)["reason"] == "upstream_read_timeout"


@pytest.mark.parametrize("how", ["reset", "close while events come", "close in silence"])
def test_client_that_leaves_ends_the_upstream_request(daemon, listener, source, how):
    client, head = subscribe(listener)
    source.events.put(b"data: 1\n\n")
    read_event(client, head)
    gone = source.received[0].connection.peer_gone
    assert not gone.is_set()
    since = time.monotonic()
    client.reset() if how == "reset" else client.close()
    if how == "close while events come":
        wait_until(lambda: source.events.put(b"data: more\n\n") or gone.wait(0.02), "the end at the upstream")
    else:
        assert gone.wait(DEADLINE)
    # Who closes in silence may only have ended its direction: it gets 2 s (docs/adr/0004).
    assert time.monotonic() - since < (2.2 if how == "close in silence" else 0) + 2 * AT_ONCE
    record = daemon.record_of(head)
    assert (record["status"], record["reason"]) == (200, "client_closed")


def test_each_of_many_subscribers_gets_every_event(daemon, source):
    """Each on a connection of its own to the upstream, which hands its events out one by one."""
    clients = [subscribe(daemon.https) for _ in range(40)]
    for number in range(len(clients)):
        source.events.put(b"data: %d\n\n" % number)
    taken = []

    def take(client, head):
        while len(taken) < len(clients):
            if client.is_readable(0.05):
                taken.extend(read_event(client, head).split(b"\n\n")[:-1])  # the source may have sent several at once

    threads = [threading.Thread(target=take, args=one, daemon=True) for one in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert sorted(taken) == sorted(b"data: %d" % number for number in range(len(clients)))
    for client, _ in clients:
        client.reset()


def test_long_poll_is_answered_when_there_is_news(source, start_one, site_pair, web_root):
    patient = start_one(scene(site_pair, web_root, source.url, api=api_route(timeouts={"read": "20s"})))
    with RawClient(patient.https.port, tls=True) as client:
        client.send(build_request("GET", "/api/v1/poll"))
        assert not client.is_readable(1.5)
        sent = time.monotonic()
        source.events.put(b"go")
        response = client.read_response()
        assert time.monotonic() - sent < AT_ONCE and response.body == b"news"
        record = patient.record_of(response)
        assert record["total_ms"] > 1400 and record["upstream_header_ms"] > 1400


def test_long_poll_beyond_the_read_timeout_is_504(daemon):
    with RawClient(daemon.http.port) as client:
        response = client.request("GET", "/api/v1/poll")
        assert response.status == 504
    assert daemon.record_of(response)["reason"] == "upstream_header_timeout"
