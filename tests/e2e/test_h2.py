# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 to the client, by the clients that people use: curl, nghttp and h2load. Chosen by ALPN or known beforehand;
whatever crosses under HTTP/1.1 crosses here too."""
import hashlib
import json
import re
import subprocess
from collections import namedtuple

import pytest

from harness import notices
from harness.client import HOST, RawClient, build_request, fetch, insecure_context
from harness.curl import Curl, H2Curl, notice_options
from harness.expect import carried
from harness.h2_client import H2LibraryClient
from harness.pattern import pattern, pattern_pieces, pattern_sha256
from harness.scene import PAGE, STYLE, proxy, scene
from harness.upstream import answer
from harness.waiting import DEADLINE

KIB, MIB = 1024, 1024 * 1024
SIZES = [0, 1, 16 * KIB, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB + 7, 16 * MIB]
LIMIT = 1000
TRANSPORTS = ["tls", "h2c"]
Listeners = namedtuple("Listeners", "tls h2c plain tls_h1")
LISTENERS = [{"address": "127.0.0.1:0", "tls": True}, {"address": "127.0.0.1:0", "h2c": True},
             {"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "tls": True, "http2": False}]


def h2_scene(pair, root, url):
    config = scene(pair, root, url)
    config["listeners"] = LISTENERS
    routes = config["sites"][0]["routes"]
    routes.insert(0, proxy("small", {"prefix": "/api/v1/small/"}, "app", body_limit=LIMIT))
    return config


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, apps):
    """Before the application."""
    return start_daemon(h2_scene(site_pair, web_root, apps.urls["app"]))


@pytest.fixture(scope="module")
def recorded(start_daemon, site_pair, web_root, raw):
    """Before the recording upstream."""
    return start_daemon(h2_scene(site_pair, web_root, raw.url))


@pytest.fixture(scope="module", params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()
    raw.handler = lambda received: answer()


def listeners(daemon):
    return Listeners(*daemon.listeners)


def listener_of(daemon, transport):
    return getattr(listeners(daemon), transport)


@pytest.fixture()
def curl(daemon, authority, transport):
    """curl by HTTP/2; every answer must have come in that version."""
    run = H2Curl(daemon, authority.ca_file)

    def ask(target, *options, **more):
        response = run(target, *options, listener=listener_of(daemon, transport), **more)
        assert response.version == "HTTP/2", response.head
        return response

    return ask


@pytest.fixture()
def curl_recorded(recorded, authority, transport):
    run = H2Curl(recorded, authority.ca_file)
    return lambda target, *options, **more: run(target, *options, listener=listener_of(recorded, transport), **more)


# ---- which version is spoken ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, offered, chosen", [
    ("tls", ["h2", "http/1.1"], "h2"), ("tls", ["http/1.1", "h2"], "h2"), ("tls", ["h2"], "h2"),
    ("tls", ["http/1.1"], "http/1.1"), ("tls", None, None),
    ("tls_h1", ["h2", "http/1.1"], "http/1.1"), ("tls_h1", ["http/1.1"], "http/1.1"), ("tls_h1", None, None),
])
def test_alpn_chooses(daemon, name, offered, chosen):
    with RawClient(listener_of(daemon, name).port, tls=True, context=insecure_context(alpn=offered)) as client:
        assert client.sock.selected_alpn_protocol() == chosen
        if chosen != "h2":
            assert client.request("GET", "/").body == PAGE


def test_curl_gets_http_1_where_http2_is_off(daemon, authority):
    response = H2Curl(daemon, authority.ca_file)("/", listener=listeners(daemon).tls_h1)
    assert (response.version, response.body) == ("HTTP/1.1", PAGE)


def test_curl_gets_http_1_when_it_asks_for_it(daemon, authority):
    for listener in daemon.listeners:
        response = Curl(daemon, authority.ca_file)("/", listener=listener)
        assert (response.version, response.body) == ("HTTP/1.1", PAGE)


def test_prior_knowledge_is_refused_where_h2c_is_off(recorded, raw):
    """An HTTP/1 error or the end; nothing goes to the upstream."""
    listener = listeners(recorded).plain
    done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "--max-time", str(2 * DEADLINE),
                           f"http://127.0.0.1:{listener.port}/api/v1/x"], capture_output=True)
    assert done.returncode != 0 and not done.stdout
    with RawClient(listener.port) as client:
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        content = client.reader.to_end()
    assert not content or re.match(rb"HTTP/1\.1 (400|505) ", content), content
    assert not raw.received
    assert fetch(listener, "GET", "/api/v1/x").body == b"ok"


def test_upgrade_from_http_1_is_not_taken(recorded, authority, raw):
    """curl --http2 without TLS offers an upgrade, which RFC 9113 has done away with: answered by HTTP/1.1."""
    command = ["curl", "-sS", "--http2", "--max-time", str(2 * DEADLINE), "-w", "%{http_version}", "-H",
               f"Host: {HOST}", f"http://127.0.0.1:{listeners(recorded).h2c.port}/api/v1/x"]
    assert subprocess.run(command, capture_output=True).stdout == b"ok1.1"
    assert not raw.only().all("Upgrade") and not raw.only().all("HTTP2-Settings")


# ---- what crosses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
def test_notice_verifies(curl, notice):
    response = curl(notice.target, *notice_options(notice), stdin=notice.body)
    assert (response.status, response.body) == (notice.expected_status, notice.expected_body), response.head


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
def test_notice_arrives_byte_for_byte(curl_recorded, recorded, transport, raw, notice):
    assert curl_recorded(notice.target, *notice_options(notice), stdin=notice.body).status == 200
    received = raw.only()
    assert (received.method, received.target, received.version) == (notice.method, notice.target, "HTTP/1.1")
    assert received.body == (notice.body or b"")
    assert received.get("Host") == f"{HOST}:{listener_of(recorded, transport).port}"
    sent = [(name.lower(), value) for name, value in notice.sent_fields(host=None)]
    assert sorted(carried(received.fields, "host")) == sorted(sent), "fields as sent, in lower case as HTTP/2 has them"


def test_field_order_and_repetition(curl_recorded, raw):
    curl_recorded("/api/v1/x?a=%2F..%2f&b", "-H", "X-B: 1", "-H", "X-A: 2", "-H", "X-B: 3", "-H", "X-Empty;")
    received = raw.only()
    assert received.target == "/api/v1/x?a=%2F..%2f&b"
    fields = [(name, value) for name, value in received.fields if name.startswith("x-") and len(name) < 8]
    assert fields == [("x-b", "1"), ("x-a", "2"), ("x-b", "3"), ("x-empty", "")]


def test_answer_fields(curl_recorded, raw):
    """Spelling is HTTP/2's, order and repetition the upstream's; what belongs to its connection stays behind."""
    fields = [("Set-Cookie", "a=1"), ("X-Two", "x"), ("Set-Cookie", "b=2"), ("Keep-Alive", "timeout=5"),
              ("Connection", "X-Hop, keep-alive"), ("X-Hop", "h"), ("ETag", 'W/"é"')]
    raw.handler = lambda received: answer(b"body", "299 Very OK", fields, framing="chunked")
    response = curl_recorded("/api/v1/x")
    assert (response.version, response.status, response.body) == ("HTTP/2", 299, b"body")
    assert [one for one in carried(response.fields, "server", "date", "vary") if not one[0].startswith("access-")] == [
        ("set-cookie", "a=1"), ("x-two", "x"), ("set-cookie", "b=2"), ("etag", 'W/"é"')]
    assert not response.all("Connection") and not response.all("Keep-Alive") and not response.all("Transfer-Encoding")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["length", "streamed"])
def test_upload(curl, place, form, size):
    """From a file, with content-length; by a pipe, without: then it crosses to the upstream in chunks."""
    path = place / f"upload-{form}-{size}"
    path.write_bytes(pattern(size))
    response = curl("/api/v1/upload", "-T", str(path) if form == "length" else "-", stdin=pattern(size))
    seen = json.loads(response.body)
    assert (response.status, seen["length"], seen["sha256"]) == (200, size, pattern_sha256(size))
    if size and form == "streamed":
        assert (seen["content_length"], seen["transfer_encoding"]) == (None, "chunked")
    elif size:
        assert (seen["content_length"], seen["transfer_encoding"]) == (str(size), None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["length", "chunked"])
def test_download(curl, daemon, form, size):
    response = curl(f"/api/v1/download?size={size}&chunked={form == 'chunked'}")
    assert response.status == 200
    assert (len(response.body), hashlib.sha256(response.body).hexdigest()) == (size, pattern_sha256(size))
    assert response.get("Content-Length") == (str(size) if form == "length" else None)


def test_head(curl):
    page = curl("/", "-I")
    assert (page.status, page.body, page.get("Content-Length")) == (200, page.head, str(len(PAGE)))


def test_head_of_a_proxied_answer(curl_recorded, raw):
    raw.handler = lambda received: answer(b"", fields=[("Content-Length", "12345"), ("X-H", "1")], framing="none")
    response = curl_recorded("/api/v1/x", "-I")
    assert (response.status, response.get("Content-Length"), response.get("X-H")) == (200, "12345", "1")
    assert raw.only().method == "HEAD"


@pytest.mark.parametrize("code", [204, 304])
def test_answers_without_a_body(curl, code):
    response = curl(f"/api/v1/status/{code}")
    assert (response.status, response.body) == (code, b"")


@pytest.mark.parametrize("code", [400, 404, 418, 500, 503])
def test_errors_of_the_application(curl, code):
    response = curl(f"/api/v1/status/{code}")
    assert response.status == code and json.loads(response.body) == {"code": code, "message": "from the application"}


def test_ranges_and_conditions_of_a_static_file(curl):
    path = "/static/style.css"
    whole = curl(path)
    assert (whole.status, whole.body) == (200, STYLE)
    part = curl(path, "-r", "100-299")
    assert (part.status, part.body) == (206, STYLE[100:300])
    assert part.get("Content-Range") == f"bytes 100-299/{len(STYLE)}"
    tail = curl(path, "-r", "-10")
    assert (tail.status, tail.body) == (206, STYLE[-10:])
    assert curl(path, "-r", f"{len(STYLE)}-").status == 416
    unchanged = curl(path, "-H", f"If-None-Match: {whole.get('ETag')}")
    assert (unchanged.status, unchanged.body, unchanged.get("ETag")) == (304, b"", whole.get("ETag"))


def test_expect_is_answered_here(curl_recorded, raw):
    body = pattern(100_000)
    response = curl_recorded("/api/v1/x", "-H", "Expect: 100-continue", "--data-binary", "@-", stdin=body)
    assert response.status == 200
    assert raw.only().body == body and not raw.only().all("Expect")


@pytest.mark.parametrize("size, status", [(0, 200), (LIMIT, 200), (LIMIT + 1, 413), (LIMIT * 500, 413)])
@pytest.mark.parametrize("form", ["length", "streamed"])
def test_body_limit(recorded, transport, raw, form, size, status):
    """By the library: curl 7.88 takes an answer before the end of its upload for an error, now and then."""
    fields = [("content-length", str(size))] if form == "length" else []
    with H2LibraryClient(listener_of(recorded, transport)) as client:
        response = client.finish(client.post("/api/v1/small/x", pattern(size), fields))
        assert response.status == status and response.ended and response.reset_code in (None, 0)
        assert client.finish(client.get("/")).status == 200, "the connection goes on"
    assert recorded.record_of(response)["reason"] == ("body_too_large" if status == 413 else "")
    assert [one.body for one in raw.received if one.complete] == ([pattern(size)] if status == 200 else [])


def test_denied_and_unknown(curl):
    for target in ("/.git/config", "/%2egit/config", "/.env", "/api/v1/internal/x"):
        assert curl(target).status in (400, 403, 404)


def test_access_log(curl, daemon, transport):
    record = daemon.record_of(curl("/api/v1/status/200"))
    assert (record["version"], record["status"], record["method"]) == ("HTTP/2.0", 200, "GET")
    assert (record["route"], record["upstream"], record["attempts"]) == ("api", "app", 1)
    assert bool(record["tls_version"]) == (transport == "tls")
    assert record["host"].startswith(HOST) and record["path"] == "/api/v1/status/200" and record["bytes_out"] > 0


# ---- nghttp ---------------------------------------------------------------------------------------------------------


def nghttp(daemon, transport, *targets, options=()):
    """Output of `nghttp -v` for several targets, which it asks for on one connection."""
    listener = listener_of(daemon, transport)
    base = f"{'https' if listener.tls else 'http'}://127.0.0.1:{listener.port}"
    command = ["nghttp", "-v", "-n", "--no-dep", "-t", str(int(2 * DEADLINE)), "-H", f":authority: {HOST}", *options,
               *(base + target for target in targets)]
    done = subprocess.run(command, capture_output=True, timeout=6 * DEADLINE)
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode("utf-8", "replace"))
    assert done.returncode == 0, text + done.stderr.decode()
    return text


def received_fields(text, name):
    """(stream, value) of the fields of that name in what nghttp has received."""
    return [(int(stream), value) for stream, value in
            re.findall(rf"recv \(stream_id=(\d+)[^)]*\) {re.escape(name)}: (.*)", text)]


def test_nghttp_asks_for_several_on_one_connection(daemon, transport):
    text = nghttp(daemon, transport, "/", "/static/style.css", "/api/v1/status/418", "/api/v1/slow?seconds=0.1",
                  "/nothing/here.png", "/api/v1/download?size=300000")
    assert text.count("Connected") <= 1 and text.count("recv SETTINGS frame") == 2, "one connection: SETTINGS and ACK"
    statuses = [status for _, status in sorted(received_fields(text, ":status"))]
    assert statuses == ["200", "200", "418", "200", "404", "200"]


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_nghttp_sees_trailers(recorded, transport, raw, size):
    trailers = [("X-Sum", "abc"), ("Server-Timing", "db;dur=5")]
    raw.handler = lambda received: answer(pattern(size), fields=[("Trailer", "X-Sum")], framing="chunked",
                                          trailers=trailers)
    text = nghttp(recorded, transport, "/api/v1/x", options=["-H", "te: trailers"])
    assert [value for _, value in received_fields(text, "x-sum")] == ["abc"]
    assert [value for _, value in received_fields(text, "server-timing")] == ["db;dur=5"]
    assert text.index("recv (stream_id", text.index(":status")) < text.index("x-sum: abc")


@pytest.mark.parametrize("size", [10, 300_000])
def test_nghttp_sends_trailers(recorded, transport, raw, place, size):
    path = place / f"nghttp-{size}"
    with path.open("wb") as file:
        file.writelines(pattern_pieces(size))
    nghttp(recorded, transport, "/api/v1/x", options=["-d", str(path), "--no-content-length", "--trailer", "x-sum: 1"])
    assert raw.only().body == pattern(size) and raw.only().trailers == [("x-sum", "1")]


def test_nghttp_sees_early_hints(recorded, transport, raw):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>\r\n\r\n"
    raw.handler = lambda received: hints + answer(b"final")
    text = nghttp(recorded, transport, "/api/v1/x")
    assert [status for _, status in received_fields(text, ":status")] == ["103", "200"]
    assert [value for _, value in received_fields(text, "link")] == ["</a.css>; rel=preload", "</b.js>"]


# ---- h2load ---------------------------------------------------------------------------------------------------------


def h2load(listener, target, clients, streams, count):
    """Runs h2load and returns its line of requests; every one must have been answered by 2xx."""
    scheme = "https" if listener.tls else "http"
    command = ["h2load", f"-c{clients}", f"-m{streams}", f"-n{count}", f"--connect-to=127.0.0.1:{listener.port}",
               "--connection-inactivity-timeout", str(int(2 * DEADLINE)), f"{scheme}://{HOST}:{listener.port}{target}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=12 * DEADLINE)
    assert done.returncode == 0, done.stderr
    expected = (f"{count} total, {count} started, {count} done, {count} succeeded, 0 failed, 0 errored, 0 timeout",
                f"status codes: {count} 2xx, 0 3xx, 0 4xx, 0 5xx")
    assert all(line in done.stdout for line in expected), done.stdout


def test_h2load_of_ten_thousand_streams_at_once(daemon, transport):
    h2load(listener_of(daemon, transport), "/static/style.css", clients=100, streams=100, count=20_000)
    assert daemon.is_running()


def test_h2load_through_the_proxy(recorded, transport, raw):
    raw.handler = lambda received: answer(b"x" * 3000)
    h2load(listener_of(recorded, transport), "/api/v1/x", clients=5, streams=10, count=1000)
    assert len([one for one in raw.received if one.complete]) == 1000


def test_http_1_is_served_beside_it(daemon):
    for listener in daemon.listeners:
        with RawClient(listener.port, tls=listener.tls) as client:
            client.send(build_request("GET", "/") * 2)
            assert [client.read_response().body for _ in range(2)] == [PAGE, PAGE]
