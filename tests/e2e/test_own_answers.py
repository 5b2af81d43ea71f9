# SPDX-License-Identifier: Apache-2.0
"""Answers that Viaduct makes itself: HTML for browsers, problem+json for the rest, pages from files, nothing inside."""
import json

import pytest

from harness.client import HOST, RawClient, build_request, exchange, fetch
from harness.expect import ACCEPT_HTML, assert_own_answer, assert_own_page
from harness.scene import plain_scene, proxy
from harness.upstream import ClosedPort, answer

PAGE_5XX = "<!doctype html><h1>维护中</h1><p>Back soon.\n".encode()
PAGE_404 = b"<!doctype html><h1>Nothing here</h1>\n"


@pytest.fixture(scope="module")
def closed():
    port = ClosedPort()
    yield port
    port.close()


@pytest.fixture(scope="module")
def daemon(start_daemon, place, raw, closed):
    (place / "errors").mkdir()
    (place / "www").mkdir()
    (place / "errors/unavailable.html").write_bytes(PAGE_5XX)
    (place / "errors/missing.html").write_bytes(PAGE_404)
    routes = [proxy("down", {"prefix": "/down/"}, "down"), proxy("api", {"prefix": "/api/"}, "app"),
              {"name": "root", "match": {"prefix": "/static/"}, "static": {"root": str(place / "www")}}]
    config = plain_scene(raw.url, routes)
    config["upstreams"]["down"] = {"servers": [closed.url]}
    config["sites"][0]["deny"] = ["/denied"]
    config["errors"] = {"502-504": {"file": "errors/unavailable.html"}, "404": {"file": "errors/missing.html"}}
    daemon = start_daemon(config, directory=place)
    return daemon


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.handler = lambda received: answer()


BROWSER = [("Accept", ACCEPT_HTML)]


def test_page_of_the_config_for_a_browser(daemon):
    response = fetch(daemon.http, "GET", "/down/x", BROWSER)
    assert (response.status, response.body) == (502, PAGE_5XX)
    assert response.get("Content-Type").split(";")[0] == "text/html" and response.request_id
    assert fetch(daemon.http, "GET", "/nowhere", BROWSER).body == PAGE_404
    assert fetch(daemon.http, "GET", "/static/nothing", BROWSER).body == PAGE_404
    assert fetch(daemon.http, "HEAD", "/down/x", BROWSER).body == b""


@pytest.mark.parametrize("accept", ["application/json", "application/json, text/plain, */*"])
def test_page_is_not_for_a_client_of_json(daemon, accept):
    assert_own_answer(fetch(daemon.http, "GET", "/down/x", [("Accept", accept)]), 502)
    assert fetch(daemon.http, "GET", "/down/x", [("Accept", "*/*")]).body == PAGE_5XX


def test_page_is_not_for_answers_of_the_upstream(daemon, raw):
    for status in ("502 Bad Gateway", "503 Service Unavailable", "404 Not Found"):
        raw.handler = lambda received, status=status: answer(b"the upstream's own", status)
        response = fetch(daemon.http, "GET", "/api/x", BROWSER)
        assert (response.status, response.body) == (int(status[:3]), b"the upstream's own")


def test_status_without_a_page_gets_the_built_in_one(daemon):
    assert_own_page(fetch(daemon.http, "GET", "/denied", BROWSER), 403)
    assert_own_answer(fetch(daemon.http, "GET", "/denied"), 403)


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/problem+json", "text/plain"])
def test_programs_get_a_problem(daemon, closed, accept):
    fields = [("Accept", accept)] if accept else []
    assert_own_answer(fetch(daemon.http, "GET", "/denied/x", fields), 403)
    response = fetch(daemon.http, "POST", "/down/x", fields, b"{}")
    assert response.status == 502 and str(closed.port) not in response.text() and "down" not in response.text()


def test_request_id_of_the_client_is_in_the_answer(daemon):
    response = fetch(daemon.http, "GET", "/denied", [("X-Request-ID", "my-own-id")])
    assert response.request_id == "my-own-id" and "my-own-id" in json.dumps(json.loads(response.body))


def test_own_answers_keep_the_connection(daemon):
    with RawClient(daemon.http.port) as client:
        for _ in range(5):
            assert client.request("GET", "/denied").status == 403
            assert client.request("POST", "/down/x", body=b"x" * 1000).status == 502
            assert client.request("HEAD", "/nowhere").status == 404
            assert client.request("GET", "/api/x").body == b"ok"


def test_own_answer_is_not_kept_by_caches_and_not_sniffed_from_the_input(daemon):
    response = fetch(daemon.http, "GET", "/nowhere/<script>alert(1)</script>", [("Accept", "text/html;q=1")])
    assert b"<script>" not in response.body
    response = fetch(daemon.http, "GET", "/denied/%3Cscript%3E", BROWSER)
    assert b"<script>" not in response.body


def test_own_answer_to_http_1_0(daemon):
    with RawClient(daemon.http.port) as client:
        response = client.request("GET", "/denied", host=HOST, version="HTTP/1.0")
        assert response.status == 403 and response.framing == "length"
        assert client.at_end()


def test_answer_has_a_date(daemon):
    assert exchange(daemon.http, build_request("GET", "/denied")).get("Date").endswith(" GMT")
