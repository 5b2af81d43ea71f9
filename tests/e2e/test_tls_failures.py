# SPDX-License-Identifier: Apache-2.0
"""Handshakes that fail: each kind has its word in log and metrics, and the next client is served."""
import socket
import ssl

import pytest

from harness.certificates import Authority
from harness.client import HOST, RawClient, build_request, fetch, insecure_context, verifying_context
from harness.metrics import handshake_failures, refusals
from harness.scene import plain_scene
from harness.tls_records import ALERT, APPLICATION_DATA, CLIENT_HELLO, HANDSHAKE, RecordClient
from harness.waiting import DEADLINE, wait_until

V11, V12, V13 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
HALF_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, raw):
    config = plain_scene(raw.url, client={"handshake_timeout": "2s"}, admin={"health": "127.0.0.1:0"})
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = site_pair.as_config()
    return start_daemon(config)


def send(data, goes="no"):
    """A client that sends bytes and waits for the end, or goes away by itself: properly or with a reset."""

    def act(port, _):
        with RawClient(port) as client:
            client.send(data)
            if goes == "properly":
                client.sock.shutdown(socket.SHUT_WR)
            if goes == "reset":
                client.reset()
                return
            try:
                while client.sock.recv(4096):
                    pass
            except ConnectionResetError:
                pass

    return act


def offer(group=None, **how):
    """A client that offers this in its handshake."""

    def act(port, _):
        context = insecure_context(**how)
        if group:
            context.set_ecdh_curve(group)
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            RawClient(port, tls=True, context=context)

    return act


def alert(content, version):
    """A client that says hello, and then this."""
    outgoing = ssl.MemoryBIO()
    hello = insecure_context(minimum=version, maximum=version).wrap_bio(ssl.MemoryBIO(), outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    return send(outgoing.read() + b"\x15\x03\x03\x00\x02" + content)


def trust_others(port, place):
    with pytest.raises(ssl.SSLCertVerificationError):
        RawClient(port, tls=True, context=verifying_context(Authority(place / "not-ours", "Others").ca_file))


ROWS = {
    "plain HTTP": (send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "tls_plain_http", "plain HTTP on a TLS port"),
    "a proxy's client": (send(b"CONNECT x:443 HTTP/1.1\r\n\r\n"), "tls_plain_http", "plain HTTP proxy"),
    "another protocol": (send(b"SSH-2.0-OpenSSH_9.2\r\n"), "tls_invalid", "what the client sent is not TLS"),
    "zeros": (send(b"\0" * 100), "tls_invalid", "what the client sent is not TLS"),
    "a record too long": (send(b"\x16\x03\x01\xff\xff" + b"x" * 1000), "tls_invalid", "does not follow TLS"),
    "another message": (send(b"\x16\x03\x01\x00\x04\x02\0\0\0"), "tls_invalid", "does not follow TLS"),
    "TLS 1.1": (offer(minimum=V11, maximum=V11, ciphers="ALL:@SECLEVEL=0"), "tls_version_not_allowed", "0x0302"),
    "no cipher": (offer(maximum=V12, ciphers="AES128-SHA256"), "tls_no_shared_cipher", "no cipher suite"),
    "no group": (offer("secp521r1", minimum=V13), "tls_no_shared_group", "no group for the key exchange"),
    "no protocol": (offer(alpn=["spdy/3"]), "tls_no_application_protocol", "no HTTP version"),
    "other authorities": (trust_others, "tls_certificate_refused", "it does not trust the issuer"),
    "an alert": (alert(b"\x02\x50", V12), "tls_client_alert", "alert .*internal error"),
    "an alert of TLS 1.3": (alert(b"\x02\x50", V13), "tls_client_alert", "alert .*internal error"),
    "a goodbye": (alert(b"\x01\x00", V12), "tls_closed", "the client closed the connection"),
    "a goodbye of TLS 1.3": (alert(b"\x01\x00", V13), "tls_closed", "the client closed the connection"),
    "nothing": (send(b"", "properly"), "tls_closed", "the client closed the connection"),
    "half a hello": (send(HALF_HELLO, "properly"), "tls_closed", "the client closed the connection"),
    "a reset": (send(HALF_HELLO, "reset"), "tls_closed", "Connection reset by peer"),
    "silence": (send(b""), "tls_timeout", "no handshake within client.handshake_timeout"),
    "half of silence": (send(HALF_HELLO), "tls_timeout", "no handshake within client.handshake_timeout"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_each_failure_has_its_word(daemon, place, row):
    act, reason, message = row
    before, count = len(daemon.error_lines), handshake_failures(daemon, reason)
    act(daemon.https.port, place)
    daemon.wait_error(f"tls_handshake_failed reason={reason} client_ip=127.0.0.1 error=.*{message}", before)
    wait_until(lambda: handshake_failures(daemon, reason) == count + 1, "the failure to be counted", DEADLINE)
    assert fetch(daemon.https, "GET", "/x", host=HOST).status == 200


def asks_for_renegotiations(daemon, place, count):
    """A client that asks for as many, and for a page behind them."""
    client = RecordClient(daemon.https.port, place / f"keys-{count}")
    asked = [client.seal(HANDSHAKE, CLIENT_HELLO) for _ in range(count)]
    client.send(*asked, client.seal(APPLICATION_DATA, build_request("GET", "/x")))
    return client


def test_renegotiation_is_refused_a_few_times(daemon, place):
    with asks_for_renegotiations(daemon, place, 3) as client:
        assert [client.receive() for _ in range(4)] == [ALERT, ALERT, ALERT, APPLICATION_DATA]


def test_client_that_goes_on_asking_for_renegotiation_is_ended(daemon, place):
    """Each is answered by an alert: who asks and never reads could have them pile up here."""
    before = len(daemon.error_lines)
    count = refusals(daemon, "renegotiation_flood")
    with asks_for_renegotiations(daemon, place, 4) as client:
        assert client.receive() is None
    daemon.wait_error("connection_ended reason=renegotiation_flood client_ip=127.0.0.1", before)
    wait_until(lambda: refusals(daemon, "renegotiation_flood") == count + 1, "it to be counted", DEADLINE)
    assert fetch(daemon.https, "GET", "/x", host=HOST).status == 200
