# SPDX-License-Identifier: Apache-2.0
"""System calls that fail, as strace makes them: of the paths that accept, read, write, connect and open files. While
they fail a request is refused or its connection ends, with a line that says why; when they work again, all is served.
"""
import base64
import contextlib
import errno
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from harness.client import Ended, RawClient, build_request, fetch
from harness.daemon import Daemon
from harness.other_servers import find_program
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SANITIZED, wait_until

pytestmark = pytest.mark.skipif(bool(SANITIZED), reason="sanitizers make system calls of their own")
PAGE = b"<h1>page</h1>\n"
LARGE = b"x" * 300_000
# Of "secret", by bcrypt with cost 4.
SECRET_HASH = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
OURS = "upstream_connect_exhausted"  # no server's fault
FULL = os.environ.get("VIADUCT_E2E_FULL") == "1"


@pytest.fixture(scope="module")
def upstream():
    def reply(received):
        return answer(received.target.encode() if received.method == "GET" else b"taken")

    with RawUpstream(reply) as one:
        yield one


@pytest.fixture(scope="module")
def daemon(start_daemon, place, upstream):
    (place / "www").mkdir()
    (place / "www/page.html").write_bytes(PAGE)
    routes = [{"name": "pages", "match": {"prefix": "/pages/"}, "static": {"root": str(place / "www")},
               "rewrite": {"strip_prefix": "/pages"}}, proxy("all", {"prefix": "/"}, "app")]
    config = plain_scene(upstream.url, routes, process={"workers": 1}, client={"idle_timeout": "2s"})
    config["upstreams"]["app"] |= {"eject": None, "keepalive": {"max_idle": 0}}
    config["defaults"] = {"timeouts": {"connect": "1s", "read": "1s", "send": "1s"}}
    return start_daemon(config)


@contextlib.contextmanager
def failing(daemon, call, error, when="1+1"):
    """Lets `call` of the daemon fail. Ends with strace's record of the failures in the list that is given."""
    log = Path(daemon.directory) / "strace.log"
    log.unlink(missing_ok=True)
    strace = subprocess.Popen([find_program("strace"), "-f", "-qq", "-p", str(daemon.pid), "-o", str(log), "-e",
                               f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: is_traced(daemon), "strace to attach")
    injected = []
    try:
        yield injected
    finally:
        strace.send_signal(signal.SIGINT)
        try:
            strace.wait(3 * DEADLINE)
        except subprocess.TimeoutExpired:  # where the daemon has ended meanwhile it may not notice
            strace.kill()
            strace.wait()
        injected += [line for line in log.read_text().splitlines() if "(INJECTED)" in line]


def is_traced(daemon):
    """Whether every thread has a tracer."""
    tasks = Path(f"/proc/{daemon.pid}/task")
    return all(re.search(r"^TracerPid:\s+[1-9]", (one / "status").read_text(), re.M) for one in tasks.iterdir())


def ask(daemon, target="/x", method="GET", body=None):
    """The status of an answer; None where the connection ended without one, or was never taken."""
    try:
        with RawClient(daemon.http.port) as client:
            client.reader.set_timeout(4)
            return client.request(method, target, body=body).status
    except (Ended, OSError, AssertionError):
        return None


def assert_served(daemon):
    wait_until(lambda: ask(daemon) == 200, "service again")
    assert fetch(daemon.http, "GET", "/again").body == b"/again"
    assert fetch(daemon.http, "GET", "/pages/page.html").body == PAGE
    assert fetch(daemon.http, "POST", "/x", body=LARGE).body == b"taken"
    assert daemon.is_running()


# The line is written once in ten seconds.
@pytest.mark.parametrize("error", ["EMFILE", "EIO", *(["ENFILE", "ENOBUFS", "ENOMEM", "EPERM"] if FULL else [])])
def test_accept_that_fails_is_said_and_tried_again(daemon, error):
    start = len(daemon.error_lines)
    with failing(daemon, "accept4", error) as injected:
        with RawClient(daemon.http.port) as waiting:
            waiting.send(build_request("GET", "/waited"))
            daemon.wait_error(f'accept_failed error="{os.strerror(getattr(errno, error))}"', start)
    assert injected
    assert_served(daemon)


@pytest.mark.parametrize("error", ["ECONNABORTED", "EINTR", "EPROTO", "ENETDOWN"])
def test_connection_that_was_gone_before_accept_is_no_failure(daemon, error):
    start = len(daemon.error_lines)
    with failing(daemon, "accept4", error, when="1..3") as injected:
        assert ask(daemon) == 200
    assert len(injected) == 3 and not daemon.find_error("accept_failed", start)
    assert_served(daemon)


@pytest.mark.parametrize("call", ["recvfrom", "sendto,sendmsg"])
@pytest.mark.parametrize("error", ["ECONNRESET", "EIO", "ENOMEM", "EPIPE", "EBADF"])
def test_reading_and_writing_that_fail_end_the_connection(daemon, call, error):
    with failing(daemon, call, error) as injected:
        assert ask(daemon) is None
        assert ask(daemon, method="POST", body=LARGE) is None
    assert injected
    assert_served(daemon)


@pytest.mark.parametrize("call", ["recvfrom", "sendto", "accept4"])
@pytest.mark.parametrize("error", ["EAGAIN", "EINTR"])
def test_calls_that_are_to_be_made_again_are_made_again(daemon, call, error):
    with failing(daemon, call, error, when="1..2") as injected:
        assert ask(daemon) == 200
    assert len(injected) == 2
    assert_served(daemon)


@pytest.mark.parametrize("call", ["recvfrom", "sendto"])
def test_one_call_that_fails_harms_one_connection(daemon, call):
    """Every fifth call fails; nobody gets a broken answer, and others are served. A request that could not be sent
    waits for an answer that may have come before, until the time for it is over."""
    with failing(daemon, call, "ECONNRESET", when="5+5") as injected:
        statuses = [ask(daemon) for _ in range(15)]
    assert injected and set(statuses) <= {200, 502, 504, None} and statuses.count(200) > 3, statuses
    assert_served(daemon)


@pytest.mark.parametrize("call, error, status, reason", [
    ("connect", "ECONNREFUSED", 502, "upstream_connect_refused"), ("connect", "ENETUNREACH", 502, None),
    ("connect", "EHOSTUNREACH", 502, None), ("connect", "EADDRNOTAVAIL", 502, OURS), ("connect", "EACCES", 502, None),
    ("connect", "ETIMEDOUT", (502, 504), None), ("connect", "ENOMEM", 502, OURS), ("connect", "EAGAIN", 502, OURS),
    ("socket", "EMFILE", 502, OURS), ("socket", "ENFILE", 502, OURS), ("socket", "ENOBUFS", 502, OURS),
    ("socket", "ENOMEM", 502, OURS), ("socket", "EAFNOSUPPORT", 502, None), ("socket", "EPERM", 502, None)])
def test_connecting_that_fails_is_refused_with_a_reason(daemon, call, error, status, reason):
    with failing(daemon, call, error) as injected:
        response = fetch(daemon.http, "GET", "/x")
        assert response.status in (status if isinstance(status, tuple) else (status,))
    record = daemon.record_of(response)
    assert injected and record["reason"].startswith("upstream_connect_")
    assert reason in (None, record["reason"])
    assert_served(daemon)


def test_server_is_not_left_out_for_want_of_descriptors(start_one, upstream):
    """Neither by `eject` nor by health checks: it would be back long after the descriptors."""
    with RawUpstream() as other:
        config = plain_scene(upstream.url, process={"workers": 1})
        config["upstreams"]["app"] |= {"servers": [upstream.url, other.url], "keepalive": {"max_idle": 0},
                                       "eject": {"failures": 1, "for": "1h"},
                                       "health": {"path": "/", "interval": "100ms", "fall": 1}}
        config["defaults"] = {"retry": {"attempts": 1}}
        daemon = start_one(config)
        start = len(daemon.error_lines)
        with failing(daemon, "socket", "EMFILE") as injected:
            assert {daemon.record_of(fetch(daemon.http, "GET", "/x"))["reason"] for _ in range(6)} == {OURS}
            for server in (upstream, other):
                daemon.wait_error(f"health_unknown upstream=app server={server.url[7:]} reason={OURS} .*open files",
                                  start)
        assert injected and not daemon.find_error("server_ejected|server_unhealthy|server_kept", start)
        assert {fetch(daemon.http, "GET", "/x").status for _ in range(6)} == {200}


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOMEM", "EACCES", "EIO", "ELOOP", "ENOENT", "EINTR"])
def test_opening_a_file_that_fails_is_refused_with_a_reason(daemon, place, error):
    (place / "www" / f"{error}.html").write_bytes(PAGE)  # one that is not kept open
    with failing(daemon, "openat,openat2", error) as injected:
        response = fetch(daemon.http, "GET", f"/pages/{error}.html")
    assert injected and response.status in (403, 404, 500, 503), response.head
    assert daemon.record_of(response)["reason"].startswith("static_")
    assert_served(daemon)


def test_thread_that_cannot_start_refuses_passwords_and_nobody_else(start_one, place, upstream):
    (place / "users").write_text(f"anna:{SECRET_HASH}\n")
    auth = {"realm": "Door", "file": str(place / "users")}
    routes = [proxy("door", {"prefix": "/door"}, "app", basic_auth=auth), proxy("all", {"prefix": "/"}, "app")]
    daemon = start_one(plain_scene(upstream.url, routes, process={"workers": 1}))
    secret = [("Authorization", "Basic " + base64.b64encode(b"anna:secret").decode())]
    with failing(daemon, "clone,clone3", "EAGAIN") as injected:
        for _ in range(2):
            response = fetch(daemon.http, "GET", "/door", secret)
            assert response.status == 503 and daemon.record_of(response)["reason"] == "password_queue_full"
        assert fetch(daemon.http, "GET", "/x").status == 200
    assert len(injected) == 2
    assert fetch(daemon.http, "GET", "/door", secret).status == 200
    lines = [line for line in daemon.error_lines if "password_thread_failed" in line]
    assert len(lines) == 1 and os.strerror(errno.EAGAIN) in lines[0], lines


@pytest.mark.parametrize("call", ["setsockopt", "getsockname", "getpeername", "shutdown"])
def test_calls_that_only_help_may_fail(daemon, call):
    with failing(daemon, call, "ENOBUFS"):
        assert ask(daemon) == 200
    assert_served(daemon)


@pytest.mark.parametrize("error", ["ENOMEM", "ENOSPC"])
def test_descriptor_that_cannot_be_watched_is_given_up(daemon, error):
    """Its connection ends by its timer; the listeners come back."""
    with failing(daemon, "epoll_ctl", error) as injected:
        assert ask(daemon) in (None, 200, 502, 504)
    assert injected
    assert_served(daemon)


def test_wait_that_is_interrupted_goes_on(daemon):
    with failing(daemon, "epoll_wait", "EINTR", when="2+2") as injected:
        for _ in range(5):
            assert ask(daemon) == 200
    assert injected
    assert_served(daemon)


def test_log_that_cannot_be_written_stops_nobody(daemon):
    with failing(daemon, "write,writev", "ENOSPC"):
        for _ in range(20):
            assert ask(daemon) == 200
    assert_served(daemon)


def test_memory_that_is_refused_ends_the_process_at_once_or_harms_nobody(place, upstream):
    """No request is answered from a heap that is broken: the process goes on as it was, or it aborts and says why,
    and whoever supervises it starts it anew."""
    config = plain_scene(upstream.url, process={"workers": 1}, client={"idle_timeout": "2s"})
    directory = place / "refused"
    directory.mkdir()
    daemon = Daemon(config, directory)
    with failing(daemon, "mmap,brk,mremap", "ENOMEM"), contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, Ended, AssertionError):
            for _ in range(200):
                client = stack.enter_context(RawClient(daemon.http.port))
                client.reader.set_timeout(2)
                client.send(build_request("POST", "/x", [("Content-Length", str(len(LARGE)))]) + LARGE[:60_000])
    with contextlib.suppress(OSError, Ended):  # where it is about to end
        if daemon.is_running():
            assert fetch(daemon.http, "POST", "/x", body=LARGE).body == b"taken"
            assert daemon.stop() == 0
            return
    assert daemon.wait_stopped() == -signal.SIGABRT and daemon.find_error("bad_alloc|CHECK|memory")
