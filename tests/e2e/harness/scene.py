# SPDX-License-Identifier: Apache-2.0
"""The config that most tests start from: the scene of conf/viaduct.yaml on free loopback ports, and a web root."""
import os

from .client import HOST

PAGE = "<!doctype html><meta charset=utf-8><title>信图相册</title><h1>欢迎</h1>\n".encode()
SCRIPT = b"export const answer = 42;\n" * 400
STYLE = b"body { color: #123456 }\n" * 200
VERIFY_NAME, VERIFY_BODY = "MP_verify_Zx81kQ0bTn5LrW2c.txt", b"Zx81kQ0bTn5LrW2c"
CHALLENGE = b"token.thumbprint"

V3_PATH = "/api/v1/payment/notify"
V2_PATH = "/api/v1/payment/wechat/callback"
REFUND_PATH = "/api/v1/payment/wechat/refund"
ALIPAY_PATH = "/api/v1/payment/alipay/notify"
VERIFY_PATH = "/api/v1/auth/wechat/verify"
WECHAT_PAY_ADDRESSES = ["101.226.103.0/25", "140.207.54.0/25", "121.51.58.128/25"]


def make_web_root(root):
    """Writes the files that the scene serves, and some that it must not."""
    for folder in ("static/js", "static/empty", "docs", ".well-known/acme-challenge", ".git", "图片"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "index.html").write_bytes(PAGE)
    (root / "docs/index.html").write_bytes(b"<h1>docs</h1>\n")
    (root / VERIFY_NAME).write_bytes(VERIFY_BODY)
    (root / "static/js/app.3f2a1b.js").write_bytes(SCRIPT)
    (root / "static/style.css").write_bytes(STYLE)
    (root / "static/style.css.br").write_bytes(b"br:" + STYLE[:100])
    (root / "static/style.css.gz").write_bytes(b"gz:" + STYLE[:150])
    (root / "static/zero.bin").write_bytes(b"")
    (root / "图片/支付 成功.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (root / ".well-known/acme-challenge/token").write_bytes(CHALLENGE)
    (root / ".well-known/security.txt").write_bytes(b"Contact: mailto:security@example.com\n")
    (root / ".git/config").write_bytes(b"[core]\n")
    (root / ".env").write_bytes(b"PASSWORD=hidden-in-env\n")
    (root / ".hidden").write_bytes(b"hidden-dot-file\n")
    for path in (root / "static").iterdir():  # older than any "now" in a conditional request
        os.utime(path, (1_700_000_000, 1_700_000_000))
    outside = root.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "secret.txt").write_bytes(b"outside-the-root\n")
    (root / "static/escape").symlink_to(outside)
    (root / "static/escape.txt").symlink_to(outside / "secret.txt")
    return root


def proxy(name, match, upstream, **more):
    return {"name": name, "match": match, "upstream": upstream, **more}


def payment_routes(callbacks):
    """The routes that platforms call; with `callbacks` they say so."""
    def kind(provider):
        return {"callback": provider} if callbacks else {}

    allow = {"allow": {"addresses": WECHAT_PAY_ADDRESSES, "mode": "report"}} if callbacks else {}
    return [
        proxy("payment-notify", {"exact": [V3_PATH], "methods": ["POST"]}, "app", **kind("wechat_pay_v3"), **allow),
        proxy("payment-v2", {"exact": [V2_PATH, REFUND_PATH], "methods": ["POST"]}, "app", **kind("wechat_pay_v2")),
        proxy("alipay", {"exact": ALIPAY_PATH, "methods": ["POST"]}, "app", **kind("alipay")),
        proxy("wechat-verify", {"exact": VERIFY_PATH, "methods": ["GET"]}, "web"),
        proxy("wechat-push", {"exact": VERIFY_PATH, "methods": ["POST"]}, "app", **kind("wechat_push")),
    ]


def api_route(cors_origins=("https://www.xintuxiangce.top", "http://localhost:8000"), **more):
    return proxy("api", {"prefix": "/api/v1/"}, "app", websocket=True, cors={
        "allow_origins": list(cors_origins),
        "allow_methods": ["GET", "POST", "PUT", "DELETE", "OPTIONS"],
        "allow_headers": ["Content-Type", "Authorization", "X-User-ID", "X-WeChat-OpenID"],
        "allow_credentials": True,
        "max_age": "10m",
    }, **more)


def page_routes(root):
    return [
        {"name": "assets", "match": {"prefix": "/static/"},
         "static": {"root": str(root), "expires": "30d", "immutable": True}},
        {"name": "pages", "match": {"prefix": "/"},
         "static": {"root": str(root), "index": ["index.html"], "fallback": "/index.html"}},
    ]


def scene(pair, root, app_url, web_url=None, callbacks=True, api=None, routes=None):
    """The scene as a dict; tests change what they are about. Listeners: 80 with redirect, 443, and plain 80."""
    if routes is None:
        routes = payment_routes(callbacks) + [api or api_route()] + page_routes(root)
    return {
        "listeners": [{"address": "127.0.0.1:0", "redirect_to_https": True}, {"address": "127.0.0.1:0", "tls": True},
                      {"address": "127.0.0.1:0"}],
        "tls": {"min_version": "1.2", "session_tickets": True},
        "defaults": {"timeouts": {"connect": "2s", "send": "60s", "read": "60s"}, "body_limit": "20m"},
        "upstreams": {"app": {"servers": [app_url]}, "web": {"servers": [web_url or app_url]}},
        "sites": [{"hosts": [HOST, "xintuxiangce.top"], "tls": pair.as_config(),
                   "deny": ["/api/v1/internal/", "/.git", "/.env"], "routes": routes}],
    }


def plain_scene(upstream_url, routes=None, **top):
    """One plain listener, one site, everything to one upstream: for tests of the protocol alone."""
    return {
        "listeners": [{"address": "127.0.0.1:0"}],
        "upstreams": {"app": {"servers": [upstream_url]}},
        "sites": [{"hosts": [HOST], "routes": routes or [proxy("all", {"prefix": "/"}, "app")]}],
        **top,
    }
