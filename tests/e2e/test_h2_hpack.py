# SPDX-License-Identifier: Apache-2.0
"""Header compression (RFC 7541, RFC 9113 §4.3): every representation is understood as it was meant, and what cannot be
decoded ends the connection with COMPRESSION_ERROR, since the two tables would differ from then on."""
import pytest

from harness import h2frames as h2
from harness.h2cases import (TRANSPORTS, Case, Recorder, answered, connection_error, h2_scene, listener_of, malformed,
                             run_case)
from harness.h2hpack import (FIRST_DYNAMIC, coded_string, eos_bits, huffman_bits, indexed, integer, literal,
                             missing_bits, plain_block, size_update)
from harness.h2wire import H2Client, h2_fetch

# Entries of the static table, RFC 7541 appendix A.
AUTHORITY, METHOD_GET, PATH_ROOT, USER_AGENT = 1, 2, 4, 58
LONG = b"v" * 3000
COMPRESSION = connection_error(h2.COMPRESSION_ERROR)


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


def plain(client, path="/x"):
    return plain_block(client.request("GET", path))


def around(before=b"", behind=b""):
    """A GET as literals, with raw bytes before and behind them in the header block."""
    return lambda client: h2.headers(1, before + plain(client) + behind)


LITERALS = [
    Case(f"6.2 literal {kind}, {'indexed' if isinstance(name, int) else 'new'} name{', Huffman' * coded}",
         around(behind=literal(name, b"probe/1.0 (~\xe4)" if not coded else b"probe/1.0", kind, coded)), answered(), 1)
    for kind in ("incremental", "plain", "never") for name in (USER_AGENT, b"user-agent") for coded in (False, True)
]

ACCEPTED = [
    Case("6.1 indexed fields", lambda c: h2.headers(1, indexed(METHOD_GET) + indexed(PATH_ROOT) + plain_block(
        [one for one in c.request() if one[0] not in (":method", ":path")])), answered(), 1),
    Case("6.3 a size update", around(size_update(1024)), answered(), 1),
    Case("6.3 two size updates", around(size_update(0) + size_update(4096)), answered(), 1),
    Case("6.3 a size update to 0", around(size_update(0)), answered(), 1),
    Case("4.4 an entry larger than the table empties it", around(size_update(64), literal(b"x-a", LONG, "incremental")),
         answered(), 1),
    Case("5.1 an integer with needless bytes", around(behind=b"\x00" + b"\x7f\x80\x00" + b"x" * 127 + b"\x01v"),
         answered(), 1),
    Case("5.2 all bytes of a value in Huffman code", around(behind=literal(
        b"x-all", bytes(range(0x21, 0x7f)) + bytes(range(0x80, 0x100)), "plain", True)), answered(), 1),
    Case("5.2 an empty value in Huffman code", around(behind=b"\x00\x01x" + coded_string(b"")), answered(), 1),
]


def header_table_too_large(client):
    """The largest size is what the server announced; 4096 where it said nothing."""
    limit = client.server_settings.get(h2.HEADER_TABLE_SIZE, 4096)
    return h2.headers(1, size_update(limit + 1) + plain(client))


def huffman_value(raw):
    """A GET with a field whose value is a wrong Huffman code."""
    return around(behind=b"\x00\x06x-test" + coded_string(raw))


REFUSED = [
    Case("4.3 a header block cut off in a literal", lambda c: h2.headers(1, b"\x40"), COMPRESSION),
    Case("4.3 a header block cut off in a value", around(behind=b"\x00\x01x\x05v"), COMPRESSION, 0),
    Case("4.3 a header block cut off in an integer", around(behind=b"\xff\x80"), COMPRESSION, 0),
    Case("4.3 trailers that cannot be decoded", lambda c: c.post() + h2.data(1, b"x") + h2.headers(1, b"\x80"),
         COMPRESSION, 0),
    Case("4.3 what CONTINUATION brings cannot be decoded", lambda c: h2.headers(1, plain(c), h2.END_STREAM)
         + h2.continuation(1, b"\x80"), COMPRESSION, 0),
    Case("2.3.3 an indexed field beyond both tables", around(behind=indexed(FIRST_DYNAMIC + 8)), COMPRESSION, 0),
    Case("2.3.3 an indexed field of an empty table", around(behind=indexed(FIRST_DYNAMIC)), COMPRESSION, 0),
    Case("2.3.3 a literal with a name beyond both tables", around(behind=literal(FIRST_DYNAMIC + 8, b"v",
                                                                                 "incremental")), COMPRESSION, 0),
    Case("2.3.3 a literal with a name of an empty table", around(behind=literal(FIRST_DYNAMIC, b"v")), COMPRESSION, 0),
    Case("4.2 a size update behind fields", around(behind=size_update(100)), COMPRESSION, 0),
    Case("4.2 a size update in between", lambda c: h2.headers(1, indexed(METHOD_GET) + size_update(100) + plain_block(
        [one for one in c.request() if one[0] != ":method"])), COMPRESSION, 0),
    Case("5.1 an integer that has no end", around(behind=b"\x7f" + b"\xff" * 20 + b"\x7f"), COMPRESSION, 0),
    Case("5.1 an index of 2^64", around(behind=integer(2**64, 7, 0x80)), COMPRESSION, 0),
    Case("5.1 a length of 2^32 and more", around(behind=b"\x00" + integer(2**32 + 1, 7) + b"x\x01v"), COMPRESSION, 0),
    Case("5.2 padding of 8 bits", huffman_value(huffman_bits(b"test", "1" * (missing_bits(b"test") + 8))), COMPRESSION,
         0),
    Case("5.2 padding of zeros", huffman_value(huffman_bits(b"test", "0" * missing_bits(b"test"))), COMPRESSION, 0),
    Case("5.2 padding with one zero", huffman_value(huffman_bits(b"test", "1" * (missing_bits(b"test") - 1) + "0")),
         COMPRESSION, 0),
    Case("5.2 EOS", huffman_value(huffman_bits(b"test", eos_bits() + "1" * ((missing_bits(b"test") - 30) % 8))),
         COMPRESSION, 0),
    Case("5.2 EOS alone", huffman_value(huffman_bits(b"", eos_bits() + "11")), COMPRESSION, 0),
    Case("6.1 index 0", around(behind=indexed(0)), COMPRESSION, 0),
    Case("6.3 a size update above SETTINGS_HEADER_TABLE_SIZE", header_table_too_large, COMPRESSION, 0),
    Case("6.3 a size update of 2^32", lambda c: h2.headers(1, size_update(2**32) + plain(c)), COMPRESSION, 0),
]


@pytest.mark.parametrize("case", LITERALS, ids=str)
def test_literal(client, upstream, case):
    """Seven bits, or bytes as they are, cross unchanged to the upstream."""
    row = run_case(client, upstream, case)
    sent = "probe/1.0" if "Huffman" in case.name else "probe/1.0 (~\xe4)"
    assert upstream.of(row)[0].get("user-agent") == sent


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_accepted(client, upstream, case):
    run_case(client, upstream, case)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_cannot_be_decoded(client, upstream, case):
    run_case(client, upstream, case)


def ask(client, stream, block, path):
    """A GET of literals and the given block; returns nothing, the upstream has seen it then."""
    client.send(h2.headers(stream, plain(client, path) + block))
    assert client.expect_answer(stream).status == 200


@pytest.fixture()
def marked(client, request):
    client.mark(("x-row", f"{request.node.name}"))
    return client


def seen(upstream, client, path, name):
    return [one.get(name) for one in upstream.of(client.marks[0][1]) if one.target == path]


def test_the_dynamic_table_lives_as_long_as_the_connection(marked, upstream):
    ask(marked, 1, literal(b"x-a", b"first", "incremental"), "/1")
    ask(marked, 3, literal(b"x-b", b"second", "incremental"), "/2")
    ask(marked, 5, indexed(FIRST_DYNAMIC) + indexed(FIRST_DYNAMIC + 1), "/3")
    ask(marked, 7, literal(FIRST_DYNAMIC + 1, b"third"), "/4")
    assert seen(upstream, marked, "/3", "x-a") + seen(upstream, marked, "/3", "x-b") == ["first", "second"]
    assert seen(upstream, marked, "/4", "x-a") == ["third"]


def test_a_refused_request_still_changes_the_table(marked, upstream):
    """What it brought is in the encoder's table; a decoder that skipped it would read other fields from then on."""
    marked.send(h2.headers(1, plain(marked) + literal(b"x-a", b"kept", "incremental") + literal(b"X-Upper", b"v")))
    malformed(marked)
    if not marked.goaway():
        ask(marked, 3, indexed(FIRST_DYNAMIC), "/3")
        assert seen(upstream, marked, "/3", "x-a") == ["kept"]


def test_a_stream_beyond_the_limit_still_changes_the_table(marked, upstream):
    limit = marked.server_settings[h2.MAX_CONCURRENT_STREAMS]
    marked.send(b"".join(marked.post(2 * number + 1) for number in range(limit)))
    beyond = 2 * limit + 1
    entries = len(marked.encoder.header_table.dynamic_entries)
    assert entries
    marked.send(h2.headers(beyond, plain(marked, "/beyond") + literal(b"x-a", b"kept", "incremental")))
    marked.expect_stream_error(beyond, h2.REFUSED_STREAM, h2.PROTOCOL_ERROR)
    if not marked.goaway():
        marked.send(h2.rst_stream(1))
        ask(marked, beyond + 2, indexed(FIRST_DYNAMIC), "/behind")
        assert seen(upstream, marked, "/behind", "x-a") == ["kept"]


def test_entries_are_evicted(marked, upstream):
    """Two entries of 3000 bytes do not fit into 4096: the older one is gone, and its index is an error."""
    ask(marked, 1, literal(b"x-a", LONG, "incremental") + literal(b"x-b", b"w" * 3000, "incremental"), "/1")
    ask(marked, 3, indexed(FIRST_DYNAMIC), "/2")
    assert seen(upstream, marked, "/2", "x-b") == ["w" * 3000]
    marked.send(h2.headers(5, plain(marked) + indexed(FIRST_DYNAMIC + 1)))
    marked.expect_connection_error(h2.COMPRESSION_ERROR)


def test_a_size_update_evicts(marked, upstream):
    ask(marked, 1, literal(b"x-a", b"gone", "incremental"), "/1")
    marked.send(h2.headers(3, size_update(0) + size_update(4096) + plain(marked) + indexed(FIRST_DYNAMIC)))
    marked.expect_connection_error(h2.COMPRESSION_ERROR)


def test_the_server_keeps_to_the_table_that_the_client_allows(daemon):
    """The client's decoder takes a table of 0 bytes; answers repeat fields that an encoder would like to keep."""
    with H2Client(daemon.https, settings=[(h2.HEADER_TABLE_SIZE, 0)]) as client:
        client.decoder.max_allowed_table_size = 0
        for stream in range(1, 12, 2):
            client.send(client.get(stream))
            assert client.expect_answer(stream).status == 200
        assert not client.decoder.header_table.dynamic_entries


def test_the_server_follows_a_table_that_shrinks(client):
    """§4.2: the change is announced at the start of the next header block."""
    for stream in range(1, 6, 2):
        client.send(client.get(stream))
        assert client.expect_answer(stream).status == 200
    client.send(h2.settings((h2.HEADER_TABLE_SIZE, 64)))
    client.expect_settings_ack()
    client.decoder.max_allowed_table_size = 64
    for stream in range(7, 12, 2):
        client.send(client.get(stream))
        assert client.expect_answer(stream).status == 200


def test_fields_that_are_never_indexed_arrive(marked, upstream):
    ask(marked, 1, literal(b"authorization", b"Basic c2VjcmV0", "never"), "/1")
    assert seen(upstream, marked, "/1", "authorization") == ["Basic c2VjcmV0"]


def test_the_server_still_serves(daemon):
    for transport in TRANSPORTS:
        assert h2_fetch(listener_of(daemon, transport)).status == 200
