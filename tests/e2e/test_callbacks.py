# SPDX-License-Identifier: Apache-2.0
"""Notices of WeChat Pay, Official Accounts and Alipay cross byte for byte: the application behind verifies them, and
its answer comes back as it was. Each test runs on plain proxy routes and on callback routes."""
import pytest

from harness import notices
from harness.client import HOST, RawClient, exchange
from harness.curl import Curl, notice_options
from harness.expect import assert_same_answer, carried
from harness.scene import ALIPAY_PATH, V3_PATH, plain_scene, proxy, scene
from harness.upstream import answer
from harness.wire import WireReader

ON_CALLBACK_ROUTES = [one for one in notices.ALL if one.method == "POST"]
REPLIES = ["200-empty", "204", "200-gbk", "401", "500", "302"]


@pytest.fixture(scope="module", params=["plain", "callback"])
def callbacks(request):
    return request.param == "callback"


@pytest.fixture(scope="module")
def daemon(callbacks, start_daemon, site_pair, web_root, apps):
    return start_daemon(scene(site_pair, web_root, apps.urls["app"], apps.urls["web"], callbacks=callbacks))


@pytest.fixture(scope="module")
def recorded(callbacks, start_daemon, site_pair, web_root, raw):
    """The same scene before the recording upstream."""
    return start_daemon(scene(site_pair, web_root, raw.url, callbacks=callbacks))


@pytest.fixture()
def curl(daemon, authority):
    return Curl(daemon, authority.ca_file)


def assert_expected(response, notice):
    assert (response.status, response.body) == (notice.expected_status, notice.expected_body), response.head


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
def test_posted_by_curl_over_tls(curl, notice):
    assert_expected(curl(notice.target, *notice_options(notice), stdin=notice.body), notice)


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
def test_posted_by_curl_over_plain_http(curl, daemon, notice):
    assert_expected(curl(notice.target, *notice_options(notice), stdin=notice.body, listener=daemon.http), notice)


@pytest.mark.parametrize("notice", ON_CALLBACK_ROUTES, ids=notices.by_name)
def test_callback_route_is_not_redirected_to_https(daemon, callbacks, notice):
    response = exchange(daemon.redirecting, notice.raw(), notice.method)
    if callbacks:
        assert_expected(response, notice)
    else:
        assert response.status == 308 and response.get("Location").startswith(f"https://{HOST}:{daemon.https.port}/")


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_split_into_one_byte_segments(daemon, scheme, notice):
    assert_expected(exchange(getattr(daemon, scheme), notice.raw(), step=1), notice)


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
@pytest.mark.parametrize("host", [HOST, None], ids=["with-host", "without-host"])
def test_over_http_1_0(daemon, host, notice):
    with RawClient(daemon.http.port) as client:
        client.send(notice.raw("HTTP/1.0", host=host))
        response = client.read_response()
        assert_expected(response, notice)
        assert not response.all("Transfer-Encoding")
        assert client.at_end()


@pytest.mark.parametrize("hosts, lent", [(["*.pay.example", "pay.example"], "pay.example"), (["*.pay.example"], None),
                                         (None, None)])
def test_host_of_the_server_is_lent_to_nobody(start_one, raw, hosts, lent):
    """Some SDKs skip the check of the signature where the Host is their own, as of a local call."""
    routes = [proxy("pay", {"exact": "/pay"}, "app", callback="wechat_pay_v3"), proxy("all", {"prefix": "/"}, "app")]
    config = plain_scene(raw.url.replace("127.0.0.1", "localhost"), routes)
    config["sites"][0] |= {"hosts": hosts} if hosts else {"default": True}
    if not hosts:
        del config["sites"][0]["hosts"]
    daemon = start_one(config)
    raw.clear()
    raw.handler = lambda received: answer()
    for target, status in (("/pay", 500), ("/x", 400)):
        response = exchange(daemon.http, f"POST {target} HTTP/1.0\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        assert response.status == (200 if lent else status)
        assert daemon.record_of(response)["reason"] == ("" if lent else "missing_host")
    assert [one.get("Host") for one in raw.received] == ([lent, lent] if lent else [])


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
def test_with_connection_keep_alive_twice(daemon, notice):
    data = notice.raw(connection=("Keep-Alive", "Keep-Alive"))
    with RawClient(daemon.https.port, tls=True) as client:
        for _ in range(2):
            client.send(data)
            assert_expected(client.read_response(), notice)


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
def test_without_sni(daemon, notice):
    assert_expected(exchange(daemon.https, notice.raw(), sni=None), notice)


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
@pytest.mark.parametrize("listener", ["https", "http"])
def test_arrives_with_spelling_order_target_and_bytes(recorded, raw, listener, notice):
    raw.clear()
    data = notice.raw(connection=("Keep-Alive", "Keep-Alive"))
    assert exchange(getattr(recorded, listener), data).body == b"ok"
    received = raw.only()
    assert (received.method, received.target, received.version) == (notice.method, notice.target, "HTTP/1.1")
    assert carried(received.fields) == carried(notice.sent_fields())
    assert received.raw_body == (notice.body or b"")


def test_fields_may_repeat_and_have_any_case(recorded, raw):
    raw.clear()
    fields = [("wEcHaTpAy-NoNcE", "a"), ("X-Twice", "1"), ("x_underscore", "u"), ("X-TWICE", "2"), ("X-Empty", ""),
              ("x-twice", "3"), ("X-UTF8", "支付".encode().decode("latin-1")), ("X-Spaces", "a  b\tc")]
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")
    data = f"POST {V3_PATH} HTTP/1.1\r\nhOsT: {HOST}\r\n".encode() + lines + b"content-LENGTH: 2\r\n\r\n{}"
    assert exchange(recorded.https, data).status == 200
    assert carried(raw.only().fields) == [("hOsT", HOST), *fields, ("content-LENGTH", "2")]


def test_form_bytes_stay_as_they_are_in_any_charset(recorded, raw):
    raw.clear()
    gbk = "信图相册".encode("gbk")
    body = (b"charset=GBK&subject=" + b"".join(b"%%%02x" % byte for byte in gbk) + b"&a=1+2%2B3%203&b=%26%3d&c=" + gbk
            + b"&empty=&&=x&d=%E6%94%AF\r\n")
    notice = notices.Notice("gbk", "POST", ALIPAY_PATH, (("Content-Type", "application/x-www-form-urlencoded"),), body,
                            200, b"ok")
    assert_expected(exchange(recorded.https, notice.raw()), notice)
    assert raw.only().raw_body == body


@pytest.mark.parametrize("notice", [notices.v3_notice(), notices.v2_payment_notice(), notices.SIGNTEST,
                                    notices.alipay_notice("alipay_trade"), notices.check_notice()], ids=notices.by_name)
def test_answer_comes_back_as_it_was(daemon, apps, notice):
    port = apps.ports["web" if notice.method == "GET" else "app"]
    with RawClient(port) as direct:
        direct.send(notice.raw())
        assert_same_answer(exchange(daemon.https, notice.raw()), direct.read_response())


@pytest.mark.parametrize("kind", REPLIES)
def test_reply_of_any_status_comes_back_as_it_was(daemon, apps, kind):
    notice = notices.v3_notice().with_field("X-Test-Reply", kind)
    with RawClient(apps.ports["app"]) as direct:
        direct.send(notice.raw())
        expected = direct.read_response()
    response = exchange(daemon.https, notice.raw())
    assert expected.status == int(kind[:3])
    assert_same_answer(response, expected)
    record = daemon.record_of(response)
    assert record["status"] == expected.status and not record["reason"], record


def test_reply_keeps_spelling_order_and_repetition(recorded, raw):
    fields = [("sErVeR", "tOmcat"), ("X-A", "1"), ("x-b", "2"), ("X-a", "3"), ("Content-type", "text/XML;charset=GBK"),
              ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/"), ("X-Empty", ""),
              ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]
    body = b"\xef\xbb\xbf<xml>\r\n<return_code>SUCCESS</return_code></xml>\n\0"
    raw.handler = lambda received: answer(body, "299 Very OK", fields)
    try:
        response = exchange(recorded.https, notices.v3_notice().raw())
    finally:
        raw.handler = lambda received: answer()
    assert (response.status, response.reason, response.body) == (299, "Very OK", body)
    assert carried(response.fields, "content-length") == fields


def test_204_carries_no_length_and_no_body(recorded, raw):
    raw.handler = lambda received: answer(b"", "204 No Content", (), framing="none")
    try:
        with RawClient(recorded.https.port, tls=True) as client:
            client.send(notices.v3_notice().raw() * 2)
            for _ in range(2):
                response = client.read_response()
                assert response.status == 204
                assert not response.all("Content-Length") and not response.all("Transfer-Encoding")
    finally:
        raw.handler = lambda received: answer()


def test_probe_is_logged_with_the_answer_of_the_upstream(daemon, callbacks):
    response = exchange(daemon.https, notices.SIGNTEST.raw())
    record = daemon.record_of(response)
    assert (record["route"], record["status"], record["upstream"]) == ("payment-notify", 401, "app")
    assert not record["reason"] and record["attempts"] == 1
    assert notices.SIGNTEST.body.decode()[:40] not in daemon.access_text()


def test_pipelined_notices_are_answered_in_order(daemon):
    sequence = [notices.v3_notice(), notices.v2_payment_notice(), notices.SIGNTEST,
                notices.alipay_notice("alipay_trade")]
    with RawClient(daemon.https.port, tls=True) as client:
        client.send(b"".join(notice.raw() for notice in sequence))
        reader: WireReader = client.reader
        for notice in sequence:
            assert_expected(client.read_response(), notice)
        assert not reader.buffer
