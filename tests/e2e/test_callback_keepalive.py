# SPDX-License-Identifier: Apache-2.0
"""An upstream that closes kept connections sooner than Viaduct would, under POSTs that meet that moment again and
again: nothing is lost, and nothing comes twice where twice would be wrong."""
import json
import random
import threading
import time

import pytest

from harness.app_server import AppServer
from harness.client import RawClient, fetch
from harness.scene import plain_scene, proxy
from harness.waiting import SANITIZED

POSTS = 1_000 if SANITIZED else 10_000
CLIENTS = 10
KEEP_ALIVE = 1  # uvicorn's, in seconds


@pytest.fixture(scope="module")
def app():
    server = AppServer(("app",), keep_alive=KEEP_ALIVE)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def daemon(start_daemon, app):
    config = plain_scene(app.urls["app"], [
        proxy("callback", {"exact": "/api/v1/count/callback", "methods": ["POST"]}, "app", callback="generic"),
        proxy("all", {"prefix": "/"}, "app")])
    config["upstreams"]["app"]["keepalive"] = {"max_idle": 64, "idle": "30s"}
    return start_daemon(config)


class Sender(threading.Thread):
    """Sends notices in bursts, and rests between them for as long as the upstream keeps a connection, or hardly less or
    more."""

    def __init__(self, daemon, route, number):
        super().__init__()
        self.port, self.route, self.number = daemon.http.port, route, number
        self.answers = {}
        self.random = random.Random(number)

    def run(self):
        count = POSTS // CLIENTS
        with RawClient(self.port) as client:
            for index in range(count):
                if index % (count // 8) == 0:
                    # The pause is the test: a connection that rests ends at this moment.
                    time.sleep(KEEP_ALIVE + self.random.uniform(-0.02, 0.02))
                body = f"{self.route}-{self.number}-{index}"
                self.answers[body] = client.request("POST", f"/api/v1/count/{self.route}", body=body.encode()).status


def test_no_post_is_lost_or_doubled(daemon):
    senders = [Sender(daemon, route, number) for number in range(CLIENTS) for route in ("callback", "ordinary")]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    answers = {body: status for sender in senders for body, status in sender.answers.items()}
    assert len(answers) == 2 * (POSTS // CLIENTS) * CLIENTS
    counted = json.loads(fetch(daemon.http, "GET", "/api/v1/count").body)
    for body, status in answers.items():
        times = counted.get(body, 0)
        if body.startswith("callback"):
            assert status == 200 and times >= 1, (body, status, times)
        else:
            # Not sent again: where the connection died under it, the client is told so, and nobody has it twice.
            assert (status, times) in ((200, 1), (502, 0)), (body, status, times)
    refused = sum(1 for status in answers.values() if status == 502)
    assert refused <= len(answers) // 1000, refused
