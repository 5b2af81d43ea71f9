# SPDX-License-Identifier: Apache-2.0
"""Several servers of one upstream that say who they are, and clients that ask them at the same time."""
import threading
import time
from contextlib import ExitStack, contextmanager

from .client import RawClient
from .upstream import RawUpstream, answer
from .waiting import DEADLINE

HEALTH_PATH = "/health"


class NamedServer:
    """An upstream server that answers with its name, after `delay` seconds. Its health is `health_status`."""

    def __init__(self, name):
        self.name = name
        self.delay = 0
        self.health_status = "200 OK"
        self.handler = None  # for requests but health checks
        self.raw = RawUpstream(self.handle)
        self.url, self.port = self.raw.url, self.raw.port
        self.is_stopped = False

    def handle(self, received):
        if received.target == HEALTH_PATH:
            return answer(b"", self.health_status)
        if self.handler is not None:
            return self.handler(received)
        if self.delay:
            time.sleep(self.delay)
        return answer(self.name.encode())

    def stop(self):
        """Refuses connections from now on, and cuts those that it has."""
        if not self.is_stopped:
            self.is_stopped = True
            self.raw.stop()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def count(self):
        """Requests that came so far, without health checks."""
        return len([one for one in self.raw.received if one.target != HEALTH_PATH])

    @property
    def checks(self):
        return [one for one in self.raw.received if one.target == HEALTH_PATH]


@contextmanager
def named_servers(count):
    """Servers a, b, c and so on."""
    with ExitStack() as stack:
        servers = [NamedServer("abcdefgh"[index]) for index in range(count)]
        for server in servers:
            stack.callback(server.stop)
        yield servers


class Crowd:
    """Clients that send GETs one after the other, each on one connection, until they have sent `requests` in all.
    Keeps answers with the seconds that they took."""

    def __init__(self, port, target, clients=4, requests=200):
        self.answers, self.failures = [], []
        self.left = requests
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(port, target), daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def take(self):
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def work(self, port, target):
        try:
            with RawClient(port) as client:
                while self.take():
                    start = time.monotonic()
                    response = client.request("GET", target)
                    self.answers.append((response.status, response.body.decode(), time.monotonic() - start))
        except Exception as error:  # every kind of failure counts
            self.failures.append(error)

    def finish(self):
        """All answers, once the last one has come."""
        for thread in self.threads:
            thread.join(6 * DEADLINE)
        assert not self.failures, self.failures
        return self.answers
