# SPDX-License-Identifier: Apache-2.0
"""TLS to the client: certificates by SNI and by the client's ciphers, a default one, versions, resumption across
workers, ALPN."""
import socket
import ssl
import subprocess

import pytest

from harness.certificates import serial_of_der
from harness.client import HOST, RawClient, build_request, fetch, insecure_context, verifying_context
from harness.pattern import pattern
from harness.scene import plain_scene, proxy
from harness.upstream import answer
from harness.waiting import DEADLINE

SECOND, BOTH, WILD = "second.example.com", "both.example.com", "any.wild.example.com"
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def pairs(authority, site_pair):
    return {"first": site_pair, "second": authority.issue([SECOND]), "rsa": authority.issue([BOTH], kind="rsa"),
            "ecdsa": authority.issue([BOTH], kind="ecdsa"), "wild": authority.issue(["*.wild.example.com"])}


@pytest.fixture(scope="module")
def daemon(start_daemon, pairs, raw):
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    route = [proxy("all", {"prefix": "/"}, "app")]
    config["sites"][0]["tls"] = pairs["first"].as_config()
    config["sites"] += [
        {"hosts": [SECOND], "tls": pairs["second"].as_config(), "routes": route},
        {"hosts": [BOTH], "tls": [pairs["ecdsa"].as_config(), pairs["rsa"].as_config()], "routes": route},
        {"hosts": ["*.wild.example.com"], "tls": pairs["wild"].as_config(), "routes": route},
    ]
    return start_daemon(config)


def handshake(daemon, sni, **how):
    """Handshakes with `sni`; returns (certificate's serial, version, cipher)."""
    with RawClient(daemon.https.port, tls=True, sni=sni, context=insecure_context(**how)) as client:
        return serial_of_der(client.sock.getpeercert(True)), client.sock.version(), client.sock.cipher()[0]


# ---- certificates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("sni, pair", [(HOST, "first"), ("xintuxiangce.top", "first"), (HOST.upper(), "first"),
                                       (SECOND, "second"), (WILD, "wild"), ("b.a.wild.example.com", "wild")])
def test_sni_chooses_the_certificate(daemon, pairs, sni, pair, version):
    assert handshake(daemon, sni, minimum=version, maximum=version)[0] == pairs[pair].serial


@pytest.mark.parametrize("version", [V12, V13])
def test_client_without_sni_gets_the_default_certificate(daemon, pairs, version):
    assert handshake(daemon, None, minimum=version, maximum=version)[0] == pairs["first"].serial


@pytest.mark.parametrize("host", [HOST, SECOND])
def test_chain_is_sent_and_verifies(daemon, authority, host):
    with RawClient(daemon.https.port, tls=True, sni=host, context=verifying_context(authority.ca_file)) as client:
        assert client.request("GET", "/x", host=host).body == b"ok"


@pytest.mark.parametrize("ciphers, pair",
                         [("ECDHE-RSA-AES128-GCM-SHA256", "rsa"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa")])
def test_ciphers_of_the_client_choose_the_kind_of_key_in_tls_1_2(daemon, pairs, ciphers, pair):
    assert handshake(daemon, BOTH, maximum=V12, ciphers=ciphers)[0] == pairs[pair].serial


@pytest.mark.parametrize("algorithms, pair", [("rsa_pss_rsae_sha256", "rsa"), ("ecdsa_secp256r1_sha256", "ecdsa")])
def test_signature_algorithms_choose_the_kind_of_key_in_tls_1_3(daemon, pairs, algorithms, pair):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.https.port}", "-servername", BOTH, "-tls1_3",
               "-sigalgs", algorithms, "-showcerts"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=2 * DEADLINE)
    begin = done.stdout.index(b"-----BEGIN CERTIFICATE-----")
    end = done.stdout.index(b"-----END CERTIFICATE-----") + len(b"-----END CERTIFICATE-----")
    der = ssl.PEM_cert_to_DER_cert(done.stdout[begin:end].decode())
    assert serial_of_der(der) == pairs[pair].serial


def test_rsa_alone_serves_old_clients(daemon, pairs):
    serial, version, cipher = handshake(daemon, HOST, maximum=V12, ciphers="ECDHE-RSA-AES256-GCM-SHA384")
    assert (serial, version, cipher) == (pairs["first"].serial, "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384")


# ---- versions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version, name", [(V12, "TLSv1.2"), (V13, "TLSv1.3")])
def test_versions_that_are_spoken(daemon, version, name):
    context = insecure_context(minimum=version, maximum=version)
    with RawClient(daemon.https.port, tls=True, context=context) as client:
        response = client.request("GET", "/x")
        assert client.sock.version() == name
    record = daemon.record_of(response)
    assert record["tls_version"].endswith(name[-3:]) and record["tls_cipher"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(daemon, version):
    context = insecure_context(minimum=version, maximum=version, ciphers="ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        RawClient(daemon.https.port, tls=True, context=context)
    assert fetch(daemon.https, "GET", "/x").status == 200


def test_min_version_of_the_config(start_one, pairs, raw):
    config = plain_scene(raw.url, tls={"min_version": "1.3"})
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = pairs["first"].as_config()
    daemon = start_one(config)
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(daemon, HOST, maximum=V12)
    assert handshake(daemon, HOST)[1] == "TLSv1.3"


# ---- resumption -----------------------------------------------------------------------------------------------------


def resumed_handshakes(daemon, version, count):
    """Takes a session, then resumes it on `count` new connections; returns how many were resumed."""
    context = insecure_context(minimum=version, maximum=version)
    with RawClient(daemon.https.port, tls=True, context=context) as client:
        assert client.request("GET", "/x").status == 200 and not client.sock.session_reused
        session = client.sock.session
    assert session.has_ticket
    resumed = 0
    for _ in range(count):
        with RawClient(daemon.https.port, tls=True, context=context, session=session) as client:
            assert client.request("GET", "/x").body == b"ok"
            resumed += client.sock.session_reused
    return resumed


@pytest.mark.parametrize("version", [V12, V13])
def test_sessions_are_resumed_by_every_worker(daemon, version):
    """Two workers: that all of 16 connections went to the first one by chance is as likely as 1 in 32768."""
    assert resumed_handshakes(daemon, version, 16) == 16


def test_session_of_one_site_is_no_key_to_another(daemon):
    context = insecure_context(minimum=V12, maximum=V12)
    with RawClient(daemon.https.port, tls=True, sni=HOST, context=context) as client:
        client.request("GET", "/x")
        session = client.sock.session
    with RawClient(daemon.https.port, tls=True, sni=SECOND, context=context, session=session) as client:
        assert client.request("GET", "/x", host=SECOND).status in (200, 421)


def test_tickets_can_be_turned_off(start_one, pairs, raw):
    config = plain_scene(raw.url, tls={"session_tickets": False})
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = pairs["first"].as_config()
    daemon = start_one(config)
    with RawClient(daemon.https.port, tls=True, context=insecure_context(maximum=V12)) as client:
        client.request("GET", "/x")
        assert client.sock.session is None or not client.sock.session.has_ticket


# ---- ALPN and the rest ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offered, chosen", [(["http/1.1"], "http/1.1"), (None, None),
                                             (["spdy/3", "http/1.1"], "http/1.1")])
def test_alpn(daemon, offered, chosen):
    with RawClient(daemon.https.port, tls=True, context=insecure_context(alpn=offered)) as client:
        assert client.sock.selected_alpn_protocol() == chosen
        assert client.request("GET", "/x").body == b"ok"


def test_http2_can_be_declined_by_the_listener(start_one, pairs, raw):
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True, "http2": False}]
    config["sites"][0]["tls"] = pairs["first"].as_config()
    daemon = start_one(config)
    with RawClient(daemon.https.port, tls=True, context=insecure_context(alpn=["h2", "http/1.1"])) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"


def test_connection_ends_with_a_close_notify(daemon):
    """Without one a client could not tell a cut answer from a whole one."""
    context = insecure_context()
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    plain = socket.create_connection(("127.0.0.1", daemon.https.port), timeout=DEADLINE)
    with context.wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as sock:
        sock.sendall(build_request("GET", "/x", [("Connection", "close")]))
        received = b""
        while piece := sock.recv(4096):  # raises when the connection ends without close_notify
            received += piece
    assert received.endswith(b"\r\n\r\nok")


def test_garbage_on_the_tls_port_harms_nobody(daemon):
    for data in (b"\0" * 100, b"\x16\x03\x01\xff\xff" + b"x" * 1000, b"GET / HTTP/1.1\r\n\r\n"):
        with RawClient(daemon.https.port) as client:
            client.send(data)
            try:
                client.reader.to_end()
            except Exception:  # a reset is fine too
                pass
    assert fetch(daemon.https, "GET", "/x").status == 200


@pytest.mark.parametrize("length", [512, 1024, 2048, 4096])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_an_answer_in_the_small_records_that_the_client_wants_is_whole(start_one, pairs, raw, version, length):
    """max_fragment_length (RFC 6066 §4)."""
    body = pattern(200_000)
    raw.handler = lambda received: answer(body, fields=[("Connection", "close")])
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0] |= {"tls": pairs["first"].as_config()}
    daemon = start_one(config)
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.https.port}", version, "-maxfraglen", str(length),
         "-quiet", "-ign_eof"], input=build_request("GET", "/", [("Connection", "close")]), capture_output=True,
        timeout=DEADLINE, check=False)
    raw.handler = lambda received: answer()
    assert done.stdout.endswith(b"\r\n\r\n" + body), len(done.stdout)
