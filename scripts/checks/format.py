#!/usr/bin/env python3
"""The layout of C++: clang-format-19 leaves every file as it is. `scripts/checks/format.py --fix` lays them out."""

import re
import subprocess
import sys

from sources import ROOT, cpp_files, report

TOOL = "clang-format-19"


def check(root, fix=False):
    """All places below `root` that the tool would change, one line each; with `fix`, changes them."""
    paths = [str(path) for path in cpp_files(root, "src", "tests", "bench")]
    if not paths:
        return []
    mode = ["-i"] if fix else ["--dry-run"]
    style = f"--style=file:{ROOT / '.clang-format'}"
    done = subprocess.run([TOOL, style, *mode, *paths], cwd=root, capture_output=True, text=True, check=False)
    places = re.findall(r"^(\S+?:\d+):\d+: (?:warning|error)", done.stderr, re.M)
    problems = [f"{place}: not laid out; run scripts/checks/format.py --fix" for place in places]
    if done.returncode != 0 and not problems:
        problems.append(f"{TOOL} failed: {done.stderr.strip()}")
    return problems


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--fix"]
    sys.exit(report(check(arguments[0] if arguments else ROOT, fix="--fix" in sys.argv)))
