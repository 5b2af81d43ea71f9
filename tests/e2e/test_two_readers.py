# SPDX-License-Identifier: Apache-2.0
"""What Viaduct forwards is one request to every reader: the rows of the tables and thousands of mutations of them go,
by one daemon each, to node:http (llhttp) and to nginx, and both must report the same requests, as many as Viaduct says
it has forwarded."""
import os

import pytest

from harness import h2frames as h2
from harness import raw_fields, raw_framing, raw_pipelines, raw_targets, smuggling
from harness.client import RawClient
from harness.h2hpack import plain_block
from harness.h2wire import H2Client
from harness.metrics import value
from harness.mutations import field_lists, mutations
from harness.other_servers import NginxServer, NodeServer
from harness.scene import plain_scene
from harness.waiting import wait_until
from harness.wire import Ended

ROWS = [row for table in (raw_framing, raw_targets, raw_fields, raw_pipelines) for row in table.ROWS]
CASES = [row.data for row in ROWS] + [row[1] for row in smuggling.ROWS]
# Mostly of what is forwarded, since what is refused in any case teaches little.
BASES = [data for data in CASES + 4 * [row.data for row in ROWS if row.seen] if len(data) < 2000]
MUTATIONS = 8000 if os.environ.get("VIADUCT_E2E_FULL") else 2400
BATCH = 60


def is_over(frame):
    return frame.type in (h2.RST_STREAM, h2.GOAWAY) or frame.stream == 1 and frame.has(h2.END_STREAM)


class Reader:
    """A daemon before one of the two servers."""

    def __init__(self, server, start_daemon):
        self.server = server
        # One worker, so that requests arrive in the order of the cases; one attempt, so that each arrives once.
        config = plain_scene(server.url, process={"workers": 1})
        config["upstreams"]["app"] |= {"eject": None, "keepalive": {"max_idle": 8, "idle": "100s"}}
        config["defaults"] = {"retry": {"attempts": 1}}
        config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}, {"address": "127.0.0.1:0"}]
        config["admin"] = {"health": "127.0.0.1:0"}
        self.daemon = start_daemon(config)
        self.known = self.forwarded_known = 0

    def send(self, case):
        """Sends a case and waits for what comes of it: raw bytes and the end, or a request of HTTP/2."""
        self.send_raw(case) if isinstance(case, bytes) else self.send_h2(*case)

    def send_h2(self, fields, body, trailers):
        with H2Client(self.daemon.listeners[0]) as client:
            last = len(body or ()) - 1
            flags = h2.NONE if body is not None else h2.END_STREAM
            frames = h2.headers(1, plain_block(fields), flags | h2.END_HEADERS)
            for number, piece in enumerate(body or ()):
                for start in range(0, max(1, len(piece)), 16384):
                    is_end = number == last and start + 16384 >= len(piece) and not trailers
                    frames += h2.data(1, piece[start:start + 16384], h2.END_STREAM if is_end else h2.NONE)
            client.send(frames + (h2.headers(1, plain_block(trailers), h2.WHOLE) if trailers else b""))
            client.take(is_over, "the end of the stream or of the connection")

    def send_raw(self, data):
        with RawClient(self.daemon.http.port) as client:
            try:
                client.send(data)
                client.finish_sending()
                return client.reader.to_end()
            except (Ended, OSError):
                return None

    def forwarded(self):
        return [one for one in self.daemon.access_records() if one["attempts"]]

    def take(self, cases):
        """What the server has read of the cases, and how many requests the daemon says to have forwarded."""
        for data in cases:
            self.send(data)
        logged = self.count_logged()
        wait_until(lambda: self.server.count() >= logged, lambda: f"{logged} requests at {self.server.url}, "
                                                                   f"{self.server.count()} came: {cases[-1]!r}")
        forwarded, self.forwarded_known = logged - self.forwarded_known, logged
        reported = self.server.reported(self.known)
        self.known += len(reported)
        return reported, forwarded

    def count_logged(self):
        """All exchanges so far are in the log when no connection of theirs is open and that of this request is there:
        an exchange whose client may have left waits for what comes of its answer."""
        wait_until(lambda: value(self.daemon, "viaduct_connections") == 0, "the ends of all connections")
        with RawClient(self.daemon.http.port) as client:
            mark = client.request("GET", "/mark", host="unknown.example").request_id
        self.daemon.wait_for_text(mark)
        return len(self.forwarded())


@pytest.fixture(scope="module")
def readers(start_daemon, place):
    servers = [NodeServer(), NginxServer(place / "nginx")]
    yield [Reader(server, start_daemon) for server in servers]
    for server in servers:
        server.stop()


def agree(by_node, by_nginx):
    if by_node.target is None:
        return max(by_nginx.target) > "\x7f" or not by_nginx.method.isupper()
    same_line = (by_node.method, by_node.target) == (by_nginx.method, by_nginx.target)
    return same_line and by_nginx.body in (None, by_node.body)


def differences(readers, cases):
    """What is wrong with a batch; None when all agree."""
    (first, first_count), (second, second_count) = (reader.take(cases) for reader in readers)
    if first_count != len(first) or second_count != len(second):
        return f"forwarded {first_count} and {second_count}, read {first} and {second}"
    if len(first) != len(second):
        return f"{first} is not {second}"
    return [pair for pair in zip(first, second) if not agree(*pair)] or None


def assert_agreed(readers, cases):
    for start in range(0, len(cases), BATCH):
        batch = cases[start:start + BATCH]
        if differences(readers, batch):
            for case in batch:
                wrong = differences(readers, [case])
                assert not wrong, f"{case!r}: {wrong}"
            pytest.fail(f"the batch from {start} on differs as a whole alone")


def test_rows(readers):
    assert_agreed(readers, CASES)
    assert min(reader.known for reader in readers) > 200


def test_mutations(readers):
    before = readers[0].known
    assert_agreed(readers, list(mutations(BASES, MUTATIONS)))
    assert readers[0].known - before > MUTATIONS // 5, "hardly anything was forwarded"


def test_field_lists_of_http_2(readers):
    before = readers[0].known
    assert_agreed(readers, list(field_lists(MUTATIONS // 2)))
    assert readers[0].known - before > MUTATIONS // 10, "hardly anything was forwarded"


def test_connections_are_used_again(readers):
    """Were each request alone on its connection, nothing could come between two."""
    for reader in readers:
        assert max(one.number for one in reader.server.reported(0)) > 10
