#!/usr/bin/env python3
"""clang-tidy-19 over src/ with .clang-tidy: every finding is an error.

    scripts/checks/tidy.py BUILD_FOLDER [FILE...]

A file that was clean is looked at again when it, a header it includes, its flags or .clang-tidy changed; the stamps lie
in BUILD_FOLDER/tidy/.
"""

import pathlib
import re
import subprocess
import sys

from compiling import commands, digest_of, run_all
from sources import ROOT, report

TOOL = "clang-tidy-19"


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    only = {pathlib.Path(name).resolve().relative_to(ROOT).as_posix() for name in sys.argv[2:]}
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    version = subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_text()

    texts, digests, todo = {}, {}, {}
    for path, flags in commands(build).items():
        if only and path not in only:
            continue
        digests[path] = digest_of(path, settings + " ".join(flags), texts)
        if not (stamps / digests[path]).exists():
            todo[path] = [TOOL, "--quiet", path, "--", *flags, "-w"]

    problems = []
    for path, status, output in run_all(todo):
        findings = re.findall(r"^\S+?:\d+:\d+: (?:warning|error): .*$", output, re.M)
        problems += [finding.replace(f"{ROOT}/", "") for finding in findings]
        if status == 0 and not findings:
            (stamps / digests[path]).touch()
        elif not findings:
            problems.append(f"{path}:1: {TOOL} ended with status {status}: {output.strip()}")
    if not only:
        for stamp in stamps.iterdir():
            if stamp.name not in digests.values():
                stamp.unlink()
    print(f"{TOOL}: {len(todo)} of {len(digests)} files looked at, the others unchanged", file=sys.stderr)
    sys.exit(report(problems))


if __name__ == "__main__":
    main()
