# SPDX-License-Identifier: Apache-2.0
"""Raw requests about fields: which cross, which end here, which nobody may bring, and what is no field at all."""
from .rawrows import ABSENT, HOST_LINE, NAME, Row, get, passes, post, refused, seen_get, seen_post

HEADER = "malformed_header"


def crosses(name, *lines, **fields):
    """`fields`: names with `_` for `-`."""
    seen = {key.replace("_", "-"): value for key, value in fields.items()}
    return passes(name, get(b"/x", *lines), seen_get(fields=seen))


def bad(line):
    return refused(f"field {line!r}", get(b"/x", line), 400, HEADER, ends=True)


CROSS = [
    crosses("an empty value", b"X-A:", X_A=("",)),
    crosses("a value of spaces", b"X-A:   ", X_A=("",)),
    crosses("white space around a value", b"X-A: \t v w \t", X_A=("v w",)),
    crosses("a tab within a value", b"X-A: v\tw", X_A=("v\tw",)),
    crosses("bytes above 127", b"X-A: \x80\xff\xe6\x94\xaf", X_A=("\x80\xff\xe6\x94\xaf",)),
    crosses("a value of colons", b"X-A::::", X_A=(":::",)),
    crosses("a value that looks like a field", b"X-A: Content-Length: 5", X_A=("Content-Length: 5",)),
    crosses("a value with a quote that never ends", b'X-A: "', X_A=('"',)),
    crosses("a value that ends in a backslash", b"X-A: \\", X_A=("\\",)),
    crosses("fields of one name", b"X-A: 1", b"x-a: 2", b"X-A: 3", X_A=("1", "2", "3")),
    crosses("every byte of a token", b"!#$%&'*+-.^_`|~09azAZ: 1"),
    crosses("a name of digits", b"123: 1"),
    crosses("a long name", b"X-" + b"n" * 2000 + b": 1"),
    crosses("a long value", b"X-A: " + b"v" * 20_000, X_A=("v" * 20_000,)),
    crosses("ninety fields", *(b"X-%d: %d" % (number, number) for number in range(90))),
    crosses("cookies", b"Cookie: a=b; c=d", b"Cookie: e=f", Cookie=("a=b; c=d", "e=f")),
    crosses("a value that is a template", b"X-A: ${jndi:ldap://x}", X_A=("${jndi:ldap://x}",)),
    crosses("a value with percent signs", b"X-A: %0d%0aSet-Cookie: a=b", X_A=("%0d%0aSet-Cookie: a=b",)),
    crosses("shellshock", b"User-Agent: () { :;}; echo", User_Agent=("() { :;}; echo",)),
]

HOP_BY_HOP = [
    crosses("Connection that names a field", b"Connection: X-Named", b"X-Named: 1", X_Named=ABSENT, Connection=ABSENT),
    crosses("Connection that names a field twice over", b"Connection: x-named, X-Named", b"X-NAMED: 1", b"x-named: 2",
            X_Named=ABSENT),
    crosses("two Connection fields", b"Connection: X-One", b"Connection: X-Two", b"X-One: 1", b"X-Two: 2", X_One=ABSENT,
            X_Two=ABSENT),
    crosses("Connection behind the field it names", b"X-Named: 1", b"Connection: X-Named", X_Named=ABSENT),
    crosses("Connection with empty members", b"Connection: ,, X-Named ,,", b"X-Named: 1", X_Named=ABSENT),
    crosses("Connection that names what is not there", b"Connection: X-Nothing", X_Nothing=ABSENT),
    crosses("Connection that names Host", b"Connection: Host", Host=(NAME.decode(),)),
    crosses("Connection that names Cookie", b"Connection: cookie", b"Cookie: a=b", Cookie=("a=b",)),
    crosses("Connection that names Authorization", b"Connection: Authorization", b"Authorization: Basic eDp5",
            Authorization=("Basic eDp5",)),
    crosses("Connection that names what we set", b"Connection: X-Forwarded-For, X-Real-IP, X-Request-ID, "
            b"X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Port", X_Real_IP=("127.0.0.1",),
            X_Forwarded_For=("127.0.0.1",), X_Forwarded_Proto=("http",), X_Forwarded_Host=(NAME.decode(),)),
    crosses("Connection that names itself", b"Connection: Connection", Connection=ABSENT),
    crosses("Connection of nonsense", b"Connection: ;;;", Connection=ABSENT),
    crosses("Keep-Alive", b"Keep-Alive: timeout=5", Keep_Alive=ABSENT),
    crosses("Proxy-Connection", b"Proxy-Connection: keep-alive", Proxy_Connection=ABSENT),
    crosses("Proxy-Authorization", b"Proxy-Authorization: Basic eDp5", Proxy_Authorization=ABSENT),
    crosses("TE", b"TE: trailers, deflate", b"Connection: TE", TE=ABSENT),
    crosses("Trailer", b"Trailer: X-Sum", Trailer=("X-Sum",)),
    passes("Connection: Content-Length", post(b"Connection: Content-Length", b"Content-Length: 5", body=b"hello"),
           seen_post(b"hello", fields={"Content-Length": ("5",)})),
    passes("Connection: close", get(b"/x", b"Connection: close"), seen_get(fields={"Connection": ABSENT}), ends=True),
    passes("Connection: X-Named, close", get(b"/x", b"Connection: X-Named, close", b"X-Named: 1"),
           seen_get(fields={"X-Named": ABSENT}), ends=True),
]

OURS = [
    crosses("X-Forwarded-For of the client", b"X-Forwarded-For: 1.2.3.4", X_Forwarded_For=("127.0.0.1",)),
    crosses("X-Forwarded-For twice", b"X-Forwarded-For: 1.2.3.4", b"x-forwarded-for: 5.6.7.8",
            X_Forwarded_For=("127.0.0.1",)),
    crosses("X_Forwarded_For", b"X_Forwarded_For: 1.2.3.4", X_Forwarded_For=("127.0.0.1",)),
    crosses("X-Real-IP of the client", b"X-Real-IP: 1.2.3.4", X_Real_IP=("127.0.0.1",)),
    crosses("X-Forwarded-Proto of the client", b"X-Forwarded-Proto: https", X_Forwarded_Proto=("http",)),
    crosses("X-Forwarded-Host of the client", b"X-Forwarded-Host: evil.example", X_Forwarded_Host=(NAME.decode(),)),
    crosses("Forwarded of the client", b"Forwarded: for=1.2.3.4", Forwarded=ABSENT),
    crosses("X-Request-ID that is good", b"X-Request-ID: abc-1.2_3", X_Request_ID=("abc-1.2_3",)),
    crosses("an imitation of a field that the config sets", b"X_Internal_Secret: guess", b"X-Internal_Secret: guess",
            b"x_internal-secret: guess", X_Internal_Secret=("the-secret",)),
    crosses("a field that the config sets", b"X-Internal-Secret: guess", X_Internal_Secret=("the-secret",)),
    crosses("a field that the config removes", b"X-Debug: 1", b"x-debug: 2", b"X_Debug: 3", X_Debug=ABSENT),
]

EXPECT = [
    Row("Expect: 100-continue with its body", post(b"Expect: 100-continue", b"Content-Length: 5", body=b"hello"),
        (200,),
        (seen_post(b"hello", fields={"Expect": ABSENT}),)),
    Row("Expect: 100-continue without a body", get(b"/x", b"Expect: 100-continue"), (200,),
        (seen_get(fields={"Expect": ABSENT}),)),
    refused("Expect: something else", get(b"/x", b"Expect: x"), 417, "unsupported_expectation"),
    refused("Expect: two", get(b"/x", b"Expect: 100-continue, x"), 417, "unsupported_expectation"),
]

BAD = [bad(line) for line in (
    b"X-A", b":", b": v", b" X-A: 1", b"\tX-A: 1", b"X-A : 1", b"X-A\t: 1", b"X A: 1", b"X-A: 1\r\n 2",
    b"X-A: 1\r\n\t2",
    b"X-A: 1\r\n :2", b"X-A: \r\n\r", b"X-A: 1\rX", b"X-A: \n", b"X-A: 1\n\n", b"X-A: \0", b"X\0A: 1", b"X-A: \x01",
    b"X-A: \x08", b"X-A: \x0b", b"X-A: \x0c", b"X-A: \x1b[2J", b"X-A: \x1f", b"X-A: \x7f", b"X@A: 1", b"X[A]: 1",
    b"X{A}: 1", b"X=A: 1", b"X,A: 1", b"X;A: 1", b"X?A: 1", b"X<A>: 1", b"X\\A: 1", b"\x80: 1", b"X-\xff: 1",
    b"\xef\xbb\xbfX-A: 1", b"GET /hidden HTTP/1.1", b"HTTP/1.1 200 OK", b"Content-Length 5", b"Transfer-Encoding",
    b"X-A: 1\n" + HOST_LINE, b"\0", b"\r", b"\x1b: 1")]

LARGE = [
    refused("more fields than the limit", get(b"/x", *(b"X: 1" for _ in range(100))), 431, "too_many_fields"),
    refused("fields above the limit of their size", get(b"/x", b"X-A: " + b"v" * 33_000), 431, "headers_too_large"),
    refused("a name above the limit", get(b"/x", b"X" * 33_000 + b": 1"), 431, "headers_too_large"),
    refused("a target above the limit", get(b"/" + b"x" * 8192), 414, "target_too_long"),
    refused("a method above any limit", get(b"/x", method=b"X" * 10_000), {400, 501}, "malformed_request_line",
            "unsupported_method"),
]

ROWS = CROSS + HOP_BY_HOP + OURS + EXPECT + BAD + LARGE
