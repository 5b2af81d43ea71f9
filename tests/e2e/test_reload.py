# SPDX-License-Identifier: Apache-2.0
"""What a reload changes and says: listeners come, go and change their options without a gap on those that stay; the
command names every change; where anything cannot be had, nothing changes."""
import re
import signal
import socket
import threading
import time

import pytest

from harness.cli import run
from harness.client import RawClient, build_request, fetch
from harness.daemon import Listener
from harness.scene import plain_scene, proxy, scene
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, wait_until


@pytest.fixture()
def gate(raw):
    raw.clear()
    opened = threading.Event()

    def handle(received):
        if received.target.startswith("/slow"):
            opened.wait(60)
        return answer(b"answered " + received.target.encode())

    raw.handler = handle
    yield opened
    opened.set()
    raw.handler = lambda received: answer()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False


def reload(daemon, code=0):
    """Runs the command; returns the lines of its answer."""
    done = run("reload", "-c", daemon.config_path)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    text = done.stdout if code == 0 else done.stderr
    lines = text.rstrip("\n").split("\n")
    if code == 0:
        assert lines[0] == "ok"
    return lines


def on(*ports, **options):
    return [{"address": f"127.0.0.1:{port}", **options} for port in ports]


def test_listeners_come_and_go_under_load(start_one, raw, gate):
    first, second, third = free_port(), free_port(), free_port()
    daemon = start_one({**plain_scene(raw.url), "listeners": on(first, second)})
    kept, left = Listener(f"127.0.0.1:{first}", False), Listener(f"127.0.0.1:{second}", False)
    failures, count, stopping = [], [0], threading.Event()

    def work():
        try:
            while not stopping.is_set():
                assert fetch(kept, "GET", "/x").status == 200
                count[0] += 1
        except Exception as error:  # every kind of failure counts
            failures.append(error)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for worker in workers:
        worker.start()
    with RawClient(left.port) as idle, RawClient(left.port) as busy:
        assert idle.request("GET", "/x").status == 200
        busy.send(build_request("GET", "/slow"))
        wait_until(lambda: any(one.target == "/slow" for one in raw.received), "the slow request at the upstream")
        daemon.write({**plain_scene(raw.url), "listeners": on(first, third)})
        lines = reload(daemon)
        assert f"listener added: 127.0.0.1:{third} (plain)" in lines
        assert f"listener removed: 127.0.0.1:{second}" in lines
        wait_until(lambda: refuses(second), "the listener to close")
        assert fetch(Listener(f"127.0.0.1:{third}", False), "GET", "/x").status == 200
        last = idle.request("GET", "/x")
        assert last.status == 200 and "close" in last.tokens("Connection")
        gate.set()
        late = busy.read_response()
        assert late.body == b"answered /slow" and "close" in late.tokens("Connection")
    for _ in range(5):
        daemon.write({**plain_scene(raw.url), "listeners": on(first, second, third)})
        reload(daemon)
        assert fetch(left, "GET", "/x").status == 200
        daemon.write({**plain_scene(raw.url), "listeners": on(first)})
        reload(daemon)
    stopping.set()
    for worker in workers:
        worker.join(DEADLINE)
    assert not failures and count[0] > 10, failures


def test_connections_of_a_removed_listener_have_the_time_of_a_drain(start_one, raw, gate):
    first, second = free_port(), free_port()
    process = {"drain": "500ms"}
    daemon = start_one({**plain_scene(raw.url, process=process), "listeners": on(first, second)})
    with RawClient(second) as busy, RawClient(second) as idle:
        assert idle.request("GET", "/x").status == 200
        busy.send(build_request("GET", "/slow"))
        wait_until(lambda: any(one.target == "/slow" for one in raw.received), "the slow request at the upstream")
        daemon.write({**plain_scene(raw.url, process=process), "listeners": on(first)})
        reload(daemon)
        assert idle.at_end()
        wait_until(lambda: daemon.find_error("drain_deadline"), "the deadline")
    assert fetch(Listener(f"127.0.0.1:{first}", False), "GET", "/x").status == 200


def test_bad_config_is_refused_with_all_that_is_wrong(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    routes = [proxy("bad", {"regex": "("}, "app"), proxy("other", {"prefix": "/other/"}, "app", nme="x")]
    daemon.write({**plain_scene(raw.url, routes), "nonsense": 1})
    checked = run("check", "-c", daemon.config_path)
    lines = reload(daemon, code=1)
    assert lines[0] == "error: the config is not usable (3 errors, 0 warnings)"
    assert lines[1:] == checked.stderr.splitlines()[:-1], (lines, checked.stderr)
    keys = ("sites[0].routes[0].match.regex", "sites[0].routes[1].nme", "nonsense")
    for key in keys:
        assert sum(f": {key}: " in line for line in lines) == 1, lines
    assert fetch(daemon.http, "GET", "/x").status == 200
    before = len(daemon.error_lines)
    daemon.process.send_signal(signal.SIGHUP)
    for key in keys:
        daemon.wait_error(re.escape(f": {key}: "), before)



def test_address_that_cannot_be_had_refuses_the_whole_reload(start_one, raw):
    first = free_port()
    daemon = start_one({**plain_scene(raw.url), "listeners": on(first)})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        routes = [proxy("other", {"prefix": "/other/"}, "app")]
        daemon.write({**plain_scene(raw.url, routes), "listeners": on(first, port)})
        lines = reload(daemon, code=1)
    assert f"127.0.0.1:{port}" in lines[0], lines
    assert fetch(daemon.http, "GET", "/x").status == 200, "the old routes stay"
    daemon.wait_error(rf"reload_refused .*127\.0\.0\.1:{port}")
    daemon.write({**plain_scene(raw.url, routes), "listeners": on(first, port)})
    reload(daemon)
    wait_until(lambda: fetch(daemon.http, "GET", "/x").status == 404, "the new routes")


def test_options_change_without_closing_the_socket(start_one, site_pair, web_root, raw):
    plain, secure = free_port(), free_port()
    config = scene(site_pair, web_root, raw.url)
    config["listeners"] = on(plain) + on(secure, tls=True)
    daemon = start_one(config)
    with RawClient(plain) as kept:
        assert kept.request("GET", "/index.html").status == 200
        config["listeners"] = on(plain, redirect_to_https=True) + on(secure, tls=True, http2=False)
        daemon.write(config)
        lines = reload(daemon)
        assert f"listener changed: 127.0.0.1:{plain} (plain, redirect_to_https, was plain)" in lines
        assert f"listener changed: 127.0.0.1:{secure} (tls, without http2, was tls)" in lines
        wait_until(lambda: fetch(Listener(f"127.0.0.1:{plain}", False), "GET", "/index.html").status == 308,
                   "the redirect")
        response = kept.request("GET", "/index.html")
        assert response.status == 308, "also on connections that are open"
        assert f":{secure}/" in response.get("Location")
    config["listeners"] = on(plain, tls=True) + on(secure, tls=True)
    daemon.write(config)
    reload(daemon)
    wait_until(lambda: fetch(Listener(f"127.0.0.1:{plain}", True), "GET", "/index.html").status == 200, "TLS")


def test_wildcard_gives_way_to_an_address(start_one, raw):
    port = free_port()
    daemon = start_one({**plain_scene(raw.url), "listeners": [{"address": f"0.0.0.0:{port}"}]})
    daemon.write({**plain_scene(raw.url), "listeners": on(port)})
    reload(daemon)
    assert fetch(Listener(f"127.0.0.1:{port}", False), "GET", "/x").status == 200


def test_unix_listener_leaves_no_file(start_one, place, raw):
    path = place / "gone.sock"
    daemon = start_one({**plain_scene(raw.url), "listeners": on(0) + [{"address": f"unix:{path}"}]})
    assert path.exists()
    daemon.write({**plain_scene(raw.url), "listeners": on(0)})
    lines = reload(daemon)
    assert f"listener removed: unix:{path}" in lines
    assert not path.exists()
    assert fetch(daemon.listeners[0], "GET", "/x").status == 200


def test_refused_reload_leaves_no_file_of_a_new_listener(start_one, place, raw):
    kept, new = place / "kept.sock", place / "new.sock"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        files = [{"address": f"unix:{kept}"}, {"address": f"unix:{new}"}]
        daemon = start_one({**plain_scene(raw.url), "listeners": on(0) + files[:1]})
        daemon.write({**plain_scene(raw.url), "listeners": on(0) + files + on(other.getsockname()[1])})
        for command in ("reload", "upgrade"):
            refused = run(command, "-c", daemon.config_path)
            assert refused.returncode == 1 and "Address already in use" in refused.stderr, refused
            assert kept.exists() and not new.exists(), command


def test_answer_names_every_change(start_one, raw, place):
    routes = [proxy("one", {"prefix": "/one/"}, "app"), proxy("two", {"prefix": "/two/"}, "app")]
    daemon = start_one(plain_scene(raw.url, routes))
    assert reload(daemon) == ["ok", "nothing has changed"]
    routes = [proxy("one", {"prefix": "/one/"}, "app", timeouts={"read": "1s"}),
              proxy("three", {"prefix": "/3/"}, "web")]
    changed = plain_scene(raw.url, routes, process={"workers": 3})
    changed["upstreams"]["web"] = {"servers": [raw.url]}
    changed["logs"] = {"access": {"file": str(place / "moved.log")}}
    daemon.write(changed)
    lines = reload(daemon)
    host = changed["sites"][0]["hosts"][0]
    assert set(lines) == {
        "ok", f"route changed: {host}/one", f"route added: {host}/three", f"route removed: {host}/two",
        "upstream added: web", "logs.access changed", "needs a restart: process.workers is 2, will be 3"}
    for _ in range(20):
        assert fetch(daemon.http, "GET", "/3/x").status == 200, "the answer came when the new config was in effect"
    wait_until(lambda: (place / "moved.log").exists() and '"/3/x"' in (place / "moved.log").read_text(), "the new log")
    assert daemon.find_error(re.escape(f"route added: {host}/three"))


def test_renewed_certificate_is_named(start_one, authority, web_root, raw, place):
    host = "www.xintuxiangce.top"
    pair = authority.issue([host, "xintuxiangce.top"], kind="rsa")
    daemon = start_one(scene(pair, web_root, raw.url))
    renewed = authority.issue([host, "xintuxiangce.top", "new.xintuxiangce.top"], kind="rsa")
    for old, new in zip(pair.as_config().values(), renewed.as_config().values()):
        with open(new, "rb") as source, open(old, "wb") as target:
            target.write(source.read())
    lines = reload(daemon)
    assert f"certificate changed: {pair.as_config()['cert']}" in lines, lines


def head_that_crosses_a_reload(daemon, target):
    """Sends half a head, has the daemon read the config anew, and sends the rest."""
    client = RawClient(daemon.http.port)
    data = build_request("GET", target)
    client.send(data[:20])
    time.sleep(0.2)  # the daemon has read it: nothing that it shows says so
    reload(daemon)
    client.send(data[20:])
    return client


@pytest.mark.parametrize("change", ["swapped", "removed"])
def test_a_request_goes_where_the_config_that_it_began_with_says(start_one, change):
    with RawUpstream(lambda received: answer(b"public")) as public, \
            RawUpstream(lambda received: answer(b"secret")) as secret:
        routes = [proxy("p", {"prefix": "/public"}, "public"), proxy("s", {"prefix": "/secret"}, "secret")]
        config = plain_scene(public.url, routes, process={"workers": 1})
        upstreams = {"secret": {"servers": [secret.url]}, "public": {"servers": [public.url]}}
        daemon = start_one({**config, "upstreams": upstreams})
        if change == "swapped":
            config["upstreams"] = dict(reversed(upstreams.items()))
        else:
            config["upstreams"] = {"public": upstreams["public"]}
            config["sites"][0]["routes"] = routes[:1]
        daemon.write(config)
        with head_that_crosses_a_reload(daemon, "/public") as client:
            assert client.read_response().body == b"public"
        assert fetch(daemon.http, "GET", "/public").body == b"public"
        assert not secret.received
