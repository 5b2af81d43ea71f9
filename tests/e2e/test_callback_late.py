# SPDX-License-Identifier: Apache-2.0
"""A notice that was received whole reaches the upstream although its caller hung up or had to be told a failure, and
what became of it is one line with the word late."""
import re
import signal
import socket
import threading
import time

import pytest

from harness.callbacks import assert_failure_form, late_lines, wait_late
from harness.client import RawClient, build_request
from harness.pattern import pattern
from harness.scene import plain_scene, proxy
from harness.upstream import answer
from harness.waiting import SLOWNESS, wait_until

NOTICE = b'{"id":"EV-2"}'
PATH = "/pay/notify"


def config(upstream_url, **top):
    """/pay/notify has the defaults, /brief and /impatient have little time, and /plain is no callback."""
    patient = {"read": "20s"}
    return plain_scene(upstream_url, [
        proxy("notify", {"exact": PATH, "methods": ["POST"]}, "app", callback="wechat_pay_v3", timeouts=patient),
        proxy("brief", {"exact": "/brief", "methods": ["POST"]}, "app", callback="alipay",
              timeouts={"total": "300ms", **patient}),
        proxy("impatient", {"exact": "/impatient", "methods": ["POST"]}, "app", callback="generic",
              timeouts={"total": "300ms", "read": "600ms"}),
        proxy("plain", {"exact": "/plain"}, "app")], **top)


@pytest.fixture(scope="module")
def daemon(start_daemon, raw):
    return start_daemon(config(raw.url))


class Gate:
    """Answers when it is opened."""

    def __init__(self, reply):
        self.reply, self.event = reply, threading.Event()

    def __call__(self, received):
        self.event.wait(60)
        return self.reply


@pytest.fixture()
def gate(raw):
    raw.clear()
    gate = raw.handler = Gate(answer(b"done", "201 Created"))
    yield gate
    gate.event.set()
    raw.handler = lambda received: answer()


@pytest.fixture()
def silent(raw):
    """The upstream says nothing until it is left."""
    raw.clear()
    raw.handler = lambda received: received.hang()
    yield
    raw.handler = lambda received: answer()


def send_and_leave(daemon, target, request_id, body=NOTICE, after=0.2, reset=True, part=None):
    """Sends a notice (or `part` bytes of its body), waits as a client with little patience would, and hangs up."""
    client = RawClient(daemon.http.port)
    data = build_request("POST", target, [("X-Request-ID", request_id)], body)
    client.send(data if part is None else data[:len(data) - len(body) + part])
    time.sleep(after)
    client.reset() if reset else client.close()


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "close"])
def test_client_that_hangs_up(daemon, raw, gate, reset):
    request_id = f"hangs-up-{reset}"
    send_and_leave(daemon, PATH, request_id, reset=reset)
    record = daemon.wait_record(request_id)
    assert (record["status"], record["reason"], record["route"]) == (499, "client_closed", "notify")
    assert not late_lines(daemon, request_id)
    gate.event.set()
    line = wait_late(daemon, request_id)
    assert "route=notify" in line and "status=201" in line and re.search(r"late_ms=\d+", line), line
    assert raw.only().raw_body == NOTICE and not raw.only().connection.peer_gone.is_set()


@pytest.mark.parametrize("target, is_callback", [(PATH, True), ("/plain", False)])
def test_client_that_has_gone_without_a_word_when_its_answer_comes(daemon, raw, gate, target, is_callback):
    request_id = f"gone-{is_callback}"
    send_and_leave(daemon, target, request_id, after=0, reset=False)
    wait_until(lambda: raw.received, "the notice")
    gate.event.set()
    record = daemon.wait_record(request_id)
    assert (record["status"], record["reason"]) == (499, "client_closed")
    if is_callback:
        assert "status=201" in wait_late(daemon, request_id)
    else:
        assert not late_lines(daemon, request_id)


def test_client_that_has_ended_its_direction_gets_its_answer(daemon, raw, gate):
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", PATH, [("X-Request-ID", "half-closed")], NOTICE))
        client.sock.shutdown(socket.SHUT_WR)
        wait_until(lambda: raw.received, "the notice")
        gate.event.set()
        assert client.read_response().status == 201
    assert daemon.wait_record("half-closed")["status"] == 201
    assert not late_lines(daemon, "half-closed")


@pytest.mark.parametrize("size", [60_000, 300_000])
def test_long_notice_is_finished(daemon, raw, gate, size):
    request_id = f"long-{size}"
    send_and_leave(daemon, PATH, request_id, pattern(size))
    gate.event.set()
    assert "status=201" in wait_late(daemon, request_id)
    assert raw.only().raw_body == pattern(size)


@pytest.mark.parametrize("size", [100, 300_000])
def test_notice_that_did_not_come_whole_is_given_up(daemon, raw, gate, size):
    request_id = f"part-{size}"
    send_and_leave(daemon, PATH, request_id, pattern(size), part=size // 2)
    assert daemon.wait_record(request_id)["status"] == 499
    if size > 65536:
        wait_until(lambda: all(one.connection.peer_gone.is_set() for one in raw.received), "the upstream to be told")
    assert not any(one.complete for one in raw.received)
    assert not late_lines(daemon, request_id)


def test_success_behind_the_deadline(daemon, raw, gate):
    with RawClient(daemon.http.port) as client:
        response = client.request("POST", "/brief", body=NOTICE)
        assert_failure_form(response, "alipay", "The service did not answer in time.")
        record = daemon.record_of(response)
        assert (record["status"], record["reason"]) == (200, "upstream_total_timeout")
        gate.event.set()
        assert "route=brief status=201" in wait_late(daemon, response.request_id)
        assert client.request("POST", "/brief", body=NOTICE).body == b"done"
    assert len(raw.received) == 2


def test_failure_behind_the_deadline(daemon, raw):
    release = threading.Event()

    def handler(received):
        release.wait(60)
        received.close()

    raw.handler = handler
    try:
        with RawClient(daemon.http.port) as client:
            response = client.request("POST", "/brief", body=NOTICE)
            release.set()
            line = wait_late(daemon, response.request_id)
            assert "reason=upstream_closed" in line and "status=" not in line
    finally:
        raw.handler = lambda received: answer()


def test_upstream_that_never_answers_is_left_in_the_end(daemon, raw, silent):
    with RawClient(daemon.http.port) as client:
        response = client.request("POST", "/impatient", body=NOTICE)
        line = wait_late(daemon, response.request_id)
        assert "reason=upstream_header_timeout" in line or "reason=upstream_total_timeout" in line
    wait_until(raw.received[-1].connection.peer_gone.is_set, "the upstream to be left")


def test_ordinary_route_gives_up(daemon, raw, silent):
    send_and_leave(daemon, "/plain", "plain-1")
    assert daemon.wait_record("plain-1")["status"] == 499
    wait_until(raw.received[-1].connection.peer_gone.is_set, "the upstream to be left")
    assert not late_lines(daemon, "plain-1")


# ---- the end of the daemon ------------------------------------------------------------------------------------------


def test_drain_waits_for_what_runs_on(start_one, raw, gate):
    daemon = start_one(config(raw.url, process={"workers": 2, "drain": "30s"}))
    send_and_leave(daemon, PATH, "drained")
    daemon.wait_record("drained")
    daemon.send_signal(signal.SIGTERM)
    daemon.wait_error("stopping")
    time.sleep(0.3)
    assert daemon.is_running()
    begun = time.monotonic()
    gate.event.set()
    assert daemon.wait_stopped() == 0
    assert time.monotonic() - begun < 5 * SLOWNESS
    assert len(late_lines(daemon, "drained")) == 1 and "status=201" in late_lines(daemon, "drained")[0]


def test_deadline_of_a_drain_ends_what_runs_on(start_one, raw, gate):
    daemon = start_one(config(raw.url, process={"workers": 1, "drain": "500ms"}))
    send_and_leave(daemon, PATH, "cut")
    daemon.wait_record("cut")
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < 5 * SLOWNESS
    lines = late_lines(daemon, "cut")
    assert len(lines) == 1 and "reason=server_draining" in lines[0]


def test_reload_leaves_what_runs_on_alone(start_one, raw, gate):
    daemon = start_one(config(raw.url))
    send_and_leave(daemon, PATH, "reloaded")
    daemon.wait_record("reloaded")
    daemon.write(config("http://127.0.0.1:9"))
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_error("reloaded snapshot=2")
    gate.event.set()
    assert "status=201" in wait_late(daemon, "reloaded")
