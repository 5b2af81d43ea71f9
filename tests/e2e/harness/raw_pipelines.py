# SPDX-License-Identifier: Apache-2.0
"""Raw requests about where one ends and the next begins, versions, methods, upgrades, and a preface of HTTP/2."""
from .rawrows import (ABSENT, HIDDEN, HOST_LINE, Row, Seen, chunked, get, message, passes, post, refused, seen_get,
                      seen_post)

LINE = ("malformed_request_line", "unsupported_version", "unsupported_method")
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


def then(name, data, *more, statuses=(), seen=(), **rest):
    return Row(name, data + b"".join(more), statuses, seen, **rest)


PIPELINES = [
    passes("two GET", get(b"/1") + get(b"/2"), seen_get(b"/1"), seen_get(b"/2")),
    passes("ten GET", b"".join(get(b"/%d" % number) for number in range(10)),
           *(seen_get(b"/%d" % number) for number in range(10))),
    passes("POST and GET", post(b"Content-Length: 5", body=b"hello") + get(b"/2"), seen_post(b"hello"),
           seen_get(b"/2")),
    passes("chunked and GET", chunked(HELLO) + get(b"/2"), seen_post(b"hello"), seen_get(b"/2")),
    passes("chunked with trailers and GET", chunked(b"0\r\nX-T: 1\r\n\r\n") + get(b"/2"),
           seen_post(b"", trailers=(("X-T", "1"),)), seen_get(b"/2")),
    passes("GET with a body and GET", get(b"/1", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN) + get(b"/2"),
           seen_get(b"/1", body=HIDDEN), seen_get(b"/2")),
    passes("HEAD and GET", get(b"/1", method=b"HEAD") + get(b"/2"), Seen("HEAD", b"/1"), seen_get(b"/2"),
           methods=("HEAD", "GET")),
    passes("HEAD with a body and GET",
           get(b"/1", b"Content-Length: 5", method=b"HEAD", body=b"hello") + get(b"/2"),
           Seen("HEAD", b"/1", b"hello"), seen_get(b"/2"), methods=("HEAD", "GET")),
    passes("an empty line between", get(b"/1") + b"\r\n" + get(b"/2"), seen_get(b"/1"), seen_get(b"/2")),
    passes("an empty line before", b"\r\n" + get(b"/1"), seen_get(b"/1")),
    passes("an empty line behind a body", post(b"Content-Length: 5", body=b"hello") + b"\r\n" + get(b"/2"),
           seen_post(b"hello"), seen_get(b"/2")),
    passes("an empty line behind chunks", chunked(HELLO) + b"\r\n" + get(b"/2"), seen_post(b"hello"), seen_get(b"/2")),
    passes("close, and a request that is not read", get(b"/1", b"Connection: close") + HIDDEN, seen_get(b"/1"),
           ends=True),
    passes("HTTP/1.0, and a request that is not read", get(b"/1", version=b"HTTP/1.0") + HIDDEN, seen_get(b"/1"),
           ends=True),
    passes("HTTP/1.0 with keep-alive, and a request",
           get(b"/1", b"Connection: keep-alive", version=b"HTTP/1.0") + get(b"/2"), seen_get(b"/1"), seen_get(b"/2")),
    then("a good request and a bad one", get(b"/1"), get(b"/2", b"X A: 1"), HIDDEN, statuses=(200, 400),
         seen=(seen_get(b"/1"),), ends=True),
    then("a good POST and a bad request", post(b"Content-Length: 5", body=b"hello"), b"garbage\r\n\r\n",
         statuses=(200, {400, 501}), seen=(seen_post(b"hello"),), ends=True),
    then("a body that is longer than its length", post(b"Content-Length: 4", body=b"hello"), get(b"/2"),
         statuses=(200, {400, 501}), seen=(seen_post(b"hell"),)),
    then("a body without a length", post(body=b"hello"), get(b"/2"), statuses=(200, {400, 501}),
         seen=(seen_post(b""),)),
    then("a body behind chunks", chunked(HELLO + b"hello"), get(b"/2"), statuses=(200, {400, 501}),
         seen=(seen_post(b"hello"),)),
    then("a second last chunk", chunked(HELLO + b"0\r\n\r\n"), get(b"/2"), statuses=(200, {400, 501}),
         seen=(seen_post(b"hello"),), ends=True),
    then("a bare LF between", get(b"/1"), b"\n", get(b"/2"), statuses=(200, 400), seen=(seen_get(b"/1"),), ends=True),
    then("a bare CR between", get(b"/1"), b"\r", get(b"/2"), statuses=(200, 400), seen=(seen_get(b"/1"),), ends=True),
    then("a NUL between", get(b"/1"), b"\0", get(b"/2"), statuses=(200, {400, 501}), seen=(seen_get(b"/1"),),
         ends=True),
    then("a space between", get(b"/1"), b" ", get(b"/2"), statuses=(200, 400), seen=(seen_get(b"/1"),), ends=True),
    then("a hundred empty lines between", get(b"/1"), b"\r\n" * 100, get(b"/2"), statuses=(200, 400),
         seen=(seen_get(b"/1"),), ends=True),
    then("a target that is refused, and a request that is not read", get(b"x"), HIDDEN, statuses=(400,), ends=True),
    then("an unknown host, and a known one", get(b"/1", host=b"Host: evil.example"), get(b"/2"), statuses=(421, 200),
         seen=(seen_get(b"/2"),)),
    then("an unknown host with a body, and a known one",
         get(b"/1", b"Content-Length: %d" % len(HIDDEN), host=b"Host: evil.example", body=HIDDEN), get(b"/2"),
         statuses=(421, 200), seen=(seen_get(b"/2"),)),
    then("a denied path with a body, and a good one",
         post(b"Content-Length: %d" % len(HIDDEN), target=b"/denied", body=HIDDEN), get(b"/2"), statuses=(403, 200),
         seen=(seen_get(b"/2"),)),
    then("a denied path with chunks, and a good one",
         chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN), target=b"/denied"), get(b"/2"), statuses=(403, 200),
         seen=(seen_get(b"/2"),), may_close_at=0),
    then("a denied path with chunks that go wrong", chunked(b"5\r\nhelloXX", target=b"/denied"), HIDDEN,
         statuses=(403,),
         ends=True),
]

VERSIONS = [
    passes("HTTP/1.0 goes on as HTTP/1.1", get(version=b"HTTP/1.0"), seen_get(), ends=True),
    passes("HTTP/1.0 with a length", post(b"Content-Length: 5", body=b"hello", version=b"HTTP/1.0"),
           seen_post(b"hello"),
           ends=True),
    passes("HTTP/1.1 with keep-alive", get(b"/x", b"Connection: keep-alive"), seen_get(fields={"Connection": ABSENT})),
    passes("HTTP/1.1 with keep-alive and close", get(b"/x", b"Connection: keep-alive, close"), seen_get(), ends=True),
] + [
    refused(f"version {version!r}", get(version=version), {400, 505}, *LINE, ends=True)
    for version in (b"HTTP/1.2", b"HTTP/1.9", b"HTTP/0.9", b"HTTP/2", b"HTTP/2.1", b"HTTP/9.9", b"HTTP/1.", b"HTTP/.1",
                    b"HTTP/1,1", b"HTTP1.1", b"HTTP/1.1.", b"HTTP/ 1.1", b"HTTP /1.1", b"HTTPS/1.1", b"Http/1.1",
                    b"HTTP/1.1\t", b"HTTP/\xef\xbc\x91.1", b"HTTP/-1.1", b"HTTP/1.1\0", b"HTTP/1.1\x0b", b"")
]

METHODS = [
    passes(f"method {method.decode()}", get(method=method), Seen(method.decode(), b"/x"),
           methods=("HEAD",) if method == b"HEAD" else ())
    for method in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"PROPFIND", b"REPORT", b"LOCK",
                   b"UNLOCK", b"MKCOL", b"COPY", b"MOVE", b"SEARCH")
] + [
    refused(f"method {method!r}", get(method=method), {400, 405, 501, 505}, *LINE, "method_not_allowed", ends=True)
    for method in (b"get", b"Get", b"GETT", b"G", b"GET,", b"GET\0", b"\0GET", b"GET\x0b", b"(GET)", b"GET/", b"FOO:",
                   b"\xffGET", b"\xef\xbb\xbfGET", b'"GET"', b"G\tET", b"PRI")
]

UPGRADES = [
    passes(f"upgrade to {value.decode()} with {len(more)} fields", get(b"/ws/x", b"Connection: Upgrade",
        b"Upgrade: " + value, *more),
           seen_get(b"/ws/x", fields={"Upgrade": ABSENT, "Connection": ABSENT, "HTTP2-Settings": ABSENT}))
    for value, *more in ((b"h2c",), (b"h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), (b"h2",), (b"TLS/1.0",),
                         (b"HTTP/2.0",), (b"websocket, h2c", KEY, b"Sec-WebSocket-Version: 13"), (b"",), (b"*",),
                         (b"websocket",), (b"websocket", KEY), (b"connect-udp",))
] + [
    passes("upgrade to h2c without Connection", get(b"/ws/x", b"Upgrade: h2c"),
           seen_get(b"/ws/x", fields={"Upgrade": ABSENT})),
    passes("HTTP2-Settings that Connection does not name", get(b"/x", b"HTTP2-Settings: AAMAAABk"),
           seen_get(fields={"HTTP2-Settings": ABSENT})),
    then("upgrade to h2c, and a preface at once", get(b"/ws/x", b"Connection: Upgrade", b"Upgrade: h2c"),
         b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", statuses=(200, {400, 501, 505}), seen=(seen_get(b"/ws/x"),), ends=True),
    refused("a preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 501, 505}, *LINE, ends=True),
    refused("a preface with a Host", b"PRI * HTTP/2.0\r\n" + HOST_LINE + b"\r\n\r\nSM\r\n\r\n", {400, 501, 505}, *LINE,
            ends=True),
    refused("CONNECT of a host", message(b"CONNECT evil.example:443 HTTP/1.1"), {400, 405, 501}, "unsupported_method",
            *LINE, ends=True),
    refused("CONNECT of a path", message(b"CONNECT /x HTTP/1.1"), {400, 405, 501}, "unsupported_method", *LINE,
            ends=True),
    refused("CONNECT with a body", message(b"CONNECT evil.example:443 HTTP/1.1", b"Content-Length: %d" % len(HIDDEN),
                                           body=HIDDEN), {400, 405, 501}, "unsupported_method", "conflicting_framing",
            *LINE, ends=True),
    refused("a request of HTTP/0.9", b"GET /x\r\n", {400, 505}, *LINE, ends=True),
    refused("a start line alone", b"GET /x HTTP/1.1\r\n\r\n", 400, "missing_host"),
    refused("an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {400, 501, 505}, *LINE, ends=True),
    refused("a hello of SSH", b"SSH-2.0-OpenSSH_9.2\r\n", {400, 501, 505}, *LINE, ends=True),
    refused("a line of SMTP", b"EHLO x\r\n", {400, 501, 505}, *LINE, ends=True),
    refused("a header of the PROXY protocol", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(), {400, 501, 505}, *LINE,
            ends=True),
]

ROWS = PIPELINES + VERSIONS + METHODS + UPGRADES
