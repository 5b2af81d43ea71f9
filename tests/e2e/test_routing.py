# SPDX-License-Identifier: Apache-2.0
"""Which upstream or answer a request gets, and that its target goes on as it was received."""
import pytest

from harness.client import HOST, RawClient, build_request, exchange, fetch
from harness.expect import ACCEPT_HTML, assert_own_answer, assert_own_page
from harness.scene import PAGE, VERIFY_PATH, proxy, scene
from harness.upstream import RawUpstream, answer

STRICT = "strict.example.com"


def named_upstream(name):
    return RawUpstream(lambda received: answer(name.encode()))


@pytest.fixture(scope="module")
def app():
    with named_upstream("app") as upstream:
        yield upstream


@pytest.fixture(scope="module")
def web():
    with named_upstream("web") as upstream:
        yield upstream


def strict_routes():
    """A site without a catch-all: conditions, precedence, own answers and redirects."""
    return [
        proxy("short", {"prefix": "/a/"}, "app"),
        proxy("regex", {"regex": "^/a/b/[0-9]+$"}, "web"),
        proxy("long", {"prefix": "/a/b/"}, "app", headers={"response": {"set": {"X-Route": "long"}}}),
        proxy("exact", {"exact": "/a/b/7"}, "app", headers={"response": {"set": {"X-Route": "exact"}}}),
        proxy("segment", {"prefix": "/api"}, "app"),
        proxy("chinese", {"prefix": "/支付/"}, "web"),
        proxy("only-post", {"exact": "/only-post", "methods": ["POST", "PUT"]}, "app"),
        proxy("by-header", {"exact": "/pick", "headers": {"X-Version": "2"}}, "web"),
        proxy("by-query", {"exact": "/pick", "query": {"v": "2"}, "methods": ["GET"]}, "web"),
        proxy("pick", {"exact": "/pick"}, "app"),
        proxy("strip", {"prefix": "/old/"}, "app", rewrite={"strip_prefix": "/old"}),
        proxy("swap", {"prefix": "/v1/"}, "app", rewrite={"prefix": ["/v1/", "/v2/"]}),
        proxy("swap-regex", {"prefix": "/u/"}, "app", rewrite={"regex": ["^/u/([0-9]+)$", "/users/\\1/profile"]}),
        {"name": "moved", "match": {"prefix": "/moved/"},
         "redirect": {"to": "https://${host}/new${path}?from=old&${query}", "status": 301}},
        {"name": "ok", "match": {"exact": "/ok"},
         "respond": {"status": 200, "body": "all is well\n", "content_type": "text/plain"}},
        {"name": "teapot", "match": {"exact": "/teapot"},
         "respond": {"status": 418, "body": '{"short":"stout"}', "content_type": "application/json"}},
    ]


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, app, web):
    config = scene(site_pair, web_root, app.url, web.url)
    config["sites"].append({"hosts": [STRICT, "*.wild.example.com"], "tls": site_pair.as_config(),
                            "routes": strict_routes()})
    return start_daemon(config)


def strict(daemon, method, target, fields=(), **more):
    return fetch(daemon.http, method, target, fields, host=STRICT, **more)


# ---- the scene ------------------------------------------------------------------------------------------------------


def test_get_and_post_of_one_path_reach_two_upstreams(daemon):
    for listener in (daemon.https, daemon.http):
        assert fetch(listener, "GET", f"{VERIFY_PATH}?echostr=1").body == b"web"
        assert fetch(listener, "POST", f"{VERIFY_PATH}?nonce=1", body=b"<xml/>").body == b"app"
        assert fetch(listener, "HEAD", VERIFY_PATH).status == 200


def test_log_names_route_upstream_and_server(daemon, app, web):
    for method, route, name, server in (("GET", "wechat-verify", "web", web), ("POST", "wechat-push", "app", app)):
        response = fetch(daemon.https, method, VERIFY_PATH, body=b"x" if method == "POST" else None)
        record = daemon.record_of(response)
        assert (record["route"], record["upstream"], record["site"]) == (route, name, HOST)
        assert f"127.0.0.1:{server.port}" in record["server"]


def test_a_page_an_asset_and_the_api_are_told_apart(daemon):
    assert fetch(daemon.https, "GET", "/").body == PAGE
    assert fetch(daemon.https, "GET", "/static/style.css").get("Content-Type").startswith("text/css")
    assert fetch(daemon.https, "GET", "/api/v1/orders").body == b"app"


@pytest.mark.parametrize("host", [HOST, "xintuxiangce.top", "WWW.XinTuXiangCe.TOP", f"{HOST}:443", f"{HOST}:8443"])
def test_host_is_compared_without_case_and_port(daemon, host):
    assert fetch(daemon.https, "GET", "/api/v1/x", host=host).body == b"app"


@pytest.mark.parametrize("host",
                         ["evil.example", f"{HOST}.evil.example", f"evil{HOST}", "127.0.0.1", "localhost", "[::1]"])
def test_unknown_host_gets_421(daemon, app, host):
    app.clear()
    response = fetch(daemon.https, "GET", "/api/v1/x", host=host)
    assert_own_answer(response, 421)
    assert daemon.record_of(response)["reason"] == "host_unknown"
    assert not app.received


def test_absolute_form_names_the_site_and_goes_on_in_origin_form(daemon, app):
    app.clear()
    target = f"http://{HOST}/api/v1/x?a=%41"
    assert fetch(daemon.http, "GET", target, host="other.example").body == b"app"
    assert app.only().target == "/api/v1/x?a=%41" and app.only().get("Host") == HOST
    assert_own_answer(fetch(daemon.http, "GET", "http://other.example/api/v1/x", host=HOST), 421)


# ---- precedence -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path, route", [
    ("/a/b/7", "exact"), ("/a/b/8", "regex"), ("/a/b/x", "long"), ("/a/c", "short"), ("/a/", "short"),
    ("/api", "segment"), ("/api/", "segment"), ("/api/x", "segment"), ("/%E6%94%AF%E4%BB%98/x", "chinese"),
    ("/%e6%94%af%e4%bb%98/%E5%9B%BE?q=%E6%94%AF", "chinese"), ("/%61/b/%37", "exact"),
])
def test_exact_beats_regex_beats_longer_prefix(daemon, path, route):
    response = strict(daemon, "GET", path)
    assert response.status == 200, response.body
    assert daemon.record_of(response)["route"] == route


@pytest.mark.parametrize("path", ["/apix", "/ab/", "/A/b/7", "/", "/only", "/only-post/", "/%E6%94%AF"])
def test_path_that_no_route_knows_gets_404(daemon, path):
    response = strict(daemon, "GET", path)
    assert_own_answer(response, 404)
    assert daemon.record_of(response)["reason"] == "no_route"


def test_own_answer_for_a_browser_is_a_page(daemon):
    assert_own_page(strict(daemon, "GET", "/nowhere", [("Accept", ACCEPT_HTML)]), 404)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH"])
def test_known_path_with_another_method_gets_405(daemon, app, method):
    app.clear()
    response = strict(daemon, method, "/only-post")
    assert response.status == 405
    assert sorted(response.tokens("Allow")) == ["post", "put"]
    assert daemon.record_of(response)["reason"] == "method_not_allowed"
    assert not app.received


@pytest.mark.parametrize("target, fields, route", [
    ("/pick", [("X-Version", "2")], "by-header"), ("/pick?v=2", [], "by-query"), ("/pick?x=1&v=2&y", [], "by-query"),
    ("/pick", [], "pick"), ("/pick?v=3", [("X-Version", "1")], "pick"), ("/pick?vv=2", [], "pick"),
])
def test_route_with_conditions_is_tried_first(daemon, target, fields, route):
    assert daemon.record_of(strict(daemon, "GET", target, fields))["route"] == route


def test_wildcard_host(daemon):
    for host, status in (("a.wild.example.com", 200), ("b.a.wild.example.com", 200), ("wild.example.com", 421),
                         ("xwild.example.com", 421)):
        assert fetch(daemon.http, "GET", "/api", host=host).status == status, host


# ---- the target -----------------------------------------------------------------------------------------------------

TARGETS = [
    "/api/v1/x?b=2&a=1&b=3&&=&c",
    "/api/v1/x?",
    "/api/v1/x??a=/../..//b",
    "/api/v1/x?q=%E6%94%AF%E4%BB%98&g=%D6%A7&bad=%zz&end=%",
    "/api/v1/x?redirect=https://a.example/b?c=d%26e&f='()*!;:@$,[]",
    "/api/v1/%E6%94%AF%E4%BB%98/%e5%9b%be%E7%89%87.png",
    "/api/v1/%7Euser/~user/a%20b/a+b",
    "/api/v1/a;b=1;c/d,e!f$g'h(i)*j:k@l=m&n",
    "/api/v1/%D6%A7%B8%B6",
    "/api/v1/trailing/",
    "/api/v1/" + "x" * 3000 + "?" + "y=z&" * 500,
    # Ambiguous, but both readings lead to the same route: the bytes go on untouched.
    "/api/v1/a%2Fb",
    "/api/v1/a//b",
    "/api/v1/./a",
    "/api/v1/a/../b",
    "/api/v1/a%5cb",
    "/api/v1/a%2eb",
    "/api/v1/100%25",
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("step", [None, 1], ids=["whole", "bytewise"])
def test_target_is_forwarded_as_received(daemon, app, target, step):
    app.clear()
    response = exchange(daemon.http, build_request("GET", target), step=step)
    assert response.status == 200, response.body
    assert app.only().target == target


# ---- other actions and rewriting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("target, forwarded", [
    ("/old/x/%E6%94%AF?a=%41", "/x/%E6%94%AF?a=%41"), ("/old/", "/"), ("/old/?q", "/?q"),
    ("/v1/%41/b?c", "/v2/%41/b?c"),
    ("/u/42", "/users/42/profile"), ("/u/42?a=%41", "/users/42/profile?a=%41"), ("/u/x", "/u/x"),
])
def test_rewrite_changes_what_it_names_and_nothing_else(daemon, app, target, forwarded):
    app.clear()
    assert strict(daemon, "GET", target).status == 200
    assert app.only().target == forwarded


def test_redirect_fills_in_the_request(daemon):
    response = strict(daemon, "GET", "/moved/%E6%94%AF?a=1&b=%32")
    assert response.status == 301
    assert response.get("Location") == f"https://{STRICT}/new/moved/%E6%94%AF?from=old&a=1&b=%32"
    assert daemon.record_of(response)["route"] == "moved"


def test_redirect_cannot_be_split_by_its_input(daemon):
    with RawClient(daemon.http.port) as client:
        response = client.request("GET", "/moved/x%0d%0aSet-Cookie:%20a=b?c=%0d%0aX:%20y", host=STRICT)
    assert response.status == 301
    assert not response.all("Set-Cookie") and not response.all("X")


def test_respond_gives_the_configured_answer(daemon):
    ok = strict(daemon, "GET", "/ok")
    assert (ok.status, ok.body, ok.get("Content-Type").split(";")[0]) == (200, b"all is well\n", "text/plain")
    assert (strict(daemon, "HEAD", "/ok").body, strict(daemon, "HEAD", "/ok").get("Content-Length")) == (b"", "12")
    teapot = strict(daemon, "POST", "/teapot", body=b"x" * 100)
    assert (teapot.status, teapot.body) == (418, b'{"short":"stout"}')


# ---- redirect_to_https ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("target", ["/", "/api/v1/x?b=%41&a", "/%E6%94%AF/?q=1"])
def test_plain_listener_redirects_to_the_tls_port(daemon, app, method, target):
    app.clear()
    response = fetch(daemon.redirecting, method, target, body=b"x" if method == "POST" else None)
    assert response.status == 308
    assert response.get("Location") == f"https://{HOST}:{daemon.https.port}{target}"
    assert not app.received


def test_redirect_drops_the_port_of_the_host_field_and_knows_its_hosts(daemon):
    response = fetch(daemon.redirecting, "GET", "/x", host=f"{HOST}:8080")
    assert response.get("Location") == f"https://{HOST}:{daemon.https.port}/x"
    assert_own_answer(fetch(daemon.redirecting, "GET", "/x", host="evil.example"), 421)
