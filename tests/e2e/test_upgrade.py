# SPDX-License-Identifier: Apache-2.0
"""A newer program takes the place of a running one: the same sockets, no request lost, sessions resumed; and where it
cannot, the old one goes on and says why. VIADUCT_E2E_FULL=1: 20 upgrades and 200 reloads under load."""
import json
import os
import shutil
import signal
import socket
import ssl
import threading

import pytest

from harness.cli import find_binary, run
from harness.client import RawClient, build_request, fetch, insecure_context
from harness.daemon import Daemon, Listener, is_alive
from harness.load import Load
from harness.scene import plain_scene, proxy
from harness.upstream import answer
from harness.waiting import DEADLINE, SANITIZED, wait_until
from harness.websocket_server import WebsocketServer

UPGRADES, RELOADS = (20, 200) if os.environ.get("VIADUCT_E2E_FULL") else (2, 10)


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


@pytest.fixture()
def own_program(place, raw):
    """A daemon whose program lies where the test may replace it."""
    path = place / "viaduct"
    shutil.copy(find_binary(), path)
    daemon = Daemon(plain_scene(raw.url), place, program=str(path))
    yield daemon, path
    daemon.stop()


def replace(path, text):
    """Puts another program there, as a package does: by a new file in place of the old one."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o755)
    new.rename(path)


def tls_scene(url, pair, **more):
    config = plain_scene(url, **more)
    config["listeners"] = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "tls": True}]
    config["sites"][0]["tls"] = pair.as_config()
    return config


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


# ---- what goes on ----------------------------------------------------------------------------------------------------


def test_exchange_in_flight_ends_in_the_old_process(start_one, raw, gate):
    daemon = start_one(plain_scene(raw.url))
    with RawClient(daemon.http.port) as busy, RawClient(daemon.http.port) as idle:
        assert idle.request("GET", "/x").status == 200
        busy.send(build_request("GET", "/slow"))
        wait_until(lambda: any(one.target == "/slow" for one in raw.received), "the slow request at the upstream")
        daemon.upgrade()
        assert daemon.successor != daemon.process.pid and daemon.process.poll() is None
        assert fetch(daemon.http, "GET", "/new").status == 200
        last = idle.request("GET", "/x")
        assert last.status == 200 and "close" in last.tokens("Connection"), "one request more, and told so"
        gate.set()
        late = busy.read_response()
        assert late.body == b"answered /slow" and "close" in late.tokens("Connection")
    assert daemon.process.wait(DEADLINE) == 0, "nothing is left for the old process"
    assert is_alive(daemon.successor)
    assert fetch(daemon.http, "GET", "/new").status == 200


def test_drain_is_how_long_the_old_process_lives(start_one, raw, gate):
    daemon = start_one(plain_scene(raw.url, process={"drain": "500ms"}))
    with RawClient(daemon.http.port) as busy, RawClient(daemon.http.port) as idle:
        assert idle.request("GET", "/x").status == 200
        busy.send(build_request("GET", "/slow"))
        wait_until(lambda: any(one.target == "/slow" for one in raw.received), "the slow request at the upstream")
        daemon.upgrade()
        assert idle.at_end()
        assert daemon.process.wait(DEADLINE) == 0


def test_signal_upgrades_too_and_the_command_line_finds_the_new_process(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    daemon.send_signal(signal.SIGUSR2)
    found = wait_until(lambda: daemon.find_error(r"upgraded pid=(\d+)"), "the upgrade")
    daemon.successor = int(found[1])
    assert daemon.process.wait(DEADLINE) == 0
    assert run("reload", "-c", daemon.config_path).returncode == 0
    assert run("stop", "-c", daemon.config_path).returncode == 0
    wait_until(lambda: not is_alive(daemon.successor), "the end")
    assert not (daemon.directory / "admin.sock").exists()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_by_the_new_process(start_one, site_pair, raw, version):
    daemon = start_one(tls_scene(raw.url, site_pair))
    context = insecure_context(minimum=version, maximum=version)
    with RawClient(daemon.https.port, tls=True, context=context) as client:
        assert client.request("GET", "/x").status == 200
        session = client.sock.session
    for _ in range(2):
        daemon.upgrade()
        with RawClient(daemon.https.port, tls=True, context=context, session=session) as client:
            assert client.request("GET", "/x").status == 200
            assert client.sock.session_reused


def test_sockets_go_over_with_other_numbers_of_workers(start_one, place, raw):
    path = place / "kept.sock"
    listeners = [{"address": "127.0.0.1:0"}, {"address": f"unix:{path}"}]
    config = {**plain_scene(raw.url, process={"workers": 3}), "listeners": listeners}
    daemon = start_one(config)
    for workers in (1, 4, 2):
        daemon.write({**config, "process": {"workers": workers}})
        old = daemon.pid
        daemon.upgrade()
        wait_until(lambda: not is_alive(old), "the end of the old process")
        for _ in range(40):
            assert fetch(daemon.listeners[0], "GET", "/x").status == 200
        assert path.exists()
        with RawUnix(path) as client:
            assert client.status("/x") == 200


class RawUnix:
    """One connection over a Unix socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def status(self, target):
        self.sock.sendall(build_request("GET", target))
        return int(self.sock.recv(4096).split(b" ")[1])


def test_config_and_listeners_may_change_at_an_upgrade(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    changed = plain_scene(raw.url, [proxy("only", {"prefix": "/only/"}, "app")])
    changed["listeners"] = [{"address": daemon.http.address}, {"address": "127.0.0.1:0"}]
    daemon.write(changed)
    before = len(daemon.error_lines)
    daemon.upgrade()
    added = daemon.wait_error(r"listening address=127\.0\.0\.1:(?!%d )\d+" % daemon.http.port, before)
    assert added
    assert fetch(daemon.http, "GET", "/x").status == 404
    assert fetch(daemon.http, "GET", "/only/x").status == 200


def test_orders_about_servers_that_are_gone_are_named(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    assert run("drain", "app", raw.url.split("//")[1], "-c", daemon.config_path).returncode == 0
    config = plain_scene(raw.url)
    config["upstreams"]["app"]["servers"] = [raw.url.replace("127.0.0.1", "localhost")]
    daemon.write(config)
    daemon.upgrade()
    daemon.wait_error('order_dropped order="drain app .*has no server')
    assert fetch(daemon.http, "GET", "/x").status == 200


def test_files_of_unix_listeners_come_and_go(start_one, place, raw):
    gone, kept, new = (place / f"{name}.sock" for name in ("gone", "kept", "new"))

    def scene(*files):
        return {**plain_scene(raw.url), "listeners": [{"address": "127.0.0.1:0"},
                                                      *({"address": f"unix:{path}"} for path in files)]}

    daemon = start_one(scene(gone, kept))
    daemon.write(scene(kept, new))
    daemon.upgrade()
    wait_until(lambda: not is_alive(daemon.process.pid), "the end of the old process")
    assert not gone.exists()
    for path in (kept, new):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_file_of_a_unix_listener_goes_with_the_process_that_serves_last(start_one, place, raw):
    path, replaced = place / "last.sock", place / "replaced.sock"
    daemon = start_one({**plain_scene(raw.url), "listeners": [{"address": "127.0.0.1:0"}, {"address": f"unix:{path}"},
                                                              {"address": f"unix:{replaced}"}]})
    daemon.upgrade()
    wait_until(lambda: not is_alive(daemon.process.pid), "the end of the old process")
    with RawUnix(path) as client:
        assert client.status("/x") == 200
    replaced.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(replaced))
        assert daemon.stop() == 0
        assert not path.exists() and replaced.exists()


def test_monitors_find_the_new_process_at_the_same_address(start_one, raw):
    daemon = start_one(plain_scene(raw.url, admin={"health": "127.0.0.1:0"}))
    address = daemon.wait_error(r"health_listening address=(\S+)")[1]
    health = Listener(address, False)
    assert fetch(health, "GET", "/readyz").status == 200
    before = len(daemon.error_lines)
    daemon.upgrade()
    assert daemon.wait_error(r"health_listening address=(\S+)", before)[1] == address
    wait_until(lambda: not is_alive(daemon.process.pid), "the end of the old process")
    assert fetch(health, "GET", "/readyz").status == 200


# ---- what fails ------------------------------------------------------------------------------------------------------


def refused(daemon):
    """Runs the command, which must fail, and the old process serve on; returns what it says."""
    done = run("upgrade", "-c", daemon.config_path)
    assert done.returncode == 1 and done.stderr, (done.returncode, done.stdout)
    assert daemon.process.poll() is None
    for _ in range(20):
        assert fetch(daemon.http, "GET", "/x").status == 200
    return done.stderr


def test_bad_config_leaves_the_old_process(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    good = daemon.config_path.read_text()
    daemon.config_path.write_text(good + "listenerz: []\nnonsense: 1\n")
    done = run("upgrade", "--socket", daemon.directory / "admin.sock")
    assert done.returncode == 1 and "viaduct.yaml:" in done.stderr, done.stderr
    assert "listenerz: []\n^" in done.stderr and "nonsense: 1\n^" in done.stderr, done.stderr
    assert fetch(daemon.http, "GET", "/x").status == 200
    daemon.wait_error("upgrade_failed .*listenerz")
    daemon.config_path.write_text(good)
    daemon.upgrade()
    assert fetch(daemon.http, "GET", "/x").status == 200


@pytest.mark.parametrize("script, words", [("exit 3", "exit status 3"), ("kill -SEGV $$", "signal 11")])
def test_program_that_fails_leaves_the_old_process(own_program, script, words):
    daemon, path = own_program
    kept = path.read_bytes()
    replace(path, f"#!/bin/sh\n{script}\n")
    assert words in refused(daemon)
    path.with_suffix(".old").write_bytes(kept)
    path.with_suffix(".old").chmod(0o755)
    path.with_suffix(".old").rename(path)
    daemon.upgrade()
    assert fetch(daemon.http, "GET", "/x").status == 200


def test_program_that_is_gone_leaves_the_old_process(own_program):
    daemon, path = own_program
    path.rename(path.with_suffix(".away"))
    assert str(path) in refused(daemon)
    path.with_suffix(".away").rename(path)
    daemon.upgrade()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a namespace of processes")
def test_first_process_of_a_container_is_not_upgraded(place, raw):
    daemon = Daemon(plain_scene(raw.url), place, wrapper=["unshare", "--pid", "--fork", "--kill-child"])
    try:
        assert "start a container of the new image" in refused(daemon)
    finally:
        assert run("stop", "-c", daemon.config_path).returncode == 0
        assert daemon.wait_stopped() == 0


def test_two_upgrades_at_once_are_one(own_program):
    daemon, path = own_program
    kept = path.read_bytes()
    replace(path, "#!/bin/sh\nexec sleep 5\n")
    results = []
    first = threading.Thread(target=lambda: results.append(run("upgrade", "-c", daemon.config_path)), daemon=True)
    first.start()
    daemon.wait_error("upgrade_started")
    assert "under way" in refused(daemon)
    first.join(2 * DEADLINE)
    assert results and results[0].returncode == 1
    path.with_suffix(".old").write_bytes(kept)


def waiting(path, then):
    """Puts a program there that waits for the test; returns what lets it go on."""
    go_on = path.with_suffix(".go_on")
    go_on.unlink(missing_ok=True)
    replace(path, f"#!/bin/sh\nuntil [ -e {go_on} ]; do sleep 0.02; done\n{then}\n")
    return go_on.touch


def test_guard_of_a_reload_goes_on_when_an_upgrade_fails(own_program, raw):
    daemon, path = own_program
    assert fetch(daemon.http, "GET", "/x").status == 200
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        daemon.write(plain_scene(f"http://127.0.0.1:{closed.getsockname()[1]}"))
        assert run("reload", "--guard", "60s", "-c", daemon.config_path).returncode == 0
        go_on = waiting(path, "exit 1")
        daemon.send_signal(signal.SIGUSR2)
        daemon.wait_error("upgrade_started")
        for _ in range(10):
            assert fetch(daemon.http, "GET", "/x").status == 502
        assert not daemon.find_error("reload_rolled_back|reload_guard_ended")
        go_on()
        daemon.wait_error("upgrade_failed")
        daemon.wait_error("reload_rolled_back")
        assert fetch(daemon.http, "GET", "/x").status == 200


def test_reload_by_signal_waits_for_an_upgrade_that_fails(own_program, raw):
    daemon, path = own_program
    go_on = waiting(path, "exit 1")
    daemon.send_signal(signal.SIGUSR2)
    daemon.wait_error("upgrade_started")
    daemon.write(plain_scene(raw.url, [proxy("only", {"prefix": "/only/"}, "app")]))
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_error("reload_waits")
    assert fetch(daemon.http, "GET", "/x").status == 200
    go_on()
    daemon.wait_error("reloaded snapshot=2")
    assert fetch(daemon.http, "GET", "/x").status == 404


def test_reload_by_signal_is_passed_on_to_the_new_process(own_program, raw):
    daemon, path = own_program
    real = path.with_suffix(".real")
    path.rename(real)
    go_on = waiting(path, f'exec {real} "$@"')
    daemon.send_signal(signal.SIGUSR2)
    daemon.wait_error("upgrade_started")
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_error("reload_waits")
    go_on()
    daemon.successor = int(daemon.wait_error(r"reload_passed_on pid=(\d+)")[1])
    daemon.wait_error("reloaded snapshot=2")
    assert fetch(daemon.http, "GET", "/x").status == 200


def test_reopening_of_logs_by_signal_is_passed_on_to_the_new_process(own_program):
    daemon, path = own_program
    real = path.with_suffix(".real")
    path.rename(real)
    go_on = waiting(path, f'exec {real} "$@"')
    daemon.send_signal(signal.SIGUSR2)
    daemon.wait_error("upgrade_started")
    daemon.send_signal(signal.SIGUSR1)
    daemon.wait_error("logs_reopened")
    before = len(daemon.error_lines)
    go_on()
    daemon.successor = int(daemon.wait_error(r"reopening_passed_on pid=(\d+)")[1])
    daemon.wait_error("logs_reopened", before)


# ---- under load ------------------------------------------------------------------------------------------------------


def test_upgrades_and_reloads_under_load_lose_nothing(start_one, site_pair, raw):
    raw.clear()
    raw.handler = lambda received: answer(b"ok")
    with WebsocketServer() as server:
        routes = [proxy("ws", {"prefix": "/ws"}, "ws", websocket=True), proxy("all", {"prefix": "/"}, "app")]
        config = tls_scene(raw.url, site_pair, routes=routes, process={"drain": "4s"})
        config["upstreams"]["ws"] = {"servers": [server.url]}
        config["logs"] = {"access": {"file": "/dev/null"}}
        daemon = start_one(config)
        plain = Load(daemon.http, ["fresh", "keep_alive", "quiet", "websocket"])
        secure = Load(daemon.https, ["fresh", "keep_alive", "http2", "websocket"])
        sizes, ready = [], (0, 0)
        for number in range(UPGRADES):
            for reload in range(RELOADS // UPGRADES):
                config["sites"][0]["routes"][1]["timeouts"] = {"read": f"{10 + reload % 3}s"}
                daemon.write(config)
                done = run("reload", "-c", daemon.config_path)
                assert done.returncode == 0, done.stderr
                if number == 0 and reload == 2:
                    ready = (descriptors(daemon.pid), daemon.resident_kib())
            sizes.append((descriptors(daemon.pid), daemon.resident_kib()))
            old = daemon.pid
            daemon.upgrade()
            wait_until(lambda pid=old: not is_alive(pid), "the end of the old process", 3 * DEADLINE)
        counts = {"plain": plain.finish(), "secure": secure.finish()}
        print(json.dumps({"counts": counts, "first": ready, "later": sizes}))
    assert not daemon.find_error("connections_cut")
    assert max(count for count, _ in sizes) < ready[0] + 40, sizes
    if not SANITIZED:
        assert max(kib for _, kib in sizes) < ready[1] + 16 * 1024, (ready, sizes)


def test_memory_is_flat_over_reloads(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    count = 1000 if os.environ.get("VIADUCT_E2E_FULL") else 60

    def reload(number):
        routes = [proxy("all", {"prefix": "/"}, "app", timeouts={"read": f"{10 + number % 3}s"})]
        daemon.write(plain_scene(raw.url, routes, process={"workers": 2}))
        done = ask(daemon.directory / "admin.sock", "reload")
        assert done.startswith("ok\n"), done

    for number in range(count // 4):
        reload(number)
    before, opened = daemon.resident_kib(), descriptors(daemon.pid)
    for number in range(count):
        reload(number)
    assert fetch(daemon.http, "GET", "/x").status == 200
    print(json.dumps({"reloads": count, "before_kib": before, "after_kib": daemon.resident_kib()}))
    assert descriptors(daemon.pid) <= opened + 4
    if not SANITIZED:
        assert daemon.resident_kib() < before + 2048


def ask(path, command):
    """The whole answer of the admin socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(DEADLINE)
        sock.connect(str(path))
        sock.sendall(command.encode() + b"\n")
        pieces = []
        while piece := sock.recv(65536):
            pieces.append(piece)
    return b"".join(pieces).decode()
