# SPDX-License-Identifier: Apache-2.0
"""`viaduct doctor`: what an operator would look at before a switch, with everything right and with everything wrong."""
import email.utils
import json
import os
import resource
import socket
import subprocess
import time

import pytest

from harness.certificates import Authority
from harness.cli import find_binary, run, write_config
from harness.client import HOST
from harness.daemon import with_defaults
from harness.scene import V3_PATH, make_web_root, plain_scene, proxy, scene
from harness.upstream import Blackhole, ClosedPort, RawUpstream, answer, server_context
from harness.waiting import DEADLINE

HEALTH = "/api/v1/health"


def date_field(offset=0):
    return ("Date", email.utils.formatdate(time.time() + offset, usegmt=True))


def sound(received):
    """An application as it should be: it knows its paths, and OPTIONS of none."""
    known = received.target in (HEALTH, V3_PATH)
    status = "404 Not Found" if not known else "405 Method Not Allowed" if received.method == "OPTIONS" else "200 OK"
    return answer(b"", status, [date_field()])


def doctor(config, place, *options, name="doctor.yaml"):
    return run("doctor", "-c", write_config(with_defaults(config, place), place, name), *options)


def findings(config, place, **more):
    done = doctor(config, place, "--json", **more)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout), done.returncode


def of(found, check, state=None):
    return [one for one in found if one["check"] == check and state in (None, one["state"])]


def with_free_ports(config):
    """The kernel's choice is always free; a check of real ports needs real ones."""
    for listener in config["listeners"]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            listener["address"] = f"127.0.0.1:{probe.getsockname()[1]}"
    return config


@pytest.fixture(scope="module")
def app(authority):
    pair = authority.issue(["app.test"])
    with RawUpstream(sound, tls=server_context(pair)) as upstream:
        yield upstream


@pytest.fixture()
def good(place, site_pair, web_root, app, authority):
    config = scene(site_pair, web_root, app.url)
    config["upstreams"]["app"].update(health={"path": HEALTH},
                                      tls={"ca": str(authority.ca_file), "sni": "app.test"})
    config["upstreams"]["web"] = dict(config["upstreams"]["app"])
    config["sites"][0]["routes"] = [one for one in config["sites"][0]["routes"]
                                    if "callback" not in one or one["name"] == "payment-notify"]
    config["client"] = {"max_connections": 100}
    config["process"] = {"state_dir": str(place / "state")}
    return with_free_ports(config)


def test_all_is_well(place, good):
    found, code = findings(good, place)
    assert code == 0, found
    assert [one for one in found if one["state"] != "ok"] == []
    assert {one["check"] for one in found} == {"config", "certificate", "listener", "descriptors", "access log",
                                               "state", "admin socket", "static", "server", "callback", "clock"}
    for one in found:
        assert set(one) == {"check", "subject", "state", "message", "remedy"}
    assert "covers www.xintuxiangce.top" in of(found, "certificate")[0]["message"]
    assert "certificate verified" in of(found, "server")[0]["message"]


def test_the_text_has_a_line_for_each_and_counts(place, good):
    done = doctor(good, place)
    lines = done.stdout.rstrip("\n").split("\n")
    assert done.returncode == 0 and all(line.startswith("ok ") for line in lines[:-1]), done.stdout
    assert lines[-1] == f"{len(lines) - 1} checks: {len(lines) - 1} ok, 0 warnings, 0 failed"


def test_callbacks_are_asked_for_nothing_that_could_be_a_notice(place, good, app):
    app.clear()
    findings(good, place)
    assert {one.method for one in app.received} == {"GET", "OPTIONS"}
    probe = next(one for one in app.received if one.target == V3_PATH)
    assert probe.method == "OPTIONS" and probe.body == b"" and probe.get("Host") == HOST


def test_ports_of_a_running_viaduct_are_no_fault(place, good, start_one):
    daemon = start_one(good)
    found, code = findings(good, daemon.directory)
    assert code == 0, found
    held = of(found, "listener")
    assert len(held) == 3 and all(f"viaduct (pid {daemon.pid})" in one["message"] for one in held), held


def test_all_faults_at_once_are_as_many_failures(place, site_pair, web_root, tmp_path):
    """And none hides another."""
    authority = Authority(place / "doctor-certificates")
    root = make_web_root(tmp_path / "www")
    (root / "index.html").unlink()
    foreign = socket.create_server(("127.0.0.1", 0))
    closed = ClosedPort()
    other = authority.issue(["other.test"])
    expired = authority.issue(["old.test"], days=(-100, -1))

    def sick(received):
        status = "200 OK" if received.method == "GET" and received.target != "/sick" else "502 Bad Gateway"
        return answer(b"", status, [date_field(-600)])

    with RawUpstream(sick) as ill, RawUpstream(sound, tls=server_context(other)) as masked:
        config = scene(site_pair, root, ill.url)
        config["listeners"] = with_free_ports(config)["listeners"]
        config["listeners"][0]["address"] = f"127.0.0.1:{foreign.getsockname()[1]}"
        config["client"] = {"max_connections": 5000}
        config["upstreams"] = {
            "app": {"servers": [ill.url]},
            "closed": {"servers": [closed.url]},
            "sick": {"servers": [ill.url], "health": {"path": "/sick"}},
            "masked": {"servers": [masked.url], "tls": {"ca": str(authority.ca_file), "sni": "app.test"}},
            "nameless": {"servers": ["http://no-such-host.invalid:8000"]},
        }
        callback = proxy("payment-notify", {"exact": V3_PATH, "methods": ["POST"]}, "app", callback="wechat_pay_v3")
        routes = [callback, {"name": "pages", "match": {"prefix": "/"}, "static": {"root": str(root)}}]
        config["sites"] = [
            {"hosts": [HOST], "tls": site_pair.as_config(), "routes": routes},
            {"hosts": ["old.test"], "tls": expired.as_config(), "routes": [proxy("all", {"prefix": "/"}, "app")]},
            {"hosts": ["uncovered.test"], "tls": other.as_config(), "routes": [
                {"name": "lost", "match": {"prefix": "/"}, "static": {"root": str(tmp_path / "no-root")}}]},
        ]
        config["logs"] = {"access": {"file": str(tmp_path / "no-logs/access.log")}}
        config["admin"] = {"socket": str(tmp_path / "no-run/admin.sock")}
        config["process"] = {"state_dir": str(root / "docs/index.html")}
        path = write_config(with_defaults(config, place), place, "faults.yaml")
        limit = (1024, 1024)
        begun = time.monotonic()
        done = subprocess.run([find_binary(), "doctor", "-c", path, "--json"], capture_output=True, text=True,
                              timeout=6 * DEADLINE, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
    foreign.close()
    closed.close()
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert time.monotonic() - begun < 3 * DEADLINE
    failed = {(one["check"], one["subject"]): one for one in found if one["state"] == "failed"}
    for check, subject, words in [
        ("certificate", "old.test", "expired"),
        ("certificate", "uncovered.test", "does not cover uncovered.test"),
        ("listener", config["listeners"][0]["address"], f"(pid {os.getpid()})"),
        ("descriptors", "", "1024 files may be open"),
        ("access log", config["logs"]["access"]["file"], "cannot be written"),
        ("state", config["process"]["state_dir"], "Not a directory"),
        ("admin socket", config["admin"]["socket"], "No such file"),
        ("static", f"{HOST} pages", "none of the pages"),
        ("static", "uncovered.test lost", "no-root cannot be read"),
        ("name", "no-such-host.invalid", ""),
        ("server", f"closed {closed.url}", "refused"),
        ("server", f"sick {ill.url}", "GET /sick: status 502"),
        ("server", f"masked {masked.url}", "app.test"),
        ("callback", f"{HOST} payment-notify", "status 502"),
        ("clock", f"app {ill.url}", "behind ours"),
    ]:
        one = failed.get((check, subject))
        assert one and words in one["message"], (check, subject, done.stdout)
        assert one["remedy"], one
    assert of(found, "config", "failed"), "it would not start"


@pytest.mark.parametrize("text, message, remedy", [
    (None, "No such file", "check the path"), ("anna\n", "line 1: no user before a colon", "write user:hash"),
    ("", "there is no user in it", "add one with htpasswd -B FILE USER")], ids=["missing", "broken", "empty"])
def test_passwords_that_cannot_be_used_are_one_failure_and_hide_nothing(place, app, tmp_path, text, message, remedy):
    users = tmp_path / "users"
    if text is not None:
        users.write_text(text)
    config = plain_scene(app.url, upstreams={"app": {"servers": [app.url], "tls": {"verify": False}}})
    config["sites"][0]["routes"][0]["basic_auth"] = {"realm": "Door", "file": str(users)}
    found, code = findings(config, place)
    assert code == 1
    failed = [one for one in found if one["state"] == "failed"]
    assert len(failed) == 1 and failed[0]["check"] == "config", found
    assert "basic_auth.file" in failed[0]["subject"]
    assert f"{users}" in failed[0]["message"] and message in failed[0]["message"] and failed[0]["remedy"] == remedy
    assert of(found, "listener", "ok") and of(found, "server"), found


@pytest.mark.parametrize("offset, state", [(0, "ok"), (3, "ok"), (-8, "warning"), (30, "warning"), (90, "failed")])
def test_clocks(place, offset, state):
    with RawUpstream(lambda received: answer(b"", fields=[date_field(offset)])) as upstream:
        config = plain_scene(upstream.url)
        config["upstreams"]["app"]["health"] = {"path": "/"}
        found, code = findings(config, place)
    assert [one["state"] for one in of(found, "clock")] == [state], found
    assert code == (1 if state == "failed" else 0)


def test_a_chain_in_the_wrong_order_and_one_that_ends_soon_are_warnings(place, authority, app, good):
    pair = authority.issue([HOST, "xintuxiangce.top"], days=(-10, 12))
    leaf, intermediate = pair.cert.read_text().split("-----END CERTIFICATE-----\n")[:2]
    end = "-----END CERTIFICATE-----\n"
    pair.cert.write_text(leaf + end + authority.ca_file.read_text() + intermediate + end)
    good["sites"][0]["tls"] = pair.as_config()
    found, code = findings(good, place)
    text = json.dumps(of(found, "certificate", "warning"))
    assert code == 0 and "expires in 11 days" in text and "did not issue" in text, found


def test_a_server_that_never_answers_takes_no_longer_than_its_time(place):
    hole = Blackhole()
    config = plain_scene(hole.url)
    config["upstreams"]["app"]["health"] = {"path": "/", "timeout": "300ms"}
    begun = time.monotonic()
    found, code = findings(config, place)
    hole.close()
    assert code == 1 and time.monotonic() - begun < DEADLINE
    assert "no connection within 300ms" in of(found, "server")[0]["message"]


@pytest.mark.parametrize("status, state", [("200 OK", "ok"), ("405 Method Not Allowed", "ok"), ("403 Forbidden", "ok"),
                                           ("501 Not Implemented", "ok"), ("404 Not Found", "warning"),
                                           ("500 Internal Server Error", "failed")])
def test_any_answer_below_500_serves_a_callback(place, status, state):
    with RawUpstream(lambda received: answer(b"", status)) as upstream:
        config = plain_scene(upstream.url, [
            proxy("notify", {"exact": "/notify", "methods": ["POST"]}, "app", callback="generic")])
        found, _ = findings(config, place)
    assert [one["state"] for one in of(found, "callback")] == [state], found


def test_errors_of_the_config_are_findings_with_their_lines(place):
    done = run("doctor", "-c", write_config("listeners: []\nnonsense: 1\n", place, "broken.yaml"), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and all(one["check"] == "config" for one in found)
    assert any("broken.yaml:2:1 nonsense" in one["subject"] for one in found), found


def test_wrong_usage(place):
    assert run("doctor", "everything").returncode == 2
    assert run("doctor", "-c").returncode == 2


def test_the_daemons_user_must_be_able_to_write_its_logs(place, good, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can act as others")
    good["process"] = {"user": "nobody"}
    good["logs"] = {"access": {"file": str(tmp_path / "access.log")}}
    found, code = findings(good, place)
    assert code == 1
    assert "by nobody" in of(found, "access log", "failed")[0]["message"], found
