# SPDX-License-Identifier: Apache-2.0
"""Measures one scenario: starts its peers, checks each, loads them by turns and round after round, and sums up.

What is compared is the median over rounds of the ratio within one round, so that a noisy machine disturbs all alike.
"""

import dataclasses
import os
import statistics
import time

import checks
import processes
from loads import Load
from peers import FLOOR, PEERS
from peers.peer import Setting
from processes import Failure

DIRECT = "direct"  # the upstream itself, for the latency that a peer adds


@dataclasses.dataclass
class Instance:
    """One started peer."""

    peer: object
    setting: Setting
    process: object
    port: int
    start_seconds: float
    logged_bytes: int = 0  # of log that was cut off already

    def log_bytes(self):
        """Bytes of access log since the start. Cuts the log off, or a long benchmark would fill the disk."""
        log = self.peer.log(self.setting)
        if os.path.exists(log):
            self.logged_bytes += os.path.getsize(log)
            os.truncate(log, 0)
        return self.logged_bytes


class Bench:
    """What stays the same from scenario to scenario: the upstream, the certificates, the arguments."""

    def __init__(self, folder, arguments, sites):
        self.folder, self.arguments, self.sites = folder, arguments, sites
        self.count = 0
        self.upstream_port, self.tls_upstream_port = processes.free_port(), processes.free_port()
        command = [f"{arguments.programs}/bench_upstream", "--port", str(self.upstream_port), "--tls-port",
                   str(self.tls_upstream_port), "--tls", sites[0].certificate, "--key", sites[0].key]
        self.upstream = processes.start(processes.LOAD_CORE, command, f"{folder}/upstream.log")
        processes.wait_for(self.upstream, self.upstream_port, f"{folder}/upstream.log")
        self.load = Load(arguments.programs, folder, arguments.seconds, arguments.warm_up)

    def setting(self, scenario, **more):
        """A Setting with a folder and ports of its own."""
        self.count += 1
        folder = f"{self.folder}/{self.count}"
        os.mkdir(folder, 0o755)
        values = {"folder": folder, "programs": self.arguments.programs, "binary": self.arguments.binary,
                  "plain_port": processes.free_port(), "tls_port": processes.free_port(),
                  "upstream": self.upstream_port, "tls_upstream": self.tls_upstream_port, "www": f"{self.folder}/www",
                  "sites": self.sites, "logged": not self.arguments.without_log, "scenario": scenario}
        if scenario.load == "idle":
            # Trap: nginx closes idle connections when less than a sixteenth of its places is free.
            values["connections"] = scenario.connections * 9 // 8 + processes.SPARE_DESCRIPTORS
        return Setting(**{**values, **more})

    def start(self, peer, scenario, **more):
        """Starts `peer` for `scenario`; `more` are values of its Setting. Raises Failure when it does not start."""
        setting = self.setting(scenario, **more)
        cores = processes.PROXY_CORE if setting.workers == 1 else f"0-{setting.workers - 1}"
        port = setting.tls_port if scenario.tls else setting.plain_port
        command = peer.command(setting)
        output = f"{setting.folder}/output.log"
        process = processes.start(cores, command, output, peer.environment)
        try:
            return Instance(peer, setting, process, port, processes.wait_for(process, port, output, 120))
        except Failure:
            processes.stop(process)
            raise

    def stop(self):
        """Ends the upstream."""
        processes.stop(self.upstream)


@dataclasses.dataclass
class Result:
    """What became of a scenario."""

    scenario: object
    rounds: list  # of {peer: Figures}
    failures: dict  # {peer: why it was not measured}
    memory: dict  # {peer: Memory}, of idle connections


@dataclasses.dataclass
class Memory:
    """Memory of a peer's process tree, in KiB."""

    connections: int
    base_rss: int
    base_pss: int
    rss: int  # with the connections
    pss: int


def start_checked(bench, peers, scenario, failures, **more):
    """Starts and checks the peers that can do `scenario`; who cannot is in `failures` with the reason."""
    instances = []
    for peer in peers:
        if missing := scenario.features - peer.features:
            failures[peer.name] = f"has no {', '.join(sorted(missing))}"
            continue
        instance = None
        try:
            instance = bench.start(peer, scenario, **more)
            checks.check(instance, scenario)
            instances.append(instance)
        except Failure as failure:
            failures[peer.name] = str(failure)
            if instance:
                processes.stop(instance.process)
    return instances


def measure(bench, peers, scenario, rounds, **more):
    """The Result of one scenario."""
    result = Result(scenario, [], {}, {})
    if scenario.load == "idle":
        measure_idle(bench, peers, scenario, result)
        return result
    instances = start_checked(bench, peers, scenario, result.failures, **more)
    try:
        totals = dict.fromkeys((instance.peer.name for instance in instances), 0)
        for number in range(rounds):
            result.rounds.append(run_round(bench, turned(instances, number), scenario, result.failures, totals))
        for instance in instances:
            if instance.peer.name not in result.failures:
                check_log(instance, totals[instance.peer.name], result.failures)
    finally:
        for instance in instances:
            processes.stop(instance.process)
    for name in result.failures:
        for figures in result.rounds:
            figures.pop(name, None)
    return result


def turned(instances, number):
    """The peers take turns in being the first of a round."""
    first = number % len(instances) if instances else 0
    return instances[first:] + instances[:first]


def run_round(bench, instances, scenario, failures, totals):
    """The Figures of each peer, by name. Who fails is left out from now on."""
    figures = {}
    if scenario.load == "rate":
        figures[DIRECT] = bench.load.run(scenario, bench.tls_upstream_port, bench.upstream.pid)
    for instance in instances:
        name = instance.peer.name
        if name in failures:
            continue
        try:
            before = checks.accepted(bench.upstream_port)
            figures[name] = bench.load.run(scenario, instance.port, instance.process.pid)
            opened = checks.accepted(bench.upstream_port) - before - 1
            checks.check_kept(instance.peer, opened, figures[name].requests)
            totals[name] += figures[name].requests
            instance.log_bytes()
        except Failure as failure:
            failures[name] = str(failure)
    return figures


def check_log(instance, requests, failures, seconds=3):
    """A log must have grown with the requests, though some lines may wait in a buffer for a second or two."""
    if not instance.peer.forwards or not instance.setting.logged:
        return
    end = time.monotonic() + seconds
    while instance.log_bytes() < requests * checks.LOG_LINE_BYTES:
        if time.monotonic() > end:
            failures[instance.peer.name] = f"wrote {instance.log_bytes()} bytes of log for {requests:.0f} requests"
            return
        time.sleep(0.1)


def measure_idle(bench, peers, scenario, result):
    """Memory without and with connections that wait, of one peer at a time. Memory does not waver from round to round,
    so one run is enough. Who may not open as many descriptors holds as many connections as that allows."""
    room = processes.raise_descriptor_limit() - processes.SPARE_DESCRIPTORS
    scenario = dataclasses.replace(scenario, connections=min(scenario.connections, room))
    for peer in peers:
        instances = start_checked(bench, [peer], scenario, result.failures)
        for instance in instances:
            try:
                result.memory[peer.name] = hold_idle(bench, scenario, instance)
            except Failure as failure:
                result.failures[peer.name] = str(failure)
            finally:
                processes.stop(instance.process)


def hold_idle(bench, scenario, instance, settle_seconds=1):
    """The Memory of one peer."""
    base = processes.memory_kib(instance.process.pid)
    load = bench.load.start(scenario, instance.port)
    try:
        expect_begin(load)
        time.sleep(settle_seconds)
        held = processes.memory_kib(instance.process.pid)
        load.stdin.close()
        closed = load.stdout.readline()
        if '"closed": 0,' not in closed:
            raise Failure(f"closed connections that were idle: {closed.strip()}")
        return Memory(scenario.connections, *base, *held)
    finally:
        load.kill()
        load.wait()


def expect_begin(load):
    """Waits until the connections are open."""
    if not load.stdout.readline().startswith("begin"):
        raise Failure(f"load: {load.stderr.read().strip()[:300]}")


def ratios(result, name, other):
    """The ratios of CPU time for a request, `name` to `other`, one for each round that has both."""
    return [figures[name].cpu_us / figures[other].cpu_us for figures in result.rounds
            if name in figures and other in figures]


def median(result, name, field):
    """The median over rounds of a value of Figures."""
    return statistics.median(getattr(figures[name], field) for figures in result.rounds if name in figures)


def names(result):
    """The peers that were measured, in the order of the list of peers."""
    measured = {name for figures in result.rounds for name in figures} | set(result.memory)
    return [name for name in PEERS if name in measured]


def floor_ratio(result, name):
    """x times the floor, None without the floor."""
    values = ratios(result, name, FLOOR.name)
    return statistics.median(values) if values else None
