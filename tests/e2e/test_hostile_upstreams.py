# SPDX-License-Identifier: Apache-2.0
"""Upstreams whose answers are hostile or broken, over HTTP/1 and HTTP/2, before clients of either: each client gets a
clean answer or a clean cut, with a reason in the log, and never a byte of an answer that was another's."""
import pytest

from harness.client import Ended, RawClient, build_request, fetch
from harness.h2_client import H2LibraryClient
from harness.hostile_h1 import ROWS as H1_ROWS
from harness.hostile_h2 import ROWS as H2_ROWS
from harness.hostile_h2 import ScriptedH2Upstream, with_body
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import SANITIZED

ROWS_MIN = 80
GROWTH_MAX_KIB = 24 * 1024
ROWS = {f"/h1/{number}": row for number, row in enumerate(H1_ROWS)}
ROWS |= {f"/h2/{number}": row for number, row in enumerate(H2_ROWS)}
CLEAN = {"h1": "/h1/clean/", "h2": "/h2/clean/"}
SHORT = {"read": "2s", "send": "2s"}


def is_clean(target):
    return target.startswith(tuple(CLEAN.values()))


def answer_h1(received):
    """The row's bytes and end; a clean request gets its own target."""
    if is_clean(received.target):
        return answer(received.target.encode())
    row = ROWS[received.target.partition("?")[0]]
    received.send(row.data)
    if row.ending != "open":
        received.connection.close(reset=row.ending == "reset")
    return None


def script_h2(target):
    if is_clean(target):
        return with_body(body=target.encode()), "open"
    row = ROWS[target.partition("?")[0]]
    return row.data, row.ending


@pytest.fixture(scope="module")
def expected():
    """The reasons that will do, by target and version."""
    return {}


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair):
    with RawUpstream(answer_h1) as first, ScriptedH2Upstream(script_h2) as second:
        config = plain_scene(first.url, [proxy(name, {"prefix": f"/{name}/"}, name, timeouts=SHORT)
                                         for name in ("h1", "h2")], process={"workers": 1})
        config["listeners"] = [{"address": "127.0.0.1:0", "h2c": True}]
        config["upstreams"] = {"h1": {"servers": [first.url], "eject": None},
                               "h2": {"servers": [second.url], "eject": None, "http2": True}}
        yield start_daemon(config)


class H1Asker:
    """A client that keeps its connection as long as the daemon does."""

    def __init__(self, daemon):
        self.client = RawClient(daemon.http.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def ask(self, method, target):
        """Status, body, whether it is whole, and the request id; None for the status where no head came."""
        try:
            self.client.send(build_request(method, target))
        except ConnectionError:
            return None, b"", False, None
        try:
            response = self.client.read_response(method)
        except Ended as ended:
            assert not ended.partial, ended.partial
            return None, b"", False, None
        if not response.complete:
            assert self.client.at_end(), "the connection goes on behind a cut answer"
        return response.status, response.body, response.complete, response.request_id

    def goes_on(self):
        return not self.client.is_readable()


class H2Asker:
    def __init__(self, daemon):
        self.client = H2LibraryClient(daemon.http)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.client.__exit__(*exception)

    def ask(self, method, target):
        stream = self.client.finish(self.client.begin(method, target, end=True))
        return stream.status, bytes(stream.body), stream.ended, stream.request_id

    def goes_on(self):
        return not self.client.closed and not self.client.goaways


ASKERS = {"h1": H1Asker, "h2": H2Asker}


def fits(outcome, got):
    status, body, is_whole, _ = got
    if outcome.cut:
        return not is_whole and status in (outcome.status, None)
    is_ours = bool(outcome.reasons) and outcome.status >= 500
    return is_whole and status == outcome.status and (is_ours or body == outcome.body)


@pytest.mark.parametrize("target", ROWS, ids=lambda target: ROWS[target].name)
@pytest.mark.parametrize("version", ASKERS)
def test_row(daemon, expected, version, target):
    row = ROWS[target]
    clean = CLEAN[target[1:3]] + version
    with ASKERS[version](daemon) as client:
        got = client.ask(row.method, f"{target}?{version}=1")
        chosen = [one for one in row.outcomes if fits(one, got)]
        assert chosen, got
        assert b"stolen" not in got[1]
        if client.goes_on():
            for _ in range(2):
                again = client.ask("GET", clean)[:3]
                if again[0] is None and any(one.cut for one in row.outcomes):
                    break  # all bytes were here before it showed that there is no proper end
                assert again == (200, clean.encode(), True)
    with ASKERS[version](daemon) as other:
        assert other.ask("GET", clean)[:3] == (200, clean.encode(), True)
    expected[target, version] = {reason for one in chosen for reason in one.reasons or ("",)}


def test_the_table_is_large():
    names = [row.name for row in ROWS.values()]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    assert len(names) >= ROWS_MIN


def test_memory_is_flat_under_the_large_ones(daemon):
    """The rows that bring most, over and over."""
    large = [target for target, row in ROWS.items() if any(word in row.name for word in ("000", "bomb", "without end"))]
    assert len(large) > 8
    for target in large:
        fetch(daemon.http, "GET", target)
    before = daemon.resident_kib()
    for target in large * 10:
        fetch(daemon.http, "GET", target)
    assert SANITIZED or daemon.resident_kib() - before < GROWTH_MAX_KIB


def test_the_log_says_why(daemon, expected):
    """Looked up once, since the log is written in batches."""
    daemon.stop()
    reasons = {(one["path"], one["query"].partition("=")[0]): one["reason"] for one in daemon.access_records()}
    wrong = {key: (ROWS[key[0]].name, reasons[key]) for key, wanted in expected.items() if reasons[key] not in wanted}
    assert not wrong
