# SPDX-License-Identifier: Apache-2.0
"""Servers that are left out: by checks of their health, by what requests saw, for all workers at once; when they come
back; and that a reload forgets nothing of it."""
import re
import signal

import pytest

from harness.balancing import HEALTH_PATH, named_servers
from harness.client import RawClient, fetch
from harness.expect import assert_own_answer
from harness.h2_upstream import H2Upstream
from harness.scene import plain_scene, proxy
from harness.upstream import ClosedPort, RawUpstream, answer, server_context
from harness.waiting import SLOWNESS, wait_until

INTERVAL = f"{round(400 * SLOWNESS)}ms"
CHECK = {"path": HEALTH_PATH, "interval": INTERVAL, "timeout": INTERVAL, "rise": 2, "fall": 2}
NAME = "www.aifuture.net.cn"


@pytest.fixture()
def servers():
    with named_servers(3) as three:
        yield three


def one_upstream(servers, routes=None, **upstream):
    """Everything to one upstream of these servers (or URLs)."""
    urls = [getattr(server, "url", server) for server in servers]
    return {**plain_scene(urls[0], routes), "upstreams": {"app": {"servers": urls, **upstream}}}


def count_lines(daemon, word):
    return len([line for line in daemon.error_lines if word in line])


def wait_line(daemon, event, address, start=0):
    return daemon.wait_error(rf"\b{event} upstream=app server={re.escape(address)} .*", start)[0]


def names_on_many_connections(daemon, count=24, target="/x"):
    """Who answers requests that come on a connection each, and so reach all workers."""
    return {fetch(daemon.http, "GET", target).body.decode() for _ in range(count)}


def reload(daemon, config, mark):
    """Publishes `config`, which must answer with X-Config: mark, in all workers."""
    daemon.write(config)
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: all(fetch(daemon.http, "GET", "/x").get("X-Config") == mark for _ in range(12)),
               f"config {mark} in all workers")


def marked(mark, upstream="app"):
    return [proxy("all", {"prefix": "/"}, upstream, headers={"response": {"set": {"X-Config": mark}}})]


# ---- health ---------------------------------------------------------------------------------------------------------


def test_unhealthy_server_goes_out_and_comes_back(start_one, servers):
    daemon = start_one(one_upstream(servers, health=CHECK, eject=None, slow_start="0s"))
    wait_until(lambda: all(server.checks for server in servers), "a first check of each server")
    assert names_on_many_connections(daemon) == {"a", "b", "c"}
    servers[1].health_status = "500 Internal Server Error"
    line = wait_line(daemon, "server_unhealthy", servers[1].address)
    assert "reason=unexpected_status after=2" in line and "status 500, expected 200-399" in line
    before = servers[1].count
    assert names_on_many_connections(daemon) == {"a", "c"}
    assert servers[1].count == before, "no worker asks it"
    seen = len(servers[1].checks)
    wait_until(lambda: len(servers[1].checks) > seen + 3, "more checks")
    servers[1].health_status = "204 No Content"
    line = wait_line(daemon, "server_healthy", servers[1].address)
    assert "after=2" in line
    assert names_on_many_connections(daemon) == {"a", "b", "c"}
    assert (count_lines(daemon, "server_unhealthy"), count_lines(daemon, "server_healthy")) == (1, 1)


def test_each_server_is_checked_once_and_not_by_every_worker(start_one, servers):
    start_one(one_upstream(servers, health={**CHECK, "interval": "1h", "timeout": "5s"}))
    wait_until(lambda: all(server.checks for server in servers), "a first check of each server")
    assert [len(server.checks) for server in servers] == [1, 1, 1]
    check = servers[0].checks[0]
    assert (check.method, check.get("Host")) == ("GET", servers[0].address)


def test_without_a_healthy_server_the_answer_is_503(start_one, servers):
    for server in servers:
        server.health_status = "500 Internal Server Error"
    daemon = start_one(one_upstream(servers, health=CHECK))
    wait_until(lambda: count_lines(daemon, "server_unhealthy") == 3, "three unhealthy servers")
    response = fetch(daemon.http, "GET", "/x")
    assert_own_answer(response, 503)
    assert response.get("Retry-After")
    assert daemon.record_of(response)["reason"] == "upstream_unavailable"
    servers[2].health_status = "200 OK"
    wait_line(daemon, "server_healthy", servers[2].address)
    assert names_on_many_connections(daemon, 6) == {"c"}


def test_backup_takes_over_from_unhealthy_servers(start_one, servers):
    servers[0].health_status = "500 Internal Server Error"
    config = one_upstream([servers[0], servers[1]], health=CHECK)
    config["upstreams"]["app"]["servers"].append({"url": servers[2].url, "backup": True})
    daemon = start_one(config)
    wait_line(daemon, "server_unhealthy", servers[0].address)
    assert names_on_many_connections(daemon) == {"b"}
    servers[1].health_status = "500 Internal Server Error"
    wait_line(daemon, "server_unhealthy", servers[1].address)
    assert names_on_many_connections(daemon) == {"c"}


def test_connection_is_enough_without_a_path(start_one, servers):
    late = ClosedPort()
    check = {key: value for key, value in CHECK.items() if key != "path"}
    daemon = start_one(one_upstream([servers[0], late], health=check, eject=None))
    address = late.url.removeprefix("http://")
    assert "reason=upstream_connect_refused" in wait_line(daemon, "server_unhealthy", address)
    assert {fetch(daemon.http, "GET", "/x").status for _ in range(10)} == {200}
    late.sock.listen(64)
    wait_line(daemon, "server_healthy", address)
    late.close()
    assert not count_lines(daemon, f"server_unhealthy upstream=app server={servers[0].address}")


@pytest.mark.parametrize("health, detail", [({"expect": "204"}, "status 200, expected 204"),
                                            ({"host": "other.test"}, "status 421, expected 200-399"),
                                            ({"path": "/none"}, "status 404, expected 200-399")],
                         ids=["expect", "host", "path"])
def test_check_that_asks_for_the_wrong_thing_says_what_it_got(start_one, health, detail):
    def handler(received):
        if received.target != "/health":
            return answer(b"", "404 Not Found")
        return answer(b"", "200 OK" if received.get("Host") == "app.test" else "421 Misdirected Request")

    with RawUpstream(handler) as upstream:
        check = {**CHECK, "host": "app.test"}
        daemon = start_one(one_upstream([upstream], health=check))
        upstream.wait_received(3)
        assert not count_lines(daemon, "server_unhealthy")
        daemon.write(one_upstream([upstream], health={**check, **health}))
        daemon.send_signal(signal.SIGHUP)
        line = daemon.wait_error("server_unhealthy .*")[0]
        assert "reason=unexpected_status" in line and detail in line


def test_silent_server_is_unhealthy(start_one):
    with RawUpstream(lambda received: received.hang()) as upstream:
        daemon = start_one(one_upstream([upstream], health=CHECK))
        line = daemon.wait_error("server_unhealthy .*")[0]
        assert "reason=upstream_header_timeout after=2" in line


def test_checks_go_over_tls_and_verify_it(start_one, authority):
    with RawUpstream(tls=server_context(authority.issue([NAME]))) as upstream:
        tls = {"sni": NAME, "ca": str(authority.ca_file)}
        daemon = start_one(one_upstream([upstream], health=CHECK, tls=tls))
        upstream.wait_received(3)
        assert not count_lines(daemon, "server_unhealthy")
        daemon.write(one_upstream([upstream], health=CHECK, tls={**tls, "sni": "wrong.test"}))
        daemon.send_signal(signal.SIGHUP)
        assert "reason=upstream_certificate_invalid" in daemon.wait_error("server_unhealthy .*")[0]


def test_checks_speak_http_2_where_the_upstream_does(start_one):
    with H2Upstream() as upstream:
        daemon = start_one(one_upstream([upstream], health=CHECK, http2=True))
        upstream.wait_received(3)
        assert upstream.received[0].target == HEALTH_PATH
        assert not count_lines(daemon, "server_unhealthy")


# ---- eject ----------------------------------------------------------------------------------------------------------


def test_server_is_ejected_after_its_failures_and_comes_back(start_one, servers):
    servers[1].handler = lambda received: received.reset()
    daemon = start_one(one_upstream(servers, eject={"failures": 3, "for": "1s"}, slow_start="0s"))
    statuses = []
    with RawClient(daemon.http.port) as client:
        while statuses.count(502) < 3:
            statuses.append(client.request("POST", "/x", body=b"{}").status)
            assert len(statuses) < 12
        line = wait_line(daemon, "server_ejected", servers[1].address)
        assert "reason=upstream_reset failures=3 for_ms=1000" in line or "reason=upstream_closed" in line
        assert servers[1].count == 3
        servers[1].handler = None
        wait_until(lambda: client.request("GET", "/x").body == b"b", "the server to be asked again")
    wait_line(daemon, "server_returned", servers[1].address)
    assert (count_lines(daemon, "server_ejected"), count_lines(daemon, "server_returned")) == (1, 1)
    assert names_on_many_connections(daemon) == {"a", "b", "c"}


def test_ejection_holds_in_all_workers(start_one, servers):
    servers[2].handler = lambda received: received.close()
    daemon = start_one(one_upstream(servers, eject={"failures": 3, "for": "1h"}))
    wait_until(lambda: fetch(daemon.http, "POST", "/x", body=b"").status and daemon.find_error("server_ejected"),
               "the ejection")
    before = servers[2].count
    assert names_on_many_connections(daemon, 40) == {"a", "b"}
    assert servers[2].count == before
    assert count_lines(daemon, "server_ejected") == 1


def test_errors_of_the_server_do_not_count(start_one, servers):
    for server in servers:
        server.handler = lambda received: answer(b"", "503 Service Unavailable")
    daemon = start_one(one_upstream(servers, eject={"failures": 1, "for": "1h"}))
    assert {fetch(daemon.http, "GET", "/x").status for _ in range(12)} == {503}
    assert sum(server.count for server in servers) == 12
    assert not count_lines(daemon, "server_ejected")


def test_last_server_is_never_ejected(start_one):
    closed = [ClosedPort(), ClosedPort()]
    daemon = start_one(one_upstream(closed, eject={"failures": 1, "for": "1h"}))
    for _ in range(8):
        response = fetch(daemon.http, "GET", "/x")
        assert_own_answer(response, 502)
        assert daemon.record_of(response)["reason"] == "upstream_connect_refused"
    assert count_lines(daemon, "server_ejected") == 1
    for port in closed:
        port.close()


def test_only_server_is_never_ejected(start_one):
    closed = ClosedPort()
    daemon = start_one(one_upstream([closed], eject={"failures": 1, "for": "1h"}))
    assert {fetch(daemon.http, "GET", "/x").status for _ in range(8)} == {502}
    assert not count_lines(daemon, "server_ejected")
    closed.close()


def test_ejection_is_off_where_the_config_says_so(start_one, servers):
    closed = ClosedPort()
    daemon = start_one(one_upstream([closed, servers[0]], [proxy("all", {"prefix": "/"}, "app", retry={"attempts": 1})],
                                    eject=None))
    with RawClient(daemon.http.port) as client:
        assert [client.request("GET", "/x").status for _ in range(20)].count(502) == 10
    assert not count_lines(daemon, "server_ejected")
    closed.close()


# ---- reload ---------------------------------------------------------------------------------------------------------


def test_reload_forgets_nothing(start_one, servers):
    servers[0].health_status = "500 Internal Server Error"
    servers[1].handler = lambda received: received.close()
    upstream = {"health": {**CHECK, "rise": 1000}, "eject": {"failures": 1, "for": "1h"}}
    daemon = start_one(one_upstream(servers, marked("1"), **upstream))
    wait_line(daemon, "server_unhealthy", servers[0].address)
    wait_until(lambda: fetch(daemon.http, "POST", "/x", body=b"").status and daemon.find_error("server_ejected"),
               "the ejection")
    servers[0].health_status = "200 OK"
    servers[1].handler = None
    before = servers[0].count, servers[1].count
    reload(daemon, one_upstream(servers, marked("2"), **upstream), "2")
    assert names_on_many_connections(daemon) == {"c"}
    reload(daemon, one_upstream(servers, marked("3"), **upstream, keepalive={"idle": "2s"}), "3")
    assert names_on_many_connections(daemon) == {"c"}
    assert (servers[0].count, servers[1].count) == before
    assert (count_lines(daemon, "server_unhealthy"), count_lines(daemon, "server_ejected")) == (1, 1)


def test_reload_starts_and_stops_checks(start_one, servers):
    servers[0].health_status = "500 Internal Server Error"
    daemon = start_one(one_upstream(servers[:2], marked("1")))
    assert names_on_many_connections(daemon) == {"a", "b"}
    reload(daemon, one_upstream(servers[:2], marked("2"), health=CHECK), "2")
    wait_line(daemon, "server_unhealthy", servers[0].address)
    assert names_on_many_connections(daemon) == {"b"}
    reload(daemon, one_upstream(servers[:2], marked("3")), "3")
    wait_until(lambda: names_on_many_connections(daemon) == {"a", "b"}, "the server that is not checked any more")
    seen = len(servers[0].checks)
    assert names_on_many_connections(daemon, 40) == {"a", "b"}
    assert len(servers[0].checks) == seen


def test_server_that_is_added_leaves_the_others_as_they_were(start_one, servers):
    servers[0].handler = lambda received: received.close()
    upstream = {"eject": {"failures": 1, "for": "1h"}}
    daemon = start_one(one_upstream(servers[:2], marked("1"), **upstream))
    wait_until(lambda: fetch(daemon.http, "POST", "/x", body=b"").status and daemon.find_error("server_ejected"),
               "the ejection")
    servers[0].handler = None
    reload(daemon, one_upstream(servers, marked("2"), **upstream), "2")
    assert names_on_many_connections(daemon) == {"b", "c"}
