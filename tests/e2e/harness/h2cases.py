# SPDX-License-Identifier: Apache-2.0
"""What the tests of HTTP/2 share: their scene, rows of what a client sends and what must come of it, and the record of
what arrived at the upstream."""
import itertools
from dataclasses import dataclass
from typing import Callable

from . import h2frames as h2
from .scene import plain_scene
from .upstream import RawUpstream, answer

BODY = b"hello from the upstream"
TRANSPORTS = ("h2c", "tls")
HANG = "/hang"
FORBIDDEN = "smuggled"
# RFC 9113 §8.1.1: a malformed request is a stream error PROTOCOL_ERROR, and an answer may come before it. Statuses of
# answers that may come in place of it: none.
MALFORMED_STATUSES = ()
numbers = itertools.count(1)


def h2_scene(pair, url, **top):
    """A plain listener that takes prior knowledge and a TLS listener that offers h2, all to one upstream."""
    config = plain_scene(url, **top)
    config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}, {"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = pair.as_config()
    return config


def listener_of(daemon, transport):
    return daemon.https if transport == "tls" else daemon.http


class Recorder(RawUpstream):
    """Answers `BODY`; requests for `HANG` are never answered."""

    def __init__(self, **more):
        super().__init__(self.reply, **more)

    @staticmethod
    def reply(received):
        return received.hang() if received.target.startswith(HANG) else answer(BODY)

    def of(self, row):
        """The requests that carry the mark of a row."""
        return [one for one in self.received if one.all("x-row") == [row]]

    def whole(self, row):
        """Those of which the end has come too."""
        return [one for one in self.of(row) if one.complete]

    def strays(self, start=0):
        """Requests that no client made, from the one with that number on."""
        return [one.head for one in self.received[start:] if FORBIDDEN in one.target or not one.all("x-row")]


@dataclass
class Case:
    """`sends(client)` gives the bytes behind the connection's start; `expects(client)` judges."""

    name: str
    sends: Callable
    expects: Callable
    arrives: int = None  # how many whole requests must have come to the upstream; None: that is not the point

    def __str__(self):
        return self.name


def run_case(client, upstream, case):
    """Sends a row under a mark of its own and judges what came of it, here and at the upstream. Returns the mark."""
    row, start = f"row-{next(numbers)}", len(upstream.received)
    client.mark(("x-row", row))
    client.send(case.sends(client))
    case.expects(client)
    if case.arrives is not None:
        arrived = upstream.whole(row)
        assert len(arrived) == case.arrives, [one.head for one in arrived]
    assert not upstream.strays(start)
    return row


# ---- expectations ---------------------------------------------------------------------------------------------------


def connection_error(*codes, silent=False):
    return lambda client: client.expect_connection_error(*codes, silent=silent)


def stream_error(*codes, stream=1):
    return lambda client: client.expect_stream_error(stream, *codes)


def malformed(client):
    """What a malformed request on stream 1 must come to."""
    client.expect_stream_error(1, h2.PROTOCOL_ERROR, statuses=MALFORMED_STATUSES)


def answered(status=200, stream=1):
    def expects(client):
        got = client.expect_answer(stream)
        assert (got.status, got.reset) in ((status, None), (status, h2.NO_ERROR)), got
    return expects


def answered_to_head(stream=1):
    def expects(client):
        got = client.expect_answer(stream)
        assert (got.status, got.body) == (200, b"") and got.get("content-length") == str(len(BODY)), got
    return expects


def refused(*statuses, codes=(h2.PROTOCOL_ERROR,), stream=1):
    """A stream error, or an answer with one of `statuses`."""
    return lambda client: client.expect_refusal(stream, statuses, codes)


def alive(client):
    """The connection goes on."""
    client.ping(b"go on...")


def alive_or_gone(client):
    """The connection goes on, or it ends without an error."""
    client.send(h2.ping(b"go on..."))
    client.take(lambda one: one.type == h2.PING and one.has(h2.ACK), "the ACK of a PING, or the end")
    got = client.goaway()
    assert got is None or got.code == h2.NO_ERROR, client.story()
