# SPDX-License-Identifier: Apache-2.0
"""Counts what a proxied request costs Viaduct where a clock would waver: system calls (strace), instructions of user
space and allocations of the heap (callgrind).

A scenario is loaded twice with different numbers of requests, by one connection that has one request under way, so that
nothing is batched by chance. The difference is divided by the requests that it has more: what starts, connects or
shakes hands is in both and drops out. What remains beside requests is a timer now and then; it only ever adds.
"""

import collections
import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import time

import certificates
import peers
import processes
from loads import ORIGIN
from peers.peer import Setting
from processes import Failure

# Requests of the two runs of a scenario, and those before them that fill pools and bind symbols.
WARM_UP, FEW, MANY = 60, 100, 700
BODY = "x" * 1536
START_SECONDS, LOAD_SECONDS = 120, 120

# Calls that move bytes; all others are "other".
DATA_CALLS = {"read", "readv", "pread64", "preadv", "recvfrom", "recvmsg",
              "write", "writev", "sendto", "sendmsg", "sendfile"}
STRACE_LINE = re.compile(r"^(\d+) +(\w+)\(", re.M)

PROGRAM = "/viaduct"  # how the path of what is measured ends
ALLOCATORS = {"malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"}
NAME = re.compile(r"(c?)(ob|fn)=\((\d+)\)(?: (.*))?$")

# The least that an x86-64 processor has: what the C library and OpenSSL choose by processor would count otherwise on
# another machine.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-ERMS,-FSRM,-BMI2,-LZCNT,-MOVBE,-RTM",
               "OPENSSL_ia32cap": "~0x1000000000000000:0x0"}


@dataclasses.dataclass(frozen=True)
class Counts:
    """What one request costs."""

    data_calls: float
    other_calls: float
    allocations: float
    instructions: float  # in the program itself
    all_instructions: float  # with those of libraries


def load(scenario, port, requests, folder):
    """Sends so many requests, one after the other on one connection; raises Failure where one is not answered."""
    options = []
    if scenario.body_bytes:
        with open(f"{folder}/body", "w") as file:
            file.write(BODY)
        options = ["-d", f"{folder}/body"]
    options += [] if scenario.h2 else ["--h1"]
    url = f"{'https' if scenario.tls else 'http'}://localhost:{port}{scenario.path}"
    done = subprocess.run(["h2load", f"-n{requests}", "-c1", "-m1", "-t1", "-H", f"origin: {ORIGIN}", *options, url],
                          capture_output=True, text=True, timeout=LOAD_SECONDS, check=False)
    if done.returncode or f"status codes: {requests} 2xx" not in done.stdout:
        raise Failure(f"h2load failed: {(done.stdout + done.stderr)[-300:]}")


class SystemCalls:
    """Viaduct under strace, as its child: attaching needs rights that strace may lack."""

    def __init__(self, folder):
        self.log = f"{folder}/strace.log"
        self.command = ["strace", "-f", "-qq", "--signal=none", "-o", self.log]
        self.offset = 0

    def take(self, _process):
        """How often each call was made since take() before, by the thread that made most of them: the worker."""
        with open(self.log) as file:
            file.seek(self.offset)
            text = file.read()
            self.offset = file.tell()
        threads = collections.defaultdict(collections.Counter)
        for thread, call in STRACE_LINE.findall(text):
            threads[thread][call] += 1
        calls = max(threads.values(), key=lambda counter: counter.total())
        data = sum(count for call, count in calls.items() if call in DATA_CALLS)
        return {"data_calls": data, "other_calls": calls.total() - data}


class Instructions:
    """Viaduct under callgrind."""

    def __init__(self, folder):
        self.folder, self.dumps = folder, 0
        self.parts = []  # a Counter of instructions by part of the program for each take()
        self.prefix = f"--vgdb-prefix={folder}/vgdb"
        self.command = ["valgrind", "--tool=callgrind", "-q", self.prefix, f"--callgrind-out-file={folder}/callgrind"]

    def take(self, process):
        """Instructions and allocations since take() before."""
        subprocess.run(["vgdb", self.prefix, f"--pid={process.pid}", "--wait=20", "dump"], capture_output=True,
                       check=True, timeout=60)
        self.dumps += 1
        path = f"{self.folder}/callgrind.{self.dumps}"
        while not processes.read(path).rstrip().rpartition("\n")[2].startswith("totals:"):
            time.sleep(0.02)
        allocations, costs = count_profile(path)
        own = sum(cost for (code, _), cost in costs.items() if code.endswith(PROGRAM))
        self.parts.append(collections.Counter())
        for place, cost in costs.items():
            self.parts[-1][part_of(*place)] += cost
        return {"allocations": allocations, "instructions": own, "all_instructions": costs.total()}


def count_profile(path):
    """Allocations, and a Counter of the instructions of each (object, function), of a file of callgrind. Names are
    written once there, and are numbers from then on."""
    names = {}
    costs = collections.Counter()
    allocations = 0
    here = function = called = ""
    is_call = False
    with open(path) as file:
        for line in file:
            if line[0].isdigit() or line[0] in "+-*":
                if not is_call:  # else it is the cost of what was called
                    costs[here, function] += int(line.split()[1])
                is_call = False
            elif line.startswith("calls="):
                is_call = True
                allocations += int(line[6:].split()[0]) if called.partition("'")[0] in ALLOCATORS else 0
            elif found := NAME.match(line.rstrip("\n")):
                of_call, kind, number, text = found.groups()
                if text:
                    names[kind, number] = text
                if kind == "fn" and of_call:
                    called = names[kind, number]
                elif kind == "fn":
                    function = names[kind, number]
                elif not of_call:
                    here = names[kind, number]
    return allocations, costs


def part_of(code, function):
    """A folder of src/ by the namespace of `function`, else the library."""
    if not code.endswith(PROGRAM):
        return re.sub(r"[-.].*", "", os.path.basename(code)) or "valgrind"
    found = re.search(r"viaduct::(\w+)::", function)
    return f"viaduct {found[1]}" if found else "viaduct llhttp" if "llhttp" in function else "viaduct (std, fmt)"


class Counter:
    """Counts scenario after scenario: one upstream, and one Viaduct under each tool."""

    def __init__(self, folder, www, binary, upstream):
        self.folder, self.binary = folder, binary
        site = certificates.make_site(folder, "localhost")
        ports = [processes.free_port() for _ in range(4)]
        self.setting = Setting(folder=folder, programs="", binary=binary, plain_port=ports[0], tls_port=ports[1],
                               upstream=ports[2], tls_upstream=ports[3], www=www, sites=(site,))
        self.command = peers.PEERS["viaduct"].command(self.setting)
        self.upstream = [upstream, "--port", str(ports[2]), "--tls-port", str(ports[3]), "--tls", site.certificate,
                         "--key", site.key]

    def count(self, scenarios):
        """{name: Counts} of the scenarios."""
        with self.running(self.upstream, self.setting.upstream):
            counts = [self.count_with(tool(self.folder), scenarios) for tool in (SystemCalls, Instructions)]
        return {name: Counts(**counts[0][name], **counts[1][name]) for name in counts[0]}

    def count_parts(self, scenario):
        """{part of the program: instructions of a request}."""
        tool = Instructions(self.folder)
        with self.running(self.upstream, self.setting.upstream):
            self.count_with(tool, [scenario])
        _, few, many = tool.parts
        return {part: (count - few[part]) / (MANY - FEW) for part, count in many.most_common()}

    def count_with(self, tool, scenarios):
        """{name: {field: count}} of what `tool` counts."""
        with self.running(tool.command + self.command, self.setting.tls_port) as process:
            return {scenario.name: self.count_scenario(tool, process, scenario) for scenario in scenarios}

    def count_scenario(self, tool, process, scenario):
        """What one request costs."""
        port = self.setting.tls_port if scenario.tls else self.setting.plain_port
        taken = []
        for requests in (WARM_UP, FEW, MANY):
            load(scenario, port, requests, self.folder)
            taken.append(tool.take(process))
        return {field: (taken[2][field] - taken[1][field]) / (MANY - FEW) for field in taken[0]}

    @contextlib.contextmanager
    def running(self, command, port):
        """A process that listens on `port`."""
        output = f"{self.folder}/output.log"
        with open(output, "a") as file:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                       env={**os.environ, **ENVIRONMENT}, start_new_session=True)
        try:
            processes.wait_for(process, port, output, START_SECONDS)
            yield process
        finally:
            for pid in processes.process_tree(process.pid)[1:]:  # strace does not let itself be told to end
                os.kill(pid, signal.SIGTERM)
            processes.stop(process)
