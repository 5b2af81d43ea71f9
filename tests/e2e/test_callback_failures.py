# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong on a callback route, the platform gets its own form of failure, byte for byte and in time; and
what the upstream really says passes as it is."""
import time

import pytest

from harness import h2frames as h2
from harness.callbacks import CLIENTS, PROVIDERS, UNANSWERED, assert_failure_form, post, wait_late
from harness.client import RawClient, build_request
from harness.expect import ExpectedRecords
from harness.h2wire import H2Client
from harness.pattern import pattern
from harness.scene import proxy
from harness.upstream import Blackhole, ClosedPort, answer
from harness.waiting import SLOWNESS, wait_until

HOLD_MAX = 1024 * 1024
TOTAL = 0.5 * SLOWNESS
NOTICE = b'{"id":"EV-1","event_type":"TRANSACTION.SUCCESS"}'
HALF = answer(b'{"code":"SUCCESS"}')[:-9]


def half_then(ending):
    def handler(received):
        received.send(HALF)
        getattr(received, ending)()
    return handler


# name, upstream, handler of the upstream, body, reasons, sentence
FAILURES = [
    ("refused", "refused", None, NOTICE, {"upstream_connect_refused"}, "The service cannot be reached."),
    ("hole", "hole", None, NOTICE, {"upstream_connect_timeout"}, "The service cannot be reached in time."),
    ("unresolved", "unresolved", None, NOTICE, {"upstream_name_unresolved"}, "The service cannot be reached."),
    ("reset", "app", lambda one: one.reset(), NOTICE, {"upstream_reset"}, "The service did not answer."),
    ("closed", "app", lambda one: one.close(), NOTICE, {"upstream_closed"}, "The service did not answer."),
    ("silent", "app", lambda one: one.hang(), NOTICE, {"upstream_total_timeout"},
     "The service did not answer in time."),
    ("silent-in-the-middle", "app", half_then("hang"), NOTICE, {"upstream_total_timeout"},
     "The service did not answer in time."),
    ("half", "app", half_then("close"), NOTICE, {"upstream_truncated"}, "The answer of the service ended early."),
    ("garbage", "app", lambda one: b"\x16\x03\x01 hello\r\n\r\n", NOTICE, {"upstream_invalid_response"},
     "The service gave an invalid answer."),
    ("too-large", "app", None, pattern(2000), {"body_too_large"}, "The body is too large."),
    ("stranger", "enforced", None, NOTICE, {"address_not_allowed"}, "Access from this address is denied."),
]


@pytest.fixture(scope="module")
def closed():
    port = ClosedPort()
    yield port
    port.close()


@pytest.fixture(scope="module")
def blackhole():
    hole = Blackhole()
    yield hole
    hole.close()


def route(name, provider, upstream, **more):
    return proxy(f"{name}-{provider}", {"exact": f"/{name}/{provider}", "methods": ["POST"]}, upstream,
                 callback=provider, **more)


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, place, raw, closed, blackhole):
    (place / "page.html").write_text("<h1>later</h1>")
    short = {"timeouts": {"connect": f"{int(TOTAL * 500)}ms", "read": "2s", "total": f"{int(TOTAL * 1000)}ms"},
             "body_limit": 1000, "retry": {"attempts": 1}}
    upstreams = {"app": [raw.url], "refused": [closed.url], "hole": [blackhole.url],
                 "unresolved": ["http://no-such-host.invalid:80"]}
    routes = []
    for provider in PROVIDERS:
        routes += [route(name, provider, name, **short) for name in upstreams]
        allow = {"addresses": ["192.0.2.0/24"], "mode": "enforce"}
        routes += [route("enforced", provider, "app", allow=allow, **short), route("default", provider, "app"),
                   route("kept", provider, "kept", retry={"budget": "100%"})]
    upstreams["kept"] = [raw.url]
    routes.append(proxy("ordinary", {"exact": "/kept/ordinary", "methods": ["POST"]}, "kept"))
    return start_daemon({
        "listeners": [{"address": "127.0.0.1:0", "tls": True}, {"address": "127.0.0.1:0"}],
        "client": {"body_timeout": "30s"},
        "upstreams": {name: {"servers": servers} for name, servers in upstreams.items()},
        "sites": [{"hosts": ["www.xintuxiangce.top"], "tls": site_pair.as_config(), "routes": routes}],
        "errors": {"400-599": {"file": str(place / "page.html")}},
    })


@pytest.fixture(scope="module")
def records(daemon):
    expected = ExpectedRecords()
    yield expected
    expected.check(daemon)


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()
    raw.handler = lambda received: answer()
    yield
    raw.handler = lambda received: answer()


# ---- every failure, every platform, every client --------------------------------------------------------------------


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure[0])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_failure_has_the_form_of_the_platform(daemon, authority, raw, records, provider, client, failure):
    name, upstream, handler, body, reasons, sentence = failure
    if handler:
        raw.handler = handler
    response = post(daemon, client, f"/{upstream}/{provider}", body, authority.ca_file)
    assert_failure_form(response, provider, sentence)
    if response is not None:
        assert not (provider in ("wechat_pay_v3", "generic") and response.status < 300)
        records.add((name, provider, client), response, reasons)


def test_silence_is_in_the_log_with_its_reason(daemon, authority):
    route_name = "refused-wechat_push"
    before = [one for one in daemon.access_records() if one["route"] == route_name]
    assert post(daemon, "curl-1.1", "/refused/wechat_push", NOTICE, authority.ca_file) is None
    found = wait_until(lambda: [one for one in daemon.access_records() if one["route"] == route_name][len(before):],
                       "the line of the notice")
    assert (found[0]["status"], found[0]["reason"], found[0]["bytes_out"]) == (
        UNANSWERED, "upstream_connect_refused", 0)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_body_that_does_not_come_fails_in_time_and_is_not_sent(daemon, raw, provider):
    """It is the client's fault and nobody else's; HTTP/1 ends the connection, since the rest may still come."""
    before = len([one for one in daemon.access_records() if one["reason"] == "body_timeout"])
    with RawClient(daemon.http.port) as client:
        begun = time.monotonic()
        client.send(build_request("POST", f"/app/{provider}", [("Content-Length", "100")]) + b"half")
        if provider == "wechat_push":
            assert client.at_end()
        else:
            response = client.read_response()
            assert_failure_form(response, provider, "The request body did not arrive in time.")
            assert response.tokens("Connection") == ["close"] and client.at_end()
        assert TOTAL * 0.9 <= time.monotonic() - begun <= TOTAL + SLOWNESS
    assert not raw.received
    record = daemon.wait_reason("body_timeout", before + 1)
    assert (record["route"], record["attempts"], record["server"]) == (f"app-{provider}", 0, "")
    assert record["request_id"] not in daemon.error_text()


def test_body_that_does_not_come_over_http2(daemon, raw):
    with H2Client(daemon.https) as client:
        client.send(client.post(1, "/app/wechat_pay_v3", ("content-length", "10")) + h2.data(1, b"abc"))
        answered = client.expect_answer(1)
        assert (answered.status, answered.get("connection")) == (500, None)
        assert daemon.record_of(answered)["reason"] == "body_timeout"
        client.ping()
    assert not raw.received


@pytest.mark.parametrize("client", ["curl-1.1", "curl-2"])
def test_failure_comes_within_the_default_deadline(daemon, authority, raw, client):
    raw.handler = lambda received: time.sleep(6) or answer()  # answers then, so that nothing runs on behind the test
    begun = time.monotonic()
    response = post(daemon, client, "/default/wechat_pay_v3", NOTICE, authority.ca_file)
    # The daemon's time, without that of a curl that starts on a busy machine.
    assert 4.4 <= time.monotonic() - begun and daemon.record_of(response)["total_ms"] < 4600 + 300 * SLOWNESS
    assert_failure_form(response, "wechat_pay_v3", "The service did not answer in time.")
    assert "status=200" in wait_late(daemon, response.request_id)


def test_refusal_before_a_route_is_known_is_as_everywhere(daemon):
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/app/alipay", [("Content-Length", "1"), ("Content-Length", "2")]))
        response = client.read_response()
        assert (response.status, response.body) == (400, b"<h1>later</h1>")


def test_connection_goes_on_behind_a_failure(daemon, raw):
    replies = iter([half_then("close"), lambda received: answer(b"success")])
    raw.handler = lambda received: next(replies)(received)
    with RawClient(daemon.http.port) as client:
        assert client.request("POST", "/app/alipay", body=NOTICE).body == b"fail"
        assert client.request("POST", "/app/alipay", body=NOTICE).body == b"success"


# ---- answers of the upstream ----------------------------------------------------------------------------------------


ANSWERS = {
    "200": answer('{"code":"SUCCESS","message":"成功"}'.encode(), fields=[("coNtent-type", "x/y"), ("X-A", "")]),
    "204": answer(b"", "204 No Content", (), framing="none"),
    "401": answer(b'{"code":"FAIL"}', "401 Signature wrong"),
    "302": answer(b"", "302 Found", [("Location", "/x?y=%20")]),
    "500": answer(b"oops\n", "500 Oops"),
    "empty": answer(b""),
    "chunked": answer(b"success", framing="chunked"),
    "close": answer(b"success", framing="close"),
    "at-the-bound": answer(pattern(HOLD_MAX)),
    "beyond-the-bound": answer(pattern(HOLD_MAX + 1), framing="chunked"),
    "far-beyond": answer(pattern(5_000_000)),
}


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("client", CLIENTS)
def test_answer_passes_as_it_is(daemon, authority, raw, kind, client):
    data = ANSWERS[kind]
    raw.handler = lambda received: data
    response = post(daemon, client, "/default/wechat_pay_v3", NOTICE, authority.ca_file)
    head, _, payload = data.partition(b"\r\n\r\n")
    _, status, phrase = head.split(b"\r\n")[0].decode().split(" ", 2)
    assert response.status == int(status)
    if client != "curl-2":
        assert response.reason == phrase
    if kind == "chunked":
        payload = b"success"
    if kind == "beyond-the-bound":
        payload = pattern(HOLD_MAX + 1)
    assert response.body == payload
    assert raw.only().raw_body == NOTICE
    sized = [line.split(b": ")[1].decode() for line in head.split(b"\r\n") if line.startswith(b"Content-Length")]
    if client == "raw-1.0" and kind in ("chunked", "close"):
        sized = [str(len(payload))]  # it knows no chunks, and could not tell a cut answer from a whole one
    if client == "raw-1.0" and kind == "beyond-the-bound" and response.get("Content-Length"):
        sized = [str(len(payload))]  # its last piece may be the one that is too much
    assert response.all("Content-Length") == sized


@pytest.mark.parametrize("size, is_held", [(HOLD_MAX, True), (HOLD_MAX + 100_000, False)])
def test_answer_that_dies_is_a_failure_as_long_as_it_is_held(daemon, raw, size, is_held):
    def handler(received):
        received.send(answer(pattern(size + 10))[:-10])
        received.close()

    raw.handler = handler
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/default/wechat_pay_v3", body=NOTICE))
        response = client.read_response()
        if is_held:
            assert_failure_form(response, "wechat_pay_v3", "The answer of the service ended early.")
        else:
            assert response.status == 200 and not response.complete


# ---- what is sent again ---------------------------------------------------------------------------------------------


def first_on_a_connection(received):
    """Answers the first request of a connection, and closes on the second without a byte."""
    if received.number_on_connection == 0:
        return answer(b"first")
    received.close()
    return None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_notice_is_sent_again_once_when_a_kept_connection_dies(daemon, raw, provider):
    raw.handler = first_on_a_connection
    with RawClient(daemon.http.port) as client:  # one connection, so that one worker has it
        client.request("POST", f"/kept/{provider}", body=b"warm")
        for number in range(5):
            raw.clear()
            assert client.request("POST", f"/kept/{provider}", body=b"%d" % number).body == b"first"
            assert [one.body for one in raw.received] == [b"%d" % number] * 2


def test_post_elsewhere_is_never_sent_again(daemon, raw):
    raw.handler = first_on_a_connection
    with RawClient(daemon.http.port) as client:
        statuses = []
        for number in range(6):
            raw.clear()
            statuses.append(client.request("POST", "/kept/ordinary", body=b"%d" % number).status)
            assert [one.body for one in raw.received] == [b"%d" % number]
        assert set(statuses[-2:]) == {200, 502}
