# SPDX-License-Identifier: Apache-2.0
"""`rewrite` finds the decoded path under every spelling, alters nothing else, and never leads out of its own prefix."""
import pytest

from harness.cli import run
from harness.client import HOST, fetch
from harness.expect import assert_own_answer
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer

ROUTES = {
    "tenant": ("/t/", {"prefix": ["/t", "/tenant1"]}),
    "strip": ("/api/", {"strip_prefix": "/api"}),
    "regex": ("/u/", {"regex": ["^/u/(.*)$", "/users/\\1"]}),
    "chinese": ("/支付", {"regex": ["^/支付", "/pay"]}),
    "query": ("/old/", {"regex": ["^/old/(.*)$", "/new?id=\\1"]}),
    "told": ("/told/", {"strip_prefix": "/told"}),
    "space": ("/space/", {"prefix": ["/space", "/b c/支/50%off"]}),
    "all": ("/", {"prefix": ["/", "/all/"]}),
}


@pytest.fixture(scope="module")
def upstream():
    with RawUpstream(lambda received: answer(b"ok")) as server:
        yield server


@pytest.fixture(scope="module")
def daemon(start_daemon, upstream):
    routes = [proxy(name, {"prefix": prefix}, "app", rewrite=rewrite) for name, (prefix, rewrite) in ROUTES.items()]
    next(route for route in routes if route["name"] == "told")["headers"] = {
        "request": {"set": {"X-Original-URL": "${scheme}://${host}${path}?${query}", "X-Client": "${client_ip}"}},
        "response": {"set": {"X-Asked": "${path}", "X-Trace": "id=${request_id}"}}}
    return start_daemon(plain_scene(upstream.url, routes))


def test_headers_tell_of_the_request_as_it_came(daemon, upstream):
    upstream.clear()
    response = fetch(daemon.http, "GET", "/told/a%2Fb?c=%41", fields=[("X-Original-URL", "forged")])
    received = upstream.only()
    assert received.target == "/a%2Fb?c=%41"
    assert received.get("X-Original-URL") == f"http://{HOST}/told/a%2Fb?c=%41"
    assert received.get("X-Client") == "127.0.0.1"
    assert response.get("X-Asked") == "/told/a%2Fb"
    assert response.get("X-Trace") == f"id={response.request_id}"


@pytest.mark.parametrize("target, forwarded", [
    ("/%61pi/x%20y?a=%41", "/x%20y?a=%41"), ("/api/a%2Fb/../c", "/a%2Fb/../c"), ("/api//x", "//x"),
    ("/u/1", "/users/1"), ("/%75/1", "/users/1"), ("/u/%41%2f?x=/u/1", "/users/%41%2f?x=/u/1"),
    ("/u/%D6%A7", "/users/%D6%A7"),
    ("/%E6%94%AF%E4%BB%98/x", "/pay/x"),
    ("/old/1?a=b", "/new?id=1&a=b"), ("/old/1&admin=1", "/new?id=1%26admin=1"),
    ("/space/x", "/b%20c/%E6%94%AF/50%25off/x"),
    ("/x", "/all/x"), ("/a/../x", "/all/a/../x"),
])
def test_what_is_named_is_rewritten_under_every_spelling(daemon, upstream, target, forwarded):
    upstream.clear()
    assert fetch(daemon.http, "GET", target).status == 200
    assert upstream.only().target == forwarded
    told = run("explain", "GET", f"http://{HOST}{target}", "-c", daemon.config_path)
    assert f"rewritten: {forwarded}\n" in told.stdout


@pytest.mark.parametrize("target", [
    "/../tenant2/x", "/%2e%2e/tenant2/x", "/..%2ftenant2/x", "/..%5ctenant2/x", "/%252e%252e/tenant2/x",
    "/t/../t/x", "/api/../api/x", "/api/..%2fapi/admin", "/u/../../u/../users/private", "/old/a/../b",
])
def test_dot_segments_do_not_lead_out_of_the_new_prefix(daemon, upstream, target):
    upstream.clear()
    response = fetch(daemon.http, "GET", target)
    assert_own_answer(response, 400)
    assert daemon.record_of(response)["reason"] == "path_ambiguous"
    assert not upstream.received
    told = run("explain", "GET", f"http://{HOST}{target}", "-c", daemon.config_path)
    assert told.stdout.endswith("decision: 400 path_ambiguous\n")
