# SPDX-License-Identifier: Apache-2.0
"""CORS at the edge: preflights, credentials, Vary, one value each, also on errors; what is refused and why."""
import pytest

from harness.client import HOST, fetch
from harness.scene import api_route, plain_scene, proxy, scene
from harness.upstream import ClosedPort, answer

ALLOWED, OTHER = "https://www.xintuxiangce.top", "https://evil.example"
# What an application with a CORS middleware of its own adds.
APPLICATION = [("Access-Control-Allow-Origin", "*"), ("access-control-allow-credentials", "false"),
               ("Access-Control-Allow-Methods", "GET, TRACE"), ("Access-Control-Expose-Headers", "X-Leak"),
               ("Access-Control-Max-Age", "1"), ("Vary", "Accept-Encoding"), ("X-Own", "1")]


def preflight_fields(method="POST", headers=None, origin=ALLOWED):
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    return fields + ([("Access-Control-Request-Headers", headers)] if headers is not None else [])


@pytest.fixture(scope="module")
def closed():
    port = ClosedPort()
    yield port
    port.close()


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, raw, closed):
    config = scene(site_pair, web_root, raw.url, api=api_route((ALLOWED, "http://localhost:8000")))
    config["upstreams"]["down"] = {"servers": [closed.url]}
    open_cors = {"allow_origins": "*", "allow_methods": ["GET"], "allow_headers": ["X-Any"]}
    pattern = {"allow_origins": ["https://*.x.cn"], "allow_methods": ["GET", "POST"]}
    config["sites"][0]["routes"] += [
        proxy("down", {"prefix": "/down/"}, "down", cors={"allow_origins": [ALLOWED], "allow_credentials": True}),
        proxy("open", {"prefix": "/open/"}, "app", cors=open_cors),
        proxy("pattern", {"prefix": "/pattern/"}, "app", cors=pattern),
        proxy("split-get", {"exact": "/split", "methods": ["GET"]}, "app",
              cors={"allow_origins": [ALLOWED], "allow_methods": ["GET"], "max_age": "1m"}),
        proxy("split-post", {"exact": "/split", "methods": ["POST"]}, "app",
              cors={"allow_origins": [ALLOWED], "allow_methods": ["POST"], "max_age": "2m"}),
        proxy("small", {"prefix": "/small/"}, "app", body_limit=10, cors={"allow_origins": [ALLOWED]}),
        proxy("none", {"prefix": "/none/"}, "app"),
    ]
    return start_daemon(config)


@pytest.fixture(autouse=True)
def fresh_upstream(raw):
    raw.clear()
    raw.handler = lambda received: answer()


def ask(daemon, target, fields=(), method="GET", **more):
    return fetch(daemon.https, method, target, fields, **more)


def access_control(response):
    return {name.lower(): value for name, value in response.fields if name.lower().startswith("access-control-")}


# ---- preflight ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [ALLOWED, "http://localhost:8000"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("headers",
                         [None, "X-WeChat-OpenID", "x-wechat-openid,content-type", "Authorization, X-User-ID", ""])
def test_preflight_is_answered_at_the_edge(daemon, raw, origin, method, headers):
    response = ask(daemon, "/api/v1/orders", preflight_fields(method, headers, origin), "OPTIONS")
    assert (response.status, response.body) == (204, b"")
    assert response.get("Access-Control-Allow-Origin") == origin
    assert response.get("Access-Control-Allow-Credentials") == "true"
    assert response.get("Access-Control-Max-Age") == "600"
    assert method.lower() in response.tokens("Access-Control-Allow-Methods")
    asked = {name.strip().lower() for name in (headers or "").split(",") if name.strip()}
    assert asked <= set(response.tokens("Access-Control-Allow-Headers"))
    assert "origin" in response.tokens("Vary")
    assert not raw.received
    record = daemon.record_of(response)
    assert (record["status"], record["route"], record["method"]) == (204, "api", "OPTIONS") and not record["reason"]


@pytest.mark.parametrize("fields, reason", [
    (preflight_fields(origin=OTHER), "cors_origin_not_allowed"),
    (preflight_fields(origin="null"), "cors_origin_not_allowed"),
    (preflight_fields(origin=ALLOWED + ".evil.example"), "cors_origin_not_allowed"),
    (preflight_fields(origin="http://www.xintuxiangce.top"), "cors_origin_not_allowed"),
    (preflight_fields(origin=ALLOWED + ":8443"), "cors_origin_not_allowed"),
    (preflight_fields(origin="https://xintuxiangce.top"), "cors_origin_not_allowed"),
    (preflight_fields("PATCH"), "cors_method_not_allowed"),
    (preflight_fields("TRACE"), "cors_method_not_allowed"),
    (preflight_fields("POST", "X-Not-Listed"), "cors_header_not_allowed"),
    (preflight_fields("POST", "Content-Type, X-Not-Listed"), "cors_header_not_allowed"),
])
def test_refused_preflight_says_why_in_the_log_alone(daemon, raw, fields, reason):
    response = ask(daemon, "/api/v1/orders", fields, "OPTIONS")
    assert response.status == 403
    assert not response.all("Access-Control-Allow-Origin")
    assert "origin" in response.tokens("Vary")
    assert not raw.received
    assert daemon.record_of(response)["reason"] == reason


def test_options_that_is_no_preflight_goes_to_the_upstream(daemon, raw):
    response = ask(daemon, "/api/v1/orders", [("Origin", ALLOWED)], "OPTIONS")
    assert response.body == b"ok" and response.get("Access-Control-Allow-Origin") == ALLOWED
    assert raw.only().method == "OPTIONS"
    raw.clear()
    assert ask(daemon, "/api/v1/orders", method="OPTIONS").body == b"ok"
    assert raw.only().method == "OPTIONS"


def test_preflight_of_a_route_without_cors_goes_to_the_upstream(daemon, raw):
    raw.handler = lambda received: answer(b"", "204 No Content", APPLICATION, framing="none")
    response = ask(daemon, "/none/x", preflight_fields(), "OPTIONS")
    assert response.get("Access-Control-Allow-Origin") == "*" and response.get("Access-Control-Max-Age") == "1"
    assert raw.only().method == "OPTIONS"


@pytest.mark.parametrize("method, age", [("GET", "60"), ("POST", "120")])
def test_preflight_takes_the_route_of_the_method_it_asks_for(daemon, raw, method, age):
    response = ask(daemon, "/split", preflight_fields(method), "OPTIONS")
    assert (response.status, response.get("Access-Control-Max-Age")) == (204, age)
    assert daemon.record_of(response)["route"] == f"split-{method.lower()}"


# ---- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content", "302 Found", "304 Not Modified",
                                    "400 Bad Request", "401 Unauthorized", "404 Not Found", "500 Internal Server Error",
                                    "503 Service Unavailable"])
def test_allowed_answer_carries_the_fields_on_every_status(daemon, raw, status):
    bare = status[:3] in ("204", "304")
    raw.handler = lambda received: answer(b"" if bare else b"text", status, APPLICATION, "none" if bare else "length")
    response = ask(daemon, "/api/v1/x", [("Origin", ALLOWED)])
    assert response.status == int(status[:3])
    assert response.get("Access-Control-Allow-Origin") == ALLOWED
    assert response.get("Access-Control-Allow-Credentials") == "true"
    assert not response.all("Access-Control-Max-Age") and not response.all("Access-Control-Expose-Headers")
    assert {"origin", "accept-encoding"} <= set(response.tokens("Vary"))
    assert response.tokens("Vary").count("origin") == 1 and response.get("X-Own") == "1"


@pytest.mark.parametrize("vary", ["Origin", "origin, Accept", "Accept-Encoding , ORIGIN"])
def test_vary_is_not_doubled(daemon, raw, vary):
    raw.handler = lambda received: answer(fields=[("Vary", vary)])
    assert ask(daemon, "/api/v1/x", [("Origin", ALLOWED)]).tokens("Vary").count("origin") == 1


@pytest.mark.parametrize("origin", [None, OTHER, "null", "", ALLOWED + "/"])
def test_other_callers_get_the_answer_without_permission(daemon, raw, origin):
    raw.handler = lambda received: answer(fields=APPLICATION)
    response = ask(daemon, "/api/v1/x", [("Origin", origin)] if origin is not None else [])
    assert (response.status, response.body) == (200, b"ok")
    assert not access_control(response), response.fields
    assert "origin" in response.tokens("Vary")
    assert len(raw.received) == 1


def test_method_that_no_route_takes_carries_the_fields_of_the_one_that_refuses(start_one, raw):
    cors = {"allow_origins": [ALLOWED], "allow_methods": ["GET"]}
    daemon = start_one(plain_scene(raw.url, [proxy("one", {"exact": "/one", "methods": ["GET"]}, "app", cors=cors)]))
    response = fetch(daemon.http, "DELETE", "/one", [("Origin", ALLOWED)])
    assert (response.status, response.get("Access-Control-Allow-Origin")) == (405, ALLOWED)
    assert "origin" in response.tokens("Vary") and set(response.tokens("Allow")) == {"get", "head"}
    assert not access_control(fetch(daemon.http, "DELETE", "/one", [("Origin", OTHER)]))
    preflight = fetch(daemon.http, "OPTIONS", "/one", preflight_fields("DELETE"))
    assert preflight.status == 405 and not access_control(preflight)
    assert not raw.received


def test_own_errors_carry_the_fields_too(daemon, raw):
    down = ask(daemon, "/down/x", [("Origin", ALLOWED)])
    assert (down.status, down.get("Access-Control-Allow-Origin")) == (502, ALLOWED)
    assert down.get("Access-Control-Allow-Credentials") == "true" and "origin" in down.tokens("Vary")
    assert not access_control(ask(daemon, "/down/x", [("Origin", OTHER)]))
    large = ask(daemon, "/small/x", [("Origin", ALLOWED)], "POST", body=b"x" * 11)
    assert (large.status, large.get("Access-Control-Allow-Origin")) == (413, ALLOWED)


def test_field_origin_still_reaches_the_upstream(daemon, raw):
    ask(daemon, "/api/v1/x", [("oRiGiN", ALLOWED)])
    assert ("oRiGiN", ALLOWED) in raw.only().fields


def test_route_without_cors_leaves_the_fields_alone(daemon, raw):
    raw.handler = lambda received: answer(fields=APPLICATION)
    response = ask(daemon, "/none/x", [("Origin", OTHER)])
    for name, value in APPLICATION:
        assert (name, value) in response.fields


# ---- "*" and patterns -----------------------------------------------------------------------------------------------


def test_any_origin(daemon, raw):
    raw.handler = lambda received: answer(fields=APPLICATION)
    response = ask(daemon, "/open/x", [("Origin", OTHER)])
    assert response.get("Access-Control-Allow-Origin") == "*" and not response.all("Access-Control-Allow-Credentials")
    preflight = ask(daemon, "/open/x", preflight_fields("GET", "x-any", OTHER), "OPTIONS")
    assert (preflight.status, preflight.get("Access-Control-Allow-Origin")) == (204, "*")
    refused = ask(daemon, "/open/x", preflight_fields("DELETE", None, OTHER), "OPTIONS")
    assert refused.status == 403 and not refused.all("Access-Control-Allow-Origin")


@pytest.mark.parametrize("origin, allowed", [
    ("https://a.x.cn", True), ("https://b.a.x.cn", True), ("https://x.cn", False), ("http://a.x.cn", False),
    ("https://ax.cn", False), ("https://a.x.cn.evil.example", False), ("https://evil.example/.x.cn", False),
    ("https://evil.example#.x.cn", False), ("https://a.x.cn:8443", False), ("https://u@a.x.cn", False),
    ("https://.x.cn", False),
])
def test_pattern(daemon, origin, allowed):
    response = ask(daemon, "/pattern/x", [("Origin", origin)])
    assert response.all("Access-Control-Allow-Origin") == ([origin] if allowed else []), origin
    preflight = ask(daemon, "/pattern/x", preflight_fields("POST", None, origin), "OPTIONS")
    assert preflight.status == (204 if allowed else 403)


def test_the_page_itself_needs_no_permission(daemon):
    response = ask(daemon, "/", [("Origin", ALLOWED)])
    assert response.status == 200 and not access_control(response)
    assert fetch(daemon.redirecting, "GET", "/api/v1/x", [("Origin", ALLOWED)], host=HOST).status == 308
