# SPDX-License-Identifier: Apache-2.0
"""States, numbers and concurrency of HTTP/2 streams (RFC 9113 §5): what is not allowed in a state is the error that
the section names, and what comes late is taken without harm."""
import pytest

from harness import h2frames as h2
from harness.h2cases import (BODY, HANG, TRANSPORTS, Case, Recorder, alive, alive_or_gone, answered, connection_error,
                             h2_scene, listener_of, malformed, run_case, stream_error)
from harness.h2wire import H2Client, h2_fetch
from harness.waiting import wait_until

ENDED = h2.END_STREAM
DUMMY = [("x-dummy0", "v" * 20)]


@pytest.fixture(scope="module")
def upstream():
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, upstream):
    return start_daemon(h2_scene(site_pair, upstream.url))


@pytest.fixture(params=TRANSPORTS)
def client(daemon, request):
    with H2Client(listener_of(daemon, request.param)) as one:
        yield one


def hanging(client, stream=1):
    """A request that is complete and gets no answer: half-closed (remote) for as long as the test wants."""
    return client.get(stream, HANG)


def self_dependent(client):
    return h2.headers(1, h2.priority_part(1, 256) + client.encode(client.request()), h2.WHOLE | h2.PRIORITIZED)


CLOSED = connection_error(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR)
PROTOCOL = connection_error(h2.PROTOCOL_ERROR)

CASES = [
    Case("5.1 idle: PRIORITY", lambda c: h2.priority(1, 0, 256), alive),
    Case("5.1 idle: DATA", lambda c: h2.data(1, b"test", ENDED), connection_error(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED)),
    Case("5.1 idle: RST_STREAM", lambda c: h2.rst_stream(1), PROTOCOL),
    Case("5.1 idle: WINDOW_UPDATE", lambda c: h2.window_update(1, 100), PROTOCOL),
    Case("5.1 idle: CONTINUATION", lambda c: h2.continuation(1, c.encode(c.request())), PROTOCOL, 0),
    Case("5.1 idle: a higher stream that was skipped into being", lambda c: hanging(c, 5) + h2.data(7, b"x"),
         connection_error(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED)),
    Case("5.1 idle of the server: RST_STREAM", lambda c: h2.rst_stream(2), PROTOCOL),
    Case("5.1 idle of the server: WINDOW_UPDATE", lambda c: h2.window_update(2, 100), PROTOCOL),
    Case("5.1 half-closed: WINDOW_UPDATE", lambda c: hanging(c) + h2.window_update(1, 10), alive),
    Case("5.1 half-closed: PRIORITY", lambda c: hanging(c) + h2.priority(1, 0, 256), alive),
    Case("5.1 half-closed: RST_STREAM", lambda c: hanging(c) + h2.rst_stream(1), alive_or_gone),
    Case("5.1 half-closed: DATA", lambda c: hanging(c) + h2.data(1, b"test", ENDED), stream_error(h2.STREAM_CLOSED)),
    Case("5.1 half-closed: empty DATA", lambda c: hanging(c) + h2.data(1, b"", ENDED), stream_error(h2.STREAM_CLOSED)),
    Case("5.1 half-closed: HEADERS", lambda c: hanging(c) + c.get(), stream_error(h2.STREAM_CLOSED)),
    Case("5.1 half-closed: CONTINUATION", lambda c: hanging(c) + h2.continuation(1, c.encode(DUMMY)), CLOSED),
    Case("6.1 DATA behind DATA with END_STREAM", lambda c: c.post(1, HANG) + h2.data(1, b"a", ENDED)
         + h2.data(1, b"b", ENDED), stream_error(h2.STREAM_CLOSED)),
    Case("5.1 reset by the client: HEADERS", lambda c: hanging(c) + h2.rst_stream(1) + c.get(),
         stream_error(h2.STREAM_CLOSED)),
    Case("5.1 reset by the client: CONTINUATION", lambda c: hanging(c) + h2.rst_stream(1)
         + h2.continuation(1, c.encode(DUMMY)), CLOSED),
    Case("5.1 reset by the client: DATA", lambda c: c.post() + h2.rst_stream(1) + h2.data(1, b"test", ENDED),
         stream_error(h2.STREAM_CLOSED), 0),
    Case("5.1.1 an even stream", lambda c: c.get(2), PROTOCOL, 0),
    Case("5.1.1 a stream lower than one before", lambda c: hanging(c, 5) + c.get(3),
         connection_error(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED)),
    Case("5.1.1 the last stream that there is", lambda c: c.get(h2.STREAM_MAX), answered(stream=h2.STREAM_MAX), 1),
    Case("5.3.1 HEADERS that depends on itself", self_dependent, stream_error(h2.PROTOCOL_ERROR), 0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_state(client, upstream, case):
    run_case(client, upstream, case)


def answered_once(client):
    client.mark(("x-row", "once"))
    client.send(client.get())
    assert client.expect_answer().body == BODY


# A stream is closed by its answer; the server may have forgotten it, but not that its number is used up.
AFTER_THE_END = [
    Case("5.1 closed: PRIORITY", lambda c: h2.priority(1, 0, 256), alive),
    Case("5.1 closed: WINDOW_UPDATE that crossed the answer", lambda c: h2.window_update(1, 10), alive),
    Case("5.1 closed: RST_STREAM that crossed the answer", lambda c: h2.rst_stream(1), alive),
    Case("5.1 closed: DATA", lambda c: h2.data(1, b"test", ENDED), stream_error(h2.STREAM_CLOSED)),
    Case("5.1 closed: HEADERS", lambda c: c.get(), connection_error(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR), 0),
    Case("5.1 closed: CONTINUATION", lambda c: h2.continuation(1, c.encode(DUMMY)), CLOSED),
]


@pytest.mark.parametrize("case", AFTER_THE_END, ids=str)
def test_state_after_the_answer(client, upstream, case):
    answered_once(client)
    run_case(client, upstream, case)


@pytest.mark.parametrize("late", ["WINDOW_UPDATE", "PRIORITY", "RST_STREAM"])
def test_half_closed_stream_is_answered_behind_late_frames(client, upstream, late):
    """The generic rows: a frame on half-closed (remote) does not keep the answer back."""
    frames = {"WINDOW_UPDATE": h2.window_update(1, 1), "PRIORITY": h2.priority(1, 0, 256),
              "RST_STREAM": h2.priority(1) + h2.rst_stream(1)}
    client.mark(("x-row", f"late-{late}"))
    client.send(client.get() + frames[late])
    if late == "RST_STREAM":
        alive_or_gone(client)
    else:
        answered()(client)


def test_data_on_a_stream_that_the_server_reset_is_no_error(client, upstream):
    """RFC 9113 §5.1: frames sent before RST_STREAM was seen are on their way; they count for flow control alone."""
    row = f"crossed-{client.scheme}"
    client.mark(("x-row", row))
    client.send(client.post(1, "/x", ("content-length", "1")) + h2.data(1, b"toolong") + h2.data(1, b"x" * 1000)
                + h2.data(1, b"", ENDED))
    malformed(client)
    if not client.goaway():
        client.send(client.get(3))
        answered(stream=3)(client)
    assert [one.method for one in upstream.whole(row)] in ([], ["GET"])


def test_skipped_streams_are_closed(client):
    """The first use of a stream closes all idle ones below it (§5.1.1)."""
    client.send(client.get(5))
    answered(stream=5)(client)
    client.send(h2.data(3, b"x", ENDED))
    client.expect_stream_error(3, h2.STREAM_CLOSED, h2.PROTOCOL_ERROR, alive=False)


def test_many_streams_at_once_are_answered_each(client, upstream):
    streams = range(1, 2 * 100, 2)
    client.mark(("x-row", "many"))
    client.send(b"".join(client.get(stream, f"/many/{stream}") for stream in streams))
    for stream in reversed(streams):
        assert client.expect_answer(stream).body == BODY


def test_an_answer_waits_for_no_other(client, upstream):
    """A stream that hangs keeps the next one from nothing."""
    client.mark(("x-row", "beside"))
    client.send(hanging(client, 1) + client.get(3))
    answered(stream=3)(client)


def test_bodies_of_two_streams_are_not_mixed(client, upstream):
    client.mark(("x-row", f"mixed-{client.scheme}"))
    client.send(client.post(1, "/one") + client.post(3, "/two"))
    for number in range(20):
        client.send(h2.data(1, b"a%d" % number) + h2.data(3, b"b%d" % number))
    client.send(h2.data(1, b"", ENDED) + h2.data(3, b"", ENDED))
    answered(stream=1)(client)
    answered(stream=3)(client)
    bodies = {one.target: one.body for one in upstream.of(f"mixed-{client.scheme}")}
    assert bodies == {"/one": b"".join(b"a%d" % number for number in range(20)),
                      "/two": b"".join(b"b%d" % number for number in range(20))}


@pytest.mark.parametrize("acked", [True, False], ids=["after the ACK", "before the ACK"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_5_1_2_streams_beyond_the_limit_are_refused(daemon, upstream, transport, acked):
    """A stream error PROTOCOL_ERROR or REFUSED_STREAM, or the connection error that may stand for the first; nothing
    of the stream too many reaches the upstream."""
    row = f"limit-{transport}-{acked}"
    with H2Client(listener_of(daemon, transport), ack=acked) as client:
        limit = client.server_settings[h2.MAX_CONCURRENT_STREAMS]
        client.mark(("x-row", row))
        client.send(b"".join(client.post(2 * number + 1) for number in range(limit)))
        client.ping()
        beyond = 2 * limit + 1
        client.send(client.get(beyond, "/beyond"))
        got = client.of_stream(beyond, "the refusal of a stream")
        assert got.type in (h2.RST_STREAM, h2.GOAWAY), got
        client.check_code(got, (h2.REFUSED_STREAM, h2.PROTOCOL_ERROR))
        if got.type == h2.RST_STREAM:
            client.send(h2.rst_stream(1) + client.get(beyond + 2))
            answered(stream=beyond + 2)(client)
    assert "/beyond" not in [one.target for one in upstream.of(row)]


def test_a_reset_reaches_the_upstream(client, upstream):
    """Who cancels gets no work done for him."""
    row = f"reset-{client.scheme}"
    client.mark(("x-row", row))
    client.send(hanging(client))
    received = wait_until(lambda: upstream.of(row), "the request at the upstream")[0]
    client.send(h2.rst_stream(1))
    wait_until(received.connection.peer_gone.is_set, "the upstream connection to be closed")
    client.ping()


def test_the_end_of_a_connection_reaches_the_upstream(client, upstream):
    row = f"gone-{client.scheme}"
    client.mark(("x-row", row))
    client.send(hanging(client, 1) + hanging(client, 3))
    wait_until(lambda: len(upstream.of(row)) == 2, "two requests at the upstream")
    client.close()
    wait_until(lambda: all(one.connection.peer_gone.is_set() for one in upstream.of(row)),
               "the upstream connections to be closed")


def test_the_server_still_serves(daemon):
    for transport in TRANSPORTS:
        assert h2_fetch(listener_of(daemon, transport)).status == 200
