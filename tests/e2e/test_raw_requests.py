# SPDX-License-Identifier: Apache-2.0
"""A table of raw requests: what the client may get of each, and what the upstream may see. Rows run whole and byte by
byte; behind each the connection has either ended or serves a further request as if nothing had been."""
import dataclasses

import pytest

from harness import raw_fields, raw_framing, raw_pipelines, raw_targets, smuggling
from harness.client import HOST, Ended, RawClient, build_request
from harness.expect import HOP_BY_HOP, ExpectedRecords
from harness.rawrows import ABSENT
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer

ROWS = raw_framing.ROWS + raw_targets.ROWS + raw_fields.ROWS + raw_pipelines.ROWS
ROWS_MIN = 300
PROBE = "/the-next-request"


@pytest.fixture(scope="module")
def upstream():
    with RawUpstream(lambda received: answer(received.target.encode("latin-1"))) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(start_daemon, upstream):
    headers = {"request": {"set": {"X-Internal-Secret": "the-secret"}, "remove": ["X-Debug"]}}
    config = plain_scene(upstream.url, [proxy("ws", {"prefix": "/ws/"}, "app", websocket=True),
                                        proxy("all", {"prefix": "/"}, "app", headers=headers)])
    config["sites"][0]["deny"] = ["/denied"]
    return start_daemon(config)


@pytest.fixture(scope="module")
def records():
    return ExpectedRecords()


@pytest.fixture(autouse=True)
def fresh(upstream):
    upstream.clear()


def send(client, data, step):
    """All of it, or as much as the server takes."""
    for start in range(0, len(data), step):
        try:
            client.send(data[start:start + step])
        except ConnectionError:
            return


def fits(status, wanted):
    return status in wanted if isinstance(wanted, set) else status == wanted


def assert_statuses(client, row, records):
    """The answers of the row; those of the upstream belong to its requests, in their order. Returns the row as far as
    it was answered."""
    bodies = [one.target for one in row.seen]
    for number, wanted in enumerate(row.statuses):
        method = row.methods[number] if row.methods else "GET"
        response = client.read_response(method)
        assert fits(response.status, wanted), f"answer {number}: {response.head + response.body!r}"
        if response.status == 200:
            expected = bodies.pop(0)
            assert method == "HEAD" or response.body == expected
        elif row.reasons:
            records.add(row.name, response, row.reasons)
        if number == row.may_close_at and response.get("Connection") == "close":
            return dataclasses.replace(row, seen=row.seen[:len(row.seen) - len(bodies)], ends=True)
    assert not bodies
    return row


def assert_goes_on_or_ends(client, row):
    """Nothing of the row is left over: the connection is over, or the next request is answered as itself."""
    try:
        client.send(build_request("GET", PROBE))
        response = client.read_response()
    except (Ended, ConnectionError) as error:
        assert not getattr(error, "partial", b""), error
        assert row.ends is not False, "the connection ended"
        return
    assert row.ends is not True, f"the connection goes on: {response.head + response.body!r}"
    assert (response.status, response.body) == (200, PROBE.encode()), response.head + response.body


def assert_fields(fields, wanted):
    for name, values in wanted.items():
        got = tuple(value for key, value in fields if key.lower().replace("_", "-") == name.lower().replace("_", "-"))
        assert got == (values or ()) if values is not ABSENT else not got, f"{name}: {got}"


def assert_well_formed(received):
    """What two parsers could disagree about never leaves: one Host, one framing, nothing of the client's connection."""
    names = [name.lower() for name, _ in received.fields]
    assert names.count("host") == 1 and received.version == "HTTP/1.1", received.head
    framing = [name for name in names if name in ("content-length", "transfer-encoding")]
    assert len(framing) <= 1 and received.complete, received.head
    assert not set(names) & (HOP_BY_HOP - {"transfer-encoding"}), received.head
    assert received.all("Transfer-Encoding") in ([], ["chunked"]), received.head


def assert_seen(upstream, row):
    assert not upstream.errors, upstream.errors
    requests = [one for one in upstream.received if one.target != PROBE]
    got = [(one.method, one.target.encode("latin-1"), one.body, tuple(one.trailers)) for one in requests]
    assert got == [(one.method, one.target, one.body, one.trailers) for one in row.seen]
    for received, seen in zip(requests, row.seen):
        assert_well_formed(received)
        assert_fields(received.fields, seen.fields)


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("step", [1 << 20, 1], ids=["whole", "bytewise"])
def test_row(daemon, upstream, records, row, step):
    with RawClient(daemon.http.port) as client:
        send(client, row.data, step)
        answered = assert_statuses(client, row, records)
        assert_goes_on_or_ends(client, answered)
    assert_seen(upstream, answered)


def test_the_table_is_large():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    assert len(ROWS) + len(smuggling.ROWS) >= ROWS_MIN


def test_the_log_says_why_each_was_refused(daemon, records):
    records.check(daemon)


def test_the_daemon_still_serves(daemon):
    with RawClient(daemon.http.port) as client:
        assert client.request("GET", PROBE, host=HOST).body == PROBE.encode()
