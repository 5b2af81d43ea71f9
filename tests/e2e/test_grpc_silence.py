# SPDX-License-Identifier: Apache-2.0
"""gRPC calls whose two sides are silent for longer than a body or an answer may be: that is what they are for."""
import time

import pytest

from harness.grpc_service import GrpcServer, open_channel
from harness.scene import plain_scene, proxy
from harness.waiting import DEADLINE

LIMIT_MS = 600  #, of bodies and answers


@pytest.fixture(scope="module")
def channel(start_daemon, authority):
    server = GrpcServer()
    limits = {"timeouts": {"read": f"{LIMIT_MS}ms"}}
    config = plain_scene(server.url, [proxy("echo", {"prefix": "/plain.Echo/"}, "plain", **limits)])
    config["client"] = {"body_timeout": f"{LIMIT_MS}ms"}
    config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}]
    config["upstreams"] = {"plain": {"servers": [server.url], "http2": True}}
    with open_channel(start_daemon(config).http, authority.ca_file) as channel:
        yield channel
    server.stop()


def slowly(messages):
    for message in messages:
        yield message
        time.sleep(2 * LIMIT_MS / 1000)


def test_both_sides_are_silent_between_their_turns(channel):
    call = channel.stream_stream("/plain.Echo/Chat")(slowly([b"a", b"b", b"c"]), timeout=3 * DEADLINE)
    assert list(call) == [b"re: a", b"re: b", b"re: c"]


def test_a_client_takes_its_time_before_there_is_an_answer(channel):
    assert channel.stream_unary("/plain.Echo/Gather")(slowly([b"a", b"b"]), timeout=3 * DEADLINE) == b"a|b"
