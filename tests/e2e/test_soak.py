# SPDX-License-Identifier: Apache-2.0
"""scripts/soak itself, for some seconds: that it loads, changes things and measures, and that it sees what is wrong."""
import json
import re
import subprocess
import sys
import types

import pytest

from harness.cli import PROJECT
from harness.waiting import DEADLINE, SANITIZED

sys.path[:0] = [str(PROJECT / "scripts"), str(PROJECT / "bench")]

from soaking import report  # noqa: E402


@pytest.mark.skipif(SANITIZED, reason="it measures memory, which the sanitizers have of their own")
def test_some_seconds_of_it_pass(tmp_path):
    done = subprocess.run([str(PROJECT / "scripts/soak"), "0.003", "--every", "0.5", "--out", str(tmp_path)],
                          capture_output=True, text=True, timeout=12 * DEADLINE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^ +time +requests +failures +reloads", done.stdout, re.M)
    samples = json.loads((tmp_path / "samples.json").read_text())
    last = samples[-1]
    assert last["requests"] > 100 and last["failures"] == 0
    assert all(last["changes"][kind] >= 1 for kind in ("reloads", "certificates", "restarts", "rotations")), last
    assert (tmp_path / "soak.svg").read_text().count("<polyline") == 6


def judged(memory, files=(20, 25), failed=0, exit_code=0):
    """The faults of a run with these numbers."""
    worker = types.SimpleNamespace(kind="h2", requests=9, failed=failed, failures=[])
    samples = report.Samples.__new__(report.Samples)
    samples.workers, samples.files_at_start, samples.idle_files = [worker], *files
    samples.samples = [report.Sample(i, i, 0, kib, 30, 1.0, 2.0, {kind: 0 for kind in (
        "reloads", "certificates", "restarts", "rotations")}) for i, kib in enumerate(memory)]
    return samples.judge(exit_code).faults


def test_growth_and_failures_are_faults():
    flat = [30_000] * 16
    assert judged(flat) == []
    assert judged([*flat[:12], *[36_000] * 4]) == [], "pools fill up"
    assert len(judged([*flat[:12], *[60_000] * 4])) == 1
    assert len(judged(flat, files=(20, 400))) == 1
    assert len(judged(flat, failed=1)) == 1
    assert len(judged(flat, exit_code=1)) == 1
