# SPDX-License-Identifier: Apache-2.0
"""Raw requests about their targets and hosts: what is forwarded is what came, byte for byte, or it is refused."""
from .rawrows import HOST_LINE, NAME, Seen, get, message, passes, refused, seen_get

LINE = ("malformed_request_line", "path_invalid", "invalid_host", "unsupported_version")


def same(target):
    return passes(f"target {target!r}", get(target), seen_get(target))


def absolute(target, origin, method=b"GET", host=HOST_LINE, seen_host=NAME):
    seen = Seen(method.decode(), origin, fields={"Host": (seen_host.decode(),)})
    return passes(f"target {method.decode()} {target!r} with {host!r}",
                  message(method + b" " + target + b" HTTP/1.1", host=host), seen)


def bad(target, ends=None):
    return refused(f"target {target!r}", get(target), {400, 505}, *LINE, ends=ends)


SAME = [same(target) for target in (
    b"/", b"//", b"/x/", b"/?", b"/x?", b"/?a=b&c=d", b"/x?y?z", b"/x?/../y", b"/x?//", b"/x?%2e%2e/", b"/x?a=%00",
    b"/x?a=%zz", b"/x?a=%", b"/x?\\", b"/x?a=b;c=d", b"/x;y=z", b"/x;/y", b"/x,y", b"/x:y", b"/x@y", b"/-._~",
    b"/x!$&'()*+,;=:@y", b"/%E6%94%AF", b"/%e6%94%af", b"/x%20y", b"/x%3Fy", b"/x%23y", b"/x%2By", b"/x+y", b"/x%41",
    b"/%78",
    b"/x|y", b"/x{y}", b'/x"y"', b"/x<y>", b"/x^y", b"/x`y", b"/x'y", b"/x[y]", b"/x*", b"/*", b"/x=y", b"/x&y",
    "/支付".encode(), b"/x?" + "支付".encode(), b"/\xff", b"/x?\xff\xfe", b"/%FF", b"/%C0%AF", b"/..x", b"/x..", b"/...",
    b"/.x", b"/x.", b"/x/.../y", b"/http://evil.example/", b"/x?http://evil.example/", b"/x?" + b"a=b&" * 500,
    b"/" + b"x" * 4000, b"/" + b"%41" * 1000, b"/" + b"x/" * 1000)]

# Ambiguous, but both readings take the only route: the bytes go on as they are.
AMBIGUOUS = [same(target) for target in (
    b"//x", b"/x//y", b"/./x", b"/x/.", b"/x/./y", b"/x/../y", b"/..", b"/../x", b"/x/..", b"/x%2fy", b"/x%2Fy",
    b"/%2e",
    b"/%2e%2e/x", b"/x/%2E%2E/y", b"/x%5cy", b"/x\\y", b"/\\x", b"/x%25y", b"/x%252fy", b"/x%00y", b"/x%0ay",
    b"/x%0d%0ay",
    b"/x%7fy", b"/x%09y")]

ABSOLUTE = [
    absolute(b"http://" + NAME + b"/x", b"/x"),
    absolute(b"https://" + NAME + b"/x", b"/x"),
    absolute(b"HTTP://" + NAME + b"/x", b"/x"),
    absolute(b"HttpS://" + NAME + b"/x?y=z", b"/x?y=z"),
    absolute(b"http://" + NAME, b"/"),
    absolute(b"http://" + NAME + b"/", b"/"),
    absolute(b"http://" + NAME + b"?x=1", b"/?x=1"),
    absolute(b"http://" + NAME + b"/?x=1", b"/?x=1"),
    absolute(b"http://" + NAME + b"//x", b"//x"),
    absolute(b"http://" + NAME + b"/x/../y", b"/x/../y"),
    absolute(b"http://" + NAME + b"/http://evil.example/", b"/http://evil.example/"),
    absolute(b"http://" + NAME + b":80/x", b"/x", seen_host=NAME + b":80"),
    absolute(b"http://" + NAME.upper() + b"/x", b"/x", seen_host=NAME.upper()),
    absolute(b"http://" + NAME + b"/x", b"/x", host=b"Host: evil.example"),
    absolute(b"http://" + NAME + b"/x", b"/x", host=b"Host: " + NAME + b":8080"),
    absolute(b"http://" + NAME + b"/", b"/", method=b"OPTIONS"),
    absolute(b"http://" + NAME + b"?x", b"/?x", method=b"OPTIONS"),
    refused("target OPTIONS *", get(b"*", method=b"OPTIONS"), 404, "no_route"),
    refused("target OPTIONS of a whole host", get(b"http://" + NAME, method=b"OPTIONS"), 404, "no_route"),
    passes("target absolute on HTTP/1.0 without Host", message(b"GET http://" + NAME + b"/x HTTP/1.0", host=None),
           seen_get(fields={"Host": (NAME.decode(),)}), ends=True),
    refused("target absolute and unknown", get(b"http://evil.example/x"), 421, "host_unknown"),
    refused("target absolute and unknown, Host known", get(b"http://evil.example:80/x"), 421, "host_unknown"),
    refused("target absolute of an address", get(b"http://127.0.0.1/x"), 421, "host_unknown"),
    refused("target absolute of localhost", get(b"http://localhost/x"), 421, "host_unknown"),
]

BAD = [bad(target) for target in (
    b"x", b"x/y", b"?x", b"**", b"*x", b"/*#", b"#", b"/#x", b"http:", b"http:/x", b"http:x", b"://" + NAME + b"/",
    b"http//" + NAME + b"/x", b"h ttp://" + NAME + b"/x", b"http://" + NAME + b"#x", b"http://" + NAME + b"/#x",
    b"http://" + NAME + b"\\x", b"http://@" + NAME + b"/x", b"http://x@" + NAME + b"/x", b"http://" + NAME + b":x/",
    b"http://" + NAME + b":99999/", b"http://" + NAME + b":0/", b"http://" + NAME + b":-80/", b"http://:80/",
    b"http://[::1/x", b"http://[]/x", b"http://[::1]x/", b"http://%77ww/x", b"ws://" + NAME + b"/x",
    b"file:///etc/passwd", b"data:x", b"javascript:x", b"gopher://" + NAME + b"/x", b"urn:x", NAME + b"/x",
    NAME + b":80", b"[::1]:80", b"/%", b"/%4", b"/%g1", b"/%1g", b"/%%41", b"/x%", b"/x%u0041", b"\\x", b"\\\\x")]

CONTROLS = [bad(b"/x" + bytes([byte]) + b"y", ends=True) for byte in (0, 1, 7, 8, 9, 10, 11, 12, 13, 27, 31, 32, 127)]


def host(value, status=200):
    line = b"Host: " + value
    if status == 200:
        return passes(f"Host {value!r}", get(b"/x", host=line), seen_get(fields={"Host": (value.decode(),)}))
    return refused(f"Host {value!r}", get(b"/x", host=line), status, "invalid_host", "missing_host", "host_unknown",
                   "malformed_header")


HOSTS = [
    host(NAME), host(NAME.upper()), host(NAME + b":80"), host(NAME + b":443"), host(NAME + b":65535"),
    host(b"evil.example", 421), host(b"127.0.0.1", 421), host(b"[::1]", 421), host(b"[::1]:80", 421),
    host(b"localhost", 421), host(b"www." + NAME, 421), host(b"x" + NAME, 421), host(NAME + b".evil.example", 421),
    host(NAME + b"-evil", 421), host(b"evil-" + NAME, 421), host(b"_", 421), host(b"a" * 300, 421), host(b"0x7f.1",
        421),
    host(NAME + b":0", 400), host(NAME + b":65536", 400), host(NAME + b":080x", 400), host(NAME + b": 80", 400),
    host(NAME + b":+80", 400), host(NAME + b":80:", 400), host(b":80", 400), host(b"@", 400), host(b"*", 400),
    host(NAME + b"\t" + NAME, 400), host(NAME + b", " + NAME, 400), host(NAME + b";", 400), host(NAME + b"%00", 400),
    host(NAME + b"\xe3\x80\x82", 400), host("ｗｗｗ.xintuxiangce.top".encode(), 400), host(b"[::1%25lo]", 400),
    host(b"[fe80::1%lo]", 400), host(b"[::ffff:127.0.0.1]x", 400), host(b"[v1.x]", 400), host(b"'" + NAME, 400),
    host(NAME + b"|", 400), host(NAME + b"^", 400), host(b"http:", 421), host(b"//" + NAME, 400), host(b"!", 400),
    passes("Host in capitals", get(b"/x", host=b"HOST: " + NAME), seen_get(fields={"Host": (NAME.decode(),)})),
    passes("Host without a space", get(b"/x", host=b"Host:" + NAME), seen_get(fields={"Host": (NAME.decode(),)})),
    passes("Host behind other fields", get(b"/x", b"X-A: 1", b"Host: " + NAME, host=None), seen_get()),
    passes("no Host on HTTP/1.0", get(b"/x", version=b"HTTP/1.0", host=None), seen_get(), ends=True),
    refused("two Hosts that differ", get(b"/x", b"Host: evil.example"), 400, "invalid_host"),
    refused("two Hosts that differ, the other way", get(b"/x", HOST_LINE, host=b"Host: evil.example"), 400,
            "invalid_host"),
    refused("two Hosts on HTTP/1.0", get(b"/x", b"Host: evil.example", version=b"HTTP/1.0"), 400, "invalid_host"),
    refused("Host with a space before its colon", get(b"/x", host=b"Host : " + NAME), 400, "malformed_header",
            ends=True),
    refused("an empty Host and an absolute target", get(b"http://" + NAME + b"/x", host=b"Host:"), 400, "invalid_host",
            "missing_host"),
]

ROWS = SAME + AMBIGUOUS + ABSOLUTE + BAD + CONTROLS + HOSTS
