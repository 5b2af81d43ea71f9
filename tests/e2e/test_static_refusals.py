# SPDX-License-Identifier: Apache-2.0
"""What static routes refuse: the single-page fallback where it would hide an error, other methods, ways out of the
root, dot files. And the verification files that must come byte for byte on both ports."""
import os

import pytest

from harness.client import RawClient, build_request, exchange, fetch
from harness.expect import ACCEPT_HTML, ExpectedRecords, assert_own_answer
from harness.scene import CHALLENGE, PAGE, VERIFY_BODY, VERIFY_NAME, proxy, scene

HTML = [("Accept", ACCEPT_HTML)]
SECRETS = [b"hidden-in-env", b"hidden-dot-file", b"outside-the-root", b"[core]", b"root:"]


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, raw):
    config = scene(site_pair, web_root, raw.url)
    config["sites"][0]["routes"] += [
        proxy("post-only", {"exact": "/pay/confirm", "methods": ["POST"]}, "app"),
        proxy("put-only", {"prefix": "/service/", "methods": ["PUT"]}, "app"),
        proxy("regex-post", {"regex": "^/hook/[a-z]+$", "methods": ["POST"]}, "app"),
    ]
    return start_daemon(config)


@pytest.fixture(scope="module")
def records():
    return ExpectedRecords()


def get(daemon, target, fields=(), method="GET", **more):
    return fetch(daemon.https, method, target, fields, **more)


# ---- the fallback ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/orders/123", "/a/b/c?x=1", "/%E6%94%AF%E4%BB%98", "/user.name/settings"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_fallback_serves_the_page_to_browsers(daemon, method, target):
    response = get(daemon, target, HTML, method)
    assert response.status == 200 and response.get("Content-Type").split(";")[0] == "text/html"
    assert response.get("Content-Length") == str(len(PAGE))
    assert response.body == (PAGE if method == "GET" else b"")


@pytest.mark.parametrize("target, fields", [
    ("/orders/123", [("Accept", "application/json")]),
    ("/orders/123", [("Accept", "image/avif,image/webp")]),
    ("/orders/123", [("Accept", "text/html;q=0, application/json")]),
    ("/orders/app.js", HTML),
    ("/missing.png", HTML),
    ("/MP_verify_other.txt", HTML),
    ("/.well-known/acme-challenge/none.txt", HTML),
    ("/static/missing", HTML),
    # a path that an upstream route knows, whatever that route's methods
    ("/pay/confirm", HTML),
    ("/service/x", HTML),
    ("/service/", HTML),
    ("/hook/abc", HTML),
])
def test_fallback_is_refused(daemon, raw, records, target, fields):
    raw.clear()
    response = get(daemon, target, fields)
    assert response.status in (404, 405), response.head
    assert PAGE not in response.body
    records.add(target, response, ["static_not_found", "method_not_allowed"])
    assert not raw.received


def test_missing_file_is_a_problem_with_a_reason(daemon):
    response = get(daemon, "/static/missing.js", [("Accept", "*/*")])
    assert_own_answer(response, 404)
    record = daemon.record_of(response)
    assert (record["route"], record["reason"]) == ("assets", "static_not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"])
@pytest.mark.parametrize("target", ["/", "/static/style.css", "/orders/123", "/static/missing.js"])
def test_other_methods_get_405(daemon, records, method, target):
    response = get(daemon, target, HTML, method, body=b"x")
    assert response.status == 405, response.head
    assert {"get", "head"} <= set(response.tokens("Allow"))
    records.add(target, response, ["method_not_allowed"])


# ---- out of the root ------------------------------------------------------------------------------------------------

REFUSED = ["path_ambiguous", "path_invalid", "path_denied", "static_not_found", "static_forbidden"]
TRAVERSALS = [
    "/../outside/secret.txt", "/static/../../outside/secret.txt", "/static/..%2f..%2foutside/secret.txt",
    "/%2e%2e/outside/secret.txt", "/static/%2e%2e/%2e%2e/outside/secret.txt", "/..%5coutside%5csecret.txt",
    "/..\\outside\\secret.txt", "/static/..\\..\\outside\\secret.txt", "/%2e%2e%2foutside%2fsecret.txt",
    "/.%2e/outside/secret.txt", "/....//outside/secret.txt", "/..;/outside/secret.txt",
    "/%252e%252e/outside/secret.txt", "/../../../../../../../etc/passwd", "/static/../../../../../../etc/passwd",
    "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", "/%e0%80%ae%e0%80%ae/etc/passwd", "//etc/passwd", "/static//etc/passwd",
    "/static/escape/secret.txt", "/static/escape.txt", "/static/escape/../escape/secret.txt", "/static/escape/",
    "/static/style.css%00.html", "/static/%00", "/index.html%00", "/static/style.css%0a", "/static/style.css%0d%0a",
    "/static/%ff%fe.css", "/static/style.css/", "/static/style.css/x", "/index.html/../../outside/secret.txt",
]
DOT_FILES = ["/.hidden", "/.env", "/.git/config", "/static/../.hidden", "/%2ehidden", "/./.hidden", "//.hidden",
             "/x/%2e%2e/.hidden", "/.well-known/../.hidden", "/.HIDDEN/../.hidden"]


@pytest.mark.parametrize("target", TRAVERSALS + DOT_FILES)
def test_nothing_outside_the_root_and_no_dot_file_is_served(daemon, records, target):
    for step in (None, 1):
        request = build_request("GET", target, [("Accept", "image/*")])  # no fallback to the page
        response = exchange(daemon.https, request, step=step)
        assert response.status in (400, 403, 404), response.head + response.body
        assert not any(secret in response.body for secret in SECRETS)
        records.add(target, response, REFUSED)


@pytest.mark.parametrize("target", ["/%00", "/a%0d%0ab", "/%ff", "/%c3%28", "/x%0ay.html"])
def test_nul_line_ends_and_invalid_utf8_never_reach_the_root(daemon, target):
    response = get(daemon, target, HTML)
    assert response.status in (400, 404) and PAGE not in response.body


def test_file_that_turns_into_a_symlink_is_refused(daemon, web_root):
    path = web_root / "static/swap.txt"
    path.write_bytes(b"inside")
    assert get(daemon, "/static/swap.txt").body == b"inside"
    path.unlink()
    path.symlink_to(web_root.parent / "outside/secret.txt")
    response = get(daemon, "/static/swap.txt")
    assert response.status in (403, 404) and SECRETS[2] not in response.body


def test_special_files_are_not_served(daemon, web_root):
    fifo = web_root / "static/pipe.txt"
    if not fifo.exists():
        os.mkfifo(fifo)
    assert get(daemon, "/static/pipe.txt").status in (403, 404)


def test_unreadable_names_do_not_break_the_connection(daemon):
    with RawClient(daemon.https.port, tls=True) as client:
        assert client.request("GET", "/static/" + "x" * 300 + ".css").status == 404
        assert client.request("GET", "/static/" + "d/" * 1000 + "x.css").status == 404
        assert client.request("GET", "/").body == PAGE


# ---- verification files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listener", ["redirecting", "https", "http"])
def test_verification_file_on_both_ports(daemon, listener):
    response = fetch(getattr(daemon, listener), "GET", f"/{VERIFY_NAME}")
    assert (response.status, response.body) == (200, VERIFY_BODY)
    assert response.get("Content-Type").split(";")[0] == "text/plain"
    assert response.get("Content-Length") == str(len(VERIFY_BODY)) and not response.all("Content-Encoding")


@pytest.mark.parametrize("listener", ["redirecting", "https", "http"])
def test_verification_file_over_http_1_0_without_host(daemon, listener):
    response = fetch(getattr(daemon, listener), "GET", f"/{VERIFY_NAME}", host=None, version="HTTP/1.0")
    assert (response.status, response.body) == (200, VERIFY_BODY)


def test_acme_challenge_and_well_known(daemon):
    for listener in (daemon.redirecting, daemon.https):
        assert fetch(listener, "GET", "/.well-known/acme-challenge/token").body == CHALLENGE
    assert get(daemon, "/.well-known/security.txt").status == 200
    assert fetch(daemon.redirecting, "GET", "/.well-known/security.txt").status == 308


@pytest.mark.parametrize("target",
                         ["/MP_verify_x.html", "/MP_verify_.txt.bak", "/x/../MP_verify_a.txt/b", "/mp_verify_a.txt",
                          "/.well-known/acme-challenge/../security.txt", "/.well-known/acme-challengex/y"])
def test_what_only_looks_like_a_spared_path_is_redirected(daemon, target):
    assert fetch(daemon.redirecting, "GET", target).status in (308, 400)


def test_the_log_says_why_each_was_refused(daemon, records):
    records.check(daemon)
