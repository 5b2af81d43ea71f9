# SPDX-License-Identifier: Apache-2.0
"""Writes what was measured into a folder: results.md for people, results.json with every round, plots as SVG."""

import dataclasses
import json
import os
import platform
import re
import statistics
import subprocess

import measuring
import plot
from measuring import DIRECT
from peers import FLOOR, PEERS

# A worker that had work for less of the time than this was not driven to the full, and costs more for each request.
BUSY_MIN = 0.9
HEAD = """# {title}

{what}

| | |
|---|---|
"""
WHAT = """CPU time for each request of the proxy's whole process tree. **x floor** is the median over rounds of the
ratio to the floor in the same round: a program that moves the same bytes through the same sockets and TLS without
looking at them. One worker on core 0; load and upstream on core 1. How it is measured, and what the words mean, is in
docs/PERFORMANCE.md."""


def table(head, rows):
    """A table of Markdown."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def number(value, digits=2):
    """A number for a cell, empty without one."""
    return "" if value is None else f"{value:.{digits}f}"


def version_of(peer):
    """The installed version of a peer's package."""
    if not peer.package:
        return "this tree"
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", peer.package], capture_output=True, text=True,
                          check=False)
    return done.stdout or "unknown"


def machine():
    """Processor, kernel and number of cores, as rows."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return [("processor", f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores"),
            ("kernel", platform.release()), ("OpenSSL of the system", openssl_version())]


def openssl_version():
    """What the peers that link it dynamically use."""
    done = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def write(folder, command, rounds, results, growths):
    """Writes all files of a benchmark into `folder`."""
    os.makedirs(folder, exist_ok=True)
    measured = {name for result in results for name in measuring.names(result)}
    measured |= {name for growth in growths for name in growth.points}
    peers = [name for name in PEERS if name in measured]
    rows = [("command", f"`{command}`"), ("rounds", rounds), *machine(),
            *((PEERS[name].name, version_of(PEERS[name])) for name in peers if name != FLOOR.name)]
    parts = [HEAD.format(title="Results", what=WHAT) + "".join(f"| {name} | {value} |\n" for name, value in rows)]
    loaded = [result for result in results if result.rounds]
    parts += overview(folder, loaded, peers) if loaded else []
    parts += [scenario_section(result) for result in loaded]
    parts += idle_section([result for result in results if result.memory])
    parts += [growth_section(folder, growth) for growth in growths]
    parts += [differences(peers), failures(results, growths)]
    with open(f"{folder}/results.md", "w") as file:
        file.write("\n".join(part for part in parts if part))
    with open(f"{folder}/results.json", "w") as file:
        json.dump(as_json(command, results, growths), file, indent=1)
        file.write("\n")


def overview(folder, results, peers):
    """The table of x floor, with its plot."""
    compared = [name for name in peers if name != FLOOR.name]
    ratios = {result.scenario.name: {name: measuring.floor_ratio(result, name) for name in compared
                                     if name in measuring.names(result)} for result in results}
    rows = [[name, *(number(row.get(peer)) for peer in compared)] for name, row in ratios.items()]
    parts = ["## x floor\n", table(["scenario", *compared], rows)]
    if any(value for row in ratios.values() for value in row.values()):
        known = {name: row for name, row in ratios.items() if any(row.values())}  # there is no floor for HTTP/2
        plot.write(f"{folder}/floor.svg", plot.bars("CPU time for each request, x floor", known, compared, line_at=1))
        parts.append("![x floor](floor.svg)\n")
    return parts


def scenario_section(result):
    """All figures of one scenario."""
    rows, marked = [], False
    names = measuring.names(result)
    for name in names:
        busy = measuring.median(result, name, "busy")
        mark = "" if busy >= BUSY_MIN or result.scenario.rate else " *"
        marked = marked or bool(mark)
        values = measuring.ratios(result, names[0], name)
        rows.append([name, number(measuring.floor_ratio(result, name)), spread(result, name),
                     number(measuring.median(result, name, "cpu_us")),
                     number(statistics.median(values), 3) if name != names[0] else "",
                     number(measuring.median(result, name, "per_second"), 0),
                     number(measuring.median(result, name, "p50_us"), 0),
                     number(measuring.median(result, name, "p99_us"), 0), *added(result, name),
                     f"{100 * busy:.0f} %{mark}",
                     f"{100 * measuring.median(result, name, 'waited'):.0f} %"])
    head = ["peer", "x floor", "lowest–highest", "µs CPU", f"{names[0]}/peer" if names else "", "requests/s", "p50 µs",
            "p99 µs", *(["p50 added µs", "p99 added µs"] if result.scenario.rate else []), "had work",
            "waited for its core"]
    text = f"## {result.scenario.name}\n\n{result.scenario.what}.\n\n{table(head, rows)}"
    return text + ("\n\\* The load was at its end before the proxy was.\n" if marked else "")


def added(result, name):
    """Latency beyond that of direct access in the same round, p50 and p99, for a fixed rate."""
    if not result.scenario.rate:
        return []
    return [number(statistics.median(getattr(figures[name], field) - getattr(figures[DIRECT], field)
                                     for figures in result.rounds if name in figures), 0)
            for field in ("p50_us", "p99_us")]


def spread(result, name):
    """The lowest and the highest x floor of all rounds."""
    values = measuring.ratios(result, name, FLOOR.name)
    return f"{min(values):.2f}–{max(values):.2f}" if values else ""


def idle_section(results):
    """Memory of connections that wait."""
    rows = []
    for result in results:
        for name in measuring.names(result):
            memory = result.memory[name]
            rows.append([result.scenario.name, name, memory.connections, number(memory.base_pss / 1024, 1),
                         number((memory.pss - memory.base_pss) / memory.connections),
                         number((memory.rss - memory.base_rss) / memory.connections), number(memory.pss / 1024, 1)])
    head = ["scenario", "peer", "connections", "base MiB (PSS)", "KiB a connection (PSS)", "KiB a connection (RSS)",
            "in all MiB (PSS)"]
    return [f"## Connections that wait\n\nMemory of the process tree.\n\n{table(head, rows)}"] if rows else []


def growth_section(folder, growth):
    """What one growing number costs, with its plots."""
    fields = [field for field in growth.units if any(field in point for points in growth.points.values()
                                                     for point in points.values())]
    rows = [[size, name, *(number(point.get(field)) for field in fields)]
            for name, points in growth.points.items() for size, point in points.items()]
    text = f"## {growth.name}\n\n{growth.what}.\n\n"
    rows.sort(key=lambda row: row[0])
    text += table([growth.name, "peer", *(growth.units[field] for field in fields)], rows)
    for field in fields:
        lines = {name: {size: point[field] for size, point in points.items() if field in point}
                 for name, points in growth.points.items()}
        file = f"{growth.name}-{field.replace('_', '-')}.svg"
        plot.write(f"{folder}/{file}", plot.lines(f"{growth.units[field]} by {growth.name}", lines))
        text += f"\n![{growth.units[field]}]({file})\n"
    return text


def differences(peers):
    """Where a peer's work differs from the common work."""
    rows = [[name, PEERS[name].notes] for name in peers if PEERS[name].notes]
    return "## Where the work differs\n\n" + table(["peer", "difference"], rows) if rows else ""


def failures(results, growths):
    """Who was not measured, and why."""
    rows = [[result.scenario.name, name, why] for result in results for name, why in result.failures.items()]
    rows += [[f"{growth.name} {size:,}", name, why] for growth in growths
             for (name, size), why in growth.failures.items()]
    for row in rows:
        row[2] = row[2].replace("\n", " ").replace("|", "/")
    return "## Not measured\n\n" + table(["scenario", "peer", "why"], rows) if rows else ""


def as_json(command, results, growths):
    """All rounds, for programs."""
    return {
        "command": command, "machine": dict(machine()),
        "scenarios": {result.scenario.name: {
            "rounds": [{name: dataclasses.asdict(figures) for name, figures in one.items()} for one in result.rounds],
            "memory": {name: dataclasses.asdict(memory) for name, memory in result.memory.items()},
            "x_floor": {name: measuring.floor_ratio(result, name) for name in measuring.names(result) if result.rounds},
            "not_measured": result.failures} for result in results},
        "growth": {growth.name: {"units": growth.units, "points": growth.points} for growth in growths},
    }
