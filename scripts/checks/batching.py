#!/usr/bin/env python3
"""Which source files may be compiled as one: what they declare at namespace scope must differ in name.

    scripts/checks/batching.py SIZE FILE...     prints one line a file, "FILE<tab>NUMBER", NUMBER naming its batch

Headers are then read once a batch instead of once a file. Two files that give a helper the same name go into different
batches by themselves; nobody needs to care. Names are found by layout: what clang-format puts into the first column.
"""

import pathlib
import re
import sys

from sources import split_cpp

SKIPPED = re.compile(r"[\s}/]|namespace\b|using namespace\b|inline namespace\b|#[ \t]*(?!define)|[A-Z_]+\(|$")
USING = re.compile(r"using ([\w:]*::(\w+));")
NAMED = re.compile(r"(?:#[ \t]*define|struct|class|union|enum(?: class| struct)?|using|concept)[ \t]+(\w+)")
# A function or a variable: its name ends what stands before the first bracket, "=" or ";". Not a member of a class.
DECLARED = re.compile(r"[^(\[{=;]*?(?<!::)\b(\w+)\s*[(\[{=;]")
TEMPLATE_ARGUMENTS = re.compile(r"<[^<>]*>")


def names_of(text):
    """What C++ text declares at namespace scope: {name: what it stands for}; "" stands for something of its own."""
    names = {}
    for line in split_cpp(text)[0].split("\n"):
        if SKIPPED.match(line):
            continue
        while (shorter := TEMPLATE_ARGUMENTS.sub("", line)) != line:
            line = shorter
        using = USING.match(line)
        found = NAMED.match(line) or DECLARED.match(line)
        if using is not None:
            names.setdefault(using.group(2), using.group(1))
        elif found is not None:
            names[found.group(1)] = ""
    return names


def batches(texts, size):
    """Batches the files of {path: text}: lists of at most `size` paths without a clash of names, in the order given."""
    found = []
    for path, text in texts.items():
        names = names_of(text)
        for paths, taken in found:
            if len(paths) < size and all(what and what == taken[name] for name, what in names.items() if name in taken):
                paths.append(path)
                taken.update(names)
                break
        else:
            found.append(([path], names))
    return [paths for paths, _ in found]


def main():
    texts = {name: pathlib.Path(name).read_text(encoding="utf-8") for name in sys.argv[2:]}
    for number, paths in enumerate(batches(texts, int(sys.argv[1])), 1):
        for path in paths:
            print(f"{path}\t{number}")


if __name__ == "__main__":
    main()
