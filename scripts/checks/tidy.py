#!/usr/bin/env python3
"""clang-tidy-19 over src/ with .clang-tidy: every finding is an error.

    scripts/checks/tidy.py BUILD_FOLDER [FILE...]

A file that was clean is looked at again when it, a header it includes, its flags or .clang-tidy changed; the stamps lie
in BUILD_FOLDER/tidy/. Most of the time goes into the headers of the system, so files are looked at in batches, one
after the other in one text; one that a finding points to is looked at once more, alone, and that counts.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from batching import batches
from compiling import commands, digest_of, run_all
from sources import ROOT, read_text, report

TOOL = "clang-tidy-19"
BATCH_SIZE = 48


def command(path, flags):
    return [TOOL, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", str(path), "--", *flags, "-w"]


def findings_in(output):
    return re.findall(r"^\S+?:\d+:\d+: (?:warning|error): .*$", output, re.M)


def batched(paths_by_flags, texts, folder):
    """The files as batches, each written to `folder` as one text: {file: (command, paths)}."""
    found = {}
    for flags, paths in paths_by_flags.items():
        for batch in batches({path: texts[path] for path in paths}, BATCH_SIZE):
            file = folder / f"batch_{len(found)}.cc"
            file.write_text("\n".join(texts[path] for path in batch))
            found[file.as_posix()] = (command(file, flags), batch)
    return found


def suspects(file, paths, texts, output):
    """Those of `paths` that the findings in their batch `file` point to; all of them where one points elsewhere."""
    lines = re.findall(rf"^{re.escape(file)}:(\d+):\d+: (?:warning|error): (?!.*\[clang-diagnostic-)", output, re.M)
    if len(lines) != len(findings_in(output)) or not lines:
        return paths
    owners = [path for path in paths for _ in range(texts[path].count("\n") + 1)]
    return sorted({owners[int(line) - 1] for line in lines})


def clean_in_batches(paths_by_flags, texts):
    """Looks at all files in batches; the paths of those that are without findings."""
    clean = set()
    with tempfile.TemporaryDirectory() as folder:
        found = batched(paths_by_flags, texts, pathlib.Path(folder))
        for file, status, output in run_all({file: line for file, (line, _) in found.items()}):
            paths = found[file][1]
            clean.update(paths)
            if status != 0 or findings_in(output):
                clean.difference_update(suspects(file, paths, texts, output))
    return clean


def problems_alone(flags_of):
    """Looks at each file alone: yields (path, findings), no findings where it is clean."""
    for path, status, output in run_all({path: command(path, flags) for path, flags in flags_of.items()}):
        findings = [finding.replace(f"{ROOT}/", "") for finding in findings_in(output)]
        if status != 0 and not findings:
            findings = [f"{path}:1: {TOOL} ended with status {status}: {output.strip()}"]
        yield path, findings


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    only = {pathlib.Path(name).resolve().relative_to(ROOT).as_posix() for name in sys.argv[2:]}
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    version = subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_text()

    seen_texts, digests, todo = {}, {}, {}
    for path, flags in commands(build).items():
        if only and path not in only:
            continue
        digests[path] = digest_of(path, settings + " ".join(flags), seen_texts)
        if not (stamps / digests[path]).exists():
            todo[path] = flags

    paths_by_flags = {}
    for path, flags in sorted(todo.items()):
        paths_by_flags.setdefault(tuple(flags), []).append(path)
    clean = clean_in_batches(paths_by_flags, {path: read_text(ROOT, path) for path in todo})
    problems = []
    for path, findings in problems_alone({path: todo[path] for path in sorted(set(todo) - clean)}):
        problems += findings
        if not findings:
            clean.add(path)
    for path in clean:
        (stamps / digests[path]).touch()
    if not only:
        for stamp in stamps.iterdir():
            if stamp.name not in digests.values():
                stamp.unlink()
    print(f"{TOOL}: {len(todo)} of {len(digests)} files looked at, the others unchanged", file=sys.stderr)
    sys.exit(report(problems))


if __name__ == "__main__":
    main()
