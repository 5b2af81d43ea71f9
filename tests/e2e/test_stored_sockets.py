# SPDX-License-Identifier: Apache-2.0
"""The listening sockets lie with systemd: whoever connects while a daemon has crashed, or is started anew, waits and is
served. A test plays systemd. VIADUCT_E2E_FULL=1: 20 crashes."""
import os
import signal
import socket
import threading

import pytest

from harness.client import RawClient, build_request, fetch
from harness.daemon import Daemon, Listener, is_alive
from harness.scene import plain_scene
from harness.service_manager import ServiceManager, giving
from harness.waiting import DEADLINE, SANITIZED, wait_until
from harness.wire import Ended
from test_reload import free_port, reload

CRASHES = 20 if os.environ.get("VIADUCT_E2E_FULL") else 2
QUEUED = 20


def scene(raw, *addresses, **process):
    return {**plain_scene(raw.url, process={"workers": 2, **process}),
            "listeners": [{"address": address} for address in addresses]}


def name_of(address):
    """In the store, as `%` escapes of all that is neither a letter, a digit nor of "./-_[]"."""
    return "listener-" + address.replace(":", "%3A")


class Service:
    """A daemon that is started with what its manager keeps."""

    def __init__(self, config, directory, manager):
        self.config, self.directory, self.manager, self.daemons = config, directory, manager, []
        self.start()

    @property
    def daemon(self):
        return self.daemons[-1]

    def start(self, config=None):
        given = self.manager.given()
        self.config = config or self.config
        self.daemons.append(Daemon(self.config, self.directory, self.manager.environment, wrapper=giving(given),
                                   descriptors=[descriptor for _, descriptor in given]))
        self.manager.hear("READY=1")

    def kill(self):
        pid = self.daemon.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), "the end of the killed process")

    def end(self):
        for daemon in self.daemons[:-1]:
            daemon.wait_stopped()
        assert self.daemon.stop() == 0


@pytest.fixture()
def start_service(raw, tmp_path_factory, place):
    services, manager = [], ServiceManager(place)

    def start(*addresses, **process):
        directory = tmp_path_factory.mktemp("service")
        services.append(Service(scene(raw, *addresses, **process), directory, manager))
        return services[-1]

    yield start
    for service in services:
        service.end()
    manager.close()


class Crowd:
    """Clients that ask on fresh connections without end. Answers that break off are what a crash does; refused
    connections are not."""

    def __init__(self, listener, size=4):
        self.listener, self.stopping = listener, threading.Event()
        self.served, self.cut, self.failures = 0, 0, []
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def work(self):
        while not self.stopping.is_set():
            try:
                assert fetch(self.listener, "GET", "/x").status == 200
                self.served += 1
            except ConnectionRefusedError as error:
                self.failures.append(repr(error))
                return
            except (ConnectionError, BrokenPipeError, Ended):
                self.cut += 1

    def finish(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(2 * DEADLINE)
        assert not self.failures and self.served > 0, (self.failures, self.served, self.cut)
        return self.served, self.cut


def queue_up(listener):
    """Connections whose request waits for a process."""
    clients = [RawClient(listener.port) for _ in range(QUEUED)]
    for client in clients:
        client.send(build_request("GET", "/queued"))
    return clients


def serve_all(clients):
    for client in clients:
        with client:
            assert client.read_response().status == 200


def is_refused(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=DEADLINE).close()
    except ConnectionRefusedError:
        return True
    return False


def test_nobody_is_refused_when_a_daemon_is_killed(start_service):
    address = f"127.0.0.1:{free_port()}"
    service = start_service(address)
    service.manager.wait_names(name_of(address))
    assert len(service.manager.given()) == 2, "a socket of each worker"
    crowd = Crowd(service.daemon.http)
    for _ in range(CRASHES):
        before = crowd.served
        wait_until(lambda seen=before: crowd.served > seen + 20, "some answers")
        service.kill()
        clients = queue_up(service.daemon.http)
        service.start()
        serve_all(clients)
    print(crowd.finish())
    service.manager.wait_names(name_of(address))
    assert len(service.manager.given()) == 2, "the same two"


def test_nobody_is_refused_while_a_daemon_is_started_anew(start_service, place):
    address, path = f"127.0.0.1:{free_port()}", place / "kept.sock"
    service = start_service(address, f"unix:{path}")
    service.manager.wait_names(name_of(address), name_of(f"unix:{path}"))
    crowd = Crowd(service.daemon.listeners[0])
    assert service.daemon.stop() == 0
    clients = queue_up(service.daemon.listeners[0])
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(str(path))
        client.sendall(build_request("GET", "/queued"))
        service.start(scene_with_workers(service.config, 3))
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    serve_all(clients)
    crowd.finish()
    assert len(service.manager.given()) == 4, "one more for the third worker"


def scene_with_workers(config, workers):
    return {**config, "process": {**config["process"], "workers": workers}}


def test_store_follows_the_config(start_service, raw):
    """Also where the process may call little of the system; but a sanitizer needs more."""
    first, second, third = (f"127.0.0.1:{free_port()}" for _ in range(3))
    service = start_service(first, second, seccomp=not SANITIZED)
    service.manager.wait_names(name_of(first), name_of(second))
    service.daemon.write(scene(raw, second, third, seccomp=not SANITIZED))
    reload(service.daemon)
    service.manager.wait_names(name_of(second), name_of(third))
    wait_until(lambda: is_refused(first), "the end of the removed listener")
    service.kill()
    service.start(scene(raw, second))
    service.manager.wait_names(name_of(second))
    wait_until(lambda: is_refused(third), "the end of the socket that nobody names any more")
    assert service.daemon.find_error(f"info stored_socket_closed address={third} ")
    assert fetch(Listener(second, False), "GET", "/x").status == 200
    assert not service.daemon.find_error("inherited_socket_unused")


def test_narrower_address_takes_the_place_of_a_stored_one(start_service, raw):
    port = free_port()
    service = start_service(f"0.0.0.0:{port}")
    service.manager.wait_names(name_of(f"0.0.0.0:{port}"))
    service.kill()
    service.start(scene(raw, f"127.0.0.1:{port}"))
    service.manager.wait_names(name_of(f"127.0.0.1:{port}"))
    assert fetch(service.daemon.http, "GET", "/x").status == 200


def test_crash_of_a_successor_loses_nothing_either(start_service, raw):
    first, second = (f"127.0.0.1:{free_port()}" for _ in range(2))
    service = start_service(first)
    service.daemon.write(scene(raw, first, second))
    service.daemon.upgrade()
    service.manager.wait_names(name_of(first), name_of(second))
    wait_until(lambda: not is_alive(service.daemon.process.pid), "the end of the old process")
    service.kill()
    clients = queue_up(Listener(first, False)) + queue_up(Listener(second, False))
    service.start(scene(raw, first, second))
    serve_all(clients)


def test_socket_whose_file_is_gone_is_opened_anew(start_service, place):
    path = place / "gone.sock"
    service = start_service(f"unix:{path}", "127.0.0.1:0")
    wait_until(lambda: len(service.manager.names()) == 2, "both listeners in the store")
    service.kill()
    path.unlink()
    service.start()
    assert service.daemon.find_error(f"info stored_socket_closed address=unix:{path} reason=\"its file is gone\"")
    assert service.daemon.listeners[1].port == int(service.manager.names()[0].rpartition("%3A")[2]), "as before"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(str(path))
        client.sendall(build_request("GET", "/x"))
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
