# SPDX-License-Identifier: Apache-2.0
"""Tests of the tests: without Viaduct in between, the tools and the application do what the other files assume."""
import http.client
import json
import ssl

import pytest

from harness import notices, payment
from harness.certificates import serial_of_der
from harness.client import HOST, RawClient, build_request, chunk, insecure_context, verifying_context
from harness.cli import to_yaml
from harness.pattern import pattern, pattern_sha256
from harness.scene import scene
from harness.upstream import Blackhole, ClosedPort, RawUpstream, answer, server_context

VECTORS = payment.VECTORS


def direct(apps, data, name="app"):
    with RawClient(apps.ports[name]) as client:
        client.send(data)
        return client.read_response()


@pytest.mark.parametrize("notice", notices.ALL, ids=notices.by_name)
def test_the_application_verifies_the_published_notices(apps, notice):
    response = direct(apps, notice.raw())
    assert (response.status, response.body) == (notice.expected_status, notice.expected_body)


@pytest.mark.parametrize("notice", [one for one in notices.GENUINE if one.body and "refund" not in one.name],
                         ids=notices.by_name)
def test_the_application_refuses_a_changed_body(apps, notice):
    changed = notice.raw().replace(b"1", b"2")
    assert direct(apps, changed).body != notice.expected_body


def test_v3_notice_fails_when_reserialised():
    vector = VECTORS["wechat_pay_v3"]
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    body = vector["body"].encode()
    assert payment.v3_verifies(headers, body)
    assert not payment.v3_verifies(headers, json.dumps(json.loads(body)).encode())


def test_v3_notice_verifies_by_public_key_and_decrypts():
    vector, key = VECTORS["wechat_pay_v3"], VECTORS["wechat_pay_v3_public_key"]
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    public_key = payment.serialization.load_pem_public_key(key["public_key_pem"].encode())
    assert payment.rsa_verifies(public_key, key["signature"], key["message"].encode())
    assert payment.v3_verifies(headers, vector["body"].encode(), public_key)
    assert payment.v3_decrypt(vector["body"].encode(), vector["apiv3_key"]) == vector["plaintext"]


def test_account_signatures_and_encrypted_reply():
    for name in ("official_account_check", "official_account_check_wechatpy", "official_account_plain_push"):
        vector = VECTORS[name]
        assert payment.sorted_sha1(vector["token"], vector["timestamp"], vector["nonce"]) == vector["signature"]
    reply = VECTORS["official_account_secure_reply"]
    assert payment.push_decrypt(reply["encrypt"], reply["encoding_aes_key"])[0] == reply["plaintext"]
    assert payment.sorted_sha1(reply["token"], reply["timestamp"], reply["nonce"],
                               reply["encrypt"]) == reply["msg_signature"]


def test_the_two_sockets_of_the_application_have_names(apps):
    for name in ("app", "web"):
        assert direct(apps, build_request("GET", "/api/v1/status/200"), name).get("X-Upstream-Name") == name


def test_application_hashes_uploads_and_sends_patterns(apps):
    body = pattern(200_000)
    sized = json.loads(direct(apps, build_request("POST", "/api/v1/upload", body=body)).body)
    head = build_request("POST", "/api/v1/upload", [("Transfer-Encoding", "chunked")])
    chunked = json.loads(direct(apps, head + chunk(body[:70000], body[70000:])).body)
    assert sized["sha256"] == chunked["sha256"] == pattern_sha256(200_000)
    assert (sized["content_length"], chunked["transfer_encoding"]) == ("200000", "chunked")
    for form in ("length", "chunked"):
        target = f"/api/v1/download?size=200000&chunked={form == 'chunked'}"
        response = direct(apps, build_request("GET", target))
        assert (response.framing, response.body) == (form, body)


def test_raw_upstream_records_the_bytes_and_answers():
    data = b"POST /%E6%94%AF?b=2&a HTTP/1.1\r\nHost: x\r\nX-MiXed:  v \r\nTransfer-Encoding: chunked\r\n\r\n"
    data += chunk(b"abc", b"de", trailers=[("X-Sum", "9")])
    with RawUpstream(lambda received: answer(b"fine", framing="chunked", trailers=[("X-T", "1")])) as upstream:
        with RawClient(upstream.port) as client:
            client.send_pieces(data)
            response = client.read_response()
        received = upstream.only()
    assert (response.body, response.framing, response.trailers) == (b"fine", "chunked", [("X-T", "1")])
    assert received.target == "/%E6%94%AF?b=2&a" and received.fields[1] == ("X-MiXed", "v")
    assert (received.body, received.trailers) == (b"abcde", [("X-Sum", "9")])


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_raw_upstream_cuts_answers(ending):
    def handler(received):
        received.send(answer(b"0123456789")[:-4])
        received.reset() if ending == "reset" else received.close()

    with RawUpstream(handler) as upstream, RawClient(upstream.port) as client:
        response = client.request("GET", "/")
    assert not response.complete and len(response.body) <= 6


def test_certificates_chain_to_the_root(authority, site_pair):
    with RawUpstream(tls=server_context(site_pair)) as upstream:
        with RawClient(upstream.port, tls=True, context=verifying_context(authority.ca_file)) as client:
            assert client.request("GET", "/").body == b"ok"
            assert serial_of_der(client.sock.getpeercert(True)) == site_pair.serial
        assert upstream.server_names == [HOST]
        with pytest.raises(ssl.SSLCertVerificationError):
            RawClient(upstream.port, tls=True, sni="other.example", context=verifying_context(authority.ca_file))
    expired = authority.issue([HOST], days=(-20, -5))
    with RawUpstream(tls=server_context(expired)) as upstream, pytest.raises(ssl.SSLCertVerificationError):
        RawClient(upstream.port, tls=True, context=verifying_context(authority.ca_file))


def test_no_server_name_is_sent_when_asked_so(site_pair):
    with RawUpstream(tls=server_context(site_pair)) as upstream:
        with RawClient(upstream.port, tls=True, sni=None, context=insecure_context()) as client:
            client.request("GET", "/")
        assert upstream.server_names == [None]


def test_closed_port_refuses_and_blackhole_hangs():
    closed, hole = ClosedPort(), Blackhole()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", closed.port, timeout=1).connect()
    with pytest.raises(TimeoutError):
        http.client.HTTPConnection("127.0.0.1", hole.port, timeout=0.3).connect()
    closed.close()
    hole.close()


def test_scene_is_plain_yaml(site_pair, web_root):
    text = to_yaml(scene(site_pair, web_root, "http://127.0.0.1:8000"))
    assert "&id" not in text and "prefix: /api/v1/" in text
