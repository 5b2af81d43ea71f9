# SPDX-License-Identifier: Apache-2.0
"""WebSocket byte by byte: which requests are upgraded and what the upstream sees of the others, what counts as
agreement, bytes right behind the heads, ends by halves, and cuts."""
import threading

import pytest

from harness.client import Ended, RawClient, build_request, exchange
from harness.expect import assert_own_answer
from harness.scene import proxy, scene
from harness.upstream import RawUpstream, answer, server_context
from harness.waiting import wait_until
from harness.websocket_server import HANDSHAKE, RawTunnel, agreement, frame, handshake


class TunnelUpstream(RawUpstream):
    """Agrees to every handshake; `script(received)` has the connection from there on. Others get 200 `ok`."""

    def __init__(self, **options):
        self.script, self.first, self.agree = None, b"", agreement
        self.plain = answer(b"ok")
        self.done = threading.Event()
        super().__init__(self.take, **options)

    def take(self, received):
        if not received.get("Upgrade"):
            return self.plain
        received.send(self.agree(received) + self.first)
        if self.script:
            self.script(received)
        self.done.set()
        received.close()
        return None

    def play(self, script, first=b"", agree=agreement):
        self.clear()
        self.done.clear()
        self.script, self.first, self.agree = script, first, agree


@pytest.fixture(scope="module")
def upstream():
    with TunnelUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def tls_upstream(authority):
    with TunnelUpstream(tls=server_context(authority.issue(["app.example.com"]))) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, upstream, tls_upstream):
    config = scene(site_pair, web_root, upstream.url, routes=[
        proxy("ws", {"prefix": "/ws"}, "app", websocket=True),
        proxy("wss", {"prefix": "/tls"}, "tls", websocket=True),
        proxy("plain", {"prefix": "/"}, "app"),
    ])
    config["upstreams"]["tls"] = {"servers": [tls_upstream.url], "tls": {"verify": False}}
    return start_daemon(config)


@pytest.fixture(params=["http", "https"])
def listener(daemon, request):
    return getattr(daemon, request.param)


def read_all(received):
    """Everything until the other side ends; what came before a reset, with a mark."""
    try:
        return received.connection.reader.to_end()
    except Ended as ended:
        return ended.partial + b" (reset)"


# ---- which requests are upgraded -------------------------------------------------------------------------------------

UPGRADE, CONNECTION = ("Upgrade",), ("Connection",)
NOT_UPGRADED = {
    "a route without websocket": handshake("/plain"),
    "h2c": handshake(without=UPGRADE + CONNECTION, more=[
        ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"), ("Connection", "Upgrade, HTTP2-Settings")]),
    "h2c behind websocket": handshake(without=UPGRADE, more=[("Upgrade", "websocket, h2c")]),
    "h2c before websocket": handshake(without=UPGRADE, more=[("Upgrade", "h2c, websocket")]),
    "two lines": handshake(more=[("Upgrade", "h2c")]),
    "websocket twice": handshake(more=[("Upgrade", "websocket")]),
    "another token": handshake(without=UPGRADE, more=[("Upgrade", "websocket2")]),
    "a version": handshake(without=UPGRADE, more=[("Upgrade", "websocket/13")]),
    "no Connection": handshake(without=CONNECTION),
    "another Connection": handshake(without=CONNECTION, more=[("Connection", "keep-alive")]),
    "no key": handshake(without=("Sec-WebSocket-Key",)),
    "two keys": handshake(more=[("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")]),
    "no version": handshake(without=("Sec-WebSocket-Version",)),
    "a body": handshake(body=b"body"),
    "POST": handshake(method="POST", body=b""),
    "HTTP/1.0": handshake(version="HTTP/1.0"),
}


@pytest.mark.parametrize("name", NOT_UPGRADED)
def test_not_upgraded_and_not_forwarded(listener, upstream, name):
    upstream.play(None)
    response = exchange(listener, NOT_UPGRADED[name])
    assert (response.status, response.body) == (200, b"ok"), response.head
    seen = upstream.only()
    assert not seen.all("Upgrade") and not seen.all("HTTP2-Settings"), seen.head
    assert not seen.all("Connection"), seen.head
    assert not response.all("Upgrade")


def test_connection_speaks_http_behind_a_refused_upgrade(listener, upstream):
    upstream.play(None)
    with RawClient(listener.port, tls=listener.tls) as client:
        client.send(NOT_UPGRADED["h2c"] + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert client.read_response().status == 200
        assert client.read_response().status in (400, 501, 505)
    assert len(upstream.received) == 1


@pytest.mark.parametrize("more", [(("Upgrade", "WebSocket"), ("Connection", "keep-alive, UPGRADE")),
                                  (("upgrade", "websocket"), ("connection", "Upgrade"), ("connection", "close"))])
def test_spellings_that_are_upgraded(listener, upstream, more):
    upstream.play(None)
    data = handshake(without=UPGRADE + CONNECTION, more=more)
    with RawClient(listener.port, tls=listener.tls) as client:
        client.send_pieces(data)
        response = client.read_response()
        assert response.status == 101
        assert (response.all("Upgrade"), response.all("Connection")) == (["websocket"], ["Upgrade"])
    seen = upstream.only()
    assert (seen.all("Upgrade"), seen.all("Connection")) == (["websocket"], ["Upgrade"])
    assert [value for name, value in seen.fields if name.startswith("Sec-")] == [value for _, value in HANDSHAKE[2:]]


# ---- what counts as agreement ----------------------------------------------------------------------------------------

AGREED_HEAD = b"HTTP/1.1 101 Switching Protocols\r\n"


def assert_invalid_answer(daemon, listener, request):
    response = exchange(listener, request)
    assert_own_answer(response, 502)
    assert daemon.record_of(response)["reason"] == "upstream_invalid_response"


def test_unasked_101_is_an_invalid_answer(daemon, listener, upstream):
    upstream.plain = AGREED_HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\nbytes"
    try:
        assert_invalid_answer(daemon, listener, build_request("GET", "/plain"))
        assert_invalid_answer(daemon, listener, handshake("/plain"))
    finally:
        upstream.plain = answer(b"ok")


@pytest.mark.parametrize("fields", [b"", b"Upgrade: websocket\r\n", b"Connection: Upgrade\r\n",
                                    b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
                                    b"Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n",
                                    b"Upgrade: websocket\r\nConnection: close\r\n"])
def test_101_that_agrees_to_something_else(daemon, upstream, fields):
    upstream.play(None, agree=lambda received: AGREED_HEAD + fields + b"\r\n")
    assert_invalid_answer(daemon, daemon.http, handshake())


def test_proof_of_the_clients_key_is_the_clients_to_check(listener, upstream):
    """What the server makes of a key that the client chose crosses as it is, right or wrong."""
    upstream.play(None, agree=lambda received: AGREED_HEAD + b"Upgrade: WebSocket\r\nconnection: upgrade\r\n"
                                               b"Sec-WebSocket-Accept: wrong\r\nSec-WebSocket-Protocol: a\r\n\r\n")
    with RawTunnel(listener) as client:
        assert client.agreed.get("Sec-WebSocket-Accept") == "wrong"
        assert client.agreed.get("Sec-WebSocket-Protocol") == "a"
        assert (client.agreed.all("Upgrade"), client.agreed.all("Connection")) == (["websocket"], ["Upgrade"])


def test_early_hints_come_before_the_agreement(listener, upstream):
    upstream.play(None, agree=lambda received: b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + agreement(received))
    with RawTunnel(listener) as client:
        assert [(one.status, one.get("Link")) for one in client.agreed.interim] == [(103, "</a>")]


# ---- bytes and ends --------------------------------------------------------------------------------------------------


def test_bytes_right_behind_both_heads(listener, upstream):
    seen = []
    upstream.play(lambda received: seen.append(received.connection.reader.exactly(8)), first=b"\x81\x05first")
    with RawClient(listener.port, tls=listener.tls) as client:
        client.send(handshake() + b"GET / HT")  # in one segment with the head
        assert client.read_response().status == 101
        assert client.reader.to_end() == b"\x81\x05first"
    assert seen == [b"GET / HT"]


def test_bytes_cross_untouched(listener, upstream):
    every = bytes(range(256)) * 257

    def echo_once(received):
        received.send(received.connection.reader.exactly(len(every)))

    upstream.play(echo_once)
    with RawTunnel(listener) as client:
        client.send(every[:1000])
        client.send_pieces(every[1000:1100])
        client.send(every[1100:])
        assert client.reader.to_end() == every


def test_frames_of_a_client_stay_masked(listener, upstream):
    sent, seen = frame(b"hello" * 100), []
    upstream.play(lambda received: seen.append(received.connection.reader.exactly(len(sent))))
    with RawTunnel(listener) as client:
        client.send(sent)
        assert client.at_end()
    assert seen == [sent]


def test_client_that_ends_its_direction_gets_the_rest(daemon, upstream):
    """Longer than the 2 s that a half-closed client has for an answer."""
    seen, gate = [], threading.Event()

    def answer_late(received):
        seen.append(read_all(received))
        gate.wait(2.3)
        received.send(b"late, but whole")

    upstream.play(answer_late)
    with RawTunnel(daemon.http) as client:
        client.send(b"last words")
        client.finish_sending()
        assert client.reader.to_end() == b"late, but whole"
    assert seen == [b"last words"]
    record = daemon.record_of(client.agreed)
    assert (record["status"], record["reason"], record["bytes_in"], record["bytes_out"]) == (101, "", 10, 15)


def test_server_that_ends_its_direction_gets_the_rest(daemon, listener, upstream):
    seen = []

    def end_first(received):
        received.send(b"bye")
        received.connection.sock.shutdown(1)
        seen.append(read_all(received))

    upstream.play(end_first)
    with RawTunnel(listener) as client:
        assert client.reader.to_end() == b"bye"
        client.send(b"and ")
        client.send(b"good night")
        if listener.tls:
            client.sock = client.sock.unwrap()
        client.finish_sending()
    assert upstream.done.wait(10)
    assert seen == [b"and good night"]
    assert daemon.record_of(client.agreed)["reason"] == ""


def test_tls_end_without_close_notify_is_an_end_from_a_client(daemon, upstream):
    """Browsers close so, behind their close frame, which must arrive."""
    seen = []
    upstream.play(lambda received: seen.append(read_all(received)))
    with RawTunnel(daemon.https) as client:
        client.send(frame(b"\x03\xe9", opcode=8))
        client.sock.shutdown(1)
    assert upstream.done.wait(10)
    assert len(seen[0]) == 8


def test_reset_of_the_client_reaches_the_server(daemon, listener, upstream):
    seen = []
    upstream.play(lambda received: seen.append(read_all(received)))
    client = RawTunnel(listener)
    client.reset()
    assert upstream.done.wait(10)
    assert seen == [b" (reset)"]
    assert daemon.record_of(client.agreed)["reason"] == "client_closed"


def test_reset_of_the_server_reaches_the_client_behind_its_bytes(daemon, listener, upstream):
    def speak_and_break(received):
        received.send(b"last words")
        received.connection.reader.exactly(2)
        received.reset()

    upstream.play(speak_and_break)
    with RawTunnel(listener) as client:
        assert client.reader.exactly(10) == b"last words"
        client.send(b"go")
        if listener.tls:  # where Python shows a reset as an end
            assert client.at_end()
        else:
            with pytest.raises(Ended) as ended:
                client.reader.to_end()
            assert ended.value.reset
    assert daemon.record_of(client.agreed)["reason"] == "upstream_reset"


def test_tls_server_whose_end_is_cut_resets_the_client(daemon, tls_upstream):
    def cut(received):
        received.send(b"half")
        received.connection.reader.exactly(2)
        received.connection.sock.shutdown(2)  # FIN without close_notify

    tls_upstream.play(cut)
    with RawTunnel(daemon.http, "/tls") as client:
        assert client.reader.exactly(4) == b"half"
        client.send(b"go")
        with pytest.raises(Ended) as ended:
            client.reader.exactly(1)
        assert ended.value.reset
    assert daemon.record_of(client.agreed)["reason"] == "upstream_truncated"


def test_tls_both_sides(daemon, tls_upstream):
    def echo(received):
        received.send(received.connection.reader.exactly(300_000))
        with pytest.raises(Ended):
            received.connection.reader.exactly(1)  # without the client's end, a cut that follows would be a reset

    tls_upstream.play(echo)
    with RawTunnel(daemon.https, "/tls") as client:
        client.send(b"x" * 300_000)
        assert client.reader.exactly(300_000) == b"x" * 300_000
    wait_until(lambda: tls_upstream.done.is_set(), "the end at the server")
    assert tls_upstream.received[0].all("Upgrade") == ["websocket"]
