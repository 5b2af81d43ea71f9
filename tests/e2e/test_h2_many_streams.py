# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for long answers on all the streams they may have and take none of them: a connection holds memory
within a bound and no descriptor for each stream, and the memory goes back to the system when they are gone."""
import contextlib
import os

import pytest

from harness import h2frames as h2
from harness.client import RawClient, build_request, fetch
from harness.h2cases import h2_scene
from harness.h2hpack import plain_block
from harness.h2wire import H2Client
from harness.pattern import pattern
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SANITIZED, wait_until, wait_until_steady

STREAMS = 128
BIG = 32 << 20
# Of a connection: the answers that wait, and 5 kB for each request.
CONNECTION_MAX_KIB = 1024 + 1024
# The daemon gives memory back ten seconds behind the last time at the latest.
RETURN_TIME = 3 * DEADLINE


@pytest.fixture(scope="module")
def upstream():
    body = answer(pattern(3 << 20))
    with RawUpstream(lambda received: body) as raw:
        yield raw


@pytest.fixture()
def daemon(start_one, site_pair, tmp_path, upstream):
    with open(tmp_path / "big.bin", "wb") as file:
        file.truncate(BIG)
    config = h2_scene(site_pair, upstream.url, process={"workers": 2, "core_dumps": True})
    config["sites"][0]["routes"].insert(
        0, {"name": "files", "match": {"prefix": "/big.bin"}, "static": {"root": str(tmp_path)}})
    return start_one(config)


@contextlib.contextmanager
def stalled_connections(daemon, path, count, window=1):
    """So many connections that have asked on all their streams, and got the head of each answer."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            settings = [(h2.INITIAL_WINDOW_SIZE, window)]
            client = stack.enter_context(H2Client(daemon.http, settings=settings, windows=False))
            block = plain_block(client.request("GET", path))
            client.send(b"".join(h2.headers(stream, block) for stream in range(1, 2 * STREAMS, 2)))
            clients.append(client)
        for client in clients:
            wait_until(lambda one=client: not one.poll() or
                       len([each for each in one.seen if each.type == h2.HEADERS]) == STREAMS, "all heads")
        yield clients


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


@pytest.mark.parametrize("window", [1, 65535])
def test_a_file_on_all_streams(daemon, window):
    assert fetch(daemon.http, "GET", "/x").status == 200
    before, open_before = daemon.resident_kib(), descriptors(daemon)
    count = 10
    with stalled_connections(daemon, "/big.bin", count, window):
        growth = daemon.resident_kib() - before
        assert descriptors(daemon) - open_before < 3 * count
        assert fetch(daemon.http, "GET", "/x").status == 200
    assert SANITIZED or growth < count * CONNECTION_MAX_KIB, f"VmRSS grew by {growth} KiB"
    wait_until(lambda: descriptors(daemon) <= open_before + 2, "the descriptors that are closed")


def test_an_answer_of_a_server_on_all_streams(daemon):
    before = daemon.resident_kib()
    count = 3
    with stalled_connections(daemon, "/x", count):
        growth = daemon.resident_kib() - before
    # Behind what waits here there is what was read from each server already.
    assert SANITIZED or growth < count * (CONNECTION_MAX_KIB + STREAMS * 32), f"VmRSS grew by {growth} KiB"


def test_a_stream_that_is_read_comes_whole_beside_those_that_are_not(daemon):
    with stalled_connections(daemon, "/big.bin", 1) as (client,):
        client.send(h2.rst_stream(1) + h2.window_update(0, BIG))
        client.send(h2.headers(257, plain_block(client.request("GET", "/big.bin"))) + h2.window_update(257, BIG))
        size = 0
        while size < BIG:
            got = client.take(lambda one: one.stream == 257 and one.type in (h2.DATA, h2.RST_STREAM), "DATA")
            assert got and got.type == h2.DATA, client.story()
            size += len(got.payload)
        assert size == BIG


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
def test_memory_goes_back_when_the_load_has_gone(daemon):
    before = daemon.resident_kib()
    request = build_request("GET", "/big.bin")
    with contextlib.ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(RawClient(daemon.http.port)).send(request)
        loaded = wait_until_steady(lambda: daemon.resident_kib() // 1024, "what a load takes") * 1024
        assert loaded - before > 16 * 1024
    wait_until(lambda: daemon.resident_kib() - before < (loaded - before) / 2, "memory that goes back", RETURN_TIME)
