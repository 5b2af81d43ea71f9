# SPDX-License-Identifier: Apache-2.0
"""What is known of servers over a reload with another list of them: what is under way, places, holds, and counts."""
import json
import threading

import pytest

from harness.cli import run
from harness.client import RawClient, build_request, fetch
from harness.metrics import value
from harness.scene import plain_scene
from harness.upstream import ClosedPort, RawUpstream, answer
from harness.waiting import wait_until


@pytest.fixture()
def opened():
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture()
def one(opened):
    def handle(received):
        if received.target == "/slow":
            opened.wait(60)
        return answer(received.target.encode())

    with RawUpstream(handle) as upstream:
        yield upstream


@pytest.fixture()
def two():
    with RawUpstream(lambda received: answer(b"two")) as upstream:
        yield upstream


def order(daemon, *words):
    done = run(*words, "-c", daemon.config_path)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def server_of(daemon, url):
    servers = json.loads(order(daemon, "status", "--json"))["upstreams"][0]["servers"]
    return next(server for server in servers if url.endswith(server["server"]))


def scene_of(upstream, **keys):
    scene = plain_scene(upstream.url, process={"workers": 1}, admin={"health": "127.0.0.1:0"})
    scene["upstreams"]["app"] |= keys
    return scene


def add_server(daemon, scene, url):
    scene["upstreams"]["app"]["servers"].append(url)
    daemon.write(scene)
    order(daemon, "reload")


def test_what_is_under_way_at_a_drained_server_is_seen(start_one, one, two, opened):
    scene = scene_of(one)
    daemon = start_one(scene)
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/slow", body=b"paid"))
        one.wait_received()
        add_server(daemon, scene, two.url)
        order(daemon, "drain", "app", one.url.partition("//")[2])
        assert (server_of(daemon, one.url)["state"], server_of(daemon, one.url)["requests"]) == ("drained", 1)
        opened.set()
        assert client.read_response().status == 200
        wait_until(lambda: server_of(daemon, one.url)["requests"] == 0, "nothing is under way")


def test_places_are_counted_together(start_one, one, two, opened):
    scene = scene_of(one, max_connections=1)
    daemon = start_one(scene)
    with RawClient(daemon.http.port) as first, RawClient(daemon.http.port) as second:
        first.send(build_request("GET", "/slow"))
        one.wait_received()
        add_server(daemon, scene, two.url)
        order(daemon, "drain", "app", two.url.partition("//")[2])
        second.send(build_request("GET", "/behind"))
        wait_until(lambda: value(daemon, "viaduct_upstream_waiting", upstream="app") == 1, "the second waits")
        assert len(one.received) == 1
        opened.set()
        assert (first.read_response().body, second.read_response().body) == (b"/slow", b"/behind")


def test_a_release_is_for_all_who_wait(start_one, one, two):
    scene = scene_of(one)
    daemon = start_one(scene)
    order(daemon, "hold", "app", "60s")
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/x", body=b"paid"))
        assert not client.is_readable(0.3)
        add_server(daemon, scene, two.url)
        order(daemon, "release", "app")
        assert client.read_response().status == 200


def test_retries_go_on_counting(start_one, one):
    closed = ClosedPort()
    scene = scene_of(one)
    scene["upstreams"]["app"]["servers"] = [closed.url, one.url]
    daemon = start_one(scene)
    for _ in range(4):
        assert fetch(daemon.http, "GET", "/x").status == 200
    counts = [value(daemon, "viaduct_upstream_retries_total", upstream="app")]
    for servers in ([one.url], [closed.url, one.url]):
        scene["upstreams"]["app"]["servers"] = servers
        daemon.write(scene)
        order(daemon, "reload")
        counts.append(value(daemon, "viaduct_upstream_retries_total", upstream="app"))
    closed.close()
    assert counts[0] >= 1 and counts == [counts[0]] * 3, counts
