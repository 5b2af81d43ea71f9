# SPDX-License-Identifier: Apache-2.0
"""The access log: its keys, masked queries, a line for every request also when it was refused while parsing, the other
formats, reopening, and that no secret ever enters it."""
import datetime
import json
import re
import signal

import pytest

from harness.client import HOST, RawClient, build_request, exchange, fetch
from harness.scene import plain_scene, proxy
from harness.upstream import answer
from harness.waiting import wait_until

KEYS = {"time", "request_id", "client_ip", "client_port", "site", "route", "method", "host", "path", "query", "version",
        "tls_version", "tls_cipher", "status", "bytes_in", "bytes_out", "upstream", "server", "attempts", "total_ms",
        "wait_ms", "connect_ms", "tls_ms", "upstream_header_ms", "upstream_ms", "reason", "user_agent", "referer"}
SECRETS = ["s3cr3t-token", "s3cr3t-cookie", "s3cr3t-basic", "s3cr3t-body", "s3cr3t-answer", "s3cr3t-referer",
           "s3cr3t-set-cookie"]


def make_config(raw, site_pair, access=None):
    routes = [proxy("api", {"prefix": "/api/"}, "app"),
              {"name": "own", "match": {"exact": "/own"}, "respond": {"status": 200, "body": "own answer"}}]
    config = plain_scene(raw.url, routes)
    config["listeners"] = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = site_pair.as_config()
    if access:
        config["logs"] = {"access": access}
    return config


@pytest.fixture(scope="module")
def daemon(start_daemon, raw, site_pair):
    return start_daemon(make_config(raw, site_pair))


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()
    raw.handler = lambda received: answer(b"0123456789")


# ---- JSON -----------------------------------------------------------------------------------------------------------


def test_all_keys_of_a_proxied_exchange(daemon, raw):
    fields = [("User-Agent", 'quo"ted \\ agent 浏览器'.encode().decode("latin-1")),
              ("Referer", "https://a.example/p?s=s3cr3t")]
    response = fetch(daemon.https, "POST", "/api/orders?page=2&token=s3cr3t-token", fields, b"12345")
    record = daemon.record_of(response)
    assert KEYS <= set(record), KEYS - set(record)
    assert (record["method"], record["host"], record["path"]) == ("POST", HOST, "/api/orders")
    assert (record["site"], record["route"], record["upstream"]) == (HOST, "api", "app")
    assert (record["status"], record["attempts"], record["client_ip"]) == (200, 1, "127.0.0.1")
    assert record["version"] in ("HTTP/1.1", "1.1") and record["tls_version"] in ("TLSv1.3", "1.3")
    assert re.match(r"TLS_[A-Z0-9_]+$", record["tls_cipher"])
    assert record["server"].endswith(f"127.0.0.1:{raw.port}")
    assert record["bytes_in"] >= 5 and record["bytes_out"] >= 10
    assert record["user_agent"] == 'quo"ted \\ agent 浏览器' and record["referer"] == "https://a.example/p"
    assert not record["reason"]


def test_times_are_numbers_that_fit_together(daemon, raw):
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    record = daemon.record_of(fetch(daemon.http, "GET", "/api/x"))
    for key in ("total_ms", "upstream_header_ms", "upstream_ms"):
        assert isinstance(record[key], (int, float)) and record[key] >= 0, key
    assert record["upstream_header_ms"] <= record["total_ms"] + 1
    moment = datetime.datetime.fromisoformat(record["time"])
    assert moment.tzinfo is not None
    assert before < moment < datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)


def test_what_does_not_apply_is_empty(daemon):
    record = daemon.record_of(fetch(daemon.http, "GET", "/own"))
    assert KEYS <= set(record)
    for key in ("tls_version", "tls_cipher", "upstream", "server", "reason", "user_agent", "referer", "query"):
        assert not record[key], key
    assert record["route"] == "own" and not record["attempts"]


def test_query_values_are_masked(daemon):
    record = daemon.record_of(fetch(daemon.http, "GET", "/api/x?user=alice&token=s3cr3t-token&flag&empty="))
    query = record["query"]
    assert [part.split("=")[0] for part in query.split("&")] == ["user", "token", "flag", "empty"]
    assert "alice" not in query and "s3cr3t" not in query


def test_no_secret_is_logged(daemon, raw):
    raw.handler = lambda received: answer(b"s3cr3t-answer", fields=[("Set-Cookie", "a=s3cr3t-set-cookie")])
    fields = [("Authorization", "Basic s3cr3t-basic"), ("Cookie", "session=s3cr3t-cookie"),
              ("Referer", "https://a.example/x?k=s3cr3t-referer"), ("Proxy-Authorization", "Basic s3cr3t-basic")]
    response = fetch(daemon.http, "POST", "/api/x?access_token=s3cr3t-token", fields, b"s3cr3t-body")
    daemon.record_of(response)
    text = daemon.access_text() + "\n".join(daemon.error_lines)
    assert not [secret for secret in SECRETS if secret in text]


def test_hostile_fields_make_one_whole_line(daemon):
    fields = [("User-Agent", '"},{"status":200,"x":"'), ("Referer", "\\u000a\\"), ("X-Request-ID", '"forged"')]
    record = daemon.record_of(fetch(daemon.http, "GET", "/api/%22%0a%5cx?a=%0a", fields))
    assert record["user_agent"] == '"},{"status":200,"x":"' and record["status"] == 200


def test_bytes_that_are_no_utf8_keep_the_log_readable(daemon):
    response = fetch(daemon.http, "GET", "/api/x", [("User-Agent", b"\xff\xfe\xd6\xa7".decode("latin-1"))])
    assert daemon.record_of(response)["status"] == 200
    daemon.access_path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("data, status, reason", [
    (b"garbage\r\n\r\n", 400, "malformed_request_line"),
    (b"GET /api/x?token=s3cr3t-token HTTP/1.1\r\n\r\n", 400, "missing_host"),
    (b"GET /api/x HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n\r\n", 400, "malformed_header"),
    (b"POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400, "invalid_content_length"),
    (b"GET /" + b"t" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "target_too_long"),
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "unsupported_version"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_refused_while_parsing_has_its_line(daemon, data, status, reason):
    for listener in (daemon.http, daemon.https):
        response = exchange(listener, data)
        record = daemon.record_of(response)
        assert (response.status, record["status"], record["reason"]) == (status, status, reason)
        assert record["client_ip"] == "127.0.0.1" and KEYS <= set(record)
    assert "s3cr3t-token" not in daemon.access_text()


def test_every_request_has_exactly_one_line(start_one, raw, site_pair):
    daemon = start_one(make_config(raw, site_pair))
    with RawClient(daemon.http.port) as client:
        client.send(build_request("GET", "/api/x") * 30 + build_request("GET", "/own") * 10 + b"garbage\r\n\r\n")
        seen = [client.read_response() for _ in range(41)]
    assert daemon.stop() == 0
    records = daemon.access_records()
    assert [one["request_id"] for one in records] == [one.request_id for one in seen]
    assert [one["status"] for one in records] == [200] * 40 + [400]


def test_log_is_on_disk_within_a_second(daemon):
    response = fetch(daemon.http, "GET", "/api/x")
    wait_until(lambda: response.request_id in daemon.access_text(), "the line within a second", 1.5)


# ---- other formats and queries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, expected", [("full", "b=2&a=%E6%94%AF&b"), ("keys", None)])
def test_query_modes(start_one, raw, site_pair, mode, expected):
    daemon = start_one(make_config(raw, site_pair, {"query": mode}))
    record = daemon.record_of(fetch(daemon.http, "GET", "/api/x?b=2&a=%E6%94%AF&b"))
    if expected is not None:
        assert record["query"] == expected
    else:
        assert "2" not in record["query"] and "E6" not in record["query"]
        assert re.findall(r"[a-z]+", record["query"]) == ["b", "a", "b"]


QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
COMBINED = re.compile(r"^(\S+) - (\S+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
                      rf"{QUOTED} (\d{{3}}) (\d+|-) {QUOTED} {QUOTED}$")


def test_combined_format(start_one, raw, site_pair):
    daemon = start_one(make_config(raw, site_pair, {"format": "combined"}))
    fields = [("User-Agent", 'a "quoted" agent'), ("Referer", "https://a.example/p?s=s3cr3t")]
    fetch(daemon.http, "GET", "/api/x?token=s3cr3t-token", fields)
    exchange(daemon.http, b"garbage\r\n\r\n")
    wait_until(lambda: daemon.access_text().count("\n") == 2, "two lines")
    second, first = sorted(daemon.access_text().splitlines(), key=lambda line: "/api/x" in line)
    match = COMBINED.match(first)
    assert match, first
    datetime.datetime.strptime(match[3], "%d/%b/%Y:%H:%M:%S %z")
    assert match[1] == "127.0.0.1" and match[4].startswith("GET /api/x") and match[4].endswith(" HTTP/1.1")
    assert match[5] == "200" and "https://a.example/p" in match[7] and "quoted" in match[8]
    assert "s3cr3t" not in first
    assert COMBINED.match(second) and COMBINED.match(second)[5] == "400", second


def test_template_format(start_one, raw, site_pair):
    template = "${client_ip} ${method} ${path} ${status} ${route} ${request_id} [${reason}]"
    daemon = start_one(make_config(raw, site_pair, {"format": template}))
    first = fetch(daemon.http, "GET", "/api/x?a=1")
    second = fetch(daemon.http, "DELETE", "/nowhere")
    wait_until(lambda: daemon.access_text().count("\n") == 2, "two lines")
    lines = sorted(daemon.access_text().splitlines(), key=lambda line: "DELETE" in line)
    assert re.fullmatch(rf"127\.0\.0\.1 GET /api/x 200 api {re.escape(first.request_id)} \[-?\]", lines[0]), lines[0]
    assert re.fullmatch(rf"127\.0\.0\.1 DELETE /nowhere 404 -? ?{re.escape(second.request_id)} \[no_route\]", lines[1])


# ---- rotation -------------------------------------------------------------------------------------------------------


def test_usr1_reopens_the_log(start_one, raw, site_pair):
    daemon = start_one(make_config(raw, site_pair))
    first = fetch(daemon.http, "GET", "/api/before")
    daemon.record_of(first)
    with RawClient(daemon.http.port) as client:
        client.request("GET", "/api/kept")
        rotated = daemon.access_path.with_suffix(".1")
        wait_until(lambda: "/api/kept" in daemon.access_text(), "the second line")
        daemon.access_path.rename(rotated)
        daemon.send_signal(signal.SIGUSR1)
        wait_until(daemon.access_path.exists, "the new file")
        second = client.request("GET", "/api/after")
        assert daemon.record_of(second)["path"] == "/api/after"
    old = [json.loads(line)["path"] for line in rotated.read_text().splitlines()]
    assert old == ["/api/before", "/api/kept"] and "/api/before" not in daemon.access_text()


def test_log_that_cannot_be_opened_anew_is_not_said_to_be(start_one, raw, site_pair, place):
    logs = place / "logs"
    logs.mkdir()
    config = make_config(raw, site_pair)
    config["logs"] = {"access": {"file": str(logs / "access.log")}}
    daemon = start_one(config)
    logs.rename(place / "away")
    daemon.send_signal(signal.SIGUSR1)
    daemon.wait_error("log_reopen_failed .*access.log")
    (place / "away").rename(logs)
    daemon.send_signal(signal.SIGUSR1)
    daemon.wait_error("logs_reopened")
    assert len([line for line in daemon.error_lines if "logs_reopened" in line]) == 1


def test_rotation_under_load_loses_no_line(start_one, raw, site_pair):
    daemon = start_one(make_config(raw, site_pair))
    files, ids = [], []
    with RawClient(daemon.http.port) as client:
        for number in range(5):
            ids += [client.request("GET", f"/api/{index}").request_id for index in range(50)]
            rotated = daemon.access_path.with_suffix(f".{number}")
            daemon.access_path.rename(rotated)
            files.append(rotated)
            daemon.send_signal(signal.SIGUSR1)
            wait_until(daemon.access_path.exists, "the new file")
    assert daemon.stop() == 0
    text = "".join(path.read_text() for path in [*files, daemon.access_path])
    assert sorted(json.loads(line)["request_id"] for line in text.splitlines()) == sorted(ids)
