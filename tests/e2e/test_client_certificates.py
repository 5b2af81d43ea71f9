# SPDX-License-Identifier: Apache-2.0
"""Certificates of clients: who is asked for one, who gets in, that no other host of the connection is a way around, and
what upstreams are told. HSTS and stapled OCSP answers, which stand beside them in the config of a site."""
import base64
import datetime
import re
import shutil
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.certificates import Authority
from harness.cli import run
from harness.client import RawClient, build_request, exchange, fetch, insecure_context
from harness.expect import assert_own_answer
from harness.h2_client import H2LibraryClient
from harness.h2_upstream import H2Upstream
from harness.metrics import handshake_failures
from harness.scene import plain_scene, proxy
from harness.upstream import answer
from harness.waiting import wait_until
from harness.wire import Ended

OPEN, CLOSED, OPTIONAL = "open.test", "closed.test", "optional.test"
HSTS = "max-age=31536000; includeSubDomains"


@pytest.fixture(scope="module")
def client_pair(authority):
    return authority.issue(["anna"], usage=ExtendedKeyUsageOID.CLIENT_AUTH)


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue([OPEN, CLOSED, OPTIONAL])


@pytest.fixture(scope="module")
def h2_server():
    with H2Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def daemon(start_daemon, authority, pair, raw, h2_server):
    config = plain_scene(raw.url)
    config["upstreams"]["h2"] = {"servers": [h2_server.url], "http2": True}
    config["sites"][0]["routes"].insert(0, proxy("h2", {"prefix": "/h2/"}, "h2"))
    config["listeners"].append({"address": "127.0.0.1:0", "tls": True})
    config["admin"] = {"health": "127.0.0.1:0"}
    routes = config["sites"][0]["routes"]
    ask = {"client_ca": str(authority.ca_file)}
    config["sites"] = [
        {"hosts": [OPEN], "tls": pair.as_config(), "routes": routes,
         "hsts": {"max_age": "365d", "include_subdomains": True}},
        {"hosts": [CLOSED], "tls": pair.as_config() | ask, "routes": routes},
        {"hosts": [OPTIONAL], "tls": pair.as_config() | ask | {"client_auth": "optional"}, "routes": routes}]
    return start_daemon(config)


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()


def context_of(pair=None, version=None, alpn=("http/1.1",)):
    context = insecure_context(maximum=version, minimum=version, alpn=list(alpn))
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    return context


def ask(daemon, sni, host=None, **more):
    """The status of a request to `host` on a connection to `sni`; None where there is no connection."""
    try:
        return fetch(daemon.https, "GET", "/x", host=host or sni, sni=sni, context=context_of(**more)).status
    except (Ended, ConnectionError, ssl.SSLError):
        return None


def field_of(pair):
    """The leaf of `pair` as RFC 9440 writes it."""
    leaf = x509.load_pem_x509_certificate(pair.cert.read_bytes())
    return f":{base64.b64encode(leaf.public_bytes(serialization.Encoding.DER)).decode()}:"


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
def test_who_shows_a_certificate_gets_in(daemon, client_pair, version):
    assert ask(daemon, CLOSED, pair=client_pair, version=version) == 200
    assert ask(daemon, OPTIONAL, pair=client_pair, version=version) == 200
    assert ask(daemon, OPTIONAL, version=version) == 200
    assert ask(daemon, OPEN, version=version) == 200


@VERSIONS
@pytest.mark.parametrize("site", [CLOSED, OPTIONAL])
@pytest.mark.parametrize("fault, message", [
    ("authority", "comes from an authority that is not trusted here: CN=Others root (client_ca)"),
    ("expired", "the client's certificate (CN=anna) expired on 20"), ("usage", "unsuitable certificate purpose")])
def test_certificates_that_are_not_valid_are_refused(daemon, raw, place, authority, site, fault, message, version):
    if fault == "authority":
        pair = Authority(place / "others", "Others").issue(["anna"], usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    elif fault == "expired":
        pair = authority.issue(["anna"], usage=ExtendedKeyUsageOID.CLIENT_AUTH, days=(-10, -1))
    else:
        pair = authority.issue(["anna"])  # a server's
    before, count = len(daemon.error_lines), handshake_failures(daemon, "tls_client_certificate_refused")
    assert ask(daemon, site, pair=pair, version=version) is None
    daemon.wait_error("tls_handshake_failed reason=tls_client_certificate_refused .*" + re.escape(message), before)
    assert handshake_failures(daemon, "tls_client_certificate_refused") == count + 1
    assert not raw.received


@VERSIONS
def test_without_a_certificate_nobody_gets_in(daemon, raw, version):
    before, count = len(daemon.error_lines), handshake_failures(daemon, "tls_client_certificate_missing")
    assert ask(daemon, CLOSED, version=version) is None
    daemon.wait_error("tls_handshake_failed reason=tls_client_certificate_missing .*shows no certificate", before)
    assert handshake_failures(daemon, "tls_client_certificate_missing") == count + 1
    assert not raw.received


@pytest.mark.parametrize("sni", [OPEN, OPTIONAL, "unknown.test", None])
def test_no_other_host_of_the_connection_is_a_way_around(daemon, raw, client_pair, sni):
    """The name in the handshake is one site's, the Host field another's."""
    for pair in [None, client_pair] if sni != OPTIONAL else [None]:
        context = context_of(pair=pair)
        response = fetch(daemon.https, "GET", "/x", host=CLOSED, sni=sni, context=context)
        assert_own_answer(response, 421)
        assert daemon.record_of(response)["reason"] == "client_certificate_missing"
    assert not raw.received


def test_nor_is_plain_http(daemon, raw):
    response = fetch(daemon.http, "GET", "/x", host=CLOSED)
    assert_own_answer(response, 421)
    assert not raw.received


def test_nor_a_stream_beside_others(daemon):
    with H2LibraryClient(daemon.https, host=OPEN) as client:
        for host, status in [(OPEN, 200), (CLOSED, 421), (OPEN, 200)]:
            client.host = host
            stream = client.get("/x")
            client.wait(lambda: stream.over, "the answer")
            assert stream.status == status


@VERSIONS
def test_nor_a_session_that_began_elsewhere(daemon, client_pair, version):
    context = context_of(version=version)
    with RawClient(daemon.https.port, tls=True, sni=OPEN, context=context) as client:
        assert client.request("GET", "/x", host=OPEN).status == 200
        session = client.sock.session
    try:
        with RawClient(daemon.https.port, tls=True, sni=CLOSED, context=context, session=session) as client:
            assert client.request("GET", "/x", host=CLOSED).status == 421
    except (Ended, ConnectionError, ssl.SSLError):
        pass
    context = context_of(pair=client_pair, version=version)
    with RawClient(daemon.https.port, tls=True, sni=CLOSED, context=context) as client:
        assert client.request("GET", "/x", host=CLOSED).status == 200
        session = client.sock.session
    with RawClient(daemon.https.port, tls=True, sni=CLOSED, context=context, session=session) as client:
        assert client.request("GET", "/x", host=CLOSED).status == 200
        assert not client.sock.session_reused


# ---- what upstreams are told -----------------------------------------------------------------------------------------

FORGED = [("Client-Cert", ":Zm9yZ2Vk:"), ("client-cert", ":Zm9yZ2Vk:"), ("Client_Cert", ":Zm9yZ2Vk:"),
          ("Client-Cert-Chain", ":Zm9yZ2Vk:"), ("CLIENT_CERT-CHAIN", ":Zm9yZ2Vk:")]


def told(received):
    """All fields that say, or seem to say, which certificate there was."""
    return [pair for pair in received.fields if pair[0].lower().replace("_", "-").startswith("client-cert")]


@VERSIONS
@pytest.mark.parametrize("site", [CLOSED, OPTIONAL])
def test_upstreams_get_the_certificate_with_each_request(daemon, raw, client_pair, site, version):
    with RawClient(daemon.https.port, tls=True, sni=site, context=context_of(client_pair, version)) as client:
        for fields in [], FORGED:
            assert client.request("GET", "/x", fields, host=site).status == 200
    assert [told(one) for one in raw.received] == 2 * [[("Client-Cert", field_of(client_pair))]]


def test_upstreams_get_the_certificate_of_http2_too(daemon, raw, client_pair):
    context = context_of(client_pair, alpn=["h2"])
    with H2LibraryClient(daemon.https, host=CLOSED, sni=CLOSED, context=context) as client:
        for fields in [], [(name.lower(), value) for name, value in FORGED]:
            stream = client.get("/x", fields)
            client.wait(lambda: stream.over, "the answer")
            assert stream.status == 200
        # OPEN asks for none, so what was shown is nobody's business there.
        client.host = OPEN
        stream = client.get("/x", [(name.lower(), value) for name, value in FORGED])
        client.wait(lambda: stream.over, "the answer")
        assert stream.status == 200
    assert [told(one) for one in raw.received] == 2 * [[("Client-Cert", field_of(client_pair))]] + [[]]


def test_upstreams_get_the_certificate_over_http2_too(daemon, h2_server, client_pair):
    with RawClient(daemon.https.port, tls=True, sni=CLOSED, context=context_of(client_pair)) as client:
        for fields in [], FORGED:
            assert client.request("GET", "/h2/x", fields, host=CLOSED).status == 200
    assert fetch(daemon.https, "GET", "/h2/x", FORGED, host=OPEN, sni=OPEN).status == 200
    assert [told(one) for one in h2_server.received] == 2 * [[("client-cert", field_of(client_pair))]] + [[]]


@pytest.mark.parametrize("host, sni", [(OPEN, OPEN), (OPTIONAL, OPTIONAL), (OPTIONAL, OPEN), (OPEN, None)])
def test_what_clients_say_of_certificates_is_dropped(daemon, raw, host, sni):
    fields = [*FORGED, ("Connection", "Client-Cert")]
    assert fetch(daemon.https, "GET", "/x", fields, host=host, sni=sni).status == 200
    assert fetch(daemon.http, "GET", "/x", fields, host=host).status == 200
    assert [told(one) for one in raw.received] == [[], []]


def test_nor_does_it_come_in_trailers(daemon, raw):
    head = build_request("POST", "/x", [("Transfer-Encoding", "chunked"), ("Trailer", "Client-Cert")], host=OPEN)
    trailers = "".join(f"{name}: {value}\r\n" for name, value in [*FORGED, ("X-Stays", "1")])
    exchange(daemon.http, head + b"1\r\nx\r\n0\r\n" + trailers.encode() + b"\r\n")
    assert raw.only().trailers == [("X-Stays", "1")]


# ---- HSTS -----------------------------------------------------------------------------------------------------------


def test_hsts_on_every_answer_over_tls(daemon, raw, monkeypatch):
    def hsts(listener, target="/x", host=OPEN, **more):
        return fetch(listener, "GET", target, host=host, **more).all("Strict-Transport-Security")

    assert hsts(daemon.https, sni=OPEN) == [HSTS]
    assert hsts(daemon.https, "/%zz", sni=OPEN) == [HSTS]  # an answer of ours
    assert hsts(daemon.http) == []
    assert hsts(daemon.https, host=OPTIONAL, sni=OPTIONAL) == []
    fields = [("Strict-Transport-Security", "max-age=1"), ("strict-transport-security", "max-age=2")]
    monkeypatch.setattr(raw, "handler", lambda received: answer(fields=fields))
    assert hsts(daemon.https, sni=OPEN) == [HSTS]
    assert hsts(daemon.http) == ["max-age=1", "max-age=2"]  # nothing is altered that the config does not name


# ---- OCSP -----------------------------------------------------------------------------------------------------------


def ocsp_answer(authority, pair, days=1):
    leaf = x509.load_pem_x509_certificate(pair.cert.read_bytes())
    now = datetime.datetime.utcnow().replace(microsecond=0)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf, issuer=authority.intermediate, algorithm=hashes.SHA1(), cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=now - datetime.timedelta(days=2), next_update=now + datetime.timedelta(days=days),
        revocation_time=None, revocation_reason=None).responder_id(ocsp.OCSPResponderEncoding.HASH,
                                                                   authority.intermediate)
    signed = builder.sign(authority.intermediate_key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def stapled(daemon, host):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.https.port}", "-servername", host,
                           "-status"], input="", capture_output=True, text=True, check=False)
    return "OCSP Response Status: successful" in done.stdout


def test_ocsp_answers_are_stapled_while_they_hold(start_one, place, authority, raw):
    pair = authority.issue([OPEN])
    answer = place / "open.ocsp"
    answer.write_bytes(ocsp_answer(authority, pair))
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0] |= {"hosts": [OPEN], "tls": pair.as_config() | {"ocsp": str(answer)}}
    daemon = start_one(config)
    assert stapled(daemon, OPEN)
    answer.write_bytes(ocsp_answer(authority, pair, days=-1))
    wait_until(lambda: daemon.find_error("certificates_renewed"), "the new answer to be read", 40)
    assert not stapled(daemon, OPEN)
    assert fetch(daemon.https, "GET", "/x", host=OPEN, sni=OPEN).status == 200


def test_an_authority_that_is_taken_out_takes_its_connections_along(start_one, place, authority, client_pair, raw):
    trusted = place / "trusted.pem"
    shutil.copy(authority.ca_file, trusted)
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0] |= {"hosts": [CLOSED],
                           "tls": authority.issue([CLOSED]).as_config() | {"client_ca": str(trusted)}}
    daemon = start_one(config)
    with RawClient(daemon.https.port, tls=True, sni=CLOSED, context=context_of(client_pair)) as client:
        assert client.request("GET", "/x", host=CLOSED).status == 200
        shutil.copy(Authority(place / "others", "Others").ca_file, trusted)
        assert run("reload", "-c", daemon.config_path).returncode == 0
        response = client.request("GET", "/x", host=CLOSED)
    assert response.status == 421
    assert daemon.record_of(response)["reason"] == "client_certificate_missing"
