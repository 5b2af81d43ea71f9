# SPDX-License-Identifier: Apache-2.0
"""gRPC through Viaduct, with its own server and client: calls of every kind, messages as they are sent, status in
trailers, deadlines and cancelling. Clients come by TLS or with prior knowledge; so does the server."""
import queue

import grpc
import pytest

from harness.grpc_service import DETAILS, GrpcServer, open_channel
from harness.pattern import pattern
from harness.scene import plain_scene, proxy
from harness.waiting import DEADLINE

NAME = "www.aifuture.net.cn"
MIB = 1024 * 1024
WAYS = [("https", "plain"), ("http", "plain"), ("https", "secure"), ("http", "secure")]
StatusCode = grpc.StatusCode


@pytest.fixture(scope="module")
def servers(authority):
    servers = {"plain": GrpcServer(), "secure": GrpcServer(authority.issue([NAME]))}
    yield servers
    for server in servers.values():
        server.stop()


@pytest.fixture(scope="module")
def daemon(start_daemon, authority, site_pair, servers):
    routes = [proxy(name, {"prefix": f"/{name}.Echo/"}, name) for name in servers]
    config = plain_scene(servers["plain"].url, routes)
    config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}, {"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = site_pair.as_config()
    config["upstreams"] = {name: {"servers": [server.url], "http2": True} for name, server in servers.items()}
    config["upstreams"]["secure"]["tls"] = {"sni": NAME, "ca": str(authority.ca_file)}
    return start_daemon(config)


class Way:
    """One way through: a channel by one kind of listener, methods that lead to one kind of upstream."""

    def __init__(self, channel, server, name):
        self.channel, self.service, self.name = channel, server.service, name

    def unary(self, method):
        return self.channel.unary_unary(f"/{self.name}.Echo/{method}")

    def unary_stream(self, method):
        return self.channel.unary_stream(f"/{self.name}.Echo/{method}")

    def stream_unary(self, method):
        return self.channel.stream_unary(f"/{self.name}.Echo/{method}")

    def stream_stream(self, method):
        return self.channel.stream_stream(f"/{self.name}.Echo/{method}")


@pytest.fixture(scope="module", params=WAYS, ids="-to-".join)
def way(request, daemon, authority, servers):
    scheme, name = request.param
    with open_channel(getattr(daemon, scheme), authority.ca_file) as channel:
        yield Way(channel, servers[name], name)


@pytest.fixture(autouse=True)
def fresh(way):
    way.service.reset()
    yield
    way.service.gate.set()


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_535, 70_000, 4 * MIB])
def test_unary(way, size):
    message = pattern(size)
    answer, call = way.unary("Unary").with_call(message, timeout=3 * DEADLINE)
    assert answer == message and call.code() is StatusCode.OK
    trailers = {one.key: one.value for one in call.trailing_metadata()}
    assert trailers["x-length"] == str(size) and trailers["x-raw-bin"] == b"\x00\xff\x01"


def test_metadata_arrives(way):
    metadata = (("x-token", "secret"), ("x-raw-bin", bytes(range(256))), ("authorization", "Bearer t"))
    way.unary("Unary")(b"m", timeout=DEADLINE, metadata=metadata)
    seen = way.service.metadata
    assert (seen["x-token"], seen["x-raw-bin"], seen["authorization"]) == ("secret", bytes(range(256)), "Bearer t")
    assert seen["x-forwarded-for"] == "127.0.0.1" and seen["x-request-id"]


def test_status_that_is_not_ok(way):
    with pytest.raises(grpc.RpcError) as caught:
        way.unary("Fail")(b"m", timeout=DEADLINE)
    assert (caught.value.code(), caught.value.details()) == (StatusCode.FAILED_PRECONDITION, DETAILS)
    assert ("x-why", "balance") in [(one.key, one.value) for one in caught.value.trailing_metadata()]


def test_unknown_method(way):
    with pytest.raises(grpc.RpcError) as caught:
        way.unary("Missing")(b"m", timeout=DEADLINE)
    assert caught.value.code() is StatusCode.UNIMPLEMENTED


def test_server_streaming(way):
    """The first message is there while the server still waits with the second."""
    call = way.unary_stream("Count")(b"500", timeout=3 * DEADLINE)
    assert next(call) == b"message 0"
    assert ("x-first", "early") in [(one.key, one.value) for one in call.initial_metadata()]
    way.service.gate.set()
    assert list(call) == [b"message %d" % number for number in range(1, 500)]
    assert call.code() is StatusCode.OK


def test_client_streaming(way):
    pieces = [pattern(size) for size in (0, 5, 70_000, MIB, 3)]
    answer = way.stream_unary("Gather")(iter(pieces), timeout=3 * DEADLINE)
    assert answer == b"|".join(pieces)


def test_bidirectional_streaming(way):
    """A conversation: each message is sent when the answer to the one before has come."""
    to_send = queue.Queue()
    call = way.stream_stream("Chat")(iter(to_send.get, None), timeout=3 * DEADLINE)
    for number in range(50):
        message = b"%d " % number + pattern(number * 200)
        to_send.put(message)
        assert next(call) == b"re: " + message
    to_send.put(None)
    assert list(call) == [] and call.code() is StatusCode.OK


def test_large_messages_both_ways_at_once(way):
    messages = [pattern(MIB + number) for number in range(8)]
    assert list(way.stream_stream("Chat")(iter(messages), timeout=6 * DEADLINE)) == [b"re: " + one for one in messages]


def test_deadline_reaches_the_server(way):
    with pytest.raises(grpc.RpcError) as caught:
        way.unary("Hang")(b"m", timeout=0.5)
    assert caught.value.code() is StatusCode.DEADLINE_EXCEEDED
    assert way.service.begun.is_set() and way.service.ended.wait(DEADLINE)


def test_cancelling_reaches_the_server(way):
    call = way.unary("Hang").future(b"m", timeout=3 * DEADLINE)
    assert way.service.begun.wait(DEADLINE)
    call.cancel()
    assert way.service.ended.wait(DEADLINE)
    assert call.code() is StatusCode.CANCELLED


def test_cancelling_a_stream_reaches_the_server(way):
    call = way.unary_stream("Listen")(b"news", timeout=3 * DEADLINE)
    assert [next(call) for _ in range(3)] == [b"news"] * 3
    call.cancel()
    assert way.service.ended.wait(DEADLINE)


def test_many_calls_at_once(way):
    calls = [way.unary("Unary").future(pattern(number * 100), timeout=3 * DEADLINE) for number in range(200)]
    assert [call.result() for call in calls] == [pattern(number * 100) for number in range(200)]


def test_the_log_of_a_call(way, daemon):
    way.unary("Unary")(b"m", timeout=DEADLINE)
    record = daemon.wait_record_where(lambda one: one["path"] == f"/{way.name}.Echo/Unary", "a call")
    assert (record["version"], record["status"], record["upstream"]) == ("HTTP/2.0", 200, way.name)


def test_an_unknown_service(way):
    """Viaduct's own answer is HTTP; clients map its 404 to UNIMPLEMENTED."""
    with pytest.raises(grpc.RpcError) as caught:
        way.channel.unary_unary("/nowhere.Echo/Unary")(b"m", timeout=DEADLINE)
    assert caught.value.code() is StatusCode.UNIMPLEMENTED
