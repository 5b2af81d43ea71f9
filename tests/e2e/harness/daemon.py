# SPDX-License-Identifier: Apache-2.0
"""Starts and watches `viaduct run`: bound addresses and readiness from its error log, access records from its file.

The contract: for each listener of the config, in order, one line with `listening address=IP:PORT tls=true|false` on
standard error, then one with `ready workers=N`. The access log is on disk within a second and when the process ends.
"""
import json
import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from .cli import find_binary, run, write_config
from .waiting import DEADLINE, wait_until

LISTENING = re.compile(r"\blistening address=(\S+) tls=(true|false)")
READY = re.compile(r"\bready workers=(\d+)")
SANITIZER_REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer",
                     "CHECK failed")


@dataclass(frozen=True)
class Listener:
    address: str
    tls: bool

    @property
    def port(self):
        return int(self.address.rpartition(":")[2])


def with_defaults(config, directory):
    """Adds where this run's logs and socket are, as far as the config does not say so itself."""
    config = dict(config)
    logs = dict(config.get("logs", {}))
    logs["access"] = {"file": str(directory / "access.log"), "format": "json", **logs.get("access", {})}
    logs["error"] = {"file": "-", "level": "info", **logs.get("error", {})}
    config["logs"] = logs
    config["admin"] = {"socket": str(directory / "admin.sock"), **config.get("admin", {})}
    # With core_dumps, whoever is not root may look into /proc and attach a tracer.
    config["process"] = {"workers": 2, "drain": "10s", "core_dumps": True, **config.get("process", {})}
    return config


def is_alive(pid):
    """Whether a process that need not be our child runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Daemon:
    """One running daemon. `config` is a dict, completed by with_defaults(), or YAML text, taken as it is. `wrapper` is
    a command that runs it, `slowness` how much longer all takes then, `descriptors` what it inherits of ours."""

    def __init__(self, config, directory, environment=None, wrapper=(), slowness=1, program=None, descriptors=()):
        self.directory = Path(directory)
        self.program = program or find_binary()
        self.successor = None  # the process that serves after an upgrade
        self.environment = environment
        self.wrapper, self.slowness, self.descriptors = list(wrapper), slowness, descriptors
        self.error_lines = []
        self.listeners = []
        self.access_path = self.directory / "access.log"
        self.config_path = self.write(config)
        self.process = None
        self.start()

    def write(self, config):
        if not isinstance(config, str):
            config = with_defaults(config, self.directory)
        return write_config(config, self.directory)

    # ---- the process -------------------------------------------------------------------------------------------------

    def start(self):
        self.process = subprocess.Popen([*self.wrapper, self.program, "run", "-c", str(self.config_path)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        cwd=self.directory, env=self.environment, pass_fds=self.descriptors)
        self.reader = threading.Thread(target=self.read_errors, daemon=True)
        self.reader.start()
        try:
            wait_until(lambda: self.find_error(READY) or self.process.poll() is not None, "the line ready workers=N",
                       2 * DEADLINE * self.slowness)
        except AssertionError as error:
            self.process.kill()
            raise AssertionError(f"not ready in time:\n{self.error_text()}") from error
        if self.process.poll() is not None:
            self.reader.join(DEADLINE)
            raise AssertionError(f"viaduct run ended with {self.process.returncode}:\n{self.error_text()}")
        self.listeners = [Listener(match[1], match[2] == "true") for match in map(LISTENING.search, self.error_lines)
                          if match]
        assert self.listeners, f"no listening line:\n{self.error_text()}"

    def read_errors(self):
        for line in self.process.stderr:
            self.error_lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    @property
    def pid(self):
        return self.successor or self.process.pid

    def upgrade(self):
        """Runs `viaduct upgrade`; from then on this is the process that serves."""
        done = run("upgrade", "-c", self.config_path)
        assert done.returncode == 0, (done.stdout, done.stderr, self.error_text())
        found = re.match(r"ok\nprocess (\d+) serves", done.stdout)
        assert found, done.stdout
        self.successor = int(found[1])

    @property
    def redirecting(self):
        """The plain listener with redirect_to_https, as scene() orders them."""
        return self.listeners[0]

    @property
    def https(self):
        return next(one for one in self.listeners if one.tls)

    @property
    def http(self):
        """The last plain listener: in scene() the one without redirect."""
        return [one for one in self.listeners if not one.tls][-1]

    def send_signal(self, number):
        os.kill(self.pid, number)

    def is_running(self):
        return is_alive(self.successor) if self.successor else self.process.poll() is None

    def stop(self, number=signal.SIGTERM, timeout=None):
        """Stops and returns the exit code; AssertionError on a sanitizer's report, or when it takes too long."""
        if self.is_running():
            self.send_signal(number)
        return self.wait_stopped(timeout)

    def wait_stopped(self, timeout=None):
        if self.successor:
            wait_until(lambda: not is_alive(self.successor), "the end of the process that serves", timeout)
        try:
            code = self.process.wait(timeout or 2 * DEADLINE * self.slowness)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not stop in time:\n{self.error_text()}") from error
        self.reader.join(DEADLINE)
        text = "\n".join(self.error_lines)
        assert not any(report in text for report in SANITIZER_REPORTS), text[-20000:]
        return code

    def resident_kib(self):
        """VmRSS."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1])

    # ---- its logs ----------------------------------------------------------------------------------------------------

    def error_text(self):
        return "\n".join(self.error_lines[-200:])

    def find_error(self, pattern, start=0):
        """The match of `pattern` in the first error line that has one, from line `start` on."""
        for line in self.error_lines[start:]:
            match = re.search(pattern, line)
            if match:
                return match
        return None

    def wait_error(self, pattern, start=0):
        return wait_until(lambda: self.find_error(pattern, start), lambda: f"{pattern!r} in:\n{self.error_text()}")

    def access_text(self):
        return self.access_path.read_text(encoding="utf-8", errors="replace") if self.access_path.exists() else ""

    def access_records(self):
        """All whole lines of the JSON access log."""
        return [json.loads(line) for line in self.access_text().split("\n")[:-1]]

    def wait_for_text(self, text):
        """Waits until the access log holds `text`."""
        wait_until(lambda: text in self.access_text(), lambda: f"{text} in the access log")

    def wait_record(self, request_id):
        """The access record of one exchange. AssertionError when there is none in time, or two."""
        assert request_id, "the answer carries no X-Request-ID"

        def find():
            return [one for one in self.access_records() if one["request_id"] == request_id]

        found = wait_until(find, lambda: f"request_id {request_id} in:\n{self.access_text()[-3000:]}")
        assert len(found) == 1, found
        return found[0]

    def record_of(self, response):
        """The access record of the exchange that ended with `response`."""
        return self.wait_record(response.request_id)

    def wait_record_where(self, condition, what):
        """The first access record for which `condition(record)` holds."""
        def find():
            return [one for one in self.access_records() if condition(one)]
        return wait_until(find, lambda: f"an access record of {what}:\n{self.access_text()[-3000:]}")[0]

    def wait_reason(self, reason, count=1):
        """Waits until `count` access records have that reason; returns the last."""
        def find():
            found = [one for one in self.access_records() if one["reason"] == reason]
            return found if len(found) >= count else None
        return wait_until(find, lambda: f"{count} records of {reason}:\n{self.access_text()[-3000:]}")[-1]
