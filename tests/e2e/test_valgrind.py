# SPDX-License-Identifier: Apache-2.0
"""A short life under valgrind: requests of every kind, good and bad, and then the end. No error, nothing lost."""
import pytest

from harness import hostile_h1, raw_fields, raw_framing, raw_pipelines
from harness.client import Ended, RawClient, build_request, fetch
from harness.daemon import Daemon
from harness.h2_client import H2LibraryClient
from harness.other_servers import find_program
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import SANITIZED

pytestmark = pytest.mark.skipif(bool(SANITIZED), reason="valgrind runs no sanitized program")
VALGRIND = ("--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible",
            "--show-leak-kinds=definite,indirect,possible", "--num-callers=30")
LARGE = b"x" * 300_000


def answer_row(received):
    """`/row/N` is answered with that row of hostile_h1, and the end of the connection."""
    if not received.target.startswith("/row/"):
        return answer(received.target.encode("latin-1"))
    received.send(hostile_h1.ROWS[int(received.target.rpartition("/")[2])].data)
    received.close()
    return None


@pytest.fixture()
def daemon(place, site_pair, web_root):
    with RawUpstream(answer_row) as upstream:
        routes = [{"name": "files", "match": {"prefix": "/static/"}, "static": {"root": str(web_root)}},
                  proxy("all", {"prefix": "/"}, "app")]
        config = plain_scene(upstream.url, routes, process={"workers": 2, "drain": "5s"})
        config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}, {"address": "127.0.0.1:0", "tls": True}]
        config["upstreams"]["app"]["eject"] = None
        config["sites"][0]["tls"] = site_pair.as_config()
        directory = place / "valgrind"
        directory.mkdir()
        watched = Daemon(config, directory, wrapper=(find_program("valgrind"), *VALGRIND), slowness=10)
        yield watched
        if watched.is_running():
            watched.process.kill()


def send_row(daemon, data):
    try:
        with RawClient(daemon.http.port) as client:
            client.send(data)
            client.finish_sending()
            client.reader.to_end()
    except (Ended, OSError):
        pass


def test_no_error_and_nothing_lost(daemon):
    for listener in (daemon.http, daemon.https):
        assert fetch(listener, "GET", "/static/style.css").status == 200
        assert fetch(listener, "POST", "/x", body=LARGE).body == b"/x"
        with H2LibraryClient(listener) as client:
            assert [one[0] for one in client.answers([client.get("/1"), client.post("/2", LARGE)])] == [200, 200]
    for row in (raw_framing.ROWS + raw_fields.ROWS + raw_pipelines.ROWS)[::6]:
        send_row(daemon, row.data)
    for number in range(0, len(hostile_h1.ROWS), 6):
        send_row(daemon, build_request("GET", f"/row/{number}"))
    left = RawClient(daemon.http.port)  # in the middle of a request when the end comes
    left.send(build_request("POST", "/x", [("Content-Length", "10")]) + b"half")
    code = daemon.stop()
    left.close()
    report = [line for line in daemon.error_lines if line.startswith("==")]
    assert code == 0 and not report, "\n".join(report[:100])
