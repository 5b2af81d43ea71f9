# SPDX-License-Identifier: Apache-2.0
"""Malformed requests of HTTP/2 (RFC 9113 §8.1.1, §8.2, §8.3): each is a stream error PROTOCOL_ERROR, or refused by an
answer where the rule is ours, and nothing of it reaches the upstream, least of all a request hidden in a field or a
body."""
import pytest

from harness import h2frames as h2
from harness.client import HOST
from harness.h2cases import TRANSPORTS, Case, Recorder, h2_scene, listener_of, malformed, refused, run_case
from harness.h2hpack import plain_block
from harness.h2wire import H2Client, h2_fetch

HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n"
MALFORMED = malformed
# What HTTP/2 lets pass and this program does not, or what may be answered before the stream ends: 400 will do.
BAD = refused(400)


@pytest.fixture(scope="module")
def upstream():
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, upstream):
    return start_daemon(h2_scene(site_pair, upstream.url))


@pytest.fixture(params=TRANSPORTS)
def client(daemon, request):
    with H2Client(listener_of(daemon, request.param)) as one:
        yield one


def raw(fields, flags=h2.WHOLE):
    """HEADERS of exactly these fields, as literals."""
    return h2.headers(1, plain_block(fields), flags)


def more(*fields):
    """A GET with further fields."""
    return lambda client: raw(client.request("GET", "/x", *fields))


def without(name, method="GET"):
    return lambda client: raw([one for one in client.request(method, "/x") if one[0] != name])


def changed(name, value, *fields, method="GET"):
    """A request whose pseudo-header field `name` has another value."""
    return lambda client: raw([(key, value if key == name else old)
                               for key, old in client.request(method, "/x", *fields)])


def twice(name):
    """A request with a second pseudo-header field `name` of the same value."""
    def fields(client):
        whole = client.request()
        return [one for one in whole if one[0] == name] + whole
    return lambda client: raw(fields(client))


def ordered(*names):
    """The fields of a request in another order; those not named follow."""
    def fields(client):
        whole = client.request("GET", "/x", ("x-test", "ok"))
        return [(key, value) for name in names for key, value in whole if key == name] + [
            one for one in whole if one[0] not in names]
    return lambda client: raw(fields(client))


def posted(fields, *bodies, trailers=None, end=True):
    """A POST, DATA frames, and trailers."""
    def frames(client):
        out = raw(client.request("POST", "/x", *fields), h2.END_HEADERS)
        for number, body in enumerate(bodies):
            last = end and trailers is None and number == len(bodies) - 1
            out += h2.data(1, body, h2.END_STREAM if last else h2.NONE)
        if trailers is not None:
            out += raw(trailers, h2.WHOLE if end else h2.END_HEADERS)
        return out
    return frames


def length(value):
    return [("content-length", value)]


PSEUDO = [
    Case("8.2 a name in upper case", more(("X-TEST", "ok")), MALFORMED, 0),
    Case("8.2 one letter of a name in upper case", more(("x-Test", "ok")), MALFORMED, 0),
    Case("8.3 an unknown pseudo-header field", lambda c: raw(
        c.request()[:4] + [(":test", "ok")] + c.request()[4:]), MALFORMED, 0),
    Case("8.3 :status in a request", lambda c: raw(c.request()[:4] + [(":status", "200")] + c.request()[4:]),
         MALFORMED, 0),
    Case("8.3 a pseudo-header field behind others", more((":test", "ok")), MALFORMED, 0),
    Case("8.3 :path behind a field", ordered(":method", ":scheme", ":authority", "x-test"), MALFORMED, 0),
    Case("8.3 :method behind a field", ordered("x-test"), MALFORMED, 0),
    Case("8.3 :path empty", changed(":path", ""), MALFORMED, 0),
    Case("8.3 no :method", without(":method"), MALFORMED, 0),
    Case("8.3 no :scheme", without(":scheme"), MALFORMED, 0),
    Case("8.3 no :path", without(":path"), MALFORMED, 0),
    Case("8.3 no pseudo-header fields at all", lambda c: raw(c.request()[4:]), MALFORMED, 0),
    Case("8.3 an empty header block", lambda c: raw([]), MALFORMED, 0),
    Case("8.3 two :method", twice(":method"), MALFORMED, 0),
    Case("8.3 two :scheme", twice(":scheme"), MALFORMED, 0),
    Case("8.3 two :path", twice(":path"), MALFORMED, 0),
    Case("8.3 two :authority", twice(":authority"), MALFORMED, 0),
    Case("8.3 two :path that differ", lambda c: raw([(":path", "/smuggled")] + c.request()), MALFORMED, 0),
    Case("8441 §4 :protocol without CONNECT", lambda c: raw(
        c.request()[:4] + [(":protocol", "websocket")] + c.request()[4:]), MALFORMED, 0),
]

CONNECTION = [
    Case(f"8.2.2 {name}: {value}", more((name, value)), MALFORMED, 0) for name, value in [
        ("connection", "keep-alive"), ("connection", "close"), ("connection", "x-named"), ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"), ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"),
        ("upgrade", "h2c"), ("upgrade", "websocket"), ("te", "trailers, deflate;q=0.5"), ("te", "gzip"), ("te", ""),
        ("te", "trailers, trailers")]
] + [
    Case("8.2.2 Connection that names a field", more(("connection", "x-named"), ("x-named", "1")), MALFORMED, 0),
    Case("8.2.2 Connection that names content-length", posted([("connection", "content-length"), *length("4")],
                                                              b"test"), MALFORMED, 0),
]

CONTENT = [
    Case("8.1.1 content-length above one DATA frame", posted(length("1000"), b"test"), MALFORMED, 0),
    Case("8.1.1 content-length below one DATA frame", posted(length("1"), b"test"), MALFORMED, 0),
    Case("8.1.1 content-length above several DATA frames", posted(length("10"), b"test", b"test"), MALFORMED, 0),
    Case("8.1.1 content-length below several DATA frames", posted(length("5"), b"test", b"test"), MALFORMED, 0),
    Case("8.1.1 content-length of 0 and DATA", posted(length("0"), b"x"), MALFORMED, 0),
    Case("8.1.1 content-length and END_STREAM on HEADERS", more(*length("4")), MALFORMED, 0),
    Case("8.1.1 content-length above DATA and trailers", posted(length("5"), b"test", trailers=[("x-t", "1")]),
         MALFORMED, 0),
    Case("8.1 HEADERS for trailers without END_STREAM", posted([], b"test", trailers=[("x-test", "ok")], end=False),
         MALFORMED, 0),
    Case("8.1 a second request head in place of trailers", lambda c: posted(
        [], b"test", trailers=c.request("GET", "/smuggled"))(c), MALFORMED, 0),
    Case("8.1 a pseudo-header field in trailers", posted([], b"test", trailers=[(":method", "200"), ("x-test", "ok")]),
         MALFORMED, 0),
    Case("8.1 a pseudo-header field behind others in trailers", posted(
        [], b"test", trailers=[("x-test", "ok"), (":path", "/smuggled")]), MALFORMED, 0),
    Case("8.1 a trailer in upper case", posted([], b"test", trailers=[("X-TEST", "ok")]), MALFORMED, 0),
    Case("8.1 a trailer with CR LF", posted([], b"test", trailers=[("x-test", b"ok\r\n\r\n" + HIDDEN)]), BAD, 0),
    Case("8.1 transfer-encoding in trailers", posted([], b"test", trailers=[("transfer-encoding", "chunked")]),
         MALFORMED, 0),
    Case("8.1 DATA behind trailers", lambda c: posted([], b"test", trailers=[("x-test", "ok")], end=False)(c)
         + h2.data(1, b"x", h2.END_STREAM), MALFORMED, 0),
] + [
    Case(f"8.1.1 content-length {value!r}", posted(length(value), b"hello"), BAD, 0) for value in [
        "", "+5", "-5", "0x5", "5 ", " 5", "5,5", "5, 5", "5a", "5.0", "5\r\nx: y", "18446744073709551621",
        "1" + "0" * 60, "\u00b2".encode("latin-1")]
] + [
    Case("8.1.1 two content-lengths that differ", posted(length("5") + length("6"), b"hello"), BAD, 0),
    Case("8.1.1 two content-lengths that agree", posted(length("5") + length("5"), b"hello"), BAD, 0),
]

VALUES = [
    Case(f"8.2.1 a value {value!r}", more(("x-test", value)), BAD, 0) for value in [
        b"a\rb", b"a\nb", b"a\r\nb", b"\r", b"\n", b"a\0b", b"\0", b" a", b"a ", b"\ta", b"a\t", b" ", b"a\x01b",
        b"a\x7fb", b"a\x1bb", b"a\r\n\r\n" + HIDDEN, b"a\r\ntransfer-encoding: chunked", b"a\ncontent-length: 50"]
] + [
    Case(f"8.2.1 a name {name!r}", more((name, "ok")), BAD, 0) for name in [
        b"", b"x y", b" x", b"x ", b"x:", b"x:y", b"x\r\ny", b"x\ny", b"x\0", b"x\x01", b"x\x7f", b"x\xe4", b"x(y)",
        b"x/y", b'x"y', b"x,y", b"a: b\r\ntransfer-encoding", b"a: b\r\n\r\nget /smuggled http/1.1\r\nx"]
]

TARGETS = [
    Case(f"8.3.1 :path {path!r}", changed(":path", path), BAD, 0) for path in [
        b"x", b"?x", b"*", b"/a#b", b"#", b"/a b", b" /a", b"/a ", b"/a\tb", b"/a\x01b", b"/a\x7fb", b"/a\0b",
        b"/a\rb", b"/a\nb", b"/%zz", b"/%4", b"http://" + HOST.encode() + b"/x", b"https://evil.example/x",
        b"ftp://" + HOST.encode() + b"/x", HOST.encode() + b":443",
        b"/x HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n" + HIDDEN]
] + [
    Case(f"8.3.1 :method {method!r}", changed(":method", method), refused(400, 405, 501), 0) for method in [
        b"", b"G T", b" GET", b"GET ", b"G@T", b"GE\0T", b"GE\rT", b"GE\nT", b"GET\t",
        b"GET /smuggled HTTP/1.1\r\nx:"]
] + [
    Case(f"8.3.1 :scheme {scheme!r}", changed(":scheme", scheme), BAD, 0) for scheme in [
        b"", b"ftp", b"ht tp", b"http:", b"http://evil.example/?", b"ws", b"http\r\nx: y", b"http\0"]
] + [
    Case(f"8.3.1 :authority {value!r}", changed(":authority", value), BAD, 0) for value in [
        b"", b"u:p@" + HOST.encode(), b"u@" + HOST.encode(), HOST.encode() + b"@", HOST.encode() + b" evil.example",
        HOST.encode() + b"/evil", HOST.encode() + b"?evil", HOST.encode() + b"#evil", HOST.encode() + b"\\evil",
        HOST.encode() + b":80:80", HOST.encode() + b":8o", HOST.encode() + b":-1", b"[::1", b"::1",
        b"http://" + HOST.encode(), b"<script>", b" " + HOST.encode(), HOST.encode() + b"\t", HOST.encode() + b"\0",
        HOST.encode() + b"\r\nx: y", HOST.encode() + b"\r\n\r\n" + HIDDEN]
] + [
    Case("8.3.1 an unknown :authority", changed(":authority", "evil.example"), refused(421), 0),
    Case("8.3.1 Host that is not :authority", more(("host", "evil.example")), BAD, 0),
    Case("8.3.1 Host that is not :authority, which is unknown", changed(":authority", "evil.example", ("host", HOST)),
         refused(400, 421), 0),
    Case("8.3.1 Host of another port", more(("host", HOST + ":8443")), BAD, 0),
    Case("8.3.1 two Hosts", more(("host", HOST), ("host", HOST)), BAD, 0),
    Case("8.3.1 two Hosts without :authority", lambda c: raw(
        [one for one in c.request("GET", "/x", ("host", HOST), ("host", "evil.example")) if one[0] != ":authority"]),
         BAD, 0),
    Case("8.3.1 neither :authority nor Host", without(":authority"), BAD, 0),
    Case("8.3.1 empty Host and no :authority", lambda c: raw(
        [one for one in c.request("GET", "/x", ("host", "")) if one[0] != ":authority"]), BAD, 0),
    Case("8.5 CONNECT", lambda c: raw([(":method", "CONNECT"), (":authority", HOST + ":443"), *c.request()[4:]]),
         refused(400, 403, 405, 501), 0),
    Case("8.5 CONNECT with DATA", lambda c: raw(
        [(":method", "CONNECT"), (":authority", HOST + ":443"), *c.request()[4:]], h2.END_HEADERS)
         + h2.data(1, HIDDEN, h2.NONE), refused(400, 403, 405, 501), 0),
    Case("8.5 CONNECT with :scheme and :path", changed(":method", "CONNECT"), refused(400, 403, 405, 501), 0),
    Case("8.5 CONNECT without :authority", lambda c: raw([(":method", "CONNECT"), *c.request()[4:]]),
         refused(400, 403, 405, 501), 0),
    Case("8441 §4 CONNECT with an unknown :protocol", lambda c: raw(
        [(":protocol", "gopher"), (":method", "CONNECT"), *c.request()[1:]]), refused(400, 403, 404, 405, 501), 0),
    Case("8441 §4 CONNECT with :protocol and no :path", lambda c: raw(
        [(":protocol", "websocket"), (":method", "CONNECT"), (":scheme", c.scheme), (":authority", HOST),
         *c.request()[4:]]), refused(400, 405, 501), 0),
]

HIDING = [
    Case("H2.CL: content-length of 0 hides a request", posted(length("0"), HIDDEN), MALFORMED, 0),
    Case("H2.CL: content-length cuts a body", posted(length("4"), b"test" + HIDDEN), MALFORMED, 0),
    Case("H2.TE: a chunked body ends early", posted([("transfer-encoding", "chunked")], b"0\r\n\r\n" + HIDDEN),
         MALFORMED, 0),
    Case("H2.TE: both framings", posted([("transfer-encoding", "chunked"), *length("4")], b"0\r\n\r\n" + HIDDEN),
         MALFORMED, 0),
    Case("H2.TE: a value that brings a coding", posted([("x", "y\r\ntransfer-encoding: chunked")],
                                                      b"0\r\n\r\n" + HIDDEN), BAD, 0),
    Case("H2.TE: a coding in another spelling", posted([("transfer-encoding", "\x0bchunked")], b"0\r\n\r\n" + HIDDEN),
         BAD, 0),
    Case("H2.TE: a name that brings a coding", posted([("transfer-encoding: chunked\r\nx", "y")],
                                                     b"0\r\n\r\n" + HIDDEN), BAD, 0),
    Case("a :method that is a whole request", changed(":method", b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n" + HIDDEN),
         refused(400, 405, 501), 0),
    Case("a cookie that is a whole request", more(("cookie", b"a=b\r\n\r\n" + HIDDEN)), BAD, 0),
    Case("two cookies of which one brings a field", more(("cookie", "a=b"), ("cookie", b"c=d\r\nx: y")), BAD, 0),
]


@pytest.mark.parametrize("case", PSEUDO + CONNECTION + CONTENT, ids=str)
def test_malformed(client, upstream, case):
    run_case(client, upstream, case)


@pytest.mark.parametrize("case", VALUES, ids=str)
def test_names_and_values(client, upstream, case):
    run_case(client, upstream, case)


@pytest.mark.parametrize("case", TARGETS, ids=str)
def test_targets_and_hosts(client, upstream, case):
    run_case(client, upstream, case)


@pytest.mark.parametrize("case", HIDING, ids=str)
def test_hidden_requests(client, upstream, case):
    run_case(client, upstream, case)


@pytest.mark.parametrize("case", PSEUDO[:4] + CONNECTION[:2] + CONTENT[:2] + VALUES[:3] + TARGETS[:2], ids=str)
def test_a_malformed_request_leaves_others_alone(client, upstream, case):
    """A stream error ends one stream; where the server keeps the connection, the next request is answered on it."""
    run_case(client, upstream, case)
    if client.goaway():
        client.expect_closed()
    else:
        client.send(client.get(3))
        assert client.expect_answer(3).status == 200


def test_nothing_came_late(daemon, upstream):
    """All rows are over, and a last request has passed: of the refused ones nothing is on its way."""
    for transport in TRANSPORTS:
        assert h2_fetch(listener_of(daemon, transport), "/last", fields=[("x-row", "last")]).status == 200
    assert not upstream.strays() and not upstream.errors
    assert {one.target for one in upstream.received if one.complete} <= {"/x", "/last"}
