# SPDX-License-Identifier: Apache-2.0
"""When something runs out: descriptors, memory, handshakes, connections. Those who are in go on; new ones wait or are
told so, with a reason in the log; and it ends when there is room again."""
import contextlib
import os
import resource
import socket
import time

import pytest

from harness.client import RawClient, build_request, exchange, fetch
from harness.scene import plain_scene
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SANITIZED, SLOWNESS, wait_until, wait_until_steady
from harness.wire import Ended

SPARE = 6  # descriptors


def fixed_scene(**top):
    """Answers without an upstream, by one worker."""
    config = plain_scene("http://127.0.0.1:9", [{"name": "all", "match": {"prefix": "/"}, "respond": {"body": "ok"}}])
    return config | {"process": {"workers": 1, "core_dumps": True}} | top


def count_lines(daemon, word, start=0):
    return len([line for line in daemon.error_lines[start:] if word in line])


@contextlib.contextmanager
def connections(port, count):
    """So many connections that have not said anything yet."""
    opened = []
    try:
        for _ in range(count):
            opened.append(RawClient(port))
        yield opened
    finally:
        for one in opened:
            one.close()


def is_served(client):
    try:
        return client.request("GET", "/x").status == 200
    except (Ended, ConnectionError):
        return False


def is_closed(client):
    try:
        return client.at_end()
    except ConnectionError:
        return True


@pytest.mark.skipif(SANITIZED, reason="UndefinedBehaviorSanitizer needs descriptors itself")
def test_without_descriptors_connections_wait_and_are_served_later(start_one):
    daemon = start_one(fixed_scene())
    assert fetch(daemon.http, "GET", "/x").status == 200
    used = wait_until_steady(lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")), "the descriptors that are in use")
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (used + SPARE, used + SPARE))
    with connections(daemon.http.port, 3 * SPARE) as clients:
        for client in clients:
            client.send(build_request("GET", "/x"))
        daemon.wait_error("accept_failed error=\"Too many open files\"")
        served = [client for client in clients if client.is_readable(0.5)]
        assert 0 < len(served) <= SPARE
        assert all(client.read_response().status == 200 for client in served)
        assert all(is_served(client) for client in served)  # who is in, stays
        # It fails ten times a second; a line of it comes once in ten seconds.
        assert count_lines(daemon, "accept_failed") <= 2
        for client in served:
            client.close()
        waiting = [client for client in clients if client not in served]
        ready = []
        while waiting:
            ready = wait_until(lambda: [one for one in waiting if one.is_readable()], "those that have waited")
            for client in ready:
                assert client.read_response().status == 200
                client.close()
                waiting.remove(client)
    assert fetch(daemon.http, "GET", "/x").status == 200


def test_connections_beyond_the_limit_are_closed_with_a_reason(start_one):
    daemon = start_one(fixed_scene(client={"max_connections": 4}))
    with connections(daemon.http.port, 4) as clients:
        assert all(is_served(client) for client in clients)
        with RawClient(daemon.http.port) as client:
            assert is_closed(client)
        daemon.wait_error("connection_refused reason=connection_limit client_ip=127.0.0.1")
        assert all(is_served(client) for client in clients)
    wait_until(lambda: is_alive(daemon), "room")


def is_alive(daemon):
    try:
        return fetch(daemon.http, "GET", "/x").status == 200
    except (Ended, ConnectionError):
        return False


def test_one_address_does_not_take_all_connections(start_one):
    daemon = start_one(fixed_scene(client={"max_connections_per_address": 2}))
    with connections(daemon.http.port, 2) as clients:
        assert all(is_served(client) for client in clients)
        with RawClient(daemon.http.port) as client:
            assert is_closed(client)
        daemon.wait_error("connection_refused reason=connection_limit client_ip=127.0.0.1")
        assert fetch(daemon.http, "GET", "/x", source="127.0.0.2").status == 200


def test_handshakes_beyond_the_limit_are_refused(start_one, site_pair):
    config = fixed_scene(client={"max_handshakes": 3, "max_connections": 100})
    config["listeners"].append({"address": "127.0.0.1:0", "tls": True})
    config["sites"][0]["tls"] = site_pair.as_config()
    daemon = start_one(config)
    assert fetch(daemon.https, "GET", "/x").status == 200
    with RawClient(daemon.https.port, tls=True) as inside:
        assert inside.request("GET", "/x").status == 200
        with connections(daemon.https.port, 3), RawClient(daemon.https.port) as late:
            assert is_closed(late)
            daemon.wait_error("connection_refused reason=handshake_limit client_ip=127.0.0.1")
            assert inside.request("GET", "/x").status == 200
            assert fetch(daemon.http, "GET", "/x").status == 200  # no handshake there
    wait_until(lambda: is_served_over_tls(daemon), "room")


def is_served_over_tls(daemon):
    try:
        return fetch(daemon.https, "GET", "/x").status == 200
    except (Ended, OSError):
        return False


PIECE, WHOLE = 60_000, 64_000  # a body that is held until it is complete


def test_without_memory_new_connections_wait_and_are_closed_then(start_one, raw):
    config = plain_scene(raw.url, process={"workers": 2, "memory": "4m"}, client={"body_timeout": "60s"})
    daemon = start_one(config)
    head = build_request("POST", "/x", [("Content-Length", str(WHOLE))])
    with contextlib.ExitStack() as stack:
        inside = []
        while not daemon.find_error("memory_limit worker=") and len(inside) < 200:
            client = stack.enter_context(RawClient(daemon.http.port))
            if not is_served(client):
                break  # it came too late
            client.send(head + b"x" * PIECE)
            inside.append(client)
        daemon.wait_error("memory_limit worker=")
        # Who comes now waits; after two seconds it is closed.
        late = stack.enter_context(RawClient(daemon.http.port))
        start = time.monotonic()
        wait_until(lambda: late.is_readable(0.1), "the end of the wait")
        assert is_closed(late) and time.monotonic() - start < 4 * SLOWNESS
        daemon.wait_error("connection_refused reason=memory_limit client_ip=127.0.0.1")
        # Those that were let in before go on.
        for client in inside[:30]:
            client.send(b"x" * (WHOLE - PIECE))
            assert client.read_response().status == 200
    wait_until(lambda: is_alive(daemon), "memory")
    assert count_lines(daemon, "memory_limit worker=") <= 4


def test_slow_reader_is_cut(start_one):
    """min_rate holds for answers, too: a client that reads ever so little, again and again, does not stay."""
    body = b"x" * (64 << 20)
    with RawUpstream(lambda received: answer(body=body)) as upstream:
        daemon = start_one(plain_scene(upstream.url, client={"min_rate": "10m", "body_timeout": "60s"}))
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(DEADLINE)
            sock.connect(("127.0.0.1", daemon.http.port))
            sock.sendall(build_request("GET", "/x"))

            def is_cut():
                try:
                    return not sock.recv(1000)
                except ConnectionError:
                    return True

            wait_until(is_cut, "the end", 25 * SLOWNESS)
        record = daemon.wait_reason("rate_too_low")
        assert record["bytes_out"] < len(body)


@pytest.mark.parametrize("step", [1])
def test_slow_sender_of_a_head_is_held_to_its_time(start_one, step):
    daemon = start_one(fixed_scene(client={"header_timeout": "1s"}))
    assert exchange(daemon.http, b"GET /x HTTP/1.1\r\nX: ", step=step).status == 408
