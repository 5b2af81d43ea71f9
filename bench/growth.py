# SPDX-License-Identifier: Apache-2.0
"""What a growing number costs: routes, sites with certificates, workers. For each size the time of a start and of a
reload, the memory after it, and the CPU time for a request.

A peer is asked for the last route, or the last site, since a table that is searched from its begin would be quick at
the first. A reload changes the CORS field of all answers, so that it can be seen to be done: by connections that are
opened after the signal, one after another.
"""

import dataclasses
import http.client
import os
import statistics
import time

import certificates
import measuring
import processes
from processes import Failure
from scenarios import SCENARIOS, Scenario

RELOADED_ORIGIN = "https://reloaded.example"
RELOAD_SECONDS_MAX = 60
# Trap: HAProxy's master loses a signal that comes while it is still starting.
SETTLE_SECONDS = 0.5

UNITS = {"cpu_us": "µs CPU a request", "requests_per_second": "requests a second", "start_ms": "start in ms",
         "reload_ms": "reload in ms", "memory_mib": "memory in MiB (PSS)",
         "reloaded_memory_mib": "memory in MiB (PSS) after a reload"}


@dataclasses.dataclass(frozen=True)
class Growth:
    """A number that grows, and the load at each size."""

    name: str
    what: str
    sizes: tuple
    quick_sizes: tuple
    scenario: Scenario
    reloads: bool = True


@dataclasses.dataclass
class Grown:
    """What became of it: {peer: {size: {field: value}}}, and who was not measured."""

    name: str
    what: str
    points: dict
    failures: dict
    units = UNITS


GROWTHS = {growth.name: growth for growth in (
    Growth("routes", "Prefixes of one site; GET over TLS of a path below the last", (10, 100, 1000, 10000), (10, 10000),
           SCENARIOS["h1-tls-get"]),
    Growth("sites", "Sites, each with a certificate; GET over TLS from the last", (1, 10, 100, 1000, 5000), (1, 5000),
           SCENARIOS["h1-tls-get"]),
    Growth("workers", "Workers; they share cores with the load where there are no three", (1, 2), (1, 2),
           SCENARIOS["h1-tls-get"], reloads=False),
)}


def measure(bench, peers, growth):
    """The Grown of one growth. At each size all peers are measured in the same rounds."""
    grown = Grown(growth.name, growth.what, {}, {})
    peers = [peer for peer in peers if peer.forwards]  # the floor has nothing that could grow
    sites = make_sites(bench, growth)
    for size in growth.quick_sizes if bench.arguments.quick else growth.sizes:
        more, scenario = at_size(growth, size, sites, bench)
        failures = {}
        result = measuring.measure(bench, peers, scenario, bench.arguments.rounds, **more)
        failures.update(result.failures)
        for name in measuring.names(result):
            point = {"cpu_us": measuring.median(result, name, "cpu_us")}
            if growth.name == "workers":
                point["requests_per_second"] = measuring.median(result, name, "per_second")
            grown.points.setdefault(name, {})[size] = point
        if growth.reloads:
            for peer in peers:
                if peer.name not in failures:
                    grown.points[peer.name][size].update(start_and_reload(bench, peer, scenario, more, failures))
        grown.failures.update({(name, size): why for name, why in failures.items()})
    return grown


def make_sites(bench, growth):
    """The two sites that all settings have, and as many more as the largest size asks for."""
    if growth.name != "sites":
        return bench.sites
    folder = f"{bench.folder}/sites"
    os.makedirs(folder, exist_ok=True)
    count = max(growth.quick_sizes if bench.arguments.quick else growth.sizes)
    return (*bench.sites, *(certificates.make_site(folder, f"site-{number}.example") for number in range(1, count)))


def at_size(growth, size, sites, bench):
    """Values of the Setting at one size, and the scenario that asks for the last route or site."""
    if growth.name == "routes":
        return {"route_count": size}, dataclasses.replace(growth.scenario, path=f"/route-{size - 1}/")
    if growth.name == "sites":
        taken = (sites[0], *sites[len(bench.sites):len(bench.sites) + size - 1])
        return {"sites": taken}, dataclasses.replace(growth.scenario, server_name=taken[-1].name)
    return {"workers": size}, growth.scenario


def start_and_reload(bench, peer, scenario, more, failures, times=3):
    """Milliseconds of a start and of a reload, the median of some, and MiB afterwards."""
    starts, reloads, memory, reloaded = [], [], 0, 0
    for _ in range(1 if bench.arguments.quick else times):
        instance = bench.start(peer, scenario, **more)
        try:
            starts.append(instance.start_seconds * 1000)
            memory = processes.memory_kib(instance.process.pid)[1] / 1024
            if peer.reload_signal is not None:
                reloads.append(reload(instance))
                reloaded = processes.memory_kib(instance.process.pid)[1] / 1024
        except Failure as failure:
            failures[peer.name] = f"reload: {failure}"
            break
        finally:
            processes.stop(instance.process)
    point = {"start_ms": statistics.median(starts), "memory_mib": memory}
    if reloads:
        point |= {"reload_ms": statistics.median(reloads), "reloaded_memory_mib": reloaded}
    return point


def reload(instance):
    """Writes a changed config, signals, and asks until the change is seen; returns the milliseconds that it took."""
    time.sleep(SETTLE_SECONDS)
    instance.peer.command(dataclasses.replace(instance.setting, allow_origin=RELOADED_ORIGIN))
    begin = time.monotonic()
    instance.process.send_signal(instance.peer.reload_signal)
    while time.monotonic() < begin + RELOAD_SECONDS_MAX:
        if allowed_origin(instance) == RELOADED_ORIGIN:
            return (time.monotonic() - begin) * 1000
        time.sleep(0.001)
    raise Failure(f"no change within {RELOAD_SECONDS_MAX} s")


def allowed_origin(instance):
    """The CORS field of an answer on a new connection, None where there is none or nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", instance.setting.plain_port, timeout=RELOAD_SECONDS_MAX)
    try:
        connection.request("GET", "/", headers={"Host": "localhost", "Origin": RELOADED_ORIGIN})
        return connection.getresponse().getheader("Access-Control-Allow-Origin")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
