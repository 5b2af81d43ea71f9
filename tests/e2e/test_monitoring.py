# SPDX-License-Identifier: Apache-2.0
"""What monitors see: /livez, /readyz and /metrics on the health listener, and `viaduct status` on the admin socket."""
import contextlib
import json
import re
import signal
import socket

import pytest

from harness.balancing import HEALTH_PATH, named_servers
from harness.cli import run
from harness.client import HOST, Ended, RawClient, fetch
from harness.daemon import Daemon
from harness.metrics import health_listener, metrics, value
from harness.scene import plain_scene, proxy
from harness.waiting import wait_until

CHECK = {"path": HEALTH_PATH, "interval": "200ms", "timeout": "200ms", "rise": 1, "fall": 1}


@pytest.fixture()
def server():
    with named_servers(1) as (one,):
        yield one


def watched_scene(server, **upstream):
    routes = [proxy("api", {"prefix": "/api/"}, "app"),
              {"name": "page", "match": {"prefix": "/"}, "respond": {"body": "hello"}}]
    scene = plain_scene(server.url, routes)
    scene["sites"][0]["deny"] = ["/.git"]
    return {**scene, "upstreams": {"app": {"servers": [server.url], **upstream}}, "admin": {"health": "127.0.0.1:0"}}


def ask(daemon, path):
    return fetch(health_listener(daemon), "GET", path)


def status(daemon):
    result = run("status", "--json", "-c", daemon.config_path)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


# ---- the health listener --------------------------------------------------------------------------------------------


def test_livez_and_readyz_answer_monitors(start_one, server):
    daemon = start_one(watched_scene(server))
    live = ask(daemon, "/livez")
    assert (live.status, live.body) == (200, b"ok\n")
    ready = ask(daemon, "/readyz")
    assert (ready.status, json.loads(ready.body)) == (200, {"ready": True, "reasons": []})
    assert ready.get("Content-Type") == "application/json" and ready.get("Cache-Control") == "no-store"
    assert ask(daemon, "/").status == 404
    assert fetch(health_listener(daemon), "POST", "/livez").status == 405
    assert fetch(health_listener(daemon), "HEAD", "/metrics").status == 200


def test_silent_connections_keep_no_monitor_out(start_one, server):
    daemon = start_one(watched_scene(server))
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(RawClient(health_listener(daemon).port)) for _ in range(80)]
        assert ask(daemon, "/livez").body == b"ok\n"
        assert silent[0].at_end()
        daemon.wait_error("connection_ended reason=connection_limit client_ip=127.0.0.1")
        # The youngest is let go by its own time, which is far below that of an idle connection.
        assert not silent[-1].is_readable() and silent[-1].at_end()


def test_readyz_follows_the_servers_that_routes_need(start_one, server):
    daemon = start_one(watched_scene(server, health=CHECK))
    wait_until(lambda: ask(daemon, "/readyz").status == 200, "ready")
    server.health_status = "503 Service Unavailable"
    wait_until(lambda: ask(daemon, "/readyz").status == 503, "no server is left")
    page = json.loads(ask(daemon, "/readyz").body)
    assert page["ready"] is False and page["reasons"][0]["upstream"] == "app"
    assert f"{server.address} is unhealthy" in page["reasons"][0]["reason"]
    assert value(daemon, "viaduct_upstream_server_up", upstream="app", server=server.address) == 0
    assert ask(daemon, "/livez").status == 200, "the process itself is well"
    server.health_status = "200 OK"
    wait_until(lambda: ask(daemon, "/readyz").status == 200, "ready again")


def test_readyz_says_that_the_process_ends(start_one, server):
    daemon = start_one(watched_scene(server))
    with RawClient(daemon.http.port) as client:
        client.send(b"POST /api/x HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\nContent-Length: 5\r\n\r\nab")
        wait_until(lambda: value(daemon, "viaduct_connections") == 1, "the connection is there")
        listener = health_listener(daemon)
        daemon.send_signal(signal.SIGTERM)
        wait_until(lambda: fetch(listener, "GET", "/readyz").status == 503, "not ready any more")
        assert b"shutting down" in fetch(listener, "GET", "/readyz").body
        assert fetch(listener, "GET", "/livez").status == 200
        client.send(b"cde")
        assert client.read_response("POST").status == 200
    assert daemon.wait_stopped() == 0


def test_metrics_are_clean_and_count(start_one, server):
    daemon = start_one(watched_scene(server))
    listener = daemon.http
    for _ in range(3):
        assert fetch(listener, "GET", "/api/x").status == 200
    assert fetch(listener, "GET", "/").status == 200
    assert fetch(listener, "GET", "/.git/config").status == 403
    assert fetch(listener, "GET", "/", host="nobody.example").status == 421

    def counted(code, route, site=HOST):
        return value(daemon, "viaduct_requests_total", site=site, route=route, code=code)

    wait_until(lambda: counted("2xx", "api") == 3, "the requests are counted")
    assert counted("2xx", "page") == 1
    assert counted("4xx", "") == 1, "denied before there was a route"
    assert value(daemon, "viaduct_refusals_total", reason="path_denied") == 1
    assert value(daemon, "viaduct_refusals_total", reason="host_unknown") == 1
    assert value(daemon, "viaduct_request_duration_seconds_count", site=HOST, route="api") == 3
    assert value(daemon, "viaduct_upstream_attempts_total", upstream="app", server=server.address) == 3
    assert value(daemon, "viaduct_connections_total") == 6
    text = ask(daemon, "/metrics").body
    names = set(re.findall(rb"^# TYPE (\S+)", text, re.M))
    assert all(name.startswith(b"viaduct_") for name in names)
    lines = text.decode().splitlines()
    assert len(lines) == len(set(lines)), "no row stands twice"


def test_failures_of_callbacks_show_whatever_the_platform_is_told(start_one, server):
    kinds = ["alipay", "wechat_pay_v2", "wechat_push", "wechat_pay_v3"]
    scene = watched_scene(server)
    scene["upstreams"]["dead"] = {"servers": ["http://127.0.0.1:1"]}
    scene["sites"][0]["routes"][:0] = [proxy(kind, {"exact": f"/{kind}", "methods": ["POST"]}, "dead", callback=kind)
                                       for kind in kinds]
    daemon = start_one(scene)
    told = {}
    for kind in kinds:
        with contextlib.suppress(Ended):  # how a push is told
            told[kind] = fetch(daemon.http, "POST", f"/{kind}", body=b"notice").status
    assert told == {"alipay": 200, "wechat_pay_v2": 200, "wechat_pay_v3": 500}
    assert fetch(daemon.http, "GET", "/").status == 200

    def failures(route):
        return value(daemon, "viaduct_route_failures_total", site=HOST, route=route)

    for kind in kinds:
        wait_until(lambda kind=kind: failures(kind) == 1, f"the failure of {kind} is counted")
    wait_until(lambda: failures("page") == 0, "the page is counted, and no failure")


def test_counts_outlive_a_reload(start_one, server):
    daemon = start_one(watched_scene(server))
    assert fetch(daemon.http, "GET", "/api/x").status == 200
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: value(daemon, "viaduct_reloads_total", result="done") == 1, "reloaded")
    assert fetch(daemon.http, "GET", "/api/x").status == 200
    wait_until(lambda: value(daemon, "viaduct_requests_total", site=HOST, route="api", code="2xx") == 2, "both count")
    daemon.write("nonsense")
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: value(daemon, "viaduct_reloads_total", result="refused") == 1, "refused")
    assert value(daemon, "viaduct_snapshot_version") == 2


def test_handshakes_and_their_failures_count(start_one, server, site_pair):
    scene = watched_scene(server)
    scene["listeners"].append({"address": "127.0.0.1:0", "tls": True})
    scene["sites"][0]["tls"] = site_pair.as_config()
    daemon = start_one(scene)
    assert fetch(daemon.https, "GET", "/").status == 200
    with socket.create_connection(("127.0.0.1", daemon.https.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: value(daemon, "viaduct_tls_handshake_failures_total", reason="tls_plain_http") == 1, "plain")
    wait_until(lambda: value(daemon, "viaduct_tls_handshakes_total", version="TLSv1.3", resumed="false") == 1, "one")
    days = [number for (name, _), number in metrics(daemon).items() if name == "viaduct_certificate_days_left"]
    assert len(days) == 1 and days[0] > 0


def test_start_fails_where_the_health_address_is_taken(server, place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        scene = watched_scene(server)
        scene["admin"]["health"] = f"127.0.0.1:{taken.getsockname()[1]}"
        folder = place / "taken"
        folder.mkdir()
        with pytest.raises(AssertionError, match=r"ended with 1") as failure:
            Daemon(scene, folder)
        assert scene["admin"]["health"] in str(failure.value)


# ---- status ---------------------------------------------------------------------------------------------------------


def test_status_tells_what_there_is(start_one, server):
    daemon = start_one(watched_scene(server, health=CHECK))
    assert fetch(daemon.http, "GET", "/api/x").status == 200
    wait_until(lambda: status(daemon)["sites"][0]["routes"][0]["requests"] == 1, "the request is counted")
    page = status(daemon)
    assert page["process"]["pid"] == daemon.pid and page["process"]["state"] == "serving"
    assert page["config"]["snapshot"] == 1
    assert page["listeners"] == [{"address": one.address, "tls": one.tls} for one in daemon.listeners]
    route = page["sites"][0]["routes"][0]
    assert (route["name"], route["statuses"]) == ("api", {"2xx": 1}) and route["p50_ms"] > 0
    assert page["upstreams"][0]["servers"][0]["server"] == server.address
    wait_until(lambda: status(daemon)["upstreams"][0]["servers"][0]["state"] == "healthy", "a check has ended")
    text = run("status", "-c", daemon.config_path).stdout
    assert "serving" in text and server.address in text and "  api " in text


def test_status_without_a_daemon_fails(place):
    result = run("status", "--socket", place / "nobody.sock")
    assert result.returncode == 1 and "nobody.sock" in result.stderr


def test_the_admin_socket_is_for_its_owner(start_one, server):
    daemon = start_one(watched_scene(server))
    assert (daemon.directory / "admin.sock").stat().st_mode & 0o777 == 0o600


# ---- orders ---------------------------------------------------------------------------------------------------------


def order(daemon, *words):
    return run(*words, "-c", daemon.config_path)


def test_a_drained_server_gets_no_more_requests(start_one):
    with named_servers(2) as (one, other):
        scene = watched_scene(one)
        scene["upstreams"]["app"]["servers"].append(other.url)
        daemon = start_one(scene)
        assert order(daemon, "drain", "app", one.address).returncode == 0
        assert {fetch(daemon.http, "GET", "/api/x").body for _ in range(8)} == {b"b"}
        assert [server["state"] for server in status(daemon)["upstreams"][0]["servers"]] == ["drained", "unchecked"]
        daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: status(daemon)["config"]["snapshot"] == 2, "reloaded")
        assert {fetch(daemon.http, "GET", "/api/x").body for _ in range(8)} == {b"b"}, "orders outlive a reload"
        daemon.upgrade()
        assert {fetch(daemon.http, "GET", "/api/x").body for _ in range(8)} == {b"b"}, "and an upgrade"
        assert order(daemon, "undrain", "app", one.address).returncode == 0
        assert {fetch(daemon.http, "GET", "/api/x").body for _ in range(8)} == {b"a", b"b"}
        assert "there are: app" in order(daemon, "drain", "ap", one.address).stderr


def test_held_requests_wait_until_they_are_released(start_one, server):
    daemon = start_one(watched_scene(server))
    assert order(daemon, "hold", "app", "60s").returncode == 0
    daemon.upgrade()
    with RawClient(daemon.http.port) as client:
        client.send(b"GET /api/x HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n")
        assert fetch(daemon.http, "GET", "/").status == 200, "others are served"
        assert status(daemon)["upstreams"][0]["held"] is True
        assert not client.is_readable(0.3)
        assert order(daemon, "release", "app").stdout == "ok\n"
        assert client.read_response().status == 200


def test_the_log_says_more_when_asked(start_one, server):
    daemon = start_one(watched_scene(server))
    assert order(daemon, "log-level", "debug").stdout == "ok\n"
    assert order(daemon, "log-level", "loud").returncode == 1
