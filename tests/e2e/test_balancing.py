# SPDX-License-Identifier: Apache-2.0
"""Which server a request goes to: shares by weight, away from the busy one, always the same one for a key; and what
happens to requests when one of the servers goes."""
import statistics
from collections import Counter

import pytest

from harness.balancing import Crowd, named_servers
from harness.client import RawClient, fetch
from harness.scene import plain_scene, proxy
from harness.upstream import ClosedPort, answer
from harness.waiting import SLOWNESS, wait_until

USERS = [f"user-{number}" for number in range(40)]


@pytest.fixture(scope="module")
def servers():
    with named_servers(3) as three:
        yield three


@pytest.fixture(autouse=True)
def fresh_servers(servers):
    for server in servers:
        server.delay, server.handler = 0, None
        server.raw.clear()


@pytest.fixture(scope="module")
def daemon(start_daemon, servers):
    urls = [server.url for server in servers]
    upstreams = {
        "weighted": {"servers": [{"url": urls[0], "weight": 1}, {"url": urls[1], "weight": 2},
                                 {"url": urls[2], "weight": 5}]},
        "least": {"servers": urls, "balance": "least_requests"},
        "by_header": {"servers": urls, "balance": "hash header:X-User"},
        "by_path": {"servers": urls, "balance": "hash path"},
        "by_address": {"servers": urls, "balance": "hash client_ip"},
        "even": {"servers": urls},
        "spare": {"servers": [urls[0], {"url": urls[1], "backup": True}]},
    }
    routes = [proxy(name, {"prefix": f"/{name}/"}, name) for name in upstreams]
    routes.append(proxy("of-route", {"prefix": "/of-route/"}, "even", balance="hash header:X-User"))
    return start_daemon({**plain_scene(urls[0], routes), "upstreams": upstreams})


def names(daemon, target, count, fields=()):
    """The servers that answer `count` requests of one connection."""
    with RawClient(daemon.http.port) as client:
        return "".join(client.request("GET", target, fields).body.decode() for _ in range(count))


def server_of(daemon, target, user=None, **more):
    fields = [("X-User", user)] if user is not None else []
    return fetch(daemon.http, "GET", target, fields, **more).body.decode()


# ---- round_robin ----------------------------------------------------------------------------------------------------


def test_weights_are_shares(daemon, servers):
    counts = Counter(names(daemon, "/weighted/x", 160))
    assert counts == {"a": 20, "b": 40, "c": 100}
    assert [server.count for server in servers] == [20, 40, 100]


def test_heavy_server_gets_its_share_in_between(daemon):
    assert "cccccc" not in names(daemon, "/weighted/x", 80)


def test_backup_is_not_asked_while_the_other_answers(daemon, servers):
    assert set(names(daemon, "/spare/x", 20)) == {"a"}


# ---- least_requests -------------------------------------------------------------------------------------------------


def test_least_requests_keeps_away_from_a_slow_server(daemon, servers):
    servers[1].delay = 0.4
    answers = Crowd(daemon.http.port, "/least/x", clients=6, requests=240).finish()
    assert {status for status, _, _ in answers} == {200}
    counts = Counter(name for _, name, _ in answers)
    assert counts["b"] < 0.2 * len(answers), counts
    assert statistics.median(seconds for _, _, seconds in answers) < 0.1 * SLOWNESS


def test_least_requests_shares_evenly_where_all_are_quick(daemon):
    counts = Counter(names(daemon, "/least/x", 60))
    assert counts == {"a": 20, "b": 20, "c": 20}


# ---- hash -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/by_header/x", "/of-route/x"])
def test_same_user_is_on_the_same_server(daemon, target):
    """On whichever connection, and so in whichever worker, it comes."""
    owners = {user: server_of(daemon, target, user) for user in USERS}
    assert set(owners.values()) == {"a", "b", "c"}
    for _ in range(3):
        assert {user: server_of(daemon, target, user) for user in USERS} == owners


def test_upstream_and_route_agree_on_the_server_of_a_user(daemon):
    for user in USERS[:10]:
        assert server_of(daemon, "/by_header/x", user) == server_of(daemon, "/of-route/y", user)


@pytest.mark.parametrize("fields", [[], [("X-User", "")]], ids=["no-field", "empty-field"])
def test_requests_without_a_key_go_round(daemon, fields):
    assert Counter(names(daemon, "/by_header/x", 30, fields)) == {"a": 10, "b": 10, "c": 10}


def test_same_path_is_on_the_same_server_whatever_its_query(daemon):
    owners = {}
    for number in range(30):
        path = f"/by_path/{number}"
        owners[path] = server_of(daemon, path)
        assert server_of(daemon, f"{path}?query={number}") == owners[path]
    assert set(owners.values()) == {"a", "b", "c"}


def test_same_address_is_on_the_same_server(daemon):
    owners = {}
    for number in range(1, 30):
        address = f"127.0.0.{number}"
        owners[address] = server_of(daemon, "/by_address/x", source=address)
        assert server_of(daemon, "/by_address/y", source=address) == owners[address]
    assert set(owners.values()) == {"a", "b", "c"}


def test_lost_server_takes_only_its_own_keys_with_it(start_one):
    with named_servers(4) as servers:
        daemon = start_one({**plain_scene(servers[0].url), "upstreams": {
            "app": {"servers": [server.url for server in servers], "balance": "hash header:X-User"}}})
        users = [f"user-{number}" for number in range(120)]
        before = {user: server_of(daemon, "/x", user) for user in users}
        lost = {user for user in users if before[user] == "c"}
        servers[2].stop()
        for _ in range(2):
            after = {user: server_of(daemon, "/x", user) for user in users}
            assert {user for user in users if after[user] != before[user]} == lost
            assert len({after[user] for user in lost}) > 1, "its keys are spread"


# ---- servers that go ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("balance", ["round_robin", "least_requests", "hash path"])
def test_no_request_fails_when_one_of_three_servers_is_killed(start_one, balance):
    with named_servers(3) as servers:
        daemon = start_one({**plain_scene(servers[0].url), "upstreams": {
            "app": {"servers": [server.url for server in servers], "balance": balance}}})
        owner = server_of(daemon, "/x")
        # A server that dies takes new connections with it, which must not be repeated: all are made before.
        for server in servers:
            server.delay = 0.3
        Crowd(daemon.http.port, "/x", clients=12, requests=12).finish()
        for server in servers:
            server.delay = 0
        crowd = Crowd(daemon.http.port, "/x", clients=4, requests=600)
        wait_until(lambda: len(crowd.answers) >= 60, "some answers")
        next(server for server in servers if server.name == owner).stop()
        answers = crowd.finish()
        assert [status for status, _, _ in answers] == [200] * 600
        last = [name for _, name, _ in answers[-40:]]
        assert owner not in last


def test_backup_is_asked_when_all_others_are_out(start_one):
    closed = [ClosedPort(), ClosedPort()]
    with named_servers(2) as servers:
        backups = [{"url": server.url, "backup": True} for server in servers]
        upstream = {"servers": [one.url for one in closed] + backups, "eject": {"failures": 1, "for": "1h"}}
        daemon = start_one({**plain_scene(servers[0].url), "upstreams": {"app": upstream}})
        with RawClient(daemon.http.port) as client:
            bodies = [client.request("GET", "/x").body for _ in range(2 + 8)][2:]
        assert Counter(bodies) == {b"a": 4, b"b": 4}
    for one in closed:
        one.close()


def test_request_is_not_repeated_at_another_server_once_it_was_taken(start_one):
    """A POST that a server took and did not answer is nobody else's."""
    with named_servers(2) as servers:
        for server in servers:
            server.handler = lambda received: received.close()
        daemon = start_one({**plain_scene(servers[0].url), "upstreams": {
            "app": {"servers": [server.url for server in servers]}}})
        assert fetch(daemon.http, "POST", "/x", body=b"pay").status == 502
        assert sum(server.count for server in servers) == 1
        for server in servers:
            server.handler = lambda received: answer(b"back")
        assert fetch(daemon.http, "POST", "/x", body=b"pay").body == b"back"
