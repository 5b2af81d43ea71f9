# SPDX-License-Identifier: Apache-2.0
"""Pages and static files: conditional and range requests, precompressed files, the single-page fallback and its
refusals, verification files, and no way out of the root."""
import datetime
import shutil
import time
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import pytest

from harness.client import HOST, RawClient, fetch
from harness.expect import ACCEPT_HTML
from harness.scene import PAGE, SCRIPT, STYLE, plain_scene, scene
from harness.waiting import wait_until

ASSET = "/static/js/app.3f2a1b.js"
STYLE_PATH = "/static/style.css"
HTML = [("Accept", ACCEPT_HTML)]


@pytest.fixture(scope="module")
def daemon(start_daemon, site_pair, web_root, raw):
    for name in ("photo.JPG", "data.json", "font.woff2", "icon.svg", "app.wasm", "unknown.zzz", "noextension", "a.txt"):
        (web_root / "static" / name).write_bytes(b"content of " + name.encode())
    config = scene(site_pair, web_root, raw.url)
    config["sites"][0]["routes"] += [
        {"name": "spa", "match": {"prefix": "/spa/"},
         "static": {"root": str(web_root), "fallback": "/index.html", "expires": "1d", "immutable": True}},
        {"name": "alias", "match": {"prefix": "/alias/"},
         "static": {"root": str(web_root / "docs"), "strip_prefix": "/alias", "index": ["index.html"]}},
    ]
    return start_daemon(config)


def get(daemon, target, fields=(), method="GET", **more):
    return fetch(daemon.https, method, target, fields, **more)


# ---- files ----------------------------------------------------------------------------------------------------------


def test_page_and_index(daemon):
    response = get(daemon, "/")
    assert (response.status, response.body) == (200, PAGE)
    assert response.get("Content-Type").split(";")[0] == "text/html"
    assert get(daemon, "/index.html").body == PAGE
    assert get(daemon, "/docs/").body == b"<h1>docs</h1>\n"
    assert get(daemon, "/?a=1&b=%00").body == PAGE


@pytest.mark.parametrize("target", ["/%E5%9B%BE%E7%89%87/%E6%94%AF%E4%BB%98%20%E6%88%90%E5%8A%9F.png",
                                    "/%e5%9b%be%e7%89%87/%e6%94%af%e4%bb%98%20%e6%88%90%e5%8a%9f.p%6Eg"])
def test_chinese_file_name(daemon, target):
    response = get(daemon, target)
    assert response.status == 200 and response.get("Content-Type") == "image/png"
    assert response.body == b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.mark.parametrize("name, types", [
    ("style.css", ["text/css"]), ("js/app.3f2a1b.js", ["text/javascript", "application/javascript"]),
    ("photo.JPG", ["image/jpeg"]), ("data.json", ["application/json"]), ("font.woff2", ["font/woff2"]),
    ("icon.svg", ["image/svg+xml"]), ("app.wasm", ["application/wasm"]), ("a.txt", ["text/plain"]),
    ("unknown.zzz", ["application/octet-stream"]), ("noextension", ["application/octet-stream"]),
])
def test_content_types(daemon, name, types):
    response = get(daemon, f"/static/{name}")
    assert response.status == 200 and response.get("Content-Type").split(";")[0] in types


def test_empty_file(daemon):
    response = get(daemon, "/static/zero.bin")
    assert (response.status, response.body, response.get("Content-Length")) == (200, b"", "0")


def test_head_has_the_fields_of_get_and_no_body(daemon):
    with RawClient(daemon.https.port, tls=True) as client:
        whole = client.request("GET", ASSET)
        head = client.request("HEAD", ASSET)
        again = client.request("GET", ASSET)
    assert (whole.body, again.body) == (SCRIPT, SCRIPT)
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Cache-Control"):
        assert head.get(name) == whole.get(name) is not None


def test_large_file_over_one_connection(daemon, web_root):
    body = bytes(range(256)) * 40_000
    (web_root / "static/large.bin").write_bytes(body)
    for listener in (daemon.https, daemon.http):
        with RawClient(listener.port, tls=listener.tls) as client:
            for _ in range(2):
                assert client.request("GET", "/static/large.bin").body == body


def test_strip_prefix_works_as_an_alias(daemon):
    assert get(daemon, "/alias/index.html").body == b"<h1>docs</h1>\n"
    assert get(daemon, "/alias/").body == b"<h1>docs</h1>\n"
    assert get(daemon, "/alias/../index.html").status in (400, 403, 404)


def test_directory_is_redirected_to_its_slash(daemon):
    for target, expected in (("/docs", "/docs/"), ("/docs?a=%41", "/docs/?a=%41")):
        response = get(daemon, target)
        assert response.status in (301, 308)
        location = urljoin(f"https://{HOST}{target}", response.get("Location"))
        parts = urlsplit(location)
        assert location.endswith(expected) and parts.hostname == HOST and parts.scheme == "https"


def test_redirect_of_a_directory_stays_on_this_host(daemon, web_root):
    (web_root / "evil.example").mkdir(exist_ok=True)
    for target in ("//evil.example", "/\\evil.example", "/%2fevil.example"):
        location = get(daemon, target).get("Location")
        if location is not None:
            assert urlsplit(urljoin(f"https://{HOST}/", location)).hostname == HOST, location


def test_directory_is_not_listed(daemon):
    response = get(daemon, "/static/js/")
    assert response.status in (403, 404) and b"app.3f2a1b" not in response.body
    assert get(daemon, "/static/empty/").status in (403, 404)


# ---- validators -----------------------------------------------------------------------------------------------------


def test_if_none_match(daemon):
    first = get(daemon, STYLE_PATH)
    tag = first.get("ETag")
    assert first.body == STYLE and tag and tag.rstrip('"').count('"') == 1
    for value in (tag, f'"other", {tag}', "*", tag if tag.startswith("W/") else f"W/{tag}"):
        response = get(daemon, STYLE_PATH, [("If-None-Match", value)])
        assert (response.status, response.body, response.get("ETag")) == (304, b"", tag), value
        assert daemon.record_of(response)["status"] == 304
    for value in ('"other"', 'W/"other"', tag.strip('"')):
        assert get(daemon, STYLE_PATH, [("If-None-Match", value)]).status == 200, value
    assert get(daemon, STYLE_PATH, [("If-None-Match", tag)], method="HEAD").status == 304


def test_if_modified_since(daemon):
    modified = get(daemon, STYLE_PATH).get("Last-Modified")
    moment = parsedate_to_datetime(modified)
    assert moment.tzinfo is not None and modified.endswith(" GMT")
    earlier = format_datetime(moment - datetime.timedelta(seconds=1), usegmt=True)
    later = format_datetime(moment + datetime.timedelta(hours=1), usegmt=True)
    for value, status in ((modified, 304), (later, 304), (earlier, 200), ("yesterday", 200)):
        assert get(daemon, STYLE_PATH, [("If-Modified-Since", value)]).status == status, value
    both = [("If-None-Match", '"other"'), ("If-Modified-Since", modified)]
    assert get(daemon, STYLE_PATH, both).status == 200


def test_if_match_and_if_unmodified_since(daemon):
    first = get(daemon, STYLE_PATH)
    tag, modified = first.get("ETag"), first.get("Last-Modified")
    earlier = format_datetime(parsedate_to_datetime(modified) - datetime.timedelta(hours=1), usegmt=True)
    assert get(daemon, STYLE_PATH, [("If-Match", '"other"')]).status == 412
    assert get(daemon, STYLE_PATH, [("If-Match", "*")]).status == 200
    if not tag.startswith("W/"):
        assert get(daemon, STYLE_PATH, [("If-Match", tag)]).status == 200
    assert get(daemon, STYLE_PATH, [("If-Unmodified-Since", earlier)]).status == 412
    assert get(daemon, STYLE_PATH, [("If-Unmodified-Since", modified)]).status == 200


def test_changed_file_has_another_tag(daemon, web_root):
    path = web_root / "static/changing.txt"
    path.write_bytes(b"one")
    first = get(daemon, "/static/changing.txt")
    path.write_bytes(b"three")
    second = get(daemon, "/static/changing.txt", [("If-None-Match", first.get("ETag"))])
    assert (second.status, second.body) == (200, b"three") and second.get("ETag") != first.get("ETag")


# ---- ranges ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value, start, end", [
    ("bytes=0-4", 0, 5), ("bytes=5-", 5, None), ("bytes=-7", -7, None), ("bytes=0-0", 0, 1),
    ("bytes=100-100", 100, 101),
    ("bytes=0-999999999", 0, None), ("bytes=-999999999", 0, None),
])
def test_one_range(daemon, value, start, end):
    response = get(daemon, ASSET, [("Range", value)])
    expected = SCRIPT[start:end]
    first = len(SCRIPT) + start if start < 0 else start
    assert (response.status, response.body) == (206, expected)
    assert response.get("Content-Range") == f"bytes {first}-{first + len(expected) - 1}/{len(SCRIPT)}"
    assert response.get("Content-Length") == str(len(expected))
    assert response.get("ETag") == get(daemon, ASSET).get("ETag")


def test_unsatisfiable_range(daemon):
    for value in (f"bytes={len(SCRIPT)}-", f"bytes={len(SCRIPT) + 5}-{len(SCRIPT) + 9}", "bytes=-0"):
        response = get(daemon, ASSET, [("Range", value)])
        assert (response.status, response.get("Content-Range")) == (416, f"bytes */{len(SCRIPT)}"), value
        assert daemon.record_of(response)["reason"] == "range_not_satisfiable"


@pytest.mark.parametrize("value", ["lines=1-2", "bytes", "bytes=", "bytes=x-y", "bytes=5-4", "bytes=1-2x", "bytes=--1"])
def test_range_that_is_none_is_ignored_or_refused(daemon, value):
    """RFC 9110 §14.2 leaves the choice; half an answer it must not be."""
    response = get(daemon, ASSET, [("Range", value)])
    assert response.status == 416 or (response.status, response.body) == (200, SCRIPT)


def test_several_ranges_are_answered_whole_or_in_parts(daemon):
    response = get(daemon, ASSET, [("Range", "bytes=0-4,10-14")])
    if response.status == 206:
        assert response.get("Content-Type").startswith("multipart/byteranges; boundary=")
        assert SCRIPT[0:5] in response.body and SCRIPT[10:15] in response.body
    else:
        assert (response.status, response.body) == (200, SCRIPT)
    many = get(daemon, ASSET, [("Range", "bytes=" + ",".join(["0-"] * 300))])
    assert len(many.body) <= 2 * len(SCRIPT)


def test_boundary_is_nothing_that_a_client_chooses(daemon):
    response = get(daemon, ASSET, [("Range", "bytes=0-4,10-14"), ("X-Request-ID", "1")])
    assert (response.status, response.request_id) == (206, "1")
    boundary = response.get("Content-Type").partition("boundary=")[2].strip('"')
    assert len(boundary) >= 16 and response.body.count(b"--" + boundary.encode()) == 3


def test_if_range(daemon):
    first = get(daemon, ASSET)
    part = [("Range", "bytes=0-4")]
    if not first.get("ETag").startswith("W/"):
        assert get(daemon, ASSET, [*part, ("If-Range", first.get("ETag"))]).status == 206
    assert get(daemon, ASSET, [*part, ("If-Range", '"other"')]).body == SCRIPT
    assert get(daemon, ASSET, [*part, ("If-Range", "Thu, 01 Jan 1970 00:00:00 GMT")]).body == SCRIPT


def test_range_is_for_get_alone(daemon):
    response = get(daemon, ASSET, [("Range", "bytes=0-4")], method="HEAD")
    assert (response.status, response.body) == (200, b"")
    assert response.get("Content-Length") == str(len(SCRIPT))


# ---- precompressed and cached ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept, coding", [
    ("br, gzip", "br"), ("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("GZIP", "gzip"),
    ("br;q=0.5, gzip;q=0.5", "br"), ("gzip;q=0, br;q=0", None), ("identity", None), ("deflate", None), ("", None),
    (None, None),
])
def test_precompressed_file_is_chosen_by_accept_encoding(daemon, web_root, accept, coding):
    response = get(daemon, STYLE_PATH, [("Accept-Encoding", accept)] if accept is not None else [])
    file = {"br": "style.css.br", "gzip": "style.css.gz", None: "style.css"}[coding]
    assert (response.status, response.body) == (200, (web_root / "static" / file).read_bytes())
    assert response.get("Content-Encoding") == coding
    assert response.get("Content-Type").startswith("text/css")
    assert "accept-encoding" in response.tokens("Vary")


def test_each_coding_has_its_own_tag(daemon):
    tags = [get(daemon, STYLE_PATH, [("Accept-Encoding", coding)]).get("ETag") for coding in ("br", "gzip", "identity")]
    assert len(set(tags)) == 3
    response = get(daemon, STYLE_PATH, [("Accept-Encoding", "br"), ("If-None-Match", tags[0])])
    assert response.status == 304 and response.get("ETag") == tags[0]
    assert get(daemon, STYLE_PATH, [("Accept-Encoding", "gzip"), ("If-None-Match", tags[0])]).status == 200


def test_file_without_a_compressed_form_is_sent_as_it_is(daemon):
    response = get(daemon, ASSET, [("Accept-Encoding", "br, gzip")])
    assert response.body == SCRIPT and not response.all("Content-Encoding")


def test_one_cache_control_line_and_immutable_only_for_real_files(daemon):
    tag = get(daemon, ASSET).get("ETag")
    for fields, status in (([], 200), ([("Range", "bytes=0-1")], 206), ([("If-None-Match", tag)], 304)):
        response = get(daemon, ASSET, fields)
        assert response.status == status
        directives = response.tokens("Cache-Control")
        assert len(response.all("Cache-Control")) == 1
        assert "immutable" in directives and "max-age=2592000" in directives, directives
    for target, fields in (("/static/missing.js", []), (ASSET, [("Range", "bytes=999999-")]),
                           (ASSET, [("If-Match", '"other"')])):
        response = get(daemon, target, fields)
        assert response.status >= 400 and "immutable" not in response.tokens("Cache-Control")
    fallback = get(daemon, "/spa/orders/7", HTML)
    assert (fallback.status, fallback.body) == (200, PAGE)
    assert "immutable" not in fallback.tokens("Cache-Control")


# ---- files that change ----------------------------------------------------------------------------------------------


def test_an_edit_is_seen_by_the_next_request(daemon, web_root):
    """Many edits a second, all of one length, by each way of editing; a request before and behind each of them."""
    path, beside = web_root / "static" / "edited.txt", web_root / "static" / "edited.new"
    with RawClient(daemon.https.port, tls=True) as client:
        for number in range(200):
            content = b"edit %04d" % number
            if number % 2:
                path.write_bytes(content)
            else:
                beside.write_bytes(content)
                beside.rename(path)
            for _ in range(2):
                assert client.request("GET", "/static/edited.txt").body == content
    path.unlink()
    assert get(daemon, "/static/edited.txt").status == 404


def test_a_file_that_has_lain_still_is_compared_too(daemon, web_root):
    """Only files that have lain still for 3 s are kept in memory (docs/adr/0016)."""
    path, coded = web_root / "static" / "still.css", web_root / "static" / "still.css.br"
    path.write_bytes(b"first")
    changed = path.stat().st_ctime
    while time.time() < changed + 3.2:
        assert get(daemon, "/static/still.css").body == b"first"
        time.sleep(0.1)
    path.write_bytes(b"other")
    assert get(daemon, "/static/still.css").body == b"other"
    coded.write_bytes(b"brotli")
    assert get(daemon, "/static/still.css", [("Accept-Encoding", "br")]).body == b"brotli"
    coded.unlink()
    assert not get(daemon, "/static/still.css", [("Accept-Encoding", "br")]).all("Content-Encoding")
    path.unlink()
    assert get(daemon, "/static/still.css").status == 404


def test_another_version_at_the_same_path_is_served_without_a_reload(start_one, raw, tmp_path):
    """As deployments have it: the new version beside the old one, a link that is swapped, and the old one removed."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page.txt").write_text(name)
    current, following = tmp_path / "current", tmp_path / "next"
    current.symlink_to(tmp_path / "one")
    route = {"name": "www", "match": {"prefix": "/"}, "static": {"root": str(current)}}
    daemon = start_one(plain_scene(raw.url, [route]))
    assert fetch(daemon.http, "GET", "/page.txt").body == b"one"
    following.symlink_to(tmp_path / "two")
    following.rename(current)
    wait_until(lambda: fetch(daemon.http, "GET", "/page.txt").body == b"two", "the new version")
    shutil.rmtree(tmp_path / "one")
    for _ in range(8):  # of all workers
        wait_until(lambda: fetch(daemon.http, "GET", "/page.txt").body == b"two", "the new version")
