# SPDX-License-Identifier: Apache-2.0
"""Well-formed requests over HTTP/2: each reaches the upstream once, as HTTP/1, with its fields, body and trailers; the
limits on heads and targets answer with the statuses that they have on HTTP/1."""
import itertools

import pytest

from harness import h2frames as h2
from harness.client import HOST
from harness.h2cases import BODY, TRANSPORTS, Recorder, h2_scene, listener_of
from harness.h2hpack import plain_block
from harness.h2wire import H2Client, h2_fetch
from harness.pattern import pattern
from harness.upstream import answer

SMALL = {"max_head_size": "2k", "max_fields": 20, "max_target_size": 100}
COMMON = [("content-type", "text/plain")]
rows = itertools.count(1)


class AnsweringRecorder(Recorder):
    """Answers by the path."""

    def reply(self, received):
        kind = received.target.strip("/").split("/")[0].partition("?")[0]
        if kind == "fields":
            return answer(BODY, fields=[("X-Mixed-Case", "Kept As It Is"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
                                        ("Keep-Alive", "timeout=9"), ("Connection", "keep-alive, X-Hop"),
                                        ("X-Hop", "one"), ("Empty", "")])
        if kind == "chunked":
            return answer(pattern(50_000), framing="chunked", trailers=[("X-Sum", "abc")])
        if kind == "close":
            return answer(BODY, framing="close")
        if kind == "early":
            hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
            return hints + answer(BODY)
        if kind in ("204", "304"):
            return answer(b"", f"{kind} None", framing="none")
        if kind == "cut":
            received.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
            return received.close()
        return super().reply(received)


@pytest.fixture(scope="module")
def upstream():
    with AnsweringRecorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, upstream):
    return start_daemon(h2_scene(site_pair, upstream.url))


@pytest.fixture(scope="module")
def strict(start_daemon, site_pair, upstream):
    """Small limits."""
    return start_daemon(h2_scene(site_pair, upstream.url, client=SMALL))


def marked(client):
    row = f"message-{next(rows)}"
    client.mark(("x-row", row))
    return client, row


@pytest.fixture(params=TRANSPORTS)
def client(daemon, request):
    with H2Client(listener_of(daemon, request.param)) as one:
        yield marked(one)[0]


@pytest.fixture(params=TRANSPORTS)
def hemmed(strict, request):
    with H2Client(listener_of(strict, request.param)) as one:
        yield marked(one)[0]


def only(upstream, client):
    """The one request of this client at the upstream."""
    found = upstream.of(client.marks[0][1])
    assert len(found) == 1 and found[0].complete, [one.head for one in found]
    return found[0]


def ask(client, method="GET", path="/x", *more, body=None, trailers=None):
    """A request as literals, and its answer."""
    ends = body is None and trailers is None
    client.send(h2.header_frames(1, plain_block(client.request(method, path, *more)), ends))
    for start in range(0, len(body or b""), 1000):
        client.send(h2.data(1, body[start:start + 1000]))
    if trailers is not None:
        client.send(h2.headers(1, plain_block(trailers)))
    elif body is not None:
        client.send(h2.data(1, b"", h2.END_STREAM))
    return client.expect_answer()


# ---- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "PURGE"])
def test_request_without_a_body(client, upstream, method):
    got = ask(client, method)
    assert (got.status, got.body) == (200, BODY)
    received = only(upstream, client)
    assert (received.method, received.target, received.version) == (method, "/x", "HTTP/1.1")
    assert (received.get("Host"), received.body) == (HOST, b"")
    assert not received.all("Transfer-Encoding") and received.get("Content-Length") in (None, "0")


def test_head(client, upstream):
    got = ask(client, "HEAD")
    assert (got.status, got.body, got.get("content-length")) == (200, b"", str(len(BODY)))


@pytest.mark.parametrize("method, length", [("POST", "0"), ("PUT", "0"), ("PATCH", "0"), ("DELETE", None)])
def test_method_that_means_a_body_and_has_none(client, upstream, method, length):
    assert ask(client, method).status == 200
    received = only(upstream, client)
    assert received.get("Content-Length") == length and not received.all("Transfer-Encoding")


@pytest.mark.parametrize("size", [0, 1, 4, 60_000])
@pytest.mark.parametrize("sized", [True, False], ids=["content-length", "no length"])
def test_post(client, upstream, sized, size):
    body = pattern(size)
    fields = [("content-length", str(size))] if sized else []
    assert ask(client, "POST", "/x", *fields, body=body).status == 200
    received = only(upstream, client)
    assert (received.method, received.body) == ("POST", body)


@pytest.mark.parametrize("sized", [True, False], ids=["content-length", "no length"])
def test_post_with_trailers(client, upstream, sized):
    """On HTTP/1 only a chunked body has trailers: with content-length they are left out, without they may cross."""
    fields = [("content-length", "4")] if sized else []
    got = ask(client, "POST", "/x", *fields, body=b"test", trailers=[("x-checksum", "abc"), ("x-second", "2")])
    assert got.status == 200
    received = only(upstream, client)
    assert received.body == b"test"
    trailers = [(name.lower(), value) for name, value in received.trailers]
    assert trailers == [("x-checksum", "abc"), ("x-second", "2")] or sized and not trailers


def test_trailers_never_turn_into_fields(client, upstream):
    """Host, length and the like in trailers are left out, or the request is refused."""
    client.send(client.post() + h2.data(1, b"hello") + h2.headers(1, plain_block(
        [("host", "evil.example"), ("content-length", "5"), ("authorization", "x"), ("x-sum", "1")])))
    got = client.expect_refusal(1, (200, 400))
    if getattr(got, "status", None) == 200:
        received = only(upstream, client)
        assert (received.trailers, received.get("Host"), received.body) in (
            ([], HOST, b"hello"), ([("x-sum", "1")], HOST, b"hello"))


def test_trailers_without_data(client, upstream):
    client.send(client.post() + h2.headers(1, plain_block([("x-sum", "1")])))
    assert client.expect_answer().status == 200
    assert only(upstream, client).body == b""


@pytest.mark.parametrize("path", ["/", "/a?b=c&d=%20", "/%E6%94%AF%E4%BB%98?x=%2F", "/a;b=c/d", "/x?", "/x?a=b?c",
                                  "/a/b/c/~user/!$&'()*+,;=:@", "/index.html"])
def test_target_crosses_unchanged(client, upstream, path):
    assert ask(client, "GET", path).status == 200
    assert only(upstream, client).target == path


def test_fields_cross_in_their_order(client, upstream):
    fields = [("x-second", "2"), ("x-first", "1"), ("x-second", "again"), ("x-empty", ""), ("accept", "a, b;q=0.5"),
              ("x-inner", "a  b\tc"), ("x-bytes", b"\xe6\x94\xaf"), ("te", "trailers")]
    assert ask(client, "GET", "/x", *fields).status == 200
    sent = [(name, value if isinstance(value, str) else value.decode("latin-1")) for name, value in fields[:-1]]
    names = {name for name, _ in sent}
    assert [(name.lower(), value) for name, value in only(upstream, client).fields if name.lower() in names] == sent


@pytest.mark.parametrize("crumbs", [["a=1"], ["a=1", "b=2", "c=3"], ["a=1; b=2", "c=3"], ["a=1"] * 12])
def test_cookie_crumbs_become_one_line(client, upstream, crumbs):
    """RFC 9113 §8.2.3."""
    assert ask(client, "GET", "/x", *[("cookie", crumb) for crumb in crumbs]).status == 200
    assert only(upstream, client).all("cookie") == ["; ".join(crumbs)]


def test_cookie_crumbs_between_other_fields(client, upstream):
    fields = [("cookie", "a=1"), ("x-a", "1"), ("cookie", "b=2"), ("x-b", "2"), ("cookie", "c=3")]
    assert ask(client, "GET", "/x", *fields).status == 200
    received = only(upstream, client)
    assert (received.get("cookie"), received.get("x-a"), received.get("x-b")) == ("a=1; b=2; c=3", "1", "2")


def test_host_without_authority(client, upstream):
    """§8.3.1 allows it to a client that converts from HTTP/1."""
    fields = [one for one in client.request("GET", "/x", ("host", HOST)) if one[0] != ":authority"]
    client.send(h2.headers(1, plain_block(fields)))
    assert client.expect_answer().status == 200
    assert only(upstream, client).get("Host") == HOST


def test_host_that_is_the_authority(client, upstream):
    assert ask(client, "GET", "/x", ("host", HOST)).status == 200
    assert only(upstream, client).all("Host") == [HOST]


def test_authority_with_a_port(client, upstream):
    client.send(h2.headers(1, plain_block(client.request(authority=f"{HOST}:8443"))))
    assert client.expect_answer().status == 200
    assert only(upstream, client).all("Host") == [f"{HOST}:8443"]


def test_expect_100_continue(client, upstream):
    client.send(client.post(1, "/x", ("expect", "100-continue"), ("content-length", "4")))
    client.send(h2.data(1, b"test", h2.END_STREAM))
    got = client.expect_answer()
    assert got.status == 200 and got.interim in ([], [100])
    assert only(upstream, client).body == b"test"


# ---- answers --------------------------------------------------------------------------------------------------------


def test_fields_of_an_answer(client):
    got = ask(client, "GET", "/fields")
    names = [name for name, _ in got.fields]
    assert names[0] == ":status" and all(name == name.lower() for name in names), names
    assert not {"connection", "keep-alive", "transfer-encoding", "proxy-connection", "upgrade", "x-hop"} & set(names)
    assert got.get("x-mixed-case") == "Kept As It Is" and got.all("set-cookie") == ["a=1", "b=2"]
    assert got.all("empty") == [""] and got.body == BODY


def test_chunked_answer_with_trailers(client):
    got = ask(client, "GET", "/chunked", ("te", "trailers"))
    assert (got.body, got.trailers) == (pattern(50_000), [("x-sum", "abc")])
    assert not got.all("transfer-encoding")


def test_answer_that_ends_with_its_connection(client):
    assert ask(client, "GET", "/close").body == BODY


@pytest.mark.parametrize("status", [204, 304])
def test_answer_without_a_body(client, status):
    got = ask(client, "GET", f"/{status}")
    assert (got.status, got.body, got.reset) == (status, b"", None)


def test_interim_answer(client):
    got = ask(client, "GET", "/early")
    assert (got.status, got.body) == (200, BODY) and got.interim in ([], [103])


def test_answer_that_is_cut_off(client):
    """The client must see that it is not whole: RST_STREAM, not END_STREAM."""
    client.send(client.get(1, "/cut"))
    got = client.take(lambda one: one.stream == 1 and (one.type == h2.RST_STREAM or one.has(h2.END_STREAM)), "the cut")
    status = [dict(one.fields)[":status"] for one in client.seen if one.type == h2.HEADERS]
    assert status == ["502"] or got.type == h2.RST_STREAM and got.code != h2.NO_ERROR, client.story()
    client.ping()


# ---- limits ---------------------------------------------------------------------------------------------------------


def refused_by(daemon, client, upstream, status, reason, *ask_with):
    got = ask(client, *ask_with)
    assert got.status == status, got
    assert not upstream.of(client.marks[0][1])
    record = daemon.record_of(got)
    assert record is None or (record["status"], record["reason"]) == (status, reason)
    client.send(client.get(3))
    assert client.expect_answer(3).status == 200, "the connection is still good"


def test_head_too_large(client, daemon, upstream):
    refused_by(daemon, client, upstream, 431, "headers_too_large", "GET", "/x",
               *[(f"x-{number}", "v" * 1000) for number in range(40)])


@pytest.mark.parametrize("size", [33_000, 60_000])
def test_one_value_too_large(client, daemon, upstream, size):
    refused_by(daemon, client, upstream, 431, "headers_too_large", "GET", "/x", ("x-large", "v" * size))


def test_too_many_fields(client, daemon, upstream):
    refused_by(daemon, client, upstream, 431, "too_many_fields", "GET", "/x",
               *[(f"x-{number}", "v") for number in range(150)])


def test_target_too_long(client, daemon, upstream):
    refused_by(daemon, client, upstream, 414, "target_too_long", "GET", "/" + "t" * 8192)


def test_limits_just_kept(client, upstream):
    """90 fields, a target of 8192 bytes, 12 KB of values: all within the defaults."""
    fields = [(f"x-{number}", "v" * 50) for number in range(90)]
    assert ask(client, "GET", "/" + "t" * 8191, *fields).status == 200
    assert len(only(upstream, client).target) == 8192


@pytest.mark.parametrize("status, reason, path, count, size", [
    (431, "headers_too_large", "/x", 1, 2100), (431, "too_many_fields", "/x", 25, 1),
    (414, "target_too_long", "/" + "t" * 100, 1, 1)])
def test_limits_of_the_config(hemmed, strict, upstream, status, reason, path, count, size):
    refused_by(strict, hemmed, upstream, status, reason, "GET", path,
               *[(f"x-{number}", "v" * size) for number in range(count)])


def test_within_the_limits_of_the_config(hemmed, upstream):
    assert ask(hemmed, "GET", "/" + "t" * 99, *[(f"x-{number}", "v" * 80) for number in range(12)]).status == 200


def test_an_answer_of_our_own_has_no_fields_of_http1(client, daemon):
    got = ask(client, "GET", "/" + "t" * 8192)
    names = {name for name, _ in got.fields}
    assert got.status == 414 and not names & {"connection", "transfer-encoding", "keep-alive"}, names
    assert got.request_id and got.get("content-type").startswith("application/problem+json")


def test_the_server_still_serves(daemon):
    for transport in TRANSPORTS:
        assert h2_fetch(listener_of(daemon, transport)).status == 200
