# SPDX-License-Identifier: Apache-2.0
"""CORS as a real browser sees it: a page of one origin, the API of another, Chromium in between."""
import json

import pytest

from harness.browser import Browser, PageServer
from harness.client import HOST, build_request, exchange
from harness.scene import api_route, scene
from harness.waiting import DEADLINE

PAGE_HOST, OTHER_HOST = "web.xintuxiangce.top", "web.evil.example"


@pytest.fixture(scope="module")
def pages(authority):
    server = PageServer(authority.issue([PAGE_HOST, OTHER_HOST]))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, apps, pages):
    route = api_route((f"https://{PAGE_HOST}:{pages.port}", "http://localhost:8000"), body_limit=50_000)
    return start_daemon(scene(site_pair, web_root, apps.urls["app"], apps.urls["web"], api=route))


@pytest.fixture(scope="module")
def browser(place):
    chromium = Browser(place / "profile", DEADLINE)
    yield chromium
    chromium.quit()


@pytest.fixture()
def page(browser, pages):
    browser.open(f"https://{PAGE_HOST}:{pages.port}/")
    return browser


@pytest.fixture()
def foreign_page(browser, pages):
    browser.open(f"https://{OTHER_HOST}:{pages.port}/")
    return browser


@pytest.fixture()
def api(daemon):
    return f"https://{HOST}:{daemon.https.port}/api/v1"


def test_page_of_the_site_opens(browser, daemon):
    browser.open(f"https://{HOST}:{daemon.https.port}/")
    assert "欢迎" in browser.driver.page_source and "信图相册" == browser.driver.title


def test_simple_get_is_readable(page, api):
    result = page.fetch(f"{api}/echo/a?x=%E6%94%AF")
    assert result.get("status") == 200, result
    assert json.loads(result["text"])["query"] == "x=%E6%94%AF"


def test_preflight_with_the_mini_program_fields(page, api, daemon):
    result = page.fetch(f"{api}/echo/preflighted", method="PUT", body='{"a":1}',
                        headers={"Content-Type": "application/json", "X-WeChat-OpenID": "o123", "X-User-ID": "7",
                                 "Authorization": "Bearer t0k3n-in-browser"})
    assert result.get("status") == 200, result
    seen = json.loads(result["text"])
    assert ["x-wechat-openid", "o123"] in seen["fields"] and seen["method"] == "PUT"
    record = daemon.wait_record_where(lambda one: one["method"] == "OPTIONS" and one["path"].endswith("/preflighted"),
                                      "the preflight")
    assert record["status"] == 204 and not record["reason"]
    assert "t0k3n-in-browser" not in daemon.access_text()


def test_credentials(page, api):
    login = page.fetch(f"{api}/login", method="POST", credentials="include")
    assert login.get("status") == 200, login
    with_cookie = page.fetch(f"{api}/echo/with", credentials="include", headers={"X-WeChat-OpenID": "o1"})
    assert with_cookie.get("status") == 200, with_cookie
    fields = dict(json.loads(with_cookie["text"])["fields"])
    assert fields["cookie"] == "session=s3ss10n-c00k1e"
    without = page.fetch(f"{api}/echo/without", credentials="omit")
    assert "cookie" not in dict(json.loads(without["text"])["fields"])


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_error_status_is_readable(page, api, status):
    result = page.fetch(f"{api}/status/{status}", headers={"X-WeChat-OpenID": "o1"})
    assert result.get("status") == status, result
    assert json.loads(result["text"]) == {"code": status, "message": "from the application"}


def test_own_refusal_is_readable(page, api):
    """413 is an answer of Viaduct itself."""
    assert page.fetch(f"{api}/upload", method="POST", body="x" * 50_000).get("status") == 200
    result = page.fetch(f"{api}/upload", method="POST", body="x" * 60_000)
    assert result.get("status") == 413, result
    assert result["headers"]["content-type"].startswith("application/problem+json")


def test_origin_that_is_not_listed_is_refused_and_the_log_says_why(foreign_page, api, daemon):
    result = foreign_page.fetch(f"{api}/echo/foreign", headers={"X-WeChat-OpenID": "o1"})
    assert "error" in result, result
    record = daemon.wait_record_where(lambda one: one["path"].endswith("/foreign"), "the refused preflight")
    assert (record["method"], record["status"], record["reason"]) == ("OPTIONS", 403, "cors_origin_not_allowed")
    assert not [one for one in daemon.access_records() if one["path"].endswith("/foreign") and one["method"] == "GET"]


def test_answer_to_an_origin_that_is_not_listed_is_unreadable(foreign_page, api):
    assert "error" in foreign_page.fetch(f"{api}/echo/foreign-simple")


@pytest.mark.parametrize("options, reason", [
    ({"method": "PATCH"}, "cors_method_not_allowed"),
    ({"headers": {"X-Not-Listed": "1"}}, "cors_header_not_allowed"),
])
def test_method_or_field_that_is_not_listed_is_refused(page, api, daemon, options, reason):
    assert "error" in page.fetch(f"{api}/echo/{reason}", **options)
    record = daemon.wait_record_where(lambda one: one["path"].endswith(f"/{reason}"), "the refused preflight")
    assert (record["method"], record["reason"]) == ("OPTIONS", reason)


def test_same_answer_without_a_browser(daemon):
    """The browser tests stand on an application that allows every origin by itself: the edge's fields win."""
    response = exchange(daemon.https, build_request("GET", "/api/v1/echo", [("Origin", "https://nobody.example")]))
    assert response.status == 200 and not response.all("Access-Control-Allow-Origin")
