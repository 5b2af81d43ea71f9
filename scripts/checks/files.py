#!/usr/bin/env python3
"""Which files there are: every source has its test where one looks for it, names are snake_case, nothing is left over.
"""

import re

from sources import main, project_files

SNAKE_CASE = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*\.(h|cc|py)$")
# main() is run by every e2e test.
WITHOUT_UNIT_TEST = {"src/cli/main.cc"}


def check(root):
    """All problems of file names below `root`, one line each."""
    paths = project_files(root)
    names = {path.as_posix() for path in paths}
    problems = []
    for path in paths:
        name = path.as_posix()
        if path.parts[0] not in ("src", "tests"):
            continue
        if path.suffix in (".h", ".cc", ".py") and not SNAKE_CASE.match(path.name.replace("__init__", "init")):
            problems.append(f"{name}:1: a file is named in snake_case after what it holds")
        if path.suffix in (".cpp", ".hpp", ".cxx", ".hh", ".c"):
            problems.append(f"{name}:1: C++ files end in .h and .cc")
        if path.parts[0] == "src" and path.suffix == ".cc" and name not in WITHOUT_UNIT_TEST:
            test = "tests/unit/" + name.removeprefix("src/").removesuffix(".cc") + "_test.cc"
            if test not in names:
                problems.append(f"{name}:1: no test; write {test}")
        if name.startswith("tests/unit/") and path.suffix == ".cc":
            problems += left_over_problems(name, names)
    return problems


def left_over_problems(name, names):
    """A unit test that names no source: y_test.cc and y_<topic>_test.cc need src/<folder>/y.h or y.cc."""
    if not name.endswith("_test.cc"):
        return [f"{name}:1: a unit test ends in _test.cc; what tests share belongs in tests/support"]
    stem = name.removeprefix("tests/unit/").removesuffix("_test.cc")
    folder, _, words = stem.rpartition("/")
    words = words.split("_")
    for count in range(len(words), 0, -1):
        source = f"src/{folder}/{'_'.join(words[:count])}"
        if source + ".h" in names or source + ".cc" in names:
            return []
    return [f"{name}:1: tests no file of src/{folder}; name it after the file that it tests"]


if __name__ == "__main__":
    main(check)
