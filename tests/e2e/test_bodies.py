# SPDX-License-Identifier: Apache-2.0
"""Bodies of any size cross byte for byte in both directions, length-delimited or chunked as they came."""
import hashlib
import json

import pytest

from harness.client import RawClient, build_request, chunk, exchange
from harness.curl import Curl
from harness.pattern import pattern, pattern_pieces, pattern_sha256
from harness.scene import scene
from harness.upstream import answer

KIB, MIB = 1024, 1024 * 1024
# Around the 64 KiB that are read before a server is chosen, around buffer sizes, and the largest of the contract.
SIZES = [0, 1, 1000, 16 * KIB, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB + 7, 16 * MIB, 64 * MIB]
FORMS = ["length", "chunked"]


@pytest.fixture(scope="module")
def config(site_pair, web_root):
    def make(url):
        config = scene(site_pair, web_root, url)
        config["defaults"]["body_limit"] = "100m"
        return config
    return make


@pytest.fixture(scope="module")
def daemon(start_daemon, config, apps):
    return start_daemon(config(apps.urls["app"]))


@pytest.fixture(scope="module")
def recorded(start_daemon, config, raw):
    return start_daemon(config(raw.url))


@pytest.fixture(scope="module")
def curl(daemon, authority):
    return Curl(daemon, authority.ca_file)


@pytest.fixture(scope="module")
def body_files(place):
    def path_of(size):
        path = place / f"body-{size}"
        if not path.exists():
            with path.open("wb") as file:
                file.writelines(pattern_pieces(size))
        return path
    return path_of


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_upload(daemon, curl, body_files, scheme, form, size):
    listener = getattr(daemon, scheme)
    options = ["-H", "Expect:", "-T", str(body_files(size))]
    if form == "chunked" and size == 0:  # curl 7.88 leaves out the last chunk here
        data = build_request("PUT", "/api/v1/upload", [("Transfer-Encoding", "chunked")]) + chunk()
        response = exchange(listener, data, "PUT")
    elif form == "chunked":
        response = curl("/api/v1/upload", *options, "-H", "Transfer-Encoding: chunked", listener=listener)
    else:
        response = curl("/api/v1/upload", *options, listener=listener)
    assert response.status == 200, response.body
    seen = json.loads(response.body)
    assert (seen["length"], seen["sha256"]) == (size, pattern_sha256(size))
    expected = (str(size), None) if form == "length" else (None, "chunked")
    assert (seen["content_length"], seen["transfer_encoding"]) == expected
    record = daemon.record_of(response)
    assert record["bytes_in"] >= size and record["status"] == 200


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_download(daemon, curl, scheme, form, size):
    response = curl(f"/api/v1/download?size={size}&chunked={form == 'chunked'}", listener=getattr(daemon, scheme))
    assert response.status == 200
    assert len(response.body) == size
    assert hashlib.sha256(response.body).hexdigest() == pattern_sha256(size)
    if form == "chunked":
        assert response.get("Transfer-Encoding") == "chunked" and not response.all("Content-Length")
    else:
        assert response.get("Content-Length") == str(size) and not response.all("Transfer-Encoding")
    assert daemon.record_of(response)["bytes_out"] >= size


@pytest.mark.parametrize("form", FORMS)
def test_upload_and_download_on_one_connection(daemon, form):
    """Twenty exchanges of changing sizes without losing step."""
    with RawClient(daemon.https.port, tls=True) as client:
        for number in range(10):
            body = pattern(number * 20_011)
            if form == "chunked":
                client.send(build_request("PUT", "/api/v1/upload", [("Transfer-Encoding", "chunked")]))
                client.send(chunk(*[body[start:start + 7919] for start in range(0, len(body), 7919)]))
            else:
                client.send(build_request("PUT", "/api/v1/upload", body=body))
            assert json.loads(client.read_response().body)["sha256"] == pattern_sha256(len(body))
            response = client.request("GET", f"/api/v1/download?size={len(body)}&chunked={form == 'chunked'}")
            assert (response.body, response.framing) == (body, form)


def test_upload_in_small_chunks_and_segments(daemon):
    body = pattern(3000)
    data = build_request("POST", "/api/v1/upload", [("Transfer-Encoding", "chunked")])
    data += chunk(*[body[start:start + 7] for start in range(0, len(body), 7)])
    seen = json.loads(exchange(daemon.http, data, "POST", step=3).body)
    assert (seen["sha256"], seen["transfer_encoding"]) == (pattern_sha256(3000), "chunked")


@pytest.mark.parametrize("size", [10, 100_000])
@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
def test_body_of_any_method_is_forwarded(recorded, raw, method, size):
    raw.clear()
    body = pattern(size)
    assert exchange(recorded.http, build_request(method, "/api/v1/any", body=body), method).status == 200
    assert (raw.only().method, raw.only().body) == (method, body)


@pytest.mark.parametrize("size", [0, 5, 70_000, 3 * MIB])
@pytest.mark.parametrize("form", ["length", "chunked", "close"])
def test_answer_of_any_framing(recorded, raw, form, size):
    body = pattern(size)
    raw.handler = lambda received: answer(body, framing=form)
    try:
        response = exchange(recorded.https, build_request("GET", "/api/v1/x"))
    finally:
        raw.handler = lambda received: answer()
    assert response.complete and response.body == body
    assert form == "close" or response.framing == form


def test_answers_that_have_no_body_keep_their_length_field(recorded, raw):
    """HEAD and 304 name the length of a body that is not sent; the connection stays in step."""
    def handler(received):
        if received.method == "HEAD":
            return answer(b"", fields=[("Content-Length", "12345"), ("X-H", "1")], framing="none")
        if received.target.endswith("304"):
            return answer(b"", "304 Not Modified", [("ETag", '"e"'), ("Content-Length", "777")], framing="none")
        return answer(b"next")

    raw.handler = handler
    try:
        with RawClient(recorded.http.port) as client:
            head = client.request("HEAD", "/api/v1/x")
            assert (head.status, head.get("Content-Length"), head.get("X-H")) == (200, "12345", "1")
            unchanged = client.request("GET", "/api/v1/304")
            assert (unchanged.status, unchanged.get("ETag")) == (304, '"e"')
            assert client.request("GET", "/api/v1/y").body == b"next"
    finally:
        raw.handler = lambda received: answer()


def test_head_of_a_chunked_answer(recorded, raw):
    raw.handler = lambda received: answer(b"", fields=[("Transfer-Encoding", "chunked")], framing="none") \
        if received.method == "HEAD" else answer(b"next")
    try:
        with RawClient(recorded.http.port) as client:
            assert client.request("HEAD", "/api/v1/x").status == 200
            assert client.request("GET", "/api/v1/y").body == b"next"
    finally:
        raw.handler = lambda received: answer()


def test_compressed_bodies_are_not_touched(recorded, raw):
    body = pattern(5000)
    raw.clear()
    raw.handler = lambda received: answer(body, fields=[("Content-Encoding", "gzip"), ("ETag", 'W/"1"')])
    try:
        response = exchange(recorded.https, build_request("GET", "/api/v1/x", [("Accept-Encoding", "gzip, br;q=0.5")]))
    finally:
        raw.handler = lambda received: answer()
    assert (response.body, response.get("Content-Encoding"), response.get("ETag")) == (body, "gzip", 'W/"1"')
    assert raw.only().get("Accept-Encoding") == "gzip, br;q=0.5"
