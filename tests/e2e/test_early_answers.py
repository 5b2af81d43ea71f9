# SPDX-License-Identifier: Apache-2.0
"""Answers that are given before the request's body has come: no request on the same connection is swallowed. Either the
answer says that the connection ends, or the next request gets an answer of its own (RFC 9112 §9.6)."""
import pytest

from harness.client import RawClient, build_request, chunk
from harness.pattern import pattern
from harness.scene import plain_scene, proxy
from harness.upstream import ClosedPort, RawUpstream, answer

BODY = pattern(300_000)
SENT_FIRST = 100_000  # more than is collected before a server is chosen
SMALL = b"0123456789"


def serve(received):
    """Answers by the head where that asks for it; then reads on, as good servers do."""
    status = received.get("X-Early")
    if status:
        received.send(answer(b"early", status))
    RawUpstream.read_request_body(received.connection.reader, received)
    return None if status else answer(received.body[:100])


def echo(received):
    """Begins its answer before it has read the request."""
    received.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    RawUpstream.read_request_body(received.connection.reader, received)
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(received.body), received.body)


@pytest.fixture(scope="module")
def upstream():
    with RawUpstream(serve, read_body=False) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(start_daemon, upstream):
    closed = ClosedPort()
    routes = [proxy("cb", {"prefix": "/cb/"}, "app", callback="wechat_pay_v3"),
              proxy("form", {"prefix": "/form/"}, "dead", callback="alipay"),
              proxy("dead", {"prefix": "/dead/"}, "dead"),
              {"name": "own", "match": {"prefix": "/own/"}, "respond": {"status": 200, "body": "own"}},
              proxy("limited", {"prefix": "/limited/"}, "app", body_limit="80k"),
              proxy("app", {"prefix": "/app/"}, "app")]
    config = plain_scene(upstream.url, routes)
    config["upstreams"]["dead"] = {"servers": [closed.url]}
    yield start_daemon(config)
    closed.close()


def framed(body, is_chunked, fields):
    head = ("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(len(body)))
    return [head, *fields], chunk(body) if is_chunked else body


def send_both(client, target, is_chunked, fields):
    """An upload whose answer comes in the middle of it, and a second request behind it; the answer to the first."""
    fields, body = framed(BODY, is_chunked, fields)
    client.send(build_request("POST", target, fields) + body[:SENT_FIRST])
    first = client.read_response("POST")
    try:
        client.send(body[SENT_FIRST:] + build_request("POST", "/app/second", body=b"2nd"))
    except ConnectionError:
        assert "close" in first.tokens("Connection")
    return first


@pytest.mark.parametrize("is_chunked", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("target, early, status", [
    ("/app/x", "401 Unauthorized", 401), ("/app/x", "307 Temporary Redirect", 307), ("/app/x", "200 OK", 200),
    ("/cb/x", "401 Unauthorized", 401), ("/cb/x", "200 OK", 200), ("/dead/x", None, 502), ("/form/x", None, 200),
    ("/none/x", None, 404), ("/own/x", None, 200), ("/limited/x", None, 413)])
def test_no_request_behind_an_early_answer_is_swallowed(daemon, target, early, status, is_chunked):
    with RawClient(daemon.http.port) as client:
        first = send_both(client, target, is_chunked, [("X-Early", early)] if early else [])
        assert first.status == status
        if "close" not in first.tokens("Connection"):
            second = client.read_response("POST")
            assert (second.status, second.body) == (200, b"2nd")
            assert daemon.record_of(second)["path"] == "/app/second"


@pytest.mark.parametrize("is_chunked", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("target", ["/app/x", "/dead/x"])
def test_a_refusal_of_a_long_upload_says_that_the_connection_ends(daemon, target, is_chunked):
    with RawClient(daemon.http.port) as client:
        first = send_both(client, target, is_chunked, [("X-Early", "401 Unauthorized")])
        assert first.status in (401, 502) and "close" in first.tokens("Connection")


@pytest.mark.parametrize("is_chunked", [False, True], ids=["sized", "chunked"])
def test_an_echo_goes_on_and_keeps_the_connection(daemon, upstream, is_chunked):
    upstream.handler = echo
    try:
        with RawClient(daemon.http.port) as client:
            fields, body = framed(BODY, is_chunked, [])
            client.send(build_request("POST", "/app/echo", fields) + body[:SENT_FIRST])
            head = client.read_head()
            assert head.status == 200 and "close" not in head.tokens("Connection")
            client.send(body[SENT_FIRST:])
            content = client.reader.chunked()[1]
            assert content == b"first" + BODY
            upstream.handler = serve
            assert client.request("POST", "/app/second", body=b"2nd").body == b"2nd"
    finally:
        upstream.handler = serve


@pytest.mark.parametrize("target, status", [("/none/x", 404), ("/own/x", 200)])
def test_a_small_chunked_body_that_nobody_reads_costs_no_connection(daemon, target, status):
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", target, [("Transfer-Encoding", "chunked")]) + chunk(SMALL))
        first = client.read_response("POST")
        assert first.status == status and "close" not in first.tokens("Connection")
        assert client.request("POST", "/app/second", body=b"2nd").body == b"2nd"
