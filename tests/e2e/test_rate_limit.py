# SPDX-License-Identifier: Apache-2.0
"""`rate_limit`: who asks too often gets 429 with Retry-After, for all workers together, and nobody else notices."""
import time

import pytest

from harness.cli import run
from harness.client import RawClient, fetch
from harness.expect import assert_own_answer
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer


@pytest.fixture(scope="module")
def upstream():
    with RawUpstream(lambda received: answer(b"ok")) as server:
        yield server


@pytest.fixture(scope="module")
def daemon(start_daemon, upstream):
    limits = {
        "client": {"rate": "6/m", "burst": 4},
        "quick": {"rate": "10/s", "burst": 0},
        "field": {"rate": "6/m", "burst": 1, "key": "header:X-Api-Key"},
        "kept": {"rate": "2/m", "burst": 1},
        "route": {"rate": "6/m", "burst": 2, "key": "route"},
    }
    routes = [proxy(name, {"prefix": f"/{name}/"}, "app", rate_limit=limit) for name, limit in limits.items()]
    routes.append(proxy("free", {"prefix": "/free/"}, "app"))
    return start_daemon(plain_scene(upstream.url, routes, process={"workers": 2}))


def statuses(daemon, path, count, fields=()):
    """Of requests that come on a connection each, and so reach all workers."""
    return [fetch(daemon.http, "GET", path, fields=list(fields)).status for _ in range(count)]


def test_burst_is_let_in_once_by_all_workers(daemon, upstream):
    asked = len(upstream.received)
    assert sorted(statuses(daemon, "/client/x", 12)) == [200] * 5 + [429] * 7
    assert len(upstream.received) - asked == 5
    response = fetch(daemon.http, "GET", "/client/x")
    assert_own_answer(response, 429)
    assert 1 <= int(response.get("Retry-After")) <= 10
    assert daemon.record_of(response)["reason"] == "rate_limited"
    assert statuses(daemon, "/free/x", 20) == [200] * 20


def test_a_reload_gives_nothing_back(daemon, upstream):
    assert statuses(daemon, "/kept/x", 3) == [200, 200, 429]
    assert run("reload", "-c", daemon.config_path).returncode == 0
    assert statuses(daemon, "/kept/x", 2) == [429, 429]


def test_tokens_come_back(daemon):
    with RawClient(daemon.http.port) as client:
        assert client.request("GET", "/quick/x").status == 200
        refused = client.request("GET", "/quick/x")
        assert (refused.status, refused.get("Retry-After")) == (429, "1")
        time.sleep(0.15)
        assert client.request("GET", "/quick/x").status == 200


def test_each_value_of_a_field_has_its_own(daemon):
    for value in ("one", "two"):
        assert statuses(daemon, "/field/x", 4, [("X-Api-Key", value)]) == [200, 200, 429, 429]
    assert statuses(daemon, "/field/x", 4) == [200, 200, 429, 429]


def test_route_is_counted_as_a_whole(daemon):
    assert statuses(daemon, "/route/x", 3, [("X-Forwarded-For", "192.0.2.1")]) == [200] * 3
    assert statuses(daemon, "/route/y", 2, [("X-Forwarded-For", "192.0.2.2")]) == [429] * 2
