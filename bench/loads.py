# SPDX-License-Identifier: Apache-2.0
"""Runs the loads: bench_load for HTTP/1.1 and connections, h2load for HTTP/2. Any answer that fails ends a run.

Trap: a load that fills its core first. A peer that then waits for work costs more for each request, since it wakes for
less; so the share of the time is measured in which a peer had work, and the report marks who had too little. What runs
on the peer's core beside it counts as having work, and is told apart as waiting.
"""

import dataclasses
import json
import re
import subprocess
import threading
import time

from processes import LOAD_CORE, Failure, cpu_ns

ORIGIN = "https://app.example"
GRACE_SECONDS = 60  # beyond the time that a load was given


@dataclasses.dataclass(frozen=True)
class Figures:
    """What one run of a load came to, within the time in which requests were counted."""

    requests: float
    seconds: float
    cpu_us: float  # of the peer's whole process tree, for each request
    busy: float  # share of the time in which the peer ran or wanted to, up to 1 for one worker
    waited: float  # share of the time in which it wanted to run and something else had its core
    p50_us: float
    p99_us: float

    @property
    def per_second(self):
        """Throughput in requests."""
        return self.requests / self.seconds


class Load:
    """Loads peers, one at a time."""

    def __init__(self, programs, folder, seconds, warm_up):
        self.programs, self.folder, self.seconds, self.warm_up = programs, folder, seconds, warm_up

    def run(self, scenario, port, peer_pid):
        """The Figures of one run against `port`; raises Failure when any answer was not as it should be."""
        return (self._h2load if scenario.h2 else self._bench_load)(scenario, port, peer_pid)

    def start(self, scenario, port):
        """Starts bench_load. It says "begin" when its connections are open and warm, and "end" with its figures."""
        options = {"port": port, "mode": scenario.load, "connections": scenario.connections, "path": scenario.path,
                   "name": scenario.server_name, "seconds": self.seconds, "warm-up": self.warm_up,
                   "tls": int(scenario.tls), "resume": int(scenario.resumes), "tls-version": scenario.tls_version,
                   "body-bytes": scenario.body_bytes, "rate": scenario.rate}
        command = ["taskset", "-c", str(LOAD_CORE), f"{self.programs}/bench_load"]
        for option, value in options.items():
            command += [f"--{option}", str(value)] if value else []
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)

    def _bench_load(self, scenario, port, peer_pid):
        load = self.start(scenario, port)
        timer = threading.Timer(self.seconds + self.warm_up + GRACE_SECONDS, load.kill)
        timer.start()
        try:
            expect(load, "begin")
            before, begin = cpu_ns(peer_pid), time.monotonic()
            line = expect(load, "end")
            after, seconds = cpu_ns(peer_pid), time.monotonic() - begin
        finally:
            timer.cancel()
            load.kill()
            load.communicate()
        result = json.loads(line)
        requests = result["bytes"] / scenario.transfer_bytes if scenario.transfer_bytes else result["answers"]
        if scenario.resumes and result["resumed"] < requests * 0.99:
            raise Failure(f"resumed {result['resumed']} of {requests} sessions")
        return figures(requests, seconds, before, after, result["p50_us"], result["p99_us"])

    def _h2load(self, scenario, port, peer_pid):
        log = f"{self.folder}/h2load.log"
        command = ["taskset", "-c", str(LOAD_CORE), "h2load", "-t1", f"-c{scenario.connections}",
                   f"-m{scenario.streams}", f"-D{max(1, round(self.seconds))}", "-H", f"origin: {ORIGIN}",
                   f"--log-file={log}", f"https://localhost:{port}{scenario.path}"]
        before, begin = cpu_ns(peer_pid), time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=self.seconds + GRACE_SECONDS,
                              check=False)
        after, seconds = cpu_ns(peer_pid), time.monotonic() - begin
        counts = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
        codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done.stdout)
        if done.returncode or not counts or not codes or "Application protocol: h2" not in done.stdout:
            raise Failure(f"h2load failed: {(done.stdout + done.stderr)[-300:]}")
        total, succeeded, *bad = map(int, counts.groups())
        if any(bad) or succeeded != total or any(map(int, codes.groups()[1:])):
            raise Failure(f"h2load saw errors: {counts[0]}; {codes[0]}")
        with open(log) as file:  # start, status and duration in microseconds of each request
            times = sorted(int(line.split("\t")[2]) for line in file)
        return figures(total, seconds, before, after, percentile(times, 50), percentile(times, 99))


def expect(load, word):
    """The rest of the next line of bench_load, which begins with `word`."""
    line = load.stdout.readline()
    if not line.startswith(word):
        load.kill()
        raise Failure(f"load: {(load.stderr.read() or 'took too long').strip()[:300]}")
    return line.removeprefix(word).strip()


def percentile(ordered, percent):
    """A percentile of an ordered list."""
    return ordered[(len(ordered) - 1) * percent // 100] if ordered else 0.0


def figures(requests, seconds, before, after, p50_us, p99_us):
    """Figures from what cpu_ns() said before and after."""
    if not requests:
        raise Failure("nothing was answered")
    ran, waited = (after[index] - before[index] for index in (0, 1))
    return Figures(requests, seconds, ran / requests / 1000, (ran + waited) / seconds / 1e9, waited / seconds / 1e9,
                   p50_us, p99_us)
