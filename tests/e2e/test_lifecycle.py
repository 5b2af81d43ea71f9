# SPDX-License-Identifier: Apache-2.0
"""Start, stop and reload without losing anything: TERM and INT drain, HUP changes the config under load, a bad config
changes nothing, and what cannot start says why."""
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness.cli import find_binary, run, write_config
from harness.client import RawClient, build_request, fetch
from harness.daemon import with_defaults
from harness.pattern import pattern
from harness.scene import plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import DEADLINE, SLOWNESS, wait_until


class Gate:
    """An upstream handler that holds requests to /slow until it is opened."""

    def __init__(self):
        self.event = threading.Event()

    def __call__(self, received):
        if received.target.startswith("/slow"):
            self.event.wait(60)
        return answer(b"answered " + received.target.encode())


@pytest.fixture()
def gate(raw):
    raw.clear()
    gate = raw.handler = Gate()
    yield gate
    gate.event.set()
    raw.handler = lambda received: answer()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE).close()
        return True
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # in the queue of a listener that closes now
        return True


# ---- TERM and INT ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exchange_in_flight_is_finished(start_one, raw, gate, number):
    daemon = start_one(plain_scene(raw.url))
    with RawClient(daemon.http.port) as client, RawClient(daemon.http.port) as idle:
        assert idle.request("GET", "/fast").status == 200
        client.send(build_request("POST", "/slow", body=b"payment"))
        raw.wait_received(2)
        daemon.send_signal(number)
        assert idle.at_end(), "an idle connection closes at once"
        wait_until(lambda: not listens(daemon.http.port), "the listener to close")
        assert daemon.is_running()
        gate.event.set()
        response = client.read_response()
        assert response.body == b"answered /slow" and "close" in response.tokens("Connection")
        assert client.at_end()
    assert daemon.wait_stopped() == 0
    assert [one["status"] for one in daemon.access_records()] == [200, 200]


def test_upload_and_download_in_flight_are_finished(start_one, raw, gate):
    daemon = start_one(plain_scene(raw.url))
    raw.handler = lambda received: answer(received.body)
    body = pattern(8_000_000)
    with RawClient(daemon.http.port) as client:
        client.send(build_request("POST", "/x", [("Content-Length", str(len(body)))]) + body[:3_000_000])
        wait_until(lambda: raw.received, "the head at the upstream")
        daemon.send_signal(signal.SIGTERM)
        wait_until(lambda: not listens(daemon.http.port), "the listener to close")
        client.send(body[3_000_000:])
        assert client.read_response().body == body
    assert daemon.wait_stopped() == 0


def test_drain_has_an_end(start_one, raw, gate):
    daemon = start_one(plain_scene(raw.url, process={"drain": "1s"}))
    with RawClient(daemon.http.port) as client:
        client.send(build_request("GET", "/slow"))
        raw.wait_received()
        start = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait_stopped() == 0
        assert 0.5 < time.monotonic() - start < 5 * SLOWNESS
    records = daemon.access_records()
    assert [one["path"] for one in records] == ["/slow"] and records[0]["reason"], "a cut exchange has its line too"


def test_idle_daemon_stops_at_once(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    start = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - start < 3 * SLOWNESS


def test_stop_command(start_one, raw, gate):
    daemon = start_one(plain_scene(raw.url))
    with RawClient(daemon.http.port) as client:
        client.send(build_request("GET", "/slow"))
        raw.wait_received()
        stopper = threading.Thread(target=lambda: results.append(run("stop", "-c", daemon.config_path)), daemon=True)
        results = []
        stopper.start()
        wait_until(lambda: not listens(daemon.http.port), "the listener to close")
        gate.event.set()
        assert client.read_response().body == b"answered /slow"
    stopper.join(2 * DEADLINE)
    assert results and results[0].returncode == 0, results
    assert daemon.wait_stopped() == 0
    again = run("stop", "-c", daemon.config_path)
    assert again.returncode == 1 and again.stderr


# ---- HUP ------------------------------------------------------------------------------------------------------------


class Load:
    """Clients that send one request after the other, each on one connection for its life, and tolerate nothing."""

    def __init__(self, port, clients=6):
        self.stopping = threading.Event()
        self.answers, self.failures = [], []
        self.threads = [threading.Thread(target=self.work, args=(port, number), daemon=True)
                        for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def work(self, port, number):
        count = 0
        try:
            with RawClient(port) as client:
                while not self.stopping.is_set():
                    body = pattern(count * 37 % 5000) if count % 2 else None
                    method = "GET" if body is None else "POST"
                    response = client.request(method, f"/load/{number}/{count}", body=body)
                    self.answers.append((response.status, response.get("X-Config")))
                    count += 1
        except Exception as error:  # every kind of failure counts
            self.failures.append((number, count, error))

    def finish(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(DEADLINE)
        assert not self.failures, self.failures
        assert self.answers and {status for status, _ in self.answers} == {200}
        return self.answers


def marked_config(url, mark):
    return plain_scene(url, [proxy("all", {"prefix": "/"}, "app", headers={"response": {"set": {"X-Config": mark}}})])


def test_hup_under_load_loses_nothing(start_one, raw):
    daemon = start_one(marked_config(raw.url, "0"))
    load = Load(daemon.http.port)
    wait_until(lambda: load.answers, "answers by the first config")
    for mark in ("1", "2", "3"):
        daemon.write(marked_config(raw.url, mark))
        daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: fetch(daemon.http, "GET", "/probe").get("X-Config") == mark, f"config {mark}")
        seen = len(load.answers)
        wait_until(lambda: [one for one in load.answers[seen:] if one[1] == mark], f"config {mark} on old connections")
    marks = [mark for _, mark in load.finish()]
    assert set(marks) >= {"0", "3"}


def test_exchange_ends_with_the_config_it_began_with(start_one, raw, gate):
    with RawUpstream(lambda received: answer(b"second")) as second:
        daemon = start_one(marked_config(raw.url, "old"))
        with RawClient(daemon.http.port) as client:
            client.send(build_request("GET", "/slow"))
            raw.wait_received()
            daemon.write(marked_config(second.url, "new"))
            daemon.send_signal(signal.SIGHUP)
            wait_until(lambda: fetch(daemon.http, "GET", "/x").body == b"second", "the new config")
            gate.event.set()
            response = client.read_response()
            assert (response.body, response.get("X-Config")) == (b"answered /slow", "old")
            response = client.request("GET", "/y")
            assert (response.body, response.get("X-Config")) == (b"second", "new")


@pytest.mark.parametrize("broken", ["unknown key", "yaml", "missing file", "empty"])
def test_bad_config_on_hup_changes_nothing(start_one, raw, broken):
    daemon = start_one(marked_config(raw.url, "good"))
    load = Load(daemon.http.port, clients=2)
    before = len(daemon.error_lines)
    if broken == "unknown key":
        daemon.write({**marked_config(raw.url, "bad"), "listenerz": []})
    elif broken == "yaml":
        daemon.config_path.write_text("listeners: [\n", encoding="utf-8")
    elif broken == "missing file":
        daemon.config_path.unlink()
    else:
        daemon.config_path.write_text("", encoding="utf-8")
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_error(r"viaduct\.yaml", start=before)
    if broken == "unknown key":
        daemon.wait_error("listenerz", start=before)
    assert daemon.is_running()
    assert fetch(daemon.http, "GET", "/x").get("X-Config") == "good"
    assert {mark for _, mark in load.finish()} == {"good"}
    daemon.write(marked_config(raw.url, "repaired"))
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: fetch(daemon.http, "GET", "/x").get("X-Config") == "repaired", "the repaired config")


# ---- start ----------------------------------------------------------------------------------------------------------


def test_port_in_use_is_said(place, raw):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    address = f"127.0.0.1:{taken.getsockname()[1]}"
    config = with_defaults({**plain_scene(raw.url), "listeners": [{"address": address}]}, place)
    for name in ("-", place / "taken.log"):
        config["logs"]["error"] = {"file": str(name)}
        done = run("run", "-c", write_config(config, place, "taken.yaml"))
        assert done.returncode == 1 and address in done.stderr, done.stderr
        assert done.stderr.count("start_failed") == 1, done.stderr
    # Whoever sends both to one file reads it there once, too.
    with open(place / "taken.log", "a", encoding="utf-8") as log:
        subprocess.run([find_binary(), "run", "-c", place / "taken.yaml"], stderr=log, timeout=DEADLINE, check=False)
    taken.close()
    assert (place / "taken.log").read_text().count("start_failed") == 2


def test_broken_config_does_not_start_and_says_what_check_says(place, raw):
    config = with_defaults({**plain_scene(raw.url), "listenerz": []}, place)
    path = write_config(config, place, "broken.yaml")
    started, checked = run("run", "-c", path), run("check", "-c", path)
    assert started.returncode == checked.returncode == 1
    line = next(line for line in (checked.stdout + checked.stderr).splitlines() if "listenerz" in line)
    assert line in started.stdout + started.stderr


@pytest.mark.parametrize("number, outcome", [(signal.SIGHUP, "reloaded snapshot=2"), (signal.SIGUSR1, "logs_reopened"),
                                             (signal.SIGUSR2, "upgraded pid=")])
def test_signal_that_comes_while_the_process_starts_waits(place, raw, number, outcome):
    """The config is a pipe, which the process reads until this test has sent the signal."""
    directory = place / f"early-{int(number)}"
    directory.mkdir()
    config = with_defaults(plain_scene(raw.url), directory)
    log = directory / "error.log"
    config["logs"]["error"] = {"file": str(log)}
    config["process"] = {"workers": 1}
    text = write_config(config, directory).read_bytes()
    path = directory / "viaduct.yaml"
    path.unlink()
    os.mkfifo(path)
    process = subprocess.Popen([find_binary(), "run", "-c", str(path)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        pipe = wait_until(lambda: open_for_writing(path), "a reader of the config")
        process.send_signal(number)
        write_config(config, directory, "next.yaml").rename(path)
        os.write(pipe, text)
        os.close(pipe)
        wait_until(lambda: process.poll() is not None or log.exists() and outcome in log.read_text(), outcome)
        assert log.exists() and outcome in log.read_text()
        assert run("stop", "-c", path).returncode == 0
        assert process.wait(DEADLINE) == 0
        wait_until(lambda: run("status", "-c", path).returncode == 1, "the end")
    finally:
        process.kill()
        process.wait()


def open_for_writing(pipe):
    """Its descriptor, None where nobody reads it yet."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_closed_standard_streams_are_nobodys(place, raw):
    """No socket gets the number of a stream, and with it the lines that are meant for that."""
    path = write_config(with_defaults(plain_scene(raw.url), place), place)
    process = subprocess.Popen(["sh", "-c", 'exec "$0" run -c "$1" <&- >&- 2>&-', find_binary(), str(path)])
    try:
        wait_until(lambda: run("status", "-c", path).returncode == 0, "the admin socket")
        assert [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)] == ["/dev/null"] * 3
        assert run("stop", "-c", path).returncode == 0
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.wait()


def test_name_that_does_not_resolve_does_not_stop_the_start(start_one, raw):
    config = plain_scene(raw.url)
    config["upstreams"]["later"] = {"servers": ["http://no-such-host.invalid:80"]}
    config["sites"][0]["routes"].append(proxy("later", {"prefix": "/later/"}, "later"))
    daemon = start_one(config)
    assert fetch(daemon.http, "GET", "/x").status == 200


# ---- listeners ------------------------------------------------------------------------------------------------------


def test_listeners_of_all_families(start_one, place, raw):
    path = place / "listener.sock"
    with socket.socket() as probe:  # both families share a port, so that the kernel cannot choose it
        probe.bind(("127.0.0.1", 0))
        both = probe.getsockname()[1]
    addresses = ["127.0.0.1:0", "[::1]:0", f":{both}", f"unix:{path}"]
    daemon = start_one({**plain_scene(raw.url), "listeners": [{"address": address} for address in addresses]})
    v4, v6 = daemon.listeners[:2]
    assert v4.address.startswith("127.0.0.1:") and v6.address.startswith("[::1]:")
    for address, port in (("127.0.0.1", v4.port), ("::1", v6.port), ("127.0.0.1", both), ("::1", both)):
        with RawClient(port, address=address) as client:
            response = client.request("GET", "/x")
        record = daemon.record_of(response)
        assert response.body == b"ok" and record["client_ip"] == address
        assert raw.received[-1].get("X-Real-IP") == address
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(DEADLINE)
        sock.connect(str(path))
        sock.sendall(build_request("GET", "/x", [("Connection", "close")]))
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def ask_over(path, target="/x", fields=()):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(DEADLINE)
        sock.connect(str(path))
        sock.sendall(build_request("GET", target, [("Connection", "close"), *fields]))
        return sock.recv(4096)


def test_clients_on_a_unix_socket_have_no_address_and_may_be_trusted(start_one, place, raw):
    path = place / "listener.sock"
    config = plain_scene(raw.url, [
        proxy("ipv4", {"prefix": "/ipv4"}, "app", allow={"addresses": ["0.0.0.0/0"]}),
        proxy("unix", {"prefix": "/unix"}, "app", allow={"addresses": ["unix:"]}),
        proxy("all", {"prefix": "/"}, "app")],
        listeners=[{"address": f"unix:{path}"}, {"address": "127.0.0.1:0"}],
        client={"max_connections_per_address": 1})
    daemon = start_one(config)
    raw.clear()
    given = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Port", "443")]
    assert ask_over(path, "/x", given).startswith(b"HTTP/1.1 200 ")
    received = raw.received[-1]
    assert (received.get("X-Real-IP"), received.get("X-Forwarded-For")) == ("unix:", "unix:")
    assert received.get("X-Forwarded-Port") is None
    assert ask_over(path, "/ipv4").startswith(b"HTTP/1.1 403 ")
    assert ask_over(path, "/unix").startswith(b"HTTP/1.1 200 ")
    config["sites"][0]["trusted_proxies"] = ["unix:"]
    daemon.write(config)
    assert run("reload", "-c", daemon.config_path).returncode == 0
    assert ask_over(path, "/x", [*given, ("X-Request-ID", "trusted")]).startswith(b"HTTP/1.1 200 ")
    received = raw.received[-1]
    assert received.get("X-Real-IP") == "203.0.113.9" and received.get("X-Forwarded-For") == "203.0.113.9, unix:"
    assert received.get("X-Forwarded-Port") == "443"
    assert daemon.wait_record("trusted")["client_ip"] == "203.0.113.9"


@pytest.mark.parametrize("manager", [None, "nobody.sock"])
def test_file_of_a_unix_listener_goes_with_the_daemon(start_one, place, raw, manager):
    """Not where systemd may keep its socket for the next one: who connects meanwhile finds it by that file."""
    path = place / "mine.sock"
    environment = {**os.environ, "NOTIFY_SOCKET": str(place / manager)} if manager else None
    daemon = start_one({**plain_scene(raw.url), "listeners": [{"address": "127.0.0.1:0"}, {"address": f"unix:{path}"}]},
                       environment)
    assert path.is_socket()
    assert daemon.stop() == 0
    assert path.exists() == bool(manager)


def test_workers_share_the_load(start_one, raw):
    """SO_REUSEPORT spreads connections; whichever worker takes one, the answer is the same."""
    daemon = start_one(plain_scene(raw.url, process={"workers": 4}))
    assert daemon.find_error(r"ready workers=4")
    for _ in range(60):
        assert fetch(daemon.http, "GET", "/x").status == 200
