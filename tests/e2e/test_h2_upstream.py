# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 to the upstream: known beforehand, or agreed on by ALPN. Requests share few connections, each keeps its own
pace, and what an upstream provably has not processed is sent again (RFC 9113 §8.7), everything else at most once."""
import hashlib
import threading
import time

import h2.errors
import h2.settings
import pytest

from harness.client import HOST, RawClient, build_request, chunk, exchange, fetch
from harness.expect import assert_own_answer, carried
from harness.h2_client import H2LibraryClient
from harness.h2_upstream import H2Upstream, h2_context
from harness.pattern import pattern, pattern_sha256
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SLOWNESS, wait_until, wait_until_steady

MIB = 1024 * 1024
NAME = "www.aifuture.net.cn"
ErrorCodes = h2.errors.ErrorCodes
STREAMS = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 10}
WIDE = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 16 * MIB}


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue([NAME])


@pytest.fixture(scope="module")
def servers(pair):
    """The upstreams by name; `old` and `plain_old` speak HTTP/1.1 alone, `narrow` allows ten streams, `wide`
    grants each of them 16 MiB at once."""
    upstreams = {"plain": H2Upstream(), "secure": H2Upstream(tls=h2_context(pair)),
                 "narrow": H2Upstream(settings=STREAMS), "wide": H2Upstream(settings=WIDE),
                 "at_head": H2Upstream(at_head=True), "old": RawUpstream(tls=h2_context(pair, ["http/1.1"])),
                 "without_alpn": RawUpstream(tls=h2_context(pair, [])), "plain_old": RawUpstream()}
    yield upstreams
    for upstream in upstreams.values():
        upstream.stop()


@pytest.fixture(scope="module")
def daemon(start_daemon, authority, site_pair, servers):
    tls = {"sni": NAME, "ca": str(authority.ca_file)}
    routes = [proxy(name, {"prefix": f"/{name}/"}, name) for name in servers]
    routes += [proxy("hasty", {"prefix": "/hasty/"}, "plain", timeouts={"read": "500ms"}),
               proxy("limited", {"prefix": "/limited/"}, "plain", body_limit="1k")]
    config = plain_scene(servers["plain"].url, routes, process={"workers": 1})
    config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}, {"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = site_pair.as_config()
    config["upstreams"] = {name: {"servers": [server.url], "http2": True, **({"tls": tls} if server.tls else {})}
                           for name, server in servers.items()}
    return start_daemon(config)


@pytest.fixture(autouse=True)
def fresh(servers):
    for upstream in servers.values():
        if isinstance(upstream, H2Upstream):
            upstream.reads_bodies = True
        upstream.handler = (lambda received: b"ok") if isinstance(upstream, H2Upstream) else lambda received: answer()
        upstream.clear()
    yield
    for upstream in servers.values():
        assert not upstream.errors, upstream.errors


@pytest.fixture(params=["plain", "secure"])
def name(request):
    return request.param


@pytest.fixture()
def upstream(servers, name):
    return servers[name]


@pytest.fixture()
def plain(servers):
    return servers["plain"]


def together(daemon, requests):
    """Sends the requests at once, each on an HTTP/1.1 connection of its own; returns the clients."""
    clients = [RawClient(daemon.http.port) for _ in requests]
    for client, data in zip(clients, requests):
        client.send(data)
    return clients


def read_all(clients):
    try:
        return [client.read_response() for client in clients]
    finally:
        for client in clients:
            client.close()


# ---- what crosses ---------------------------------------------------------------------------------------------------


def test_head_crosses(daemon, upstream, name):
    fields = [("X-B", "1"), ("Accept", "a"), ("X-B", "2"), ("Cookie", "a=1; b=2"), ("Connection", "X-Hop, keep-alive"),
              ("X-Hop", "h"), ("Keep-Alive", "timeout=5"), ("TE", "gzip")]
    upstream.handler = lambda received: received.answer(
        b"body", 299, [("set-cookie", "a=1"), ("x-two", "x"), ("set-cookie", "b=2"), ("etag", 'W/"1"')])
    response = fetch(daemon.http, "GET", f"/{name}/a%2Fb?q=%61&q", fields)
    received = upstream.only()
    assert (received.method, received.target) == ("GET", f"/{name}/a%2Fb?q=%61&q")
    assert received.pseudo.get(":authority") == HOST and received.pseudo[":scheme"] == upstream.url.partition(":")[0]
    crossed = [one for one in carried(received.fields, "host") if one[0] != "cookie"]
    assert crossed == [("x-b", "1"), ("accept", "a"), ("x-b", "2")]
    assert "; ".join(received.all("cookie")) == "a=1; b=2", "whole or in crumbs, RFC 9113 §8.2.3"
    assert received.get("x-real-ip") == "127.0.0.1" and received.get("x-forwarded-proto") == "http"
    assert not {field for field, _ in received.fields} & {"connection", "keep-alive", "transfer-encoding"}
    assert received.get("te") in (None, "trailers")
    assert (response.status, response.body) == (299, b"body")
    assert carried(response.fields, "content-length", "date", "server") == [
        ("set-cookie", "a=1"), ("x-two", "x"), ("set-cookie", "b=2"), ("etag", 'W/"1"')]
    record = daemon.record_of(response)
    assert (record["upstream"], record["attempts"], record["status"]) == (name, 1, 299)
    assert record["server"].endswith(f":{upstream.port}")


@pytest.mark.parametrize("size", [0, 1, 16384, 65535, 65536, 100_000, 3 * MIB + 7])
@pytest.mark.parametrize("form", ["length", "chunked", "h2"])
def test_bodies_cross_both_ways(daemon, upstream, name, form, size):
    body = pattern(size)
    upstream.handler = lambda received: bytes(received.body)
    if form == "h2":
        with H2LibraryClient(daemon.https) as client:
            result = client.finish(client.post(f"/{name}/x", body), 3 * DEADLINE)
            assert (result.status, hashlib.sha256(result.body).hexdigest()) == (200, pattern_sha256(size))
    else:
        data = build_request("POST", f"/{name}/x", body=body) if form == "length" else \
            build_request("POST", f"/{name}/x", [("Transfer-Encoding", "chunked")]) + chunk(*[body] * bool(size))
        response = exchange(daemon.http, data)
        assert (response.status, response.body) == (200, body) and response.complete
    received = upstream.only()
    assert bytes(received.body) == body
    assert received.get("content-length") == (str(size) if form == "length" else None)


def test_answers_without_a_body(daemon, upstream, name):
    upstream.handler = lambda received: received.answer(b"", 204)
    assert fetch(daemon.http, "GET", f"/{name}/x").status == 204
    upstream.handler = lambda received: received.answer(b"", 304, [("etag", '"e"'), ("content-length", "777")])
    assert fetch(daemon.http, "GET", f"/{name}/x").get("ETag") == '"e"'
    upstream.handler = lambda received: received.answer(b"", 200, [("content-length", "12345")])
    assert fetch(daemon.http, "HEAD", f"/{name}/x").get("Content-Length") == "12345"
    assert len(upstream.connections) == 1


@pytest.mark.parametrize("size", [0, 10, 300_000])
@pytest.mark.parametrize("version", ["h1", "h2"])
def test_trailers_cross_both_ways(daemon, plain, version, size):
    body, trailers = pattern(size), [("x-sum", "abc"), ("server-timing", "db;dur=5")]
    plain.handler = lambda received: received.answer(bytes(received.body), trailers=trailers)
    if version == "h2":
        with H2LibraryClient(daemon.https) as client:
            stream = client.finish(client.post("/plain/x", body, [("te", "trailers")], trailers=[("x-sent", "1")]))
            assert (bytes(stream.body), stream.trailers) == (body, trailers)
    else:
        fields = [("Transfer-Encoding", "chunked"), ("TE", "trailers"), ("Connection", "TE")]
        data = build_request("POST", "/plain/x", fields) + chunk(*[body] * bool(size), trailers=[("X-Sent", "1")])
        response = exchange(daemon.http, data)
        assert (response.body, response.trailers) == (body, trailers)
    assert plain.only().trailers == [("x-sent", "1")]


def test_early_hints_cross(daemon, plain):
    def handler(received):
        received.send_head(103, [("link", "</a.css>; rel=preload")])
        received.answer(b"final")

    plain.handler = handler
    response = fetch(daemon.http, "GET", "/plain/x")
    assert response.body == b"final" and [one.status for one in response.interim] == [103]


def test_head_of_the_answer_comes_before_its_body(daemon, plain):
    gate = threading.Event()

    def handler(received):
        received.send_head()
        received.send_body(b"first", end=False)
        assert gate.wait(DEADLINE)
        received.send_body(b" second")

    plain.handler = handler
    with RawClient(daemon.http.port) as client:
        client.send(build_request("GET", "/plain/x"))
        head = client.read_head()
        assert head.status == 200 and client.reader.until(b"first")
        gate.set()
        assert client.reader.until(b" second\r\n0\r\n\r\n")


# ---- which version is spoken ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", ["old", "without_alpn"])
def test_upstream_that_chooses_http_1_is_served_so(daemon, servers, old):
    servers[old].handler = lambda received: answer(received.body + b"!")
    for number in range(5):
        response = fetch(daemon.http, "POST", f"/{old}/{number}", body=b"hello")
        assert response.body == b"hello!"
    assert [one.version for one in servers[old].received] == ["HTTP/1.1"] * 5
    clients = together(daemon, [build_request("GET", f"/{old}/x")] * 20)
    assert [one.body for one in read_all(clients)] == [b"!"] * 20


def test_upstream_that_knows_no_http_2_is_an_invalid_one(daemon, servers):
    """Prior knowledge that is wrong: an answer in HTTP/1.1 is none, and the client gets 502."""
    servers["plain_old"].on_connect = lambda connection: connection.send(
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") or connection.close() or True
    response = fetch(daemon.http, "POST", "/plain_old/x", body=b"pay")
    assert_own_answer(response, 502)
    assert daemon.record_of(response)["reason"]


def test_alpn_is_asked_for(daemon, servers):
    assert fetch(daemon.http, "GET", "/secure/x").status == 200
    assert [one.alpn for one in servers["secure"].connections] == ["h2"]


# ---- sharing connections --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["h1", "h2"])
def test_slow_requests_share_few_connections(daemon, upstream, name, version):
    gate = threading.Event()
    upstream.handler = lambda received: gate.wait(3 * DEADLINE) and received.target.encode()
    targets = [f"/{name}/{number}" for number in range(50)]
    if version == "h1":
        clients = together(daemon, [build_request("GET", target) for target in targets])
        upstream.wait_received(50)
        gate.set()
        answers = [(one.status, one.body) for one in read_all(clients)]
    else:
        with H2LibraryClient(daemon.https) as client:
            streams = [client.get(target) for target in targets]
            upstream.wait_received(50)
            gate.set()
            answers = client.answers(streams)
    assert answers == [(200, target.encode()) for target in targets]
    assert len(upstream.connections) <= 4, "fifty requests at once"


def test_requests_one_after_the_other_use_one_connection(daemon, upstream, name):
    for number in range(30):
        assert fetch(daemon.http, "POST", f"/{name}/{number}", body=b"b").status == 200
    assert len(upstream.connections) == 1


def test_no_more_streams_than_the_upstream_allows(daemon, servers):
    """What is beyond MAX_CONCURRENT_STREAMS waits or takes another connection; nothing fails, nothing comes twice. The
    upstream's library holds the limit against us from when we have acknowledged it."""
    narrow, lock, now, most = servers["narrow"], threading.Lock(), [0], [0]

    def handler(received):
        if received.connection.number == 0:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.05)
            with lock:
                now[0] -= 1
        return received.target.encode()

    narrow.handler = handler
    assert fetch(daemon.http, "GET", "/narrow/warm").status == 200
    targets = [f"/narrow/{number}" for number in range(60)]
    answers = read_all(together(daemon, [build_request("POST", target, body=b"b") for target in targets]))
    assert [(one.status, one.body) for one in answers] == [(200, target.encode()) for target in targets]
    assert most[0] <= 10, "on the connection whose limit was known"
    assert len({one.target for one in narrow.received}) == 61


# ---- each stream its own pace ---------------------------------------------------------------------------------------


def test_a_client_that_does_not_read_delays_no_other(daemon, plain):
    """Its stream stands still; others on the same upstream connection go on."""
    sent = [0]

    def handler(received):
        if received.target != "/plain/big":
            return pattern(200_000)
        received.send_head()
        for _ in range(320):
            received.send_body(pattern(MIB // 16), end=False)
            sent[0] += MIB // 16
        received.send_body(b"")
        return None

    plain.handler = handler
    with RawClient(daemon.http.port, receive_buffer=65536) as slow:
        slow.send(build_request("GET", "/plain/big"))
        wait_until(lambda: sent[0], "the big answer to begin")
        stalled = wait_until_steady(lambda: sent[0], "the upstream to be stopped")
        assert stalled < 20 * MIB, "what the client does not read is not taken from the upstream"
        for _ in range(5):
            assert fetch(daemon.http, "GET", "/plain/x").body == pattern(200_000)
        assert len(plain.connections) == 1
        response = slow.read_response()
        assert response.body == pattern(MIB // 16) * 320


def test_an_upload_that_the_upstream_does_not_read_delays_no_other(daemon, servers):
    at_head = servers["at_head"]
    at_head.reads_bodies = False
    size, sent = 8 * MIB, [0]

    def handler(received):
        if received.method == "POST":
            received.ended.wait(6 * DEADLINE)
        return hashlib.sha256(received.body).hexdigest().encode()

    def upload(client):
        for piece in [pattern(MIB // 4)] * 32:
            client.send(piece)
            sent[0] += len(piece)

    at_head.handler = handler
    with RawClient(daemon.http.port) as client:
        client.sock.settimeout(6 * DEADLINE)
        client.send(build_request("POST", "/at_head/big", [("Content-Length", str(size))]))
        sender = threading.Thread(target=upload, args=(client,), daemon=True)
        sender.start()
        at_head.wait_received()
        wait_until_steady(lambda: (sent[0], len(at_head.received[0].body)), "the upload to be stopped")
        assert len(at_head.received[0].body) <= 65535, "no more than the stream's window"
        for _ in range(5):
            assert fetch(daemon.http, "GET", "/at_head/x").status == 200
        assert len(at_head.connections) == 1
        at_head.release_bodies()
        sender.join(3 * DEADLINE)
        assert client.read_response().body.decode() == hashlib.sha256(pattern(MIB // 4) * 32).hexdigest()


def test_a_wide_window_of_the_upstream_is_used_to_its_end(daemon, servers):
    """An upload crosses without a WINDOW_UPDATE that would wake the sender."""
    wide = servers["wide"]
    assert fetch(daemon.http, "GET", "/wide/warm").status == 200  # its settings are known
    wide.reads_bodies = False
    wide.handler = lambda received: hashlib.sha256(received.body).hexdigest().encode()
    for _ in range(3):
        assert fetch(daemon.http, "POST", "/wide/x", body=pattern(4 * MIB)).body.decode() == pattern_sha256(4 * MIB)


@pytest.mark.parametrize("version", ["h1", "h2"])
def test_a_client_that_leaves_ends_its_stream_alone(daemon, plain, version):
    gate = threading.Event()
    plain.handler = lambda received: gate.wait(DEADLINE) and b"late"
    with RawClient(daemon.http.port) as stays:
        stays.send(build_request("GET", "/plain/stays"))
        plain.wait_received(1)
        if version == "h1":
            with RawClient(daemon.http.port) as leaves:
                leaves.send(build_request("GET", "/plain/leaves"))
                plain.wait_received(2)
                leaves.reset()
            plain.received[1].wait_gone()
        else:
            with H2LibraryClient(daemon.https) as client:
                stream = client.get("/plain/leaves")
                plain.wait_received(2)
                client.reset(stream)
                plain.received[1].wait_gone()
        assert plain.received[1].reset_code == ErrorCodes.CANCEL
        gate.set()
        assert stays.read_response().body == b"late"
    assert len(plain.connections) == 1


def test_a_timeout_ends_its_stream_alone(daemon, plain):
    gate = threading.Event()
    plain.handler = lambda received: gate.wait(DEADLINE) and b"late"
    with RawClient(daemon.http.port) as patient:
        patient.send(build_request("GET", "/plain/patient"))
        plain.wait_received(1)
        start = time.monotonic()
        response = fetch(daemon.http, "POST", "/hasty/x", body=b"b")
        assert_own_answer(response, 504)
        assert daemon.record_of(response)["reason"] == "upstream_header_timeout"
        assert time.monotonic() - start < 5 * SLOWNESS
        plain.received[1].wait_gone()
        gate.set()
        assert patient.read_response().body == b"late"
    assert len(plain.connections) == 1 and len(plain.received) == 2


def test_a_refused_body_ends_its_stream_alone(daemon, plain):
    """A body beyond body_limit is found out in its course: the upstream sees its stream cut, not ended."""
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/limited/x", [("Transfer-Encoding", "chunked")]))
        client.send_pieces(chunk(*[pattern(50_000)] * 10), 50_000)
        assert client.read_response().status == 413
    assert not [one for one in plain.received if one.ended.is_set()]
    assert fetch(daemon.http, "GET", "/plain/x").status == 200
