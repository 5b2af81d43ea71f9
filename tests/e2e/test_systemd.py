# SPDX-License-Identifier: Apache-2.0
"""What systemd hears of the daemon and gives to it, with a test in its place."""
import signal
import socket
import sys

import pytest

from harness.cli import run
from harness.client import fetch
from harness.daemon import Daemon, is_alive
from harness.scene import plain_scene
from harness.service_manager import ServiceManager, giving
from harness.waiting import wait_until
from test_reload import free_port, reload

# Runs a command as systemd runs a service that has a socket unit.
ACTIVATE = """
import os, socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listening.setblocking(True)
if listening.fileno() != 3:
    os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.fixture()
def manager(place):
    manager = ServiceManager(place)
    yield manager
    manager.close()


def test_systemd_hears_of_start_reload_and_stop(start_one, raw, manager):
    daemon = start_one(plain_scene(raw.url), environment=manager.environment)
    assert manager.hear("READY=1") == "READY=1\nSTATUS=serving with 2 workers at 1 addresses, snapshot 1"
    daemon.write(plain_scene(raw.url))
    daemon.send_signal(signal.SIGHUP)
    assert "\nMONOTONIC_USEC=" in manager.hear("RELOADING=1")
    assert manager.hear("READY=1").endswith("snapshot 2")
    daemon.config_path.write_text("listeners: [\n")
    assert run("reload", "--socket", daemon.directory / "admin.sock").returncode == 1
    manager.hear("RELOADING=1")
    assert manager.hear("READY=1").endswith("snapshot 2")
    daemon.send_signal(signal.SIGTERM)
    assert manager.hear("STOPPING=1")


def test_systemd_shows_the_config_that_a_guard_goes_back_to(start_one, raw, manager):
    daemon = start_one(plain_scene(raw.url), environment=manager.environment)
    for _ in range(10):
        assert fetch(daemon.http, "GET", "/x").status == 200
    daemon.write(plain_scene(f"http://127.0.0.1:{free_port()}"))
    assert run("reload", "--guard", "-c", daemon.config_path).returncode == 0
    assert manager.hear("RELOADING=1")
    assert manager.hear("READY=1").endswith("snapshot 2")
    wait_until(lambda: fetch(daemon.http, "GET", "/x") and daemon.find_error("reload_rolled_back"), "the way back")
    assert manager.hear("STATUS=").endswith("snapshot 3")


def test_systemd_hears_of_the_main_process_behind_an_upgrade(start_one, raw, manager):
    daemon = start_one(plain_scene(raw.url), environment=manager.environment)
    daemon.upgrade()
    assert manager.hear("MAINPID=") == f"MAINPID={daemon.successor}"
    assert manager.hear("READY=1").endswith("snapshot 1"), "what the old one has said counts no more"
    wait_until(lambda: not is_alive(daemon.process.pid), "the end of the old process")


def test_watchdog_is_fed(start_one, raw, manager):
    start_one(plain_scene(raw.url), environment={**manager.environment, "WATCHDOG_USEC": "300000"})
    for _ in range(3):
        manager.hear("WATCHDOG=1")


def test_socket_of_a_socket_unit_is_used(raw, place):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    listeners = [{"address": f"127.0.0.1:{port}"}, {"address": "127.0.0.1:0"}]
    daemon = Daemon({**plain_scene(raw.url), "listeners": listeners}, place,
                    wrapper=[sys.executable, "-c", ACTIVATE, str(port)])
    try:
        # Who opened it a second time would find it in use.
        for listener in daemon.listeners:
            for _ in range(20):
                assert fetch(listener, "GET", "/x").status == 200
        daemon.upgrade()
        assert fetch(daemon.listeners[0], "GET", "/x").status == 200
    finally:
        assert daemon.stop() == 0


def test_socket_that_no_listener_has_is_named(raw, place):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = Daemon(plain_scene(raw.url), place, wrapper=[sys.executable, "-c", ACTIVATE, str(port)])
    try:
        assert daemon.find_error(rf"warning inherited_socket_unused address=127\.0\.0\.1:{port}")
    finally:
        assert daemon.stop() == 0


def test_admin_socket_of_a_socket_unit_is_used_and_its_file_left(raw, place):
    path = place / "admin.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0o660)
        listening.listen()
        daemon = Daemon(plain_scene(raw.url), place, wrapper=giving([("viaduct-admin.socket", listening.fileno())]),
                        descriptors=[listening.fileno()])
        try:
            assert run("status", "-c", daemon.config_path).returncode == 0
            assert not daemon.find_error("inherited_socket_unused")
            for _ in range(2):
                daemon.upgrade()
                assert run("status", "-c", daemon.config_path).returncode == 0
        finally:
            assert daemon.stop() == 0
        assert path.stat().st_mode & 0o777 == 0o660, "systemd's, as it was"
    path.unlink()


@pytest.mark.parametrize("how", ["reload", "upgrade"])
def test_file_of_a_socket_unit_stays_where_its_listener_goes(raw, place, how):
    path = place / "unit.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        config = plain_scene(raw.url)
        config["listeners"].append({"address": f"unix:{path}"})
        daemon = Daemon(config, place, wrapper=giving([("viaduct.socket", listening.fileno())]),
                        descriptors=[listening.fileno()])
        try:
            daemon.write(plain_scene(raw.url))
            if how == "reload":
                reload(daemon)
            else:
                daemon.upgrade()
        finally:
            assert daemon.stop() == 0
        assert path.is_socket(), "systemd's, as it was"
    path.unlink()
