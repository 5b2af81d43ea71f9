# SPDX-License-Identifier: Apache-2.0
"""WebSocket through the proxy with a real library on both sides, over ws and wss: every kind of message, every end,
extensions and subprotocols that cross untouched, slow readers, silence, a reload, and servers that die."""
import asyncio
import http
import signal
import time

import pytest
import websockets

from harness.client import fetch
from harness.kernel import IN_FLIGHT_MAX
from harness.pattern import pattern
from harness.scene import api_route, plain_scene, proxy, scene
from harness.waiting import SANITIZED, wait_until, wait_until_steady
from harness.websocket_server import RawTunnel, WebsocketProcess, WebsocketServer, connect, echo, run

MIB = 1024 * 1024
PATH = "/api/v1/ws"
GROWTH_MAX_KIB = 16 * 1024


@pytest.fixture(scope="module")
def server():
    with WebsocketServer(subprotocols=["chat.v2", "chat.v1"]) as server:
        yield server


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, server):
    return start_daemon(scene(site_pair, web_root, server.url, api=api_route(timeouts={"read": "1s", "total": "2s"})))


@pytest.fixture(params=["http", "https"])
def listener(daemon, request):
    return getattr(daemon, request.param)


def ws_scene(url, **more):
    return plain_scene(url, routes=[proxy("ws", {"prefix": "/ws"}, "app", websocket=True, **more),
                                    proxy("all", {"prefix": "/"}, "app")], process={"workers": 1})


# ---- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["", "hello", "支付成功 ✓", b"", b"\0\xff" * 100, "x" * 125, "x" * 126, b"y" * 65535,
                                     b"y" * 65536], ids=lambda message: f"{type(message).__name__}-{len(message)}")
def test_echo(listener, message):
    async def talk():
        async with connect(listener, PATH) as client:
            await client.send(message)
            assert await client.recv() == message
    run(talk())


def test_many_messages_keep_their_order(listener):
    async def talk():
        async with connect(listener, PATH) as client:
            messages = [f"message {number}" for number in range(2000)]

            async def send():
                for message in messages:
                    await client.send(message)

            sender = asyncio.create_task(send())
            assert [await client.recv() for _ in messages] == messages
            await sender
    run(talk())


def test_fragmented_message_arrives_whole(listener):
    async def talk():
        async with connect(listener, PATH) as client:
            await client.send(["one, ", "two, ", "three"])
            assert await client.recv() == "one, two, three"
            await client.send(piece for piece in ())  # nothing at all
            await client.send([b"\0" * 70_000, b"\1"])
            assert await client.recv() == b"\0" * 70_000 + b"\1"
    run(talk())


def test_long_messages_both_ways(listener):
    message = pattern(16 * MIB)

    async def talk():
        async with connect(listener, PATH, compression=None) as client:
            await client.send(message)
            assert await client.recv() == message
    run(talk())


def test_ping_and_pong_both_ways(listener, server):
    async def talk():
        async with connect(listener, PATH) as client:
            await asyncio.wait_for(await client.ping(b"from the client"), 5)
            pong = await asyncio.to_thread(server.call, server.connections[-1].ping(b"from the server"))
            await asyncio.wait_for(asyncio.wrap_future(
                asyncio.run_coroutine_threadsafe(asyncio.wait_for(pong, 5), server.loop)), 6)
    run(talk())


def test_extension_and_subprotocol_cross(listener, server):
    async def talk():
        async with connect(listener, PATH, subprotocols=["chat.v0", "chat.v1"]) as client:
            assert client.subprotocol == "chat.v1"
            assert [one.name for one in client.extensions] == ["permessage-deflate"]
            text = "compressible " * 10_000
            await client.send(text)
            assert await client.recv() == text
    run(talk())
    asked = dict(server.handshakes[-1][1])
    assert asked["Sec-WebSocket-Protocol"] == "chat.v0, chat.v1"
    assert asked["Sec-WebSocket-Extensions"] == "permessage-deflate; client_max_window_bits"


def test_handshake_passes_the_filters(listener, server):
    """What the route sets on requests and answers stands on the handshake, too."""
    async def talk():
        async with connect(listener, PATH, origin="http://localhost:8000") as client:
            assert client.response_headers["Access-Control-Allow-Origin"] == "http://localhost:8000"
            return client.response_headers["X-Request-ID"]
    request_id = run(talk())
    seen = server.handshakes[-1][1]
    assert ("X-Request-ID", request_id) in seen
    assert ("X-Forwarded-Proto", "https" if listener.tls else "http") in seen
    assert [value for name, value in seen if name == "Upgrade"] == ["websocket"]
    assert [value for name, value in seen if name == "Connection"] == ["Upgrade"]


def test_outlives_the_timeouts_of_answers(listener):
    """timeouts.read is 1 s and timeouts.total 2 s here."""
    async def talk():
        async with connect(listener, PATH) as client:
            await asyncio.sleep(2.5)
            await client.send("still here")
            assert await client.recv() == "still here"
    run(talk())


# ---- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code, reason", [(1000, ""), (1001, "going away"), (3000, "x" * 100), (4999, "再见")])
def test_close_of_the_client_reaches_the_server(listener, server, code, reason):
    server.closed.clear()

    async def talk():
        async with connect(listener, PATH) as client:
            await client.close(code, reason)
    run(talk())
    wait_until(lambda: (code, reason) in server.closed, lambda: f"the end at the server: {server.closed}")


@pytest.mark.parametrize("code, reason", [(1000, "done"), (1011, "broken"), (4000, "再见")])
def test_close_of_the_server_reaches_the_client(listener, code, reason):
    async def talk():
        async with connect(listener, PATH) as client:
            await client.send(f"close {code} {reason}")
            await client.wait_closed()
            assert (client.close_code, client.close_reason) == (code, reason)
    run(talk())


def test_log_line_is_written_at_the_end(daemon, listener):
    async def talk():
        async with connect(listener, PATH, compression=None) as client:
            request_id = client.response_headers["X-Request-ID"]
            await client.send(b"x" * 1000)
            await client.recv()
            await asyncio.sleep(0.3)
            assert request_id not in daemon.access_text()
            return request_id
    record = daemon.wait_record(run(talk()))
    assert (record["status"], record["reason"], record["route"]) == (101, "", "api")
    assert 1000 < record["bytes_in"] < 1100 and 1000 < record["bytes_out"] < 1100
    assert record["total_ms"] > 300 and record["server"]


def test_client_that_vanishes(daemon, listener, server):
    server.closed.clear()
    tunnel = RawTunnel(listener, PATH)
    tunnel.reset()
    wait_until(lambda: 1006 in [code for code, _ in server.closed], "the end at the server")
    assert daemon.record_of(tunnel.agreed)["status"] == 101


def test_killed_server_is_an_abnormal_closure(start_one):
    server = WebsocketProcess()
    daemon = start_one(ws_scene(server.url))

    async def talk():
        async with connect(daemon.http) as client:
            await client.send("hello")
            assert await client.recv() == "hello"
            server.kill()
            await client.wait_closed()
            assert client.close_code == 1006
    run(talk())


def test_server_that_refuses_the_handshake(start_one):
    async def refuse(path, headers):
        return (http.HTTPStatus.FORBIDDEN, [("X-Why", "not today")], b"no") if path == "/ws/refused" else None

    with WebsocketServer(process_request=refuse) as server:
        daemon = start_one(ws_scene(server.url))

        async def talk():
            with pytest.raises(websockets.InvalidStatusCode) as refused:
                async with connect(daemon.http, "/ws/refused"):
                    pass
            assert refused.value.status_code == 403 and refused.value.headers["X-Why"] == "not today"
            async with connect(daemon.http, "/ws/granted") as client:
                await client.send("hello")
                assert await client.recv() == "hello"
        run(talk())


def test_route_without_websocket_makes_none(start_one):
    with WebsocketServer() as server:
        daemon = start_one(ws_scene(server.url))

        async def talk():
            with pytest.raises(websockets.InvalidStatusCode):
                async with connect(daemon.http, "/other"):
                    pass
        run(talk())
        assert not server.handshakes


# ---- silence, reload, drain ------------------------------------------------------------------------------------------


def test_silence_ends_it(start_one):
    with WebsocketServer() as server:
        daemon = start_one(ws_scene(server.url, websocket_idle="1s"))

        async def talk():
            async with connect(daemon.http) as client:
                request_id = client.response_headers["X-Request-ID"]
                for _ in range(4):  # longer than the limit in all
                    await asyncio.sleep(0.5)
                    await client.send("x")
                    await client.recv()
                since = time.monotonic()
                await client.wait_closed()
                assert client.close_code == 1006
                assert 0.9 < time.monotonic() - since < 5
                return request_id
        assert daemon.wait_record(run(talk()))["reason"] == "websocket_idle"
        wait_until(lambda: server.closed, "the end at the server")


def test_reload_keeps_it_alive(start_one):
    with WebsocketServer() as server, WebsocketServer() as other:
        daemon = start_one(ws_scene(server.url))

        async def talk():
            async with connect(daemon.http) as client:
                for url in (other.url, server.url, other.url):
                    daemon.write(ws_scene(url, headers={"response": {"add": {"X-Url": url}}}))
                    daemon.send_signal(signal.SIGHUP)
                    await asyncio.to_thread(wait_until, lambda url=url: fetch(
                        daemon.http, "GET", "/ws").get("X-Url") == url, "the new config")
                    await client.send(url)
                    assert await client.recv() == url
                async with connect(daemon.http) as late:
                    await late.send("new")
                    assert await late.recv() == "new"
        run(talk())
        assert len(server.handshakes) == 1 and len(other.handshakes) == 1


def test_stop_waits_for_it(start_one):
    with WebsocketServer() as server:
        daemon = start_one(ws_scene(server.url))

        async def talk():
            async with connect(daemon.http) as client:
                daemon.send_signal(signal.SIGTERM)
                await asyncio.to_thread(daemon.wait_error, "stopping")
                for number in range(20):
                    await client.send(str(number))
                    assert await client.recv() == str(number)
                    await asyncio.sleep(0.02)
                assert daemon.is_running()
        run(talk())
        assert daemon.wait_stopped() == 0


def test_stop_does_not_wait_longer_than_the_drain(start_one):
    with WebsocketServer() as server:
        daemon = start_one({**ws_scene(server.url), "process": {"workers": 1, "drain": "1s"}})

        async def talk():
            async with connect(daemon.http) as client:
                daemon.send_signal(signal.SIGTERM)
                await client.wait_closed()
                assert client.close_code == 1006
        run(talk())
        assert daemon.wait_stopped() == 0
        assert daemon.wait_reason("server_draining")["status"] == 101


# ---- slow readers ----------------------------------------------------------------------------------------------------


def test_slow_client_stops_the_server(start_one):
    sent = [0]

    async def flood(connection):
        while True:
            await connection.send(b"x" * MIB)
            sent[0] += MIB

    with WebsocketServer(flood, compression=None) as server:
        daemon = start_one(ws_scene(server.url))
        with RawTunnel(daemon.http) as client:
            before = daemon.resident_kib()
            stalled = wait_until_steady(lambda: sent[0], "the server to be stopped")
            assert stalled < IN_FLIGHT_MAX, stalled
            peak, left = daemon.resident_kib(), stalled + 64 * MIB
            while left > 0:
                assert client.reader.fill()
                left -= len(client.reader.take(len(client.reader.buffer)))
                peak = max(peak, daemon.resident_kib())
            assert SANITIZED or peak - before < GROWTH_MAX_KIB, f"VmRSS grew from {before} to {peak} KiB"
            client.reset()
        wait_until(lambda: server.closed, "the end at the server")


def test_slow_server_stops_the_client(start_one):
    gate = asyncio.Event()

    async def wait_first(connection):
        await gate.wait()
        await echo(connection)

    with WebsocketServer(wait_first, compression=None, max_queue=1, read_limit=65536) as server:
        daemon = start_one(ws_scene(server.url))
        sent, messages = [0], IN_FLIGHT_MAX // MIB + 32

        async def talk():
            async with connect(daemon.http, compression=None, max_queue=None) as client:
                before = daemon.resident_kib()

                async def send():
                    for _ in range(messages):
                        await client.send(b"x" * MIB)
                        sent[0] += MIB

                sender = asyncio.create_task(send())
                stalled = await asyncio.to_thread(wait_until_steady, lambda: sent[0], "the client to be stopped")
                assert stalled < IN_FLIGHT_MAX, stalled
                peak = daemon.resident_kib()
                server.loop.call_soon_threadsafe(gate.set)
                for _ in range(messages):
                    assert len(await client.recv()) == MIB
                    peak = max(peak, daemon.resident_kib())
                await sender
                assert SANITIZED or peak - before < GROWTH_MAX_KIB, f"VmRSS grew from {before} to {peak} KiB"
        run(talk())
