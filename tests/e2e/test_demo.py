# SPDX-License-Identifier: Apache-2.0
"""`viaduct demo` as a newcomer meets it: it starts, the curl lines that it prints work as printed, Ctrl-C ends it."""
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from harness.cli import find_binary
from harness.waiting import DEADLINE, wait_until


class Demo:
    def __init__(self, directory):
        self.lines = []
        self.process = subprocess.Popen([find_binary(), "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, cwd=directory, encoding="utf-8", errors="replace",
                                        start_new_session=True)
        self.last = time.monotonic()
        threading.Thread(target=self.read, daemon=True).start()
        wait_until(lambda: self.process.poll() is not None or (self.commands() and time.monotonic() - self.last > 1),
                   lambda: "curl lines in:\n" + self.text(), 4 * DEADLINE)
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.text()}"

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self.last = time.monotonic()

    def text(self):
        return "\n".join(self.lines)

    def commands(self):
        """The printed commands, with their continuation lines."""
        found, open_line = [], False
        for line in self.lines:
            stripped = re.sub(r"^\s*\$\s+", "", line).strip()
            if open_line:
                found[-1] += "\n" + stripped
            elif stripped.startswith("curl "):
                found.append(stripped)
            else:
                continue
            open_line = stripped.endswith("\\")
        return found


@pytest.fixture(scope="module")
def demo(place):
    demo = Demo(place)
    yield demo
    if demo.process.poll() is None:
        os.killpg(demo.process.pid, signal.SIGKILL)
        demo.process.wait()


def bash(command, cwd):
    return subprocess.run(["bash", "-c", command], capture_output=True, encoding="utf-8", errors="replace", cwd=cwd,
                          timeout=3 * DEADLINE, stdin=subprocess.DEVNULL)


def test_printed_lines_work_as_printed(demo, place):
    commands = demo.commands()
    assert len(commands) >= 4, demo.text()
    for command in commands:
        done = bash(command, place)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), f"{command}: no output"
        assert not re.search(r"HTTP/[\d.]+ (421|502|503|504)", done.stdout), f"{command}\n{done.stdout}"


def test_lines_show_the_scene(demo):
    """A payment notice, the API with CORS and something that is denied, over TLS with the demo's certificate."""
    text = "\n".join(demo.commands())
    assert "/api/v1/events" in text and "Upgrade: websocket" in text
    assert "https://" in text and "/api/v1/payment/notify" in text and "/api/v1/internal" in text and "Origin" in text


def test_results_are_printed_beside_the_lines(demo, place):
    """What the demo says a line gives is what it gives: every printed status is that of the line before it."""
    statuses = re.findall(r"\b(200|204|206|304|308|401|403|404|405|413)\b", demo.text())
    assert len(set(statuses)) >= 2, demo.text()


def test_lines_work_again_and_the_certificate_is_the_demos_own(demo, place):
    command = next(line for line in demo.commands() if "https://" in line)
    assert "-k " not in command and "--insecure" not in command
    for _ in range(2):
        assert bash(command, place).returncode == 0


def test_two_demos_run_at_once_or_say_why_not(demo, place):
    process = subprocess.Popen([find_binary(), "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", cwd=place)
    text = []
    threading.Thread(target=lambda: text.extend(process.stdout), daemon=True).start()
    wait_until(lambda: process.poll() is not None or "curl " in "".join(text), lambda: "".join(text), 4 * DEADLINE)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        assert process.wait(2 * DEADLINE) == 0
    else:
        assert process.returncode == 1 and re.search(r"127\.0\.0\.1|address|port", "".join(text))


def test_ctrl_c_ends_it(demo, place):
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(2 * DEADLINE) == 0
    assert not list(place.glob("*.pem")) and not list(place.glob("*.key")), "the demo leaves files behind"
    address = re.search(r"https://[^\s'\"]+", "\n".join(demo.commands())).group()
    assert bash(f"curl -sk --max-time 5 {address!r}", place).returncode != 0
