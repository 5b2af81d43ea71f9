#!/usr/bin/env python3
"""Every header compiles alone, with the compiler and the flags of the project.

    scripts/checks/headers.py BUILD_FOLDER

A header with a .cc is proven by the .cc, whose first include it is (text.py holds that). This compiles the others.
"""

import pathlib
import sys

from compiling import commands, run_all
from sources import ROOT, cpp_files, report


def check(root, flags_of_folder, compiler="c++"):
    """All headers of src/ below `root` that have no .cc and do not compile alone, one line each.

    `flags_of_folder` names the flags of the folders of src/; None those of a folder that compiles nothing itself.
    """
    root = pathlib.Path(root)
    todo = {}
    for path in cpp_files(root, "src"):
        if path.suffix == ".h" and not (root / path).with_suffix(".cc").exists():
            alone = ["-fsyntax-only", "-include", str(root / path), "-x", "c++", "/dev/null"]
            flags = flags_of_folder.get(path.parts[1], flags_of_folder[None])
            todo[path.as_posix()] = [compiler, *flags, *alone]
    problems = []
    for path, status, output in run_all(todo):
        if status != 0:
            first = next((line for line in output.split("\n") if "error" in line), output.strip())
            problems.append(f"{path}:1: does not compile alone: {first.replace(f'{root}/', '')}")
    return problems


def main():
    build = pathlib.Path(sys.argv[1])
    flags_of_folder = {}
    for path, flags in commands(build).items():
        flags_of_folder[pathlib.PurePath(path).parts[1]] = flags
        flags_of_folder[None] = flags
    sys.exit(report(check(ROOT, flags_of_folder)))


if __name__ == "__main__":
    main()
