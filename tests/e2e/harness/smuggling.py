# SPDX-License-Identifier: Apache-2.0
"""Requests that two parsers could read in two ways: each must be refused, whole and byte by byte, and nothing of it may
reach an upstream. A row is (name, raw bytes, statuses, reasons)."""
from .client import HOST

HOST_LINE = b"Host: " + HOST.encode() + b"\r\n"
BAD = {400}
MALFORMED = {"malformed_header"}
LENGTH = {"invalid_content_length", "conflicting_framing"}
CODING = {"unsupported_transfer_encoding", "invalid_transfer_encoding", "conflicting_framing"}
LINE = {"malformed_request_line"}
CHUNK = {"invalid_chunk"}


def post(fields, body=b"", line=b"POST /api/v1/x HTTP/1.1"):
    """`fields` are raw lines without their CRLF."""
    return line + b"\r\n" + HOST_LINE + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def get(line, fields=(), host=HOST_LINE):
    return line + b"\r\n" + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def chunked(body):
    return post([b"Transfer-Encoding: chunked"], body)


CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
SMUGGLED = b"GET /api/v1/smuggled HTTP/1.1\r\n" + HOST_LINE + b"\r\n"

FRAMING = [
    ("length and coding", post([b"Content-Length: 5", b"Transfer-Encoding: chunked"], CHUNKS), BAD,
     {"conflicting_framing"}),
    ("coding and length", post([b"Transfer-Encoding: chunked", b"Content-Length: 5"], CHUNKS), BAD,
     {"conflicting_framing"}),
    ("length hides a request", post([b"Content-Length: 6", b"Transfer-Encoding: chunked"], b"0\r\n\r\n" + SMUGGLED),
     BAD, {"conflicting_framing"}),
    ("coding hides a request", post([b"Transfer-Encoding: chunked", b"Content-Length: 4"],
                                    b"5c\r\n" + SMUGGLED + b"0\r\n\r\n"), BAD, {"conflicting_framing"}),
    ("two lengths that differ", post([b"Content-Length: 5", b"Content-Length: 6"], b"hello!"), BAD, LENGTH),
    ("two lengths that agree", post([b"Content-Length: 5", b"Content-Length: 5"], b"hello"), BAD, LENGTH),
    ("length as a list", post([b"Content-Length: 5, 5"], b"hello"), BAD, LENGTH),
    ("length as a list that differs", post([b"Content-Length: 5,6"], b"hello!"), BAD, LENGTH),
    ("length with a plus", post([b"Content-Length: +5"], b"hello"), BAD, LENGTH),
    ("length with a minus", post([b"Content-Length: -5"], b"hello"), BAD, LENGTH),
    ("length minus zero", post([b"Content-Length: -0"]), BAD, LENGTH),
    ("length in hexadecimal", post([b"Content-Length: 0x5"], b"hello"), BAD, LENGTH),
    ("length empty", post([b"Content-Length:"], b"hello"), BAD, LENGTH),
    ("length of spaces", post([b"Content-Length:   "], b"hello"), BAD, LENGTH),
    ("length with letters", post([b"Content-Length: 5a"], b"hello"), BAD, LENGTH),
    ("length with a space inside", post([b"Content-Length: 1 0"], b"hello12345"), BAD, LENGTH),
    ("length with an underscore", post([b"Content-Length: 1_0"], b"hello12345"), BAD, LENGTH),
    ("length as a fraction", post([b"Content-Length: 5.0"], b"hello"), BAD, LENGTH),
    ("length as a power", post([b"Content-Length: 1e1"], b"hello12345"), BAD, LENGTH),
    ("length in quotes", post([b'Content-Length: "5"'], b"hello"), BAD, LENGTH),
    ("length with a parameter", post([b"Content-Length: 5;q=1"], b"hello"), BAD, LENGTH),
    ("length beyond 64 bits", post([b"Content-Length: 18446744073709551621"], b"hello"), BAD, LENGTH),
    ("length far beyond 64 bits", post([b"Content-Length: 1" + b"0" * 60], b"hello"), BAD, LENGTH),
    ("length in Arabic digits", post(["Content-Length: ٥".encode()], b"hello"), BAD, LENGTH),
    ("length with a vertical tab", post([b"Content-Length: 5\x0b"], b"hello"), BAD, LENGTH | MALFORMED),
    ("length with a NUL", post([b"Content-Length: 5\0"], b"hello"), BAD, LENGTH | MALFORMED),
    ("coding gzip", post([b"Transfer-Encoding: gzip"], CHUNKS), {400, 501}, CODING),
    ("coding identity", post([b"Transfer-Encoding: identity"], CHUNKS), {400, 501}, CODING),
    ("coding chunked, gzip", post([b"Transfer-Encoding: chunked, gzip"], CHUNKS), {400, 501}, CODING),
    ("coding gzip, chunked", post([b"Transfer-Encoding: gzip, chunked"], CHUNKS), {400, 501}, CODING),
    ("coding chunked, chunked", post([b"Transfer-Encoding: chunked, chunked"], CHUNKS), {400, 501}, CODING),
    ("coding chunked twice", post([b"Transfer-Encoding: chunked"] * 2, CHUNKS), {400, 501}, CODING),
    ("coding chunked and identity", post([b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"], CHUNKS),
     {400, 501}, CODING),
    ("coding xchunked", post([b"Transfer-Encoding: xchunked"], CHUNKS), {400, 501}, CODING),
    ("coding chunked1", post([b"Transfer-Encoding: chunked1"], CHUNKS), {400, 501}, CODING),
    ("coding with a parameter", post([b"Transfer-Encoding: chunked;q=1"], CHUNKS), {400, 501}, CODING),
    ("coding in quotes", post([b'Transfer-Encoding: "chunked"'], CHUNKS), {400, 501}, CODING),
    ("coding empty", post([b"Transfer-Encoding:"], CHUNKS), {400, 501}, CODING),
    ("coding of a comma", post([b"Transfer-Encoding: ,chunked"], CHUNKS), {400, 501}, CODING),
    ("coding with a vertical tab", post([b"Transfer-Encoding: \x0bchunked"], CHUNKS), {400, 501}, CODING | MALFORMED),
    ("coding with a NUL", post([b"Transfer-Encoding: chunked\0"], CHUNKS), {400, 501}, CODING | MALFORMED),
    ("coding in HTTP/1.0", post([b"Transfer-Encoding: chunked"], CHUNKS, b"POST /api/v1/x HTTP/1.0"), {400, 501},
     CODING),
    ("coding and length in HTTP/1.0", post([b"Transfer-Encoding: chunked", b"Content-Length: 5"], CHUNKS,
                                           b"POST /api/v1/x HTTP/1.0"), {400, 501}, CODING),
    ("coding and length of GET", get(b"GET /api/v1/x HTTP/1.1", [b"Content-Length: 3", b"Transfer-Encoding: chunked"]),
     BAD, {"conflicting_framing"}),
]

FIELDS = [
    ("space before the colon of a coding", post([b"Transfer-Encoding : chunked"], CHUNKS), BAD, MALFORMED),
    ("tab before the colon of a coding", post([b"Transfer-Encoding\t: chunked"], CHUNKS), BAD, MALFORMED),
    ("space before the colon of a length", post([b"Content-Length : 5"], b"hello"), BAD, MALFORMED),
    ("space before any colon", post([b"X-Any : 1"]), BAD, MALFORMED),
    ("space before the first field", b"GET /api/v1/x HTTP/1.1\r\n " + HOST_LINE + b"\r\n", BAD, MALFORMED | LINE),
    ("folded field", post([b"X-Folded: a", b" b"]), BAD, MALFORMED),
    ("folded by a tab", post([b"X-Folded: a", b"\tb"]), BAD, MALFORMED),
    ("folded coding", post([b"Transfer-Encoding:", b" chunked"], CHUNKS), {400, 501}, MALFORMED | CODING),
    ("folded length", post([b"Content-Length:", b" 5"], b"hello"), BAD, MALFORMED | LENGTH),
    ("folded Host", b"GET /api/v1/x HTTP/1.1\r\nHost:\r\n " + HOST.encode() + b"\r\n\r\n", BAD,
     MALFORMED | {"invalid_host", "missing_host"}),
    ("no carriage return in the whole head", b"GET /api/v1/x HTTP/1.1\nHost: " + HOST.encode() + b"\n\n", BAD,
     MALFORMED | LINE),
    ("bare LF after the request line", b"GET /api/v1/x HTTP/1.1\n" + HOST_LINE + b"\r\n", BAD, MALFORMED | LINE),
    ("bare LF after a field", b"GET /api/v1/x HTTP/1.1\r\n" + HOST_LINE + b"X-A: 1\nX-B: 2\r\n\r\n", BAD, MALFORMED),
    ("bare LF at the end of the head", b"GET /api/v1/x HTTP/1.1\r\n" + HOST_LINE + b"\n", BAD, MALFORMED),
    ("bare CR in a value", post([b"X-A: 1\rX-B: 2"]), BAD, MALFORMED),
    ("bare CR hides a coding", post([b"X-A: 1\rTransfer-Encoding: chunked", b"Content-Length: 5"], b"hello"), BAD,
     MALFORMED),
    ("CR CR LF", post([b"X-A: 1\r"]), BAD, MALFORMED),
    ("NUL in a value", post([b"X-A: 1\x002"]), BAD, MALFORMED),
    ("NUL in a name", post([b"X-\0A: 1"]), BAD, MALFORMED),
    ("control character in a value", post([b"X-A: 1\x012"]), BAD, MALFORMED),
    ("escape character in a value", post([b"X-A: \x1b[31m"]), BAD, MALFORMED),
    ("DEL in a value", post([b"X-A: 1\x7f"]), BAD, MALFORMED),
    ("no colon", post([b"X-A"]), BAD, MALFORMED),
    ("no name", post([b": value"]), BAD, MALFORMED),
    ("space in a name", post([b"X A: 1"]), BAD, MALFORMED),
    ("parenthesis in a name", post([b"X(A): 1"]), BAD, MALFORMED),
    ("slash in a name", post([b"X/A: 1"]), BAD, MALFORMED),
    ("quote in a name", post([b'X"A: 1']), BAD, MALFORMED),
    ("UTF-8 in a name", post(["X-Ä: 1".encode()]), BAD, MALFORMED),
    ("control character in a name", post([b"X-\x01A: 1"]), BAD, MALFORMED),
]

LINES = [
    ("two spaces after the method", get(b"GET  /api/v1/x HTTP/1.1"), BAD, LINE),
    ("two spaces before the version", get(b"GET /api/v1/x  HTTP/1.1"), BAD, LINE),
    ("tab for a space", get(b"GET\t/api/v1/x\tHTTP/1.1"), BAD | {501}, LINE | {"unsupported_method"}),
    ("space behind the version", get(b"GET /api/v1/x HTTP/1.1 "), BAD, LINE),
    ("word behind the version", get(b"GET /api/v1/x HTTP/1.1 x"), BAD, LINE),
    ("space before the method", get(b" GET /api/v1/x HTTP/1.1"), BAD, LINE),
    ("version in lower case", get(b"GET /api/v1/x http/1.1"), BAD | {505}, LINE | {"unsupported_version"}),
    ("version 1.10", get(b"GET /api/v1/x HTTP/1.10"), BAD | {505}, LINE | {"unsupported_version"}),
    ("version 01.1", get(b"GET /api/v1/x HTTP/01.1"), BAD | {505}, LINE | {"unsupported_version"}),
    ("version 1", get(b"GET /api/v1/x HTTP/1"), BAD | {505}, LINE | {"unsupported_version"}),
    ("version 1.1.1", get(b"GET /api/v1/x HTTP/1.1.1"), BAD | {505}, LINE | {"unsupported_version"}),
    ("another protocol", get(b"GET /api/v1/x ICE/1.0"), BAD | {505}, LINE | {"unsupported_version"}),
    ("version 2.0", get(b"GET /api/v1/x HTTP/2.0"), {505}, {"unsupported_version"}),
    ("version 3.0", get(b"GET /api/v1/x HTTP/3.0"), {505}, {"unsupported_version"}),
    ("no version", get(b"GET /api/v1/x"), BAD | {505}, LINE | {"unsupported_version"}),
    ("no target", get(b"GET HTTP/1.1"), BAD | {505}, LINE | {"unsupported_version", "path_invalid"}),
    ("method alone", get(b"GET"), BAD, LINE),
    ("no method", get(b"/api/v1/x HTTP/1.1"), BAD | {501}, LINE | {"unsupported_method"}),
    ("method with a sign", get(b"G@T /api/v1/x HTTP/1.1"), BAD | {501}, LINE | {"unsupported_method"}),
    ("method with a NUL", get(b"GE\0T /api/v1/x HTTP/1.1"), BAD | {501}, LINE | {"unsupported_method"}),
    ("space in the target", get(b"GET /api/v1/a b HTTP/1.1"), BAD, LINE),
    ("NUL in the target", get(b"GET /api/v1/a\0b HTTP/1.1"), BAD, LINE | {"path_invalid"}),
    ("control character in the target", get(b"GET /api/v1/a\x01b HTTP/1.1"), BAD, LINE | {"path_invalid"}),
    ("DEL in the target", get(b"GET /api/v1/a\x7fb HTTP/1.1"), BAD, LINE | {"path_invalid"}),
    ("bare CR in the target", get(b"GET /api/v1/a\rb HTTP/1.1"), BAD | {505},
     LINE | {"path_invalid", "unsupported_version"}),
    ("CONNECT", get(b"CONNECT " + HOST.encode() + b":443 HTTP/1.1"), {501}, {"unsupported_method"}),
    ("bytes of a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(128, 200)) + b"\r\n\r\n",
     BAD | {501}, LINE | {"unsupported_method"}),
]

# What is wrong with these is their target: the message is framed well, so that its connection may go on.
TARGETS = [
    ("asterisk for GET", get(b"GET * HTTP/1.1"), BAD, LINE | {"path_invalid"}),
    ("target without a slash", get(b"GET api/v1/x HTTP/1.1"), BAD, LINE | {"path_invalid"}),
    ("target with a fragment", get(b"GET /api/v1/x#y HTTP/1.1"), BAD, LINE | {"path_invalid"}),
    ("target of another scheme", get(b"GET ftp://" + HOST.encode() + b"/api/v1/x HTTP/1.1"), BAD,
     LINE | {"path_invalid", "invalid_host"}),
    ("target with user information", get(b"GET http://u:p@" + HOST.encode() + b"/api/v1/x HTTP/1.1"), BAD,
     LINE | {"path_invalid", "invalid_host"}),
    ("target with an empty authority", get(b"GET http:///api/v1/x HTTP/1.1"), BAD,
     LINE | {"path_invalid", "invalid_host"}),
    ("authority as the target of GET", get(HOST.join(["GET ", ":443 HTTP/1.1"]).encode()), BAD,
     LINE | {"path_invalid"}),
    ("broken escape in the path", get(b"GET /api/v1/%zz HTTP/1.1"), BAD, {"path_invalid"} | LINE),
    ("escape cut off by the end", get(b"GET /api/v1/%4 HTTP/1.1"), BAD, {"path_invalid"} | LINE),
]

HOSTS = [
    ("no Host", get(b"GET /api/v1/x HTTP/1.1", host=b""), BAD, {"missing_host"}),
    ("no Host with an absolute target", get(b"GET http://" + HOST.encode() + b"/api/v1/x HTTP/1.1", host=b""), BAD,
     {"missing_host"}),
    ("two Hosts", get(b"GET /api/v1/x HTTP/1.1", [b"Host: evil.example"]), BAD, {"invalid_host"}),
    ("the same Host twice", get(b"GET /api/v1/x HTTP/1.1", [b"host: " + HOST.encode()]), BAD, {"invalid_host"}),
] + [
    (f"Host {value!r}", get(b"GET /api/v1/x HTTP/1.1", host=b"Host: " + value + b"\r\n"), BAD,
     {"invalid_host", "missing_host"})
    for value in (b"", HOST.encode() + b" evil.example", b"evil@" + HOST.encode(),
                  HOST.encode() + b"/evil", HOST.encode() + b"?evil", HOST.encode() + b"#evil",
                  HOST.encode() + b"\\evil",
                  HOST.encode() + b":80:80", HOST.encode() + b":8o", HOST.encode() + b":-1",
                  b"[::1", b"::1", b"[" + HOST.encode() + b"]", b"http://" + HOST.encode(),
                  b"\"" + HOST.encode() + b"\"", b"<script>")
]

CHUNKED = [
    (f"chunk {name}", chunked(body), BAD, CHUNK) for name, body in [
        ("size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n"),
        ("size with a plus", b"+5\r\nhello\r\n0\r\n\r\n"),
        ("size with a minus", b"-5\r\nhello\r\n0\r\n\r\n"),
        ("size behind a space", b" 5\r\nhello\r\n0\r\n\r\n"),
        ("size before a space", b"5 \r\nhello\r\n0\r\n\r\n"),
        ("size before a tab", b"5\t\r\nhello\r\n0\r\n\r\n"),
        ("size empty", b"\r\nhello\r\n0\r\n\r\n"),
        ("size of other letters", b"g\r\nhello\r\n0\r\n\r\n"),
        ("size with an underscore", b"0_5\r\nhello\r\n0\r\n\r\n"),
        ("size of 65 bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("size of many digits", b"f" * 40 + b"\r\nhello\r\n0\r\n\r\n"),
        ("size line that ends in LF", b"5\nhello\r\n0\r\n\r\n"),
        ("size line that ends in CR", b"5\rhello\r\n0\r\n\r\n"),
        ("shorter than its data", b"3\r\nhello\r\n0\r\n\r\n"),
        ("longer than its data", b"6\r\nhello\r\n0\r\n\r\n"),
        ("data that ends in LF", b"5\r\nhello\n0\r\n\r\n"),
        ("data without an end", b"5\r\nhello0\r\n\r\n"),
        ("data that ends in CR CR", b"5\r\nhello\r\r0\r\n\r\n"),
        ("extension with LF", b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
        ("extension with CR", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("extension with NUL", b"5;a\0\r\nhello\r\n0\r\n\r\n"),
        ("last size line that ends in LF", b"5\r\nhello\r\n0\n\r\n"),
    ]
] + [
    (f"trailer {name}", chunked(b"5\r\nhello\r\n0\r\n" + body), BAD, CHUNK | MALFORMED) for name, body in [
        ("with a space before its colon", b"X-T : 1\r\n\r\n"),
        ("without a colon", b"X-T\r\n\r\n"),
        ("that is folded", b"X-T: 1\r\n 2\r\n\r\n"),
        ("that ends in LF", b"X-T: 1\n\r\n"),
        ("with NUL", b"X-T: \0\r\n\r\n"),
        ("with CR", b"X-T: 1\rX: 2\r\n\r\n"),
        ("end that is a bare LF", b"\n"),
    ]
]

# Hosts that are strange but may be read as names; refused as malformed or as unknown.
STRANGE_HOSTS = [HOST.encode() + b",evil.example", b"%77ww.xintuxiangce.top", b"a..b", b".",
                 b"-", b"www.xintuxiangce.top.."]

ROWS = FRAMING + FIELDS + LINES + TARGETS + HOSTS + CHUNKED
