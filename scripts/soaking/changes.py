# SPDX-License-Identifier: Apache-2.0
"""What changes around the daemon while it is under load: its config, its certificates, the servers behind it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from harness.client import HOST
from harness.waiting import wait_until

NOTIFY, SOCKET = "/api/v1/payment/notify", "/ws"
PROGRAM = Path(__file__).with_name("server.py")


def free_port():
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server of the upstream; comes back on its own port."""

    def __init__(self):
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        """Returns when it takes connections."""
        self.process = subprocess.Popen([sys.executable, str(PROGRAM), str(self.port)], stdin=subprocess.DEVNULL)
        wait_until(self.is_up, f"the server on port {self.port}")

    def is_up(self):
        """Whether it takes connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        """Lets it answer what it has."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Scene:
    """The config, and the files that it names."""

    def __init__(self, authority, servers, place):
        self.authority, self.servers, self.place = authority, servers, place
        self.cert, self.key = place / "site.pem", place / "site.key"
        self.version = 0
        self.renew()

    def renew(self):
        """A new certificate takes the place of the old one, half by half, as programs that renew do."""
        pair = self.authority.issue([HOST], kind="ecdsa", label="renewed")
        for source, target in ((pair.key, self.key), (pair.cert, self.cert)):
            fresh = target.with_suffix(".new")
            shutil.copy(source, fresh)
            fresh.chmod(0o600)
            os.replace(fresh, target)

    def config(self):
        """The next config: another header field, and every other one with a route more."""
        self.version += 1
        fields = {"response": {"set": {"X-Config": str(self.version)}}}
        routes = [
            {"name": "notify", "match": {"exact": NOTIFY, "methods": ["POST"]}, "upstream": "app",
             "callback": "wechat_pay_v3"},
            {"name": "socket", "match": {"exact": SOCKET}, "upstream": "app", "websocket": True},
            {"name": "all", "match": {"prefix": "/"}, "upstream": "app", "headers": fields},
        ]
        if self.version % 2:
            routes.append({"name": "more", "match": {"prefix": "/api/"}, "upstream": "app", "headers": fields})
        return {
            "listeners": [{"address": "127.0.0.1:0", "tls": True}],
            "upstreams": {"app": {"servers": [f"http://127.0.0.1:{server.port}" for server in self.servers],
                                  "hold": "4s"}},
            "sites": [{"hosts": [HOST], "tls": {"cert": str(self.cert), "key": str(self.key)}, "routes": routes}],
            "logs": {"access": {"file": str(self.place / "access.log")}},
        }


class World:
    """One change after another, each `every` seconds."""

    def __init__(self, scene, daemon, servers, every):
        self.scene, self.daemon, self.servers, self.every = scene, daemon, servers, every
        self.counts = {"reloads": 0, "certificates": 0, "restarts": 0, "rotations": 0}
        self.turns = 0
        self.due = every
        self.clock = 0.0
        self.waiting = threading.Event()

    def rest(self, seconds):
        """Lets time pass."""
        self.waiting.wait(seconds)
        self.clock += seconds

    def turn(self):
        """The next change, when it is time for it."""
        if self.clock < self.due:
            return
        self.due = self.clock + self.every
        kind = list(self.counts)[self.turns % len(self.counts)]
        getattr(self, kind)()
        self.counts[kind] += 1
        self.turns += 1

    def reloads(self):
        """Another config."""
        self.daemon.write(self.scene.config())
        self.daemon.send_signal(signal.SIGHUP)

    def certificates(self):
        """The daemon finds it by itself; a reload finds it at once."""
        self.scene.renew()
        self.daemon.send_signal(signal.SIGHUP)

    def restarts(self):
        """One of the servers stops and comes back."""
        server = self.servers[self.counts["restarts"] % len(self.servers)]
        server.stop()
        server.start()

    def rotations(self):
        """The access log moves away, and is not kept."""
        log = self.scene.place / "access.log"
        if log.exists():
            os.replace(log, log.with_suffix(".old"))
        self.daemon.send_signal(signal.SIGUSR1)
