# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 and 1.0 on the wire: keep-alive, pipelining, chunked with trailers both ways, Expect, interim answers,
half-close, and the forms of a request that are right although they are rare."""
import threading

import pytest

from harness.client import HOST, RawClient, build_request, chunk, exchange, fetch
from harness.expect import carried
from harness.pattern import pattern
from harness.scene import plain_scene, proxy
from harness.upstream import answer
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, raw):
    routes = [proxy("small", {"prefix": "/small/"}, "app", body_limit=100),
              {"name": "own", "match": {"prefix": "/respond"}, "respond": {"status": 200, "body": "own"}},
              proxy("edited", {"prefix": "/edited/"}, "app",
                    headers={"response": {"remove": ["X-Inside"], "set": {"X-Mode": "ours"}}}),
              proxy("all", {"prefix": "/"}, "app")]
    config = plain_scene(raw.url, routes)
    config["listeners"] = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0] |= {"tls": site_pair.as_config(), "deny": ["/denied"]}
    return start_daemon(config)


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()
    raw.handler = lambda received: answer(f"{received.method} {received.target}".encode())


@pytest.fixture(params=["http", "https"])
def client(request, daemon):
    listener = getattr(daemon, request.param)
    with RawClient(listener.port, tls=listener.tls) as connection:
        yield connection


# ---- connections ----------------------------------------------------------------------------------------------------


def test_keep_alive_is_the_default(client, raw):
    for number in range(50):
        assert client.request("GET", f"/{number}").body == f"GET /{number}".encode()
    assert len(raw.received) == 50


@pytest.mark.parametrize("values",
                         [["close"], ["CLOSE"], ["keep-alive, close"], ["keep-alive", "close"], ["x-foo, close"]])
def test_connection_close_ends_the_connection_after_the_answer(client, values):
    response = client.request("GET", "/x", [("Connection", value) for value in values])
    assert response.body == b"GET /x" and "close" in response.tokens("Connection")
    assert client.at_end()


def test_upstream_connection_close_does_not_end_the_clients(client, raw):
    raw.handler = lambda received: answer(fields=[("Connection", "close")])
    for _ in range(3):
        response = client.request("GET", "/x")
        assert response.body == b"ok" and not response.tokens("Connection").count("close")


@pytest.mark.parametrize("keep", [True, False])
def test_http_1_0(client, keep):
    fields = [("Connection", "Keep-Alive")] if keep else []
    for _ in range(3 if keep else 1):
        response = client.request("GET", "/x", fields, version="HTTP/1.0")
        assert response.body == b"GET /x" and response.framing == "length"
        assert ("keep-alive" in response.tokens("Connection")) == keep
    assert keep or client.at_end()


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_http_1_0_gets_no_chunks(client, raw, framing):
    raw.handler = lambda received: answer(pattern(70_000), framing=framing)
    response = client.request("GET", "/x", [("Connection", "keep-alive")], version="HTTP/1.0")
    assert response.body == pattern(70_000) and not response.all("Transfer-Encoding")
    assert response.framing == "close" and "keep-alive" not in response.tokens("Connection")


def test_http_1_0_request_goes_on_as_1_1(client, raw):
    client.request("POST", "/x", body=b"abc", version="HTTP/1.0")
    received = raw.only()
    assert (received.version, received.body) == ("HTTP/1.1", b"abc")


@pytest.mark.parametrize("count", [2, 40])
def test_pipelined_requests_are_answered_in_order(client, raw, count):
    requests = []
    for number in range(count):
        if number % 3 == 0:
            requests.append(build_request("POST", f"/{number}", body=pattern(number * 100)))
        elif number % 3 == 1:
            requests.append(build_request("PUT", f"/{number}", [("Transfer-Encoding", "chunked")]) + chunk(b"ab", b"c"))
        else:
            requests.append(build_request("GET", f"/{number}"))
    client.send(b"".join(requests))
    methods = ["POST", "PUT", "GET"]
    for number in range(count):
        assert client.read_response().body == f"{methods[number % 3]} /{number}".encode()
    assert [one.target for one in raw.received] == [f"/{number}" for number in range(count)]


def test_pipelined_requests_in_any_pieces(client, raw):
    data = build_request("POST", "/a", body=b"12345") + build_request("GET", "/b")
    data += build_request("PUT", "/c", [("Transfer-Encoding", "chunked")]) + chunk(b"abc", trailers=[("X-T", "1")])
    data += build_request("GET", "/d")
    for start in range(0, len(data)):
        client.send(data[start:start + 1])
    for expected in (b"POST /a", b"GET /b", b"PUT /c", b"GET /d"):
        assert client.read_response().body == expected
    assert raw.received[2].trailers == [("X-T", "1")]


def test_slow_answer_holds_back_the_later_ones(client, raw):
    gate = threading.Event()

    def handler(received):
        if received.target == "/slow":
            gate.wait(30)
        return answer(received.target.encode())

    raw.handler = handler
    client.send(build_request("GET", "/slow") + build_request("GET", "/respond") + build_request("GET", "/fast"))
    raw.wait_received()
    assert not client.is_readable(0.2)
    gate.set()
    assert [client.read_response().body for _ in range(3)] == [b"/slow", b"own", b"/fast"]


def test_empty_line_before_a_request_is_skipped(client):
    client.send(b"\r\n" + build_request("POST", "/a", body=b"x") + b"\r\n" + build_request("GET", "/b"))
    assert [client.read_response().body for _ in range(2)] == [b"POST /a", b"GET /b"]


# ---- bodies and trailers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [None, 1, 5])
def test_request_trailers_arrive(daemon, raw, step):
    trailers = [("X-Checksum", "abc"), ("x-Second", "2"), ("X-Checksum", "again")]
    data = build_request("POST", "/x", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Checksum")])
    assert exchange(daemon.http, data + chunk(b"hello", b"!" * 300, trailers=trailers), step=step).status == 200
    received = raw.only()
    assert (received.body, received.trailers) == (b"hello" + b"!" * 300, trailers)
    assert received.get("Trailer") == "X-Checksum"


def test_trailers_of_a_large_body_arrive(daemon, raw):
    data = build_request("POST", "/x", [("Transfer-Encoding", "chunked")])
    exchange(daemon.https, data + chunk(*[pattern(50_000)] * 10, trailers=[("X-Sum", "1")]))
    assert raw.only().body == pattern(50_000) * 10 and raw.only().trailers == [("X-Sum", "1")]


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_response_trailers_arrive(client, raw, size):
    trailers = [("X-Sum", "abc"), ("server-Timing", "db;dur=5")]
    raw.handler = lambda received: answer(pattern(size), fields=[("Trailer", "X-Sum")], framing="chunked",
                                          trailers=trailers)
    response = client.request("GET", "/x", [("TE", "trailers"), ("Connection", "TE")])
    assert (response.body, response.trailers) == (pattern(size), trailers)
    assert client.request("GET", "/y", [("TE", "trailers"), ("Connection", "TE")]).trailers == trailers


def test_dangerous_trailers_never_turn_into_fields(daemon, raw):
    trailers = [("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Host", "evil.example"),
                ("X-Forwarded-For", "1.2.3.4"), ("X-Real-IP", "1.2.3.4"), ("Authorization", "Basic eDp5"),
                ("X-Fine", "1")]
    data = build_request("POST", "/x", [("Transfer-Encoding", "chunked")]) + chunk(b"hello", trailers=trailers)
    response = exchange(daemon.http, data)
    if response.status == 200:
        received = raw.only()
        assert received.body == b"hello" and received.get("X-Real-IP") == "127.0.0.1"
        assert not {name.lower() for name, _ in received.trailers} & {"content-length", "transfer-encoding", "host",
                                                                      "x-forwarded-for", "x-real-ip", "authorization"}
    else:
        assert response.status == 400 and not raw.received


@pytest.mark.parametrize("form", ["2;a=b\r\nok\r\n0\r\n\r\n", "2;a\r\nok\r\n0;last\r\n\r\n",
                                  "2;a=\"q;\\\"x\"\r\nok\r\n0\r\n\r\n", "0002\r\nok\r\n000\r\n\r\n"])
def test_chunk_extensions_and_leading_zeros_are_understood(daemon, raw, form):
    data = build_request("POST", "/x", [("Transfer-Encoding", "chunked")]) + form.encode()
    assert exchange(daemon.http, data).status == 200
    assert raw.only().body == b"ok"


@pytest.mark.parametrize("line",
                         ["Transfer-Encoding: Chunked", "transfer-encoding:\tchunked", "TRANSFER-ENCODING:chunked  "])
def test_spellings_of_chunked(daemon, raw, line):
    data = f"POST /x HTTP/1.1\r\nHost: {HOST}\r\n{line}\r\n\r\n".encode() + chunk(b"ok")
    assert exchange(daemon.http, data).status == 200
    assert raw.only().body == b"ok"


def test_white_space_around_values_is_not_part_of_them(daemon, raw):
    data = f"POST /x HTTP/1.1\r\nHost: \t {HOST} \r\nX-A:  v w\t\r\nX-B:v\r\nContent-Length:  2 \r\n\r\nok".encode()
    assert exchange(daemon.http, data).status == 200
    assert ("X-A", "v w") in raw.only().fields and ("X-B", "v") in raw.only().fields


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_and_bodyless_answers_keep_step(client, raw, method):
    client.send(build_request("HEAD", "/a") + build_request("GET", "/b") + build_request(method, "/c"))
    assert client.read_response("HEAD").get("Content-Length") == str(len(b"HEAD /a"))
    assert client.read_response().body == b"GET /b"
    assert client.read_response(method).status == 200


# ---- Expect and interim answers -------------------------------------------------------------------------------------


def test_expect_100_continue_is_answered_here(client, raw):
    client.send(build_request("POST", "/x", [("Expect", "100-continue"), ("Content-Length", "5")]))
    interim = client.read_head()
    assert (interim.status, interim.fields) == (100, [])
    assert not raw.received or not raw.received[0].complete
    client.send(b"hello")
    assert client.read_response().body == b"POST /x"
    assert raw.only().body == b"hello" and not raw.only().all("Expect")
    assert client.request("GET", "/next").body == b"GET /next"


def test_expect_with_a_large_body(client, raw):
    body = pattern(500_000)
    client.send(build_request("PUT", "/x", [("expect", "100-Continue"), ("Content-Length", str(len(body)))]))
    assert client.read_head().status == 100
    client.send(body)
    assert client.read_response().status == 200 and raw.only().body == body


def test_no_100_when_the_body_is_already_there(client):
    client.send(build_request("POST", "/x", [("Expect", "100-continue")], b"hello") + build_request("GET", "/next"))
    response = client.read_response()
    assert response.body == b"POST /x" and [one.status for one in response.interim] in ([], [100])
    assert client.read_response().body == b"GET /next"


@pytest.mark.parametrize("target, status", [("/small/x", 413), ("/denied", 403)])
def test_refused_request_is_not_asked_for_its_body(client, raw, target, status):
    client.send(build_request("POST", target, [("Expect", "100-continue"), ("Content-Length", "101")]))
    assert client.read_head().status == status
    assert not raw.received


def test_expect_of_http_1_0_is_ignored(client, raw):
    client.send(build_request("POST", "/x", [("Expect", "100-continue")], b"hello", version="HTTP/1.0"))
    assert client.read_head().status == 200
    assert raw.only().body == b"hello"


def test_103_is_forwarded(client, raw):
    hints = (b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nliNk: </b.js>\r\n\r\n"
             b"HTTP/1.1 103 Early Hints\r\nLink: </c>\r\n\r\n")
    raw.handler = lambda received: hints + answer(b"final")
    for _ in range(2):
        response = client.request("GET", "/x")
        assert response.body == b"final"
        assert [one.status for one in response.interim] == [103, 103]
        assert response.interim[0].fields[:2] == [("Link", "</a.css>; rel=preload"), ("liNk", "</b.js>")]
    assert not client.request("GET", "/x", version="HTTP/1.0").interim


def test_103_comes_before_the_answer_is_ready(client, raw):
    gate = threading.Event()

    def handler(received):
        received.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        gate.wait(30)
        return answer(b"final")

    raw.handler = handler
    client.send(build_request("GET", "/x"))
    assert client.read_head().status == 103
    gate.set()
    assert client.read_response().body == b"final"


def test_fields_that_answers_must_not_have_are_not_in_103_either(client, raw):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nX-Inside: 1\r\nx-mode: theirs\r\n\r\n"
    raw.handler = lambda received: hints + answer(b"final", fields=[("X-Inside", "1")])
    response = client.request("GET", "/edited/x")
    assert response.get("X-Inside") is None and response.get("X-Mode") == "ours"
    assert response.interim[0].fields == [("Link", "</a.css>")]


def test_204_has_no_length_whatever_the_upstream_and_the_method_say(client, raw):
    raw.handler = lambda received: b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"
    for method in ("GET", "HEAD", "DELETE"):
        response = client.request(method, "/x")
        assert response.status == 204 and response.get("Content-Length") is None
    assert client.request("GET", "/respond").body == b"own"


def test_100_of_the_upstream_is_not_doubled(client, raw):
    raw.handler = lambda received: b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"final")
    client.send(build_request("POST", "/x", [("Expect", "100-continue"), ("Content-Length", "2")]))
    assert client.read_head().status == 100
    client.send(b"ok")
    response = client.read_response()
    assert response.body == b"final" and not [one for one in response.interim if one.status == 100]


# ---- half-close -----------------------------------------------------------------------------------------------------


def test_client_that_has_finished_sending_still_gets_its_answer(daemon, raw):
    gate = threading.Event()
    raw.handler = lambda received: gate.wait(30) and answer(b"late but welcome")
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/x", body=b"abc"))
        client.finish_sending()
        raw.wait_received()
        assert not client.is_readable(0.3)
        gate.set()
        response = client.read_response()
        assert (response.status, response.body) == (200, b"late but welcome")
        assert client.at_end()
    assert daemon.record_of(response)["status"] == 200


def test_half_close_right_behind_pipelined_requests(daemon):
    with RawClient(daemon.http.port) as client:
        client.send(b"".join(build_request("GET", f"/{number}") for number in range(5)))
        client.finish_sending()
        assert [client.read_response().body for _ in range(5)] == [f"GET /{number}".encode() for number in range(5)]
        assert client.at_end()


def test_half_close_and_a_large_answer(daemon, raw):
    raw.handler = lambda received: answer(pattern(5_000_000))
    with RawClient(daemon.http.port) as client:
        client.send(build_request("GET", "/x"))
        client.finish_sending()
        assert client.read_response().body == pattern(5_000_000)


# ---- hop-by-hop -----------------------------------------------------------------------------------------------------


def test_an_upgrade_that_is_not_supported_is_an_ordinary_request(client, raw):
    response = client.request("GET", "/x", [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
                                            ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")])
    assert response.body == b"GET /x"
    received = raw.only()
    assert carried(received.fields) == [("Host", HOST)] and not received.all("Upgrade")


def test_many_connections_at_once(daemon, raw):
    clients = [RawClient(daemon.http.port) for _ in range(200)]
    for number, one in enumerate(clients):
        one.send(build_request("GET", f"/{number}"))
    for number, one in enumerate(clients):
        assert one.read_response().body == f"GET /{number}".encode()
        one.close()
    wait_until(lambda: len(daemon.access_records()) >= 200, "200 access records")


def test_large_fields_pass(daemon, raw):
    fields = [("Cookie", "c" * 8000), ("Authorization", "Bearer " + "t" * 4000), ("X-Long", "x" * 12_000)]
    assert fetch(daemon.https, "GET", "/x", fields).status == 200
    assert carried(raw.only().fields)[1:] == fields
