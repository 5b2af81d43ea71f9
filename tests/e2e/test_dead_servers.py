# SPDX-License-Identifier: Apache-2.0
"""Connections to a server that are dead without a word, because a host has lost its power or a path forgot them: they
cost the requests that are on them, and not those that come after."""
import socket
import threading
import time

import pytest

from harness.client import fetch
from harness.h2_upstream import H2Upstream
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, wait_until


def start(start_daemon, url, timeouts=None, upstream=None, **more):
    routes = [proxy("all", {"prefix": "/"}, "app", timeouts=timeouts or {"total": "2500ms"})]
    config = plain_scene(url, routes, process={"workers": 1}, **more)
    config["upstreams"]["app"].update(upstream or {})
    return start_daemon(config)


@pytest.fixture()
def shared():
    with H2Upstream(lambda received: b"ok") as upstream:
        yield upstream


def test_a_dead_shared_connection_fails_its_own_requests_alone(start_daemon, shared):
    daemon = start(start_daemon, shared.url, upstream={"http2": True})
    assert fetch(daemon.http, "POST", "/", body=b"1").status == 200
    shared.connections[0].is_dead = True
    assert fetch(daemon.http, "POST", "/", body=b"2").status == 504
    assert [fetch(daemon.http, "POST", "/", body=b"3").status for _ in range(3)] == [200] * 3
    assert len(shared.connections) == 2


def test_who_comes_while_a_request_is_on_a_dead_connection_is_sent_elsewhere(start_daemon, shared):
    daemon = start(start_daemon, shared.url, {"total": "20s"}, {"http2": True})
    assert fetch(daemon.http, "POST", "/", body=b"1").status == 200
    shared.connections[0].is_dead = True
    with socket.create_connection(("127.0.0.1", daemon.http.port), DEADLINE) as lost:
        lost.sendall(b"POST / HTTP/1.1\r\nHost: www.xintuxiangce.top\r\nContent-Length: 0\r\n\r\n")
        # Within two seconds; who comes before may be on the dead connection as well.
        def is_answered():
            with socket.create_connection(("127.0.0.1", daemon.http.port), 0.3) as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: www.xintuxiangce.top\r\nContent-Length: 0\r\n\r\n")
                try:
                    return client.recv(4096).startswith(b"HTTP/1.1 200")
                except socket.timeout:
                    return False
        wait_until(is_answered, "an answer by another connection")
    assert len(shared.connections) == 2


def test_a_slow_application_keeps_its_connection(start_daemon, shared):
    def slowly(received):
        if received.target == "/slow":
            time.sleep(3)
        return b"ok"

    shared.handler = slowly
    daemon = start(start_daemon, shared.url, {"total": "20s"}, {"http2": True})
    assert [fetch(daemon.http, "GET", target).status for target in ("/slow", "/fast", "/slow")] == [200] * 3
    assert len(shared.connections) == 1
    assert shared.connections[0].pings == 2, "it was asked once for each slow answer"


def test_kept_connections_that_died_together_fail_one_request(start_daemon):
    gate, dead = threading.Event(), set()

    def serve(received):
        if received.connection.number in dead:
            received.hang()
            return None
        gate.wait(DEADLINE)
        return answer(b"ok")

    with RawUpstream(serve) as raw:
        daemon = start(start_daemon, raw.url, {"total": "1500ms"})
        askers = [threading.Thread(target=fetch, args=(daemon.http, "POST", "/"), kwargs={"body": b"1"})
                  for _ in range(3)]
        for asker in askers:
            asker.start()
        wait_until(lambda: len(raw.received) == 3, "three connections")
        gate.set()
        for asker in askers:
            asker.join(DEADLINE)
        dead.update(range(3))
        statuses = [fetch(daemon.http, "POST", "/", body=b"2").status for _ in range(3)]
        assert statuses == [504, 200, 200]


def test_a_request_does_not_join_a_connection_attempt_that_is_nearly_over(start_daemon, authority):
    """The server takes connections and says nothing: of its time to connect, each request gets a half at least."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        daemon = start(start_daemon, url, {"connect": "1s"},
                       {"http2": True, "tls": {"sni": "app.test", "ca": str(authority.ca_file)}})
        first = threading.Thread(target=fetch, args=(daemon.http, "GET", "/first"))
        first.start()
        with silent.accept()[0]:
            time.sleep(0.8)
            response = fetch(daemon.http, "GET", "/second")
            assert response.status == 504
            assert daemon.record_of(response)["total_ms"] >= 900
        first.join(DEADLINE)
