# SPDX-License-Identifier: Apache-2.0
"""What the process gives up: core dumps by itself, and system calls that serving does not need when it is asked to."""
import os
import re
import signal
from pathlib import Path

import pytest

from harness.cli import run
from harness.client import fetch
from harness.dns_server import DnsServer
from harness.scene import page_routes, plain_scene, proxy
from harness.upstream import RawUpstream, answer
from harness.waiting import SANITIZED, wait_until


def status_of(daemon, name):
    return re.search(rf"^{name}:\s+(\S+)", Path(f"/proc/{daemon.pid}/status").read_text(), re.M)[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root's processes belong to root in any case")
@pytest.mark.parametrize("wanted", [False, True])
def test_memory_is_nobody_elses(start_one, raw, wanted):
    """What /proc shows of a process that leaves no core belongs to root, whoever runs it."""
    daemon = start_one(plain_scene(raw.url, process={"core_dumps": wanted}))
    assert (Path(f"/proc/{daemon.pid}/mem").stat().st_uid == os.geteuid()) == wanted


def test_unconfined_by_default(start_one, raw):
    daemon = start_one(plain_scene(raw.url))
    assert status_of(daemon, "Seccomp") == "0" and fetch(daemon.http, "GET", "/x").status == 200


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs system calls of its own")
def test_confined_daemon_does_all_its_work(start_one, site_pair, web_root, place):
    """Serves, asks for names, checks health, reloads, reopens its logs, and stops."""
    with DnsServer() as dns, RawUpstream(lambda received: answer(body=b"one")) as one, \
            RawUpstream(lambda received: answer(body=b"two")) as two:
        dns.names |= {"one.test": ["1 A 127.0.0.1"], "two.test": ["1 A 127.0.0.1"]}
        config = plain_scene(f"http://one.test:{one.port}", [proxy("api", {"prefix": "/api/"}, "app"),
                                                             *page_routes(web_root)],
                             process={"workers": 2, "seccomp": True}, resolver={"servers": [dns.address]})
        config["listeners"].append({"address": "127.0.0.1:0", "tls": True})
        config["sites"][0]["tls"] = site_pair.as_config()
        config["upstreams"]["app"] |= {"health": {"path": "/health", "interval": "300ms", "timeout": "300ms"},
                                       "allow_addresses": ["127.0.0.0/8"]}
        daemon = start_one(config)
        wait_until(lambda: status_of(daemon, "Seccomp") == "2", "the filter")
        assert status_of(daemon, "NoNewPrivs") == "1"
        for listener in (daemon.http, daemon.https):
            assert fetch(listener, "GET", "/api/x").body == b"one"
            assert fetch(listener, "GET", "/static/style.css").status == 200
            assert fetch(listener, "GET", "/docs/").status == 200
            assert fetch(listener, "GET", "/static/none").status == 404
        wait_until(lambda: [each for each in one.received if each.target == "/health"], "a check of health")
        config["upstreams"]["app"]["servers"] = [f"http://two.test:{two.port}"]
        daemon.write(config)
        daemon.send_signal(signal.SIGHUP)
        daemon.wait_error("reloaded snapshot=")
        wait_until(lambda: fetch(daemon.https, "GET", "/api/x").body == b"two", "the new server")
        daemon.access_path.rename(place / "access.1")
        daemon.send_signal(signal.SIGUSR1)
        daemon.wait_error("logs_reopened")
        assert daemon.record_of(fetch(daemon.http, "GET", "/api/x"))["status"] == 200
        refused = run("upgrade", "-c", daemon.config_path)
        assert refused.returncode == 1 and "process.seccomp" in refused.stderr, refused
        assert daemon.stop() == 0
