# SPDX-License-Identifier: Apache-2.0
"""TLS to the upstream: verified and with SNI by default; every wrong certificate is refused before a byte is sent."""
import json
import re
import shutil
import ssl

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.app_server import AppServer
from harness.certificates import Authority
from harness.cli import run
from harness.client import HOST, build_request, exchange, fetch
from harness.expect import assert_own_answer
from harness.pattern import pattern, pattern_sha256
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer, server_context
from harness.waiting import wait_until

NAME = "www.aifuture.net.cn"
WRONG = {
    "expired": "upstream_certificate_invalid",
    "not-yet-valid": "upstream_certificate_invalid",
    "wrong-name": "upstream_certificate_invalid",
    "unknown-ca": "upstream_certificate_invalid",
    "plain": "upstream_tls_failed",
}


def speaks_no_tls(connection):
    connection.reader.fill()
    connection.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    return True


@pytest.fixture(scope="module")
def good_pair(authority):
    return authority.issue([NAME], kind="rsa")


@pytest.fixture(scope="module")
def servers(place, authority, good_pair):
    """One TLS upstream a kind of certificate."""
    stranger = Authority(place / "stranger", "Stranger")
    pairs = {
        "good": good_pair,
        "ecdsa": authority.issue([NAME], kind="ecdsa"),
        "wildcard": authority.issue(["*.aifuture.net.cn"]),
        "expired": authority.issue([NAME], days=(-30, -1)),
        "not-yet-valid": authority.issue([NAME], days=(2, 30)),
        "wrong-name": authority.issue(["other.example"]),
        "unknown-ca": stranger.issue([NAME]),
    }
    upstreams = {kind: RawUpstream(lambda received: answer(b"over tls"), tls=server_context(pair))
                 for kind, pair in pairs.items()}
    upstreams["plain"] = RawUpstream(on_connect=speaks_no_tls)
    upstreams["silent"] = RawUpstream(on_connect=lambda connection: connection.wait_for_peer() or True)
    yield upstreams
    for upstream in upstreams.values():
        upstream.stop()


@pytest.fixture(scope="module")
def tls_app(good_pair):
    server = AppServer(names=("app",), pair=good_pair)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def daemon(start_daemon, authority, servers, tls_app):
    ca = {"ca": str(authority.ca_file)}
    named = {"sni": NAME, **ca}
    upstreams = {kind: {"servers": [server.url.replace("http:", "https:")], "tls": named}
                 for kind, server in servers.items()}
    good = servers["good"].url
    upstreams |= {
        "app": {"servers": [tls_app.urls["app"]], "tls": named},
        "unverified": {"servers": [servers["expired"].url], "tls": {"verify": False, "sni": NAME}},
        "other-name": {"servers": [good], "tls": {"sni": "alias.example", "verify_name": NAME, **ca}},
        "localhost": {"servers": [servers["wildcard"].url.replace("127.0.0.1", "localhost")], "tls": ca},
        "next": {"servers": [servers["expired"].url, good], "tls": named},
        "host-upstream": {"servers": [good], "tls": named, "host": "upstream"},
        "host-literal": {"servers": [good], "tls": named, "host": "literal.example"},
        "no-ca": {"servers": [good], "tls": {"sni": NAME}},
    }
    routes = [proxy(name, {"prefix": f"/{name}/"}, name, timeouts={"connect": "1s"})
              for name in upstreams if name != "app"]
    routes.append(proxy("app", {"prefix": "/api/v1/"}, "app"))
    return start_daemon({**plain_scene(good, routes), "upstreams": upstreams})


@pytest.mark.parametrize("kind", ["good", "ecdsa", "wildcard", "other-name", "unverified"])
def test_certificate_is_taken(daemon, kind):
    assert fetch(daemon.http, "GET", f"/{kind}/x").body == b"over tls"
    assert fetch(daemon.http, "POST", f"/{kind}/x", body=pattern(100_000)).body == b"over tls"


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_wrong_certificate_is_refused_before_anything_is_sent(daemon, servers, kind, method):
    response = fetch(daemon.http, method, f"/{kind}/x", [("Authorization", "Bearer s3cr3t")],
                     b"{}" if method == "POST" else None)
    assert_own_answer(response, 502, [NAME, "certificate"])
    record = daemon.record_of(response)
    assert (record["status"], record["reason"]) == (502, WRONG[kind])
    assert not [one for one in servers[kind].received if one.target.startswith(f"/{kind}/")]


def test_handshake_that_is_never_answered(daemon):
    response = fetch(daemon.http, "POST", "/silent/x", body=b"{}")
    assert_own_answer(response, 504)
    assert daemon.record_of(response)["reason"] == "upstream_connect_timeout"


def test_error_log_names_what_was_expected(daemon):
    fetch(daemon.http, "GET", "/wrong-name/x")
    line = daemon.wait_error(r"upstream.*wrong-name.*certificate|certificate.*wrong-name").string
    assert NAME in line


def test_system_store_does_not_know_our_ca(daemon):
    response = fetch(daemon.http, "GET", "/no-ca/x")
    assert response.status == 502 and daemon.record_of(response)["reason"] == "upstream_certificate_invalid"


def test_name_of_the_url_is_sni_and_is_verified(daemon, servers):
    """Without sni in the config the server's own name counts: localhost is not in that certificate."""
    servers["wildcard"].server_names.clear()
    response = fetch(daemon.http, "GET", "/localhost/x")
    assert daemon.record_of(response)["reason"] == "upstream_certificate_invalid"
    assert servers["wildcard"].server_names == ["localhost"]


def test_sni_is_sent_and_host_is_another_matter(daemon, servers):
    good = servers["good"]
    for route, sni, host in (("good", NAME, HOST), ("other-name", "alias.example", HOST),
                             ("host-upstream", NAME, f"127.0.0.1:{good.port}"),
                             ("host-literal", NAME, "literal.example")):
        good.server_names.clear()
        good.clear()
        fetch(daemon.http, "GET", f"/{route}/x")
        assert good.only().get("Host") == host
        assert set(good.server_names) <= {sni}  # none when a connection is reused


def test_next_server_when_the_certificate_is_wrong(daemon, servers):
    for _ in range(4):
        assert fetch(daemon.http, "POST", "/next/x", body=b"{}").body == b"over tls"
    assert not servers["expired"].received or all(one.target == "/unverified/x" for one in servers["expired"].received)


def test_connection_is_reused_over_tls(daemon, servers):
    good = servers["good"]
    before = len(good.connections)
    for _ in range(20):
        assert fetch(daemon.http, "GET", "/host-literal/x").status == 200
    assert len(good.connections) - before <= 2  # one a worker


def test_fastapi_under_uvicorn_over_tls(daemon):
    body = pattern(3_000_000)
    response = exchange(daemon.http, build_request("POST", "/api/v1/upload", body=body), "POST")
    assert json.loads(response.body)["sha256"] == pattern_sha256(len(body))
    assert exchange(daemon.http, build_request("GET", "/api/v1/download?size=3000000&chunked=true")).body == body
    record = daemon.record_of(response)
    assert record["upstream"] == "app" and record["tls_ms"] is not None


def test_renewed_authorities_and_client_certificate_are_picked_up(start_one, authority, place):
    """And `check` tells of a client certificate that has expired."""
    ours, theirs = Authority(place / "clients", "Clients"), Authority(place / "before", "Before")
    old = ours.issue(["viaduct"], days=(-10, -1), usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    context = server_context(authority.issue([NAME]))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ours.ca_file)
    trusted = place / "trusted.pem"
    shutil.copy(theirs.ca_file, trusted)
    with RawUpstream(lambda received: answer(b"over tls"), tls=context) as upstream:
        config = plain_scene(upstream.url)
        config["upstreams"]["app"] = {"servers": [upstream.url.replace("http:", "https:")], "eject": None, "tls": {
            "sni": NAME, "ca": str(trusted), "cert": str(old.cert), "key": str(old.key)}}
        daemon = start_one(config)
        assert fetch(daemon.http, "GET", "/x").status == 502
        checked = run("check", "-c", daemon.config_path)
        assert checked.returncode == 0
        assert re.search(r"upstreams\.app\.tls\.cert: .* expired on .*: servers refuse it; renew it", checked.stderr)
        new = ours.issue(["viaduct"], usage=ExtendedKeyUsageOID.CLIENT_AUTH)
        shutil.copy(new.key, old.key)
        shutil.copy(new.cert, old.cert)
        shutil.copy(authority.ca_file, trusted)
        wait_until(lambda: fetch(daemon.http, "GET", "/x").status == 200, "the renewed files", 40)


@pytest.fixture(scope="module")
def choosy(start_daemon, authority, good_pair):
    """Upstreams whose first server, or only one, wants a client certificate that we do not have."""
    context = server_context(good_pair)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    good = RawUpstream(lambda received: answer(b"from the next"), tls=server_context(good_pair))
    with RawUpstream(tls=context) as wants, good:
        urls = [upstream.url.replace("http:", "https:") for upstream in (wants, good)]
        named = {"eject": None, "tls": {"sni": NAME, "ca": str(authority.ca_file)}}
        upstreams = {"one": {"servers": urls[:1], **named},
                     "two": {"servers": [urls[0], {"url": urls[1], "backup": True}], **named}}
        routes = [proxy(name, {"prefix": f"/{name}/"}, name) for name in upstreams]
        yield start_daemon({**plain_scene(urls[0], routes), "upstreams": upstreams})


@pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"{}")])
def test_handshake_that_is_refused_behind_its_end_is_a_failure_of_tls(choosy, method, body):
    """A server of TLS 1.3 says so only when the request is under way already: it has looked at none of it."""
    response = fetch(choosy.http, method, "/one/x", body=body)
    assert_own_answer(response, 502, [NAME, "certificate"])
    assert choosy.record_of(response)["reason"] == "upstream_tls_failed"
    choosy.wait_error('upstream_connection_ended reason=upstream_tls_failed .*alert .*certificate required')
    response = fetch(choosy.http, method, "/two/x", body=body)
    assert response.body == b"from the next"
    assert choosy.record_of(response)["attempts"] == 2


def test_long_body_that_was_under_way_is_not_sent_again(choosy):
    response = fetch(choosy.http, "POST", "/two/x", body=pattern(100_000))
    assert_own_answer(response, 502)
    assert choosy.record_of(response)["reason"] == "upstream_tls_failed"
