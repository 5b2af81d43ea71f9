# SPDX-License-Identifier: Apache-2.0
"""basic_auth: who names a user and says the password gets in, nobody else; looking at passwords holds nobody up."""
import base64
import contextlib
import subprocess
import threading
import time

import pytest

from harness.client import RawClient, build_request, fetch
from harness.expect import assert_own_answer
from harness.scene import plain_scene, proxy
from harness.waiting import SLOWNESS, wait_until


def hashed(password, kind="-6"):
    return subprocess.run(["openssl", "passwd", kind, password], capture_output=True, text=True,
                          check=True).stdout.strip()


# Of "secret", by bcrypt with cost 8: some ten milliseconds each.
SLOW_HASH = "$2y$08$abcdefghijklmnopqrstuuKxCcvB7KZ7.BpDoK0bh6qM7Dl1/xiJa"


def basic(user, password):
    return ("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


@pytest.fixture(scope="module")
def users(place):
    path = place / "users"
    path.write_text(f"# who may\n\nanna:{hashed('secret')}\nbert:{hashed('pass:word', '-5')}\nslow:{SLOW_HASH}\n")
    return path


@pytest.fixture(scope="module")
def daemon(start_daemon, raw, users):
    auth = {"realm": "Door", "file": str(users)}
    routes = [proxy("open", {"prefix": "/open/"}, "app", basic_auth=None),
              proxy("forwarding", {"prefix": "/forwarding/"}, "app", basic_auth=auth | {"forward": True}),
              proxy("cors", {"prefix": "/cors/"}, "app",
                    cors={"allow_origins": ["https://a.example"], "allow_headers": ["Authorization"]}),
              {"name": "files", "match": {"prefix": "/text"}, "respond": {"body": "text"}},
              proxy("all", {"prefix": "/"}, "app")]
    config = plain_scene(raw.url, routes)
    config["defaults"] = {"basic_auth": auth}
    return start_daemon(config)


@pytest.fixture(autouse=True)
def fresh(raw):
    raw.clear()


@pytest.mark.parametrize("fields", [
    [], [basic("anna", "Secret")], [basic("Anna", "secret")], [basic("carl", "secret")], [basic("anna", "")],
    [("Authorization", "Bearer abc")], [("Authorization", "Basic !!")], [("Authorization", "Basic")],
    [basic("anna", "secret"), basic("anna", "secret")], [basic("anna", "secret\0more")], [basic("anna", "x" * 5000)]])
@pytest.mark.parametrize("target", ["/x", "/text"])
def test_who_does_not_know_the_password_is_asked_for_it(daemon, raw, fields, target):
    response = fetch(daemon.http, "GET", target, fields)
    assert_own_answer(response, 401)
    assert response.get("WWW-Authenticate") == 'Basic realm="Door", charset="UTF-8"'
    record = daemon.record_of(response)
    assert (record["status"], record["reason"]) == (401, "unauthorized")
    assert not raw.received


@pytest.mark.parametrize("user, password", [("anna", "secret"), ("bert", "pass:word")])
def test_users_get_in(daemon, raw, user, password):
    with RawClient(daemon.http.port) as client:
        for number in range(3):
            assert client.request("GET", f"/{number}", [basic(user, password)]).status == 200
    assert [one.target for one in raw.received] == ["/0", "/1", "/2"]
    assert not [one for one in raw.received if one.all("Authorization")]
    assert fetch(daemon.http, "GET", "/text", [basic(user, password)]).text() == "text"


def test_body_comes_whole_behind_the_password(daemon, raw):
    body = b"x" * 300_000
    assert fetch(daemon.http, "POST", "/upload", [basic("slow", "secret")], body).status == 200
    assert raw.only().body == body


def test_password_goes_on_only_where_the_config_says_so(daemon, raw):
    assert fetch(daemon.http, "GET", "/forwarding/x", [basic("anna", "secret")]).status == 200
    assert raw.only().get("Authorization") == basic("anna", "secret")[1]


def test_route_without_it(daemon, raw):
    assert fetch(daemon.http, "GET", "/open/x", [("Authorization", "Bearer abc")]).status == 200
    assert raw.only().get("Authorization") == "Bearer abc"


def test_preflight_needs_no_password(daemon):
    fields = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET"),
              ("Access-Control-Request-Headers", "authorization")]
    assert fetch(daemon.http, "OPTIONS", "/cors/x", fields).status == 204
    refused = fetch(daemon.http, "GET", "/cors/x", fields[:1])
    assert refused.status == 401 and refused.get("Access-Control-Allow-Origin") == "https://a.example"


def test_guesses_hold_nobody_up(daemon):
    """While wrong passwords wait, who needs none is served at once, on the same workers."""
    stop = threading.Event()

    def guess():
        while not stop.is_set():
            with contextlib.suppress(AssertionError):  # no answer within the deadline, on a loaded machine
                fetch(daemon.http, "GET", "/x", [basic("slow", "guess")])

    guessers = [threading.Thread(target=guess) for _ in range(8)]
    for one in guessers:
        one.start()
    try:
        start = time.monotonic()
        for _ in range(100):
            assert fetch(daemon.http, "GET", "/open/x").status == 200
        assert time.monotonic() - start < 3 * SLOWNESS
        assert fetch(daemon.http, "GET", "/x", [basic("anna", "secret")]).status == 200
    finally:
        stop.set()
        for one in guessers:
            one.join()


def test_client_that_goes_while_it_waits(daemon):
    for _ in range(20):
        with RawClient(daemon.http.port) as client:
            client.send(build_request("GET", "/gone", [basic("slow", "guess")]))
            client.reset()
    assert fetch(daemon.http, "GET", "/x", [basic("bert", "pass:word")]).status == 200


def test_reload_reads_the_file_again(start_one, raw, place):
    path = place / "changing"
    path.write_text(f"anna:{hashed('first')}\n")
    config = plain_scene(raw.url, [proxy("all", {"prefix": "/"}, "app", basic_auth={"realm": "x", "file": str(path)})])
    daemon = start_one(config)

    def status(password):
        return fetch(daemon.http, "GET", "/x", [basic("anna", password)]).status

    assert (status("first"), status("second")) == (200, 401)
    path.write_text(f"anna:{hashed('second')}\n")
    daemon.send_signal(1)
    wait_until(lambda: status("second") == 200, "the new password")
    assert status("first") == 401
    path.write_text("anna:plain\n")
    daemon.send_signal(1)
    daemon.wait_error("reload_refused .*line 1: this is no hash")
    assert status("second") == 200


def test_passwords_are_in_no_log(daemon):
    assert fetch(daemon.http, "GET", "/x", [basic("anna", "hunter2hunter2")]).status == 401
    encoded = basic("anna", "hunter2hunter2")[1].split()[1]
    daemon.wait_for_text('"reason":"unauthorized"')
    for text in (daemon.access_text(), "\n".join(daemon.error_lines)):
        assert "hunter2" not in text and encoded not in text
