# SPDX-License-Identifier: Apache-2.0
"""Requests that two parsers could read in two ways are refused, with a reason in the log, and never reach an upstream;
each row of harness/smuggling.py whole and byte by byte. After a refusal the connection is closed."""
import pytest

from harness.client import HOST, Ended, RawClient, build_request, chunk
from harness.expect import ExpectedRecords
from harness.scene import scene
from harness.smuggling import (CHUNKED, FIELDS, FRAMING, ROWS, SMUGGLED, STRANGE_HOSTS, TARGETS, chunked, get,
                               post)
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, raw):
    return start_daemon(scene(site_pair, web_root, raw.url))


@pytest.fixture(scope="module")
def records():
    return ExpectedRecords()


@pytest.fixture(autouse=True)
def nothing_received(raw):
    raw.clear()


def refuse(daemon, records, data, step, row):
    """Sends a row, expects its refusal and the end of the connection."""
    name, _, statuses, reasons = row
    with RawClient(daemon.http.port) as client:
        if step:
            client.send_pieces(data, step)
        else:
            client.send(data)
        response = client.read_response()
        assert response.status in statuses, f"{name}: {response.head + response.body!r}"
        if row not in TARGETS:
            assert client.at_end(), f"{name}: the connection stays open after a refusal"
    records.add(name, response, reasons)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
@pytest.mark.parametrize("step", [None, 1], ids=["whole", "bytewise"])
def test_refused_and_nothing_arrives(daemon, raw, records, step, row):
    refuse(daemon, records, row[1], step, row)
    assert not raw.received, raw.received[0].head


@pytest.mark.parametrize("row", FRAMING[:6] + FIELDS[:4] + FIELDS[10:16] + CHUNKED[10:18], ids=lambda row: row[0])
def test_request_behind_a_refused_one_is_not_read(daemon, raw, records, row):
    refuse(daemon, records, row[1] + SMUGGLED * 3, None, row)
    assert not raw.received, raw.received[0].head


@pytest.mark.parametrize("row", FRAMING[:6] + FIELDS[:4] + CHUNKED[:3], ids=lambda row: row[0])
def test_good_request_before_a_refused_one_is_answered_first(daemon, raw, row):
    with RawClient(daemon.http.port) as client:
        client.send(build_request("GET", "/api/v1/good") + row[1])
        assert client.read_response().body == b"ok"
        assert client.read_response().status in row[2]
        assert client.at_end()
    assert [one.target for one in raw.received] == ["/api/v1/good"]


@pytest.mark.parametrize("row", ROWS[::9], ids=lambda row: row[0])
def test_refused_over_tls(daemon, raw, row):
    with RawClient(daemon.https.port, tls=True) as client:
        client.send(row[1])
        assert client.read_response().status in row[2]
        assert row in TARGETS or client.at_end()
    assert not raw.received


@pytest.mark.parametrize("host", STRANGE_HOSTS, ids=repr)
def test_strange_host_never_arrives(daemon, raw, records, host):
    with RawClient(daemon.http.port) as client:
        client.send(get(b"GET /api/v1/x HTTP/1.1", host=b"Host: " + host + b"\r\n"))
        response = client.read_response()
    assert response.status in (400, 421) and not raw.received
    records.add(host, response, ["invalid_host", "host_unknown"])


@pytest.mark.parametrize("bad", [b"zz\r\n", b"5\r\nhelloX", b"5\nhello\r\n", b"ffffffffffffffffff\r\n"])
def test_chunk_that_goes_wrong_in_a_streamed_body_never_completes_it(daemon, raw, bad):
    """A long body is on its way already: the upstream must see that it is broken, and the client must see a refusal or
    a cut, never the answer of an upstream that took the half for the whole."""
    target = f"/api/v1/broken-{bad.hex()}"
    start = build_request("POST", target, [("Transfer-Encoding", "chunked")])
    with RawClient(daemon.http.port) as client:
        client.send(start + chunk(b"x" * 200_000)[:-5])
        wait_until(lambda: raw.received, "the head at the upstream")
        client.send_pieces(bad + SMUGGLED, len(bad) + len(SMUGGLED))
        try:
            assert client.read_response().status == 400
        except Ended:
            pass
        assert client.at_end()
    wait_until(raw.received[0].connection.peer_gone.is_set, "the upstream connection to be closed")
    assert not raw.received[0].complete and len(raw.received) == 1
    record = daemon.wait_record_where(lambda one: one["path"] == target, target)
    assert record["reason"] == "invalid_chunk"


def test_endless_chunk_extension_is_refused(daemon, raw):
    body = b"5;a=" + b"x" * 200_000 + b"\r\nhello\r\n0\r\n\r\n"
    with RawClient(daemon.http.port) as client:
        client.send_pieces(chunked(body), 1 << 14)
        assert client.read_response().status in (400, 413, 431)
    assert not [one for one in raw.received if one.complete]


def test_endless_trailers_are_refused(daemon, raw):
    body = b"5\r\nhello\r\n0\r\n" + b"X-T: 1\r\n" * 50_000 + b"\r\n"
    with RawClient(daemon.http.port) as client:
        client.send_pieces(chunked(body), 1 << 14)
        assert client.read_response().status in (400, 413, 431)
    assert not [one for one in raw.received if one.complete]


def test_body_of_a_get_is_not_the_next_request(daemon, raw):
    data = post([b"Content-Length: %d" % len(SMUGGLED)], SMUGGLED, b"GET /api/v1/x HTTP/1.1")
    with RawClient(daemon.http.port) as client:
        client.send(data + build_request("GET", "/api/v1/next"))
        assert client.read_response().status == 200 and client.read_response().status == 200
    assert [(one.target, one.body) for one in raw.received] == [("/api/v1/x", SMUGGLED), ("/api/v1/next", b"")]


@pytest.mark.parametrize("status_line", [b"/static/style.css", b"/"])
def test_unread_body_for_an_own_answer_is_not_the_next_request(daemon, raw, status_line):
    """Static files take no body; the bytes of one are still not a request."""
    data = post([b"Content-Length: %d" % len(SMUGGLED)], SMUGGLED, b"GET " + status_line + b" HTTP/1.1")
    with RawClient(daemon.http.port) as client:
        client.send(data)
        first = client.read_response()
        if "close" in first.tokens("Connection"):
            assert client.at_end()
        else:
            assert client.request("GET", "/api/v1/next").body == b"ok"
    assert "/api/v1/smuggled" not in [one.target for one in raw.received]


def test_length_names_with_other_letters_are_no_framing(daemon, raw):
    """Underscores and the like are other fields; they cross as they are and frame nothing."""
    lines = [b"Content_Length: 50", b"Transfer_Encoding: chunked", b"X-Content-Length: 9", b"Content-Length: 2"]
    with RawClient(daemon.http.port) as client:
        client.send(post(lines, b"ok") + get(b"GET /api/v1/next HTTP/1.1"))
        assert client.read_response().status == 200 and client.read_response().status == 200
    assert [(one.target, one.body) for one in raw.received] == [("/api/v1/x", b"ok"), ("/api/v1/next", b"")]
    assert raw.received[0].get("Content_Length") == "50"


@pytest.mark.parametrize("connection", [b"Content-Length", b"Transfer-Encoding", b"Host"])
def test_connection_cannot_take_the_framing_away(daemon, raw, connection):
    """`Connection: Content-Length` would leave a body without its length upstream."""
    fields = [b"Connection: " + connection]
    body = b"ok"
    if connection == b"Transfer-Encoding":
        fields.append(b"Transfer-Encoding: chunked")
        body = chunk(b"ok")
    else:
        fields.append(b"Content-Length: 2")
    with RawClient(daemon.http.port) as client:
        client.send(post(fields, body) + get(b"GET /api/v1/next HTTP/1.1"))
        assert client.read_response().status == 200 and client.read_response().status == 200
    assert [(one.target, one.body, one.get("Host")) for one in raw.received] == [
        ("/api/v1/x", b"ok", HOST), ("/api/v1/next", b"", HOST)]


def test_the_log_says_why_each_was_refused(daemon, records):
    records.check(daemon)


def test_the_daemon_still_serves(daemon, raw):
    with RawClient(daemon.http.port) as client:
        assert client.request("GET", "/api/v1/last").body == b"ok"
