# SPDX-License-Identifier: Apache-2.0
"""What bench/compare does to a peer: starts it on a core, checks that it works, loads it and reads its CPU time."""

import glob
import re
import socket
import subprocess
import sys
import time

PROXY_CORE, LOAD_CORE = 0, 1
# Connections that the upstream may see anew for each request while a peer is loaded. A peer that does not keep its
# connections alive would be compared at another work.
NEW_CONNECTIONS_MAX = 0.01


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, name, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{name}: nothing listens on port {port}")


def start(core, command):
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(["taskset", "-c", str(core), *command], **silent)


def stop(processes):
    """Ends what start() began, by force when it does not go."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def read(path):
    """The text of a file below /proc, empty when its process has gone."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def process_tree(pid):
    """The process and all its descendants."""
    pids, at = [pid], 0
    while at < len(pids):
        for children in glob.glob(f"/proc/{pids[at]}/task/*/children"):
            pids += [int(child) for child in read(children).split()]
        at += 1
    return pids


def cpu_ns(pid):
    """CPU time of all threads of a process and its descendants, in nanoseconds."""
    stats = [read(stat).split() for one in process_tree(pid) for stat in glob.glob(f"/proc/{one}/task/*/schedstat")]
    return sum(int(stat[0]) for stat in stats if stat)


class Target:
    """One peer in one scenario: its process and the URL that is asked for."""

    def __init__(self, name, scenario, process, port, upstream):
        self.name, self.scenario, self.process, self.upstream = name, scenario, process, upstream
        self.is_h2 = scenario.startswith("h2")
        self.base = f"{'https' if scenario.endswith('tls') else 'http'}://127.0.0.1:{port}"
        self.port = port

    def fail(self, why):
        sys.exit(f"{self.name}, {self.scenario}: {why}")

    def ask(self, path):
        """Body, status and HTTP version of an answer, by curl."""
        command = ["curl", "-sk", "--max-time", "10", "--http2" if self.is_h2 else "--http1.1",
                   "-w", "\n%{http_code} %{http_version}", self.base + path]
        body, _, rest = subprocess.run(command, capture_output=True, text=True).stdout.rpartition("\n")
        return body, rest

    def check(self, body):
        """A peer must do the work before its figure counts: the answer, the version, the forwarded fields, and a
        connection to the upstream that is used again."""
        wait_for(self.port, self.name)
        expected = f"200 {'2' if self.is_h2 else '1.1'}"
        answer = self.ask("/")
        if answer != (body, expected):
            self.fail(f"does not answer as it should: {answer[0][:80]!r} {answer[1]}")
        probes = [self.ask("/probe")[0].split("|") for _ in range(3)]
        address, scheme, _ = probes[-1] if len(probes[-1]) == 3 else ("", "", "")
        if address != "127.0.0.1" or scheme != self.base.partition(":")[0]:
            self.fail(f"does not set the forwarded fields: {probes[-1]}")
        if int(probes[-1][2]) < 2:
            self.fail("does not keep connections to the upstream alive")

    def upstream_connections(self):
        """How many connections the upstream has accepted; asking for it costs one."""
        command = ["curl", "-s", "--max-time", "10", f"http://127.0.0.1:{self.upstream}/accepted"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return int(re.search(r"requests\s+(\d+)", text)[1])

    def load(self, arguments):
        """Runs the load; returns how many requests were answered. Any error ends the comparison."""
        seconds = str(arguments.seconds)
        command = ["taskset", "-c", str(LOAD_CORE)]
        if self.is_h2:
            command += ["h2load", "-t1", f"-c{arguments.h2_connections}", f"-m{arguments.h2_streams}", f"-D{seconds}"]
        else:
            command += ["wrk", "-t1", f"-c{arguments.connections}", f"-d{seconds}s"]
        done = subprocess.run([*command, self.base + "/"], capture_output=True, text=True,
                              timeout=arguments.seconds + 60)
        if done.returncode:
            self.fail(f"{command[3]} failed: {(done.stdout + done.stderr)[-300:]}")
        return self.count_h2(done.stdout) if self.is_h2 else self.count_h1(done.stdout)

    def count_h1(self, output):
        errors = re.findall(r"(?:Socket errors|Non-2xx).*", output)
        if errors:
            self.fail(f"wrk saw errors: {errors}")
        return int(re.search(r"(\d+) requests in", output)[1])

    def count_h2(self, output):
        counts = re.search(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout",
                           output)
        done, succeeded, *bad = map(int, counts.groups())
        codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
        refused = any(map(int, codes.groups()[1:]))
        if any(bad) or succeeded != done or refused or "Application protocol: h2" not in output:
            self.fail(f"h2load saw errors: {counts[0]}; {codes[0]}")
        return done

    def measure(self, arguments):
        """Microseconds of CPU time a request, and requests a second."""
        connections, before = self.upstream_connections(), cpu_ns(self.process.pid)
        requests = self.load(arguments)
        spent = cpu_ns(self.process.pid) - before
        if not requests or self.process.poll() is not None:
            self.fail("has ended, or answered nothing")
        opened = self.upstream_connections() - connections - 1
        if opened > 1000 and opened / requests > NEW_CONNECTIONS_MAX:
            self.fail(f"opened {opened} upstream connections for {requests} requests")
        return spent / requests / 1000, requests / arguments.seconds
