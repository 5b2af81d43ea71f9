# SPDX-License-Identifier: Apache-2.0
"""Whole connections: how many there may be, clients that are too slow, and certificates renewed while they last."""
import json
import shutil
import socket
import ssl
import time

import pytest

from harness.certificates import serial_of_der
from harness.cli import run
from harness.client import HOST, Ended, RawClient, build_request, fetch, insecure_context
from harness.scene import plain_scene
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SLOWNESS, wait_until

MEBIBYTE = 1024 * 1024


def is_served(listener):
    """Whether a new connection gets an answer."""
    try:
        return fetch(listener, "GET", "/").status == 200
    except (AssertionError, ConnectionError, Ended):
        return False


@pytest.mark.parametrize("limit", [{"max_connections": 3}, {"max_connections_per_address": 3}])
def test_connections_above_the_limit_are_refused_and_counted_out_again(start_daemon, raw, limit):
    daemon = start_daemon(plain_scene(raw.url, client=limit))
    held = [RawClient(daemon.http.port) for _ in range(3)]
    for client in held:
        assert client.request("GET", "/").status == 200
    with socket.create_connection(("127.0.0.1", daemon.http.port), DEADLINE) as refused:
        assert refused.recv(1) == b""
    wait_until(lambda: "reason=connection_limit" in daemon.error_text(), "the line that says why")
    assert held[0].request("GET", "/").status == 200
    for client in held:
        client.close()
    wait_until(lambda: is_served(daemon.http), "room again")


def test_one_address_does_not_take_the_place_of_another(start_daemon, raw):
    daemon = start_daemon(plain_scene(raw.url, client={"max_connections_per_address": 1}))
    with RawClient(daemon.http.port) as first, RawClient(daemon.http.port, source="127.0.0.2") as other:
        assert first.request("GET", "/").status == 200
        assert other.request("GET", "/").status == 200


def test_limit_that_a_reload_brings_is_kept_when_older_connections_end(start_daemon, raw):
    daemon = start_daemon(plain_scene(raw.url))
    older = [RawClient(daemon.http.port) for _ in range(3)]
    for client in older:
        assert client.request("GET", "/").status == 200
    daemon.write(plain_scene(raw.url, client={"max_connections_per_address": 2}))
    assert run("reload", "-c", daemon.config_path).returncode == 0
    held = [RawClient(daemon.http.port) for _ in range(2)]
    for client in held:
        assert client.request("GET", "/").status == 200
    assert not is_served(daemon.http)
    for client in older:
        client.close()

    def open_connections():
        return json.loads(run("status", "--json", "-c", daemon.config_path).stdout)["connections"]["open"]

    wait_until(lambda: open_connections() == 2, "the end of the older ones")
    assert not is_served(daemon.http)
    held.pop().close()
    wait_until(lambda: is_served(daemon.http), "room again")


def test_client_that_stops_reading_is_cut(start_daemon):
    with RawUpstream(lambda received: answer(b"x" * (32 * MEBIBYTE))) as upstream:
        daemon = start_daemon(plain_scene(upstream.url, client={"body_timeout": "1s"}))
        with RawClient(daemon.http.port) as client:
            client.send(build_request("GET", "/large"))
            record = daemon.wait_record_where(lambda one: one["path"] == "/large", "the cut answer")
            assert record["reason"] == "client_read_timeout"


def test_body_below_the_minimum_rate_is_refused_after_the_grace(start_daemon, raw):
    daemon = start_daemon(plain_scene(raw.url, client={"min_rate": 1000, "body_timeout": "5s"}))
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/slow", [("Content-Length", "1000000")]))
        started = time.monotonic()
        while not client.is_readable(0.2):
            client.send(b"x" * 20)  # 100 bytes a second, and never a pause that body_timeout would notice
            assert time.monotonic() - started < 30 * SLOWNESS
        response = client.read_response()
    assert response.status == 408
    assert daemon.record_of(response)["reason"] == "rate_too_low"
    assert time.monotonic() - started > 9


def served_serial(port, name=HOST):
    context = insecure_context()
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            return serial_of_der(secure.getpeercert(binary_form=True))


def test_renewed_certificate_is_picked_up_and_a_pair_that_does_not_match_is_not(start_daemon, raw, authority, place):
    first, second, third = (authority.issue([HOST]) for _ in range(3))
    cert, key = place / "renewed.pem", place / "renewed.key"
    shutil.copy(first.cert, cert)
    shutil.copy(first.key, key)
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = {"cert": str(cert), "key": str(key)}
    daemon = start_daemon(config)
    assert served_serial(daemon.https.port) == first.serial
    with RawClient(daemon.https.port, tls=True) as kept:
        assert kept.request("GET", "/").status == 200
        shutil.copy(third.cert, cert)  # without its key: half of a renewal
        wait_until(lambda: "certificate_refused" in daemon.error_text(), "the refusal", 30)
        assert served_serial(daemon.https.port) == first.serial
        shutil.copy(second.cert, cert)
        shutil.copy(second.key, key)
        wait_until(lambda: served_serial(daemon.https.port) == second.serial, "the renewed certificate", 30)
        assert kept.request("GET", "/").status == 200, "a connection outlives the renewal"


def test_a_broken_pair_keeps_no_other_site_from_being_renewed(start_daemon, raw, authority, place):
    other = "other.example"
    broken, good = authority.issue([HOST], label="stays"), authority.issue([other], label="renewed")
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = broken.as_config()
    config["sites"].append({**config["sites"][0], "hosts": [other], "tls": good.as_config()})
    daemon = start_daemon(config)
    broken.cert.unlink()
    renewed = authority.issue([other], label="next")
    shutil.copy(renewed.key, good.key)
    shutil.copy(renewed.cert, good.cert)
    wait_until(lambda: served_serial(daemon.https.port, other) == renewed.serial, "the renewed certificate", 30)
    assert served_serial(daemon.https.port) == broken.serial
    assert daemon.error_text().count("certificate_refused") >= 1
    mended = authority.issue([HOST], label="mended")
    shutil.copy(mended.key, broken.key)
    shutil.copy(mended.cert, broken.cert)
    wait_until(lambda: served_serial(daemon.https.port) == mended.serial, "the mended certificate", 30)


def test_handshake_that_never_comes_is_cut(start_daemon, site_pair, raw):
    config = plain_scene(raw.url, client={"handshake_timeout": "1s"})
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = site_pair.as_config()
    daemon = start_daemon(config)
    with socket.create_connection(("127.0.0.1", daemon.https.port), DEADLINE) as silent:
        assert silent.recv(1) == b""
    wait_until(lambda: "tls_handshake_failed" in daemon.error_text(), "the line that says why")


def test_plain_request_on_the_tls_port_is_refused_in_the_log(start_daemon, site_pair, raw):
    config = plain_scene(raw.url)
    config["listeners"] = [{"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = site_pair.as_config()
    daemon = start_daemon(config)
    with socket.create_connection(("127.0.0.1", daemon.https.port), DEADLINE) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            while plain.recv(4096):
                pass
        except ConnectionResetError:
            pass
    wait_until(lambda: "tls_handshake_failed" in daemon.error_text(), "the line that says why")
    with pytest.raises(ssl.SSLError):
        RawClient(daemon.https.port, tls=True, context=insecure_context(maximum=ssl.TLSVersion.TLSv1_1))
