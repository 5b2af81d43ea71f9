# SPDX-License-Identifier: Apache-2.0
"""Processes of a benchmark: starting them on a core, ending them, and reading their CPU time and memory."""

import glob
import os
import re
import resource
import socket
import subprocess
import time

# The proxy has a core to itself; the upstream and the load share another.
PROXY_CORE, LOAD_CORE = 0, 1
# Descriptors that a peer needs beside those of its clients.
SPARE_DESCRIPTORS = 512


class Failure(Exception):
    """A peer that does not do what it should; the message is for the report."""


def raise_descriptor_limit():
    """Lets this process and those that it starts open as many files as the hard limit allows; returns that number."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    """A TCP port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(process, port, output, seconds=10):
    """Waits until something accepts on `port`; returns the seconds that it took. `output` is what start() was given."""
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return time.monotonic() - begin
        except OSError:
            if process.poll() is not None:
                raise Failure(f"ended at its start: {read(output)[-300:].strip() or process.returncode}") from None
            time.sleep(0.002)
    raise Failure(f"does not listen after {seconds} s")


def start(cores, command, output, environment=None):
    """Starts `command` on `cores` ("0", "0,1"); all that it says goes to the file `output`. Trap: lighttpd with more
    than one worker signals its whole process group, so each peer has one of its own."""
    with open(output, "a") as file:
        return subprocess.Popen(["taskset", "-c", str(cores), *command], stdin=subprocess.DEVNULL, stdout=file,
                                stderr=file, env={**os.environ, **(environment or {})}, start_new_session=True)


def stop(process):
    """Ends what start() began, by force when it does not go."""
    tree = process_tree(process.pid)
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in tree[1:]:  # a child that outlives its parent would still hold the core
        end_orphan(pid)


def end_orphan(pid, seconds=3):
    """Waits until a descendant has gone, and kills it when it does not go."""
    end = time.monotonic() + seconds
    while state_of(pid) not in ("", "Z"):
        if time.monotonic() > end:
            os.kill(pid, 9)
        time.sleep(0.02)


def state_of(pid):
    """The letter of a process's state in /proc, empty when it has gone."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].strip()[:1]


def read(path):
    """The text of a file below /proc, empty when its process has gone."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def process_tree(pid):
    """The process and all its descendants: masters, workers, and what signs for them (h2o's neverbleed)."""
    pids, at = [pid], 0
    while at < len(pids):
        for children in glob.glob(f"/proc/{pids[at]}/task/*/children"):
            pids += [int(child) for child in read(children).split()]
        at += 1
    return pids


def cpu_ns(pid):
    """Nanoseconds that all threads of a process and its descendants have run, and that they have waited to run. Threads
    that have ended are lost; no peer ends threads under load."""
    stats = [read(stat).split() for one in process_tree(pid) for stat in glob.glob(f"/proc/{one}/task/*/schedstat")]
    return sum(int(stat[0]) for stat in stats if stat), sum(int(stat[1]) for stat in stats if stat)


def memory_kib(pid):
    """RSS and PSS of a process and its descendants, in KiB. RSS counts a page once for each process that shares it."""
    rss = pss = 0
    for one in process_tree(pid):
        text = read(f"/proc/{one}/smaps_rollup")
        rss += sum(map(int, re.findall(r"^Rss:\s+(\d+)", text, re.M)))
        pss += sum(map(int, re.findall(r"^Pss:\s+(\d+)", text, re.M)))
    return rss, pss
