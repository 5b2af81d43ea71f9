# SPDX-License-Identifier: Apache-2.0
"""What a soak run measures over time, and what is made of it: lines of a table, a plot, a verdict."""

import json
import os
import time
from dataclasses import dataclass, field

import plot
from harness.waiting import wait_until_steady

# Memory may grow by this much between the second quarter of a run and the last: pools and tables that fill up.
MEMORY_GROWTH_SHARE, MEMORY_GROWTH_KIB = 0.10, 8 * 1024
# Descriptors that may be open at the end, when no client is there any more, beyond those at the start: the idle
# connections to both servers of each worker.
DESCRIPTORS_AT_END = 80
HEAD = "     time   requests  failures  reloads  certs  restarts  rotations  memory MiB  files   50 % ms   99 % ms"


@dataclass
class Sample:
    """One moment."""

    seconds: float
    requests: int
    failures: int
    memory_kib: int
    descriptors: int
    median_ms: float
    high_ms: float
    changes: dict


@dataclass
class Outcome:
    """The whole run."""

    samples: list
    faults: list = field(default_factory=list)
    failures: list = field(default_factory=list)


def quantile(values, share):
    """The value below which that share lies; 0 without values."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else 0.0


class Samples:
    """Looks at the daemon and the clients now and then."""

    def __init__(self, daemon, workers, world):
        self.daemon, self.workers, self.world = daemon, workers, world
        self.begun = time.monotonic()
        self.samples = []
        self.printed = 0
        self.files_at_start = self.files()
        self.idle_files = None
        print(HEAD, flush=True)

    @staticmethod
    def interval(seconds):
        """How long to wait between two looks: 240 of them, or one a second."""
        return max(seconds / 240, min(1.0, seconds / 10))

    def files(self):
        """Open descriptors of the daemon."""
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def take(self):
        """One look; a line of the table now and then."""
        if not self.daemon.is_running():
            return
        times = [1000 * seconds for worker in self.workers for seconds in worker.take_times()]
        sample = Sample(time.monotonic() - self.begun, sum(worker.requests for worker in self.workers),
                        sum(worker.failed for worker in self.workers), self.daemon.resident_kib(), self.files(),
                        quantile(times, 0.5), quantile(times, 0.99), dict(self.world.counts))
        self.samples.append(sample)
        if len(self.samples) >= self.printed * 20 + 1:
            self.printed += 1
            self.print(sample)

    @staticmethod
    def print(sample):
        """A line of the table."""
        changes = sample.changes
        print(f"{sample.seconds:8.0f}s {sample.requests:10,} {sample.failures:9,} {changes['reloads']:8} "
              f"{changes['certificates']:6} {changes['restarts']:9} {changes['rotations']:10} "
              f"{sample.memory_kib / 1024:11.1f} {sample.descriptors:6} {sample.median_ms:9.2f} {sample.high_ms:9.2f}",
              flush=True)

    def take_idle(self):
        """Descriptors when the clients have gone."""
        if self.daemon.is_running():
            self.idle_files = wait_until_steady(self.files, "steady descriptors")

    def judge(self, exit_code):
        """What is wrong with the run."""
        outcome = Outcome(self.samples, failures=[line for worker in self.workers for line in worker.failures])
        self.print(self.samples[-1])
        failed = sum(worker.failed for worker in self.workers)
        if failed:
            outcome.faults.append(f"{failed} requests failed")
        for worker in self.workers:
            if worker.requests == 0:
                outcome.faults.append(f"the client {worker.kind} got no answer at all")
        if exit_code != 0:
            outcome.faults.append(f"the daemon ended with {exit_code}")
        outcome.faults += self.growth()
        return outcome

    def growth(self):
        """Memory and descriptors, early and late."""
        faults = []
        quarter = len(self.samples) // 4
        if quarter >= 2:
            early = quantile([sample.memory_kib for sample in self.samples[quarter:2 * quarter]], 0.5)
            late = quantile([sample.memory_kib for sample in self.samples[-quarter:]], 0.5)
            if late > early * (1 + MEMORY_GROWTH_SHARE) + MEMORY_GROWTH_KIB:
                faults.append(f"memory grew from {early / 1024:.1f} to {late / 1024:.1f} MiB")
        if self.idle_files is not None and self.idle_files > self.files_at_start + DESCRIPTORS_AT_END:
            faults.append(f"{self.idle_files} descriptors are left open, {self.files_at_start} were at the start")
        return faults


# ---- the plot -------------------------------------------------------------------------------------------------------

PANELS = ("requests a second", "failures", "memory in MiB (RSS)", "open descriptors",
          "latency in ms: half, and 99 of 100, are quicker")
PANEL_HEIGHT = 130


def series_of(samples):
    """For each panel, its lines: values by time."""
    rates = [0.0]
    for before, after in zip(samples, samples[1:]):
        rates.append((after.requests - before.requests) / max(after.seconds - before.seconds, 1e-6))
    if len(rates) > 1:
        rates[0] = rates[1]
    return [[rates], [[sample.failures for sample in samples]],
            [[sample.memory_kib / 1024 for sample in samples]], [[sample.descriptors for sample in samples]],
            [[sample.median_ms for sample in samples], [sample.high_ms for sample in samples]]]


def panel(title, lines, samples, top):
    """One panel of the plot."""
    left, right, bottom = plot.LEFT, plot.WIDTH - plot.RIGHT, top + PANEL_HEIGHT - 30
    height, last = PANEL_HEIGHT - 55, max(samples[-1].seconds, 1e-6)
    highest = max(max(values) for values in lines) or 1
    step = plot.nice_step(highest, 3)
    ceiling = step * -(-highest // step)
    parts = [plot.text(left, top + 14, title, more='font-weight="bold"')]
    for count in range(round(ceiling / step) + 1):
        y = bottom - count * step / ceiling * height
        parts += [plot.line(left, y, right, y), plot.text(left - 6, y + 4, f"{count * step:g}", "end")]
    for number, values in enumerate(lines):
        path = " ".join(f"{left + sample.seconds / last * (right - left):.1f},{bottom - value / ceiling * height:.1f}"
                        for sample, value in zip(samples, values))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{plot.colour(number)}" stroke-width="1.5"/>')
    return parts


def picture(samples):
    """All panels over one axis of time."""
    total = PANEL_HEIGHT * len(PANELS) + 40
    parts = []
    for number, (title, lines) in enumerate(zip(PANELS, series_of(samples))):
        parts += panel(title, lines, samples, 10 + number * PANEL_HEIGHT)
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = plot.LEFT + share * (plot.WIDTH - plot.LEFT - plot.RIGHT)
        anchor = {0: "start", 1: "end"}.get(share, "middle")
        parts.append(plot.text(x, total - 14, f"{share * samples[-1].seconds / 60:.1f} min", anchor))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plot.WIDTH} {total}" role="img">\n'
            f'<rect width="{plot.WIDTH}" height="{total}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")


def write(outcome, folder):
    """The plot and the numbers, and the verdict on standard output."""
    plot.write(folder / "soak.svg", picture(outcome.samples))
    (folder / "samples.json").write_text(json.dumps([sample.__dict__ for sample in outcome.samples], indent=1) + "\n")
    for line in outcome.failures:
        print("failure:", line)
    for fault in outcome.faults:
        print("FAULT:", fault)
    print(f"{'failed' if outcome.faults else 'passed'}; {folder / 'soak.svg'}")
