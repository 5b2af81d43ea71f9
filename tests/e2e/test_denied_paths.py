# SPDX-License-Identifier: Apache-2.0
"""What `deny` names stays denied under every spelling, and a path that can be read as two routes is refused.

A path is matched twice when it holds dot segments, empty segments, backslashes, or escapes of / . % \\ and of control
characters: with and without resolving them. Denied in either reading: 403. Different decisions: 400."""
import pytest

from harness.client import HOST, RawClient, build_request, exchange, fetch
from harness.expect import ExpectedRecords
from harness.scene import V3_PATH, scene

DENIED = [
    "/api/v1/internal/payment/order/update",
    "/api/v1/internal/",
    "/api/v1/internal",
    "/api/v1/internal?order=1",
    "/api/v1/internal/?",
    # escapes of ordinary characters
    "/api/v1/%69nternal/x",
    "/api/v1/intern%61l/x",
    "/%61%70%69/%76%31/%69%6e%74%65%72%6E%61%6C/x",
    # escaped slashes
    "/api/v1/internal%2Fx",
    "/api/v1/internal%2f",
    "/api/v1%2finternal/x",
    "/api%2Fv1%2Finternal%2Fpayment",
    "/%2fapi/v1/internal/x",
    # empty segments
    "//api/v1/internal/x",
    "///api///v1///internal///x",
    "/api/v1//internal/x",
    "/api/v1/internal//x",
    "/api//v1/internal",
    # dot segments
    "/./api/v1/internal/x",
    "/api/v1/./internal/x",
    "/api/v1/internal/.",
    "/api/v1/internal/./x",
    "/api/v1/x/../internal/x",
    "/x/../api/v1/internal/x",
    "/../api/v1/internal/x",
    "/api/v1/a/b/../../internal/x",
    "/static/../api/v1/internal/x",
    "/api/v1/internal/../payment/notify",
    "/api/v1/internal/..",
    "/api/v1/x/..//internal/x",
    # escaped dots
    "/api/v1/%2e/internal/x",
    "/api/v1/x/%2e%2e/internal/x",
    "/api/v1/x/%2E%2E/internal/x",
    "/api/v1/x/.%2e/internal/x",
    "/api/v1/x/%2e./internal/x",
    "/api/v1/x%2f..%2finternal%2fx",
    "/api/v1/x/..%2Finternal/x",
    "/api/v1/internal/%2e%2e/payment/notify",
    # backslashes
    "/api/v1\\internal\\x",
    "/api/v1/internal\\x",
    "/api\\v1/internal/x",
    "/api/v1/x/..\\internal/x",
    "/api/v1/internal%5Cx",
    "/api/v1%5cinternal%5cx",
    "/api/v1/x/..%5cinternal/x",
    "/api/v1/x%5c..%5cinternal",
    # mixed
    "/%2e/%61pi//v1/%2e/x/../%69nternal%2fx",
    "/.git/config",
    "/.git",
    "/%2egit/config",
    "/.%67it/config",
    "//.git/config",
    "/static/../.git/config",
    "/.env",
    "/%2Eenv",
    "/./.env",
    "/x/..%2f.env",
    "/.env/",
]

# An escaped percent sign: an upstream that decodes twice would see the denied path.
DECODED_TWICE = ["/api/v1/%2569nternal/x", "/api/v1/internal%252Fx", "/api/v1/x/%252e%252e/internal/x",
                 "/api/v1/internal%255cx"]

# Each reading alone would be fine, but they are two routes.
AMBIGUOUS = [
    ("GET", "/api/v1/../static/style.css"),
    ("GET", "/static/../api/v1/orders"),
    ("GET", "/static/%2e%2e/index.html"),
    ("GET", "/static%2fstyle.css"),
    ("GET", "//static/style.css"),
    ("GET", "/static\\style.css"),
    ("GET", "/x/../api/v1/orders"),
    ("GET", "/api/v1/..%2f..%2findex.html"),
    ("POST", V3_PATH.replace("/notify", "//notify")),
    ("POST", V3_PATH.replace("/notify", "/./notify")),
    ("POST", V3_PATH.replace("/notify", "/x/../notify")),
    ("POST", V3_PATH.replace("/notify", "%2fnotify")),
]

# Names that only look like the denied one.
ALLOWED = ["/api/v1/internals/x", "/api/v1/internalx", "/api/v1/Internal/x", "/api/v1/INTERNAL", "/api/v1/x/internal/",
           "/api/v1/internal-docs", "/api/v1/x?path=/api/v1/internal/x", "/api/v1/%69nternals"]


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, raw):
    return start_daemon(scene(site_pair, web_root, raw.url))


@pytest.fixture(scope="module")
def records():
    return ExpectedRecords()


def assert_refused(records, raw, response, status, reason, label=None):
    assert response.status == status, response.head + response.body
    records.add(label, response, [reason])
    assert not raw.received, raw.received[0].head


@pytest.mark.parametrize("target", DENIED)
def test_denied_under_every_spelling(daemon, raw, records, target):
    raw.clear()
    assert_refused(records, raw, fetch(daemon.https, "GET", target), 403, "path_denied", target)


@pytest.mark.parametrize("target", DENIED)
def test_denied_byte_by_byte_and_for_post(daemon, raw, records, target):
    raw.clear()
    data = build_request("POST", target, body=b"{}")
    assert_refused(records, raw, exchange(daemon.http, data, "POST", step=1), 403, "path_denied", target)


@pytest.mark.parametrize("target", DENIED[:3] + DENIED[20:24])
def test_denied_in_absolute_form(daemon, raw, records, target):
    raw.clear()
    assert_refused(records, raw, fetch(daemon.http, "GET", f"http://{HOST}{target}"), 403, "path_denied", target)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_denied_for_every_method(daemon, raw, records, method):
    raw.clear()
    assert_refused(records, raw, fetch(daemon.https, method, "/api/v1/internal/x"), 403, "path_denied")


def test_denied_for_a_preflight_and_for_http_1_0(daemon, raw, records):
    raw.clear()
    preflight = [("Origin", "http://localhost:8000"), ("Access-Control-Request-Method", "POST")]
    response = fetch(daemon.https, "OPTIONS", "/api/v1/internal/x", preflight)
    assert_refused(records, raw, response, 403, "path_denied")
    response = fetch(daemon.http, "GET", "/api/v1/internal/x", host=None, version="HTTP/1.0")
    assert_refused(records, raw, response, 403, "path_denied")


@pytest.mark.parametrize("target", DECODED_TWICE)
def test_path_that_is_denied_when_decoded_twice_never_arrives(daemon, raw, records, target):
    raw.clear()
    response = fetch(daemon.https, "GET", target)
    assert response.status in (400, 403), response.head
    records.add(target, response, ["path_denied", "path_ambiguous"])
    assert not raw.received


@pytest.mark.parametrize("method, target", AMBIGUOUS)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_two_readings_that_are_two_routes_are_refused(daemon, raw, records, scheme, method, target):
    raw.clear()
    response = fetch(getattr(daemon, scheme), method, target, body=b"{}" if method == "POST" else None)
    assert_refused(records, raw, response, 400, "path_ambiguous", target)


@pytest.mark.parametrize("target", ALLOWED)
def test_names_that_only_look_alike_pass(daemon, raw, target):
    raw.clear()
    assert fetch(daemon.https, "GET", target).body == b"ok"
    assert raw.only().target == target


def test_denied_requests_keep_the_connection_in_step(daemon, raw):
    """A denied POST whose body was sent is answered once, and the next request on the connection is read right."""
    raw.clear()
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/api/v1/internal/x", body=b"GET /api/v1/smuggled HTTP/1.1\r\n\r\n"))
        refused = client.read_response("POST")
        assert refused.status == 403
        if "close" not in refused.tokens("Connection"):
            assert client.request("GET", "/api/v1/next").body == b"ok"
    assert [one.target for one in raw.received] in ([], ["/api/v1/next"])


def test_the_log_says_why_each_was_refused(daemon, records):
    records.check(daemon)
