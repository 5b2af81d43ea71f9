# SPDX-License-Identifier: Apache-2.0
"""Raw requests about framing: lengths and chunks that are right although they are rare, and the nearest wrong ones.
More that must be refused is in harness/smuggling.py."""
from .rawrows import ABSENT, HIDDEN, HOST_LINE, Seen, chunked, get, passes, post, refused, seen_get, seen_post

LENGTH = ("invalid_content_length", "conflicting_framing", "malformed_header")
CODING = ("invalid_transfer_encoding", "unsupported_transfer_encoding", "conflicting_framing", "malformed_header",
          "invalid_chunk")
CHUNK = ("invalid_chunk", "malformed_header")
LAST = b"0\r\n\r\n"
HELLO = b"5\r\nhello\r\n" + LAST


def length(text, body):
    return passes(f"length {text!r} of {body[:12]!r}", post(b"Content-Length:" + text, body=body), seen_post(body))


def chunks(name, body, content=b"hello", trailers=()):
    return passes(f"chunks: {name}", chunked(body), seen_post(content, trailers=tuple(trailers)))


def bad_chunks(name, body):
    return refused(f"chunks: {name}", chunked(body), 400, *CHUNK, ends=True)


def coding(line):
    seen = seen_post(b"hello", fields={"Content-Length": ABSENT})
    return passes(f"coding {line!r}", post(line, body=HELLO), seen)


LENGTHS = [
    length(b" 5", b"hello"),
    length(b"5", b"hello"),
    length(b"\t5", b"hello"),
    length(b"   5   ", b"hello"),
    length(b" 005", b"hello"),
    length(b" 0000000000000000005", b"hello"),
    length(b" 0", b""),
    length(b" 00", b""),
    length(b" 2", b"\r\n"),
    length(b" 4", b"\r\n\r\n"),
    length(b" 1", b"\0"),
    length(b" 5", LAST),
    length(b" %d" % len(HIDDEN), HIDDEN),
    passes("length in capitals", post(b"CONTENT-LENGTH: 5", body=b"hello"), seen_post(b"hello")),
    passes("length in small letters", post(b"content-length: 5", body=b"hello"), seen_post(b"hello")),
    passes("length before Host", b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n" + HOST_LINE + b"\r\n\r\nhello",
           seen_post(b"hello")),
    passes("length of a GET", get(b"/x", b"Content-Length: 5", body=b"hello"), seen_get(body=b"hello")),
    passes("length of an OPTIONS", get(b"/x", b"Content-Length: 2", method=b"OPTIONS", body=b"ab"),
           Seen("OPTIONS", b"/x", b"ab")),
    passes("length of a DELETE", get(b"/x", b"Content-Length: 2", method=b"DELETE", body=b"ab"),
           Seen("DELETE", b"/x", b"ab")),
    passes("length of a HEAD", get(b"/x", b"Content-Length: 2", method=b"HEAD", body=b"ab"),
           Seen("HEAD", b"/x", b"ab"), methods=("HEAD",)),
    passes("length of 0 and of a GET", get(b"/x", b"Content-Length: 0"), seen_get()),
    passes("POST without a length", post(), seen_post(b"")),
    passes("PUT without a length", post(method=b"PUT"), Seen("PUT", b"/x")),
    passes("names that are nearly a length", post(b"Content-Lengths: 9", b"Content-Lengt: 9", b"Content--Length: 9"),
           seen_post(b"", fields={"Content-Lengths": ("9",)})),
] + [
    refused(f"length {text!r}", post(b"Content-Length:" + text, body=b"hello"), 400, *LENGTH, ends=True)
    for text in (b" 5\t", b" 00000000000000000005", b" 9223372036854775808", b" 18446744073709551616", b" 5 5",
                 b" 5,", b" ,5",
                 b" 5\t5", b" 0o5", b" 0b101", b" 5h", b" \xb2", b" 5\xa0", b" 5;", b" '5'", b" (5)", b" 5 ;",
                 b" 5\x85",
                 b" 5\x0c", b" \x005", b" %35", b" five", b" nan", b" 5\x7f", b" [5]", b" 5/5", b" --5")
]

CHUNKS = [
    chunks("one", HELLO),
    chunks("a byte each", b"".join(b"1\r\n%c\r\n" % byte for byte in b"hello") + LAST),
    chunks("none", LAST, b""),
    chunks("size in capitals", b"A\r\n0123456789\r\n" + LAST, b"0123456789"),
    chunks("size in small letters", b"a\r\n0123456789\r\n" + LAST, b"0123456789"),
    chunks("size with zeros in front", b"000005\r\nhello\r\n00000\r\n\r\n"),
    chunks("size of 16 digits", b"0000000000000005\r\nhello\r\n" + LAST),
    chunks("data that looks like the last chunk", b"5\r\n" + LAST + b"\r\n" + LAST, LAST),
    chunks("data that is a request", b"%x\r\n%s\r\n" % (len(HIDDEN), HIDDEN) + LAST, HIDDEN),
    chunks("data that is a chunk", b"e\r\n5\r\nhello\r\n0\r\n\r\r\n" + LAST, b"5\r\nhello\r\n0\r\n\r"),
    chunks("data of CRLF", b"2\r\n\r\n\r\n" + LAST, b"\r\n"),
    chunks("an extension", b"5;a=b\r\nhello\r\n" + LAST),
    chunks("an extension without a value", b"5;a\r\nhello\r\n" + LAST),
    chunks("an extension in quotes", b'5;a="b;c"\r\nhello\r\n' + LAST),
    chunks("an extension of the last chunk", b"5\r\nhello\r\n0;last=yes\r\n\r\n"),
    chunks("several extensions", b"5;a=1;b=2;c\r\nhello\r\n" + LAST),
    chunks("an extension that looks like a size", b"5;5\r\nhello\r\n" + LAST),
    chunks("a trailer", b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", trailers=[("X-Sum", "1")]),
    chunks("two trailers of one name", b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n",
           trailers=[("X-Sum", "1"), ("X-Sum", "2")]),
    chunks("an empty trailer", b"5\r\nhello\r\n0\r\nX-Sum:\r\n\r\n", trailers=[("X-Sum", "")]),
    chunks("a trailer that would be a field of ours", b"5\r\nhello\r\n0\r\nX-Real-IP: 1.2.3.4\r\nX-Sum: 1\r\n\r\n",
           trailers=[("X-Sum", "1")]),
    chunks("a trailer that would authorize", b"5\r\nhello\r\n0\r\nAuthorization: Basic eDp5\r\n\r\n"),
    chunks("a trailer that would be a cookie", b"5\r\nhello\r\n0\r\nCookie: a=b\r\n\r\n"),
    chunks("a trailer that names the connection", b"5\r\nhello\r\n0\r\nConnection: close\r\n\r\n"),
    bad_chunks("a trailer with a length", b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
    bad_chunks("a trailer with a coding", b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    bad_chunks("a trailer with a Host", b"5\r\nhello\r\n0\r\nHost: evil.example\r\n\r\n"),
    bad_chunks("size of 17 digits", b"00000000000000005\r\nhello\r\n" + LAST),
    bad_chunks("size of 2^63", b"8000000000000000\r\nhello\r\n" + LAST),
    bad_chunks("size that wraps round", b"ffffffffffffffff\r\nhello\r\n" + LAST),
    bad_chunks("size h", b"5h\r\nhello\r\n" + LAST),
    bad_chunks("size with a decimal point", b"5.0\r\nhello\r\n" + LAST),
    bad_chunks("size in quotes", b'"5"\r\nhello\r\n' + LAST),
    bad_chunks("size with a NUL", b"5\0\r\nhello\r\n" + LAST),
    bad_chunks("size with a comma", b"5,5\r\nhello\r\n" + LAST),
    bad_chunks("space before an extension", b"5 ;a=b\r\nhello\r\n" + LAST),
    bad_chunks("extension without a size", b";a=b\r\nhello\r\n" + LAST),
    bad_chunks("extension with DEL", b"5;a=\x7f\r\nhello\r\n" + LAST),
    bad_chunks("extension that hides a line end", b'5;a="\n"\r\nhello\r\n' + LAST),
    bad_chunks("two line ends behind data", b"5\r\nhello\r\n\r\n" + LAST),
    bad_chunks("bytes behind data", b"5\r\nhelloXX" + LAST),
    bad_chunks("CR LF turned round", b"5\n\rhello\r\n" + LAST),
    bad_chunks("no line end behind the last chunk", b"5\r\nhello\r\n0" + HIDDEN),
    bad_chunks("a request in place of trailers", b"5\r\nhello\r\n0\r\n" + HIDDEN),
    bad_chunks("a space behind the last chunk", b"5\r\nhello\r\n0\r\n \r\n"),
    bad_chunks("a negative last chunk", b"5\r\nhello\r\n-0\r\n\r\n"),
]

CODINGS = [
    coding(b"Transfer-Encoding: chunked"),
    coding(b"Transfer-Encoding:chunked"),
    coding(b"Transfer-Encoding:\tchunked "),
    coding(b"transfer-encoding: CHUNKED"),
    coding(b"TRANSFER-ENCODING: Chunked"),
    passes("coding of a GET", get(b"/x", b"Transfer-Encoding: chunked", body=HELLO), seen_get(body=b"hello")),
    passes("names that are nearly a coding", post(b"Transfer-Encodings: chunked", b"Transfer--Encoding: chunked",
                                                  b"X-Transfer-Encoding: chunked"), seen_post(b"")),
] + [
    refused(f"coding {line!r}", post(line, body=HELLO), {400, 501}, *CODING, ends=True)
    for line in (b"Transfer-Encoding: chunked\t", b"Transfer-Encoding: chunked,", b"Transfer-Encoding: , chunked",
                 b"Transfer-Encoding: chunked, ,",
                 b"Transfer-Encoding: chunked;", b"Transfer-Encoding: chun\tked", b"Transfer-Encoding: chunked\xa0",
                 b"Transfer-Encoding: chunked\x0b", b"Transfer-Encoding: \xffchunked", b"Transfer-Encoding: chunke",
                 b"Transfer-Encoding: chunked chunked", b"Transfer-Encoding: identity, chunked",
                 b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: trailers",
                 b"Transfer-Encoding: deflate", b"Transfer-Encoding: br, chunked", b"Transfer-Encoding: cow",
                 b"Transfer-Encoding: 'chunked'", b"Transfer-Encoding: (chunked)", b"Transfer-Encoding: null",
                 b"Transfer-Encoding: \x00chunked", b"Transfer-Encoding\0: chunked", b"Transfer-Encoding:\x0cchunked",
                 b"Transfer-Encoding: chunked\r", b"Transfer-Encoding: chunked\r\nTransfer-Encoding:",
                 b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x", b" Transfer-Encoding: chunked",
                 b"X: y\n Transfer-Encoding: chunked", b"Content-Length: 5\r\ntransfer-encoding: Chunked",
                 b"Transfer-Encoding: chunked\r\nContent-Length: 0", b"Transfer-Encoding: x\r\nContent-Length: 5")
]

ROWS = LENGTHS + CHUNKS + CODINGS
