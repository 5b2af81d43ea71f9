# SPDX-License-Identifier: Apache-2.0
"""SETTINGS and flow control of HTTP/2 (RFC 9113 §6.5, §6.9): each wrong form is the error that the section names, and
neither side ever sends more than the other has granted."""
import pytest

from harness import h2frames as h2
from harness.h2cases import (BODY, TRANSPORTS, Case, Recorder, alive, answered, connection_error, h2_scene, listener_of,
                             run_case, stream_error)
from harness.h2wire import H2Client, h2_fetch
from harness.pattern import pattern
from harness.upstream import answer
from harness.waiting import wait_until

BIG = 300_000
STALL = "/stall"


class FlowRecorder(Recorder):
    """Answers `/big` with a long body; reads no body of `STALL`."""

    def reply(self, received):
        return answer(pattern(BIG)) if received.target.startswith("/big") else super().reply(received)

    def read_request_body(self, reader, received):
        if received.target.startswith(STALL):
            received.connection.peer_gone.wait(60)
            return
        super().read_request_body(reader, received)


@pytest.fixture(scope="module")
def upstream():
    with FlowRecorder(receive_buffer=8192) as recorder:
        yield recorder


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, upstream):
    return start_daemon(h2_scene(site_pair, upstream.url, defaults={"body_limit": "1g"}))


@pytest.fixture(params=TRANSPORTS)
def client(daemon, request):
    with H2Client(listener_of(daemon, request.param)) as one:
        yield one


def setting(identifier, value):
    return lambda client: h2.settings((identifier, value))


PROTOCOL = connection_error(h2.PROTOCOL_ERROR)
SIZE = connection_error(h2.FRAME_SIZE_ERROR)
FLOW = connection_error(h2.FLOW_CONTROL_ERROR)

CASES = [
    Case("6.5 SETTINGS with ACK and a payload", lambda c: h2.settings((h2.ENABLE_PUSH, 0), flags=h2.ACK), SIZE),
    Case("6.5 SETTINGS on a stream", lambda c: h2.settings((h2.MAX_CONCURRENT_STREAMS, 100), stream=1), PROTOCOL),
    Case("6.5 SETTINGS of 3 bytes", lambda c: h2.frame(h2.SETTINGS, 0, 0, b"\0\3\0"), SIZE),
    Case("6.5 SETTINGS of 7 bytes", lambda c: h2.frame(h2.SETTINGS, 0, 0, b"\0" * 7), SIZE),
    Case("6.5.2 ENABLE_PUSH of 2", setting(h2.ENABLE_PUSH, 2), PROTOCOL),
    Case("6.5.2 ENABLE_PUSH of 1", setting(h2.ENABLE_PUSH, 1), alive),
    Case("6.5.2 INITIAL_WINDOW_SIZE of 2^31", setting(h2.INITIAL_WINDOW_SIZE, h2.WINDOW_MAX + 1), FLOW),
    Case("6.5.2 INITIAL_WINDOW_SIZE of 2^32-1", setting(h2.INITIAL_WINDOW_SIZE, 2**32 - 1), FLOW),
    Case("6.5.2 INITIAL_WINDOW_SIZE of 2^31-1", setting(h2.INITIAL_WINDOW_SIZE, h2.WINDOW_MAX), alive),
    Case("6.5.2 MAX_FRAME_SIZE of 2^14-1", setting(h2.MAX_FRAME_SIZE, 2**14 - 1), PROTOCOL),
    Case("6.5.2 MAX_FRAME_SIZE of 0", setting(h2.MAX_FRAME_SIZE, 0), PROTOCOL),
    Case("6.5.2 MAX_FRAME_SIZE of 2^24", setting(h2.MAX_FRAME_SIZE, 2**24), PROTOCOL),
    Case("6.5.2 MAX_FRAME_SIZE of 2^24-1", setting(h2.MAX_FRAME_SIZE, 2**24 - 1), alive),
    Case("6.5.2 an unknown setting", setting(0xff, 1), alive),
    Case("6.5.2 HEADER_TABLE_SIZE of 0", lambda c: setting(h2.HEADER_TABLE_SIZE, 0)(c) + c.get(), answered(), 1),
    Case("6.5.2 HEADER_TABLE_SIZE of 2^32-1", lambda c: setting(h2.HEADER_TABLE_SIZE, 2**32 - 1)(c) + c.get(),
         answered(), 1),
    Case("6.5.2 MAX_CONCURRENT_STREAMS of 0 is about pushes", lambda c: setting(h2.MAX_CONCURRENT_STREAMS, 0)(c)
         + c.get(), answered(), 1),
    Case("8441 §3 ENABLE_CONNECT_PROTOCOL of 2", setting(h2.ENABLE_CONNECT_PROTOCOL, 2), lambda c: None),
    Case("6.5.3 SETTINGS is acknowledged", lambda c: h2.settings(), lambda c: c.expect_settings_ack()),
    Case("6.5.3 SETTINGS with many values", lambda c: h2.settings(*[(h2.INITIAL_WINDOW_SIZE, 100 + number)
                                                                   for number in range(20)]), alive),
    Case("6.5.3 an ACK that nobody waits for", lambda c: h2.settings_ack(), lambda c: None),
    Case("6.9 WINDOW_UPDATE of 0 on the connection", lambda c: h2.window_update(0, 0), PROTOCOL),
    Case("6.9 WINDOW_UPDATE of 0 on a stream", lambda c: c.post() + h2.window_update(1, 0),
         stream_error(h2.PROTOCOL_ERROR), 0),
    Case("6.9 WINDOW_UPDATE of 3 bytes", lambda c: h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\1"), SIZE),
    Case("6.9 WINDOW_UPDATE of 5 bytes on a stream", lambda c: c.post() + h2.frame(h2.WINDOW_UPDATE, 0, 1, b"\0" * 5),
         SIZE, 0),
    Case("6.9.1 the window of the connection above 2^31-1", lambda c: h2.window_update(0, h2.WINDOW_MAX) * 2, FLOW),
    Case("6.9.1 the window of a stream above 2^31-1", lambda c: c.post() + h2.window_update(1, h2.WINDOW_MAX) * 2,
         stream_error(h2.FLOW_CONTROL_ERROR), 0),
    Case("6.9.2 INITIAL_WINDOW_SIZE takes a stream's window above 2^31-1", lambda c: c.post() + h2.window_update(
        1, h2.WINDOW_MAX - h2.WINDOW) + h2.settings((h2.INITIAL_WINDOW_SIZE, h2.WINDOW + 1)),
         stream_error(h2.FLOW_CONTROL_ERROR), 0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_frame(client, upstream, case):
    run_case(client, upstream, case)


# ---- what the server may send ---------------------------------------------------------------------------------------


def set_window(client, size):
    client.send(h2.settings((h2.INITIAL_WINDOW_SIZE, size)))
    client.expect_settings_ack()


def next_data(client, stream=1):
    got = client.take(lambda one: one.stream == stream and one.type == h2.DATA, "DATA")
    assert got, client.story()
    return got


def head_alone(client, stream=1):
    """The head of an answer whose body has no window yet."""
    got = client.of_stream(stream, "the head of an answer")
    assert got.type == h2.HEADERS and not got.has(h2.END_STREAM), got
    client.nothing_but(h2.WINDOW_UPDATE)


@pytest.fixture()
def manual(client):
    """A client that opens no window by itself."""
    client.windows = False
    client.mark(("x-row", "flow"))
    return client


def test_6_9_1_a_window_of_one_byte(manual):
    """The answer comes byte by byte, as the window opens, and is whole in the end."""
    set_window(manual, 1)
    manual.send(manual.get())
    got = next_data(manual)
    assert (got.payload, got.flags) == (BODY[:1], h2.NONE)
    manual.nothing_but()
    for byte in BODY[1:4]:
        manual.send(h2.window_update(1, 1))
        assert next_data(manual).payload == bytes([byte])
    manual.send(h2.window_update(1, 100))
    got = next_data(manual)
    assert got.payload == BODY[4:]
    assert got.has(h2.END_STREAM) or next_data(manual).has(h2.END_STREAM)


def test_6_9_2_the_initial_window_changes_under_a_stream(manual):
    set_window(manual, 0)
    manual.send(manual.get())
    head_alone(manual)
    set_window(manual, 1)
    assert next_data(manual).payload == BODY[:1]
    set_window(manual, 4)
    assert next_data(manual).payload == BODY[1:4]


def test_6_9_2_a_window_becomes_negative(manual):
    set_window(manual, 3)
    manual.send(manual.get())
    assert next_data(manual).payload == BODY[:3]
    set_window(manual, 2)
    manual.send(h2.window_update(1, 1))
    manual.nothing_but()
    manual.send(h2.window_update(1, 1))
    assert next_data(manual).payload == BODY[3:4]


def test_6_5_3_values_are_taken_in_their_order(manual):
    """The last of several values holds."""
    manual.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 100), (h2.INITIAL_WINDOW_SIZE, 1)))
    manual.expect_settings_ack()
    manual.send(manual.get())
    assert next_data(manual).payload == BODY[:1]


def test_an_empty_end_needs_no_window(manual):
    """HEADERS, and the end of an answer without a body, are not flow-controlled (§6.9)."""
    set_window(manual, 0)
    manual.send(h2.headers(1, manual.encode(manual.request("HEAD", "/x"))))
    got = manual.expect_answer()
    assert (got.status, got.body) == (200, b"")


def test_the_window_of_the_connection_holds_for_all_streams(manual):
    """Without WINDOW_UPDATE 65535 bytes come in all, however wide the streams' windows are."""
    set_window(manual, 1 << 20)
    for stream in (1, 3, 5):
        manual.send(manual.get(stream, "/big"))

    def came():
        manual.poll()
        return sum(len(one.payload) for one in manual.seen if one.type == h2.DATA)

    wait_until(lambda: came() >= h2.WINDOW, lambda: f"a full window; {came()} bytes came")
    manual.nothing_but(h2.HEADERS)
    assert came() == h2.WINDOW
    manual.send(h2.window_update(0, 1000))
    wait_until(lambda: came() >= h2.WINDOW + 1000, "the bytes of the window that was opened")
    assert came() == h2.WINDOW + 1000


def test_the_window_of_a_stream_holds_back_no_other(manual):
    manual.send(h2.window_update(0, 1 << 20) + manual.get(1, "/big"))
    size = 0
    while size < h2.WINDOW:
        size += len(next_data(manual).payload)
    manual.send(manual.get(3))
    assert manual.expect_answer(3).body == BODY
    assert size == h2.WINDOW


def test_a_long_answer_comes_whole(client):
    client.mark(("x-row", "long"))
    client.send(client.get(1, "/big") + client.get(3, "/big"))
    for stream in (3, 1):
        assert client.expect_answer(stream).body == pattern(BIG)


def test_frames_are_as_large_as_the_client_allows(client):
    """The client said nothing of MAX_FRAME_SIZE: every frame has at most 16384 bytes (which the reader asserts too)."""
    client.mark(("x-row", "sizes"))
    client.send(h2.settings((h2.MAX_FRAME_SIZE, 1 << 20)) + client.get(1, "/big"))
    client.expect_settings_ack()
    sizes = []
    while sum(sizes) < BIG:
        sizes.append(len(next_data(client).payload))
    assert max(sizes) <= h2.FRAME_SIZE, sizes


# ---- what the client may send ---------------------------------------------------------------------------------------


def upload(client, stream, content, flags=h2.END_STREAM):
    """Sends a body as the server opens its windows: a client that keeps to the rules."""
    windows = {0: h2.WINDOW, stream: client.server_settings.get(h2.INITIAL_WINDOW_SIZE, h2.WINDOW)}
    counted = position = 0
    while position < len(content):
        for one in client.seen[counted:]:
            if one.type == h2.WINDOW_UPDATE and one.stream in windows:
                windows[one.stream] += int.from_bytes(one.payload, "big")
        counted = len(client.seen)
        size = min(*windows.values(), h2.FRAME_SIZE, len(content) - position)
        if size <= 0:
            assert client.read_frame(), client.story()
            continue
        client.send(h2.data(stream, content[position:position + size]))
        position += size
        windows = {key: value - size for key, value in windows.items()}
    client.send(h2.data(stream, b"", flags))


def test_a_long_body_goes_up_whole(client, upstream):
    """The server opens both windows as it hands the body on."""
    row = f"upload-{client.scheme}"
    client.mark(("x-row", row))
    client.send(client.post())
    upload(client, 1, pattern(3_000_000))
    assert client.expect_answer().status == 200
    assert [one.body == pattern(3_000_000) for one in upstream.of(row)] == [True]


def test_padding_counts_and_is_given_back(client):
    """4 MB of padding around few bytes: without WINDOW_UPDATE for padding the upload would stall (§6.1)."""
    client.mark(("x-row", "padding"))
    client.send(client.post())
    window = h2.WINDOW
    for _ in range(1000):
        while window < 256:
            got = client.take(lambda one: one.type == h2.WINDOW_UPDATE and one.stream == 1, "WINDOW_UPDATE")
            assert got, client.story()
            window += int.from_bytes(got.payload, "big")
        client.send(h2.data(1, h2.pad(b"", 255), h2.PADDED))
        window -= 256
    client.send(h2.data(1, b"x", h2.END_STREAM))
    assert client.expect_answer().status == 200


def test_a_client_that_keeps_to_no_window_is_ended(client, upstream):
    """The upstream reads nothing: at most the server's windows and its buffers can lie between, and then
    FLOW_CONTROL_ERROR is due (§6.9.1)."""
    client.mark(("x-row", "no-window"))
    client.send(client.post(1, STALL))
    content, sent = b"x" * h2.FRAME_SIZE, 0
    while sent < 64 << 20 and client.poll() and not [one for one in client.seen if one.type == h2.RST_STREAM]:
        if not client.send(h2.data(1, content)):
            break
        sent += len(content)
    assert sent < 64 << 20, "64 MiB were taken without a window"
    # Of the stream, and of the connection where a lot was on its way behind that.
    got = client.take(lambda one: one.type in (h2.RST_STREAM, h2.GOAWAY), "the end of the stream")
    assert got and got.code == h2.FLOW_CONTROL_ERROR, client.story()


def test_a_stalled_upload_holds_back_no_other_stream(client, upstream):
    """A client that keeps to the windows fills that of one stream; others still have room on the connection."""
    client.mark(("x-row", "stalled"))
    window = client.server_settings.get(h2.INITIAL_WINDOW_SIZE, h2.WINDOW)
    size = min(window, h2.WINDOW)
    client.send(client.post(1, STALL))
    for start in range(0, size, h2.FRAME_SIZE):
        client.send(h2.data(1, b"x" * min(h2.FRAME_SIZE, size - start)))
    client.ping()
    client.send(client.post(3))
    upload_small(client, 3, size)
    answered(stream=3)(client)


def upload_small(client, stream, used):
    """Sends four bytes once the window of the connection, of which `used` are taken, has room for them."""
    def room():
        client.poll()
        return h2.WINDOW - used + sum(int.from_bytes(one.payload, "big") for one in client.seen
                                      if one.type == h2.WINDOW_UPDATE and one.stream == 0)
    wait_until(lambda: room() >= 4, "room in the window of the connection")
    client.send(h2.data(stream, b"test", h2.END_STREAM))


def test_the_server_still_serves(daemon):
    for transport in TRANSPORTS:
        assert h2_fetch(listener_of(daemon, transport)).status == 200
